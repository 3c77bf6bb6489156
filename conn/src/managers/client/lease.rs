//! The exclusive use of a connection, for one call or for as long as a lock is held.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farcall_core::CallError;
use tokio::time::timeout;

use super::channel::Channel;
use super::link::Link;
use super::reply::{self, Answer};

/// The time for which the reply to an abandoned call is waited for, so that an object in it can be
/// released. Methods that take longer than that usually wait for others, and return no objects.
const ABANDONED: Duration = Duration::from_secs(30);

/// An exclusive use of an accepted connection. The server serves it by one thread, which owns the
/// locks that were acquired through it.
pub(super) struct Lease {
    link: Arc<Link>,
    channel: Channel,
    generation: u64,
    /// The connection is closed if the reply is no longer wanted.
    is_closed_when_abandoned: bool,
}

impl Lease {
    /// Takes a connection for the calls of an object of this generation.
    ///
    /// # Errors
    /// If the manager cannot be reached, or is no longer the one that has the object.
    pub(super) async fn open(link: &Arc<Link>, generation: u64) -> Result<Self, CallError> {
        Ok(Self {
            channel: link.channel(generation).await?,
            link: Arc::clone(link),
            generation,
            is_closed_when_abandoned: false,
        })
    }

    /// Closes the connection if the reply is no longer wanted: a server in Rust then stops to wait.
    pub(super) const fn close_when_abandoned(&mut self) {
        self.is_closed_when_abandoned = true;
    }

    /// Sends a request, and waits for its reply.
    pub(super) async fn exchange(&mut self, request: &[&[u8]]) -> Result<Bytes, CallError> {
        self.channel.exchange(request).await
    }

    /// Waits for the reply to the request that was sent.
    pub(super) async fn receive(&mut self) -> Result<Bytes, CallError> {
        self.channel.receive().await
    }

    /// Waits for the reply to an abandoned call, if there is one.
    pub(super) async fn settle(&mut self) {
        if self.channel.is_waiting() {
            // The next call fails, too.
            let _ = self.channel.receive().await;
        }
    }

    /// Waits for the reply to an abandoned call. An object in it is released.
    async fn finish(mut self) {
        if let Ok(Ok(message)) = timeout(ABANDONED, self.channel.receive()).await
            && let Answer::Proxy { token, .. } = reply::read(&self.link.pickle, &message, None)
        {
            self.link.release(self.generation, &token.ident);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let channel = std::mem::replace(&mut self.channel, Channel::broken());
        if channel.is_broken() {
            return;
        }
        if !channel.is_waiting() {
            self.link.keep(channel, self.generation);
        } else if !self.is_closed_when_abandoned {
            let lease = Self {
                link: Arc::clone(&self.link),
                channel,
                generation: self.generation,
                // If the runtime has ended, it is dropped at once.
                is_closed_when_abandoned: true,
            };
            self.link.runtime.spawn(lease.finish());
        }
    }
}
