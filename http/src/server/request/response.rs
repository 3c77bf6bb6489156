//! Responses: with a reply, with a fault, or without either.

use std::sync::Arc;

use bytes::Bytes;
use farcall_core::protocol::observe::{Refusal, refused};
use farcall_core::protocol::output::{Foreign, Quota};
use farcall_core::protocol::{Hold, NoRoom, Origin};
use farcall_core::{Fault, Identity};
use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue,
    RETRY_AFTER, VARY,
};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::coding::Gzip;
use crate::server::account::PeerAccount;
use crate::server::body::BodyError;
use crate::server::{HttpServer, Protocol, Rejection, browser};

impl HttpServer {
    /// Builds the response to a request whose body could not be read.
    pub(super) fn reject_body(
        &self,
        failure: &BodyError,
        origin: Arc<Origin>,
        protocol: &dyn Protocol,
    ) -> Response<Full<Bytes>> {
        let (status, text) = match failure {
            BodyError::NoRoom => {
                return self.overloaded(&NoRoom::default().of_request(), origin, protocol);
            }
            BodyError::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the body is over the limit of {} bytes",
                    self.options.max_body
                ),
            ),
            BodyError::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive in time".to_owned(),
            ),
            BodyError::Broken => (
                StatusCode::BAD_REQUEST,
                "the body is incomplete or malformed".to_owned(),
            ),
            BodyError::Damaged(error) => (
                StatusCode::BAD_REQUEST,
                format!("the body is not valid gzip: {error}"),
            ),
        };
        // More bytes of the body may arrive, and they are not a request.
        let mut rejection = Rejection::new(status, text).closing();
        let allowed = browser::allowed_origin(&origin.headers, &self.options);
        browser::expose(rejection.0.headers_mut(), allowed);
        reject(rejection, &origin.identity)
    }

    /// Builds the response to a request that there is no room for. Load balancers use the status,
    /// callers the fault.
    pub(super) fn overloaded(
        &self,
        fault: &Fault,
        origin: Arc<Origin>,
        protocol: &dyn Protocol,
    ) -> Response<Full<Bytes>> {
        let (peer, shown) = (&origin.identity, Foreign::excerpt(fault));
        tracing::debug!(%peer, fault = %shown, "request refused");
        let mut response = self.fault_reply(fault, origin, protocol);
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        // Frees the connection, so that another peer that waits for one can be rejected as well.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }

    /// Builds the response with a reply. The reply takes over the request's hold in the budget,
    /// until its last byte is written.
    pub(super) fn budgeted_reply(
        &self,
        document: Bytes,
        origin: Arc<Origin>,
        protocol: &dyn Protocol,
        account: &PeerAccount<'_>,
        mut hold: Hold,
    ) -> Response<Full<Bytes>> {
        let length = document.len();
        let gzip = self
            .compression(length)
            .filter(|_| accepts_gzip(&origin.headers));
        let held = account.resize(&mut hold, length).and_then(|()| {
            // Both copies exist at once, but only for one reply of each thread at a time.
            let body = match gzip {
                Some(gzip) => gzip.compress(&document),
                None => document,
            };
            account.resize(&mut hold, body.len()).map(|()| body)
        });
        match held {
            Ok(body) => self.reply(hold.attach(body), length, gzip, origin, protocol),
            Err(no_room) => {
                let fault = no_room.of_reply();
                tracing::debug!(peer = %origin.identity, %fault, "reply dropped");
                self.fault_reply(&fault, origin, protocol)
            }
        }
    }

    fn fault_reply(
        &self,
        fault: &Fault,
        origin: Arc<Origin>,
        protocol: &dyn Protocol,
    ) -> Response<Full<Bytes>> {
        let document = protocol.fault(fault, self.options.max_reply);
        let length = document.len();
        self.reply(document, length, None, origin, protocol)
    }

    /// Builds the response to a request that asks for no answer.
    pub(super) fn no_reply(&self, origin: Arc<Origin>) -> Response<Full<Bytes>> {
        let allowed = browser::allowed_origin(&origin.headers, &self.options);
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        *headers = recycled_headers(origin);
        browser::expose(headers, allowed);
        response
    }

    /// Returns the coding by which a document of `length` bytes is compressed for callers that
    /// accept it.
    fn compression(&self, length: usize) -> Option<Gzip> {
        let is_compressed = self.options.gzip_over.is_some_and(|limit| length > limit);
        Gzip::AVAILABLE.filter(|_| is_compressed)
    }

    /// Builds a response with status 200 and this body: a document of `length` bytes, compressed
    /// if there is a coding.
    fn reply(
        &self,
        body: Bytes,
        length: usize,
        coding: Option<Gzip>,
        origin: Arc<Origin>,
        protocol: &dyn Protocol,
    ) -> Response<Full<Bytes>> {
        let allowed = browser::allowed_origin(&origin.headers, &self.options);
        let mut response = Response::new(Full::new(body));
        let headers = response.headers_mut();
        *headers = recycled_headers(origin);
        headers.insert(CONTENT_TYPE, protocol.content_type());
        if coding.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if self.compression(length).is_some() {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        browser::expose(headers, allowed);
        response
    }
}

/// Reuses the request's `HeaderMap` allocation for the response, unless a method has kept it with
/// its context. hyper keeps the allocation for the next request, so a map of more than 24 headers
/// is not reused: the connection may be idle from now on.
fn recycled_headers(origin: Arc<Origin>) -> HeaderMap {
    const MAX_RECYCLED: usize = 24;
    match Arc::into_inner(origin) {
        Some(Origin { mut headers, .. }) if headers.len() <= MAX_RECYCLED => {
            headers.clear();
            headers
        }
        _ => HeaderMap::new(),
    }
}

/// Returns `true` if the caller accepts gzip, with a quality above zero (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value.split(',').any(|coding| {
                let mut parts = coding.split(';').map(str::trim);
                let name = parts.next().unwrap_or_default();
                let refused = parts.any(|parameter| {
                    parameter
                        .strip_prefix("q=")
                        .is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0))
                });
                (name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip"))
                    && !refused
            })
        })
}

pub(in crate::server) fn reject(rejection: Rejection, peer: &Identity) -> Response<Full<Bytes>> {
    static REFUSALS: Quota = Quota::new(10);

    let response = rejection.0.map(Full::new);
    // Preflight requests, those for pages, and those that leave HTTP are answered this way as well.
    let Some(refusal) = refusal(response.status()) else {
        return response;
    };
    refused(refusal);
    if tracing::enabled!(tracing::Level::INFO)
        && let Some(admitted) = REFUSALS.admit()
    {
        let (status, suppressed) = (response.status().as_u16(), admitted.suppressed());
        tracing::info!(%peer, status, suppressed, "request refused");
    }
    response
}

/// Returns the reason of a refusal that its status shows.
fn refusal(status: StatusCode) -> Option<Refusal> {
    Some(match status {
        StatusCode::UNAUTHORIZED => Refusal::Authorization,
        StatusCode::FORBIDDEN => Refusal::Origin,
        StatusCode::REQUEST_TIMEOUT => Refusal::Timeout,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            Refusal::Size
        }
        StatusCode::TOO_MANY_REQUESTS => Refusal::Rate,
        status if status.is_client_error() || status.is_server_error() => Refusal::Request,
        _ => return None,
    })
}
