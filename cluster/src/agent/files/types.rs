//! Arguments and results of the module `files`.

use bytes::Bytes;
use farcall_conn::rpc::Stream;
use serde::{Deserialize, Serialize};

/// The kind of an entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A file with content.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, which is not followed.
    Symlink,
    /// A device, a socket or a pipe.
    Other,
}

/// Metadata of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStat {
    /// The name within its directory. Bytes that are not UTF-8 are replaced by `U+FFFD`.
    pub name: String,
    /// The kind of the file.
    pub kind: FileKind,
    /// The length in bytes.
    pub size: u64,
    /// The permissions, such as `0o644`.
    pub mode: u32,
    /// The id of the owner.
    pub uid: u32,
    /// The id of the group.
    pub gid: u32,
    /// The time of the last change of the content, in seconds since 1970.
    pub modified: i64,
}

/// The beginning of a file, which one side has already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePrefix {
    /// Its length in bytes.
    pub length: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// A file that is being got.
#[derive(Debug, Serialize, Deserialize)]
pub struct Download {
    /// The metadata of the file.
    pub stat: FileStat,
    /// The place in the file at which the content begins: the length of the prefix that the caller
    /// has, or 0 if the file begins otherwise.
    pub offset: u64,
    /// The content from there, and its end.
    pub parts: Stream<FilePart>,
}

/// An item of the content of a file that is being got. The last one is `End`; if it is missing, the
/// file was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilePart {
    /// Further bytes.
    Data(Bytes),
    /// The whole file, from its beginning.
    End(StoredFile),
}

/// A whole file as it was written or read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// The length in bytes.
    pub size: u64,
    /// The SHA-256 of the content, in hexadecimal digits.
    pub sha256: String,
}

/// Settings of a file that is put. All of them may be omitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use]
pub struct PutOptions {
    /// The permissions, such as `0o644`; at most `0o777`. Default: those of the file that is
    /// replaced, or else `0o644`.
    pub mode: Option<u32>,
    /// The SHA-256 of the whole file, in hexadecimal digits. The file is put in its place only if
    /// it has this digest. Default: it is not compared.
    pub sha256: Option<String>,
    /// Keeps what has arrived if the call fails, so that a later call can go on with it. It needs
    /// `sha256`. Default: `false`.
    pub resumable: bool,
    /// The place in the file at which the content begins: at most the length that `files.partial`
    /// returned. Default: 0.
    pub offset: u64,
}

impl PutOptions {
    /// Sets the permissions.
    pub const fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Sets the SHA-256 that the whole file must have, in hexadecimal digits.
    pub fn sha256(mut self, digits: impl Into<String>) -> Self {
        self.sha256 = Some(digits.into());
        self
    }

    /// Keeps what has arrived if the call fails.
    pub const fn resumable(mut self) -> Self {
        self.resumable = true;
        self
    }

    /// Sets the place in the file at which the content begins.
    pub const fn offset(mut self, bytes: u64) -> Self {
        self.offset = bytes;
        self
    }
}
