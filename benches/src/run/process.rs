//! The processes of contestants.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;

use super::pin::pinned;

/// A process, which is killed on drop.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    pub(crate) fn start(command: &mut Command, cpus: usize) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let program = command.get_program().display().to_string();
        let child = pinned(cpus, || command.spawn());
        let mut child = child.with_context(|| format!("{program} cannot be started"))?;
        let out = child.stdout.take().context("the process has an output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines })
    }

    pub(crate) fn id(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Returns the next JSON line of the process, if it arrives in time. Skips lines that are not
    /// JSON.
    pub(crate) fn line<T: DeserializeOwned>(&mut self, time: Duration) -> Result<T> {
        loop {
            let line = self.lines.recv_timeout(time);
            let line = line.context("the process exited or took too long")?;
            if line.starts_with('{') {
                return serde_json::from_str(&line)
                    .with_context(|| format!("unexpected line: {line}"));
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has already exited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
