//! Arrays of structs with six fields of different types, decoded and encoded.

use anyhow::Result;

use crate::case::Bar::AtLeast;
use crate::case::{Case, Contestant, Scale, Unit};
use crate::document::{items, of_items};
use crate::peers::{bare_quick_xml, cpython, dxr, farcall, xmlrpc_crate};
use crate::task::Task;

const UNIT: Unit = Unit::MegabytesPerSecond;

pub(super) fn cases(scale: Scale) -> impl Iterator<Item = Case> {
    let count = scale.of(10_000, 100);
    [decode(count), encode(count)].into_iter()
}

fn decode(count: usize) -> Case {
    let of = |name, decode| decoding(name, count, decode);
    let cpython = cpython::documents("CPython", "decode", &["items", &count.to_string()]);
    let title = "XML-RPC, an array of 10,000 structs decoded";
    Case::new("decode", title, UNIT)
        .with(of("bare quick-xml, events alone", bare_quick_xml::scan).limit())
        .with(of("quick-xml by hand", bare_quick_xml::decode))
        .with(of("Farcall, typed", farcall::documents::decode_typed).bar(AtLeast(2.4)))
        .with(of("Farcall, Value", farcall::documents::decode_value).bar(AtLeast(1.3)))
        .with(of("dxr, typed", dxr::decode_typed))
        .with(of("dxr, Value", dxr::decode_value))
        .with(of("the crate xmlrpc", xmlrpc_crate::decode))
        .with(cpython)
}

/// Creates a contestant that decodes a document of `count` items, measured in MB of the document
/// per second.
pub(super) fn decoding(
    name: impl Into<String>,
    count: usize,
    decode: fn(&Task, &str) -> Result<f64>,
) -> Contestant {
    Contestant::alone(name, move |task| {
        let document = of_items(&items(count)?)?;
        Ok(UNIT.of_rate(decode(task, &document)?, document.len()))
    })
}

fn encode(count: usize) -> Case {
    let cpython = cpython::documents("CPython", "encode", &["items", &count.to_string()]);
    let farcall = Contestant::alone("Farcall, typed", move |task| {
        let items = items(count)?;
        let length = of_items(&items)?.len();
        let rate = farcall::documents::encode(task, &items, length)?;
        Ok(UNIT.of_rate(rate, length))
    });
    let title = "XML-RPC, an array of 10,000 structs encoded";
    // All figures are MB per second of the same document, although encoders write different ones.
    Case::new("encode", title, UNIT)
        .with(decoding("dxr, typed", count, dxr::encode).limit())
        .with(farcall.bar(AtLeast(25.0)))
        .with(decoding("the crate xmlrpc", count, xmlrpc_crate::encode))
        .with(cpython)
}
