//! The limit of open files, which includes sockets.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files needed for 10,000 connections and everything else.
const NEEDED: u64 = 10_500;

/// Raises the limit of this process and its children to the maximum.
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
