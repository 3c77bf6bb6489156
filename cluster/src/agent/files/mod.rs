//! The module `files`.

pub(super) mod digest;
mod get;
mod put;
mod stat;
mod types;

use std::sync::Arc;

use bytes::Bytes;
use farcall_conn::rpc::Stream;
use farcall_core::{Fault, FaultKind, service};
use rustix::fs::{AtFlags, FileType, statat, unlinkat};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio_util::task::TaskTracker;

use self::get::SentFile;
use self::put::{Part, partial};
use self::stat::{list, stat_at};
pub use self::types::{Download, FileKind, FilePart, FilePrefix, FileStat, PutOptions, StoredFile};
use super::beneath::{Located, Roots};
use super::error::AgentError;
use super::options::FileOptions;

/// Number of parts that are read ahead of the stream.
const PARTS_AHEAD: usize = 2;

/// The service of the module.
pub(super) struct Files {
    options: FileOptions,
    roots: Arc<Roots>,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Files {
    pub(super) fn new(mut options: FileOptions, tasks: TaskTracker) -> Result<Self, AgentError> {
        Ok(Self {
            roots: Arc::new(Roots::new(std::mem::take(&mut options.roots))?),
            places: Arc::new(Semaphore::new(options.max_transfers)),
            options,
            tasks,
        })
    }

    /// Runs a function on a path, on a thread that may block.
    async fn at<T: Send + 'static>(
        &self,
        path: String,
        to_write: bool,
        run: impl FnOnce(Located) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let roots = Arc::clone(&self.roots);
        let ran = spawn_blocking(move || run(roots.locate(&path, to_write)?));
        ran.await.map_err(Fault::internal)?
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| {
            let max = self.options.max_transfers;
            let message = format!("{max} files are transferred already");
            Fault::of(FaultKind::Overloaded, message)
        })
    }
}

#[service(prefix = "files")]
impl Files {
    /// Returns the metadata of what is at `path`. A symbolic link is not followed.
    #[service]
    async fn stat(&self, path: String) -> Result<FileStat, Fault> {
        self.at(path, false, |located| stat_at(&located)).await
    }

    /// Returns the metadata of the entries of the directory at `path`, by name.
    #[service]
    async fn list(&self, path: String) -> Result<Vec<FileStat>, Fault> {
        let most = self.options.max_entries;
        self.at(path, false, move |located| list(&located, most))
            .await
    }

    /// Returns the length and the SHA-256 of the file at `path`.
    #[service]
    async fn checksum(&self, path: String) -> Result<StoredFile, Fault> {
        let _place = self.place()?;
        let most = self.options.max_file;
        self.at(path, false, move |located| {
            SentFile::open(located, None, most)?.checksum()
        })
        .await
    }

    /// Removes the file, symbolic link or empty directory at `path`. Returns `false` if there is
    /// none.
    #[service]
    async fn remove(&self, path: String) -> Result<bool, Fault> {
        self.at(path, true, |located| {
            let entry = located.entry()?;
            let (directory, name) = (&entry.directory, &entry.name);
            let removed = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).and_then(|stat| {
                let kind = FileType::from_raw_mode(stat.st_mode);
                let flags = if kind == FileType::Directory {
                    AtFlags::REMOVEDIR
                } else {
                    AtFlags::empty()
                };
                unlinkat(directory, name, flags)
            });
            match removed {
                Ok(()) => Ok(true),
                Err(rustix::io::Errno::NOENT) => Ok(false),
                Err(error) => Err(located.fault(error.into())),
            }
        })
        .await
    }

    /// Returns the metadata of a file and the stream of its content. Arguments: `path`; optionally
    /// `prefix`, a struct of the `length` and the `sha256` of the beginning that the caller has, if
    /// only the rest is to follow.
    #[service]
    async fn get(&self, path: String, prefix: Option<FilePrefix>) -> Result<Download, Fault> {
        let place = self.place()?;
        let most = self.options.max_file;
        let open = move |located| SentFile::open(located, prefix, most);
        let source = self.at(path, false, open).await?;
        let (stat, offset) = (source.stat.clone(), source.offset());
        let (sender, parts) = Stream::channel(PARTS_AHEAD);
        let idle = self.options.idle_timeout;
        self.tasks.spawn(async move {
            source.send(sender, idle).await;
            drop(place);
        });
        Ok(Download {
            stat,
            offset,
            parts,
        })
    }

    /// Puts a file in its place, at once and only when it is complete. Arguments: `path`;
    /// `content`, a stream of bytes; optionally `options`, a struct of `mode`, `sha256`,
    /// `resumable` and `offset`.
    #[service]
    async fn put(
        &self,
        path: String,
        content: Stream<Bytes>,
        options: Option<PutOptions>,
    ) -> Result<StoredFile, Fault> {
        let place = self.place()?;
        let options = options.unwrap_or_default();
        let open = move |located| Part::open(located, options);
        let part = self.at(path, true, open).await?;
        let (most, idle) = (self.options.max_file, self.options.idle_timeout);
        let part = part.receive(content, most, idle).await?;
        // If the caller goes now, the file is put nevertheless.
        let finished = spawn_blocking(move || {
            let _place = place;
            part.finish()
        });
        finished.await.map_err(Fault::internal)?
    }

    /// Returns the length and the SHA-256 of what an earlier, resumable call has left of a file.
    /// Arguments: `path`; `sha256`, the digest that the file has when it is complete.
    #[service]
    async fn partial(&self, path: String, sha256: String) -> Result<Option<FilePrefix>, Fault> {
        let _place = self.place()?;
        self.at(path, true, move |located| partial(&located, &sha256))
            .await
    }
}
