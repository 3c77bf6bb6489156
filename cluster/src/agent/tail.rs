//! The module `tail`: lines of a file, as they are written.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::Arc;
use std::time::Duration;

use farcall_conn::rpc::{Stream, StreamSender};
use farcall_core::{Fault, FaultKind, service};
use rustix::fs::OFlags;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::beneath::Roots;
use super::error::AgentError;
use super::options::{FileRoot, TailOptions};

/// Pause between two looks at a file that has not grown.
const PAUSE: Duration = Duration::from_millis(250);

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// Maximum length of a line. A longer one is sent in pieces.
const MAX_LINE: usize = 64 * 1024;

/// Bytes at the end of a file among which its last lines are looked for.
const MAX_LAST: u64 = 1 << 20;

/// Number of lines that are read ahead of the stream.
const LINES_AHEAD: usize = 64;

/// The service of the module.
pub(super) struct Tail {
    roots: Arc<Roots>,
    max_followed: usize,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Tail {
    pub(super) fn new(options: TailOptions, tasks: TaskTracker) -> Result<Self, AgentError> {
        let roots = options.roots.into_iter().map(FileRoot::read);
        Ok(Self {
            roots: Arc::new(Roots::new(roots.collect())?),
            max_followed: options.max_followed,
            places: Arc::new(Semaphore::new(options.max_followed)),
            tasks,
        })
    }
}

#[service(prefix = "tail")]
impl Tail {
    /// Returns the last lines of a file, and then those that are written to it, until the stream is
    /// dropped. Arguments: `path`; optionally `last`, the number of lines, by default none. If the
    /// file is replaced or truncated, as log rotation does, the stream goes on with the new one.
    #[service]
    async fn follow(&self, path: String, last: Option<u32>) -> Result<Stream<String>, Fault> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let message = format!("{} files are followed already", self.max_followed);
            Fault::of(FaultKind::Overloaded, message)
        })?;
        let followed = Followed {
            roots: Arc::clone(&self.roots),
            path,
        };
        let last = last.unwrap_or(0) as usize;
        let opened = spawn_blocking(move || {
            let mut open = followed.open()?;
            open.place = open.place_of_last(last).map_err(Fault::internal)?;
            Ok::<_, Fault>((followed, open))
        });
        let (followed, open) = opened.await.map_err(Fault::internal)??;
        let (sender, lines) = Stream::channel(LINES_AHEAD);
        self.tasks.spawn(async move {
            tokio::select! {
                () = sender.closed() => {}
                ended = follow(followed, open, &sender) => if let Err(fault) = ended {
                    // It fails if the caller is gone.
                    let _ = sender.clone().fail(fault).await;
                }
            }
            drop(place);
        });
        Ok(lines)
    }
}

/// A path that is followed, whatever file is there.
struct Followed {
    roots: Arc<Roots>,
    path: String,
}

/// The file that is being read.
struct OpenFile {
    file: File,
    device: u64,
    inode: u64,
    /// The place of the next byte.
    place: u64,
}

/// Something that was found when the file was looked at.
enum Look {
    Bytes(Vec<u8>),
    Nothing,
    Truncated,
    Replaced(OpenFile),
}

impl Followed {
    /// Opens the file that is at the path now. Blocks.
    fn open(&self) -> Result<OpenFile, Fault> {
        let located = self.roots.locate(&self.path, false)?;
        let file = File::from(located.open(OFlags::RDONLY)?);
        let metadata = file.metadata().map_err(|error| located.fault(error))?;
        if !metadata.is_file() {
            return Err(located.not_regular());
        }
        Ok(OpenFile {
            file,
            device: metadata.dev(),
            inode: metadata.ino(),
            place: 0,
        })
    }

    /// Reads on, and looks for a new file at the end of this one. Blocks.
    fn look(&self, open: &mut OpenFile) -> io::Result<Look> {
        let mut buffer = vec![0; CHUNK];
        let read = open.file.read_at(&mut buffer, open.place)?;
        if read > 0 {
            open.place += read as u64;
            buffer.truncate(read);
            return Ok(Look::Bytes(buffer));
        }
        if open.file.metadata()?.len() < open.place {
            return Ok(Look::Truncated);
        }
        // There may be none for a moment, or one that cannot be read yet.
        match self.open() {
            Ok(now) if (now.device, now.inode) != (open.device, open.inode) => {
                // Something may have been written since the last look.
                let read = open.file.read_at(&mut buffer, open.place)?;
                if read > 0 {
                    open.place += read as u64;
                    buffer.truncate(read);
                    return Ok(Look::Bytes(buffer));
                }
                Ok(Look::Replaced(now))
            }
            _ => Ok(Look::Nothing),
        }
    }
}

impl OpenFile {
    /// Returns the place at which the last lines begin: at most as many as there are within the
    /// last [`MAX_LAST`] bytes.
    fn place_of_last(&self, lines: usize) -> io::Result<u64> {
        let end = self.file.metadata()?.len();
        let begin = end.saturating_sub(MAX_LAST);
        if lines == 0 {
            return Ok(end);
        }
        let mut bytes = vec![0; usize::try_from(end - begin).unwrap_or(0)];
        let mut length = 0;
        while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, begin + length as u64)? {
                0 => break,
                read => length += read,
            }
        }
        bytes.truncate(length);
        // The line end of the last line does not separate it from another.
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let ends = text
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, byte)| **byte == b'\n');
        let before = ends.map(|(place, _)| place as u64 + 1).nth(lines - 1);
        Ok(begin + before.unwrap_or(0))
    }
}

/// Sends the lines of a file for as long as somebody receives them.
async fn follow(
    followed: Followed,
    mut open: OpenFile,
    lines: &StreamSender<String>,
) -> Result<(), Fault> {
    let followed = Arc::new(followed);
    let mut line = Vec::new();
    loop {
        let same = Arc::clone(&followed);
        let looked = spawn_blocking(move || {
            let looked = same.look(&mut open);
            (open, looked)
        });
        let (unchanged, looked) = looked.await.map_err(Fault::internal)?;
        open = unchanged;
        match looked.map_err(Fault::internal)? {
            Look::Bytes(bytes) => {
                for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
                    line.extend_from_slice(piece);
                    if line.last() == Some(&b'\n') || line.len() >= MAX_LINE {
                        let text = take_line(&mut line);
                        if lines.send(text).await.is_err() {
                            return Ok(());
                        }
                    }
                }
            }
            Look::Nothing => sleep(PAUSE).await,
            Look::Truncated => {
                line.clear();
                open.place = 0;
            }
            Look::Replaced(new) => {
                // The last line of the old file may have no line end.
                if !line.is_empty() && lines.send(take_line(&mut line)).await.is_err() {
                    return Ok(());
                }
                open = new;
            }
        }
    }
}

/// Takes a line, without its line end. Bytes that are not UTF-8 are replaced by `U+FFFD`.
fn take_line(line: &mut Vec<u8>) -> String {
    let bytes = std::mem::take(line);
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    String::from_utf8_lossy(text).into_owned()
}
