//! The service as a protocol of the server of HTTP.

#[cfg(feature = "websocket")]
mod websocket;

use bytes::Bytes;
use farcall_core::Fault;
use farcall_core::protocol::Catalog;
use farcall_http::server::{Answer, Exchange, Protocol};
use http::HeaderValue;

use crate::Service;
use crate::envelope::{NO_ID, write_error};
use crate::service::text_within;

impl Protocol for Service {
    fn name(&self) -> &'static str {
        "JSON-RPC"
    }

    fn paths(&self) -> &'static [&'static str] {
        &["/", "/RPC2", "/jsonrpc"]
    }

    fn is_content_type(&self, content_type: &str) -> bool {
        let is = |other: &str| content_type.eq_ignore_ascii_case(other);
        let suffix = content_type.len().checked_sub("+json".len());
        is("application/json")
            || is("application/json-rpc")
            || is("application/jsonrequest")
            || suffix
                .and_then(|start| content_type.get(start..))
                .is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
    }

    fn is_document(&self, document: &[u8]) -> bool {
        let first = document.iter().find(|byte| !byte.is_ascii_whitespace());
        matches!(first, Some(b'{' | b'['))
    }

    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/json")
    }

    fn methods(&self) -> &dyn Catalog {
        self.registry()
    }

    fn answer<'a>(&'a self, exchange: Exchange<'a>) -> Answer<'a> {
        Answer::later(self.answer_document(exchange, None))
    }

    #[cfg(feature = "websocket")]
    fn upgrade(
        &self,
        head: &http::request::Parts,
    ) -> Option<Result<farcall_http::server::Switch, farcall_http::server::Rejection>> {
        websocket::upgrade(self, head)
    }

    fn fault(&self, fault: &Fault, max_reply: usize) -> Bytes {
        let mut out = Vec::new();
        write_error(fault, text_within(fault, max_reply), NO_ID, &mut out);
        out.into()
    }
}
