//! The head of a response: its status, and how long its body is.

use std::mem::MaybeUninit;

use http::StatusCode;
use httparse::{Header, ParserConfig, Status};

use super::ResponseError;
use super::body::Framing;
use super::headers::Headers;

/// How many headers an answer may have: what hyper lets pass.
const MAX_HEADERS: usize = 100;

/// The head of a response.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: Box<Headers>,
    pub(super) framing: Framing,
    /// Whether the connection can be used again after the body.
    pub(super) keeps_open: bool,
}

impl Head {
    /// The head that the bytes begin with, and its length; none if it is not whole.
    ///
    /// # Errors
    /// If it is malformed, or leaves open where the body ends.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ResponseError> {
        let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let status = ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            bytes,
            &mut headers,
        );
        let Status::Complete(length) = status.map_err(ResponseError::Head)? else {
            return Ok(None);
        };
        let code = response.code.unwrap_or_default();
        let status = StatusCode::from_u16(code).map_err(|_| ResponseError::Status(code))?;
        let is_http11 = response.version == Some(1);
        let mut fields = Fields::default();
        for header in response.headers.iter() {
            fields.read(header)?;
        }
        let framing = fields.framing(status, is_http11)?;
        let is_asked_to = !fields.closes && (is_http11 || fields.keeps_alive);
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

    /// Whether it only announces that the response is still to come.
    pub(super) fn is_interim(&self) -> bool {
        // Nobody asked for another protocol: whoever switches to one says nothing more in this one.
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// What the headers say.
#[derive(Default)]
struct Fields {
    kept: Box<Headers>,
    length: Option<u64>,
    is_coded: bool,
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
            // Twice, or with other codings before it, is more than was asked for.
            if self.is_coded || !header.value.eq_ignore_ascii_case(b"chunked") {
                return Err(ResponseError::TransferEncoding);
            }
            self.is_coded = true;
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

    /// Whether others may take the response to end elsewhere. The servers of Perl send a length
    /// along with chunks; RFC 9112, 6.3, has the chunks count, and the connection not used again.
    const fn is_ambiguous(&self) -> bool {
        self.is_coded && self.length.is_some()
    }

    /// RFC 9112, 6.3, with chunks of HTTP/1.1 alone.
    fn framing(&self, status: StatusCode, is_http11: bool) -> Result<Framing, ResponseError> {
        if self.is_coded && !is_http11 {
            return Err(ResponseError::TransferEncoding);
        }
        let is_empty = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        Ok(match self.length {
            _ if is_empty => Framing::Length(0),
            _ if self.is_coded => Framing::Chunked,
            Some(length) => Framing::Length(length),
            None => Framing::UntilClosed,
        })
    }
}

/// Digits alone: no sign, as Rust would read one.
fn length(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}
