//! Idle connections.

use std::io::{Read as _, Write as _};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use farcall::transport::Address;

use super::{bare_std, http};
use crate::memory::resident;
use crate::task::Task;

/// Connections opened before measuring, so that pages of code and growing tables are not counted.
const FIRST: usize = 100;

/// Time for the server to release the memory that it releases when idle.
const REST: Duration = Duration::from_millis(1500);

/// Returns the server's memory per connection in KiB, with `count` connections. `connect` opens one
/// and uses it once.
pub(crate) fn hold<C>(
    task: &Task,
    count: usize,
    mut connect: impl FnMut(&Address) -> Result<C>,
) -> Result<f64> {
    let rest = if count > FIRST { REST } else { Duration::ZERO };
    let pid = task.pid()?;
    let address = task.address()?;
    let mut held = Vec::new();
    for _ in 0..FIRST.min(count / 2) {
        held.push(connect(address)?);
    }
    sleep(rest);
    let first = held.len();
    let before = resident(pid)?;
    while held.len() < count {
        held.push(connect(address)?);
    }
    sleep(rest);
    let more = resident(pid)?.saturating_sub(before);
    ensure!(
        more > 0 || count < 1000,
        "the server's memory did not grow at all"
    );
    // At least 1 byte: with few connections the difference may be 0, which is not a valid figure.
    Ok((more.max(1) as f64 / 1024.0) / (count - first) as f64)
}

/// Holds connections that echoed 68 bytes.
pub(crate) fn hold_echo(task: &Task, count: usize) -> Result<f64> {
    hold(task, count, |_| {
        let mut stream = bare_std::connect(task)?;
        stream.write_all(&[1; 68])?;
        stream.read_exact(&mut [0; 68])?;
        Ok(stream)
    })
}

/// Holds HTTP connections that carried one call of `add(3, 5)`.
pub(crate) fn hold_http(task: &Task, count: usize) -> Result<f64> {
    hold(task, count, |address| {
        let mut client = http::Client::connect(address, task.certificate.as_ref(), &http::xml())?;
        client.call()?;
        Ok(client)
    })
}
