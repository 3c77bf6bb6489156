//! The place of the content coding gzip in builds without it.

use bytes::Bytes;

use super::Undecodable;

/// The coding gzip, which this build does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gzip {}

impl Gzip {
    /// The coding, if this build has it.
    pub const AVAILABLE: Option<Self> = None;

    /// The coding for the header `Accept-Encoding`: without the header, a server could send any.
    pub const ACCEPTED: &str = "identity";

    /// Compresses a body.
    pub fn compress(self, _: &[u8]) -> Bytes {
        match self {}
    }

    pub(super) fn decompress(self, _: &[u8], _: usize) -> Result<Bytes, Undecodable> {
        match self {}
    }
}
