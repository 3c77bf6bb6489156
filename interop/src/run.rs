//! Runs a peer in one direction, and collects the outcomes.

use anyhow::{Context as _, Result, bail};

use crate::applications::{Application, Findings};
use crate::checks::{self, Subject};
use crate::local_server::LocalServer;
use crate::peer::{Server, Start, Verdict};
use crate::process::{self, ServerProcess};
use crate::relay::{Recording, Relay};
use crate::{Capability, Cells, Evidence, Outcome, Peer};

/// Returns the version of a peer.
///
/// # Errors
/// If it is not installed.
pub async fn version(peer: &Peer) -> Result<String> {
    installed(&peer.version, &peer.title, peer.packages).await
}

/// Runs the checks of an application, and returns its version and the results.
///
/// # Errors
/// If it is not installed or cannot be started.
pub async fn application(application: &Application) -> Result<(String, Findings)> {
    let Application {
        version,
        title,
        packages,
        ..
    } = application;
    let version = installed(version, title, packages).await?;
    Ok((version, application.run().await?))
}

/// Returns the version that a program prints, if it is installed.
async fn installed(version: &Start, title: &str, packages: &str) -> Result<String> {
    let missing = || format!("{title} is missing: interop/install installs {packages}");
    let (out, _) = process::run(version.command()?)
        .await
        .with_context(missing)?;
    Ok(out.trim().to_owned())
}

/// Runs the peer's client against our server.
///
/// # Errors
/// If the program does not run to completion, or prints invalid output.
pub async fn as_client(peer: &Peer) -> Result<Cells> {
    version(peer).await?;
    let server = LocalServer::start().await?;
    let recording = Recording::default();
    let relay = Relay::recording(server.address, &recording)?;
    let mut command = peer.client.start.command()?;
    command.arg(format!("http://127.0.0.1:{}/RPC2", relay.port));
    let (output, stderr) = process::run(command).await?;
    let mut cells = Cells::default();
    for (capability, reason) in peer.client.lacks {
        cells.note(*capability, Outcome::Lacks((*reason).to_owned()));
    }
    let mut lines = output.lines();
    for line in lines.by_ref().take_while(|line| *line != "end") {
        let (capability, outcome) =
            parse_line(line).with_context(|| format!("invalid line `{line}`"))?;
        cells.note(
            capability,
            check_report(peer.client.defects, &recording, capability, outcome),
        );
    }
    if !output.ends_with("end\n") {
        bail!("the output lacks `end`:\n{output}{stderr}");
    }
    Ok(cells)
}

/// Runs our clients against the peer's server.
///
/// # Errors
/// If the program cannot be started.
pub async fn as_server(peer: &Peer, server: &Server) -> Result<Cells> {
    version(peer).await?;
    let mut process = ServerProcess::start(server.start.command()?).await?;
    let mut cells = Cells::default();
    let recording = Recording::default();
    let subjects = Subject::both(&process.url, &recording)?;
    for (capability, check) in checks::ALL {
        for subject in &subjects {
            let result = subject.clone().check(*check).await;
            let outcome = classify(server, &recording, *capability, result);
            // Both clients must have the same outcome.
            if cells.outcome(*capability) != outcome {
                cells.note(*capability, outcome);
            }
        }
    }
    let result = checks::error(&mut process, &subjects).await;
    cells.note(
        Capability::Error,
        classify(server, &recording, Capability::Error, result),
    );
    let stderr = process.stderr();
    if !cells.failures().is_empty() && !stderr.is_empty() {
        eprintln!("standard error of {}:\n{stderr}", peer.name);
    }
    Ok(cells)
}

/// Parses a line of the output of a client program.
fn parse_line(line: &str) -> Result<(Capability, Outcome)> {
    let (word, rest) = line.split_once(' ').context("the capability is missing")?;
    let (name, text) = match rest.split_once(": ") {
        Some((name, text)) => (name, Some(text.to_owned())),
        None => (rest, None),
    };
    let outcome = match (word, text) {
        ("ok", note) => Outcome::Works(note),
        ("defect", Some(description)) => Outcome::Defect(description),
        ("fail", Some(reason)) => Outcome::Fails(reason),
        _ => bail!("expected `ok`, `defect` or `fail`"),
    };
    Ok((name.parse()?, outcome))
}

/// Returns the outcome that a client program reports. A defect must be proved by the recorded
/// bytes.
fn check_report(
    defects: &[(Capability, Evidence)],
    recording: &Recording,
    capability: Capability,
    outcome: Outcome,
) -> Outcome {
    let evidence = defects.iter().find(|(known, _)| *known == capability);
    match (outcome, evidence) {
        (Outcome::Defect(description), Some((_, evidence))) => {
            let shown = evidence.check(&recording.requests(), &recording.replies());
            defect(&description, shown)
        }
        (Outcome::Defect(description), None) => Outcome::Fails(format!(
            "no evidence is named for this defect: {description}"
        )),
        (outcome, Some(_)) => Outcome::Fails(format!("the defect no longer occurs: {outcome:?}")),
        (outcome, None) => outcome,
    }
}

/// Returns a defect if the recorded bytes prove it, and a failure otherwise.
fn defect(description: &str, shown: Result<()>) -> Outcome {
    match shown {
        Ok(()) => Outcome::Defect(description.to_owned()),
        Err(error) => Outcome::Fails(format!(
            "{error:#}, so this defect is not proved: {description}"
        )),
    }
}

/// Classifies the result of a check, given the known behaviour of the server.
fn classify(
    server: &Server,
    recording: &Recording,
    capability: Capability,
    result: Result<()>,
) -> Outcome {
    let mut known = server.known.iter().filter(|k| k.capability == capability);
    match result {
        Ok(()) => match known.next() {
            None => Outcome::Works(None),
            Some(known) => Outcome::Fails(format!("this no longer occurs: {}", known.description)),
        },
        Err(error) => {
            let reason = format!("{error:#}");
            match known.find(|known| reason.contains(known.shows)) {
                None => Outcome::Fails(reason),
                Some(known) => match known.verdict {
                    Verdict::Defect => {
                        let evidence = known.evidence.context("the defect has no evidence");
                        let shown = evidence.and_then(|evidence| {
                            evidence.check(&recording.replies(), &recording.requests())
                        });
                        defect(known.description, shown)
                    }
                    Verdict::Lacks => Outcome::Lacks(known.description.to_owned()),
                    Verdict::Note => Outcome::Works(Some(known.description.to_owned())),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use anyhow::anyhow;

    use super::*;
    use crate::peer::Known;

    const KNOWN: &[Known] = &[Known::defect(
        Capability::Int,
        "got 2",
        "it cannot count",
        Evidence::sent(&["two"]),
    )];

    #[test]
    fn lines_of_clients() {
        let parsed = |line| parse_line(line).ok();
        let works = |note: Option<&str>| Outcome::Works(note.map(str::to_owned));
        assert_eq!(parsed("ok int"), Some((Capability::Int, works(None))));
        assert_eq!(
            parsed("ok 1,000 calls: a: b"),
            Some((Capability::ThousandCalls, works(Some("a: b"))))
        );
        let fails = Outcome::Fails("got 1".to_owned());
        assert_eq!(parsed("fail int: got 1"), Some((Capability::Int, fails)));
        for line in [
            "ok",
            "ok nonsense",
            "defect int",
            "fail int",
            "Warning: int",
        ] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }

    #[test]
    fn known_behaviour_explains_its_own_failure_only() {
        let server = Server {
            start: Start::program("true", &[]),
            known: KNOWN,
        };
        let recording = Recording::default();
        let classify = |capability, result| classify(&server, &recording, capability, result);
        let unproved = classify(Capability::Int, Err(anyhow!("got 2")));
        assert!(matches!(unproved, Outcome::Fails(_)), "{unproved:?}");
        recording.replies().extend_from_slice(b"one, two");
        let defect = Outcome::Defect("it cannot count".to_owned());
        assert_eq!(classify(Capability::Int, Err(anyhow!("got 2"))), defect);
        for (capability, result) in [
            (Capability::Int, Err(anyhow!("got 3"))),
            (Capability::Int, Ok(())),
            (Capability::Nil, Err(anyhow!("got 2"))),
        ] {
            let outcome = classify(capability, result);
            assert!(matches!(outcome, Outcome::Fails(_)), "{outcome:?}");
        }
    }
}
