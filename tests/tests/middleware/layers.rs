//! The layers of these tests, each written once for all protocols: a histogram, a span, and one
//! that records what it sees.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;

use farcall::protocol::{Call, Format};
use farcall::{Variadic, service};
use tower::{Layer, Service};
use tracing::Instrument as _;
use tracing::instrument::Instrumented;

/// Records each call: its method, the name of the span around it, and the user.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<(String, &'static str)>>>);

impl Recorder {
    /// Returns the methods and spans of the calls since the last time.
    pub(crate) fn take(&self) -> Vec<(String, &'static str)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Returns the methods of the calls since the last time.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.take().into_iter().map(|(method, _)| method).collect()
    }
}

impl<S> Layer<S> for Recorder {
    type Service = Recorded<S>;

    fn layer(&self, inner: S) -> Recorded<S> {
        Recorded(inner, self.clone())
    }
}

#[derive(Clone)]
pub(crate) struct Recorded<S>(S, Recorder);

impl<F: Format, S: Service<Call<F>>> Service<Call<F>> for Recorded<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, call: Call<F>) -> S::Future {
        let span = tracing::Span::current();
        let span = span.metadata().map_or("", |metadata| metadata.name());
        let mut calls = self.1.0.lock().unwrap();
        calls.push((call.method().to_string(), span));
        drop(calls);
        self.0.call(call)
    }
}

/// Counts calls by the power of two of their microseconds.
#[derive(Clone, Default)]
pub(crate) struct Latencies(Arc<[AtomicU64; 32]>);

impl Latencies {
    /// Returns the number of calls that were measured.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|n| n.load(Ordering::Relaxed)).sum()
    }
}

impl<S> Layer<S> for Latencies {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured(inner, self.clone())
    }
}

#[derive(Clone)]
pub(crate) struct Measured<S>(S, Latencies);

impl<F: Format, S: Service<Call<F>, Future: Send + 'static>> Service<Call<F>> for Measured<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, call: Call<F>) -> Self::Future {
        let (started, latencies) = (Instant::now(), self.1.clone());
        let answer = self.0.call(call);
        Box::pin(async move {
            let result = answer.await;
            let micros = started.elapsed().as_micros();
            let place = (u128::BITS - micros.leading_zeros()).min(31) as usize;
            latencies.0[place].fetch_add(1, Ordering::Relaxed);
            result
        })
    }
}

/// Opens a span named `call` around each call.
#[derive(Clone)]
pub(crate) struct Spans;

impl<S> Layer<S> for Spans {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Traced<S> {
        Traced(inner)
    }
}

#[derive(Clone)]
pub(crate) struct Traced<S>(S);

impl<F: Format, S: Service<Call<F>>> Service<Call<F>> for Traced<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, call: Call<F>) -> Self::Future {
        let span = tracing::error_span!("call", method = call.method().as_str());
        let answer = span.in_scope(|| self.0.call(call));
        answer.instrument(span)
    }
}

/// Makes spans exist on this thread, as long as the guard does.
pub(crate) fn enable_spans() -> tracing::subscriber::DefaultGuard {
    let sink = tracing_subscriber::fmt().with_writer(std::io::sink);
    tracing::subscriber::set_default(sink.finish())
}

/// An object with one method.
pub(crate) struct Counter;

#[service(prefix = "counter")]
impl Counter {
    pub fn value(&self) -> i64 {
        5
    }
}

/// The same without a prefix, as an object that is referred to.
pub(crate) struct Plain;

#[service]
impl Plain {
    pub fn value(&self) -> i64 {
        5
    }
}

/// A fallback for any arguments.
pub(crate) fn fallback(_: Variadic<farcall::Value>) -> i64 {
    5
}
