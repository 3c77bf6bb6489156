//! The arguments of calls on many hosts: from the command line, files and standard input, with
//! placeholders.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read as _};

use crate::json::{self, ADVICE, Json};

/// The placeholder of `map` for an input.
const INPUT: &str = "{}";

/// The placeholders, and their literal forms.
const PLACES: [&str; 6] = ["{{host}}", "{{url}}", "{{}}", "{host}", "{url}", INPUT];

/// The arguments of a call, with placeholders in their texts.
#[derive(Debug)]
pub(crate) struct Template {
    args: Vec<Json>,
    has_placeholders: bool,
}

impl Template {
    /// Reads the arguments of `call`. Besides what an argument of a single call is, one can be
    /// `@FILE` or `-`, for the content of a file or of standard input; `@@` begins a literal `@`.
    ///
    /// # Errors
    /// If an argument is no JSON but begins like it, if JSON is beyond the limits, also that of a
    /// file, or if a file cannot be read.
    pub(crate) fn read(texts: &[String], are_bytes: bool) -> Result<Self, String> {
        let mut source = Source {
            are_bytes,
            is_for_inputs: false,
            stdin: Some(io::stdin()),
        };
        Self::from_source(texts, &mut source)
    }

    /// Reads the arguments of `map`, whose inputs are standard input. One argument or more can have
    /// the placeholder `{}` for an input; without one, the input is the last argument.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub(crate) fn read_for_inputs(texts: &[String], are_bytes: bool) -> Result<Self, String> {
        let mut source = Source {
            are_bytes,
            is_for_inputs: true,
            stdin: None,
        };
        let mut texts = texts.to_vec();
        if !texts.iter().any(|text| text.contains(INPUT)) {
            texts.push(INPUT.to_owned());
        }
        Self::from_source(&texts, &mut source)
    }

    /// Creates these arguments, with placeholders.
    pub(crate) fn of(args: impl IntoIterator<Item = Json>) -> Self {
        let args: Vec<Json> = args.into_iter().collect();
        Self {
            has_placeholders: args.iter().any(has_placeholder),
            args,
        }
    }

    /// Creates the argument of a program: an array of its words, with placeholders.
    pub(crate) fn of_program(words: impl IntoIterator<Item = String>) -> Self {
        Self::of([Json::Array(words.into_iter().map(Json::String).collect())])
    }

    fn from_source(texts: &[String], source: &mut Source) -> Result<Self, String> {
        let read = |(index, text): (usize, &String)| {
            let problem = |problem| format!("argument {}: {problem}", index + 1);
            source.read(text).map_err(problem)
        };
        let args = texts.iter().enumerate().map(read);
        let args: Vec<Json> = args.collect::<Result<_, _>>()?;
        let has_placeholders = args.iter().any(has_placeholder);
        Ok(Self {
            args,
            has_placeholders,
        })
    }

    /// Returns an error that names the first number that cannot be sent.
    pub(crate) fn check(&self, max_integer: u64) -> Result<(), String> {
        let check = |(index, value): (usize, &Json)| {
            let problem = |problem| format!("argument {}: {problem}; {ADVICE}", index + 1);
            value.check(max_integer).map_err(problem)
        };
        self.args.iter().enumerate().try_for_each(check)
    }

    /// Returns the arguments for a host.
    pub(crate) fn fill(&self, host: &str, url: &str, input: Option<&Json>) -> Cow<'_, [Json]> {
        if self.has_placeholders || input.is_some() {
            let places = Places { host, url, input };
            self.args.iter().map(|value| places.fill(value)).collect()
        } else {
            Cow::Borrowed(&self.args)
        }
    }

    /// The arguments with their placeholders, as JSON: the same for the same call.
    pub(crate) fn written(&self) -> String {
        let texts: Vec<String> = self.args.iter().map(Json::write).collect();
        texts.join(" ")
    }
}

/// The source of arguments.
struct Source {
    /// Files and standard input are bytes, whatever they contain.
    are_bytes: bool,
    /// Standard input has the inputs of `map`.
    is_for_inputs: bool,
    /// Taken by the first argument that is `-`.
    stdin: Option<io::Stdin>,
}

impl Source {
    fn read(&mut self, text: &str) -> Result<Json, String> {
        if let Some(literal) = text.strip_prefix("@@") {
            return Ok(Json::String(format!("@{literal}")));
        }
        if let Some(file) = text.strip_prefix('@') {
            let content = fs::read(file).map_err(|error| format!("the file {file}: {error}"))?;
            return self.content(content);
        }
        if text == "-" {
            let stdin = self.stdin.take();
            let mut stdin = stdin.ok_or("standard input is used already")?;
            let mut content = Vec::new();
            let read = stdin.read_to_end(&mut content);
            read.map_err(|error| format!("standard input: {error}"))?;
            return self.content(content);
        }
        // A placeholder begins as an object does. `{}` is one only where there are inputs.
        let is_place = |place: &&str| text.starts_with(*place) && **place != *INPUT;
        if self.is_for_inputs && text == INPUT
            || PLACES.iter().any(is_place) && json::parse(text).is_err()
        {
            return Ok(Json::String(text.to_owned()));
        }
        argument(text)
    }

    /// Reads content as an argument: JSON or text. What is not UTF-8 is bytes.
    fn content(&self, content: Vec<u8>) -> Result<Json, String> {
        if self.are_bytes {
            return Ok(Json::Bytes(content));
        }
        match String::from_utf8(content) {
            Ok(text) => advised(json::read_content(text)),
            Err(error) => Ok(Json::Bytes(error.into_bytes())),
        }
    }
}

/// Parses a text as an argument, with advice in the error.
pub(crate) fn argument(text: &str) -> Result<Json, String> {
    advised(json::read(text))
}

fn advised(read: Result<Json, String>) -> Result<Json, String> {
    read.map_err(|problem| format!("{problem}; {ADVICE}"))
}

fn has_place(text: &str) -> bool {
    PLACES.iter().any(|place| text.contains(place))
}

fn has_placeholder(value: &Json) -> bool {
    match value {
        Json::String(text) => has_place(text),
        Json::Array(values) => values.iter().any(has_placeholder),
        Json::Object(members) => members
            .iter()
            .any(|(name, value)| has_place(name) || has_placeholder(value)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Bytes(_) => false,
    }
}

/// The values that placeholders stand for.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    pub(crate) host: &'a str,
    pub(crate) url: &'a str,
    pub(crate) input: Option<&'a Json>,
}

impl<'a> Places<'a> {
    /// Those of a host, without an input.
    pub(crate) const fn of(host: &'a str, url: &'a str) -> Self {
        let input = None;
        Self { host, url, input }
    }

    fn fill(self, value: &Json) -> Json {
        match (value, self.input) {
            // Alone, it keeps the type of the input.
            (Json::String(text), Some(input)) if text == INPUT => input.clone(),
            (Json::String(text), _) => Json::String(self.text(text)),
            (Json::Array(values), _) => {
                Json::Array(values.iter().map(|value| self.fill(value)).collect())
            }
            (Json::Object(members), _) => {
                let members = members.iter();
                let members = members.map(|(name, value)| (self.text(name), self.fill(value)));
                Json::Object(members.collect())
            }
            (other, _) => other.clone(),
        }
    }

    /// Replaces the placeholders of a text. `{{host}}` is the text `{host}`.
    pub(crate) fn text(self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            filled.push_str(&rest[..at]);
            rest = &rest[at..];
            let place = PLACES.iter().find(|place| rest.starts_with(**place));
            let length = match (place, self.input) {
                (Some(&"{host}"), _) => {
                    filled.push_str(self.host);
                    "{host}".len()
                }
                (Some(&"{url}"), _) => {
                    filled.push_str(self.url);
                    "{url}".len()
                }
                (Some(&INPUT), Some(Json::String(input))) => {
                    filled.push_str(input);
                    INPUT.len()
                }
                (Some(&INPUT), Some(input)) => {
                    filled.push_str(&input.write());
                    INPUT.len()
                }
                (Some(literal), _) if literal.starts_with("{{") => {
                    filled.push_str(&literal[1..literal.len() - 1]);
                    literal.len()
                }
                _ => {
                    filled.push('{');
                    1
                }
            };
            rest = &rest[length..];
        }
        filled.push_str(rest);
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(texts: &[&str], input: Option<&str>) -> Result<String, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let template = match input {
            None => Template::read(&texts, false),
            Some(_) => Template::read_for_inputs(&texts, false),
        }?;
        let input = input.map(|input| argument(input).unwrap());
        let args = template.fill("node\"1", "http://node1/", input.as_ref());
        let texts: Vec<String> = args.iter().map(Json::write).collect();
        Ok(texts.join(" "))
    }

    #[test]
    fn placeholders_stand_for_the_host() {
        for (args, expected) in [
            (&["{host}"][..], r#""node\"1""#),
            (&["x-{host}-y", "{url}"], r#""x-node\"1-y" "http://node1/""#),
            (&[r#"["{host}",1]"#], r#"["node\"1",1]"#),
            (&[r#"{"{host}":"{{host}}"}"#], r#"{"node\"1":"{host}"}"#),
            (&["{other}x"], "error"),
            (&["{host}{other}"], r#""node\"1{other}""#),
            (&["{}", "3"], "{} 3"),
            (&["@@file", "true"], r#""@file" true"#),
            (&["[x]"], "error"),
            (&["@/nowhere/file"], "error"),
        ] {
            let found = filled(args, None).unwrap_or_else(|_| "error".to_owned());
            assert_eq!(found, expected, "{args:?}");
        }
    }

    #[test]
    fn inputs_are_the_last_argument_or_in_their_place() {
        for (args, input, expected) in [
            (&[][..], "3", "3"),
            (&["1"], "bare words", r#"1 "bare words""#),
            (&["{}", "1"], r#"{"a":1}"#, r#"{"a":1} 1"#),
            (&["n={} on {host}"], "3", r#""n=3 on node\"1""#),
            (&[r#"{"a":"{}"}"#], "[1]", r#"{"a":[1]}"#),
        ] {
            assert_eq!(
                filled(args, Some(input)).as_deref(),
                Ok(expected),
                "{args:?}"
            );
        }
        assert!(filled(&["-"], Some("3")).is_err());
    }
}
