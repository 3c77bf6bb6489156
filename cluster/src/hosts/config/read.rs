//! Reading of the configuration: every mistake is reported, and not the first one only.

use std::collections::BTreeMap;
use std::path::PathBuf;

use farcall_core::protocol::output::{Causes, Foreign};
use serde::Deserialize as _;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::schema::{KeyPath, Schema};
use super::{Config, ConfigError, ConfigFinding, Severity};
use crate::hosts::notation::{HostSetError, Terms, is_name_character};

/// Mistakes that are reported; nobody reads more.
const MOST: usize = 100;

pub(super) fn read(text: &str, path: PathBuf) -> Result<Config, ConfigError> {
    let (mut table, errors) = DeTable::parse_recoverable(text);
    let mut found: Vec<(Option<usize>, String)> = Vec::new();
    let mut report = |error: &Error| {
        let at = error.span().map(|span| span.start);
        found.push((at.map(|at| line_of(text, at)), one_line(error.message())));
        at
    };
    errors.iter().take(MOST).for_each(|error| {
        report(error);
    });
    let mut places = BTreeMap::new();
    add_places(text, table.get_ref(), &mut Vec::new(), &mut places);
    let mut schema = Schema::default();
    // The rest of a document with a syntax error has further mistakes that nobody made.
    if errors.is_empty() {
        for _ in 0..MOST {
            match Schema::deserialize(Deserializer::from(table.clone())) {
                Ok(complete) => {
                    schema = complete;
                    break;
                }
                Err(error) => {
                    let at = report(&error);
                    // The rest is read as if the mistake were not there.
                    if !at.is_some_and(|at| remove(table.get_mut(), at)) {
                        break;
                    }
                }
            }
        }
    }
    let config = Config {
        path,
        schema,
        places,
    };
    let mut findings: Vec<ConfigFinding> = found
        .into_iter()
        .map(|(line, message)| ConfigFinding {
            severity: Severity::Error,
            path: config.path.clone(),
            line,
            message,
        })
        .collect();
    validate(&config, &mut findings);
    findings.sort_by_key(|finding| finding.line);
    if findings.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError { findings })
    }
}

/// Adds the mistakes in values that have the right type.
fn validate(config: &Config, findings: &mut Vec<ConfigFinding>) {
    let limits = config.limits();
    let mut hosts = |keys: &[&str], text: &str| {
        let terms = Terms::new(text, &limits);
        let result: Result<(), HostSetError> =
            terms.and_then(|mut terms| terms.try_for_each(|term| term.map(drop)));
        if let Err(error) = result {
            findings.push(config.error(keys, format!("the hosts are invalid: {}", Causes(&error))));
        }
    };
    for (name, text) in &config.schema.groups {
        hosts(&["groups", name], &text.0);
    }
    for (set, _) in config.rules() {
        hosts(&["hosts", set], set);
    }
    for (name, source) in config.sources() {
        for (key, message) in source.mistakes() {
            findings.push(config.error(&["sources", name, key], message.to_owned()));
        }
        if name == super::OWN {
            let message = format!("the source `{name}` is the table `groups`: rename this one");
            findings.push(config.error(&["sources", name], message));
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
            findings.push(config.error(&[table, name], message));
        }
    }
    if let Some(name) = &config.schema.default_source {
        let is_own = name == super::OWN && !config.schema.groups.is_empty();
        if !is_own && !config.schema.sources.contains_key(name) {
            let message = format!(
                "there is no source `{}`: add [sources.{0}]",
                Foreign::excerpt(name)
            );
            findings.push(config.error(&["default_source"], message));
        }
    }
    for (name, arguments) in &config.schema.aliases {
        if arguments.0.is_empty() || name.is_empty() || name.starts_with('-') {
            let message = "an alias needs a name without `-` before it, and arguments".to_owned();
            findings.push(config.error(&["aliases", name], message));
        }
    }
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

/// Removes the innermost entry at a place of the text. Returns `false` if there is none.
fn remove(table: &mut DeTable<'_>, at: usize) -> bool {
    let is_at = |span: std::ops::Range<usize>| span.contains(&at);
    let mut inner = false;
    for (key, value) in table.iter_mut() {
        if !is_at(key.span())
            && let DeValue::Table(table) = value.get_mut()
        {
            inner = inner || remove(table, at);
        }
    }
    if inner {
        return true;
    }
    let entry = table
        .iter()
        .find(|(key, value)| is_at(key.span()) || is_at(value.span()));
    let key = entry.map(|(key, _)| key.get_ref().clone());
    key.is_some_and(|key| table.remove(key.as_ref()).is_some())
}
