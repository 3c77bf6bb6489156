//! The crate `xmlrpc`.

use std::error::Error;
use std::io::Cursor;

use anyhow::{Result, ensure};
use xmlrpc_crate::{Request, Transport, Value};

use crate::task::Task;

pub(crate) fn load(task: &Task) -> Result<f64> {
    let url = format!("http://{}/RPC2", task.address()?);
    let client = reqwest::blocking::Client::new();
    task.rate(|| {
        let request = Request::new("add").arg(3).arg(5);
        let sum = request.call(client.post(&url))?;
        ensure!(sum.as_i32() == Some(8));
        Ok(())
    })
}

/// A transport that returns a given reply, since the crate decodes replies only as part of a call.
struct CannedReply<'a>(&'a str);

impl<'a> Transport for CannedReply<'a> {
    type Stream = Cursor<&'a str>;

    fn transmit(self, _: &Request<'_>) -> Result<Self::Stream, Box<dyn Error + Send + Sync>> {
        Ok(Cursor::new(self.0))
    }
}

fn read(document: &str) -> Result<Value> {
    Ok(Request::new("items").call(CannedReply(document))?)
}

pub(crate) fn decode(task: &Task, document: &str) -> Result<f64> {
    task.rate(|| {
        ensure!(
            read(document)?
                .as_array()
                .is_some_and(|items| !items.is_empty())
        );
        Ok(())
    })
}

pub(crate) fn encode(task: &Task, document: &str) -> Result<f64> {
    let value = read(document)?;
    task.rate(|| {
        let mut out = Vec::new();
        value.write_as_xml(&mut out)?;
        ensure!(out.len() > document.len() / 2);
        Ok(())
    })
}
