//! The session with a host: opened by the first call, shared by all, and opened again after a loss.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use farcall_conn::ConnectError;
use farcall_conn::auth::AuthError;
use farcall_conn::rpc::{self, Disconnected, Encoding, GreetingError, OpenError, SessionOptions};
use farcall_core::CallError;
use farcall_core::Caller as _;
use farcall_core::protocol::{Call, Payload};
use futures_util::FutureExt as _;
use futures_util::future::WeakShared;
use tokio::time::timeout_at;

use super::options::ConnectOptions;
use super::url::{ConnectionUrl, Protection, UrlError};
use crate::credentials::Credentials;

/// The session with a host could not be opened: the source of [`CallError::NotSent`], or of
/// [`CallError::Refused`] if the host refused the credentials. Calls that waited for the same
/// attempt share it.
#[derive(Clone, thiserror::Error)]
#[error("no session could be opened")]
pub struct SessionFailed(#[source] Arc<OpenError>);

farcall_core::debug_errors!(SessionFailed);

impl SessionFailed {
    /// Returns the cause, if this was the reason why a call failed.
    #[must_use]
    pub fn of(error: &CallError) -> Option<&OpenError> {
        match error {
            CallError::NotSent(source) | CallError::Refused(source) => {
                source.downcast_ref().map(|Self(cause)| &**cause)
            }
            _ => None,
        }
    }

    /// Returns the error of a call for which no connection could be made.
    #[cfg(feature = "managers")]
    pub(super) fn of_connection(error: Arc<OpenError>) -> CallError {
        Self(error).into_call_error()
    }

    /// Returns the error of a call that waited for the session.
    fn into_call_error(self) -> CallError {
        let is_refused = match &*self.0 {
            OpenError::Connect(ConnectError::Auth { source, .. }) => {
                !matches!(source, AuthError::TimedOut | AuthError::Lost(_))
            }
            OpenError::Greeting { source, .. } => matches!(
                source,
                GreetingError::Version { .. }
                    | GreetingError::Encoding(_)
                    | GreetingError::KeyExpected
                    | GreetingError::NotRpc(_)
            ),
            _ => false,
        };
        if is_refused {
            CallError::Refused(Box::new(self))
        } else {
            CallError::NotSent(Box::new(self))
        }
    }
}

/// The deadline of a call passed before its session was open.
#[derive(Debug, thiserror::Error)]
#[error("the deadline of the call passed before the host was connected")]
pub(super) struct NotConnectedInTime;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Opening = BoxFuture<Result<rpc::Client, SessionFailed>>;

/// The lazily opened session with one host.
pub(super) struct Session {
    url: ConnectionUrl,
    slot: Mutex<Slot>,
}

#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    /// An attempt that callers wait for. It ends when the last of them gives up.
    Opening(WeakShared<Opening>),
    Open(rpc::Client),
}

impl Session {
    /// Creates a session that is not open yet.
    ///
    /// # Errors
    /// If the URL is malformed, or needs a feature that this build lacks.
    pub(super) fn new(url: &str) -> Result<Self, UrlError> {
        let url = ConnectionUrl::parse("conn+rpc", url)?;
        #[cfg(not(feature = "_tls"))]
        match url.protection {
            Protection::None => {}
            Protection::Tls => return Err(UrlError::NoTls("conn+rpc+tls")),
            Protection::Encrypted => return Err(UrlError::NoTls("conn+rpc+encrypted")),
        }
        Ok(Self {
            url,
            slot: Mutex::default(),
        })
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connection once the calls and streams that use it have ended.
    pub(super) fn disconnect(&self) {
        let mut slot = self.slot();
        if let Slot::Open(_) = *slot {
            let open = std::mem::take(&mut *slot);
            // The client is dropped where the lock is not held.
            drop(slot);
            drop(open);
        }
    }

    /// Sends a call over the open session, or over a new one.
    pub(super) async fn send(
        &self,
        call: Call<Encoding>,
        credentials: &Credentials,
        options: &ConnectOptions,
    ) -> Result<Payload, CallError> {
        let kept = match &*self.slot() {
            Slot::Open(client) if !client.is_closed() => Some(client.clone()),
            _ => None,
        };
        if let Some(client) = kept {
            match client.send(call.clone()).await {
                // The kept session turned out to be closed: open another.
                Err(CallError::NotSent(source)) if source.is::<Disconnected>() => {}
                sent => return sent,
            }
        }
        let deadline = call.context.deadline();
        let client = self.open(deadline, credentials, options).await?;
        client.send(call).await
    }

    /// Waits for the attempt to connect that is under way, or makes one.
    async fn open(
        &self,
        deadline: Option<Instant>,
        credentials: &Credentials,
        options: &ConnectOptions,
    ) -> Result<rpc::Client, CallError> {
        let opening = match &mut *self.slot() {
            Slot::Open(client) if !client.is_closed() => return Ok(client.clone()),
            slot => match slot {
                Slot::Opening(attempt) => attempt.upgrade(),
                _ => None,
            }
            .unwrap_or_else(|| {
                let opening = connect(&self.url, credentials, options).shared();
                *slot = opening.downgrade().map_or(Slot::Empty, Slot::Opening);
                opening
            }),
        };
        let opened = match deadline {
            Some(deadline) => timeout_at(deadline.into(), opening.clone())
                .await
                .map_err(|_| CallError::NotSent(Box::new(NotConnectedInTime)))?,
            None => opening.clone().await,
        };
        let mut slot = self.slot();
        let is_ours = match &*slot {
            Slot::Opening(attempt) => attempt
                .upgrade()
                .is_none_or(|attempt| attempt.ptr_eq(&opening)),
            _ => false,
        };
        if is_ours {
            *slot = match &opened {
                Ok(client) => Slot::Open(client.clone()),
                Err(_) => Slot::Empty,
            };
        }
        drop(slot);
        opened.map_err(SessionFailed::into_call_error)
    }
}

/// Returns the future of a new session.
fn connect(url: &ConnectionUrl, credentials: &Credentials, options: &ConnectOptions) -> Opening {
    let client = rpc::Client::connect(url.target.clone())
        .encoding(options.encoding)
        .timeout(options.connect_timeout)
        .max_message(options.max_reply)
        .session(SessionOptions::default().timeout(options.timeout));
    #[cfg(feature = "legacy-md5")]
    let client = client.legacy_md5(credentials.allows_md5());
    let client = match credentials.key() {
        Some(key) => client.authkey(key),
        None => client,
    };
    let client = match url.protection {
        Protection::None => client,
        #[cfg(feature = "_tls")]
        Protection::Tls => client.tls(credentials.client_tls()),
        #[cfg(feature = "_tls")]
        Protection::Encrypted => client.encrypted(),
        #[cfg(not(feature = "_tls"))]
        Protection::Tls | Protection::Encrypted => client,
    };
    let opened = client.into_future();
    Box::pin(opened.map(|opened| opened.map_err(|error| SessionFailed(Arc::new(error)))))
}
