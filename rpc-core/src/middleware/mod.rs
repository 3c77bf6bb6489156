//! Middleware: what happens around every call.
//!
//! Servers and clients are tower services of [`Call`](crate::protocol::Call)s, so any tower layer
//! fits around them. A layer is written once for all protocols, as an implementation of
//! `Service<Call<F>>` for every [`Format`](crate::protocol::Format) `F`. This module has the layers
//! that most servers need: [`BearerAuth`], [`TokenLookup`], [`BasicAuth`] and [`RateLimit`].
//!
//! # Around a server
//!
//! `server.layer(layer)` puts a layer around every call that a server answers: of functions,
//! objects, objects of connections, the fallback and introspection; each call of a multicall; and
//! each call of an object that a peer refers to. [`Registry::layer`](crate::Registry::layer) has
//! the order of layers, waiting and errors.
//!
//! ```
//! use std::time::Duration;
//!
//! use farcall::middleware::RateLimit;
//! use farcall::{Fault, FaultKind};
//! use tower::{BoxError, ServiceBuilder};
//!
//! # fn main() -> Result<(), farcall::RegisterError> {
//! let server = farcall::xmlrpc::Server::new();
//! server.register_function("add", |a: i64, b: i64| a + b)?;
//! server.layer(
//!     ServiceBuilder::new()
//!         .layer(RateLimit::per_second(100))
//!         // Faults pass unchanged; the timeout would become an internal error.
//!         .map_err(|error: BoxError| {
//!             if error.is::<tower::timeout::error::Elapsed>() {
//!                 Fault::of(FaultKind::DeadlineExceeded, "the call took too long")
//!             } else {
//!                 error.into()
//!             }
//!         })
//!         .timeout(Duration::from_secs(10))
//!         .into_inner(),
//! );
//! # Ok(())
//! # }
//! ```
//!
//! A layer that limits the calls that run at once counts a call until it completes, even while its
//! handler waits for another call. If that call comes back to the same server, as in a callback,
//! both may wait for each other until a deadline.
//!
//! A layer tells a handler something by
//! [`Context::with_extension`](crate::Context::with_extension), and who calls by
//! [`Context::with_identity`](crate::Context::with_identity).
//!
//! # Authentication over HTTP
//!
//! Give [`BearerAuth`] or [`BasicAuth`] to `ServerOptions::authorize`: a request without valid
//! credentials is refused with status 401 before its body is read. As a layer of the server, they
//! refuse calls with a fault. [`Scheme::only`] limits that to some methods:
//!
//! ```
//! use farcall::middleware::{BasicAuth, Scheme};
//!
//! # fn main() -> Result<(), farcall::protocol::InvalidCredentials> {
//! let server = farcall::xmlrpc::Server::new();
//! let admins = BasicAuth::new([("ada", "a-long-password")])?;
//! server.layer(admins.only(|method| method.starts_with("admin.")));
//! # Ok(())
//! # }
//! ```
//!
//! # A histogram of latencies
//!
//! ```
//! use std::future::Future;
//! use std::pin::Pin;
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use std::task::{Context, Poll};
//! use std::time::Instant;
//!
//! use farcall::protocol::{Call, Format};
//! use tower::{Layer, Service};
//!
//! /// Counts the calls that take 0 µs, 1 µs, 2 to 3 µs, 4 to 7 µs and so on.
//! #[derive(Clone, Default)]
//! struct Latencies(Arc<[AtomicU64; 32]>);
//!
//! impl<S> Layer<S> for Latencies {
//!     type Service = Measured<S>;
//!
//!     fn layer(&self, inner: S) -> Measured<S> {
//!         Measured { inner, latencies: self.clone() }
//!     }
//! }
//!
//! #[derive(Clone)]
//! struct Measured<S> {
//!     inner: S,
//!     latencies: Latencies,
//! }
//!
//! impl<F: Format, S: Service<Call<F>, Future: Send + 'static>> Service<Call<F>> for Measured<S> {
//!     type Response = S::Response;
//!     type Error = S::Error;
//!     type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;
//!
//!     fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
//!         self.inner.poll_ready(cx)
//!     }
//!
//!     fn call(&mut self, call: Call<F>) -> Self::Future {
//!         let (started, latencies) = (Instant::now(), self.latencies.clone());
//!         let answer = self.inner.call(call);
//!         Box::pin(async move {
//!             let result = answer.await;
//!             let micros = started.elapsed().as_micros();
//!             let place = (u128::BITS - micros.leading_zeros()).min(31) as usize;
//!             latencies.0[place].fetch_add(1, Ordering::Relaxed);
//!             result
//!         })
//!     }
//! }
//!
//! # use farcall::{Caller, ServiceCaller};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let latencies = Latencies::default();
//! let server = farcall::xmlrpc::Server::new();
//! server.register_function("add", |a: i64, b: i64| a + b)?;
//! server.layer(latencies.clone());
//! let listening = server.bind("127.0.0.1:0").await?;
//! let client = farcall::xmlrpc::Client::new(&listening.url())?;
//! # tokio::spawn(listening.serve());
//!
//! // The same layer around a client, which measures what its callers see.
//! let seen = Latencies::default();
//! let service = tower::ServiceBuilder::new().layer(seen.clone()).service(client.clone());
//! let client = ServiceCaller::new(service, client.format());
//! assert_eq!(client.call::<i64>("add", (3, 5)).await?, 8);
//!
//! let count = |all: &Latencies| all.0.iter().map(|n| n.load(Ordering::Relaxed)).sum::<u64>();
//! assert_eq!((count(&latencies), count(&seen)), (1, 1));
//! # Ok(())
//! # }
//! ```
//!
//! # A tracing span for each call
//!
//! ```
//! use std::task::{Context, Poll};
//!
//! use farcall::protocol::{Call, Format};
//! use tower::{Layer, Service};
//! use tracing::Instrument as _;
//! use tracing::instrument::Instrumented;
//!
//! #[derive(Clone)]
//! struct Spans;
//!
//! impl<S> Layer<S> for Spans {
//!     type Service = Traced<S>;
//!
//!     fn layer(&self, inner: S) -> Traced<S> {
//!         Traced(inner)
//!     }
//! }
//!
//! #[derive(Clone)]
//! struct Traced<S>(S);
//!
//! impl<F: Format, S: Service<Call<F>>> Service<Call<F>> for Traced<S> {
//!     type Response = S::Response;
//!     type Error = S::Error;
//!     type Future = Instrumented<S::Future>;
//!
//!     fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
//!         self.0.poll_ready(cx)
//!     }
//!
//!     fn call(&mut self, call: Call<F>) -> Self::Future {
//!         // A peer chooses the name: `Debug` escapes what is not printable.
//!         let (method, caller) = (call.method().as_str(), call.context.identity());
//!         let span = tracing::info_span!("call", ?method, %caller);
//!         // A handler that is not async runs within `call`.
//!         let answer = span.in_scope(|| self.0.call(call));
//!         answer.instrument(span)
//!     }
//! }
//!
//! # fn main() -> Result<(), farcall::RegisterError> {
//! let server = farcall::rpc::Server::new();
//! server.register_function("add", |a: i64, b: i64| {
//!     tracing::info!("this line has the method and the caller");
//!     a + b
//! })?;
//! server.layer(Spans);
//! # Ok(())
//! # }
//! ```
//!
//! # Around a client
//!
//! [`ServiceCaller`](crate::ServiceCaller) makes a client of any stack of layers around a client,
//! as the histogram above shows. Objects of connections (`rpc::Remote`) are
//! callers of their own, which the layers around a client do not see.
//!
//! [`Blocking`](crate::Blocking) around such a client makes a client without async of it:
//!
//! ```
//! use farcall::middleware::RateLimit;
//! use farcall::xmlrpc::{Client, XmlRpc};
//! use farcall::{Blocking, BlockingCaller, ServiceCaller};
//!
//! # fn main() -> Result<(), farcall::http::InvalidUrl> {
//! let client = Client::new("http://localhost:8000")?;
//! let service = tower::ServiceBuilder::new()
//!     .layer(RateLimit::per_second(10))
//!     .service(client);
//! let client = Blocking::new(ServiceCaller::new(service, XmlRpc::default()));
//! let sum: Result<i64, _> = client.call("add", (3, 5));
//! # drop(sum);
//! # Ok(())
//! # }
//! ```

mod auth;
mod basic;
mod bearer;
mod lookup;
mod rate_limit;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pub use self::auth::{Authenticated, Only, Scheme, Unauthorized};
pub use self::basic::BasicAuth;
pub use self::bearer::{BearerAuth, VerifyToken};
pub use self::lookup::{TokenLookup, TokenLookupService};
pub use self::rate_limit::{RateLimit, RateLimitService, RateLimited};
// Its path is `protocol::InvalidCredentials`, which needs no feature.
#[doc(hidden)]
pub use crate::credentials::InvalidCredentials;

pin_project_lite::pin_project! {
    /// The future of a call that a layer may have refused.
    #[derive(Debug)]
    pub struct Refusable<Answer, E> {
        #[pin]
        answer: Option<Answer>,
        refusal: Option<E>,
    }
}

impl<Answer, E> Refusable<Answer, E> {
    const fn accepted(answer: Answer) -> Self {
        Self {
            answer: Some(answer),
            refusal: None,
        }
    }

    const fn refused(error: E) -> Self {
        Self {
            answer: None,
            refusal: Some(error),
        }
    }
}

impl<Answer: Future<Output = Result<T, E>>, T, E> Future for Refusable<Answer, E> {
    type Output = Result<T, E>;

    /// Completes with the answer or the refusal. A refusal is returned once.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match (this.refusal.take(), this.answer.as_pin_mut()) {
            (Some(error), _) => Poll::Ready(Err(error)),
            (None, Some(answer)) => answer.poll(cx),
            (None, None) => Poll::Pending,
        }
    }
}
