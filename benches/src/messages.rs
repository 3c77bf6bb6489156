//! The messages of the processes of contestants to the harness, as lines of JSON.

use std::io::Write as _;

use anyhow::Result;
use farcall::transport::Address;
use serde::{Deserialize, Serialize};

/// The message of a server when it is ready.
#[derive(Serialize, Deserialize)]
pub(crate) struct Announcement {
    pub(crate) address: String,
}

/// The message of a load when it completes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Measured {
    /// The figure, in the unit of the case.
    pub(crate) value: f64,
    /// Peak memory of the load in bytes.
    #[serde(default)]
    pub(crate) peak: u64,
}

/// Sends the address of a server to the harness.
pub(crate) fn announce(address: &Address) -> Result<()> {
    send_line(&Announcement {
        address: address.to_string(),
    })
}

/// Sends a line of JSON to the harness.
pub(crate) fn send_line(message: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}
