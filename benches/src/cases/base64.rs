//! An XML-RPC document with 1 MiB of bytes.

use anyhow::Result;
use serde_bytes::ByteBuf;

use crate::case::Bar::{AtLeast, AtLeastOf};
use crate::case::{Case, Contestant, Scale, Unit};
use crate::document::{base64, bytes, of_bytes};
use crate::peers::farcall::documents::decode_base64;
use crate::peers::{bare_base64, cpython, dxr, farcall};
use crate::task::Task;

const UNIT: Unit = Unit::GigabytesPerSecond;

pub(super) fn cases(scale: Scale) -> impl Iterator<Item = Case> {
    let size = scale.of(1024 * 1024, 1024);
    [decode(size), encode(size)].into_iter()
}

fn decode(size: usize) -> Case {
    let document = move |with_line_breaks| {
        let bytes = bytes(size);
        (of_bytes(&base64(&bytes), with_line_breaks), bytes)
    };
    let limit = of("the crate base64, bare text", size, |task, bytes| {
        bare_base64::decode(task, &base64(bytes))
    });
    type Decode = fn(&Task, &str, &[u8]) -> Result<f64>;
    let farcall = |name, decode: Decode| {
        Contestant::alone(name, move |task| {
            let (document, bytes) = document(true);
            Ok(UNIT.of_rate(decode(task, &document, &bytes)?, size))
        })
    };
    let bytes_of = farcall("Farcall", decode_base64::<ByteBuf>);
    let vec_of = farcall("Farcall, as Vec<u8>", decode_base64::<Vec<u8>>);
    let dxr = Contestant::alone("dxr, without line breaks", move |task| {
        let (document, bytes) = document(false);
        Ok(UNIT.of_rate(dxr::decode_base64(task, &document, &bytes)?, size))
    });
    let title = "XML-RPC, 1 MiB as base64 with line breaks decoded";
    Case::new("base64-decode", title, UNIT)
        .with(limit.limit())
        .with(
            bytes_of
                .bar(AtLeast(0.9))
                .bar(AtLeastOf(5.0, "dxr, without line breaks")),
        )
        .with(vec_of)
        .with(dxr)
        .with(cpython::documents(
            "CPython",
            "decode",
            &["base64", &size.to_string()],
        ))
}

fn encode(size: usize) -> Case {
    let title = "XML-RPC, 1 MiB as base64 encoded";
    Case::new("base64-encode", title, UNIT)
        .with(of("the crate base64, bare text", size, bare_base64::encode).limit())
        .with(
            of("Farcall", size, farcall::documents::encode_base64)
                .bar(AtLeast(0.9))
                .bar(AtLeastOf(5.0, "dxr")),
        )
        .with(of("dxr", size, dxr::encode_base64))
        .with(cpython::documents(
            "CPython",
            "encode",
            &["base64", &size.to_string()],
        ))
}

fn of(name: &str, size: usize, work: fn(&Task, &[u8]) -> Result<f64>) -> Contestant {
    Contestant::alone(name, move |task| {
        Ok(UNIT.of_rate(work(task, &bytes(size))?, size))
    })
}
