//! Metadata of files.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;

use farcall_core::{Fault, FaultKind};
use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat, fstat, statat};
use rustix::io::Errno;

use super::types::{FileKind, FileStat};
use crate::agent::beneath::Located;

/// Returns the metadata of an open file.
pub(super) fn stat_of(file: impl AsFd, name: &OsStr) -> io::Result<FileStat> {
    Ok(from_stat(&fstat(file)?, name))
}

/// Returns the metadata of what is at a path. A symbolic link is not followed.
pub(super) fn stat_at(located: &Located) -> Result<FileStat, Fault> {
    if located.is_root() {
        let stat = fstat(located.root()).map_err(|error| located.fault(error.into()))?;
        return Ok(from_stat(&stat, located.name()));
    }
    let entry = located.entry()?;
    let stat = statat(&entry.directory, &entry.name, AtFlags::SYMLINK_NOFOLLOW);
    let stat = stat.map_err(|error| located.fault(error.into()))?;
    Ok(from_stat(&stat, &entry.name))
}

/// Returns the metadata of the entries of a directory, by name.
pub(super) fn list(located: &Located, most: usize) -> Result<Vec<FileStat>, Fault> {
    let fault = |error: Errno| located.fault(error.into());
    let directory = located.open(OFlags::RDONLY | OFlags::DIRECTORY)?;
    let mut found = Vec::new();
    for entry in Dir::read_from(&directory).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if found.len() >= most {
            let message = format!("the directory has more than {most} entries");
            return Err(Fault::of(FaultKind::Overloaded, message));
        }
        match statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => found.push(from_stat(&stat, os_str(name.to_bytes()))),
            // Removed in the meantime.
            Err(Errno::NOENT) => {}
            Err(error) => return Err(fault(error)),
        }
    }
    found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn os_str(bytes: &[u8]) -> &OsStr {
    use std::os::unix::ffi::OsStrExt as _;

    OsStr::from_bytes(bytes)
}

#[allow(
    clippy::unnecessary_cast,
    clippy::useless_conversion,
    reason = "the types of the fields differ between systems"
)]
fn from_stat(stat: &Stat, name: &OsStr) -> FileStat {
    let mode = u32::from(stat.st_mode);
    FileStat {
        name: name.to_string_lossy().into_owned(),
        kind: match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Directory,
            FileType::Symlink => FileKind::Symlink,
            _ => FileKind::Other,
        },
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mode: mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        modified: stat.st_mtime as i64,
    }
}
