//! The links of a connection: one client of async-nats after another, each with its inbox.
//!
//! async-nats connects again by itself when the NATS server ends a connection. But its task ends
//! for good where it panics, as at a carriage return within a header that any stranger may have
//! sent (up to 0.51 at least). Its client then takes no messages, and still says that it is
//! connected. So the end of the task is noticed here, and another client takes its place.

use std::convert::Infallible;
use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{ConnectOptions, Event, HeaderMap, ServerAddr, Subject, Subscriber};
use bytes::Bytes;
use farcall_core::protocol::output::{Causes, Foreign};
use farcall_http::client::Secrets;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::error::{ConnectionError, SendError};
use super::headers;
use super::inbox::Inbox;
use super::stream_state::{MessageKind, message, parse};

/// Messages that wait for the socket. What waits here when a connection breaks is sent over the
/// next one, so it is few.
const WAITING: usize = 256;

/// Messages of a subscription that wait for their reader: as many as a service runs calls.
/// async-nats drops further ones.
const UNREAD: usize = 16 * 1024;

/// Maximum bytes of the subject and the reply subject of a message. A NATS server ends the
/// connection of a client whose line is longer than its `max_control_line`, 4,096 bytes unless it
/// is set: then a stranger could break all calls by a long reply subject.
const MAX_SUBJECTS: usize = 4096 - 64;

/// Maximum time of a round trip to the server.
const ROUND_TRIP: Duration = Duration::from_secs(2);

/// Time after which a broken connection is noticed whose event was lost among others.
const TICK: Duration = Duration::from_secs(1);

/// Maximum time in which the last events of a client are handled.
const LAST_EVENTS: Duration = Duration::from_secs(1);

/// Pause before another client takes the place of one that lived for less than [`SHORT`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Maximum pause between attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Life of a client that is short.
const SHORT: Duration = Duration::from_secs(1);

/// A client of async-nats and its inbox.
#[derive(Debug)]
pub(super) struct Link {
    client: async_nats::Client,
    inbox: Arc<Inbox>,
}

impl Link {
    pub(super) const fn client(&self) -> &async_nats::Client {
        &self.client
    }

    pub(super) const fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// Returns `true` if there is a connection to a server at the moment.
    pub(super) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected && !self.inbox.is_closed()
    }

    /// The number of the present connection: it changes when async-nats makes another.
    pub(super) fn generation(&self) -> u64 {
        generation(&self.client)
    }

    /// Checks that a message can be sent now.
    pub(super) fn check(
        &self,
        subjects: usize,
        headers: Option<&HeaderMap>,
        body: usize,
    ) -> Result<(), SendError> {
        if !self.is_connected() {
            return Err(SendError::NotConnected);
        }
        if subjects > MAX_SUBJECTS {
            return Err(SendError::LongSubject {
                len: subjects,
                max: MAX_SUBJECTS,
            });
        }
        let (len, max) = (
            headers.map_or(0, headers::wire_len) + body,
            self.client.max_payload(),
        );
        if len > max {
            return Err(SendError::TooLarge { len, max });
        }
        Ok(())
    }

    /// Passes a message on, which waits while many others do.
    pub(super) async fn publish(
        &self,
        subject: Subject,
        reply: Option<Subject>,
        headers: Option<HeaderMap>,
        body: Bytes,
    ) -> Result<(), SendError> {
        let subjects = subject.len() + reply.as_ref().map_or(0, |reply| reply.len());
        self.check(subjects, headers.as_ref(), body.len())?;
        let client = &self.client;
        let sent = match (reply, headers) {
            (Some(reply), Some(headers)) => {
                client
                    .publish_with_reply_and_headers(subject, reply, headers, body)
                    .await
            }
            (Some(reply), None) => client.publish_with_reply(subject, reply, body).await,
            (None, Some(headers)) => client.publish_with_headers(subject, headers, body).await,
            (None, None) => client.publish(subject, body).await,
        };
        sent.map_err(|error| SendError::Closed(error.into()))
    }

    /// Completes when the server has processed what was passed on before, such as subscriptions:
    /// it returns messages in the order in which it gets them. A connection that does not return
    /// its own messages completes after a while.
    pub(super) async fn round_trip(&self) -> Result<(), SendError> {
        let (place, mut messages) = self.inbox.question();
        let subject = place.subject().clone();
        self.publish(subject, None, None, Bytes::new()).await?;
        let _ = timeout(ROUND_TRIP, messages.recv()).await;
        Ok(())
    }

    /// Passes a message on if that takes no time. For messages whose loss does no harm.
    pub(super) fn try_publish(&self, subject: Subject, reply: Option<Subject>, body: Bytes) {
        let _ = self.publish(subject, reply, None, body).now_or_never();
    }

    /// Tells peers that their streams have failed with an earlier connection.
    async fn reset(&self, orphans: Vec<Subject>) {
        for peer in orphans {
            let reset = message(MessageKind::Reset, 0, b"");
            // Fails if this connection has broken, too: the peer learns it at its next message.
            let _ = self.publish(peer, None, None, reset).await;
        }
    }

    /// Tells a peer that its stream does not exist any more.
    fn refuse(&self, received: &async_nats::Message) {
        let kind = parse(&received.payload).map(|(kind, ..)| kind);
        if let (Some(reply), Some(kind)) = (&received.reply, kind)
            && kind != MessageKind::Reset
        {
            // If many messages wait, the peer learns it at its next message.
            self.try_publish(reply.clone(), None, message(MessageKind::Reset, 0, b""));
        }
    }
}

/// Makes the links of a connection.
pub(super) struct Links {
    addresses: Vec<ServerAddr>,
    options: ConnectOptions,
    secrets: Arc<Secrets>,
}

/// A link with what its reader needs.
pub(super) struct NewLink {
    link: Arc<Link>,
    answers: Subscriber,
    events: Arc<Events>,
    /// Ends with the last event.
    last_event: mpsc::Receiver<Infallible>,
}

impl NewLink {
    pub(super) const fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Delivers messages to the inbox, until the task of the client ends.
    async fn read(&mut self) {
        let link = &self.link;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut known = link.generation();
        loop {
            tokio::select! {
                message = self.answers.next() => match message {
                    Some(message) => {
                        if let Some(message) = link.inbox.deliver(message) {
                            link.refuse(&message);
                        }
                    }
                    None => break,
                },
                _ = ticks.tick() => {
                    let present = link.generation();
                    if present != std::mem::replace(&mut known, present) {
                        link.inbox.on_disconnected(Some(present));
                    }
                    if link.is_connected() {
                        link.reset(link.inbox.take_orphans()).await;
                    }
                }
            }
        }
        link.inbox.close();
    }

    /// Returns `true` if the client has ended because the program wanted it: it was drained, or
    /// has made its maximum of attempts to connect.
    async fn is_wanted_end(&mut self) -> bool {
        let _ = timeout(LAST_EVENTS, self.last_event.recv()).await;
        let has_given_up = self.link.client.connection_state() != State::Connected;
        has_given_up || self.events.is_closing.load(Ordering::Relaxed)
    }
}

impl Links {
    /// Returns what connects to one of the servers, with these options.
    pub(super) fn new(
        addresses: Vec<ServerAddr>,
        options: ConnectOptions,
        secrets: Arc<Secrets>,
    ) -> Self {
        let options = options
            .client_capacity(WAITING)
            .subscription_capacity(UNREAD);
        Self {
            addresses,
            options,
            secrets,
        }
    }

    pub(super) async fn open(&self) -> Result<NewLink, ConnectionError> {
        let events = Arc::new(Events {
            inbox: OnceLock::new(),
            is_closing: AtomicBool::new(false),
            secrets: Arc::clone(&self.secrets),
        });
        let (last, last_event) = mpsc::channel(1);
        let handler = Arc::clone(&events);
        let options = self.options.clone().event_callback(move |event| {
            // Dropped with the callback, when no event follows.
            let _ = &last;
            handler.on_event(&event);
            ready(())
        });
        let connected = options.connect(self.addresses.clone()).await;
        let client = connected.map_err(|error| self.refused(error))?;
        let inbox = Arc::new(Inbox::new(client.new_inbox()));
        // Cannot be set already: the cell is new.
        let _ = events.inbox.set(Arc::downgrade(&inbox));
        let answers = client.subscribe(inbox.subscription()).await;
        Ok(NewLink {
            answers: answers.map_err(|error| ConnectionError(error.into()))?,
            link: Arc::new(Link { client, inbox }),
            events,
            last_event,
        })
    }

    /// Returns an error that hides the secrets: the server may have written why it refuses.
    fn refused(&self, error: async_nats::ConnectError) -> ConnectionError {
        let text = Causes(&error).to_string();
        let shown = self.secrets.redact(&text);
        ConnectionError(if shown == text {
            error.into()
        } else {
            shown.into()
        })
    }

    /// Connects, as often as it takes.
    async fn reopen(&self, mut pause: Duration) -> NewLink {
        loop {
            sleep(pause).await;
            match self.open().await {
                Ok(link) => return link,
                Err(error) => {
                    let error = Foreign::excerpt(Causes(&error));
                    tracing::debug!(%error, "no connection to NATS yet");
                }
            }
            pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        }
    }

    /// Keeps a connection: reads each link, and replaces it when it ends. Completes if the program
    /// wanted the end.
    pub(super) async fn keep(self, mut link: NewLink, present: watch::Sender<Arc<Link>>) {
        loop {
            let begun = Instant::now();
            link.read().await;
            if link.is_wanted_end().await {
                return;
            }
            tracing::warn!(
                "a client of NATS broke down, perhaps at headers that it cannot read: another \
                 connection is opened"
            );
            // Breaking it again and again does not keep a processor busy.
            let is_short = begun.elapsed() < SHORT;
            let pause = if is_short {
                FIRST_PAUSE
            } else {
                Duration::ZERO
            };
            let next = self.reopen(pause).await;
            let earlier = std::mem::replace(&mut link, next);
            present.send_replace(Arc::clone(&link.link));
            link.link.reset(earlier.link.inbox.take_orphans()).await;
        }
    }
}

/// Handler of the events of a client.
struct Events {
    /// Does not exist before the client.
    inbox: OnceLock<Weak<Inbox>>,
    /// The program wants the end of the client.
    is_closing: AtomicBool,
    secrets: Arc<Secrets>,
}

impl Events {
    fn on_event(&self, event: &Event) {
        if matches!(event, Event::Draining | Event::Closed) {
            self.is_closing.store(true, Ordering::Relaxed);
        }
        match event {
            Event::Disconnected | Event::Closed => {
                if let Some(inbox) = self.inbox.get().and_then(Weak::upgrade) {
                    inbox.on_disconnected(None);
                }
            }
            event => {
                let text = self.secrets.redact(&event.to_string());
                tracing::debug!(event = %Foreign::excerpt(&text), "event of NATS");
            }
        }
    }
}

fn generation(client: &async_nats::Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
}
