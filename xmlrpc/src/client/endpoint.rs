//! The client core, shared by the async and the blocking front end.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use farcall_core::protocol::{Args, Call, Format as _, Payload};
use farcall_core::{CallError, Caller, Context, FormatError};
use serde::de::DeserializeOwned;

use super::connection::{Connection, ExchangeError};
use super::cookies::Cookies;
use super::error::ConnectError;
use super::layered::Layered;
use super::options::ClientOptions;
use super::pool::{Pool, Transport};
use super::proxy::Proxy;
use super::redirect;
use super::reply::reply;
use super::request::{Request, Template};
use super::response::Response;
use super::route::{Place, Route};
use super::secrets::Secrets;
use super::stream::is_timed_out;
use super::transport::Destination;
use super::url::{HttpUrl, InvalidUrl, Target};
use crate::XmlRpc;
use crate::document::{reply_result, write_call};

/// Bytes reserved for a call document around its parameters.
const ENVELOPE: usize = 160;

/// Bytes reserved for parameters of unknown size: most fit.
const PARAMS: usize = 256;

/// The state that all clones of a client share.
pub(crate) struct Endpoint<T: Transport> {
    transport: T,
    route: Route,
    pool: Pool<T>,
    template: Template,
    /// Texts that errors must not show.
    secrets: Arc<Secrets>,
    url: HttpUrl,
    redirects: usize,
    cookies: Option<Arc<Cookies>>,
    format: XmlRpc,
    timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    max_body: usize,
    /// The URL without secrets.
    shown: String,
    /// The destination of connections, for error messages.
    peer: Arc<str>,
    /// `true` once the server is known to lack `system.multicall`.
    lacks_multicall: AtomicBool,
}

impl<T: Transport> Endpoint<T> {
    /// Creates an endpoint that connects to the server at `url`, or to its proxy.
    pub(crate) fn new(
        url: &str,
        options: &ClientOptions,
        transport: impl FnOnce(Destination) -> T,
    ) -> Result<Self, InvalidUrl> {
        let target = Target::parse(url)?;
        let proxy = options.proxy.for_target(&target)?;
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
        Self::over(transport, peer, target, proxy.as_ref(), options)
    }

    /// Creates an endpoint for the server at `url` that connects by `transport`, whatever the host.
    pub(super) fn at(url: &str, options: &ClientOptions, transport: T) -> Result<Self, InvalidUrl> {
        let target = Target::parse(url)?;
        let peer = target.to_string();
        Self::over(transport, peer, target, None, options)
    }

    fn over(
        transport: T,
        peer: String,
        target: Target,
        proxy: Option<&Proxy>,
        options: &ClientOptions,
    ) -> Result<Self, InvalidUrl> {
        let (template, cookie, secrets) = Template::new(&target, proxy, options);
        let cookies = Cookies::new(options.cookies, cookie).map(Arc::new);
        Ok(Self {
            transport,
            route: Route::new(&target.url, proxy, options)?,
            pool: Pool::new(options.idle_timeout),
            template,
            secrets: Arc::new(secrets.with_cookies(cookies.clone())),
            shown: target.to_string(),
            url: target.url,
            redirects: options.redirects,
            cookies,
            format: options.format,
            timeout: options.timeout,
            connect_timeout: options.connect_timeout,
            max_body: options.max_body,
            peer: peer.into(),
            lacks_multicall: AtomicBool::new(false),
        })
    }

    pub(super) const fn secrets(&self) -> &Arc<Secrets> {
        &self.secrets
    }

    pub(super) fn lacks_multicall(&self) -> bool {
        self.lacks_multicall.load(Ordering::Relaxed)
    }

    pub(super) fn set_lacks_multicall(&self) {
        self.lacks_multicall.store(true, Ordering::Relaxed);
    }

    /// Builds the request for a call. `params` appends its arguments, of about `size` bytes.
    fn request(
        &self,
        method: &str,
        size: usize,
        params: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
    ) -> Result<Request, CallError> {
        let write = |document: &mut Vec<u8>| write_call(method, params, document);
        let request = self.template.request(size + ENVELOPE, write);
        request.map_err(CallError::Encode)
    }

    /// Sends a request, follows redirects, and waits for the response.
    async fn exchange(
        &self,
        mut request: Request,
        deadline: Option<Instant>,
    ) -> Result<Response, CallError> {
        let begin = Instant::now();
        let limit = self.timeout.and_then(|timeout| begin.checked_add(timeout));
        let limit = earlier(limit, deadline);
        if limit.is_some_and(|limit| limit <= begin) {
            let error = io::Error::new(io::ErrorKind::TimedOut, "the deadline had passed");
            return Err(CallError::NotSent(error.into()));
        }
        let mut moved = None;
        let mut redirects = 0;
        loop {
            let url = moved.as_ref().unwrap_or(&self.url);
            if let Some(cookies) = &self.cookies {
                request.set_cookie(cookies.line(url).as_deref());
            }
            let mut response = self.exchange_once(&request, begin, limit).await?;
            if let Some(cookies) = &self.cookies {
                cookies.keep(url, &response.headers);
            }
            if self.redirects == 0 || !response.status.is_redirection() {
                return Ok(response);
            }
            let headers = &response.headers;
            match redirect::target(url, response.status, headers, redirects, self.redirects) {
                Ok(url) => {
                    redirects += 1;
                    self.template.redirect(&mut request, &url);
                    moved = Some(url);
                }
                Err(unfollowed) => {
                    response.unfollowed = Some(unfollowed);
                    return Ok(response);
                }
            }
        }
    }

    async fn exchange_once(
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
            let exchange = connection.exchange(request.as_slice(), self.max_body, limit);
            let response = match exchange.await {
                Ok(response) => response,
                // The kept connection turned out to be closed: try another. A later failure
                // completes the call with `CallError::Lost`.
                Err(ExchangeError::Unsent(_)) if !is_new => continue,
                Err(ExchangeError::Unsent(error)) => {
                    return Err(CallError::NotSent(
                        describe_timeout(error, "response", begin).into(),
                    ));
                }
                Err(ExchangeError::Lost(error)) => return Err(CallError::Lost(error)),
                Err(ExchangeError::TimedOut) => {
                    return Err(CallError::Lost(timeout_error("response", begin).into()));
                }
            };
            self.pool.put(connection);
            return Ok(response);
        }
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
            let error = describe_timeout(error, "connection", begin);
            let peer = Arc::clone(&self.peer);
            CallError::NotSent(Box::new(ConnectError { peer, error }))
        })
    }
}

/// Shows a client: the URL without secrets, and the limits.
impl<T: Transport> fmt::Debug for Endpoint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.shown)
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("max_body", &self.max_body)
            .field("redirects", &self.redirects)
            .field("cookies", &self.cookies.is_some())
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl<T: Transport> Caller for Endpoint<T> {
    type Format = XmlRpc;

    fn format(&self) -> XmlRpc {
        self.format
    }

    async fn send(&self, call: Call<XmlRpc>) -> Result<Payload, CallError> {
        let params = call.params.as_slice();
        let request = self.request(call.method(), params.len(), |document| {
            document.extend_from_slice(params);
            Ok(())
        })?;
        let (format, deadline) = (call.format, call.context.deadline());
        // The parameters were copied into the request.
        drop(call);
        let response = self.exchange(request, deadline).await?;
        let ((), document) = reply(response, self.max_body, format, &self.secrets, |_| Ok(()))?;
        Ok(document)
    }

    /// Like the default implementation, but encodes the arguments into the request and reads the
    /// reply only once.
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let format = self.format;
        let request = self.request(context.method(), PARAMS, |document| {
            format.encode_args(&args, document)
        });
        let deadline = context.deadline();
        async move {
            let response = self.exchange(request?, deadline).await?;
            let (result, _) = reply(response, self.max_body, format, &self.secrets, reply_result)?;
            Ok(result)
        }
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Replaces the error of a local deadline by one with a message.
fn describe_timeout(error: io::Error, awaited: &str, begin: Instant) -> io::Error {
    if is_timed_out(&error) {
        timeout_error(awaited, begin)
    } else {
        error
    }
}

fn timeout_error(awaited: &str, begin: Instant) -> io::Error {
    let time = begin.elapsed();
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("no {awaited} within {time:.3?}"),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::super::stream::{Progress, Stream};
    use super::*;

    /// A stream that breaks before the first byte is written.
    struct Broken;

    impl Stream for Broken {
        async fn try_read(&mut self, _: &mut [u8]) -> io::Result<Option<usize>> {
            Ok(None)
        }

        async fn write(
            &mut self,
            _: &[u8],
            _: &mut [u8],
            _: Option<Instant>,
        ) -> io::Result<Progress> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        async fn read(&mut self, _: &mut [u8], _: Option<Instant>) -> io::Result<usize> {
            Ok(0)
        }
    }

    /// Connects once.
    #[derive(Default)]
    struct Connector(AtomicUsize);

    impl Transport for Connector {
        type Stream = Broken;

        async fn connect(&self, _: Option<Instant>) -> io::Result<Broken> {
            let earlier = self.0.fetch_add(1, Ordering::Relaxed);
            assert_eq!(earlier, 0, "a second connection was opened");
            Ok(Broken)
        }

        fn spawn(_: impl Future<Output = ()> + Send + 'static) {}
    }

    #[tokio::test]
    async fn a_new_connection_that_breaks_is_not_replaced() {
        let options = ClientOptions::default();
        let endpoint = Endpoint::at("http://localhost", &options, Connector::default()).unwrap();
        let error = endpoint.call_in::<i64>(Context::new("f"), ()).await;
        assert!(matches!(error, Err(CallError::NotSent(_))), "{error:?}");
    }
}
