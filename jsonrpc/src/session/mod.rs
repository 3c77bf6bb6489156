//! Sessions: the calls of one connection, in both directions.
//!
//! A session is the same over a framed byte stream and over a WebSocket. Its driver reads messages,
//! runs their calls concurrently, and completes the calls that the local side has made.

mod answer;
mod answering;
mod answers;
mod driver;
mod ending;
mod pending;
mod streams;
mod subscription;

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use bytes::Bytes;
use farcall_core::protocol::observe::ClientSpan;
use farcall_core::protocol::{Args, Call, Format as _, Name, Payload};
use farcall_core::{Budget, CallError, Caller, Context, FormatError, Json};
use farcall_http::client::Secrets;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use self::answer::write_request;
use self::answers::Answers;
use self::pending::{ItemSender, Pending, PendingCall};
use self::streams::Streams;
use crate::message::{MessageHold, SessionAccount};

pub(crate) use self::answering::Answering;
pub(crate) use self::driver::{Driver, Offer};
pub(crate) use self::streams::CallStreams;
pub(crate) use self::subscription::unsubscribe_name;
pub use self::subscription::{Subscription, SubscriptionError};

/// Messages that wait to be written. A further one, such as an item of a subscription, waits.
const OUTBOX: usize = 16;

/// The calls of one connection, made by the local side.
///
/// A handler of a server [gets](Self::of) the session of its caller, to send notifications to it
/// or to call it, as language servers do. It is a [`Caller`]. Clones share one session.
///
/// Calls are matched with their answers by id. A call fails as
/// [`NotSent`](CallError::NotSent) if the session ended before it was written, and as
/// [`Lost`](CallError::Lost) if it ended afterwards.
#[derive(Clone)]
pub struct Session(Arc<SessionState>, Option<Arc<KeptOpen>>);

/// Ends the session of a client when its last handle is dropped: the receiver of the channel stops
/// the driver then.
struct KeptOpen {
    _sender: oneshot::Sender<()>,
}

/// The state that the driver of a session and its callers share.
pub(crate) struct SessionState {
    outbox: mpsc::Sender<Outgoing>,
    answers: Answers,
    pending: Pending,
    next_id: AtomicU64,
    format: Json,
    /// Items that a subscription may keep.
    window: usize,
    streams: Streams,
    account: Arc<SessionAccount>,
}

/// A message that waits to be written.
struct Outgoing {
    /// None for a ping.
    document: Option<Bytes>,
    /// Set once writing begins.
    sent: Option<Arc<AtomicBool>>,
    /// Dropped once it is written.
    hold: MessageHold,
}

impl Outgoing {
    /// Creates a message that the budget does not count, such as a call of the program itself.
    fn new(document: Option<Bytes>) -> Self {
        Self {
            document,
            sent: None,
            hold: MessageHold::default(),
        }
    }
}

/// The reason why a session ended.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the connection ended: {0}")]
pub struct SessionEnded(pub(crate) Arc<str>);

impl Session {
    /// Creates a session, and the messages that its driver writes.
    fn new(
        format: Json,
        window: usize,
        max_streams: usize,
        secrets: Arc<Secrets>,
        budget: Budget,
    ) -> (Self, mpsc::Receiver<Outgoing>) {
        let (outbox, receiver) = mpsc::channel(OUTBOX);
        let state = SessionState {
            outbox,
            answers: Answers::default(),
            pending: Pending::new(secrets),
            next_id: AtomicU64::new(1),
            format,
            window,
            streams: Streams::new(max_streams),
            account: Arc::new(SessionAccount::new(budget)),
        };
        (Self(Arc::new(state), None), receiver)
    }

    /// Returns a handle that keeps the session open, and a future that completes when the last of
    /// its clones is dropped.
    pub(crate) fn kept_open(self) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = oneshot::channel();
        let kept = KeptOpen { _sender: sender };
        let dropped = async {
            // Nothing is ever sent.
            let _ = receiver.await;
        };
        (Self(self.0, Some(Arc::new(kept))), dropped)
    }

    /// Returns the session of the call that a context is of, if it came over one and that still
    /// exists.
    ///
    /// ```
    /// use farcall::jsonrpc::Session;
    /// use farcall::{Caller as _, Context, Fault};
    ///
    /// async fn work(cx: Context) -> Result<bool, Fault> {
    ///     if let Some(client) = Session::of(&cx) {
    ///         client.notify("progress", (50,)).await?;
    ///     }
    ///     Ok(true)
    /// }
    /// # drop(work(Context::new("work")));
    /// ```
    #[must_use]
    pub fn of(context: &Context) -> Option<Self> {
        let state = context.session::<SessionState>()?;
        Some(Self(state, None))
    }

    /// Returns `true` once the session has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.0.outbox.is_closed()
    }

    fn weak(&self) -> Weak<dyn Any + Send + Sync> {
        let state: Arc<dyn Any + Send + Sync> = Arc::clone(&self.0) as _;
        Arc::downgrade(&state)
    }

    /// Makes a call that subscribes, and returns the items that follow. The method that ends the
    /// subscription has the name of this one with `unsubscribe` for `subscribe`, or else the name
    /// `unsubscribe`: see [`subscribe_as`](Self::subscribe_as) for others.
    ///
    /// # Errors
    /// Those of a call.
    ///
    /// # Cancel safety
    /// If the future is dropped, a subscription that the server has begun is ended.
    pub async fn subscribe<T: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Result<Subscription<T>, CallError> {
        let method = method.into();
        let unsubscribe = unsubscribe_name(&method);
        self.subscribe_as(method, args, unsubscribe).await
    }

    /// Makes a call that subscribes, and names the method that ends the subscription.
    ///
    /// # Errors
    /// Those of a call.
    ///
    /// # Cancel safety
    /// As with [`subscribe`](Self::subscribe).
    pub async fn subscribe_as<T: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
        unsubscribe: impl Into<Name>,
    ) -> Result<Subscription<T>, CallError> {
        let call = encoded(self.0.format, Context::new(method), &args)?;
        self.subscribe_encoded(&call, unsubscribe.into()).await
    }

    /// Makes a call that subscribes, whose arguments are already encoded.
    pub(crate) async fn subscribe_encoded<T>(
        &self,
        call: &Call<Json>,
        unsubscribe: Name,
    ) -> Result<Subscription<T>, CallError> {
        let (items, receiver) = ItemSender::channel(self.0.window, unsubscribe);
        let id = observed(&call.context, self.exchange(call, Some(items))).await?;
        let id = String::from_utf8_lossy(id.as_slice()).into_owned();
        Ok(Subscription::new(self.clone(), id, receiver))
    }

    /// Decodes a result, or an item of a subscription. The error hides the secrets of the client.
    pub(crate) fn decode<R: DeserializeOwned>(&self, result: &Payload) -> Result<R, FormatError> {
        let decoded = self.0.format.decode_reply(result);
        decoded.map_err(|error| self.0.pending.secrets().redact_error(error))
    }

    /// Sends a call, and waits for its answer.
    pub(crate) async fn exchange(
        &self,
        call: &Call<Json>,
        items: Option<ItemSender>,
    ) -> Result<Payload, CallError> {
        let context = &call.context;
        let params = call.params.as_slice();
        if context.is_one_way() {
            let document = write_request(context.method(), params, None);
            self.queue(document, None)
                .await
                .map(|()| Payload::copied(b"null"))
        } else {
            let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
            let document = write_request(context.method(), params, Some(id));
            let (mut guard, receiver) = self.register(id, items, Arc::default())?;
            let answer = async {
                self.queue(document, Some(Arc::clone(&guard.sent))).await?;
                receiver
                    .await
                    .unwrap_or_else(|_| Err(self.0.pending.failure(&guard.sent)))
            };
            let answer = within(context.deadline(), &guard.sent.clone(), answer).await;
            if answer.is_ok() {
                guard.disarm();
            }
            answer
        }
    }

    /// Sends several calls as one batch, and waits for their answers, in the order of the calls.
    ///
    /// # Errors
    /// If they cannot be sent. What becomes of each is in its result.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the calls; they may have run nevertheless.
    pub async fn send_batch(
        &self,
        calls: &[Call<Json>],
    ) -> Result<Vec<Result<Payload, CallError>>, CallError> {
        let observe = |call: &Call<Json>| ClientSpan::begin(Json::SYSTEM, &call.context).0;
        let mut spans: Vec<_> = calls.iter().map(observe).collect();
        let results = self.exchange_batch(calls).await;
        match &results {
            Ok(all) => {
                for (span, result) in spans.iter_mut().zip(all) {
                    span.finish(result);
                }
            }
            Err(_) => {
                for span in &mut spans {
                    span.finish(&results);
                }
            }
        }
        results
    }

    async fn exchange_batch(
        &self,
        calls: &[Call<Json>],
    ) -> Result<Vec<Result<Payload, CallError>>, CallError> {
        let sent = Arc::new(AtomicBool::new(false));
        let mut document = vec![b'['];
        let mut answers = Vec::with_capacity(calls.len());
        let mut deadline = None;
        for call in calls {
            if document.len() > 1 {
                document.push(b',');
            }
            let context = &call.context;
            deadline = deadline.max(context.deadline());
            let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
            let id = (!context.is_one_way()).then_some(id);
            document.extend_from_slice(&write_request(
                context.method(),
                call.params.as_slice(),
                id,
            ));
            answers.push(match id {
                Some(id) => Some(self.register(id, None, Arc::clone(&sent))?),
                None => None,
            });
        }
        document.push(b']');
        if answers.is_empty() {
            return Ok(Vec::new());
        }
        let queued = self.queue(document.into(), Some(Arc::clone(&sent)));
        let mut results = Vec::with_capacity(answers.len());
        within(deadline, &sent, queued).await?;
        for answer in answers {
            results.push(match answer {
                None => Ok(Payload::copied(b"null")),
                Some((mut guard, receiver)) => {
                    let received = async {
                        let lost = |_| Err(self.0.pending.failure(&sent));
                        receiver.await.unwrap_or_else(lost)
                    };
                    let answer = within(deadline, &sent, received).await;
                    guard.disarm();
                    answer
                }
            });
        }
        Ok(results)
    }

    fn register(
        &self,
        id: u64,
        items: Option<ItemSender>,
        sent: Arc<AtomicBool>,
    ) -> Result<(PendingGuard<'_>, AnswerReceiver), CallError> {
        let (reply, receiver) = oneshot::channel();
        let call = PendingCall {
            reply,
            sent: Arc::clone(&sent),
            items,
        };
        self.0.pending.add(id, call)?;
        let guard = PendingGuard {
            session: self,
            id: Some(id),
            sent,
        };
        Ok((guard, receiver))
    }

    async fn queue(&self, document: Bytes, sent: Option<Arc<AtomicBool>>) -> Result<(), CallError> {
        let outgoing = Outgoing {
            sent,
            ..Outgoing::new(Some(document))
        };
        let queued = self.0.outbox.send(outgoing).await;
        queued.map_err(|_| self.0.pending.not_sent())
    }

    /// Ends a subscription. Nobody waits for the answer.
    pub(crate) fn unsubscribe(&self, id: &str, method: &str) {
        self.0.pending.forget(id);
        let number = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let document = write_request(method, format!("[{id}]").as_bytes(), Some(number));
        let outgoing = Outgoing::new(Some(document));
        let Err(mpsc::error::TrySendError::Full(outgoing)) = self.0.outbox.try_send(outgoing)
        else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let outbox = self.0.outbox.clone();
            runtime.spawn(async move { outbox.send(outgoing).await });
        }
    }
}

type AnswerReceiver = oneshot::Receiver<Result<Payload, CallError>>;

/// Forgets a call whose caller no longer waits.
struct PendingGuard<'a> {
    session: &'a Session,
    id: Option<u64>,
    sent: Arc<AtomicBool>,
}

impl PendingGuard<'_> {
    fn disarm(&mut self) {
        if let Some(id) = self.id.take() {
            self.session.0.pending.remove(id);
        }
    }
}

impl Drop for PendingGuard<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id.take()
            && let Some(subscription) = self.session.0.pending.abandon(id)
        {
            self.session.unsubscribe(&subscription.0, &subscription.1);
        }
    }
}

/// Returns a call with these arguments.
pub(crate) fn encoded(
    format: Json,
    context: Context,
    args: &impl Args,
) -> Result<Call<Json>, CallError> {
    let params = format.params(args).map_err(CallError::Encode)?;
    Ok(Call {
        params,
        format,
        context,
    })
}

/// Observes a call of the local side. The protocol has no headers that the trace could go with.
pub(crate) async fn observed<T>(
    context: &Context,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let (mut span, _) = ClientSpan::begin(Json::SYSTEM, context);
    let result = call.await;
    span.finish(&result);
    result
}

/// Awaits an answer until a deadline.
async fn within<T>(
    deadline: Option<Instant>,
    sent: &AtomicBool,
    answer: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let Some(deadline) = deadline else {
        return answer.await;
    };
    let timer = || Some(sleep_until(deadline.into()));
    let answer = farcall_core::protocol::time::within(answer, timer).await;
    answer.unwrap_or_else(|| {
        let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer arrived in time");
        Err(if sent.load(Ordering::Acquire) {
            CallError::Lost(error.into())
        } else {
            CallError::NotSent(error.into())
        })
    })
}

impl Caller for Session {
    type Format = Json;

    fn format(&self) -> Json {
        self.0.format
    }

    async fn send(&self, call: Call<Json>) -> Result<Payload, CallError> {
        observed(&call.context, self.exchange(&call, None)).await
    }

    /// Encodes the arguments immediately.
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let call = encoded(self.0.format, context, &args);
        async move {
            let result = self.send(call?).await?;
            self.decode(&result).map_err(CallError::Decode)
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("is_ended", &self.is_ended())
            .field("is_of_client", &self.1.is_some())
            .finish_non_exhaustive()
    }
}
