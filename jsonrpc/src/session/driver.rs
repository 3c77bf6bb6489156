//! The driver of a session: reads messages, runs their calls, and writes what waits.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use farcall_core::protocol::output::Foreign;
use farcall_core::protocol::time::{LazySleep, deadline};
use farcall_core::protocol::{Origin, Payload};
use farcall_core::serve::FIRST_CALL_GRACE;
use farcall_core::{Budget, Json};
use farcall_http::client::Secrets;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

use super::answer::{Incoming, Update, entries};
use super::answers::Answers;
use super::ending::Ending;
use super::{Answering, Outgoing, Session, SessionEnded};
use crate::message::{Message, ReadError, ReadMessage, WriteMessage};
use crate::{Service, SessionOptions};

/// Maximum time for which a peer that was told an error may still send. If the connection were
/// closed at once, a peer that is still sending would see a reset instead.
const MAX_LINGER: Duration = Duration::from_secs(2);

/// Shares of the shortest timeout after which all are looked at.
const TICKS: u32 = 4;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The driver of a session.
pub(crate) struct Driver<R, W> {
    session: Session,
    outbox: mpsc::Receiver<Outgoing>,
    reader: R,
    writer: W,
    options: SessionOptions,
    answering: Arc<Answering>,
}

/// The methods that a session offers, and what their calls may use.
pub(crate) struct Offer {
    pub(crate) service: Option<Service>,
    pub(crate) origin: Origin,
    pub(crate) budget: Budget,
    pub(crate) calls: Option<farcall_core::protocol::CallLimit>,
    /// Those of the local side, which no error shows.
    pub(crate) secrets: Arc<Secrets>,
}

impl<R: ReadMessage, W: WriteMessage> Driver<R, W> {
    /// Creates a session over a connection, and its driver.
    pub(crate) fn new(
        reader: R,
        writer: W,
        offer: Offer,
        options: SessionOptions,
        window: usize,
    ) -> (Session, Self) {
        let Offer {
            service,
            origin,
            budget,
            calls,
            secrets,
        } = offer;
        let format = service.as_ref().map_or_else(Json::default, Service::json);
        let (session, outbox) =
            Session::new(format, window, options.max_subscriptions, secrets, budget);
        let answering = Answering::new(service, &session, origin, calls, options);
        let driver = Self {
            session: session.clone(),
            outbox,
            reader,
            writer,
            options,
            answering: Arc::new(answering),
        };
        (session, driver)
    }

    /// Runs the session until it ends, or gracefully from the moment at which `stop` completes:
    /// calls are completed, no further message is read, and subscriptions end.
    pub(crate) async fn run(self, stop: impl Future<Output = ()> + Send) {
        let Self {
            session,
            outbox,
            mut reader,
            writer,
            options,
            answering,
        } = self;
        let ended = EndOnDrop(session.clone());
        let finish = Notify::new();
        let mut writing = pin!(write_all(writer, &session.0.answers, outbox, &finish));
        let mut turn = Turn::new(&session, &answering, options);
        let ending = turn.run(&mut reader, writing.as_mut(), stop).await;
        // Calls whose session ended free their places before the last bytes are written.
        drop(turn);
        let must_linger = match &ending {
            Ending::Failed(error) => error.fault(),
            _ => None,
        };
        let peer = answering.peer();
        let text = ending.text();
        tracing::debug!(%peer, reason = %Foreign::excerpt(&text), "session ended");
        session.0.pending.end(&SessionEnded(text.into()));
        if matches!(ending, Ending::Unwritable(_) | Ending::Evicted) {
            return;
        }
        if let Some(fault) = &must_linger {
            let mut document = Vec::new();
            crate::envelope::write_error(
                fault,
                fault.message(),
                crate::envelope::NO_ID,
                &mut document,
            );
            // A peer that reads nothing is not told.
            let outgoing = Outgoing::new(Some(document.into()));
            let _ = session.0.outbox.try_send(outgoing);
        }
        finish.notify_one();
        let written = timeout(options.write_timeout, writing);
        let is_evicted = answering.account().peer().complete(written).await.is_none();
        if must_linger.is_some() && !is_evicted {
            let _ = timeout(MAX_LINGER, reader.drain()).await;
        }
        drop(ended);
    }
}

/// Fails what waits if the driver is dropped.
struct EndOnDrop(Session);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.0.pending.end(&SessionEnded("it was dropped".into()));
    }
}

/// The part of the driver that reads.
struct Turn<'a> {
    session: &'a Session,
    answering: &'a Arc<Answering>,
    options: SessionOptions,
    slots: Arc<Semaphore>,
    /// A message that waits for a slot. It is read all the same, so that the end of a connection,
    /// and the signs of life before it, are seen while all slots are taken.
    next: Option<Message>,
    work: FuturesUnordered<Work>,
    /// The time at which a message arrived or was answered last.
    active_at: Instant,
    /// The time of a ping since which nothing has arrived.
    pinged_at: Option<Instant>,
    has_message: bool,
}

impl<'a> Turn<'a> {
    fn new(session: &'a Session, answering: &'a Arc<Answering>, options: SessionOptions) -> Self {
        let now = Instant::now();
        Self {
            session,
            answering,
            options,
            slots: Arc::new(Semaphore::new(options.max_concurrent.max(1))),
            next: None,
            work: FuturesUnordered::new(),
            active_at: now,
            pinged_at: None,
            has_message: false,
        }
    }

    /// Reads until there is nothing more to read, and completes the calls that run then.
    async fn run<R: ReadMessage>(
        &mut self,
        reader: &mut R,
        mut writing: Pin<&mut impl Future<Output = io::Result<()>>>,
        stop: impl Future<Output = ()>,
    ) -> Ending {
        let begin = self.active_at;
        let mut stop = pin!(async {
            stop.await;
            // A message that has already arrived is read first.
            yield_now().await;
        });
        let mut is_stopping = false;
        let tick = self.tick();
        let mut timer = LazySleep::new(begin + tick);
        let answering = Arc::clone(self.answering);
        let account = answering.account();
        let mut ending = None;
        // The time at which the calls of a peer that sends nothing more are cancelled.
        let mut completion = None;
        loop {
            if ending.is_none() && is_stopping && self.may_stop(begin) {
                self.session.0.streams.stop();
                ending = Some(Ending::Stopped);
            }
            if account.peer().account().is_evicted() {
                return Ending::Evicted;
            }
            if self.work.is_empty()
                && self.next.is_none()
                && let Some(ending) = ending.take()
            {
                return ending;
            }
            let may_read = ending.is_none() && self.next.is_none();
            // Messages that have arrived together are answered by one write, but others do not keep
            // what waits from being written.
            if self.session.must_write() {
                let polled = poll_fn(|cx| Poll::Ready(writing.as_mut().poll(cx))).await;
                if let Poll::Ready(written) = polled {
                    return Ending::of_write(written);
                }
            }
            let slots = &self.slots;
            tokio::select! {
                biased;
                () = &mut stop, if !is_stopping => is_stopping = true,
                Some(()) = self.work.next(), if !self.work.is_empty() => {
                    self.active_at = Instant::now();
                }
                Ok(permit) = async { Arc::clone(slots).acquire_owned().await }, if self.next.is_some() => {
                    if let Some(message) = self.next.take() {
                        self.begin(message, permit).await;
                    }
                }
                read = reader.read(self.options.max_message, account), if may_read => match read {
                    Ok(Some(message)) => {
                        self.active_at = Instant::now();
                        self.has_message = true;
                        if !self.receive(message).await {
                            return Ending::Confused;
                        }
                    }
                    Ok(None) => {
                        self.nothing_more_arrives(&Ending::Closed);
                        // Of a byte stream, the peer may have closed one direction only.
                        if reader.heard_at().is_some() {
                            return Ending::Closed;
                        }
                        ending = Some(Ending::Closed);
                        completion = self.completion();
                    }
                    Err(ReadError::Io(error)) => return Ending::Failed(ReadError::Io(error)),
                    Err(error) => {
                        let failed = Ending::Failed(error);
                        self.nothing_more_arrives(&failed);
                        ending = Some(failed);
                        completion = self.completion();
                    }
                },
                // After what fills the queue of answers, which wakes nobody.
                written = &mut writing => return Ending::of_write(written),
                () = async { sleep_until(begin + FIRST_CALL_GRACE).await }, if is_stopping && ending.is_none() => {
                    self.has_message = true;
                }
                () = async { sleep_until(completion.unwrap_or(begin)).await }, if completion.is_some() => {
                    // The turn ends with its calls. What they have answered is written.
                    return ending.unwrap_or(Ending::Closed);
                }
                () = poll_fn(|cx| timer.poll(cx)) => {
                    let now = Instant::now();
                    timer.reset(now + tick);
                    if let Some(text) = self.silence(reader, now, may_read) {
                        return Ending::Silent(text);
                    }
                }
                // Last, since what was polled before may have held the first bytes.
                () = poll_fn(|cx| account.peer().account().poll_evicted(cx)) => {
                    return Ending::Evicted;
                }
            }
        }
    }

    /// Ends whatever waits for messages of the peer, while its calls are completed.
    fn nothing_more_arrives(&self, ending: &Ending) {
        self.session.0.streams.stop();
        let end = SessionEnded(ending.text().into());
        self.session.0.pending.end(&end);
    }

    /// Returns the time until which calls go on, now that nothing more comes from the peer.
    fn completion(&self) -> Option<Instant> {
        let timeout = self.options.completion_timeout?;
        Some(deadline(timeout))
    }

    /// A client that connected just before the stop may not know of it, and sends its first call.
    fn may_stop(&self, begin: Instant) -> bool {
        self.has_message || begin.elapsed() >= FIRST_CALL_GRACE
    }

    fn tick(&self) -> Duration {
        let options = &self.options;
        let shortest = options
            .message_timeout
            .min(options.ping_interval)
            .min(options.ping_timeout)
            .min(options.idle_timeout.unwrap_or(Duration::MAX));
        (shortest / TICKS).clamp(Duration::from_millis(5), Duration::from_secs(15))
    }

    /// Returns the reason if the peer has been silent for too long.
    fn silence<R: ReadMessage>(
        &mut self,
        reader: &R,
        now: Instant,
        may_read: bool,
    ) -> Option<&'static str> {
        let options = &self.options;
        if may_read
            && let Some(since) = reader.incomplete_since()
            && now.saturating_duration_since(since.max(self.active_at)) >= options.message_timeout
        {
            return Some("a message did not arrive in time");
        }
        if let Some(heard_at) = reader.heard_at() {
            self.pinged_at = self.pinged_at.filter(|pinged_at| heard_at < *pinged_at);
            let silent = |since| now.saturating_duration_since(since);
            match self.pinged_at {
                // While nothing is read, no sign of life is seen.
                Some(pinged_at) if may_read && silent(pinged_at) >= options.ping_timeout => {
                    return Some("the peer did not answer a ping in time");
                }
                None if silent(heard_at) >= options.ping_interval => {
                    self.pinged_at = Some(now);
                    // If messages wait to be written, the peer need not be asked.
                    let _ = self.session.0.outbox.try_send(Outgoing::new(None));
                }
                _ => {}
            }
            return None;
        }
        let is_idle = self.work.is_empty() && self.session.0.pending.is_empty();
        if let Some(timeout) = options.idle_timeout
            && is_idle
            && now.saturating_duration_since(self.active_at) >= timeout
        {
            return Some("it was idle for too long");
        }
        None
    }

    /// Takes a message. Returns `false` if the session cannot go on.
    async fn receive(&mut self, message: Message) -> bool {
        // Most sessions of servers wait for no answer, and so need not tell these apart.
        if !self.session.0.pending.is_empty() {
            match self.receive_answer(&message.document) {
                Received::Answer => return true,
                Received::Confused => return false,
                Received::Request => {}
            }
        }
        match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(permit) => self.begin(message, permit).await,
            Err(_) => self.next = Some(message),
        }
        true
    }

    /// Begins to answer a message. Most calls complete at once, and so need no place among those
    /// that run.
    async fn begin(&mut self, message: Message, permit: OwnedSemaphorePermit) {
        let answering = Arc::clone(self.answering);
        let mut work: Work = Box::pin(answering.answer(message, permit));
        let polled = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
        if polled.is_pending() {
            self.work.push(work);
        }
    }

    fn receive_answer(&self, document: &bytes::Bytes) -> Received {
        let Ok(text) = str::from_utf8(document) else {
            return Received::Request;
        };
        if !text.trim_ascii_start().starts_with('[') {
            return self.receive_one(document, text);
        }
        let mut received = Received::Request;
        for entry in entries(text).unwrap_or_default() {
            match self.receive_one(document, entry) {
                Received::Request if matches!(received, Received::Request) => return received,
                Received::Request | Received::Answer => received = Received::Answer,
                Received::Confused => return Received::Confused,
            }
        }
        received
    }

    fn receive_one(&self, document: &bytes::Bytes, text: &str) -> Received {
        let Some(incoming) = Incoming::read(text) else {
            return Received::Request;
        };
        let pending = &self.session.0.pending;
        if incoming.method.is_some() {
            let update = incoming.params.filter(|_| incoming.id.is_none());
            let Some(update) = update.and_then(Update::read) else {
                return Received::Request;
            };
            let id = update.subscription.to_owned();
            // One of a subscription that was ended locally is for nobody.
            if let Some(unsubscribe) = pending.update(update) {
                self.session.unsubscribe(&id, &unsubscribe);
            }
            return Received::Answer;
        }
        let Some(outcome) = incoming.outcome() else {
            return Received::Request;
        };
        let Some(id) = incoming.number() else {
            return match outcome {
                Err(fault) if pending.complete_only(&fault) => Received::Answer,
                _ => Received::Confused,
            };
        };
        let outcome = outcome.map(|result| {
            let start = result.as_ptr().addr() - document.as_ptr().addr();
            Payload::part(document.clone(), start..start + result.len())
        });
        if let Some((subscription, unsubscribe)) = pending.complete(id, outcome) {
            self.session.unsubscribe(&subscription, &unsubscribe);
        }
        Received::Answer
    }
}

enum Received {
    Answer,
    Request,
    Confused,
}

/// Writes the messages of a session, several at once if they wait.
async fn write_all<W: WriteMessage>(
    mut writer: W,
    answers: &Answers,
    mut outbox: mpsc::Receiver<Outgoing>,
    finish: &Notify,
) -> io::Result<()> {
    loop {
        let next = match answers.pop().map_or_else(|| outbox.try_recv(), Ok) {
            Ok(next) => Some(next),
            Err(mpsc::error::TryRecvError::Disconnected) => None,
            Err(mpsc::error::TryRecvError::Empty) => {
                writer.flush().await?;
                let received = poll_fn(|cx| match answers.pop() {
                    Some(next) => Poll::Ready(Some(next)),
                    None => outbox.poll_recv(cx),
                });
                tokio::select! {
                    biased;
                    next = received => next,
                    () = finish.notified() => {
                        outbox.close();
                        continue;
                    }
                }
            }
        };
        let Some(Outgoing {
            document,
            sent,
            hold: _hold,
        }) = next
        else {
            return writer.close().await;
        };
        if let Some(sent) = sent {
            sent.store(true, Ordering::Release);
        }
        match document {
            Some(document) => writer.write(document).await?,
            None => writer.ping().await?,
        }
    }
}
