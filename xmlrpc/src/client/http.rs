//! One call as one HTTP request and its answer.

use std::error::Error;
use std::future::Future;
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue,
    PROXY_AUTHORIZATION, USER_AGENT,
};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::client::legacy::{Client as Pool, Error as PoolError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rpc_core::{CallError, Payload};
use tokio::runtime::Handle;
use url::Url;

use super::connector::Connector;
use super::cookies::Cookies;
use super::error::{ConnectError, HttpError, Problem};
use super::options::ClientOptions;
use super::proxy::Proxy;
use super::url::Target;
use crate::XmlRpc;
use crate::body::{self, Broken};
use crate::coding::{Coding, Undecodable, charset, gzip};
use crate::document::reply_fault;
use crate::xml::encoding::decode_document;

/// Connections kept for later calls. Enough for what one program calls at the same time; a burst
/// opens more and closes them again.
const MAX_IDLE: usize = 32;

/// The HTTP client of one URL.
pub(super) struct Http {
    pool: Pool<Connector, Full<Bytes>>,
    uri: Uri,
    headers: HeaderMap,
    cookies: Option<(Url, Cookies)>,
    timeout: Option<Duration>,
    max_body: usize,
    gzip_over: Option<usize>,
}

impl Http {
    pub(super) fn new(
        connector: Connector,
        target: Target,
        proxy: Option<&Proxy>,
        options: &ClientOptions,
    ) -> Self {
        let idle = options.idle_timeout;
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(idle)
            .pool_max_idle_per_host(if idle.is_zero() { 0 } else { MAX_IDLE })
            // Some old servers compare names of headers letter by letter.
            .http1_title_case_headers(true)
            // Sends a call again if its pooled connection turned out to be closed. That is safe:
            // hyper gives a request back (`TrySendError::take_message`) only where the connection's
            // task had not taken it from its queue, so that no byte of it was written, and the pool
            // tries again only what was given back by a connection that was used before. One that
            // breaks at any later time ends as `CallError::Lost`.
            .retry_canceled_requests(true)
            .build(connector);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let agent = concat!("farcall/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        if let Some(authorization) = target.authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        if let Some(authorization) = proxy.and_then(|proxy| proxy.authorization.clone()) {
            headers.insert(PROXY_AUTHORIZATION, authorization);
        }
        for (name, value) in &options.headers {
            headers.insert(name, value.clone());
        }
        Self {
            pool,
            uri: target.uri,
            headers,
            cookies: options.cookies.then(|| (target.url, Cookies::default())),
            timeout: options.timeout,
            max_body: options.max_body,
            gzip_over: options.gzip_over,
        }
    }

    /// Sends a document, and waits for the one that answers it.
    pub(super) async fn exchange(
        &self,
        document: Vec<u8>,
        format: XmlRpc,
        deadline: Option<Instant>,
    ) -> Result<Payload, CallError> {
        if Handle::try_current().is_err() {
            let error = "there is no tokio runtime here: use `xmlrpc::blocking::Client`";
            return Err(CallError::NotSent(error.into()));
        }
        let start = Instant::now();
        let limit = self.timeout.and_then(|timeout| start.checked_add(timeout));
        let limit = match (limit, deadline) {
            (Some(limit), Some(deadline)) => Some(limit.min(deadline)),
            (limit, deadline) => limit.or(deadline),
        };
        if limit.is_some_and(|limit| limit <= start) {
            let error = timed_out("the deadline had passed".to_owned());
            return Err(CallError::NotSent(Box::new(error)));
        }
        let mut request = self.request(document);
        let connection = capture_connection(&mut request);
        let exchange = async {
            // A runtime of one thread that did something else since the last call, or slept, has
            // not looked at its sockets. This pause makes it, for a microsecond: a connection that
            // the server has closed meanwhile is then replaced instead of losing the call.
            tokio::task::yield_now().await;
            match self.pool.request(request).await {
                Ok(response) => self.read(response, format).await,
                Err(error) => Err(failed(error, &connection)),
            }
        };
        within(limit, exchange).await.unwrap_or_else(|| {
            let after = start.elapsed();
            let error = Box::new(timed_out(format!("no answer within {after:.3?}")));
            Err(if is_unsent(&connection) {
                CallError::NotSent(error)
            } else {
                CallError::Lost(error)
            })
        })
    }

    fn request(&self, document: Vec<u8>) -> Request<Full<Bytes>> {
        let mut headers = self.headers.clone();
        if let Some((url, cookies)) = &self.cookies {
            cookies.add(url, &mut headers);
        }
        let document = match self.gzip_over {
            Some(size) if document.len() > size => {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                gzip(&document)
            }
            _ => document.into(),
        };
        // The body's length is known, so hyper states it and never sends chunks.
        let mut request = Request::new(Full::new(document));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }

    async fn read(
        &self,
        response: Response<Incoming>,
        format: XmlRpc,
    ) -> Result<Payload, CallError> {
        let (head, body) = response.into_parts();
        if let Some((url, cookies)) = &self.cookies {
            cookies.keep(url, &head.headers);
        }
        let (body, broken) = body::collect(body, self.max_body).await;
        let (body, problem) = match broken {
            None => match decode(body.clone(), &head.headers, self.max_body) {
                Ok(document) => match reply_fault(&document, format) {
                    Ok(Some(fault)) => return Err(CallError::Fault(fault)),
                    Ok(None) if head.status.is_success() => return Ok(document),
                    Ok(None) => (document.into_bytes(), Problem::Status),
                    Err(error) => (document.into_bytes(), Problem::NotAReply(error)),
                },
                Err(problem) => (body, problem),
            },
            Some(Broken::TooLarge) => (body, Problem::TooLarge(self.max_body)),
            Some(Broken::Disconnected(error)) if head.status.is_success() => {
                return Err(CallError::Lost(Box::new(error)));
            }
            Some(Broken::Disconnected(_)) => (body, Problem::Status),
        };
        // Nobody expects a reply in an answer that says it is an error.
        let problem = match problem {
            Problem::NotAReply(_) if !head.status.is_success() => Problem::Status,
            problem => problem,
        };
        Err(HttpError::new(head.status, &head.headers, &body, problem).into_call_error())
    }
}

/// What `future` gives, or nothing if that takes until after the deadline.
async fn within<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), future).await.ok(),
        None => Some(future.await),
    }
}

fn timed_out(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, message)
}

/// Whether no connection was found for a request yet, so that no byte of it was sent.
fn is_unsent(connection: &CaptureConnection) -> bool {
    connection.connection_metadata().is_none()
}

/// What an error of the pool tells about the call.
fn failed(error: PoolError, connection: &CaptureConnection) -> CallError {
    if let Some(error) = find::<ConnectError>(&error) {
        return CallError::NotSent(Box::new(error.clone()));
    }
    // hyper calls a request canceled where it gives it back: see `retry_canceled_requests` above.
    let canceled = find::<hyper::Error>(&error).is_some_and(hyper::Error::is_canceled);
    if canceled || error.is_connect() || is_unsent(connection) {
        CallError::NotSent(Box::new(error))
    } else {
        CallError::Lost(Box::new(error))
    }
}

/// The first error of type `E` in the chain of causes.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// From a body to a document in UTF-8.
fn decode(body: Bytes, headers: &HeaderMap, limit: usize) -> Result<Payload, Problem> {
    if body.is_empty() {
        return Err(Problem::Empty);
    }
    let coding = Coding::of(headers).map_err(Problem::ContentEncoding)?;
    let body = coding.decode(body, limit).map_err(|error| match error {
        Undecodable::TooLarge => Problem::TooLarge(limit),
        Undecodable::Damaged(error) => Problem::Inflate(error),
    })?;
    let document = decode_document(body, charset(headers)).map_err(Problem::NotAReply)?;
    Ok(document.into())
}
