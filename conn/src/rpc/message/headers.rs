//! The headers of a call.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::rpc::varint;

/// Maximum headers of a call.
pub(in crate::rpc) const MAX_HEADERS: usize = 32;

/// Maximum bytes of the names and values of the headers of a call.
pub(in crate::rpc) const MAX_HEADER_BYTES: usize = 8 * 1024;

/// The headers of a call, in the form of the message. They are decoded once the call is admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::rpc) struct Headers<'a> {
    count: usize,
    bytes: &'a [u8],
}

/// The error of a call with too many headers, or too long ones.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the headers of the call are over the limit of {MAX_HEADERS}, or of {MAX_HEADER_BYTES} bytes"
)]
pub(in crate::rpc) struct TooManyHeaders;

impl<'a> Headers<'a> {
    /// Appends the form of a message to `out`, and returns it.
    pub(in crate::rpc) fn encode(
        headers: &HeaderMap,
        out: &'a mut Vec<u8>,
    ) -> Result<Self, TooManyHeaders> {
        let parts = || {
            headers
                .iter()
                .flat_map(|(name, value)| [name.as_ref(), value.as_bytes()])
        };
        if headers.len() > MAX_HEADERS || parts().map(<[u8]>::len).sum::<usize>() > MAX_HEADER_BYTES
        {
            return Err(TooManyHeaders);
        }
        for part in parts() {
            varint::write(part.len() as u64, out);
            out.extend_from_slice(part);
        }
        let count = headers.len();
        Ok(Self { count, bytes: out })
    }

    /// Splits the headers off the start of `rest`; `None` if they are malformed or exceed a limit.
    pub(super) fn read(rest: &mut &'a [u8]) -> Option<Self> {
        let count = usize::try_from(varint::read(rest)?).ok()?;
        let bytes = *rest;
        let mut total = 0;
        for _ in 0..count {
            let (name, value) = pair(rest)?;
            total += name.len() + value.len();
            if count > MAX_HEADERS || total > MAX_HEADER_BYTES {
                return None;
            }
            HeaderName::from_lowercase(name).ok()?;
            HeaderValue::from_bytes(value).ok()?;
        }
        let length = bytes.len() - rest.len();
        let bytes = &bytes[..length];
        (count > 0).then_some(Self { count, bytes })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        varint::write(self.count as u64, out);
        out.extend_from_slice(self.bytes);
    }

    pub(in crate::rpc) const fn len(&self) -> usize {
        self.count
    }

    /// Returns the length of the encoded headers in bytes.
    pub(in crate::rpc) const fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(in crate::rpc) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Decodes the headers.
    pub(in crate::rpc) fn to_map(self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.count);
        let mut rest = self.bytes;
        while let Some((name, value)) = pair(&mut rest) {
            // They were checked when they were read.
            if let Ok(name) = HeaderName::from_lowercase(name)
                && let Ok(mut value) = HeaderValue::from_bytes(value)
            {
                value.set_sensitive(true);
                headers.append(name, value);
            }
        }
        headers
    }
}

fn pair<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut part = || {
        let length = usize::try_from(varint::read(rest)?).ok()?;
        let (part, after) = rest.split_at_checked(length)?;
        *rest = after;
        Some(part)
    };
    Some((part()?, part()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &[u8])]) -> Option<HeaderMap> {
        let mut bytes = Vec::new();
        varint::write(pairs.len() as u64, &mut bytes);
        for (name, value) in pairs {
            for part in [name.as_bytes(), value] {
                varint::write(part.len() as u64, &mut bytes);
                bytes.extend_from_slice(part);
            }
        }
        bytes.extend_from_slice(b"rest");
        let mut rest = &*bytes;
        let headers = Headers::read(&mut rest)?;
        assert_eq!(rest, b"rest");
        Some(headers.to_map())
    }

    #[test]
    fn headers_are_read_as_they_were_written() {
        let read = read(&[("a", b"1"), ("b", b""), ("a", "é".as_bytes())]).unwrap();
        assert_eq!(read.get_all("a").iter().count(), 2);
        let mut buffer = Vec::new();
        let encoded = Headers::encode(&read, &mut buffer).unwrap();
        assert_eq!((encoded.len(), encoded.to_map()), (3, read.clone()));
        let mut written = Vec::new();
        encoded.write(&mut written);
        assert_eq!(Headers::read(&mut &*written).unwrap().to_map(), read);
    }

    #[test]
    fn the_limits_are_the_same_on_both_sides() {
        let long = vec![b'v'; MAX_HEADER_BYTES - 1];
        for (name, accepted) in [("n", true), ("nn", false)] {
            assert_eq!(read(&[(name, &long)]).is_some(), accepted);
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_bytes(&long).unwrap();
            headers.insert(HeaderName::from_static(name), value);
            assert_eq!(Headers::encode(&headers, &mut Vec::new()).is_ok(), accepted);
        }
        let pair: (&str, &[u8]) = ("a", b"");
        for (count, accepted) in [(MAX_HEADERS, true), (MAX_HEADERS + 1, false)] {
            assert_eq!(read(&vec![pair; count]).is_some(), accepted);
            let mut headers = HeaderMap::new();
            for _ in 0..count {
                headers.append(HeaderName::from_static("a"), HeaderValue::from_static(""));
            }
            assert_eq!(Headers::encode(&headers, &mut Vec::new()).is_ok(), accepted);
        }
    }

    #[test]
    fn malformed_headers_are_none() {
        for pair in [
            ("", &b"v"[..]),
            ("A", b"v"),
            ("a b", b"v"),
            ("a", b"\n"),
            ("a", b"\0"),
        ] {
            assert_eq!(read(&[pair]), None, "{pair:?}");
        }
        assert_eq!(read(&[]), None);
        assert_eq!(Headers::read(&mut &[1, 1, b'a', 9][..]), None);
        assert_eq!(Headers::read(&mut &[255; 9][..]), None);
    }
}
