//! Texts in TOML that may be lists of texts.

use serde::Deserialize;

/// A text, or a list of texts.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text, or a list of texts")]
enum Texts {
    One(String),
    Many(Vec<String>),
}

/// Hosts in the notation.
#[derive(Debug, Deserialize)]
#[serde(from = "Texts")]
pub(super) struct HostsText(pub(super) String);

impl From<Texts> for HostsText {
    fn from(texts: Texts) -> Self {
        Self(match texts {
            Texts::One(hosts) => hosts,
            Texts::Many(hosts) => hosts.join(","),
        })
    }
}

/// Arguments of the command. In one text, they are separated by white space.
#[derive(Debug, Deserialize)]
#[serde(from = "Texts")]
pub(super) struct Arguments(pub(super) Vec<String>);

impl From<Texts> for Arguments {
    fn from(texts: Texts) -> Self {
        Self(match texts {
            Texts::One(arguments) => arguments.split_whitespace().map(Into::into).collect(),
            Texts::Many(arguments) => arguments,
        })
    }
}
