//! The connections to one server, and the requests that it is sent.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farcall_core::CallError;
use http::HeaderValue;

use super::connection::{Connection, ExchangeError};
use super::error::ConnectError;
use super::kind::DocumentKind;
use super::layered::Layered;
use super::options::ClientOptions;
use super::pool::{Pool, Transport};
use super::proxy::Proxy;
use super::request::{Request, Template};
use super::response::{Response, ResponseReader};
use super::route::{Place, Route};
use super::scgi::Wire;
use super::secrets::Secrets;
use super::stream::{Unreached, is_timed_out};
use super::transport::Destination;
use super::url::{HttpUrl, InvalidUrl, Target};

/// A server, or a server behind a proxy.
pub(super) struct Link<T: Transport> {
    pub(super) url: HttpUrl,
    pub(super) template: Template,
    pub(super) wire: Wire,
    transport: T,
    route: Route,
    pool: Pool<T>,
    /// The destination of connections, for error messages.
    peer: Arc<str>,
    connect_timeout: Option<Duration>,
    max_body: usize,
}

impl<T: Transport> Link<T> {
    /// Returns the link to the server of a URL, or to its proxy. Also returns the `Cookie` header
    /// of the options and the secrets of the requests.
    pub(super) fn new<F>(
        target: &Target,
        kind: DocumentKind,
        options: &ClientOptions<F>,
        idle_timeout: Duration,
        transport: impl FnOnce(Destination) -> T,
    ) -> Result<(Self, Option<HeaderValue>, Secrets), InvalidUrl> {
        let proxy = match target.wire {
            Wire::Http => options.proxy.for_target(target)?,
            Wire::Scgi => None,
        };
        let (destination, peer) = match &target.socket {
            Some(socket) => {
                let peer = socket.display().to_string();
                (Destination::Unix(socket.clone()), peer)
            }
            None => {
                let destination = Route::destination(&target.url, proxy.as_ref());
                (destination, Place(&target.url, proxy.as_ref()).to_string())
            }
        };
        let transport = transport(destination);
        Self::over(
            target,
            kind,
            proxy.as_ref(),
            options,
            idle_timeout,
            (transport, peer),
        )
    }

    /// Returns the link to a server that `transport` reaches, whatever the host of the URL.
    pub(super) fn at<F>(
        target: &Target,
        kind: DocumentKind,
        options: &ClientOptions<F>,
        transport: T,
    ) -> Result<(Self, Option<HeaderValue>, Secrets), InvalidUrl> {
        let peer = target.to_string();
        Self::over(
            target,
            kind,
            None,
            options,
            options.idle_timeout,
            (transport, peer),
        )
    }

    fn over<F>(
        target: &Target,
        kind: DocumentKind,
        proxy: Option<&Proxy>,
        options: &ClientOptions<F>,
        idle_timeout: Duration,
        (transport, peer): (T, String),
    ) -> Result<(Self, Option<HeaderValue>, Secrets), InvalidUrl> {
        let (template, cookie, secrets) = Template::new(target, kind, proxy, options);
        let link = Self {
            url: target.url.clone(),
            template,
            wire: target.wire,
            transport,
            route: Route::new(&target.url, proxy, options)?,
            pool: Pool::new(idle_timeout),
            peer: peer.into(),
            connect_timeout: options.connect_timeout,
            max_body: options.max_body,
        };
        Ok((link, cookie, secrets))
    }

    /// Sends a request and reads its response, over a kept connection if there is one.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        begin: Instant,
        limit: Option<Instant>,
    ) -> Result<Response, CallError> {
        loop {
            let kept = self.pool.take(begin).await;
            let is_new = kept.is_none();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect(begin, limit).await?,
            };
            let exchange = connection.exchange(request.as_slice(), self.reader(), limit);
            let response = match exchange.await {
                Ok(response) => response,
                // The kept connection turned out to be closed: try another. A later failure
                // completes the call with `CallError::Lost`.
                Err(ExchangeError::Unsent(_)) if !is_new => continue,
                Err(ExchangeError::Unsent(error)) if Unreached::is(&error) => {
                    return Err(self.unreached(error));
                }
                Err(ExchangeError::Unsent(error)) => {
                    return Err(CallError::NotSent(
                        describe_timeout(error, "response", begin, limit).into(),
                    ));
                }
                Err(ExchangeError::Lost(error)) => return Err(CallError::Lost(error)),
                Err(ExchangeError::TimedOut) => {
                    return Err(CallError::Lost(
                        timeout_error("response", begin, limit).into(),
                    ));
                }
            };
            self.pool.put(connection);
            return Ok(response);
        }
    }

    fn reader(&self) -> ResponseReader {
        ResponseReader::new(self.wire, self.max_body)
    }

    async fn connect(
        &self,
        begin: Instant,
        limit: Option<Instant>,
    ) -> Result<Connection<Layered<T::Stream>>, CallError> {
        let timeout = self.connect_timeout;
        let attempt = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let deadline = earlier(limit, attempt);
        let connected = match self.transport.connect(deadline).await {
            Ok(socket) => self.route.open(socket, deadline).await,
            Err(error) => Err(error),
        };
        connected.map(Connection::new).map_err(|error| {
            let error = describe_timeout(error, "connection", begin, deadline);
            self.unreached(error)
        })
    }

    fn unreached(&self, error: io::Error) -> CallError {
        let peer = Arc::clone(&self.peer);
        CallError::NotSent(Box::new(ConnectError { peer, error }))
    }
}

pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Replaces the error of a local deadline by one with a message.
fn describe_timeout(
    error: io::Error,
    awaited: &str,
    begin: Instant,
    limit: Option<Instant>,
) -> io::Error {
    if is_timed_out(&error) {
        timeout_error(awaited, begin, limit)
    } else {
        error
    }
}

/// Returns the error of a time limit. The system may have one that is shorter than the local one.
fn timeout_error(awaited: &str, begin: Instant, limit: Option<Instant>) -> io::Error {
    let elapsed = begin.elapsed();
    let limit = limit.map_or(elapsed, |limit| limit.saturating_duration_since(begin));
    let time = round(elapsed.min(limit));
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("no {awaited} within {time:?}"),
    )
}

/// Returns a time in whole milliseconds: what is left of a deadline is a little less than what was
/// set.
fn round(time: Duration) -> Duration {
    let millis = (time.as_micros() + 500) / 1000;
    match u64::try_from(millis) {
        Ok(millis @ 1..) => Duration::from_millis(millis),
        _ => time,
    }
}
