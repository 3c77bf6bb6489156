//! The headers of a request by which it is admitted.

use farcall_core::protocol::TRACEPARENT;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN,
    TRANSFER_ENCODING,
};

/// The headers by which a request is admitted, found in one pass. Each lookup would take a third of
/// it.
#[derive(Debug, Default)]
pub(super) struct DecisiveHeaders<'a> {
    pub(super) hosts: Sent<'a>,
    pub(super) origins: Sent<'a>,
    pub(super) content_types: Sent<'a>,
    pub(super) content_codings: Sent<'a>,
    pub(super) transfer_codings: Sent<'a>,
    pub(super) content_lengths: Sent<'a>,
    pub(super) traces: Sent<'a>,
    /// `true` if the page of another site sent the request, as `Sec-Fetch-Site` has it.
    pub(super) is_foreign: bool,
    /// Bytes of the lines of all headers.
    pub(super) length: usize,
}

/// The headers of one name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent<'a> {
    pub(super) first: Option<&'a HeaderValue>,
    pub(super) count: usize,
}

impl<'a> Sent<'a> {
    fn add(&mut self, value: &'a HeaderValue) {
        self.first.get_or_insert(value);
        self.count += 1;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<'a> DecisiveHeaders<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut found = Self::default();
        for (name, value) in headers {
            found.length += name.as_str().len() + value.len() + ": \r\n".len();
            if *name == HOST {
                found.hosts.add(value);
            } else if *name == CONTENT_TYPE {
                found.content_types.add(value);
            } else if *name == CONTENT_LENGTH {
                found.content_lengths.add(value);
            } else if *name == TRANSFER_ENCODING {
                found.transfer_codings.add(value);
            } else if *name == CONTENT_ENCODING {
                found.content_codings.add(value);
            } else if *name == ORIGIN {
                found.origins.add(value);
            } else if *name == TRACEPARENT {
                found.traces.add(value);
            } else if name.as_str() == "sec-fetch-site" {
                let mut sites = value.as_bytes().split(|&byte| byte == b',');
                found.is_foreign |=
                    sites.any(|site| matches!(site.trim_ascii(), b"cross-site" | b"same-site"));
            }
        }
        found
    }
}
