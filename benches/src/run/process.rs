//! The processes of contestants, and the lines of JSON that they say.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rpc_core::transport::Address;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::pin::pinned;

/// What a server says when it is ready.
#[derive(Serialize, Deserialize)]
pub(crate) struct Announcement {
    pub(crate) address: String,
}

/// What a load says at its end.
#[derive(Serialize, Deserialize)]
pub(crate) struct Measured {
    /// The figure, in the unit of the case.
    pub(crate) value: f64,
    /// The most bytes of memory that the load had.
    #[serde(default)]
    pub(crate) peak: u64,
}

/// Tells the harness where a server listens.
pub(crate) fn announce(address: &Address) -> Result<()> {
    say(&Announcement {
        address: address.to_string(),
    })
}

/// Writes a line of JSON to the harness.
pub(crate) fn say(what: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}

/// A process that ends when this is dropped, at the latest.
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

    /// The next line that the process says, if it comes in time. Whatever is no JSON is passed over.
    pub(crate) fn line<T: DeserializeOwned>(&mut self, time: Duration) -> Result<T> {
        loop {
            let line = self.lines.recv_timeout(time);
            let line = line.context("the process ended, or took too long")?;
            if line.starts_with('{') {
                return serde_json::from_str(&line)
                    .with_context(|| format!("what it said: {line}"));
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
