//! Clients: calls to the instances of a service.

use std::borrow::Cow;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use async_nats::{HeaderMap, HeaderValue, Message, StatusCode, Subject};
use farcall_core::protocol::observe::ClientSpan;
use farcall_core::protocol::output::Foreign;
use farcall_core::protocol::time::LONGEST;
use farcall_core::protocol::{Args, Call, Format as _, Payload};
use farcall_core::{CallError, Caller, Context, Fault, FaultKind, FormatError, FormatErrorKind};
use farcall_http::client::Secrets;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use super::connection::Connection;
use super::content_type::ContentType;
use super::error::{InvalidName, check_name};
use super::headers;
use super::inbox::{ConnectionLost, Place};
use super::subject;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Settings of a [`Client`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to a client"]
pub struct ClientOptions {
    format: ContentType,
    timeout: Option<Duration>,
    max_reply: usize,
    headers: Vec<(String, String)>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            format: ContentType::Json,
            timeout: Some(Duration::from_secs(60)),
            max_reply: usize::MAX,
            headers: Vec::new(),
        }
    }
}

impl ClientOptions {
    /// Format of arguments and results.
    ///
    /// Default: JSON, which all services understand.
    pub const fn format(mut self, format: ContentType) -> Self {
        self.format = format;
        self
    }

    /// Default timeout of calls, for calls without a
    /// [deadline](farcall_core::Context::with_deadline) of their own. With `None` a call waits
    /// until it is dropped or the connection breaks, even if its answer was lost.
    ///
    /// Default: 60 seconds, as with the other protocols.
    pub const fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Maximum size of a result in bytes. The error of a longer one says that the call ran.
    ///
    /// Default: what the NATS server accepts as a message (`max_payload`), 1 MB unless it is set.
    pub const fn max_reply(mut self, max_reply: usize) -> Self {
        self.max_reply = max_reply;
        self
    }

    /// Header of each call, such as a token. A call whose headers NATS does not permit is not sent:
    /// control characters, line breaks, or `:` in the name. Headers of the protocol itself
    /// (`Content-Type`, `Farcall-Timeout` …) keep their values.
    ///
    /// Default: none.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Client of a service over NATS: a [`Server`](super::Server) of Farcall, or any micro service
/// (ADR-32) whose endpoints have the subjects `SERVICE.METHOD`.
///
/// It calls any instance, or a certain one. It is a [`Caller`], so that the methods of every
/// `#[client]` trait are available on it. Clones and all clients of one [`Connection`] share it.
///
/// | seen | [`execution`](CallError::execution) |
/// |---|---|
/// | no connection, too large, not passed on in time | `Never` |
/// | no instance subscribes to the method ([`NoResponders`]) | `Never` |
/// | a fault of Farcall that refuses the call | `Never` |
/// | any other fault, a timeout, a connection that breaks meanwhile | `Maybe` |
/// | an answer that is not of the requested type | `Completed` |
///
/// Dropping the future of a call cancels the call at a service of Farcall.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use farcall::cluster::nats::{Client, ClientOptions, Connection, ContentType};
/// use farcall::{CallError, client};
///
/// #[client]
/// trait CalculatorApi {
///     async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection::open("nats://127.0.0.1:4222").await?;
/// let options = ClientOptions::default()
///     .format(ContentType::Bincode)
///     .timeout(Some(Duration::from_secs(2)));
/// let calculator = Client::with_options(&connection, "calculator", options)?;
/// assert_eq!(calculator.add(3, 5).await?, 8);
/// let same = calculator.to_instance("node7")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    connection: Connection,
    service: String,
    instance: Option<String>,
    options: ClientOptions,
    /// Those of the connection, and the headers of the options.
    secrets: Arc<Secrets>,
}

/// No instance of the service subscribes to the method, so the call went to nobody.
///
/// In a cluster, a new subscription takes a moment to be known to all servers.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("nobody answers at the subject {subject} (no responders)")]
pub struct NoResponders {
    /// The subject of the call.
    subject: String,
}

farcall_core::debug_errors!(NoResponders);

/// The time for a call was over before it could be passed on.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline of the call passed before it was sent")]
pub(super) struct TooLate;

farcall_core::debug_errors!(TooLate);

/// The connection broke before the call was passed on, or meanwhile.
fn lost(error: Option<ConnectionLost>) -> BoxError {
    error.unwrap_or(ConnectionLost).into()
}

impl Client {
    /// Returns a client of any instance of a service, with the default options.
    ///
    /// # Errors
    /// If the name is not one of a service.
    pub fn new(connection: &Connection, service: &str) -> Result<Self, InvalidName> {
        Self::with_options(connection, service, ClientOptions::default())
    }

    /// Returns a client of any instance of a service.
    ///
    /// # Errors
    /// If the name is not one of a service.
    pub fn with_options(
        connection: &Connection,
        service: &str,
        options: ClientOptions,
    ) -> Result<Self, InvalidName> {
        check_name(service)?;
        let mut secrets = Arc::clone(connection.secrets());
        for (_, value) in &options.headers {
            secrets = Arc::new((*secrets).clone().and(value));
        }
        Ok(Self {
            connection: connection.clone(),
            service: service.to_owned(),
            instance: None,
            options,
            secrets,
        })
    }

    /// Returns a client of a certain instance of the same service, which must be one of Farcall:
    /// ADR-32 has no subjects for instances.
    ///
    /// # Errors
    /// If the id is not one.
    pub fn to_instance(&self, id: &str) -> Result<Self, InvalidName> {
        check_name(id)?;
        Ok(Self {
            instance: Some(id.to_owned()),
            ..self.clone()
        })
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The id of the instance that is called, unless it is any.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// The URL for the command `farcall`: `nats://HOST:PORT/SERVICE`, with `/ID` behind it for a
    /// certain instance.
    #[must_use]
    pub fn url(&self) -> String {
        self.connection.url(&self.service, self.instance())
    }

    /// The connection that the calls are made over.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    fn subject(&self, method: &str) -> Subject {
        match &self.instance {
            None => subject::any(&self.service, method).into(),
            Some(id) => (subject::one(&self.service, id) + &subject::escaped(method)).into(),
        }
    }

    fn deadline(&self, context: &Context) -> Option<Instant> {
        let deadline = context.deadline().map(Instant::from_std);
        match self.options.timeout {
            Some(timeout) if !context.has_own_deadline() => {
                let default = Instant::now() + timeout.min(LONGEST);
                Some(deadline.map_or(default, |inherited| inherited.min(default)))
            }
            _ => deadline,
        }
    }

    /// Returns the headers of a call, unless one is not permitted, or the deadline has passed.
    pub(super) fn headers(
        &self,
        context: &Context,
        format: ContentType,
        deadline: Option<Instant>,
    ) -> Result<HeaderMap, BoxError> {
        let mut map = HeaderMap::new();
        for (name, value) in &self.options.headers {
            if let Some((name, value)) = headers::of_program(name, value.as_bytes())? {
                map.append(name, value);
            }
        }
        for (name, value) in context.headers_to_send().iter().flatten() {
            let found = headers::of_program(name.as_str(), value.as_bytes())?;
            if let Some((name, value)) = found {
                map.insert(name, value);
            }
        }
        headers::set(&mut map, headers::CONTENT_TYPE, format.name());
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(TooLate.into());
            }
            map.insert(headers::TIMEOUT, HeaderValue::from(headers::micros(left)));
            headers::set(&mut map, headers::CLOCK, &self.connection.clock());
        }
        if context.is_idempotent() {
            headers::set(&mut map, headers::IDEMPOTENT, "1");
        }
        Ok(map)
    }

    async fn make(&self, mut call: Call<ContentType>) -> Result<Payload, CallError> {
        let (mut span, context) = ClientSpan::begin(ContentType::SYSTEM, &call.context);
        if let Cow::Owned(context) = context {
            call.context = context;
        }
        let result = self.exchange(call).await;
        span.finish(&result);
        result
    }

    async fn exchange(&self, call: Call<ContentType>) -> Result<Payload, CallError> {
        let Call {
            params,
            format,
            context,
        } = call;
        let subject = self.subject(context.method());
        let deadline = self.deadline(&context);
        let not_sent = |error: BoxError| CallError::NotSent(error);
        let headers = self.headers(&context, format, deadline);
        let headers = headers.map_err(not_sent)?;
        let body = params.into_bytes();
        let link = self.connection.link();
        if context.is_one_way() {
            let publish = link.publish(subject, None, Some(headers), body);
            return match before(deadline, publish).await {
                Some(Ok(())) => Ok(Payload::copied(format.nothing(true))),
                Some(Err(error)) => Err(not_sent(error.into())),
                None => Err(not_sent(TooLate.into())),
            };
        }

        // The place is taken before the connection is looked at, so that a break in between fails
        // the call.
        let (place, mut answer) = link.inbox().call(link.generation());
        let reply = place.subject().clone();
        let publish = link.publish(subject.clone(), Some(reply), Some(headers), body);
        tokio::select! {
            biased;
            // async-nats would send the call over its next connection.
            lost_before = &mut answer => {
                let error = lost_before.ok().and_then(Result::err);
                return Err(not_sent(lost(error)));
            }
            sent = before(deadline, publish) => match sent {
                Some(Ok(())) => {}
                Some(Err(error)) => return Err(not_sent(error.into())),
                None => return Err(not_sent(TooLate.into())),
            }
        }
        let cancel = CancelOnDrop {
            client: self,
            place: Some(place),
        };
        let answer = before(deadline, answer).await;
        match answer {
            None => Err(CallError::Fault(Fault::of(
                FaultKind::DeadlineExceeded,
                "the deadline of the call passed before its reply arrived",
            ))),
            Some(answer) => {
                cancel.forget();
                let answer = answer.map_err(|_| lost(None));
                let answer = answer.and_then(|answer| answer.map_err(|error| lost(Some(error))));
                self.reply_of(answer.map_err(CallError::Lost)?, format, &subject)
            }
        }
    }

    /// Returns the result in an answer.
    pub(super) fn reply_of(
        &self,
        message: Message,
        format: ContentType,
        subject: &Subject,
    ) -> Result<Payload, CallError> {
        match message.status {
            None => {}
            Some(StatusCode::NO_RESPONDERS) => {
                let subject = subject.to_string();
                return Err(CallError::NotSent(NoResponders { subject }.into()));
            }
            Some(status) => {
                let error = format!("the NATS server answered with status {status}");
                return Err(CallError::NotAReply(error.into()));
            }
        }
        let found = message.headers.as_ref();
        if let Some(fault) = headers::fault(found, &message.payload) {
            return Err(CallError::Fault(self.secrets.redact_fault(&fault)));
        }
        let name = headers::get(found, headers::CONTENT_TYPE);
        if let Some(name) = name
            && ContentType::from_name(name).is_some_and(|found| found != format)
        {
            let name = self.secrets.redact(name);
            let name = Foreign::excerpt(&name);
            let error = format!("the result is in {name}, not in {format}");
            let error = FormatError::new(FormatErrorKind::Encoding, error);
            return Err(CallError::Decode(error));
        }
        let (length, max) = (message.payload.len(), self.options.max_reply);
        if length > max {
            let error = format!("the result has {length} bytes, more than the limit of {max}");
            let error = FormatError::new(FormatErrorKind::Limit, error);
            return Err(CallError::Decode(error));
        }
        Ok(format.payload(message.payload, true))
    }

    /// Decodes a result. The error hides the secrets of the client.
    pub(super) fn decode<R: DeserializeOwned>(
        &self,
        format: ContentType,
        result: &Payload,
    ) -> Result<R, CallError> {
        let decoded = format.decode_reply(result);
        decoded.map_err(|error| CallError::Decode(self.secrets.redact_error(error)))
    }
}

/// Returns the output of a future, or `None` if its deadline passes first.
async fn before<F: Future>(deadline: Option<Instant>, future: F) -> Option<F::Output> {
    let passed = async {
        match deadline {
            Some(deadline) => sleep_until(deadline).await,
            None => pending().await,
        }
    };
    tokio::select! {
        biased;
        output = future => Some(output),
        () = passed => None,
    }
}

/// Cancels a call at the service when its caller leaves.
struct CancelOnDrop<'c> {
    client: &'c Client,
    place: Option<Place>,
}

impl CancelOnDrop<'_> {
    /// Leaves the call alone: it is over.
    fn forget(mut self) {
        self.place = None;
    }
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        let Some(place) = &self.place else {
            return;
        };
        let subject = subject::cancel(&self.client.service).into();
        let call = bytes::Bytes::copy_from_slice(place.subject().as_bytes());
        self.client.connection.try_publish(subject, None, call);
    }
}

impl Caller for Client {
    type Format = ContentType;

    fn format(&self) -> ContentType {
        self.options.format
    }

    fn send(
        &self,
        call: Call<ContentType>,
    ) -> impl Future<Output = Result<Payload, CallError>> + Send {
        self.make(call)
    }

    /// Encodes the arguments immediately.
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let format = self.options.format;
        let call = format.params(&args).map(|params| Call {
            params,
            format,
            context,
        });
        async move {
            let result = self.make(call.map_err(CallError::Encode)?).await?;
            self.decode(format, &result)
        }
    }
}

impl Service<Call<ContentType>> for Client {
    type Response = Payload;
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<Payload, CallError>> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call<ContentType>) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.make(call).await })
    }
}
