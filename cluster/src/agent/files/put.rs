//! Files that are put: written beside their place, and moved there when they are complete.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farcall_conn::rpc::Stream;
use farcall_core::{Fault, FaultKind};
use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, fchmod, flock, fsync, openat, renameat,
    statat, unlinkat,
};
use rustix::io::Errno;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::digest::FileDigest;
use super::types::{FilePrefix, PutOptions, StoredFile};
use crate::agent::beneath::{DirectoryEntry, Located};

/// Digits of a digest.
const DIGITS: usize = 64;

/// Permissions of a new file.
const NEW: u32 = 0o644;

/// All permissions that a caller may give: without those that change the user of a program.
const PERMISSIONS: u32 = 0o777;

/// The file that is written, beside the place that it is for.
pub(super) struct Part {
    located: Located,
    entry: Arc<DirectoryEntry>,
    name: PartName,
    file: File,
    digest: FileDigest,
    options: PutOptions,
}

/// The name of a part, which is removed when it is dropped.
struct PartName {
    entry: Arc<DirectoryEntry>,
    name: OsString,
    is_kept: bool,
}

impl Drop for PartName {
    fn drop(&mut self) {
        if !self.is_kept {
            // It fails if somebody has removed it.
            let _ = unlinkat(&self.entry.directory, &self.name, AtFlags::empty());
        }
    }
}

/// Returns the name of a part: the same for each attempt to put the same content, so that a later
/// one finds what an earlier one has left.
fn part_name(name: &OsStr, mark: &str) -> OsString {
    let mut part = OsString::from(".");
    part.push(name);
    part.push(format!(".{mark}.part"));
    part
}

fn mark(sha256: &str) -> &str {
    sha256.get(..16).unwrap_or(sha256)
}

/// Checks that a text is a digest in the form that is compared.
pub(super) fn check_digest(sha256: &str) -> Result<(), Fault> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if sha256.len() == DIGITS && sha256.bytes().all(is_digit) {
        return Ok(());
    }
    let message = "`sha256` is not 64 hexadecimal digits in lower case";
    Err(Fault::invalid_params(message))
}

/// Returns what an earlier call has left of this file.
pub(super) fn partial(located: &Located, sha256: &str) -> Result<Option<FilePrefix>, Fault> {
    check_digest(sha256)?;
    let entry = located.entry()?;
    let name = part_name(&entry.name, mark(sha256));
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = match openat(&entry.directory, &name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(located.fault(error.into())),
    };
    let digest = FileDigest::read(&mut file, u64::MAX);
    let digest = digest.map_err(|error| located.fault(error))?;
    Ok(Some(FilePrefix {
        length: digest.length,
        sha256: digest.hex(),
    }))
}

impl Part {
    /// Opens the file that is written. Blocks.
    pub(super) fn open(located: Located, options: PutOptions) -> Result<Self, Fault> {
        if options.mode.is_some_and(|mode| mode & !PERMISSIONS != 0) {
            return Err(Fault::invalid_params("`mode` is more than 0o777"));
        }
        options.sha256.as_deref().map_or(Ok(()), check_digest)?;
        let own = match (&options.sha256, options.resumable) {
            (Some(sha256), true) => Some(mark(sha256).to_owned()),
            (None, true) => return Err(Fault::invalid_params("`resumable` needs `sha256`")),
            (_, false) if options.offset > 0 => {
                return Err(Fault::invalid_params("`offset` needs `resumable`"));
            }
            (_, false) => None,
        };
        let entry = Arc::new(located.entry()?);
        // The final move would fail, too, but only when all has arrived.
        if let Ok(stat) = statat(&entry.directory, &entry.name, AtFlags::SYMLINK_NOFOLLOW)
            && FileType::from_raw_mode(stat.st_mode) == FileType::Directory
        {
            return Err(located.fault(Errno::ISDIR.into()));
        }
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let (name, create) = match own {
            // There is something to go on with.
            Some(mark) if options.offset > 0 => (part_name(&entry.name, &mark), OFlags::empty()),
            Some(mark) => (part_name(&entry.name, &mark), OFlags::CREATE),
            None => {
                let mark = format!("{:016x}", fastrand::u64(..));
                (part_name(&entry.name, &mark), OFlags::CREATE | OFlags::EXCL)
            }
        };
        let mode = Mode::from_raw_mode(0o600);
        let opened = match openat(&entry.directory, &name, flags | create, mode) {
            Err(Errno::NOENT) if options.offset > 0 => return Err(too_short(0)),
            opened => opened.map_err(|error| located.fault(error.into()))?,
        };
        let mut file = File::from(opened);
        check_own(&file)?;
        // Held as long as the file is open.
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| Fault::of(FaultKind::Overloaded, "this file is being put already"))?;
        let name = PartName {
            entry: Arc::clone(&entry),
            name,
            // Nothing is worth keeping yet.
            is_kept: options.offset > 0,
        };
        let digest = FileDigest::read(&mut file, options.offset);
        let digest = digest.map_err(|error| located.fault(error))?;
        if digest.length < options.offset {
            return Err(too_short(digest.length));
        }
        file.set_len(options.offset)
            .and_then(|()| file.seek(SeekFrom::Start(options.offset)))
            .map_err(|error| located.fault(error))?;
        Ok(Self {
            located,
            entry,
            name,
            file,
            digest,
            options,
        })
    }

    /// Writes the content. Fails if there is more than `most`, or if nothing comes for `idle`.
    pub(super) async fn receive(
        mut self,
        mut content: Stream<Bytes>,
        most: u64,
        idle: Duration,
    ) -> Result<Self, Fault> {
        let file = self.file.try_clone();
        let mut file = tokio::fs::File::from_std(file.map_err(|error| self.located.fault(error))?);
        loop {
            let next = timeout(idle, content.next()).await;
            let bytes = match next.map_err(|_| stalled())? {
                None => break,
                Some(Ok(bytes)) => bytes,
                // The caller knows that its content has failed; others read this in the log.
                Some(Err(error)) => {
                    return Err(Fault::new(0, "the content broke off").with_source(error));
                }
            };
            self.digest.update(&bytes);
            if self.digest.length > most {
                self.name.is_kept = false;
                let error = Errno::FBIG.into();
                return Err(self.located.fault(error));
            }
            let written = file.write_all(&bytes).await;
            written.map_err(|error| self.located.fault(error))?;
            self.name.is_kept = self.options.resumable;
        }
        let flushed = file.flush().await;
        flushed.map_err(|error| self.located.fault(error))?;
        Ok(self)
    }

    /// Moves the file to its place, if its content is the expected one. Blocks.
    pub(super) fn finish(mut self) -> Result<StoredFile, Fault> {
        let stored = self.digest.stored();
        if let Some(expected) = &self.options.sha256
            && *expected != stored.sha256
        {
            // Nothing that begins with it can be right.
            self.name.is_kept = false;
            let message = format!(
                "the content has the SHA-256 {}: it is discarded",
                stored.sha256
            );
            return Err(Fault::new(Errno::BADMSG.raw_os_error().into(), message));
        }
        self.place().map_err(|error| self.located.fault(error))?;
        self.name.is_kept = true;
        Ok(stored)
    }

    fn place(&self) -> io::Result<()> {
        let DirectoryEntry { directory, name } = &*self.entry;
        let mode = self.options.mode.unwrap_or_else(|| {
            let replaced = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
            replaced.map_or(NEW, |stat| {
                let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
                if is_file {
                    stat.st_mode & PERMISSIONS
                } else {
                    NEW
                }
            })
        });
        fchmod(&self.file, Mode::from_raw_mode(mode))?;
        fsync(&self.file)?;
        renameat(directory, &self.name.name, directory, name)?;
        // The directory is opened again, since the descriptor may be for paths only.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        fsync(openat(directory, ".", flags, Mode::empty())?)?;
        Ok(())
    }
}

fn too_short(length: u64) -> Fault {
    let message = format!("there are only {length} bytes of this file yet");
    Fault::invalid_params(message)
}

/// Checks that a file was left by an earlier call, and is not one that somebody else who may write
/// into the directory has put there, such as a link to a file of another place.
fn check_own(file: &File) -> Result<(), Fault> {
    let metadata = file.metadata().map_err(Fault::internal)?;
    let is_own = metadata.is_file()
        && metadata.nlink() == 1
        && metadata.uid() == nix::unistd::geteuid().as_raw();
    if is_own {
        return Ok(());
    }
    let message = "what was left of this file is not from this agent";
    Err(Fault::of(FaultKind::Denied, message))
}

/// Returns the fault of a caller that sends or reads nothing.
pub(super) fn stalled() -> Fault {
    let message = "the caller has neither sent nor read anything for too long";
    Fault::of(FaultKind::DeadlineExceeded, message)
}
