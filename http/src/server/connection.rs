//! Serving of one connection, from its first request until it closes.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use farcall_core::Identity;
use farcall_core::protocol::observe::{Refusal, refused};
use farcall_core::protocol::output::{Causes, Foreign, Quota};
use farcall_core::protocol::time::LONGEST;
use farcall_core::serve::{FIRST_CALL_GRACE, Stopped};
use farcall_core::transport::{Io, Peer};
use futures_util::FutureExt as _;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::account::PeerAccount;
use super::browser::{AcceptedHost, HostPolicy};
use super::phase::{HeadTimeout, NoRequest, Phase, Phases};
use super::reply_stream::ReplyStream;
use super::request::admission::{Leaving, MAX_HEAD};
use super::{HttpServer, UpgradedConnection};

/// The first bytes of a TLS client: a record with a handshake message, of any version.
const TLS_HANDSHAKE: &[u8] = &[0x16, 0x03];

/// The error that ends a connection.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Http(hyper::Error),
    #[error(transparent)]
    NoRequest(NoRequest),
}

impl HttpServer {
    /// Serves one connection without TLS until it closes.
    pub(super) async fn connection(
        self,
        io: impl Io,
        peer: Peer,
        hosts: HostPolicy,
        stop: Stopped,
    ) {
        if self.refuses_address(&peer) {
            return;
        }
        self.exchange(io, Identity::from(peer), hosts, stop).await;
    }

    /// Returns `true`, and logs it, if the address of a peer is refused.
    pub(super) fn refuses_address(&self, peer: &Peer) -> bool {
        let accept = self.options.accept_address.as_ref();
        let is_refused = accept.is_some_and(|accept| !accept(peer));
        if is_refused {
            log_refusal(peer);
        }
        is_refused
    }

    /// Returns `true`, and logs it, if a peer is refused.
    pub(super) fn refuses_peer(&self, caller: &Identity) -> bool {
        let accept = self.options.accept_peer.as_ref();
        let is_refused = accept.is_some_and(|accept| !accept(caller));
        if is_refused {
            log_refusal(caller);
        }
        is_refused
    }

    /// Serves the requests of one connection until it closes.
    pub(super) async fn exchange(
        self,
        mut io: impl Io,
        caller: Identity,
        hosts: HostPolicy,
        stop: impl Future<Output = ()> + Send,
    ) {
        if self.refuses_peer(&caller) {
            announce_end(&mut io).await;
            return;
        }
        let accepted = Instant::now();
        let phases = Phases::new(accepted);
        let is_draining = AtomicBool::new(false);
        let account = PeerAccount::new(&self.budget);
        let leaving = Mutex::new(None);
        let accepted_host = AcceptedHost::default();
        let service = service_fn(|request: ::http::Request<Incoming>| {
            phases.set(Phase::Answering);
            let mut admitted = self.admit(request, caller.clone(), hosts, Some(&accepted_host));
            if let Err(rejection) = &mut admitted
                && let Some(request) = rejection.0.extensions_mut().remove::<Leaving>()
            {
                *lock(&leaving) = Some(request);
            }
            let responding = self.respond_to(admitted, &caller, &account);
            // `map`, since an async block would hold the future twice.
            Box::pin(responding.map(|mut response| {
                if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                    phases.set(Phase::Writing);
                    if is_draining.load(Ordering::Relaxed) {
                        let close = HeaderValue::from_static("close");
                        response.headers_mut().insert(CONNECTION, close);
                    }
                }
                Ok::<_, Infallible>(response)
            }))
        });
        let io = ReplyStream::new(io, self.options.write_timeout, phases.clone());
        let header_timeout = self.options.header_timeout.min(LONGEST);
        let mut head_timeout = HeadTimeout::new(phases.clone(), header_timeout);
        let mut connection = http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(io), service);
        let mut stopping = pin!(async {
            stop.await;
            // A request that has already arrived is read first: the event loop may not have seen
            // it.
            yield_now().await;
            // The next reply is the last one.
            is_draining.store(true, Ordering::Relaxed);
            // The client of an idle connection may be sending a request, and would not know whether
            // it ran if the connection closed. One that was used a moment ago is likely to be used
            // again, so it waits for a request for a moment, as nginx lets it
            // (`keepalive_min_timeout`).
            let since = match phases.get() {
                Phase::Waiting => phases.since(),
                Phase::Writing | Phase::Written => Instant::now(),
                Phase::Answering => return,
            };
            // Boxed, so that the common path does not reserve space for it.
            let mut grace = Box::pin(sleep_until(since + FIRST_CALL_GRACE));
            // If a request is answered at once, hyper ends the connection after the reply.
            let next = poll_fn(|cx| match phases.get() {
                Phase::Answering => Poll::Ready(()),
                Phase::Waiting | Phase::Writing | Phase::Written => grace.as_mut().poll(cx),
            });
            next.await;
        });
        let mut is_stopping = false;
        let mut must_linger = true;
        let result = poll_fn(|cx| {
            loop {
                let polled = connection.poll_without_shutdown(cx);
                must_linger |= polled.is_pending();
                if let Poll::Ready(result) = account.unless_evicted(polled, cx) {
                    return Poll::Ready(result.map(|result| result.map_err(Failure::Http)));
                }
                if let Poll::Ready(none) = head_timeout.poll(cx) {
                    return Poll::Ready(Some(Err(Failure::NoRequest(none))));
                }
                if is_stopping || stopping.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                // The next poll closes an idle connection. Its client has all replies, and may keep
                // its side open for long.
                Pin::new(&mut connection).graceful_shutdown();
                is_stopping = true;
                must_linger = false;
            }
        });
        let result = result.await;
        let Some(result) = result else {
            tracing::debug!(peer = %caller, "connection evicted: it has held the most for the longest");
            return;
        };
        let left = lock(&leaving).take();
        if let (Some(leaving), Ok(())) = (left, &result) {
            let parts = connection.into_parts();
            let upgraded = UpgradedConnection {
                io: Box::new(parts.io.into_inner()),
                read: parts.read_buf,
                identity: leaving.identity,
                headers: leaving.headers,
                extensions: leaving.extensions,
                budget: self.budget.clone(),
                calls: self.calls.clone(),
                stop: Box::pin(async move {
                    if !is_stopping {
                        stopping.await;
                    }
                }),
            };
            leaving.upgrade.run(upgraded).await;
            return;
        }
        let is_answered = match &result {
            Ok(()) => true,
            Err(error) => {
                let shown = Foreign::excerpt(Causes(error));
                tracing::debug!(peer = %caller, error = %shown, "connection failed");
                matches!(error, Failure::Http(error) if error.is_parse())
            }
        };
        let parts = connection.into_parts();
        if parts.read_buf.starts_with(TLS_HANDSHAKE) {
            static GREETINGS: Quota = Quota::new(10);
            if let Some(admitted) = GREETINGS.admit() {
                let suppressed = admitted.suppressed();
                tracing::info!(peer = %caller, suppressed, "a peer speaks TLS, this port does not");
            }
        }
        let mut io = parts.io.into_inner();
        if is_answered && must_linger {
            linger(io).await;
        } else {
            announce_end(&mut io).await;
        }
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

fn log_refusal(peer: impl Display) {
    static REFUSALS: Quota = Quota::new(10);

    refused(Refusal::Peer);
    if tracing::enabled!(tracing::Level::INFO)
        && let Some(admitted) = REFUSALS.admit()
    {
        let suppressed = admitted.suppressed();
        tracing::info!(%peer, suppressed, "peer refused");
    }
}

/// Announces the end of a connection. TLS tells the peer thereby that nothing was cut off. A peer
/// that reads nothing is not waited for.
async fn announce_end(io: &mut impl Io) {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *io).poll_shutdown(cx).is_ready())).await;
}

/// Closes a connection after the last response has arrived. If it were closed with bytes unread,
/// such as the body of a refused request, a client that is still sending would see a reset instead
/// of the response.
pub(super) async fn linger(mut io: ReplyStream<impl Io>) {
    const MAX_LINGER: Duration = Duration::from_secs(2);
    let drain = async {
        io.shutdown().await?;
        // Most connections end at their peer, and so have nothing to drain.
        if io.is_read_to_end() {
            return Ok(0);
        }
        tokio::io::copy(&mut io, &mut tokio::io::sink()).await
    };
    // The connection is closed in any case.
    let _ = tokio::time::timeout(MAX_LINGER, drain).await;
}
