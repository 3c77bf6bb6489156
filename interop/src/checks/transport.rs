//! Many calls, and large ones.

use anyhow::{Result, ensure};
use farcall::Value;
use farcall::xmlrpc::ClientOptions;

use super::Subject;
use super::subject::same;
use crate::http;

pub(crate) fn large_document(subject: &Subject) -> Result<()> {
    subject.echo("large \u{e9} ".repeat((1 << 20) / 8))?;
    subject.echo(Value::Array((0..10_000).map(Value::from).collect()))
}

pub(crate) fn thousand_calls(subject: &Subject) -> Result<()> {
    let subject = subject.with_options(ClientOptions::default())?;
    for number in 0..1000 {
        let sum: i64 = subject.call("add", (number, 1))?;
        same(&sum, &(number + 1))?;
    }
    let connections = subject.connections();
    ensure!(connections == 1, "{connections} connections");
    Ok(())
}

pub(crate) fn gzip(subject: &Subject) -> Result<()> {
    let zipping = ClientOptions::default().gzip_over(Some(0));
    let text = "zip me ".repeat(5000);
    subject.with_options(zipping)?.echo(text.as_str())?;

    let document = format!(
        "<?xml version=\"1.0\"?><methodCall><methodName>echo</methodName><params><param>\
         <value><string>{text}</string></value></param></params></methodCall>"
    );
    let reply = http::post(subject.url(), "Accept-Encoding: gzip\r\n", &document)?;
    ensure!(
        reply.header("content-encoding") == Some("gzip"),
        "the reply is not compressed: {}",
        reply.head
    );
    Ok(())
}
