//! Digests of files.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use sha2::{Digest as _, Sha256};

use super::types::StoredFile;

/// Bytes that are read at once.
pub(crate) const CHUNK: usize = 64 * 1024;

/// The SHA-256 of the bytes so far, and their number.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileDigest {
    hasher: Sha256,
    pub(crate) length: u64,
}

impl FileDigest {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.length = self.length.saturating_add(bytes.len() as u64);
    }

    /// Reads a file from its beginning up to `most` bytes, and stays behind them.
    pub(crate) fn read(file: &mut File, most: u64) -> io::Result<Self> {
        let mut digest = Self::default();
        let mut buffer = vec![0; CHUNK];
        file.seek(SeekFrom::Start(0))?;
        let mut rest = file.take(most);
        loop {
            match rest.read(&mut buffer) {
                Ok(0) => return Ok(digest),
                Ok(read) => digest.update(buffer.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the digest in hexadecimal digits.
    pub(crate) fn hex(&self) -> String {
        use std::fmt::Write as _;

        let digest = self.hasher.clone().finalize();
        let mut text = String::with_capacity(2 * digest.len());
        for byte in digest {
            // Writing into a `String` does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    pub(crate) fn stored(&self) -> StoredFile {
        StoredFile {
            size: self.length,
            sha256: self.hex(),
        }
    }
}
