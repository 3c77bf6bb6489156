//! The documents that are decoded and encoded, and the check that a contestant has read them.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use farcall::DateTime;
use farcall::protocol::Format as _;
use farcall::xmlrpc::XmlRpc;
use serde::{Deserialize, Serialize};

/// Six fields of different types.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: i32,
    pub(crate) price: f64,
    pub(crate) name: String,
    pub(crate) active: bool,
    pub(crate) created: DateTime,
    pub(crate) tags: Vec<i32>,
}

/// The fields of an [`Item`], in types that every contestant can provide.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Fields {
    pub(crate) id: i64,
    pub(crate) price: f64,
    pub(crate) name: usize,
    pub(crate) active: bool,
    pub(crate) day: u8,
    pub(crate) tags: usize,
}

/// Returns `count` items. Every eighth name has characters that must be escaped, and some beyond
/// ASCII.
pub(crate) fn items(count: usize) -> Result<Vec<Item>> {
    (0..count).map(item).collect()
}

fn item(id: usize) -> Result<Item> {
    let day = (id % 28) as u8 + 1;
    Ok(Item {
        id: id as i32,
        price: (id as f64).mul_add(1.25, 0.1),
        name: match id % 8 {
            0 => format!("Größe & Gewicht <{id}>"),
            _ => format!("an article of the catalogue, number {id}"),
        },
        active: id.is_multiple_of(2),
        created: DateTime::new(2026, 11, day, 12, 30, (id % 60) as u8)?,
        tags: vec![id as i32; 3],
    })
}

/// Encodes the items as an XML-RPC reply.
pub(crate) fn of_items(items: &[Item]) -> Result<String> {
    let mut document = Vec::new();
    XmlRpc::default().encode_reply(items, &mut document)?;
    Ok(String::from_utf8(document)?)
}

/// Checks that these are the [`items`], as read from their document.
pub(crate) fn check(
    mut read: impl ExactSizeIterator<Item = Fields> + DoubleEndedIterator,
) -> Result<()> {
    let count = read.len();
    let last = read.next_back().context("no items")?;
    let expected = item(count - 1)?.fields();
    ensure!(
        last == expected,
        "the last item is {last:?} and not {expected:?}"
    );
    Ok(())
}

impl Item {
    pub(crate) fn fields(&self) -> Fields {
        Fields {
            id: self.id.into(),
            price: self.price,
            name: self.name.len(),
            active: self.active,
            day: self.created.day(),
            tags: self.tags.len(),
        }
    }
}

/// Returns bytes of all values.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| ((at * 167) >> 3) as u8).collect()
}

/// Encodes bytes as base64, without line breaks.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Encodes bytes as an XML-RPC reply, with a line break after every 76 characters or without any.
pub(crate) fn of_bytes(base64: &str, with_line_breaks: bool) -> String {
    let mut document = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><params><param><value><base64>",
    );
    if with_line_breaks {
        for line in base64.as_bytes().chunks(76) {
            document.push('\n');
            document.extend(line.iter().map(|byte| char::from(*byte)));
        }
        document.push('\n');
    } else {
        document.push_str(base64);
    }
    document.push_str("</base64></value></param></params></methodResponse>");
    document
}

/// Documents for the scripts of other languages.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Kind {
    Items,
    Base64,
}

/// Returns a document with this number of items or bytes.
pub(crate) fn document(kind: Kind, size: usize) -> Result<String> {
    Ok(match kind {
        Kind::Items => of_items(&items(size)?)?,
        Kind::Base64 => of_bytes(&base64(&bytes(size)), true),
    })
}
