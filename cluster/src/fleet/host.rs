//! Hosts: names with their clients, and what one attempt of a run does with one.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use farcall_core::protocol::{Args, Call, Name, Payload};
use farcall_core::{CallError, Caller, Context, Execution};
use serde::de::DeserializeOwned;

use crate::client::{AnyFormat, Client, HostStream};

/// A host of a [`Fleet`](super::Fleet): a name and the [`Client`] that reaches it. Clones share
/// both.
///
/// It is a [`Caller`], so that every `#[client]` trait works on it. The host that
/// [`Fleet::each`](super::Fleet::each) passes to its function limits the calls to the time of the
/// attempt, and remembers whether any of them may have run.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
    /// The attempt that this host is used for, within a run.
    attempt: Option<Arc<Attempt>>,
}

struct Inner {
    name: Box<str>,
    client: Client,
    has_failed: AtomicBool,
}

impl Host {
    /// Creates a host with a name for people.
    pub fn new(name: impl Into<Box<str>>, client: Client) -> Self {
        let inner = Inner {
            name: name.into(),
            client,
            has_failed: AtomicBool::new(false),
        };
        Self {
            inner: Arc::new(inner),
            attempt: None,
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.inner.client
    }

    /// Returns `true` if the last run that called this host got no answer from it.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.inner.has_failed.load(Ordering::Relaxed)
    }

    pub(super) fn set_failed(&self, has_failed: bool) {
        self.inner.has_failed.store(has_failed, Ordering::Relaxed);
    }

    /// Returns the host for one attempt.
    pub(super) fn with_attempt(&self, attempt: &Arc<Attempt>) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            attempt: Some(Arc::clone(attempt)),
        }
    }

    /// Calls a method that returns a stream: see [`Client::subscribe`].
    ///
    /// # Errors
    /// As with [`Client::subscribe`].
    ///
    /// # Cancel safety
    /// As with [`Client::subscribe`].
    pub async fn subscribe<T: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Result<HostStream<T>, CallError> {
        let call = self.format().call(Context::new(method), &args)?;
        self.subscribe_encoded(call).await
    }

    /// Does the same with arguments that are already encoded.
    pub(super) async fn subscribe_encoded<T: DeserializeOwned>(
        &self,
        mut call: Call<AnyFormat>,
    ) -> Result<HostStream<T>, CallError> {
        let Some(attempt) = &self.attempt else {
            return self.inner.client.subscribe_encoded(call).await;
        };
        let doubt = attempt.begin(&mut call.context);
        doubt.settled(self.inner.client.subscribe_encoded(call).await)
    }

    /// Sends a call whose arguments are already encoded, and decodes the result.
    pub(super) async fn call_encoded<R: DeserializeOwned>(
        &self,
        mut call: Call<AnyFormat>,
    ) -> Result<R, CallError> {
        let Some(attempt) = &self.attempt else {
            return self.inner.client.call_encoded(call).await;
        };
        let doubt = attempt.begin(&mut call.context);
        doubt.settled(self.inner.client.call_encoded(call).await)
    }
}

impl Caller for Host {
    type Format = AnyFormat;

    fn format(&self) -> AnyFormat {
        self.inner.client.format()
    }

    async fn send(&self, mut call: Call<AnyFormat>) -> Result<Payload, CallError> {
        let Some(attempt) = &self.attempt else {
            return self.inner.client.send(call).await;
        };
        let doubt = attempt.begin(&mut call.context);
        doubt.settled(self.inner.client.send(call).await)
    }

    /// Encodes the arguments immediately.
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let call = self.format().call(context, &args);
        async move { self.call_encoded(call?).await }
    }
}

/// Shows the name.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.name)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("name", &self.inner.name)
            .field("url", &self.inner.client.url())
            .finish_non_exhaustive()
    }
}

/// One attempt: its deadline, and the calls of it that may have run. Only these decide whether
/// another attempt is safe, since a function of the program can make several calls.
#[derive(Debug)]
pub(super) struct Attempt {
    deadline: Option<Instant>,
    /// Marks all calls as idempotent.
    idempotent: bool,
    /// The calls that may have run.
    doubtful: AtomicU32,
    /// Those of them that are not idempotent.
    unrepeatable: AtomicU32,
}

impl Attempt {
    pub(super) const fn new(deadline: Option<Instant>, idempotent: bool) -> Self {
        Self {
            deadline,
            idempotent,
            doubtful: AtomicU32::new(0),
            unrepeatable: AtomicU32::new(0),
        }
    }

    /// Returns `true` if a call may have run.
    pub(super) fn may_have_run(&self) -> bool {
        self.doubtful.load(Ordering::Relaxed) > 0
    }

    /// Returns `true` if all that may have run is idempotent.
    pub(super) fn is_repeatable(&self) -> bool {
        self.unrepeatable.load(Ordering::Relaxed) == 0
    }

    /// Counts a call as doubtful until it is known that it did not run, also if it is dropped.
    fn begin(&self, context: &mut Context) -> Doubt<'_> {
        let taken = std::mem::take(context);
        let earliest = match (taken.deadline(), self.deadline) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        // Set also if there is none, so that the default timeout of the client does not apply.
        let taken = taken.with_deadline(earliest);
        *context = if self.idempotent {
            taken.idempotent()
        } else {
            taken
        };
        let is_unrepeatable = !context.is_idempotent();
        self.doubtful.fetch_add(1, Ordering::Relaxed);
        if is_unrepeatable {
            self.unrepeatable.fetch_add(1, Ordering::Relaxed);
        }
        Doubt {
            attempt: self,
            is_unrepeatable,
        }
    }
}

/// The doubt whether a call ran.
struct Doubt<'a> {
    attempt: &'a Attempt,
    is_unrepeatable: bool,
}

impl Doubt<'_> {
    /// Ends the doubt if the call did not run.
    fn settled<R>(self, result: Result<R, CallError>) -> Result<R, CallError> {
        if let Err(error) = &result
            && error.execution() == Execution::Never
        {
            self.attempt.doubtful.fetch_sub(1, Ordering::Relaxed);
            if self.is_unrepeatable {
                self.attempt.unrepeatable.fetch_sub(1, Ordering::Relaxed);
            }
        }
        result
    }
}
