//! Observation of calls: figures, spans and the access log.
//!
//! The calls of peers are noted where those of every protocol pass: in
//! [`Registry::dispatch`](crate::Registry::dispatch). While nothing is observed, a call reads three
//! flags for it. The calls of clients have no such place: each client has a [`ClientSpan`] of its
//! call.

mod client;
#[cfg(not(feature = "metrics"))]
mod no_metrics;
mod span;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Span};

pub use self::client::ClientSpan;
#[cfg(not(feature = "metrics"))]
use self::no_metrics as metrics;
use crate::call::CallReply;
use crate::context::Context;
use crate::error_type::ErrorType;
use crate::fault::{Fault, FaultKind};
#[cfg(feature = "metrics")]
use crate::metrics;
use crate::name::Name;
use crate::output::Foreign;
use crate::payload::Payload;
use crate::trace::{Hex, TraceContext};

pub(crate) use self::metrics::Slot;
use self::metrics::{InFlight, Series};

/// The target of the spans of calls.
const CALLS: &str = "farcall::call";

/// The target of the access log.
const ACCESS: &str = "farcall::access";

/// Returns `true` if something is observed of calls.
#[inline]
pub(crate) fn is_on() -> bool {
    metrics::is_on() || span::is_on() || is_logged()
}

#[inline(always)]
fn is_logged() -> bool {
    is_debugging() && is_access_logged()
}

#[cold]
fn is_access_logged() -> bool {
    tracing::event_enabled!(target: ACCESS, Level::DEBUG)
}

/// Returns `true` if anything of this level may be enabled: one comparison, which every call makes.
#[inline(always)]
fn is_debugging() -> bool {
    LevelFilter::current() >= LevelFilter::DEBUG
}

/// One call of a peer, from its dispatch until its result.
pub(crate) struct Observation {
    started: Instant,
    span: Span,
    deadline: Option<Instant>,
    /// The context of the call, if the access log shows it.
    logged: Option<Box<Context>>,
}

impl Observation {
    /// Begins to observe a call of a method, or of none that is registered. If there is a span, the
    /// calls of the handler become its children.
    pub(crate) fn begin(
        system: &'static str,
        method: Option<&Name>,
        context: &mut Context,
    ) -> Self {
        let span = span::of_server(system, method, context);
        Self {
            started: Instant::now(),
            span,
            deadline: context.deadline(),
            logged: is_logged().then(|| Box::new(context.clone())),
        }
    }

    /// Runs a call, and observes its result, at once or later.
    pub(crate) fn watch(
        self,
        series: Option<&'static Series>,
        run: impl FnOnce() -> CallReply,
    ) -> CallReply {
        let reply = self.span.in_scope(run);
        let Some(result) = reply.result() else {
            return CallReply::later(Observed {
                reply,
                in_flight: series.map(InFlight::new),
                observation: Some(self),
            });
        };
        self.finish(series, outcome(result));
        reply
    }

    fn finish(self, series: Option<&Series>, result: Outcome<'_>) {
        let fault = result.err();
        let error = fault.map(|(kind, _)| ErrorType::Fault(kind));
        if let Some(series) = series {
            series.record(self.started.elapsed(), error);
        }
        if let (Some((_, code)), Some(error)) = (fault, error) {
            span::set_code(&self.span, code);
            span::fail(&self.span, error);
        }
        if let Some(context) = &self.logged {
            let bytes = result.ok().map(|payload| payload.as_slice().len());
            log(context, self.started, bytes, fault);
        }
    }
}

/// The outcome of a call: its result, or the kind and the code of its fault.
type Outcome<'a> = Result<&'a Payload, (FaultKind, i64)>;

fn outcome(result: &Result<Payload, Fault>) -> Outcome<'_> {
    result
        .as_ref()
        .map_err(|fault| (fault.kind(), fault.code()))
}

/// Writes a line of the access log.
fn log(context: &Context, started: Instant, bytes: Option<usize>, fault: Option<(FaultKind, i64)>) {
    let trace = context.trace().map(TraceContext::trace_id);
    tracing::debug!(
        target: ACCESS,
        peer = %context.identity(),
        method = %Foreign::excerpt(context.method()),
        outcome = fault.map_or("ok", |(kind, _)| kind.name()),
        code = fault.map(|(_, code)| code),
        bytes,
        elapsed = ?started.elapsed(),
        trace_id = trace.as_ref().map(|id| tracing::field::display(Hex(id))),
        "call",
    );
}

/// The future of a call that did not complete at once.
struct Observed {
    reply: CallReply,
    in_flight: Option<InFlight>,
    /// Taken when the call has completed.
    observation: Option<Observation>,
}

impl Observed {
    fn finish(&mut self, result: Outcome<'_>) {
        let series = self.in_flight.take().map(|in_flight| in_flight.series());
        if let Some(observation) = self.observation.take() {
            observation.finish(series, result);
        }
    }
}

impl Future for Observed {
    type Output = Result<Payload, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let entered = this.observation.as_ref().map(|seen| seen.span.enter());
        let polled = Pin::new(&mut this.reply).poll(cx);
        drop(entered);
        if let Poll::Ready(result) = &polled {
            this.finish(outcome(result));
        }
        polled
    }
}

/// A call that is dropped was given up: at its deadline, or since nobody waits any more.
impl Drop for Observed {
    fn drop(&mut self) {
        let Some(observation) = &self.observation else {
            return;
        };
        let is_late = observation
            .deadline
            .is_some_and(|end| end <= Instant::now());
        let kind = if is_late {
            FaultKind::DeadlineExceeded
        } else {
            FaultKind::Cancelled
        };
        self.finish(Err((kind, kind.code())));
    }
}
