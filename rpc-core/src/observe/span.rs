//! Spans of calls, by the conventions of OpenTelemetry for RPC (1.45). Their names are here.
//!
//! The ids of the trace are fields of the spans, so that any subscriber can join the spans of
//! several programs to one tree.

use std::borrow::Cow;

use tracing::field::{Empty, display};
use tracing::{Level, Span, debug_span};

use super::CALLS;
use crate::context::Context;
use crate::error::CallError;
use crate::fault::FaultKind;
use crate::name::{Name, OTHER};
use crate::output::Foreign;
use crate::trace::{Hex, TraceContext};

#[inline]
pub(super) fn is_on() -> bool {
    tracing::span_enabled!(target: CALLS, Level::DEBUG)
}

/// Returns the span of a call that a server answers, and makes it the one that the trace of the
/// call is in.
pub(super) fn of_server(system: &str, method: Option<&Name>, context: &mut Context) -> Span {
    if !is_on() {
        return Span::none();
    }
    let parent = context.trace().map(TraceContext::span_id);
    let own = context
        .trace()
        .map_or_else(TraceContext::random, TraceContext::child);
    let name = method.map_or(OTHER, Name::as_str);
    let original = method.is_none().then(|| Foreign::excerpt(context.method()));
    let span = debug_span!(
        target: CALLS,
        "call",
        "otel.kind" = "server",
        "otel.name" = name,
        "otel.status_code" = Empty,
        "error.type" = Empty,
        "rpc.system.name" = system,
        "rpc.method" = name,
        "rpc.method_original" = original.map(display),
        "rpc.response.status_code" = Empty,
        "network.peer.address" = %context.peer(),
        trace_id = %Hex(&own.trace_id()),
        span_id = %Hex(&own.span_id()),
        parent_id = parent.as_ref().map(|id| display(Hex(id))),
    );
    context.set_trace(own);
    span
}

/// Notes the failure of a call in its span.
pub(super) fn fail(span: &Span, kind: FaultKind, code: i64) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", kind.name());
    span.record("rpc.response.status_code", display(code));
}

/// The span of a call that a client makes. There is none without a subscriber for such spans, and
/// none by default.
#[derive(Clone, Debug, Default)]
pub struct ClientSpan(Option<Box<Span>>);

impl ClientSpan {
    /// Begins the span of a call that is about to be sent. It is a child of the span of the handler
    /// that makes the call. Returns it with the context to send, whose trace names it as the cause.
    #[inline]
    pub fn begin<'a>(system: &'static str, context: &'a Context) -> (Self, Cow<'a, Context>) {
        if !is_on() {
            return (Self::default(), Cow::Borrowed(context));
        }
        let mut context = context.clone();
        let span = of_client(system, &mut context);
        (Self(Some(Box::new(span))), Cow::Owned(context))
    }

    /// Notes the outcome of the call, and ends its span.
    pub fn finish<T>(&mut self, result: &Result<T, CallError>) {
        let Some(span) = self.0.take() else {
            return;
        };
        match result {
            Ok(_) => {}
            Err(CallError::Fault(fault)) => fail(&span, fault.kind(), fault.code()),
            Err(error) => {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", kind_of(error));
            }
        }
    }
}

#[cold]
fn of_client(system: &'static str, context: &mut Context) -> Span {
    // A trace that was inherited has an id for this span already. One that the program has set is
    // that of a span of its own.
    let (parent, own) = match (context.trace(), context.inherited_span()) {
        (Some(own), Some(parent)) => (Some(parent), own.clone()),
        (Some(parent), None) => (Some(parent.span_id()), parent.child()),
        (None, _) => (None, TraceContext::random()),
    };
    let method = Foreign::excerpt(context.method());
    let span = debug_span!(
        target: CALLS,
        "call",
        "otel.kind" = "client",
        "otel.name" = %method,
        "otel.status_code" = Empty,
        "error.type" = Empty,
        "rpc.system.name" = system,
        "rpc.method" = %method,
        "rpc.response.status_code" = Empty,
        trace_id = %Hex(&own.trace_id()),
        span_id = %Hex(&own.span_id()),
        parent_id = parent.as_ref().map(|id| display(Hex(id))),
    );
    context.set_trace(own);
    span
}

/// Returns a word for a failure that is not a fault.
const fn kind_of(error: &CallError) -> &'static str {
    match error {
        CallError::Encode(_) => "encode",
        CallError::NotSent(_) => "not_sent",
        CallError::Lost(_) => "connection",
        _ => "reply",
    }
}
