//! Byte streams between two inboxes, for sessions of calls with objects, streams and callbacks.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_nats::message::OutboundMessage;
use async_nats::{Subject, Subscriber};
use bytes::{Buf as _, Bytes};
use farcall_core::transport::{Address, Connect, Listen, Peer};
use futures_util::stream::{SelectAll, select_all};
use futures_util::{Sink as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;
use super::error::{BindError, InvalidName, check_name};
use super::inbox::Place;
use super::link::Link;
use super::stream_state::{HEAD, MessageKind, StreamState, WINDOW, cost, longest, message, parse};
use super::subject;

/// Maximum bytes of a message: large enough that its cost does not matter, and far below the limit
/// of every server.
const MAX_DATA: usize = 64 * 1024;

/// Maximum length of the inbox of a peer, in bytes: more than that of any client, and less than
/// NATS servers take beside the own one.
const MAX_INBOX: usize = 1024;

/// Cost that a program takes before the peer is told.
const TAKEN_STEP: u64 = WINDOW / 4;

/// Opens byte streams to the instances of a service, for whole sessions over NATS: objects, streams
/// of items and callbacks, none of which fits into a single message.
///
/// A session is bound to one instance. It ends when the connection of either side to NATS breaks.
/// A stream has 256 KiB under way at most, and ends if NATS loses a message. The authkey and the
/// encryption of connections work over it, between two processes: within one, a relay could not be
/// told from the peer.
///
/// # Examples
///
/// ```no_run
/// use farcall::cluster::nats::{Connection, StreamConnector, StreamListener};
/// use farcall::conn::Listener;
/// use farcall::rpc::{Client, Server};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection::open("nats://127.0.0.1:4222").await?;
/// let server = Server::new();
/// let listener = StreamListener::new(&connection, "files", "node1").await?;
/// let bound = server.listen(Listener::over(listener)).authkey("a secret").await?;
/// tokio::spawn(bound.serve());
///
/// let connector = StreamConnector::new(&connection, "files")?;
/// let client = Client::over(connector).authkey("a secret").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct StreamConnector {
    connection: Connection,
    subject: Subject,
}

impl StreamConnector {
    /// Returns a connector to any instance of a service.
    ///
    /// # Errors
    /// If the name is not one of a service.
    pub fn new(connection: &Connection, service: &str) -> Result<Self, InvalidName> {
        check_name(service)?;
        Ok(Self {
            connection: connection.clone(),
            subject: subject::session(service, None).into(),
        })
    }

    /// Returns a connector to a certain instance of a service.
    ///
    /// # Errors
    /// If the name or the id is not one.
    pub fn to_instance(
        connection: &Connection,
        service: &str,
        id: &str,
    ) -> Result<Self, InvalidName> {
        check_name(service)?;
        check_name(id)?;
        Ok(Self {
            connection: connection.clone(),
            subject: subject::session(service, Some(id)).into(),
        })
    }
}

/// Completes when an instance has accepted the stream. An error of kind `ConnectionRefused` means
/// that there is none.
impl Connect for StreamConnector {
    type Io = NatsStream;

    async fn connect(&self) -> io::Result<NatsStream> {
        let state = Arc::new(StreamState::default());
        let link = self.connection.link();
        let place = link.inbox().stream(Arc::clone(&state));
        let open = message(MessageKind::Open, WINDOW, b"");
        let inbox = Some(place.subject().clone());
        let sent = link.publish(self.subject.clone(), inbox, None, open);
        sent.await
            .map_err(|error| io::Error::new(io::ErrorKind::NotConnected, error))?;
        let peer = poll_fn(|cx| state.poll_accepted(cx)).await?;
        Ok(NatsStream::new(&self.connection, link, state, place, peer))
    }
}

/// Accepts the byte streams that a [`StreamConnector`] opens, as an instance of a service.
#[derive(Debug)]
pub struct StreamListener {
    connection: Connection,
    /// The link of the subscriptions.
    link: Arc<Link>,
    service: String,
    id: String,
    opening: SelectAll<Subscriber>,
    /// A stream that is being accepted.
    accepting: Option<NatsStream>,
}

impl StreamListener {
    /// Listens as the instance `id` of a service.
    ///
    /// # Errors
    /// If the name or the id is not one, or the connection is closed.
    ///
    /// # Cancel safety
    /// Dropping the future listens no more.
    pub async fn new(connection: &Connection, service: &str, id: &str) -> Result<Self, BindError> {
        check_name(service)?;
        check_name(id)?;
        let link = connection.link();
        let opening = subscribe(&link, service, id).await?;
        link.round_trip().await?;
        Ok(Self {
            connection: connection.clone(),
            link,
            service: service.to_owned(),
            id: id.to_owned(),
            opening,
            accepting: None,
        })
    }

    /// Subscribes again, after the client of async-nats has broken down. Returns `false` if the
    /// connection is closed for good.
    async fn renew(&mut self) -> bool {
        let mut link = Arc::clone(&self.link);
        loop {
            let Some(next) = self.connection.link_after(&link).await else {
                return false;
            };
            link = next;
            // Fails if the next one has broken down, too.
            if let Ok(opening) = subscribe(&link, &self.service, &self.id).await {
                (self.link, self.opening) = (link, opening);
                return true;
            }
        }
    }
}

async fn subscribe(
    link: &Link,
    service: &str,
    id: &str,
) -> Result<SelectAll<Subscriber>, async_nats::SubscribeError> {
    let (client, group) = (link.client(), subject::QUEUE_GROUP.to_owned());
    let any = client.queue_subscribe(subject::session(service, None), group);
    let any = any.await?;
    let one = client
        .subscribe(subject::session(service, Some(id)))
        .await?;
    Ok(select_all([any, one]))
}

impl Listen for StreamListener {
    type Io = NatsStream;

    async fn accept(&mut self) -> io::Result<(NatsStream, Peer)> {
        let accepting = match &mut self.accepting {
            Some(accepting) => accepting,
            None => {
                let peer = loop {
                    match self.opening.next().await {
                        Some(message) => {
                            if let Some(peer) = opener(message) {
                                break peer;
                            }
                        }
                        None if self.renew().await => {}
                        None => {
                            tracing::warn!("a listener over NATS ends: its connection is closed");
                            return std::future::pending().await;
                        }
                    }
                };
                let state = Arc::new(StreamState::accepted(peer.clone()));
                let link = Arc::clone(&self.link);
                let place = link.inbox().stream(Arc::clone(&state));
                self.accepting
                    .insert(NatsStream::new(&self.connection, link, state, place, peer))
            }
        };
        let sent = poll_fn(|cx| accepting.poll_send(MessageKind::Accept, WINDOW, &[], cx)).await;
        let accepted = self.accepting.take();
        sent?;
        accepted
            .map(|stream| (stream, Peer::Unknown))
            .ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(Address::Memory(format!("nats/{}", self.service)))
    }
}

/// Returns the inbox of whoever opens a stream by a message. Any other message opens none: else two
/// listeners could be made to open streams to each other.
fn opener(message: async_nats::Message) -> Option<Subject> {
    let is_open = matches!(parse(&message.payload), Some((MessageKind::Open, ..)));
    message
        .reply
        .filter(|peer| is_open && peer.len() <= MAX_INBOX)
}

/// Byte stream between two inboxes, opened by a [`StreamConnector`] and accepted by a
/// [`StreamListener`].
pub struct NatsStream {
    connection: Connection,
    link: Arc<Link>,
    state: Arc<StreamState>,
    place: Place,
    peer: Subject,
    /// Passes data on.
    sender: async_nats::Client,
    /// Passes on what the program has taken, in the task that reads.
    answerer: async_nats::Client,
    /// Cost of the sent data.
    sent: u64,
    is_finished: bool,
    /// The rest of the data that is being read.
    unread: Bytes,
    /// Cost of the taken data that the peer was told.
    told: u64,
}

impl NatsStream {
    fn new(
        connection: &Connection,
        link: Arc<Link>,
        state: Arc<StreamState>,
        place: Place,
        peer: Subject,
    ) -> Self {
        Self {
            connection: connection.clone(),
            state,
            place,
            peer,
            sender: link.client().clone(),
            answerer: link.client().clone(),
            link,
            sent: 0,
            is_finished: false,
            unread: Bytes::new(),
            told: 0,
        }
    }

    /// Returns a message for the peer. It is to be answered at the local inbox, so that NATS
    /// reports at once if the inbox of the peer is gone.
    fn message(&self, kind: MessageKind, place: u64, data: &[u8]) -> OutboundMessage {
        OutboundMessage {
            subject: self.peer.clone(),
            reply: Some(self.place.subject().clone()),
            payload: message(kind, place, data),
            headers: None,
        }
    }

    fn poll_send(
        &mut self,
        kind: MessageKind,
        place: u64,
        data: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let broken = |error| io::Error::new(io::ErrorKind::BrokenPipe, error);
        if self.peer.len() > MAX_INBOX {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        ready!(Pin::new(&mut self.sender).poll_ready(cx)).map_err(broken)?;
        let message = self.message(kind, place, data);
        let sent = Pin::new(&mut self.sender).start_send(message);
        Poll::Ready(sent.map_err(broken))
    }

    /// Tells the peer what the program has taken, if that is enough. If many messages wait, it is
    /// tried again when the task is woken.
    fn tell_taken(&mut self, cx: &mut Context<'_>) {
        let taken = self.state.taken();
        if taken - self.told < TAKEN_STEP {
            return;
        }
        if let Poll::Ready(Ok(())) = Pin::new(&mut self.answerer).poll_ready(cx) {
            let message = self.message(MessageKind::Taken, taken, &[]);
            // A failure means that the connection is closed, which ends the stream.
            let _ = Pin::new(&mut self.answerer).start_send(message);
            self.told = taken;
        }
    }
}

impl AsyncRead for NatsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            let received = self.state.poll_receive(cx);
            self.tell_taken(cx);
            self.unread = ready!(received)?;
        }
        let len = self.unread.len().min(buffer.remaining());
        buffer.put_slice(&self.unread[..len]);
        self.unread.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for NatsStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.is_finished {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let max = self.link.client().max_payload().saturating_sub(HEAD);
        let data = &data[..data.len().min(MAX_DATA).min(max.max(1))];
        // A piece of a piece would cost more than it brings.
        let least = cost(data).min(WINDOW / 8);
        let room = ready!(self.state.poll_room(self.sent, least, cx))?;
        let data = &data[..data.len().min(longest(room))];
        let place = self.sent;
        ready!(self.poll_send(MessageKind::Data, place, data, cx))?;
        self.sent += cost(data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_finished {
            let place = self.sent;
            ready!(self.poll_send(MessageKind::Finish, place, &[], cx))?;
            self.is_finished = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for NatsStream {
    fn drop(&mut self) {
        if !(self.is_finished && self.state.is_over()) {
            let reset = message(MessageKind::Reset, 0, b"");
            self.link.try_publish(self.peer.clone(), None, reset);
        }
    }
}

impl fmt::Debug for NatsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsStream")
            .field("connection", &self.connection)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}
