//! The client core, shared by the async and the blocking front end.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use farcall_core::protocol::{Args, Call, Format as _, Payload};
use farcall_core::{CallError, Caller, Context, FormatError};
use http::HeaderValue;
use serde::de::DeserializeOwned;

use super::cookies::Cookies;
use super::link::{Link, earlier};
use super::options::ClientOptions;
use super::pool::Transport;
use super::redirect;
use super::reply::reply;
use super::request::Request;
use super::response::Response;
use super::scgi::Wire;
use super::secrets::Secrets;
use super::transport::Destination;
use super::url::{HttpUrl, InvalidUrl, Target};
use crate::XmlRpc;
use crate::de::De;
use crate::document::{reply_result, write_call};

/// Bytes reserved for a call document around its parameters.
const ENVELOPE: usize = 160;

/// Bytes reserved for parameters of unknown size: most fit.
const PARAMS: usize = 256;

/// The state that all clones of a client share.
pub(crate) struct Endpoint<T: Transport> {
    link: Link<T>,
    /// Creates the transport to the server of a redirect, unless the program has provided the
    /// transport.
    transport: Option<fn(Destination) -> T>,
    options: ClientOptions,
    /// The `Authorization` header made from the URL.
    authorization: Option<HeaderValue>,
    /// Texts that errors must not show.
    secrets: Arc<Secrets>,
    cookies: Option<Arc<Cookies>>,
    /// The URL without secrets.
    shown: String,
    /// `true` once the server is known to lack `system.multicall`.
    lacks_multicall: AtomicBool,
}

impl<T: Transport> Endpoint<T> {
    /// Creates an endpoint that connects to the server at `url`, or to its proxy.
    pub(crate) fn new(
        url: &str,
        options: ClientOptions,
        transport: fn(Destination) -> T,
    ) -> Result<Self, InvalidUrl> {
        let target = Target::parse(url)?;
        let link = Link::new(&target, &options, options.idle_timeout, transport)?;
        let transport = target.socket.is_none().then_some(transport);
        Ok(Self::over(link, transport, &target, options))
    }

    /// Creates an endpoint for the server at `url` that connects by `transport`, whatever the host.
    pub(super) fn at(url: &str, options: ClientOptions, transport: T) -> Result<Self, InvalidUrl> {
        let target = Target::parse(url)?;
        let link = Link::at(&target, &options, transport)?;
        Ok(Self::over(link, None, &target, options))
    }

    fn over(
        (link, cookie, secrets): (Link<T>, Option<HeaderValue>, Secrets),
        transport: Option<fn(Destination) -> T>,
        target: &Target,
        options: ClientOptions,
    ) -> Self {
        // SCGI has no cookies, and a redirect would be to a server of HTTP.
        let is_http = target.wire == Wire::Http;
        let cookies = Cookies::new(options.cookies && is_http, cookie).map(Arc::new);
        Self {
            link,
            transport,
            options,
            authorization: target.authorization.clone(),
            secrets: Arc::new(secrets.with_cookies(cookies.clone())),
            cookies,
            shown: target.to_string(),
            lacks_multicall: AtomicBool::new(false),
        }
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
        let request = self.link.template.request(size + ENVELOPE, write);
        request.map_err(CallError::Encode)
    }

    /// Sends a request, follows redirects, and waits for the response.
    async fn exchange(
        &self,
        mut request: Request,
        deadline: Option<Instant>,
    ) -> Result<Response, CallError> {
        let begin = Instant::now();
        let timeout = self.options.timeout;
        let limit = timeout.and_then(|timeout| begin.checked_add(timeout));
        let limit = earlier(limit, deadline);
        if limit.is_some_and(|limit| limit <= begin) {
            let error = io::Error::new(io::ErrorKind::TimedOut, "the deadline had passed");
            return Err(CallError::NotSent(error.into()));
        }
        let mut secure = None;
        let mut moved = None;
        let mut redirects = 0;
        loop {
            let link = secure.as_ref().unwrap_or(&self.link);
            let url = moved.as_ref().unwrap_or(&link.url);
            if let Some(cookies) = &self.cookies {
                request.set_cookie(cookies.line(url).as_deref());
            }
            let mut response = link.exchange(&request, begin, limit).await?;
            if let Some(cookies) = &self.cookies {
                cookies.keep(url, &response.headers);
            }
            let max = self.options.redirects;
            if max == 0 || link.wire == Wire::Scgi || !response.status.is_redirection() {
                return Ok(response);
            }
            let headers = &response.headers;
            let is_fixed = self.transport.is_none();
            match redirect::target(url, response.status, headers, redirects, max, is_fixed) {
                Ok(url) => {
                    redirects += 1;
                    if url.scheme() == link.url.scheme() {
                        link.template.redirect(&mut request, &url);
                    } else {
                        let link = self.secure_link(&url)?;
                        link.template.replace_head(&mut request);
                        secure = Some(link);
                    }
                    moved = Some(url);
                }
                Err(unfollowed) => {
                    response.unfollowed = Some(unfollowed);
                    return Ok(response);
                }
            }
        }
    }

    /// Sends a call whose arguments are encoded, and returns the result that `read` decodes, with
    /// the reply document.
    pub(super) async fn send_for<R>(
        &self,
        call: Call<XmlRpc>,
        read: impl FnOnce(&mut De<'_>) -> Result<R, FormatError>,
    ) -> Result<(R, Payload), CallError> {
        let params = if call.params.is_whole() {
            Cow::Borrowed(call.params.as_slice())
        } else {
            // A relayed call: the rest of its document belongs to the request that it came with.
            Cow::Owned(
                call.format
                    .params_of(&call.params)
                    .map_err(CallError::Encode)?,
            )
        };
        let request = self.request(call.method(), params.len(), |document| {
            document.extend_from_slice(&params);
            Ok(())
        })?;
        let (format, deadline) = (call.format, call.context.deadline());
        // The parameters were copied into the request.
        drop(params);
        drop(call);
        let response = self.exchange(request, deadline).await?;
        reply(response, self.options.max_body, format, &self.secrets, read)
    }

    /// Returns the link to the `https` server of a redirect, for one call: a client that is used
    /// for long is better created for that URL.
    fn secure_link(&self, url: &HttpUrl) -> Result<Link<T>, CallError> {
        let link = || {
            let target = Target::of(url.clone(), self.authorization.clone())?;
            let transport = self.transport.ok_or(InvalidUrl::NoTls)?;
            let (link, ..) = Link::new(&target, &self.options, Duration::ZERO, transport)?;
            Ok(link)
        };
        link().map_err(|error: InvalidUrl| CallError::NotSent(error.into()))
    }
}

/// Shows a client: the URL without secrets, and the limits.
impl<T: Transport> fmt::Debug for Endpoint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.shown)
            .field("timeout", &self.options.timeout)
            .field("connect_timeout", &self.options.connect_timeout)
            .field("max_body", &self.options.max_body)
            .field("redirects", &self.options.redirects)
            .field("cookies", &self.cookies.is_some())
            .field("format", &self.options.format)
            .finish_non_exhaustive()
    }
}

impl<T: Transport> Caller for Endpoint<T> {
    type Format = XmlRpc;

    fn format(&self) -> XmlRpc {
        self.options.format
    }

    async fn send(&self, call: Call<XmlRpc>) -> Result<Payload, CallError> {
        let ((), document) = self.send_for(call, |_| Ok(())).await?;
        Ok(document)
    }

    /// Like the default implementation, but encodes the arguments into the request and reads the
    /// reply only once.
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let format = self.options.format;
        let request = self.request(context.method(), PARAMS, |document| {
            format.encode_args(&args, document)
        });
        let deadline = context.deadline();
        async move {
            let response = self.exchange(request?, deadline).await?;
            let (result, _) = reply(
                response,
                self.options.max_body,
                format,
                &self.secrets,
                reply_result,
            )?;
            Ok(result)
        }
    }
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

        fn write_last(&mut self, _: &[u8]) {}
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
        let endpoint = Endpoint::at("http://localhost", options, Connector::default()).unwrap();
        let error = endpoint.call_in::<i64>(Context::new("f"), ()).await;
        assert!(matches!(error, Err(CallError::NotSent(_))), "{error:?}");
    }
}
