//! The memory of a process.

use anyhow::{Context as _, Result};

/// Returns the resident memory of a process in bytes.
pub(crate) fn resident(pid: i32) -> Result<u64> {
    field(&pid.to_string(), "VmRSS:")
}

/// Returns the peak memory of a process in bytes.
pub(crate) fn peak(pid: i32) -> Result<u64> {
    field(&pid.to_string(), "VmHWM:")
}

/// Returns the peak memory of this process in bytes.
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
