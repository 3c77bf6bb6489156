//! One call as one HTTP request and its answer.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderValue,
    PROXY_AUTHORIZATION, USER_AGENT,
};
use http::{Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use rpc_core::{CallError, Fault, FaultKind, Payload};
use tokio::runtime::Handle;
use url::Url;

use super::connection::{Body, Connection};
use super::connector::Connector;
use super::cookies::Cookies;
use super::error::{HttpError, Problem};
use super::options::ClientOptions;
use super::pool::Pool;
use super::proxy::Proxy;
use super::url::Target;
use crate::XmlRpc;
use crate::body::{self, Broken};
use crate::coding::{Coding, Undecodable, charset, gzip};
use crate::document::reply_fault;
use crate::xml::encoding::decode_document;

/// The HTTP client of one URL.
pub(super) struct Http {
    connector: Connector,
    pool: Pool,
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
        if let Some(host) = host(&target.uri)
            && !headers.contains_key(HOST)
        {
            headers.insert(HOST, host);
        }
        let uri = match (proxy, target.uri.path_and_query()) {
            // Servers want only what follows the host; proxies all.
            (None, Some(path)) => Uri::from(path.clone()),
            _ => target.uri,
        };
        Self {
            connector,
            pool: Pool::new(options.idle_timeout),
            uri,
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
        let request = self.request(document);
        let is_sent = AtomicBool::new(false);
        // It is large, and would be moved along with every future that it is part of.
        let exchange = Box::pin(self.exchange_over_any(request, format, &is_sent));
        within(limit, exchange).await.unwrap_or_else(|| {
            let after = start.elapsed();
            let error = Box::new(timed_out(format!("no answer within {after:.3?}")));
            Err(if is_sent.into_inner() {
                CallError::Lost(error)
            } else {
                CallError::NotSent(error)
            })
        })
    }

    /// Makes the exchange over a connection that is kept, or a new one, and tells whether anything may have
    /// been sent, should the time be over before.
    async fn exchange_over_any(
        &self,
        mut request: Request<Body>,
        format: XmlRpc,
        is_sent: &AtomicBool,
    ) -> Result<Payload, CallError> {
        loop {
            let kept = self.pool.take().await;
            let is_new = kept.is_none();
            let mut connection = match kept {
                Some(connection) => connection,
                None => Box::pin(self.connect()).await?,
            };
            is_sent.store(true, Ordering::Relaxed);
            let mut error = match connection.send(request).await {
                Ok(response) => return self.finish(connection, response, format).await,
                Err(error) => error,
            };
            // hyper gives a request back only where no byte of it was written: it turned out that the
            // connection is closed. One that breaks at any later time ends as `CallError::Lost`.
            let unsent = error.take_message();
            let error = Box::new(error.into_error());
            request = match unsent {
                Some(unsent) if !is_new => unsent,
                Some(_) => return Err(CallError::NotSent(error)),
                None => return Err(CallError::Lost(error)),
            };
            is_sent.store(false, Ordering::Relaxed);
        }
    }

    async fn connect(&self) -> Result<Connection, CallError> {
        let connected = self.connector.connect().await;
        let io = connected.map_err(|error| CallError::NotSent(Box::new(error)))?;
        let connection = Connection::new(io).await;
        connection.map_err(|error| CallError::NotSent(Box::new(error)))
    }

    /// Reads a response, and keeps its connection if it is good for another call.
    async fn finish(
        &self,
        mut connection: Connection,
        response: Response<Incoming>,
        format: XmlRpc,
    ) -> Result<Payload, CallError> {
        let reply = connection.drive(self.read(response, format)).await;
        self.pool.put(connection);
        reply
    }

    fn request(&self, document: Vec<u8>) -> Request<Body> {
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
        let mut request = Request::new(Body::new(document));
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
                    Ok(Some(fault)) => return Err(CallError::Fault(named(head.status, fault))),
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

/// The fault, with the kind that the status tells. The code alone does not say that a server has too much to do, and the
/// status alone may be that of a proxy, which knows less.
fn named(status: StatusCode, fault: Fault) -> Fault {
    let overloaded = FaultKind::Overloaded;
    match status == StatusCode::SERVICE_UNAVAILABLE && fault.code() == overloaded.code() {
        true => Fault::of(overloaded, fault.message()),
        false => fault,
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

/// The `Host` header for a URI.
fn host(uri: &Uri) -> Option<HeaderValue> {
    let host = uri.host()?;
    let value = match uri.port_u16() {
        None | Some(80) => HeaderValue::from_str(host),
        Some(port) => HeaderValue::from_str(&format!("{host}:{port}")),
    };
    // The host of a URI has no characters that a header cannot have.
    value.ok()
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
