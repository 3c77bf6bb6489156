//! Errors: broken documents, and a server that was killed.

use anyhow::{Result, ensure};
use farcall::{CallError, Value};

use super::Subject;
use crate::http;
use crate::process::ServerProcess;

/// Sends broken documents, and then kills the server.
pub(crate) async fn error(process: &mut ServerProcess, subjects: &[Subject]) -> Result<()> {
    let mut broken = Ok(());
    for subject in subjects {
        broken = broken.and(subject.clone().check(broken_documents).await);
    }
    process.kill().await?;
    for subject in subjects {
        subject.clone().check(killed_server).await?;
    }
    // Returned last, so that a known failure of this part does not hide one of the other.
    broken
}

/// Checks that a broken document is answered with a fault or an HTTP error, and does not affect
/// later calls.
fn broken_documents(subject: &Subject) -> Result<()> {
    let mut accepted = Vec::new();
    for document in [
        "",
        "no XML at all",
        "<methodCall><methodName>echo</methodName><params><param>",
        "<methodCall><methodName>echo</methodName></params></methodCall>",
    ] {
        let reply = http::post(subject.url(), "", document)?;
        if reply.status < 400 && !reply.body.contains("<fault>") {
            accepted.push(document);
        }
    }
    subject.echo("still there")?;
    ensure!(accepted.is_empty(), "accepted: {accepted:?}");
    Ok(())
}

/// Checks that calls to a killed server fail, on kept connections and on new ones.
fn killed_server(subject: &Subject) -> Result<()> {
    for _ in 0..3 {
        let result = subject.call::<Value>("echo", (1,));
        ensure!(
            matches!(result, Err(CallError::NotSent(_) | CallError::Lost(_))),
            "a killed server: {result:?}"
        );
    }
    Ok(())
}
