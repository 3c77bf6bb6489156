//! The client of one server, whose documents are of any protocol.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use farcall_core::protocol::observe::ClientSpan;
use farcall_core::{CallError, Context, FormatError};
use http::{HeaderValue, StatusCode};

use super::cookies::Cookies;
use super::error::{HttpError, Problem};
use super::kind::DocumentKind;
use super::link::{Link, earlier};
use super::options::ClientOptions;
use super::pool::Transport;
use super::redirect;
use super::request::Request;
use super::response::{Headers, Response};
use super::scgi::Wire;
use super::secrets::Secrets;
use super::transport::Destination;
use super::url::{HttpUrl, InvalidUrl, Target};
use crate::coding::{Broken, Coding, Undecodable};

/// A client of one server: its connections, settings and secrets, and the format `F` of calls. The
/// async and the blocking client of each protocol share one.
pub struct HttpClient<T: Transport, F> {
    kind: DocumentKind,
    link: Link<T>,
    /// Creates the transport to the server of a redirect, unless the program has provided the
    /// transport.
    transport: Option<fn(Destination) -> T>,
    options: ClientOptions<F>,
    /// The `Authorization` header made from the URL.
    authorization: Option<HeaderValue>,
    /// Texts that errors must not show.
    secrets: Arc<Secrets>,
    cookies: Option<Arc<Cookies>>,
    /// The URL without secrets.
    shown: String,
}

/// The reason why a document holds no result.
#[derive(Debug)]
pub enum Unread {
    /// The call failed: the document reports it, or does not match the type of the result.
    Failed(CallError),
    /// The document is not a reply. It is returned for an excerpt in the error; the error of
    /// reading it counts if the status of the response is one of success.
    NotAReply(Bytes, Option<FormatError>),
}

impl<T: Transport, F> HttpClient<T, F> {
    /// Creates a client that connects to the server at `url`, or to its proxy.
    ///
    /// # Errors
    /// If the URL is malformed or has another scheme, or if the proxy set in the environment cannot
    /// be used.
    pub fn new(
        url: &str,
        kind: DocumentKind,
        options: ClientOptions<F>,
        transport: fn(Destination) -> T,
    ) -> Result<Self, InvalidUrl> {
        let target = Target::parse(url, kind.path)?;
        let link = Link::new(&target, kind, &options, options.idle_timeout, transport)?;
        let transport = target.socket.is_none().then_some(transport);
        Ok(Self::over(link, kind, transport, &target, options))
    }

    /// Creates a client of the server at `url` that connects by `transport`, whatever the host.
    ///
    /// # Errors
    /// If the URL is malformed or has another scheme.
    pub fn at(
        url: &str,
        kind: DocumentKind,
        options: ClientOptions<F>,
        transport: T,
    ) -> Result<Self, InvalidUrl> {
        let target = Target::parse(url, kind.path)?;
        let link = Link::at(&target, kind, &options, transport)?;
        Ok(Self::over(link, kind, None, &target, options))
    }

    fn over(
        (link, cookie, secrets): (Link<T>, Option<HeaderValue>, Secrets),
        kind: DocumentKind,
        transport: Option<fn(Destination) -> T>,
        target: &Target,
        options: ClientOptions<F>,
    ) -> Self {
        // SCGI has no cookies, and a redirect would be to a server of HTTP.
        let is_http = target.wire == Wire::Http;
        let cookies = Cookies::new(options.cookies && is_http, cookie).map(Arc::new);
        Self {
            kind,
            link,
            transport,
            options,
            authorization: target.authorization.clone(),
            secrets: Arc::new(secrets.with_cookies(cookies.clone())),
            cookies,
            shown: target.to_string(),
        }
    }

    /// The format of calls.
    pub const fn format(&self) -> &F {
        &self.options.format
    }

    /// The texts that errors must not show.
    pub const fn secrets(&self) -> &Arc<Secrets> {
        &self.secrets
    }

    /// Builds a request with the document that `write` appends, of about `size` bytes, and with the
    /// headers of a call.
    ///
    /// # Errors
    /// [`CallError::Encode`] with the error of `write`.
    pub fn request(
        &self,
        context: &Context,
        size: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
    ) -> Result<Request, CallError> {
        let (mut span, context) = match self.kind.system {
            Some(system) => ClientSpan::begin(system, context),
            None => (ClientSpan::default(), Cow::Borrowed(context)),
        };
        let headers = context.headers_to_send();
        let request = self.link.template.request(headers.as_ref(), size, write);
        let mut request = request.map_err(CallError::Encode);
        match &mut request {
            Ok(request) => request.span = span,
            Err(_) => span.finish(&request),
        }
        request
    }

    /// Sends a request, follows redirects, and waits for the response.
    ///
    /// # Errors
    /// [`CallError::NotSent`] and [`CallError::Lost`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the server may have received the request.
    pub async fn exchange(
        &self,
        mut request: Request,
        deadline: Option<Instant>,
    ) -> Result<Response, CallError> {
        let mut span = std::mem::take(&mut request.span);
        let mut result = self.exchange_all(request, deadline).await;
        match &mut result {
            Ok(response) => response.span = span,
            Err(_) => span.finish(&result),
        }
        result
    }

    async fn exchange_all(
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

    /// Reads the document of a response by `read`, which is given the status, the content type and
    /// the body without its content coding.
    ///
    /// # Errors
    /// That of `read`, and otherwise the reason why the response holds no document.
    pub fn read<R>(
        &self,
        mut response: Response,
        read: impl FnOnce(StatusCode, Option<&HeaderValue>, Bytes) -> Result<R, Unread>,
    ) -> Result<R, CallError> {
        let mut span = std::mem::take(&mut response.span);
        let result = self.read_document(response, read);
        span.finish(&result);
        result
    }

    fn read_document<R>(
        &self,
        response: Response,
        read: impl FnOnce(StatusCode, Option<&HeaderValue>, Bytes) -> Result<R, Unread>,
    ) -> Result<R, CallError> {
        let Response {
            status,
            headers,
            mut body,
            broken,
            unfollowed,
            ..
        } = response;
        let max_body = self.options.max_body;
        let problem = match broken {
            None => match decode(&mut body, &headers, max_body) {
                Ok(()) => match read(status, headers.content_type.as_ref(), body) {
                    Ok(result) => return Ok(result),
                    Err(Unread::Failed(error)) => return Err(error),
                    Err(Unread::NotAReply(document, error)) => {
                        body = document;
                        // An error response is not expected to hold a reply: its status is the
                        // problem.
                        match error {
                            Some(error) if status.is_success() => Problem::NotAReply(error),
                            _ => Problem::Status,
                        }
                    }
                },
                Err(problem) => problem,
            },
            Some(Broken::TooLarge) => Problem::TooLarge(max_body),
            Some(Broken::Disconnected(error)) if status.is_success() => {
                return Err(CallError::Lost(error));
            }
            Some(Broken::Disconnected(_)) => Problem::Status,
        };
        let error = HttpError::new(self.kind, status, &headers, &body, problem, &self.secrets);
        Err(error.unfollowed(unfollowed).into_call_error())
    }

    /// Returns the link to the `https` server of a redirect, for one call: a client that is used
    /// for long is better created for that URL.
    fn secure_link(&self, url: &HttpUrl) -> Result<Link<T>, CallError> {
        let link = || {
            let target = Target::of(url.clone(), self.authorization.clone())?;
            let transport = self.transport.ok_or(InvalidUrl::NoTls)?;
            let (link, ..) =
                Link::new(&target, self.kind, &self.options, Duration::ZERO, transport)?;
            Ok(link)
        };
        link().map_err(|error: InvalidUrl| CallError::NotSent(error.into()))
    }
}

/// Shows a client: the URL without secrets, and the limits.
impl<T: Transport, F: fmt::Debug> fmt::Debug for HttpClient<T, F> {
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

/// Decompresses a body.
fn decode(body: &mut Bytes, headers: &Headers, limit: usize) -> Result<(), Problem> {
    if body.is_empty() {
        return Err(Problem::Empty);
    }
    let coding = Coding::of(&headers.content_encoding).map_err(Problem::ContentEncoding)?;
    coding.decode(body, limit).map_err(|error| match error {
        Undecodable::TooLarge => Problem::TooLarge(limit),
        Undecodable::Damaged(error) => Problem::Inflate(error),
    })
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::sync::atomic::{AtomicUsize, Ordering};

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
        let options = ClientOptions::<()>::default();
        let kind = DocumentKind {
            system: Some("test"),
            response: "a response",
            content_type: "text/plain",
            path: "/",
        };
        let client = HttpClient::at("http://localhost", kind, options, Connector::default());
        let client = client.unwrap();
        let context = Context::new("nothing");
        let request = client.request(&context, 0, |_| Ok(())).unwrap();
        let error = client.exchange(request, None).await.err();
        assert!(matches!(error, Some(CallError::NotSent(_))), "{error:?}");
    }
}
