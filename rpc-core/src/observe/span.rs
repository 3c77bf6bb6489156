//! Spans of calls, by the conventions of OpenTelemetry for RPC (1.45). Their names are here.
//!
//! The ids of the trace are fields of the spans, so that any subscriber can join the spans of
//! several programs to one tree.

use tracing::field::{Empty, display};
use tracing::{Level, Span, debug_span};

use super::CALLS;
use crate::context::Context;
use crate::error_type::ErrorType;
use crate::name::{Name, OTHER};
use crate::output::Foreign;
use crate::trace::{Hex, TraceContext};

#[inline(always)]
pub(super) fn is_on() -> bool {
    super::is_debugging() && are_spans_enabled()
}

#[cold]
fn are_spans_enabled() -> bool {
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
pub(super) fn fail(span: &Span, error: ErrorType) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error.name());
}

/// Notes the code of the fault that a call has failed with.
pub(super) fn set_code(span: &Span, code: i64) {
    span.record("rpc.response.status_code", display(code));
}

/// Returns the span of a call that a client makes, and makes it the one that the trace of the call
/// is in.
pub(super) fn of_client(system: &'static str, context: &mut Context) -> Span {
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
