//! Response headers.

use http::HeaderValue;
use http::header::InvalidHeaderValue;

/// The headers that the client uses. Usually only the first is present, so that a map would cost
/// more.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) content_encoding: Vec<HeaderValue>,
    pub(crate) location: Option<HeaderValue>,
    pub(crate) set_cookie: Vec<HeaderValue>,
}

impl Headers {
    /// Stores a header if it is one of these. The first of several types or locations counts.
    ///
    /// # Errors
    /// If the value is not allowed in a header.
    pub(super) fn keep(&mut self, name: &str, value: &[u8]) -> Result<(), InvalidHeaderValue> {
        let is = |kept: &str| name.eq_ignore_ascii_case(kept);
        let value = || HeaderValue::from_bytes(value);
        if is("content-type") {
            self.content_type.get_or_insert(value()?);
        } else if is("content-encoding") {
            self.content_encoding.push(value()?);
        } else if is("location") {
            self.location.get_or_insert(value()?);
        } else if is("set-cookie") {
            self.set_cookie.push(value()?);
        }
        Ok(())
    }
}
