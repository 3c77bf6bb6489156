//! XML-RPC documents.

use anyhow::{Result, ensure};
use farcall::Value;
use farcall::protocol::{Format as _, Payload};
use farcall::xmlrpc::XmlRpc;
use serde::de::DeserializeOwned;
use serde_bytes::Bytes;

use crate::document::{self, Item};
use crate::task::Task;

/// Returns the format without the limit of values, which is 1,000,000 by default.
fn format() -> XmlRpc {
    XmlRpc::default().max_values(usize::MAX)
}

fn decoded<T: DeserializeOwned>(document: &Payload) -> Result<T> {
    Ok(format().decode_reply(document)?)
}

pub(crate) fn decode_typed(task: &Task, document: &str) -> Result<f64> {
    let document = Payload::from(document.as_bytes().to_vec());
    task.rate(|| {
        let items: Vec<Item> = decoded(&document)?;
        document::check(items.iter().map(Item::fields))
    })
}

pub(crate) fn decode_value(task: &Task, document: &str) -> Result<f64> {
    let document = Payload::from(document.as_bytes().to_vec());
    task.rate(|| {
        let value: Value = decoded(&document)?;
        ensure!(matches!(value, Value::Array(items) if !items.is_empty()));
        Ok(())
    })
}

pub(crate) fn encode(task: &Task, items: &[Item], length: usize) -> Result<f64> {
    task.rate(|| {
        let mut document = Vec::new();
        format().encode_reply(items, &mut document)?;
        ensure!(document.len() == length);
        Ok(())
    })
}

/// Decodes to `serde_bytes::ByteBuf` or `Vec<u8>`, which serde decodes byte by byte.
pub(crate) fn decode_base64<T: DeserializeOwned + AsRef<[u8]>>(
    task: &Task,
    document: &str,
    bytes: &[u8],
) -> Result<f64> {
    let document = Payload::from(document.as_bytes().to_vec());
    let read: T = decoded(&document)?;
    ensure!(read.as_ref() == bytes);
    task.rate(|| {
        let read: T = decoded(&document)?;
        let read = read.as_ref();
        ensure!(read.len() == bytes.len());
        Ok(())
    })
}

pub(crate) fn encode_base64(task: &Task, bytes: &[u8]) -> Result<f64> {
    task.rate(|| {
        let mut document = Vec::new();
        format().encode_reply(Bytes::new(bytes), &mut document)?;
        ensure!(document.len() > bytes.len());
        Ok(())
    })
}
