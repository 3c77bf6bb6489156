//! Names and texts of a server, which must not become code: they are foreign.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::rc::Rc;

use farcall::protocol::output::is_harmless;

/// Maximum length of a name in code. That of a method may be a thousand times as long.
const MAX_NAME: usize = 80;

/// Returns the words of a name: letters and digits of ASCII, separated by anything else, or by a
/// change from a small to a large letter.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    let mut taken = 0;
    for character in name.chars() {
        if taken == MAX_NAME {
            break;
        }
        let is_start = character.is_ascii_uppercase()
            && (before.is_ascii_lowercase() || before.is_ascii_digit());
        if !character.is_ascii_alphanumeric() || is_start {
            words.push(String::new());
        }
        if character.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(character);
            taken += 1;
        }
        before = character;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns a name as that of a type: `full_name` is `FullName`.
pub(super) fn pascal(name: &str) -> String {
    let mut out = String::new();
    for word in words(name) {
        let (first, rest) = word.split_at(1);
        out.push_str(&first.to_ascii_uppercase());
        out.push_str(rest);
    }
    out
}

/// Returns a name as that of a function of Rust: `fullName` is `full_name`.
pub(super) fn snake(name: &str) -> String {
    words(name).join("_").to_ascii_lowercase()
}

/// Returns a name with its own spelling: all other characters than letters and digits are `_`, of
/// which there are none in front.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars().take(MAX_NAME);
    let letters = letters.map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    letters
        .collect::<String>()
        .trim_start_matches('_')
        .to_owned()
}

/// The names of one scope.
#[derive(Debug)]
pub(super) struct Names {
    reserved: &'static [&'static str],
    /// The text behind a name that is reserved.
    suffix: &'static str,
    /// The name of something without one.
    nameless: &'static str,
    taken: HashSet<String>,
    outer: Rc<HashSet<String>>,
    /// The last number behind each name.
    numbers: HashMap<String, usize>,
}

impl Names {
    pub(super) fn new(
        reserved: &'static [&'static str],
        suffix: &'static str,
        nameless: &'static str,
    ) -> Self {
        Self {
            reserved,
            suffix,
            nameless,
            taken: HashSet::new(),
            outer: Rc::default(),
            numbers: HashMap::new(),
        }
    }

    /// Adds names of the scope around this one, which those of this one must not hide.
    pub(super) fn inside(mut self, outer: &Rc<HashSet<String>>) -> Self {
        self.outer = Rc::clone(outer);
        self
    }

    /// Returns a name that no other has: this one if possible.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let mut name = match wanted.as_bytes().first() {
            None => self.nameless.to_owned(),
            Some(digit) if digit.is_ascii_digit() => format!("{}{wanted}", self.nameless),
            Some(_) => wanted.to_owned(),
        };
        if self.reserved.contains(&&*name) {
            name.push_str(self.suffix);
        }
        let number = self.numbers.entry(name.clone()).or_insert(1);
        let mut unique = name.clone();
        let is_taken = |name: &String| {
            self.taken.contains(name)
                || self.outer.contains(name)
                || self.reserved.contains(&name.as_str())
        };
        while is_taken(&unique) {
            *number += 1;
            let separator = if name.ends_with(|c: char| c.is_ascii_digit()) {
                "_"
            } else {
                ""
            };
            unique = format!("{name}{separator}{number}");
        }
        self.taken.insert(unique.clone());
        unique
    }
}

/// Returns the lines of a text of the server, with all characters escaped that could change how the
/// lines around them read, and without white space at their ends.
pub(super) fn lines(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    let lines = text.split('\n').map(|line| {
        let mut out = String::new();
        for character in line.chars() {
            match character {
                '\t' => out.push(' '),
                _ if is_harmless(character) => out.push(character),
                _ => {
                    let _ = write!(out, "U+{:04X}", u32::from(character));
                }
            }
        }
        out.trim_end().to_owned()
    });
    let mut lines: Vec<String> = lines.skip_while(String::is_empty).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Returns a string literal of Rust.
pub(super) fn rust_string(text: &str) -> String {
    quoted(text, |character| {
        format!("\\u{{{:x}}}", u32::from(character))
    })
}

/// Returns a string literal of Python.
pub(super) fn python_string(text: &str) -> String {
    quoted(text, |character| match u32::from(character) {
        code @ 0..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    })
}

/// Returns a string literal of TypeScript.
pub(super) fn typescript_string(text: &str) -> String {
    quoted(text, |character| {
        let mut units = [0; 2];
        let units = character.encode_utf16(&mut units).iter();
        units.map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

/// Returns a text in quotes, with all but the printable characters of ASCII escaped.
fn quoted(text: &str, escape: impl Fn(char) -> String) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            ' '..='~' => out.push(character),
            _ => out.push_str(&escape(character)),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_spelling_of_the_language() {
        for (name, in_pascal, in_snake, in_plain) in [
            ("fullName", "FullName", "full_name", "fullName"),
            (
                "counter.add_2",
                "CounterAdd2",
                "counter_add_2",
                "counter_add_2",
            ),
            ("getHTTPBody", "GetHTTPBody", "get_httpbody", "getHTTPBody"),
            ("__class__", "Class", "class", "class__"),
            ("ünï ☃", "N", "n", "n___"),
            ("\"); x(\"", "X", "x", "x__"),
            ("", "", "", ""),
        ] {
            assert_eq!(pascal(name), in_pascal, "{name}");
            assert_eq!(snake(name), in_snake, "{name}");
            assert_eq!(plain(name), in_plain, "{name}");
        }
        assert_eq!(snake(&"a".repeat(1 << 20)).len(), MAX_NAME);
    }

    #[test]
    fn names_are_unique_and_not_reserved() {
        let mut names = Names::new(&["type", "type_2"], "_", "method");
        let given = ["type", "type_", "type", "x", "x", "x2", "", "9", "x"];
        let unique: Vec<String> = given.iter().map(|name| names.unique(name)).collect();
        let expected = [
            "type_", "type_2_", "type_3", "x", "x2", "x2_2", "method", "method9", "x3",
        ];
        assert_eq!(unique.len(), unique.iter().collect::<HashSet<_>>().len());
        assert_eq!(unique[3..], expected[3..]);
    }

    #[test]
    fn texts_stay_on_their_lines() {
        assert_eq!(
            lines("\n\n one\r\ntwo\u{202e}\u{2028}\rx \n\tthree\u{0}\n\n"),
            [" one", "twoU+202EU+2028U+000Dx", " threeU+0000"]
        );
        assert_eq!(lines(""), [""; 0]);
    }

    #[test]
    fn strings_are_escaped() {
        let text = "a\"\\\n\u{202e}\u{1f980}`${x}";
        assert_eq!(rust_string(text), r#""a\"\\\u{a}\u{202e}\u{1f980}`${x}""#);
        assert_eq!(python_string(text), r#""a\"\\\u000a\u202e\U0001f980`${x}""#);
        assert_eq!(
            typescript_string(text),
            r#""a\"\\\u000a\u202e\ud83e\udd80`${x}""#
        );
    }
}
