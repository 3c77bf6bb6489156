//! A connection on which requests are answered one after the other.

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use farcall_core::CallError;
use farcall_pickle::Pickle;

use crate::auth::CHALLENGE;
use crate::connection::Connection;
use crate::error::RecvError;
#[cfg(feature = "managers-xmlrpc")]
use crate::managers::wire::xml;
use crate::wait::Sealed as _;

/// The form of the messages of a manager, which its server and its clients must agree on:
/// `serializer` of a `BaseManager`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Serializer {
    /// `pickle`: values of Python as they are.
    #[default]
    Pickle,
    /// `xmlrpclib`: values of XML-RPC, which has no tuples, sets, exceptions, proxies or instances.
    /// Arguments that it cannot represent are [`CallError::Encode`]; a tuple arrives as a list, an
    /// exception as a `RemoteError`, and methods that return objects fail.
    #[cfg(feature = "managers-xmlrpc")]
    XmlRpc,
}

/// A connection with at most one request that was not answered.
pub(super) struct Channel {
    /// `None` once it broke. Boxed, since each call moves the channel several times.
    connection: Option<Box<Connection<(), (), Pickle>>>,
    serializer: Serializer,
    /// A request was sent, perhaps in part, whose reply was not received.
    is_waiting: bool,
}

impl Channel {
    pub(super) fn new(connection: Connection<(), (), Pickle>, serializer: Serializer) -> Self {
        Self {
            connection: Some(Box::new(connection)),
            serializer,
            is_waiting: false,
        }
    }

    pub(super) const fn broken() -> Self {
        Self {
            connection: None,
            serializer: Serializer::Pickle,
            is_waiting: false,
        }
    }

    pub(super) const fn is_broken(&self) -> bool {
        self.connection.is_none()
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Sends a pickled request, and waits for its pickled reply. If the future was dropped, the
    /// next call skips the reply to this one.
    pub(super) async fn exchange(&mut self, request: &[&[u8]]) -> Result<Bytes, CallError> {
        if self.is_waiting && self.receive().await.is_err() {
            return Err(CallError::NotSent(Box::new(ConnectionBroken)));
        }
        let Some(connection) = &mut self.connection else {
            return Err(CallError::NotSent(Box::new(ConnectionBroken)));
        };
        #[cfg(feature = "managers-xmlrpc")]
        let (document, slices);
        let request = match self.serializer {
            Serializer::Pickle => request,
            #[cfg(feature = "managers-xmlrpc")]
            Serializer::XmlRpc => {
                document = xml::from_request(&request.concat()).map_err(CallError::Encode)?;
                slices = [&document[..]];
                &slices
            }
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
        match connection.recv_shared(max).await {
            // Neither a pickle nor XML begins like this: the request was taken for a response.
            Ok(message) if message.starts_with(CHALLENGE) => {
                self.connection = None;
                Err(CallError::Refused(Box::new(RecvError::KeyExpected)))
            }
            Ok(message) => {
                self.is_waiting = false;
                match self.serializer {
                    Serializer::Pickle => Ok(message),
                    #[cfg(feature = "managers-xmlrpc")]
                    Serializer::XmlRpc => xml::to_reply(message)
                        .map_err(|error| CallError::NotAReply(Box::new(error))),
                }
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
