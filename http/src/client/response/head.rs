//! The head of a response: its status, its headers and the framing of its body.

use std::mem::MaybeUninit;

use http::{StatusCode, Version};
use httparse::{EMPTY_HEADER, Header, ParserConfig, Status};

use super::ResponseError;
use super::body::Framing;
use super::headers::Headers;

/// Maximum number of headers in a response, as in hyper.
pub(in crate::client) const MAX_HEADERS: usize = 100;

/// The head of a response.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: Box<Headers>,
    pub(super) framing: Framing,
    /// `true` if the connection can be used again after the body.
    pub(super) keeps_open: bool,
}

impl Head {
    /// Parses the head at the start of `bytes`, and returns it with its length, or `None` if it is
    /// incomplete.
    ///
    /// # Errors
    /// If it is malformed, or if the end of the body is ambiguous.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ResponseError> {
        let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let status = ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            bytes,
            &mut headers,
        );
        let status = status.map_err(|error| match error {
            httparse::Error::Version => ResponseError::NotHttp,
            error => ResponseError::Head(error),
        });
        let Status::Complete(length) = status? else {
            return Ok(None);
        };
        let code = response.code.unwrap_or_default();
        let status = StatusCode::from_u16(code).map_err(|_| ResponseError::Status(code))?;
        let version = match response.version {
            Some(1) => Version::HTTP_11,
            _ => Version::HTTP_10,
        };
        let mut fields = Fields::default();
        for header in response.headers.iter() {
            fields.read(header)?;
        }
        let framing = fields.framing(status, version)?;
        let is_asked_to = !fields.closes && (version == Version::HTTP_11 || fields.keeps_alive);
        let is_ambiguous = fields.is_ambiguous();
        let head = Self {
            status,
            headers: fields.kept,
            framing,
            keeps_open: is_asked_to
                && !is_ambiguous
                && framing != Framing::UntilClosed
                && status != StatusCode::SWITCHING_PROTOCOLS,
        };
        Ok(Some((head, length)))
    }

    /// Parses a head of CGI: headers only, of which `Status` is the status, 200 by default.
    ///
    /// # Errors
    /// As with [`parse`](Self::parse).
    pub(super) fn parse_cgi(bytes: &[u8]) -> Result<Option<(Self, usize)>, ResponseError> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let parsed = httparse::parse_headers(bytes, &mut headers).map_err(ResponseError::Head)?;
        let Status::Complete((length, headers)) = parsed else {
            return Ok(None);
        };
        let mut code = 200;
        let mut fields = Fields::default();
        for header in headers {
            if header.name.eq_ignore_ascii_case("status") {
                let digits = header.value.split(|byte| *byte == b' ').next();
                let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
                code = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
            } else {
                fields.read(header)?;
            }
        }
        let status = StatusCode::from_u16(code).map_err(|_| ResponseError::Status(code))?;
        let head = Self {
            status,
            framing: fields.framing(status, Version::HTTP_10)?,
            headers: fields.kept,
            keeps_open: false,
        };
        Ok(Some((head, length)))
    }

    /// Returns `true` for an interim response, which the final response follows.
    pub(super) fn is_interim(&self) -> bool {
        // The client never asks for another protocol. A server that switches to one anyway sends
        // no further response.
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// The relevant headers of a response.
#[derive(Default)]
struct Fields {
    kept: Box<Headers>,
    length: Option<u64>,
    is_chunked: bool,
    closes: bool,
    keeps_alive: bool,
}

impl Fields {
    fn read(&mut self, header: &Header<'_>) -> Result<(), ResponseError> {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let length = length(header.value).ok_or(ResponseError::Length)?;
            if self.length.is_some_and(|other| other != length) {
                return Err(ResponseError::Length);
            }
            self.length = Some(length);
        } else if is("transfer-encoding") {
            // The client did not ask for any other coding, nor for two.
            if self.is_chunked || !header.value.eq_ignore_ascii_case(b"chunked") {
                return Err(ResponseError::TransferEncoding);
            }
            self.is_chunked = true;
        } else if is("connection") {
            for option in header.value.split(|byte| *byte == b',') {
                let option = option.trim_ascii();
                self.closes |= option.eq_ignore_ascii_case(b"close");
                self.keeps_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else {
            let kept = self.kept.keep(header.name, header.value);
            kept.map_err(|_| ResponseError::Head(httparse::Error::HeaderValue))?;
        }
        Ok(())
    }

    /// Returns `true` if other readers may find a different end of the response. Perl's servers
    /// send a length along with chunks; RFC 9112, 6.3, requires that the chunks count and the
    /// connection is not reused.
    const fn is_ambiguous(&self) -> bool {
        self.is_chunked && self.length.is_some()
    }

    /// Determines the framing by RFC 9112, 6.3. Chunks are accepted in HTTP/1.1 only.
    fn framing(&self, status: StatusCode, version: Version) -> Result<Framing, ResponseError> {
        if self.is_chunked && version != Version::HTTP_11 {
            return Err(ResponseError::TransferEncoding);
        }
        let is_empty = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        Ok(match self.length {
            _ if is_empty => Framing::Length(0),
            _ if self.is_chunked => Framing::Chunked,
            Some(length) => Framing::Length(length),
            None => Framing::UntilClosed,
        })
    }
}

/// Parses a `Content-Length`: digits only, without the sign that Rust's `parse` accepts.
fn length(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}
