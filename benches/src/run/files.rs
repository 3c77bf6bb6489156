//! How many files a process may have open, sockets among them.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What 10,000 connections need, and what else a process has open.
const NEEDED: u64 = 10_500;

/// Raises the limit of this process and of those that it starts to what it may be.
pub(crate) fn allow_many_files() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?;
    ensure!(
        maximum.is_none_or(|maximum| maximum >= NEEDED),
        "a process may have {maximum:?} open files at most, and 10,000 connections need {NEEDED}: raise the limit"
    );
    Ok(())
}
