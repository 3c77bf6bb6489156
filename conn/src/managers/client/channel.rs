//! A connection on which requests are answered one after the other.

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use farcall_core::CallError;
use farcall_pickle::Pickle;

use crate::connection::Connection;
use crate::wait::Sealed as _;

/// A connection with at most one request that was not answered.
pub(super) struct Channel {
    /// `None` once it broke.
    connection: Option<Connection<(), (), Pickle>>,
    /// A request was sent, perhaps in part, whose reply was not received.
    is_waiting: bool,
}

impl Channel {
    pub(super) const fn new(connection: Connection<(), (), Pickle>) -> Self {
        Self {
            connection: Some(connection),
            is_waiting: false,
        }
    }

    pub(super) const fn broken() -> Self {
        Self {
            connection: None,
            is_waiting: false,
        }
    }

    pub(super) const fn is_broken(&self) -> bool {
        self.connection.is_none()
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Sends a request, and waits for its reply. If the future was dropped, the next call skips the
    /// reply to this one.
    pub(super) async fn exchange(&mut self, request: &[&[u8]]) -> Result<Bytes, CallError> {
        if self.is_waiting && self.receive().await.is_err() {
            return Err(CallError::NotSent(Box::new(ConnectionBroken)));
        }
        let Some(connection) = &mut self.connection else {
            return Err(CallError::NotSent(Box::new(ConnectionBroken)));
        };
        self.is_waiting = true;
        if let Err(error) = connection.send_vectored(request).await {
            self.connection = None;
            return Err(CallError::Lost(Box::new(error)));
        }
        self.receive().await
    }

    pub(super) async fn receive(&mut self) -> Result<Bytes, CallError> {
        let Some(connection) = &mut self.connection else {
            return Err(CallError::Lost(Box::new(ConnectionBroken)));
        };
        let max = connection.reader.max_message;
        match connection.recv_bytes(max).await {
            Ok(message) => {
                self.is_waiting = false;
                Ok(message.into())
            }
            Err(error) => {
                self.connection = None;
                Err(CallError::Lost(Box::new(error)))
            }
        }
    }

    /// Returns `true` if the server has closed the connection, or sent what nobody asked for.
    pub(super) async fn is_unusable(&mut self) -> bool {
        let Some(connection) = &mut self.connection else {
            return true;
        };
        poll_fn(|cx| Poll::Ready(connection.poll_readable(cx).is_ready())).await
    }
}

/// The connection that the call belongs to broke before.
#[derive(Debug, thiserror::Error)]
#[error("the connection broke during an earlier call")]
struct ConnectionBroken;
