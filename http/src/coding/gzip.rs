//! The content coding gzip.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::Undecodable;

/// The coding gzip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gzip;

impl Gzip {
    /// The coding, if this build has it.
    pub const AVAILABLE: Option<Self> = Some(Self);

    /// The coding that this build decodes, for the header `Accept-Encoding`.
    pub const ACCEPTED: &str = "gzip";

    /// Compresses a body, at the fastest level.
    pub fn compress(self, body: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
        let mut zipped = encoder
            .write_all(body)
            .and_then(|()| encoder.finish())
            .expect("writing to a vector cannot fail");
        // The body may stay in memory for as long as a slow peer takes to read it.
        zipped.shrink_to_fit();
        zipped.into()
    }

    /// Decompresses a body of at most `limit` decompressed bytes.
    pub(super) fn decompress(self, body: &[u8], limit: usize) -> Result<Bytes, Undecodable> {
        let mut decoded = Vec::with_capacity(body.len().saturating_mul(4).min(limit));
        // One byte beyond the limit distinguishes a body that is too large from one that fits.
        MultiGzDecoder::new(body)
            .take((limit as u64).saturating_add(1))
            .read_to_end(&mut decoded)
            .map_err(Undecodable::Damaged)?;
        if decoded.len() > limit {
            return Err(Undecodable::TooLarge);
        }
        // The budget counts the length of the body, and the body is kept until its call completes.
        decoded.shrink_to_fit();
        Ok(decoded.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_bodies_are_decoded_up_to_the_limit() {
        let body = vec![b' '; 10_000];
        let zipped = Gzip.compress(&body);
        assert!(zipped.len() < 1_000);
        assert_eq!(Gzip.decompress(&zipped, 10_000).unwrap(), body);
        let bomb = Gzip.decompress(&zipped, 9_999);
        assert!(matches!(bomb, Err(Undecodable::TooLarge)));
        let cut = Gzip.decompress(&zipped[..zipped.len() / 2], usize::MAX);
        assert!(matches!(cut, Err(Undecodable::Damaged(_))));
    }
}
