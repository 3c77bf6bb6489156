//! The service: documents of calls and of their answers.

mod batch;

use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use farcall_core::protocol::{Attachment, Call, CallReply, Payload, TextMessage, time};
use farcall_core::{Fault, FaultKind, Json, Registry};
use farcall_http::server::Exchange;
use tokio::time::sleep_until;
use tracing::level_filters::LevelFilter;

#[cfg(feature = "jsonrpc-sockets")]
use crate::SessionOptions;
use crate::envelope::{AROUND_RESULT, Document, NO_ID, Refusal, Request, answer_with, write_error};

/// Maximum bytes of a fault text that is sent regardless of the limit of an answer.
pub(crate) const SHORT_TEXT: usize = 256;

/// The streams among the results of the calls of a document, as subscriptions of the caller.
pub(crate) trait Subscribe: Sync {
    /// Replaces a stream by the id of a subscription.
    fn subscribe(&self, result: &Payload, method: &str) -> Result<Payload, Fault>;

    /// Ends the subscription that the params name, and returns `true` if there was one.
    fn unsubscribe(&self, params: &Payload) -> Result<Payload, Fault>;
}

/// The fault of a call whose result is a stream, where there is no way to send its items. The code
/// is that of Ethereum nodes.
fn no_streams() -> Fault {
    let text = "the method returns a stream, which needs a WebSocket or a socket";
    Fault::new(-32001, text)
}

/// The methods of a registry over JSON-RPC 2.0, as a [protocol](farcall_http::server::Protocol)
/// that a server of HTTP answers, alone or beside XML-RPC. [`Server`](crate::Server) has such a
/// service.
#[derive(Clone)]
#[must_use = "a service answers nothing until a server has it"]
pub struct Service {
    registry: Registry<Json>,
    format: Json,
    max_batch: usize,
    #[cfg(feature = "jsonrpc-sockets")]
    pub(crate) sessions: SessionOptions,
}

impl Service {
    /// Creates the service of a registry.
    pub fn new(registry: Registry<Json>) -> Self {
        Self {
            registry,
            format: Json::default(),
            max_batch: 1000,
            #[cfg(feature = "jsonrpc-sockets")]
            sessions: SessionOptions::default(),
        }
    }

    /// The format of parameters and results, with the limits of decoding. Default: 128 levels, of
    /// which a `Value` takes two, and 1,000,000 values.
    pub const fn format(mut self, format: Json) -> Self {
        self.format = format;
        self
    }

    /// Maximum number of calls in a batch. Default: 1,000, as in a `system.multicall`, so that one
    /// request cannot occupy the server for long. A longer batch is refused with one error.
    pub const fn max_batch(mut self, max_batch: usize) -> Self {
        self.max_batch = max_batch;
        self
    }

    /// The methods.
    #[must_use]
    pub const fn registry(&self) -> &Registry<Json> {
        &self.registry
    }

    /// Sets the limits of sessions: WebSockets, and connections of a
    /// [`SocketServer`](crate::SocketServer). Default: [`SessionOptions::default`].
    #[cfg(feature = "jsonrpc-sockets")]
    pub const fn sessions(mut self, sessions: SessionOptions) -> Self {
        self.sessions = sessions;
        self
    }

    /// The format of parameters and results.
    #[cfg(feature = "jsonrpc-sockets")]
    pub(crate) const fn json(&self) -> Json {
        self.format
    }

    /// Makes the calls of a document. Streams among their results become subscriptions in
    /// `streams`, if there are any.
    pub(crate) async fn answer_document(
        &self,
        exchange: Exchange<'_>,
        streams: Option<&dyn Subscribe>,
    ) -> Option<Bytes> {
        let refusal = match Document::read(&exchange.document, self.max_batch) {
            Ok(Document::Batch(entries)) => {
                return self.run_batch(&exchange, &entries, streams).await;
            }
            Ok(Document::Single(entry)) => match entry.request() {
                Ok(request) => {
                    let result = self.run(&exchange, &request, streams).await;
                    let id = request.id?;
                    let max = exchange.max_reply;
                    return Some(match checked(result, id, max) {
                        Ok(result) => answer_with(result, id),
                        Err(fault) => {
                            let mut out = Vec::new();
                            write_error(&fault, text_within(&fault, max), id, &mut out);
                            out.into()
                        }
                    });
                }
                // Over a connection with calls in both directions, it came too late for its call.
                // Peers that answered answers would never end.
                Err(_) if streams.is_some() && entry.is_answer() => return None,
                Err(refusal) => refusal,
            },
            Err(fault) => Refusal { id: NO_ID, fault },
        };
        exchange.log("", Instant::now(), Some(&refusal.fault));
        let text = text_within(&refusal.fault, exchange.max_reply);
        let mut out = Vec::new();
        write_error(&refusal.fault, text, refusal.id, &mut out);
        Some(out.into())
    }

    /// Makes the call of a request.
    async fn run(
        &self,
        exchange: &Exchange<'_>,
        request: &Request<'_>,
        streams: Option<&dyn Subscribe>,
    ) -> Result<Payload, Fault> {
        let begun = self.begin(exchange, request, None, streams);
        let result = match begun.result {
            Ok(result) => result,
            Err(waiting) => waiting.completed().await,
        };
        self.end(exchange, request, streams, begun.started, result)
    }

    /// Begins the call of a request, which most methods complete at once. `text` is the document if
    /// it has several.
    // No future, in which the state of every call of a batch would be moved.
    #[inline]
    fn begin(
        &self,
        exchange: &Exchange<'_>,
        request: &Request<'_>,
        text: Option<&TextMessage>,
        streams: Option<&dyn Subscribe>,
    ) -> Begun {
        // Only the lines about failed calls have it.
        let is_logged = LevelFilter::current() != LevelFilter::OFF;
        let started = is_logged.then(Instant::now);
        if let Some(streams) = streams
            && is_unsubscribe(&request.method)
            && self.registry.describe(&request.method).is_none()
        {
            let result = Ok(streams.unsubscribe(&self.params(exchange, request, text)));
            return Begun { started, result };
        }
        let mut context = exchange.context.for_method(&request.method);
        if request.id.is_none() {
            context = context.one_way();
        }
        let deadline = context.deadline();
        let call = Call {
            params: self.params(exchange, request, text),
            format: self.format,
            context,
        };
        let reply = self.registry.dispatch(call);
        let result = reply
            .into_ready()
            .map_err(|reply| Waiting { reply, deadline });
        Begun { started, result }
    }

    /// Returns the result of a call as its caller gets it.
    #[inline]
    fn end(
        &self,
        exchange: &Exchange<'_>,
        request: &Request<'_>,
        streams: Option<&dyn Subscribe>,
        started: Option<Instant>,
        mut result: Result<Payload, Fault>,
    ) -> Result<Payload, Fault> {
        if let Ok(stream) = &result
            && !stream.attachments().is_empty()
        {
            result = match streams {
                Some(streams) if request.id.is_some() => streams.subscribe(stream, &request.method),
                _ => Err(no_streams()),
            };
        }
        if let (Some(started), Err(fault)) = (started, &result) {
            exchange.log(&request.method, started, Some(fault));
        }
        result
    }

    /// Returns the params as a part of the document.
    // Inlined, since a payload that is returned is moved once more.
    #[inline(always)]
    fn params(
        &self,
        exchange: &Exchange<'_>,
        request: &Request<'_>,
        text: Option<&TextMessage>,
    ) -> Payload {
        let Some(params) = request.params else {
            return Payload::copied(b"");
        };
        let begin = offset(&exchange.document, params);
        let range = begin..begin + params.len();
        let payload = match text {
            Some(text) => text.part(range),
            None => Payload::part(exchange.document.clone(), range),
        };
        if params.starts_with('{') {
            self.with_names(payload, request)
        } else {
            payload
        }
    }

    /// Adds to params by name the description of the method, which has the names.
    #[cold]
    fn with_names(&self, params: Payload, request: &Request<'_>) -> Payload {
        match self.registry.describe(&request.method) {
            Some(description) => params.with_attachments(vec![description as Attachment]),
            None => params,
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Service");
        shown.field("registry", &self.registry);
        #[cfg(feature = "jsonrpc-sockets")]
        shown.field("sessions", &self.sessions);
        shown
            .field("format", &self.format)
            .field("max_batch", &self.max_batch)
            .finish()
    }
}

/// A call that has begun.
struct Begun {
    /// The time of the beginning, if the end is logged.
    started: Option<Instant>,
    /// The result, if it is there at once.
    result: Result<Result<Payload, Fault>, Waiting>,
}

/// A call whose method waits.
struct Waiting {
    reply: CallReply,
    deadline: Option<Instant>,
}

impl Waiting {
    /// Awaits the result until the deadline.
    async fn completed(self) -> Result<Payload, Fault> {
        let Self { reply, deadline } = self;
        let Some(deadline) = deadline else {
            return reply.await;
        };
        let timer = || Some(sleep_until(deadline.into()));
        time::within(reply, timer)
            .await
            .unwrap_or_else(|| Err(Fault::of(FaultKind::DeadlineExceeded, "the call timed out")))
    }
}

/// Returns `true` for the name of a method that ends a subscription, unless the service itself has
/// such a method.
fn is_unsubscribe(method: &str) -> bool {
    method.contains("unsubscribe")
}

/// Returns the offset of a part of a document.
fn offset(document: &[u8], part: &str) -> usize {
    part.as_ptr().addr() - document.as_ptr().addr()
}

/// Checks a result against the limit of the answer. Bytes around it are counted.
fn checked(result: Result<Payload, Fault>, id: &str, max: usize) -> Result<Payload, Fault> {
    let result = result?;
    if result.as_slice().len() + id.len() + AROUND_RESULT <= max {
        return Ok(result);
    }
    let text = format!("the call ran, but the reply is over the limit of {max} bytes");
    Err(Fault::of(FaultKind::Internal, text))
}

/// Returns the text of a fault, or a short note if the text alone could exceed `limit` bytes.
pub(crate) fn text_within(fault: &Fault, limit: usize) -> &str {
    // `\u0000` is the longest escape.
    let text = fault.message();
    if text.len() <= SHORT_TEXT || text.len().saturating_mul(6) <= limit {
        text
    } else {
        "the fault text is over the limit of a reply"
    }
}
