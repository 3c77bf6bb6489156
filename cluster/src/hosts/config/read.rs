//! Reading of the configuration: every mistake is reported, and not the first one only.

use std::collections::BTreeMap;
use std::path::PathBuf;

use farcall_core::protocol::output::{Causes, Foreign};
use serde::Deserialize as _;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::schema::{KeyPath, Schema};
use super::{Config, ConfigFinding, PARTS, Severity};
use crate::hosts::notation::{HostSetError, Terms, is_name_character};

/// Mistakes that are reported; nobody reads more.
const MOST: usize = 100;

/// Reads a configuration, with its mistakes.
pub(super) fn read(text: &str, path: PathBuf) -> Config {
    let (mut table, errors) = DeTable::parse_recoverable(text);
    let mut config = Config {
        path,
        ..Config::default()
    };
    let finding = |config: &Config, error: &Error| ConfigFinding {
        severity: Severity::Error,
        path: config.path.clone(),
        line: error.span().map(|span| line_of(text, span.start)),
        message: one_line(error.message()),
    };
    for error in errors.iter().take(MOST) {
        let finding = finding(&config, error);
        add(&mut config, &[], finding);
    }
    add_places(text, table.get_ref(), &mut Vec::new(), &mut config.places);
    // The rest of a document with a syntax error has further mistakes that nobody made.
    if errors.is_empty() {
        for _ in 0..MOST {
            match Schema::deserialize(Deserializer::from(table.clone())) {
                Ok(complete) => {
                    config.schema = complete;
                    break;
                }
                Err(error) => {
                    let finding = finding(&config, &error);
                    // The rest is read as if the mistake were not there.
                    let at = error.span().map(|span| span.start);
                    let removed = at.and_then(|at| remove(table.get_mut(), at));
                    let is_removed = removed.is_some();
                    add(&mut config, &removed.unwrap_or_default(), finding);
                    if !is_removed {
                        break;
                    }
                }
            }
        }
    }
    for (keys, message) in validate(&config) {
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        let finding = config.error(&names, message);
        add(&mut config, &keys, finding);
    }
    config.findings.sort_by_key(|finding| finding.line);
    config
}

/// Adds the mistake in what these keys name.
fn add(config: &mut Config, keys: &[String], finding: ConfigFinding) {
    if let [table, name, ..] = keys
        && PARTS.contains(&table.as_str())
    {
        let part = (table.clone(), name.clone());
        config.broken.entry(part).or_insert_with(|| finding.clone());
    } else {
        config.is_unusable = true;
    }
    config.findings.push(finding);
}

/// Returns the mistakes in values that have the right type, each with its keys.
fn validate(config: &Config) -> Vec<(KeyPath, String)> {
    let limits = config.limits();
    let mut found = Vec::new();
    let mut add = |keys: &[&str], message: String| {
        found.push((keys.iter().map(|key| (*key).to_owned()).collect(), message));
    };
    let hosts = |text: &str| {
        let terms = Terms::new(text, &limits);
        let result: Result<(), HostSetError> =
            terms.and_then(|mut terms| terms.try_for_each(|term| term.map(drop)));
        let error = result.err()?;
        Some(format!("the hosts are invalid: {}", Causes(&error)))
    };
    for (name, text) in &config.schema.groups {
        if let Some(message) = hosts(&text.0) {
            add(&["groups", name], message);
        }
    }
    for (set, _) in config.rules() {
        if let Some(message) = hosts(set) {
            add(&["hosts", set], message);
        }
    }
    for (name, source) in config.sources() {
        for (key, message) in source.mistakes() {
            add(&["sources", name, key], message.to_owned());
        }
        if name == super::OWN {
            let message = format!("the source `{name}` is the table `groups`: rename this one");
            add(&["sources", name], message);
        }
    }
    let names = config.schema.groups.keys().map(|name| ("groups", name));
    for (table, name) in names.chain(config.schema.sources.keys().map(|name| ("sources", name))) {
        let is_usable = |c: char| is_name_character(c) && !":@".contains(c);
        if name.is_empty() || !name.chars().all(is_usable) {
            let message = format!(
                "`{}` cannot be named in a host set: use letters, digits, `-`, `_` and `.`",
                Foreign::excerpt(name)
            );
            add(&[table, name], message);
        }
    }
    if let Some(name) = &config.schema.default_source {
        let is_own = name == super::OWN && !config.schema.groups.is_empty();
        if !is_own && !config.schema.sources.contains_key(name) {
            let message = format!(
                "there is no source `{}`: add [sources.{0}]",
                Foreign::excerpt(name)
            );
            add(&["default_source"], message);
        }
    }
    for (name, arguments) in &config.schema.aliases {
        if arguments.0.is_empty() || name.is_empty() || name.starts_with('-') {
            let message = "an alias needs a name without `-` before it, and arguments".to_owned();
            add(&["aliases", name], message);
        }
        // A text is separated at white space, also within quotes.
        let is_open = |argument: &String| {
            let is_quoted = |quote| {
                argument.starts_with(quote) && (argument.len() == 1 || !argument.ends_with(quote))
            };
            is_quoted('"') || is_quoted('\'')
        };
        if arguments.0.iter().any(is_open) {
            let message = "a quote is not closed: for arguments with spaces, write a list of texts";
            add(&["aliases", name], message.to_owned());
        }
    }
    found
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    before.matches('\n').count() + 1
}

fn one_line(message: &str) -> String {
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    Foreign::excerpt(lines.join(": ")).to_string()
}

/// Collects the lines of all keys.
fn add_places(
    text: &str,
    table: &DeTable<'_>,
    keys: &mut KeyPath,
    places: &mut BTreeMap<KeyPath, usize>,
) {
    for (key, value) in table {
        keys.push(key.get_ref().to_string());
        places.insert(keys.clone(), line_of(text, key.span().start));
        if let DeValue::Table(inner) = value.get_ref() {
            add_places(text, inner, keys, places);
        }
        keys.pop();
    }
}

/// Removes the innermost entry at a place of the text, and returns its keys, if there is one.
fn remove(table: &mut DeTable<'_>, at: usize) -> Option<KeyPath> {
    let is_at = |span: std::ops::Range<usize>| span.contains(&at);
    for (key, value) in table.iter_mut() {
        if !is_at(key.span())
            && let DeValue::Table(inner) = value.get_mut()
            && let Some(mut keys) = remove(inner, at)
        {
            keys.insert(0, key.get_ref().to_string());
            return Some(keys);
        }
    }
    let entry = table
        .iter()
        .find(|(key, value)| is_at(key.span()) || is_at(value.span()));
    let key = entry.map(|(key, _)| key.get_ref().clone())?;
    table.remove(key.as_ref())?;
    Some(vec![key.to_string()])
}
