//! Files that are got.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farcall_conn::rpc::StreamSender;
use farcall_core::Fault;
use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::digest::{CHUNK, FileDigest};
use super::put::stalled;
use super::stat::stat_of;
use super::types::{FileKind, FilePart, FilePrefix, FileStat, StoredFile};
use crate::agent::beneath::Located;

/// A file that is read.
pub(super) struct SentFile {
    located: Located,
    file: Arc<File>,
    pub(super) stat: FileStat,
    /// The digest of all that the caller has.
    digest: FileDigest,
}

impl SentFile {
    /// Opens a file, and reads the prefix that the caller has. Blocks.
    pub(super) fn open(
        located: Located,
        prefix: Option<FilePrefix>,
        most: u64,
    ) -> Result<Self, Fault> {
        let mut file = File::from(located.open(OFlags::RDONLY)?);
        let stat = stat_of(&file, located.name()).map_err(|error| located.fault(error))?;
        match stat.kind {
            FileKind::File => {}
            FileKind::Directory => return Err(located.fault(Errno::ISDIR.into())),
            FileKind::Symlink | FileKind::Other => return Err(located.not_regular()),
        }
        if stat.size > most {
            return Err(located.fault(Errno::FBIG.into()));
        }
        let mut digest = FileDigest::default();
        if let Some(prefix) = prefix.filter(|prefix| prefix.length <= stat.size) {
            let read = FileDigest::read(&mut file, prefix.length);
            let read = read.map_err(|error| located.fault(error))?;
            if read.length == prefix.length && read.hex() == prefix.sha256 {
                digest = read;
            }
        }
        Ok(Self {
            located,
            file: Arc::new(file),
            stat,
            digest,
        })
    }

    /// Returns the length and the digest of the whole file. Blocks.
    pub(super) fn checksum(&self) -> Result<StoredFile, Fault> {
        let file = self.file.try_clone();
        let digest = file.and_then(|mut file| FileDigest::read(&mut file, self.stat.size));
        let digest = digest.map_err(|error| self.located.fault(error))?;
        Ok(digest.stored())
    }

    /// Returns the place at which the content begins.
    pub(super) const fn offset(&self) -> u64 {
        self.digest.length
    }

    /// Sends the content up to the length that the file had when it was opened, and its end. Fails
    /// if nobody reads for `idle`.
    pub(super) async fn send(mut self, parts: StreamSender<FilePart>, idle: Duration) {
        loop {
            let part = match self.next().await {
                Ok(Some(bytes)) => FilePart::Data(bytes),
                Ok(None) => FilePart::End(self.digest.stored()),
                Err(fault) => {
                    // It fails if the caller is gone.
                    let _ = timeout(idle, parts.fail(fault)).await;
                    return;
                }
            };
            let is_end = matches!(part, FilePart::End(_));
            match timeout(idle, parts.send(part)).await {
                Ok(Ok(())) if !is_end => {}
                Ok(_) => return,
                // The caller reads this if it ever reads again: the stream waits for it.
                Err(_) => return drop(timeout(idle, parts.fail(stalled())).await),
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let rest = self.stat.size.saturating_sub(self.digest.length);
        let length = usize::try_from(rest).unwrap_or(CHUNK).min(CHUNK);
        if length == 0 {
            return Ok(None);
        }
        let (file, place) = (Arc::clone(&self.file), self.digest.length);
        let read = spawn_blocking(move || {
            let mut buffer = vec![0; length];
            let read = file.read_at(&mut buffer, place)?;
            buffer.truncate(read);
            std::io::Result::Ok(buffer)
        });
        let read = read.await.map_err(Fault::internal)?;
        let bytes = read.map_err(|error| self.located.fault(error))?;
        self.digest.update(&bytes);
        // The file has become shorter: this is its end now.
        Ok((!bytes.is_empty()).then(|| bytes.into()))
    }
}
