//! Bodies of HTTP messages: content coding, charset, and errors of reading, for client and server.

#[cfg(feature = "gzip")]
mod gzip;
#[cfg(not(feature = "gzip"))]
#[path = "no_gzip.rs"]
mod gzip;

use std::io;

use bytes::Bytes;
use http::HeaderValue;

pub use self::gzip::Gzip;

/// Maximum bytes allocated before a part of the body arrives, whatever length is declared.
pub const MAX_PREALLOCATED: u64 = 1 << 20;

/// Errors of reading a body.
#[derive(Debug)]
pub enum Broken<E> {
    /// The body is over the limit.
    TooLarge,
    /// The connection failed, or the chunks are malformed.
    Disconnected(E),
}

/// The content coding of a body (RFC 9110, 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// The body is not encoded.
    Identity,
    /// The body is compressed with gzip.
    Gzip(Gzip),
}

/// Errors of decoding a body.
#[derive(Debug)]
pub enum Undecodable {
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
    pub fn of<'a>(headers: impl IntoIterator<Item = &'a HeaderValue>) -> Result<Self, String> {
        let mut codings = headers.into_iter();
        let name = codings
            .next()
            .map(HeaderValue::as_bytes)
            .unwrap_or_default();
        match name.trim_ascii() {
            _ if codings.next().is_some() => Err("several codings".to_owned()),
            b"" => Ok(Self::Identity),
            name if name.eq_ignore_ascii_case(b"identity") => Ok(Self::Identity),
            name => match Gzip::AVAILABLE {
                Some(gzip) if is_gzip(name) => Ok(Self::Gzip(gzip)),
                _ => Err(String::from_utf8_lossy(name).into_owned()),
            },
        }
    }

    /// Decodes a body of at most `limit` decoded bytes.
    ///
    /// # Errors
    /// If the body is over the limit or damaged.
    pub fn decode(self, body: &mut Bytes, limit: usize) -> Result<(), Undecodable> {
        if let Self::Gzip(gzip) = self {
            *body = gzip.decompress(body, limit)?;
        }
        Ok(())
    }
}

/// Returns the feature of this crate without which a coding is unsupported, if it is missing.
pub fn missing_feature(coding: &str) -> Option<&'static str> {
    (Gzip::AVAILABLE.is_none() && is_gzip(coding.as_bytes())).then_some("gzip")
}

fn is_gzip(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip")
}

/// Returns the `charset` parameter of a content type.
pub fn charset(content_type: Option<&HeaderValue>) -> Option<&str> {
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
        assert_eq!(coding(&["X-GZIP"]), Ok(Coding::Gzip(Gzip)));
        assert_eq!(coding(&["br"]), Err("br".to_owned()));
        assert!(coding(&["gzip, gzip"]).is_err());
        assert!(coding(&["gzip", "gzip"]).is_err());
    }
}
