//! Bodies of HTTP messages: content coding, charset, and errors of reading, for client and server.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use http::HeaderValue;

/// Maximum bytes allocated before a part of the body arrives, whatever length is declared.
pub(crate) const MAX_PREALLOCATED: u64 = 1 << 20;

/// Errors of reading a body.
#[derive(Debug)]
pub(crate) enum Broken<E> {
    /// The body is over the limit.
    TooLarge,
    /// The connection failed, or the chunks are malformed.
    Disconnected(E),
}

/// The content coding of a body (RFC 9110, 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// The body is not encoded.
    Identity,
    /// The body is compressed with gzip.
    Gzip,
}

/// Errors of decoding a body.
#[derive(Debug)]
pub(crate) enum Undecodable {
    /// The decoded body is over the limit.
    TooLarge,
    /// The body is not gzip, or is damaged.
    Damaged(io::Error),
}

impl Coding {
    /// Returns the coding that the `Content-Encoding` headers name.
    ///
    /// # Errors
    /// The name of the coding, if it is not supported.
    pub(crate) fn of<'a>(
        headers: impl IntoIterator<Item = &'a HeaderValue>,
    ) -> Result<Self, String> {
        let mut codings = headers.into_iter();
        let name = codings
            .next()
            .map(HeaderValue::as_bytes)
            .unwrap_or_default();
        match name.trim_ascii() {
            _ if codings.next().is_some() => Err("several codings".to_owned()),
            b"" => Ok(Self::Identity),
            name if name.eq_ignore_ascii_case(b"identity") => Ok(Self::Identity),
            name if name.eq_ignore_ascii_case(b"gzip") => Ok(Self::Gzip),
            name if name.eq_ignore_ascii_case(b"x-gzip") => Ok(Self::Gzip),
            name => Err(String::from_utf8_lossy(name).into_owned()),
        }
    }

    /// Decodes a body of at most `limit` decoded bytes.
    ///
    /// # Errors
    /// If the body is over the limit or damaged.
    pub(crate) fn decode(self, body: &mut Bytes, limit: usize) -> Result<(), Undecodable> {
        if self == Self::Identity {
            return Ok(());
        }
        let mut decoded = Vec::with_capacity(body.len().saturating_mul(4).min(limit));
        // One byte beyond the limit distinguishes a body that is too large from one that fits.
        MultiGzDecoder::new(body.as_ref())
            .take((limit as u64).saturating_add(1))
            .read_to_end(&mut decoded)
            .map_err(Undecodable::Damaged)?;
        if decoded.len() > limit {
            return Err(Undecodable::TooLarge);
        }
        // The budget counts the length of the body, and the body is kept until its call completes.
        decoded.shrink_to_fit();
        *body = decoded.into();
        Ok(())
    }
}

/// Compresses a body with gzip, at the fastest level.
pub(crate) fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    let mut zipped = encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .expect("writing to a vector cannot fail");
    // The body may stay in memory for as long as a slow peer takes to read it.
    zipped.shrink_to_fit();
    zipped.into()
}

/// Returns the `charset` parameter of a content type.
pub(crate) fn charset(content_type: Option<&HeaderValue>) -> Option<&str> {
    let content_type = content_type?;
    if content_type == "text/xml" {
        return None;
    }
    let content_type = content_type.to_str().ok()?;
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets() {
        let charset = |value: &'static str| {
            charset(Some(&HeaderValue::from_static(value))).map(str::to_owned)
        };
        assert_eq!(charset("text/xml"), None);
        assert_eq!(charset("text/xml; charset=utf-8").as_deref(), Some("utf-8"));
        assert_eq!(
            charset("text/xml;a=b; Charset = \"ISO-8859-1\"").as_deref(),
            Some("ISO-8859-1")
        );
    }

    #[test]
    fn codings() {
        let coding = |values: &[&'static str]| {
            let values = values.iter().copied();
            let values: Vec<_> = values.map(HeaderValue::from_static).collect();
            Coding::of(&values)
        };
        assert_eq!(coding(&[]), Ok(Coding::Identity));
        assert_eq!(coding(&["Identity"]), Ok(Coding::Identity));
        assert_eq!(coding(&["X-GZIP"]), Ok(Coding::Gzip));
        assert_eq!(coding(&["br"]), Err("br".to_owned()));
        assert!(coding(&["gzip, gzip"]).is_err());
        assert!(coding(&["gzip", "gzip"]).is_err());
    }

    #[test]
    fn compressed_bodies_are_decoded_up_to_the_limit() {
        let body = vec![b' '; 10_000];
        let zipped = gzip(&body);
        assert!(zipped.len() < 1_000);
        let mut decoded = zipped.clone();
        Coding::Gzip.decode(&mut decoded, 10_000).unwrap();
        assert_eq!(decoded, body);
        let bomb = Coding::Gzip.decode(&mut zipped.clone(), 9_999);
        assert!(matches!(bomb, Err(Undecodable::TooLarge)));
        let mut cut = zipped.slice(..zipped.len() / 2);
        let cut = Coding::Gzip.decode(&mut cut, usize::MAX);
        assert!(matches!(cut, Err(Undecodable::Damaged(_))));
    }
}
