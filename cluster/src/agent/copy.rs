//! Whole files, to and from an agent.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use farcall_conn::rpc::{Stream, StreamError, StreamSender};
use farcall_core::{CallError, Caller, Fault};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::api::AgentApi;
use super::files::digest::{CHUNK, FileDigest};
use super::files::{FilePart, FilePrefix, PutOptions, StoredFile};

/// Number of pieces of a file that are read ahead of the connection.
const PIECES_AHEAD: usize = 4;

/// Settings of [`upload`] and [`download`].
#[derive(Clone, Debug)]
#[must_use]
pub struct CopyOptions {
    timeout: Duration,
    mode: Option<u32>,
    resume: bool,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(600),
            mode: None,
            resume: false,
        }
    }
}

impl CopyOptions {
    /// Sets the maximum time of the whole copy.
    ///
    /// Default: 10 minutes.
    pub const fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }

    /// Sets the permissions of the file that is put.
    ///
    /// Default: those of the file that is replaced, or else `0o644`.
    pub const fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Keeps what was copied if the copy fails, and goes on from there the next time.
    ///
    /// Default: nothing is kept.
    pub const fn resume(mut self) -> Self {
        self.resume = true;
        self
    }
}

/// The error of [`upload`] and [`download`].
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// A local file cannot be read or written.
    #[error("`{}`", .path.display())]
    Local {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A call to the agent failed.
    #[error("the agent has not done its part")]
    Call(#[from] CallError),
    /// The content broke off.
    #[error("the content broke off")]
    Stream(#[source] StreamError),
    /// The content ended before its end.
    #[error("the content ended early")]
    Incomplete,
    /// The content is not the one that the agent has read.
    #[error("the content was changed on its way, or in the file while it was read")]
    Digest,
    /// The time has passed.
    #[error("the copy has taken longer than {0:?}")]
    TimedOut(Duration),
}

farcall_core::debug_errors!(CopyError);

/// Copies a local file to a path of the agent, where it appears at once and only when it is
/// complete and has the right SHA-256.
///
/// # Errors
/// If the local file cannot be read, the agent refuses or fails, or the time passes. The place at
/// the agent is unchanged then, except if the last reply was lost.
///
/// # Cancel safety
/// Dropping the future stops the copy.
pub async fn upload<C: Caller>(
    agent: &C,
    local: impl AsRef<Path>,
    remote: &str,
    options: CopyOptions,
) -> Result<StoredFile, CopyError> {
    let deadline = Instant::now() + options.timeout;
    let copying = async {
        let agent = agent.within(options.timeout);
        let path = local.as_ref().to_owned();
        let digest = read(&path, |file| FileDigest::read(file, u64::MAX)).await?;
        let mut put = PutOptions::default().sha256(digest.hex());
        put.mode = options.mode;
        if options.resume {
            let partial = agent.partial_file(remote, &digest.hex()).await?;
            put = put.resumable().offset(common(&path, partial).await?);
        }
        let content = content(path, put.offset);
        Ok(agent.put_file(remote, content, Some(put)).await?)
    };
    let copied = timeout_at(deadline, copying).await;
    copied.unwrap_or(Err(CopyError::TimedOut(options.timeout)))
}

/// Copies a file of the agent to a local path, where it appears at once and only when it is
/// complete and has the right SHA-256.
///
/// # Errors
/// If the local file cannot be written, the agent refuses or fails, or the time passes. The local
/// path is unchanged then.
///
/// # Cancel safety
/// Dropping the future stops the copy.
pub async fn download<C: Caller>(
    agent: &C,
    remote: &str,
    local: impl AsRef<Path>,
    options: CopyOptions,
) -> Result<StoredFile, CopyError> {
    let deadline = Instant::now() + options.timeout;
    let mut part = LocalPart::new(local.as_ref(), options.resume);
    let copying = async {
        let prefix = part.open().await?;
        let mut download = agent
            .within(options.timeout)
            .get_file(remote, prefix)
            .await?;
        part.begin_at(download.offset).await?;
        loop {
            match download.parts.next().await {
                Some(Ok(FilePart::Data(bytes))) => part.write(bytes).await?,
                Some(Ok(FilePart::End(stored))) => {
                    part.finish(&stored, download.stat.mode).await?;
                    return Ok(stored);
                }
                Some(Err(error)) => return Err(CopyError::Stream(error)),
                None => return Err(CopyError::Incomplete),
            }
        }
    };
    let copied = timeout_at(deadline, copying).await;
    copied.unwrap_or(Err(CopyError::TimedOut(options.timeout)))
}

/// Runs a function on a local file, on a thread that may block.
async fn read<T: Send + 'static>(
    path: &Path,
    run: impl FnOnce(&mut File) -> io::Result<T> + Send + 'static,
) -> Result<T, CopyError> {
    let own = path.to_owned();
    blocking(path, move || run(&mut File::open(own)?)).await
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    run: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, CopyError> {
    let ran = spawn_blocking(run).await.map_err(io::Error::other);
    ran.and_then(|result| result)
        .map_err(|source| CopyError::Local {
            path: path.to_owned(),
            source,
        })
}

/// Returns the length of what the agent has, if the local file begins like it.
async fn common(path: &Path, partial: Option<FilePrefix>) -> Result<u64, CopyError> {
    let Some(partial) = partial else {
        return Ok(0);
    };
    let length = partial.length;
    let own = read(path, move |file| FileDigest::read(file, length)).await?;
    let is_same = own.length == partial.length && own.hex() == partial.sha256;
    Ok(if is_same { length } else { 0 })
}

/// Returns the content of a local file from a place on, which is read as it is sent.
fn content(path: PathBuf, offset: u64) -> Stream<Bytes> {
    let (sender, content) = Stream::channel(PIECES_AHEAD);
    tokio::spawn(async move {
        if let Err(error) = send_content(&path, offset, &sender).await {
            // It fails if nobody receives the content any more.
            let _ = sender.fail(Fault::internal(error)).await;
        }
    });
    content
}

async fn send_content(path: &Path, offset: u64, sender: &StreamSender<Bytes>) -> io::Result<()> {
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(SeekFrom::Start(offset)).await?;
    loop {
        let mut buffer = BytesMut::with_capacity(CHUNK);
        if file.read_buf(&mut buffer).await? == 0 || sender.send(buffer.freeze()).await.is_err() {
            return Ok(());
        }
    }
}

/// The local file that is written, beside the place that it is for. It is removed when it is
/// dropped before it is complete, unless it is kept for the next time.
struct LocalPart {
    place: PathBuf,
    path: PathBuf,
    file: Option<File>,
    digest: FileDigest,
    is_kept: bool,
}

impl Drop for LocalPart {
    fn drop(&mut self) {
        if !self.is_kept && self.file.is_some() {
            // It fails if somebody has removed it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl LocalPart {
    fn new(place: &Path, resume: bool) -> Self {
        let mut name = std::ffi::OsString::from(".");
        name.push(place.file_name().unwrap_or_default());
        name.push(".part");
        Self {
            place: place.to_owned(),
            path: place.with_file_name(name),
            file: None,
            digest: FileDigest::default(),
            is_kept: resume,
        }
    }

    /// Opens the file, and returns what is in it from the last time.
    async fn open(&mut self) -> Result<Option<FilePrefix>, CopyError> {
        let (path, resume) = (self.path.clone(), self.is_kept);
        let opened = blocking(&self.path, move || {
            let mut options = File::options();
            let mut file = options
                .read(true)
                .write(true)
                .create(true)
                .truncate(!resume)
                .open(path)?;
            let digest = FileDigest::read(&mut file, u64::MAX)?;
            Ok((file, digest))
        });
        let (file, digest) = opened.await?;
        self.file = Some(file);
        self.digest = digest;
        Ok((self.digest.length > 0).then(|| FilePrefix {
            length: self.digest.length,
            sha256: self.digest.hex(),
        }))
    }

    /// Goes on at this place: at the end of what there is, or at the beginning.
    async fn begin_at(&mut self, offset: u64) -> Result<(), CopyError> {
        if offset == self.digest.length {
            return Ok(());
        }
        if offset != 0 {
            return Err(CopyError::Incomplete);
        }
        self.digest = FileDigest::default();
        self.with_file(|file| {
            file.set_len(0)?;
            file.rewind()
        })
        .await
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), CopyError> {
        self.digest.update(&bytes);
        self.with_file(move |file| file.write_all(&bytes)).await
    }

    async fn finish(&mut self, stored: &StoredFile, mode: u32) -> Result<(), CopyError> {
        use std::os::unix::fs::PermissionsExt as _;

        if self.digest.stored() != *stored {
            self.is_kept = false;
            return Err(CopyError::Digest);
        }
        let (path, place) = (self.path.clone(), self.place.clone());
        self.with_file(move |file| {
            file.set_permissions(std::fs::Permissions::from_mode(mode & 0o777))?;
            file.sync_all()?;
            std::fs::rename(path, place)
        })
        .await?;
        self.is_kept = true;
        Ok(())
    }

    async fn with_file(
        &mut self,
        run: impl FnOnce(&mut File) -> io::Result<()> + Send + 'static,
    ) -> Result<(), CopyError> {
        let file = self.file.as_ref().map(File::try_clone);
        let file = file.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()));
        blocking(&self.path, move || run(&mut file?)).await
    }
}
