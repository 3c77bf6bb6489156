//! How much memory a process has.

use anyhow::{Context as _, Result};

/// Bytes of memory that the process has now.
pub(crate) fn resident(pid: i32) -> Result<u64> {
    field(&pid.to_string(), "VmRSS:")
}

/// The most bytes of memory that the process ever had.
pub(crate) fn peak(pid: i32) -> Result<u64> {
    field(&pid.to_string(), "VmHWM:")
}

/// The most bytes of memory that this process ever had.
pub(crate) fn own_peak() -> Result<u64> {
    field("self", "VmHWM:")
}

fn field(process: &str, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes: u64 = kibibytes
        .with_context(|| format!("{name} of the process {process}"))?
        .trim()
        .parse()?;
    Ok(kibibytes * 1024)
}
