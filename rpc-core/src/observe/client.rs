//! Observation of the calls that clients make.

use std::borrow::Cow;
use std::time::Instant;

use tracing::Span;

use super::metrics::{self, Series};
use super::span;
use crate::context::Context;
use crate::error::CallError;
use crate::error_type::ErrorType;

/// The span of a call that a client makes, and its duration for the figures. There is none by
/// default, and none while nothing is observed.
#[derive(Debug, Default)]
pub struct ClientSpan(Option<Box<Outgoing>>);

/// A call that a client makes, from before it is sent until its outcome.
#[derive(Debug)]
struct Outgoing {
    span: Span,
    series: Option<&'static Series>,
    started: Instant,
    deadline: Option<Instant>,
}

impl ClientSpan {
    /// Begins the span of a call that is about to be sent. It is a child of the span of the handler
    /// that makes the call. Returns it with the context to send, whose trace names it as the cause.
    #[inline]
    pub fn begin<'a>(system: &'static str, context: &'a Context) -> (Self, Cow<'a, Context>) {
        if metrics::is_on() || span::is_on() {
            Self::observe(system, context)
        } else {
            (Self::default(), Cow::Borrowed(context))
        }
    }

    #[cold]
    fn observe<'a>(system: &'static str, context: &'a Context) -> (Self, Cow<'a, Context>) {
        let mut context = Cow::Borrowed(context);
        let span = if span::is_on() {
            span::of_client(system, context.to_mut())
        } else {
            Span::none()
        };
        let outgoing = Outgoing {
            span,
            series: metrics::client_series(system, context.method()),
            started: Instant::now(),
            deadline: context.deadline(),
        };
        (Self(Some(Box::new(outgoing))), context)
    }

    /// Notes the outcome of the call, and ends its span.
    #[inline(always)]
    pub fn finish<T>(&mut self, result: &Result<T, CallError>) {
        if self.0.is_some() {
            self.note(result);
        }
    }

    #[cold]
    fn note<T>(&mut self, result: &Result<T, CallError>) {
        let Some(outgoing) = self.0.take() else {
            return;
        };
        let error = result.as_ref().err();
        if let Some(CallError::Fault(fault)) = error {
            span::set_code(&outgoing.span, fault.code());
        }
        outgoing.finish(error.map(ErrorType::of));
    }

    #[cold]
    fn give_up(&mut self) {
        if let Some(outgoing) = self.0.take() {
            let is_late = outgoing.deadline.is_some_and(|end| end <= Instant::now());
            outgoing.finish(Some(ErrorType::given_up(is_late)));
        }
    }
}

impl Outgoing {
    fn finish(&self, error: Option<ErrorType>) {
        if let Some(series) = self.series {
            series.record(self.started.elapsed(), error);
        }
        if let Some(error) = error {
            span::fail(&self.span, error);
        }
    }
}

/// A call that is dropped was given up.
impl Drop for ClientSpan {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.is_some() {
            self.give_up();
        }
    }
}
