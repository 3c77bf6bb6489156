//! The blocking client.

use std::fmt;
use std::future::IntoFuture as _;
use std::time::Duration;

use farcall_core::protocol::blocking::wait;
use farcall_core::protocol::{Args, Name};
use farcall_core::transport::Peer;
use farcall_core::{Blocking, BlockingCaller, CallError, CannotBlock, Context, Within};
use serde::de::DeserializeOwned;

use crate::rpc::{self, ClientBuilder, Encoding, OpenError, Remote, SessionStats};

/// Handle that makes calls to the peer, each of which blocks the calling thread.
///
/// It is created by [`ClientBuilder::wait`], or [from](Self::from) the async
/// [`rpc::Client`](rpc::Client). It is a [`BlockingCaller`], so that the methods of every
/// `#[client]` trait that is not async are available on it.
///
/// Clones share one session, and can be used in several threads at the same time. The connection
/// closes as that of the async client does: when the last clone is dropped together with the last
/// [`Remote`] and [`Stream`](rpc::Stream) that was received over it.
///
/// ```no_run
/// use farcall::rpc::Client;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::connect("localhost:7000").authkey("a secret").wait()?;
/// let sum: i64 = client.call("add", (3, 5))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    client: Blocking<rpc::Client>,
}

impl Client {
    /// Returns a client for the peer that made the call of this context: see
    /// [`rpc::Client::of`](rpc::Client::of). Only a handler that may block can use it: see
    /// [Handlers](super#handlers).
    #[must_use]
    pub fn of(context: &Context) -> Option<Self> {
        rpc::Client::of(context).map(Self::from)
    }

    /// Calls a method by name with a tuple of arguments, and waits for the result.
    ///
    /// # Errors
    /// As with the async [`call`](farcall_core::Caller::call); also [`CallError::NotSent`] in async
    /// code.
    pub fn call<R: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Result<R, CallError> {
        BlockingCaller::call(self, method, args)
    }

    /// Returns a client whose calls take at most `time`, or the remaining time of the call that is
    /// being handled, if that is less. A call that exceeds the limit fails and is cancelled. The
    /// methods of every `#[client]` trait are available on it.
    pub fn within(&self, time: Duration) -> Within<&Self> {
        BlockingCaller::within(self, time)
    }

    /// The peer of the connection.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        self.inner().peer()
    }

    /// Returns `true` if no more calls can be made: the connection is closed or broken, and the
    /// client does not reconnect.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner().is_closed()
    }

    /// Closes the connection gracefully, as [`rpc::Client::close`](rpc::Client::close) does, and
    /// waits for the calls in flight in both directions.
    ///
    /// # Errors
    /// In async code. The connection stays open for the other clones.
    pub fn close(self) -> Result<(), CannotBlock> {
        wait(self.client.into_inner().close())
    }

    /// Current numbers of calls, objects and streams of the session.
    #[must_use]
    pub fn stats(&self) -> SessionStats {
        self.inner().stats()
    }

    /// Returns the async client of the same session.
    #[must_use]
    pub const fn inner(&self) -> &rpc::Client {
        self.client.inner()
    }
}

impl BlockingCaller for Client {
    type Format = Encoding;

    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> Result<R, CallError> {
        self.client.call_in(context, args)
    }

    fn notify_in(&self, context: Context, args: impl Args) -> Result<(), CallError> {
        self.client.notify_in(context, args)
    }
}

impl From<rpc::Client> for Client {
    /// Creates the blocking form of a client, whose session stays in the runtime of that client.
    fn from(client: rpc::Client) -> Self {
        Self {
            client: Blocking::new(client),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner().fmt(f)
    }
}

impl ClientBuilder {
    /// Connects, and blocks until the session is open.
    ///
    /// # Errors
    /// As with `.await`; also in async code.
    pub fn wait(self) -> Result<Client, OpenError> {
        let client = wait(self.into_future()).map_err(crate::ConnectError::from)?;
        Ok(client?.into())
    }
}

impl<T: ?Sized> Remote<T> {
    /// Returns the blocking form of this reference, on which the methods of every `#[client]` trait
    /// that is not async are available.
    pub const fn into_blocking(self) -> Blocking<Self> {
        Blocking::new(self)
    }
}
