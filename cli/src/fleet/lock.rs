//! The lock of a file that one run at a time may use.

use std::fs::{File, TryLockError};
use std::path::Path;

/// Locks a file until it is closed, also by a crash. The file need not be on a file system that has
/// locks.
///
/// # Errors
/// If another process has the lock: which one.
pub(super) fn lock(file: &File, path: &Path) -> Result<(), String> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let owner = owner(file).map_or_else(
                || "another process".to_owned(),
                |process| format!("process {process}"),
            );
            Err(format!(
                "{} is in use by {owner}: wait until that has ended, or take another file",
                path.display()
            ))
        }
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Returns the process that has locked a file, which the kernel tells in `/proc/locks`: lines
/// `1: FLOCK  ADVISORY  WRITE 4711 fd:01:1234 0 EOF`, with the number of the file at the end of the
/// sixth column.
#[cfg(target_os = "linux")]
fn owner(file: &File) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;

    let inode = file.metadata().ok()?.ino().to_string();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, process, place, ..] = columns[..] else {
            return None;
        };
        let (_, number) = place.rsplit_once(':')?;
        // A process of another namespace is 0.
        let process = process.parse().ok().filter(|process| *process > 0)?;
        (number == inode).then_some(process)
    })
}

/// Returns `None`: other systems do not tell.
#[cfg(not(target_os = "linux"))]
const fn owner(_: &File) -> Option<u32> {
    None
}
