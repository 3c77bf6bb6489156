//! Handling of one HTTP request: from its head and body to the response.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use bytes::Bytes;
use farcall_core::protocol::output::{Foreign, Quota};
use farcall_core::protocol::{Call, CallReply, Name, Origin, Payload, time};
use farcall_core::protocol::{Hold, NoRoom};
use farcall_core::transport::Peer;
use farcall_core::{Cancellation, Context, Fault, FaultKind, FormatError, Registry};
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue,
    ORIGIN, RETRY_AFTER, VARY,
};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tokio::time::sleep_until;
use tower_service::Service;

use super::account::PeerAccount;
use super::body::{self, BodyError};
use super::browser::{self, HostPolicy};
use super::log;
use super::{Rejection, ReplyBody, Server, head};
use crate::XmlRpc;
use crate::coding::{Coding, Gzip, charset};
use crate::document::{REPLY_EPILOGUE, REPLY_PROLOGUE, call_head, reply_value, write_fault};
use crate::xml::encoding::decode_document;

/// Requests with any body type are answered, so a [`Server`] can be mounted in an axum router,
/// under tower layers, or in a test. Handlers see the [`Peer`] in the extensions of the request, if
/// there is one.
impl<B> Service<Request<B>> for Server
where
    B: Body<Data: Send, Error: Send> + Send + 'static,
{
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move { Ok(server.respond(request).await) })
    }
}

/// A request whose head was checked and accepted.
pub(super) struct AdmittedRequest<'a, B> {
    registry: Cow<'a, Registry<XmlRpc>>,
    coding: Coding,
    origin: Arc<Origin>,
    body: B,
}

impl Server {
    /// Answers one HTTP request.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the call that the request made.
    pub async fn respond(&self, mut request: Request<impl Body>) -> Response<ReplyBody> {
        let peer = request.extensions_mut().remove::<Peer>();
        let hosts = HostPolicy::from_options(&self.options);
        let admitted = self.admit(request, peer.unwrap_or_default(), hosts);
        let account = PeerAccount::new(&self.budget);
        let response = {
            let mut responding = pin!(self.respond_to(admitted, &account));
            poll_fn(|cx| match responding.as_mut().poll(cx) {
                Poll::Ready(Ok(response)) => Poll::Ready(Some(response)),
                Poll::Pending => account.poll_evicted(cx).map(|()| None),
            })
            .await
        };
        let response = response.unwrap_or_else(|| {
            let text =
                "the request was evicted: it was held for too long, and others needed the room";
            reject(Rejection::new(StatusCode::SERVICE_UNAVAILABLE, text).closing())
        });
        response.map(|reply| {
            ReplyBody::new(reply.into_inner().unwrap_or_default(), account.into_inner())
        })
    }

    /// Answers a request whose head was checked. Parts of the head that are not needed any more are
    /// dropped before, to keep this future small, because it is created for each request.
    pub(super) async fn respond_to(
        &self,
        admitted: Result<AdmittedRequest<'_, impl Body>, Rejection>,
        account: &PeerAccount<'_>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let AdmittedRequest {
            registry,
            coding,
            origin,
            body,
        } = match admitted {
            Ok(admitted) => admitted,
            Err(rejection) => return Ok(reject(rejection)),
        };
        let limit = self.options.max_body;
        let timeout = self.options.body_timeout;
        let mut hold = Hold::default();
        let read = body::read(body, coding, limit, timeout, account, &mut hold);
        let mut document = match read.await {
            Ok(document) => document,
            Err(failure) => return Ok(self.reject_body(&failure, origin)),
        };
        if let Err(fault) = self.calls.check() {
            return Ok(self.overloaded(&fault, origin));
        }
        let decoded = decode_document(&mut document, charset(origin.headers.get(CONTENT_TYPE)));
        if let Err(no_room) = account.resize(&mut hold, document.len()) {
            return Ok(self.overloaded(&no_room.of_request(), origin));
        }
        let document = decoded.map(|()| document);
        let reply = self.run_call(&registry, &origin, document).await;
        Ok(self.budgeted_reply(reply, origin, account, hold))
    }

    /// Checks the head of a request, and decides whether to read its body.
    pub(super) fn admit<B: Body>(
        &self,
        request: Request<B>,
        peer: Peer,
        hosts: HostPolicy,
    ) -> Result<AdmittedRequest<'_, B>, Rejection> {
        let (mut parts, body) = request.into_parts();
        let found = self.route(&mut parts, &peer, hosts);
        match found.and_then(|found| head::check_length(&parts.headers, &body).map(|()| found)) {
            Ok((registry, coding)) => Ok(AdmittedRequest {
                registry,
                coding,
                origin: Arc::new(Origin {
                    peer,
                    headers: parts.headers,
                    extensions: parts.extensions,
                    session: None,
                }),
                body,
            }),
            Err(mut rejection) => {
                let origin = browser::allowed_origin(&parts.headers, &self.options);
                browser::expose(rejection.0.headers_mut(), origin);
                match body.is_end_stream() {
                    true => Err(rejection),
                    // The unread rest of this request must not be read as the next request.
                    false => Err(rejection.closing()),
                }
            }
        }
    }

    /// Returns the service that a request calls, and the content coding of its body.
    fn route(
        &self,
        parts: &mut Parts,
        peer: &Peer,
        hosts: HostPolicy,
    ) -> Result<(Cow<'_, Registry<XmlRpc>>, Coding), Rejection> {
        browser::check(parts, hosts, &self.options)?;
        let registry = self.service_at(parts.uri.path()).ok_or_else(|| {
            Rejection::new(StatusCode::NOT_FOUND, "no XML-RPC service at this path")
        })?;
        if parts.method != Method::POST {
            if let Some(response) = browser::preflight(parts, &self.options) {
                return Err(response);
            }
            let text = "XML-RPC calls use the method POST";
            return Err(Rejection::new(StatusCode::METHOD_NOT_ALLOWED, text)
                .with_header(ALLOW, HeaderValue::from_static("POST")));
        }
        if let Some(authorize) = &self.options.authorize {
            authorize.authorize(parts, peer)?;
        }
        if !is_xml(&parts.headers) {
            let text = "unsupported content type: use text/xml";
            return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let coding = Coding::of(parts.headers.get_all(CONTENT_ENCODING)).map_err(|_| {
            Rejection::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("unsupported content coding: use {} or none", Gzip::ACCEPTED),
            )
            .with_header(ACCEPT_ENCODING, HeaderValue::from_static(Gzip::ACCEPTED))
        })?;
        Ok((registry, coding))
    }

    /// Makes the call that a document holds, and returns the reply document. `document` is UTF-8,
    /// or the error of decoding it.
    async fn run_call(
        &self,
        registry: &Registry<XmlRpc>,
        origin: &Arc<Origin>,
        document: Result<Bytes, FormatError>,
    ) -> Bytes {
        let started = Instant::now();
        let cancellation = Cancellation::default();
        // If the client disconnects, this future is dropped, and the guard cancels work of the call
        // on other tasks.
        let _guard = cancellation.cancel_on_drop();
        let (method, params) =
            match document.and_then(|document| read_call(document, self.options.format)) {
                Ok(call) => call,
                Err(error) => {
                    let shown = Foreign::excerpt(&error);
                    tracing::debug!(peer = %origin.peer, error = %shown, "a request is not a call");
                    return self.write_fault(&error.into(), "");
                }
            };
        let deadline = self.options.call_timeout.map(time::deadline);
        let context = Context::new(method.clone())
            .with_origin(Arc::clone(origin))
            .with_cancellation(cancellation)
            .with_deadline(deadline.map(Into::into));
        let call = Call {
            params,
            format: self.options.format,
            context,
        };
        let answer = self.with_permit(registry.dispatch(call));
        let result = match deadline {
            None => answer.await,
            Some(deadline) => time::within(answer, || Some(sleep_until(deadline)))
                .await
                .unwrap_or_else(|| {
                    Err(Fault::of(FaultKind::DeadlineExceeded, "the call timed out"))
                }),
        };
        let result = result
            .and_then(|reply| canonical_document(reply, self.options.format))
            .and_then(|document| self.check_reply(document));
        log::outcome(&origin.peer, &method, started, result.as_ref().err());
        result.unwrap_or_else(|fault| self.write_fault(&fault, &method))
    }

    /// Runs a call, and takes a permit for it if it does not complete at once. Until its first wait
    /// a call has its thread to itself. Most calls never wait, and so avoid the counter that all
    /// threads share.
    fn with_permit(&self, mut answer: CallReply) -> impl Future<Output = Result<Payload, Fault>> {
        let mut running = None;
        poll_fn(move |cx| {
            let polled = Pin::new(&mut answer).poll(cx);
            if polled.is_pending() {
                running.get_or_insert_with(|| self.calls.begin());
            }
            polled
        })
    }

    fn write_fault(&self, fault: &Fault, method: &str) -> Bytes {
        let (code, text) = self.options.fault_policy.apply(fault, method);
        let mut out = Vec::new();
        write_fault(code, fault_text(&text, self.options.max_reply), &mut out);
        out.into()
    }

    /// Checks the reply against the limit. The encoder enforces it; raw methods may not.
    fn check_reply(&self, document: Bytes) -> Result<Bytes, Fault> {
        let limit = self.options.max_reply;
        if document.len() <= limit {
            return Ok(document);
        }
        let text = format!("the call ran, but the reply is over the limit of {limit} bytes");
        Err(Fault::of(FaultKind::Internal, text))
    }

    /// Builds the response to a request whose body could not be read.
    fn reject_body(&self, failure: &BodyError, origin: Arc<Origin>) -> Response<Full<Bytes>> {
        let (status, text) = match failure {
            BodyError::NoRoom => {
                return self.overloaded(&NoRoom::default().of_request(), origin);
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
        reject(rejection)
    }

    /// Builds the response to a request that there is no room for. Load balancers use the status,
    /// callers the fault.
    fn overloaded(&self, fault: &Fault, origin: Arc<Origin>) -> Response<Full<Bytes>> {
        tracing::debug!(fault = %Foreign::excerpt(fault), "request refused");
        let mut response = self.reply(Reply::plain(self.write_fault(fault, "")), origin);
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        // Frees the connection, so that another peer that waits for one can be rejected as well.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }

    /// Builds the response with a reply. The reply takes over the request's hold in the budget,
    /// until its last byte is written.
    fn budgeted_reply(
        &self,
        document: Bytes,
        origin: Arc<Origin>,
        account: &PeerAccount<'_>,
        mut hold: Hold,
    ) -> Response<Full<Bytes>> {
        let mut reply = Reply::plain(document);
        let mut held = account.resize(&mut hold, reply.body.len());
        if held.is_ok()
            && let Some(gzip) = self.compression(&reply, &origin)
        {
            // Both copies exist at once, but only for one reply of each thread at a time.
            reply = reply.compressed(gzip);
            held = account.resize(&mut hold, reply.body.len());
        }
        match held {
            Ok(()) => reply.body = hold.attach(reply.body),
            Err(no_room) => {
                let fault = no_room.of_reply();
                tracing::debug!(peer = %origin.peer, %fault, "reply dropped");
                reply = Reply::plain(self.write_fault(&fault, ""));
            }
        }
        self.reply(reply, origin)
    }

    /// Returns the coding by which a reply is compressed for its caller, if it is.
    fn compression(&self, reply: &Reply, origin: &Origin) -> Option<Gzip> {
        self.compresses(reply)
            .filter(|_| accepts_gzip(&origin.headers))
    }

    /// Returns the coding by which a reply is compressed for callers that accept it.
    fn compresses(&self, reply: &Reply) -> Option<Gzip> {
        Gzip::AVAILABLE.filter(|_| {
            self.options
                .gzip_over
                .is_some_and(|limit| reply.length > limit)
        })
    }

    /// Builds a response with status 200 and this reply.
    fn reply(&self, reply: Reply, origin: Arc<Origin>) -> Response<Full<Bytes>> {
        let varies = self.compresses(&reply).is_some();
        let allowed = browser::allowed_origin(&origin.headers, &self.options);
        let mut response = Response::new(Full::new(reply.body));
        let headers = response.headers_mut();
        *headers = recycled_headers(origin);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        if reply.coding != Coding::Identity {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if varies {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        browser::expose(headers, allowed);
        response
    }
}

/// A reply in the form in which it is sent.
struct Reply {
    body: Bytes,
    coding: Coding,
    /// Bytes of the document before compression.
    length: usize,
}

impl Reply {
    const fn plain(document: Bytes) -> Self {
        Self {
            length: document.len(),
            body: document,
            coding: Coding::Identity,
        }
    }

    fn compressed(self, gzip: Gzip) -> Self {
        Self {
            body: gzip.compress(&self.body),
            coding: Coding::Gzip(gzip),
            ..self
        }
    }
}

/// Returns the method that a document calls, and its parameters.
fn read_call(document: Bytes, format: XmlRpc) -> Result<(Name, Payload), FormatError> {
    let (method, params_start) = call_head(&document, format)?;
    let end = document.len();
    Ok((method, Payload::part(document, params_start..end)))
}

/// Returns the text of a fault, or a short note if the text alone could exceed the limit of a
/// reply.
pub(super) fn fault_text(text: &str, limit: usize) -> &str {
    // `&amp;` is the longest escape. The elements around the text are not counted.
    match text.len() <= SHORT_TEXT || text.len().saturating_mul("&amp;".len()) <= limit {
        true => text,
        false => "the fault text is over the limit of a reply",
    }
}

/// Maximum bytes of a fault text that is sent regardless of the limit.
const SHORT_TEXT: usize = 256;

/// Returns a reply with the prologue of this server. A reply that a raw method forwarded from
/// another server may declare another encoding, or one that callers cannot read: only its value is
/// kept.
fn canonical_document(reply: Payload, format: XmlRpc) -> Result<Bytes, Fault> {
    if reply.as_slice().starts_with(REPLY_PROLOGUE.as_bytes()) {
        return Ok(reply.into_bytes());
    }
    let value = reply_value(&reply, format).map_err(Fault::internal)?;
    Ok(
        [REPLY_PROLOGUE.as_bytes(), value, REPLY_EPILOGUE.as_bytes()]
            .concat()
            .into(),
    )
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

fn is_xml(headers: &HeaderMap) -> bool {
    // Some small clients send no type. A browser can also send none without a preflight request,
    // but then it always sends the page's origin.
    let Some(content_type) = headers.get(CONTENT_TYPE) else {
        return !headers.contains_key(ORIGIN);
    };
    if content_type == "text/xml" {
        return true;
    }
    let Ok(content_type) = content_type.to_str() else {
        return false;
    };
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let has_suffix = |suffix: &str| {
        let start = essence.len().checked_sub(suffix.len());
        start
            .and_then(|start| essence.get(start..))
            .is_some_and(|actual| actual.eq_ignore_ascii_case(suffix))
    };
    essence.eq_ignore_ascii_case("text/xml")
        || essence.eq_ignore_ascii_case("application/xml")
        || has_suffix("+xml")
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

pub(super) fn reject(rejection: Rejection) -> Response<Full<Bytes>> {
    static REFUSALS: Quota = Quota::new(10);

    let response = rejection.0.map(|text| Full::new(Bytes::from(text)));
    // Preflight requests are answered this way as well.
    if !response.status().is_success()
        && tracing::enabled!(tracing::Level::INFO)
        && let Some(admitted) = REFUSALS.admit()
    {
        let (status, suppressed) = (response.status().as_u16(), admitted.suppressed());
        tracing::info!(status, suppressed, "request refused");
    }
    response
}

#[cfg(test)]
mod tests;
