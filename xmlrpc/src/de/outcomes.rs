//! All results of reading a document, for tests that compare two readers.

use std::collections::BTreeMap;
use std::fmt::Debug;

use farcall_core::protocol::{Format, Payload};
use farcall_core::{DateTime, FormatError, Value, Variadic};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{De, Raw};
use crate::document::{call_head, reply_fault};
use crate::{Forbidden, XmlRpc};

/// A struct with members of many types.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "shown by Debug")]
struct Record {
    id: i32,
    name: Option<String>,
    on: Option<bool>,
    when: Option<DateTime>,
    data: Option<Vec<u8>>,
    #[serde(default)]
    list: Vec<f64>,
}

/// An integer type that swallows errors.
#[derive(Debug)]
#[allow(dead_code, reason = "shown by Debug")]
enum LenientInt {
    Number(i32),
    No,
}

impl<'de> Deserialize<'de> for LenientInt {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(i32::deserialize(d).map_or(Self::No, Self::Number))
    }
}

fn shown<T: Debug>(result: Result<T, FormatError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{:?} {:?} {error}", error.kind(), error.position()),
    }
}

/// Returns the values and errors of reading a document as many types, once with forbidden
/// characters refused and once with them replaced.
pub(crate) fn outcomes(document: &[u8], limits: (usize, usize)) -> Vec<String> {
    let format = XmlRpc::default().max_depth(limits.0).max_values(limits.1);
    let mut outcomes = outcomes_with(document, format);
    outcomes.extend(outcomes_with(
        document,
        format.read_forbidden(Forbidden::Replace),
    ));
    outcomes
}

fn outcomes_with(document: &[u8], format: XmlRpc) -> Vec<String> {
    let payload = Payload::from(document.to_vec());
    let mut outcomes = vec![
        shown(format.decode_reply::<Value>(&payload)),
        shown(format.decode_reply::<Record>(&payload)),
        shown(format.decode_reply::<Vec<Value>>(&payload)),
        shown(format.decode_reply::<BTreeMap<String, LenientInt>>(&payload)),
        shown(format.decode_reply::<Vec<LenientInt>>(&payload)),
        shown(format.decode_reply::<()>(&payload)),
        shown(format.decode_reply::<Option<bool>>(&payload)),
        shown(format.decode_reply::<Vec<Raw>>(&payload)),
        shown(reply_fault(&mut De::of_response(&payload, format))),
        shown(format.decode_value::<Value>(&payload)),
        shown(format.decode_value::<Raw>(&payload)),
        shown(format.decode_args::<Variadic<Value>>(&payload)),
    ];
    let head = call_head(document, format);
    if let Ok((_, start)) = &head {
        let payload = Payload::part(document.to_vec().into(), *start..document.len());
        outcomes.push(shown(format.decode_args::<Variadic<Value>>(&payload)));
        outcomes.push(shown(format.decode_args::<(i64, IgnoredAny)>(&payload)));
        outcomes.push(shown(format.decode_args::<(Option<f64>, Raw)>(&payload)));
    }
    outcomes.push(shown(head));
    outcomes
}
