//! An end with the program that uses it, and what a driver does: it moves bytes, and closes.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use farcall_core::Instance;
use farcall_core::protocol::{Attachment, Format, Registrar};

use super::calling::Caller;
use super::end::{End, Link};
use super::run::Run;
use super::serving::Handler;
use super::streams::StreamReader;
use super::wire::{Arrival, Wire, WireEnd};
use crate::frame::{Decoder, Encoder};
use crate::rpc::error::{Disconnected, Violation};
use crate::rpc::message::{
    CallTarget, Counts, Hello, Message, ObjectId, SessionStart, VERSION, write_counts, write_return,
};
use crate::rpc::session::object::{LocalObject, ObjectHandle};
use crate::rpc::session::producer::ProducerTask;
use crate::rpc::session::settings::Settings;
use crate::rpc::session::state::{Dispatched, SessionState};
use crate::rpc::session::stream_handles::IncomingStream;

/// Messages handled under one lock.
const BATCH: usize = 8;

/// Time that the peer has to close a connection which the host has shut down.
const LINGER: Duration = Duration::from_secs(2);

/// An end, and the program that uses it.
pub(super) struct Host {
    pub(super) name: &'static str,
    pub(super) run: Arc<Run>,
    pub(super) end: Arc<End>,
    pub(super) settings: Arc<Settings>,
    /// Keeps the session open. The program may drop it.
    pub(super) link: Option<Arc<Link>>,
    pub(super) callers: Vec<Caller>,
    pub(super) handlers: Vec<Handler>,
    producers: Vec<ProducerTask<End>>,
    pub(super) readers: Vec<StreamReader>,
    /// Objects of the peer.
    pub(super) objects: Vec<ObjectHandle>,
    /// Objects that were passed to the peer at some time.
    pub(super) passed: Vec<Weak<LocalObject>>,
    pub(super) replies: Encoder,
    /// `true` if the host broke the protocol.
    pub(super) has_misbehaved: bool,
    decoder: Decoder,
    writing: Encoder,
    written: Arc<AtomicU64>,
    pub(super) is_connected: bool,
    can_read: bool,
    closing: Option<Closing>,
    /// A violation by the peer, which was found.
    pub(super) violation: Option<Violation>,
    /// The last call that began over this connection, of those that wait for no promise.
    last_begun: Option<usize>,
}

struct Closing {
    since: Instant,
    /// Set once nothing is left to send.
    shut: Option<Instant>,
}

/// An object of the program.
pub(super) struct Thing(pub(super) u64);

impl Instance for Thing {
    fn register<F: Format>(self: Arc<Self>, _into: &mut Registrar<F>) {}
}

impl Host {
    pub(super) fn new(name: &'static str, settings: &Arc<Settings>, run: &Arc<Run>) -> Self {
        let link = End::open(Arc::clone(settings), Arc::clone(run));
        Self {
            name,
            run: Arc::clone(run),
            end: Arc::clone(link.end()),
            settings: Arc::clone(settings),
            link: Some(link),
            callers: Vec::new(),
            handlers: Vec::new(),
            producers: Vec::new(),
            readers: Vec::new(),
            objects: Vec::new(),
            passed: Vec::new(),
            replies: Encoder::new(),
            has_misbehaved: false,
            decoder: Decoder::new(),
            writing: Encoder::new(),
            written: Arc::default(),
            is_connected: false,
            can_read: true,
            closing: None,
            violation: None,
            last_begun: None,
        }
    }

    pub(super) fn event(&self, event: impl fmt::Display) {
        self.run.event(|| format!("{}: {event}", self.name));
    }

    /// The first message of the host.
    pub(super) fn hello(&self, start: SessionStart) -> Hello {
        Hello {
            version: VERSION,
            start,
            takes_headers: true,
            encoding: b"bincode".to_vec(),
            limits: self.settings.limits,
            session: None,
        }
    }

    pub(super) fn connect(&mut self, hello: &Hello, start: SessionStart) {
        self.event(format_args!("connected: {start:?}"));
        self.written = self.end.update(|state| {
            state.tick(self.run.now());
            state.on_connected(hello, start);
            state.outbox.written_counter()
        });
        (self.is_connected, self.can_read) = (true, true);
        (self.has_misbehaved, self.last_begun) = (false, None);
    }

    /// Ends the connection of the host.
    pub(super) fn disconnect(&mut self, reason: &Disconnected) {
        if !self.is_connected {
            return;
        }
        self.event(format_args!("disconnected: {reason:?}"));
        self.run.ledger().interruptions += 1;
        let can_continue = self.end.update(|state| state.on_disconnected(reason));
        if !can_continue {
            self.end.update(|state| state.end(reason));
        }
        (self.is_connected, self.closing) = (false, None);
        self.decoder = Decoder::new();
        (self.writing, self.replies) = (Encoder::new(), Encoder::new());
    }

    pub(super) fn close(&self) {
        self.event("closes");
        self.run.ledger().interruptions += 1;
        self.end.close("tired");
    }

    /// The program no longer uses the session, except for the calls, objects and streams it has.
    pub(super) fn drop_link(&mut self) {
        self.event("drops its link");
        self.run.ledger().interruptions += 1;
        self.link = None;
    }

    pub(super) fn is_ended(&self) -> bool {
        self.end.update(SessionState::ended_token).is_none()
    }

    /// Lets the program and the streams do what they can.
    pub(super) fn poll(&mut self) {
        let run = Arc::clone(&self.run);
        self.end.update(|state| state.tick(run.now()));
        self.serve();
        let mut index = 0;
        while let Some(caller) = self.callers.get(index) {
            match caller.poll(&run) {
                std::task::Poll::Pending => index += 1,
                std::task::Poll::Ready(attachments) => {
                    drop(self.callers.remove(index));
                    self.receive(&attachments);
                }
            }
        }
        for (id, source) in self.end.take_started() {
            let end = Arc::clone(&self.end);
            self.producers.push(ProducerTask::new(end, id, source));
        }
        let mut cx = Context::from_waker(Waker::noop());
        self.producers
            .retain_mut(|task| Pin::new(task).poll(&mut cx).is_pending());
    }

    /// Reads up to `max` items of each stream.
    pub(super) fn read_streams(&mut self, max: u64) {
        let cx = Context::from_waker(Waker::noop());
        let run = &self.run;
        self.readers.retain_mut(|reader| reader.read(max, run, &cx));
    }

    /// Keeps some of the objects and streams that were received.
    pub(super) fn receive(&mut self, attachments: &[Attachment]) {
        for attachment in attachments {
            if self.run.chance(20) {
                continue;
            }
            if let Some(object) = attachment.downcast_ref::<ObjectHandle>() {
                match object {
                    ObjectHandle::Imported(_) => self.objects.push(object.clone()),
                    _ => self.run.ledger().count("object came home"),
                }
            } else if let Ok(stream) = Arc::clone(attachment).downcast::<IncomingStream>()
                && stream.take()
            {
                self.readers.push(StreamReader::new(stream));
            }
        }
    }

    /// Returns a new object or one that exists, to be passed to the peer.
    pub(super) fn new_object(&mut self) -> (u64, Arc<LocalObject>) {
        let existing = self.run.choose(&self.passed).and_then(Weak::upgrade);
        let object = existing.filter(|_| self.run.chance(40)).unwrap_or_else(|| {
            let mut ledger = self.run.ledger();
            let number = ledger.objects.len() as u64;
            let object = LocalObject::new(Thing(number)).unwrap();
            ledger.objects.insert(object.id(), number);
            let object = Arc::new(object);
            self.passed.push(Arc::downgrade(&object));
            object
        });
        (object.instance::<Thing>().unwrap().0, object)
    }

    /// Writes to the connection, and closes it once that is due.
    pub(super) fn write(&mut self, wire: &mut Wire) {
        let now = self.run.now();
        if self.writing.is_empty() {
            let (replies, writing) = (&mut self.replies, &mut self.writing);
            let clock = || now;
            let status = self
                .end
                .update(|state| state.take_output(replies, writing, clock, Waker::noop()));
            self.can_read = status.can_read;
            if status.is_closing && self.closing.is_none() {
                let (since, shut) = (now, None);
                self.closing = Some(Closing { since, shut });
            }
        }
        let count = wire.send(self.writing.unwritten(), &self.run);
        self.writing.wrote(count);
        self.written.fetch_add(count as u64, Ordering::Relaxed);
        let Some(closing) = &mut self.closing else {
            return;
        };
        if closing.shut.is_none() && self.writing.is_empty() {
            let timeout = self.settings.timeout;
            let timed_out = timeout.is_some_and(|timeout| now >= closing.since + timeout);
            if self.end.update(|state| state.is_closed(timed_out)) {
                closing.shut = Some(now);
                wire.close();
            }
        }
        if closing.shut.is_some_and(|shut| now >= shut + LINGER) {
            let reason = self.end.update(|state| state.disconnect_reason());
            self.disconnect(&reason);
        }
    }

    /// Reads from the connection.
    pub(super) fn read(&mut self, wire: &mut Wire, back: &mut Wire) {
        if !self.can_read {
            return;
        }
        let reason = match wire.receive(&self.run) {
            Arrival::Nothing => return,
            Arrival::Bytes(bytes) => {
                self.decoder.feed(&bytes);
                match self.dispatch() {
                    Ok(()) => return,
                    Err(reason) => reason,
                }
            }
            Arrival::End(WireEnd::Cut) => Disconnected::broken(fmt::Error),
            Arrival::End(WireEnd::Closed) => match self.decoder.end() {
                Ok(()) => self.end.update(|state| state.end_of_connection()),
                Err(error) => Disconnected::broken(error),
            },
        };
        if let Disconnected::Protocol(violation) = reason {
            self.violation = Some(violation);
            let writing = &mut self.writing;
            let counted = writing.unwritten().len();
            self.end.update(|state| {
                let goodbye = state.goodbye("violation");
                writing.push_message(|out| goodbye.write(out));
            });
            // The calls in the outbox do not leave with it, so it does not count as written.
            let count = back.send(writing.unwritten(), &self.run).min(counted);
            self.written.fetch_add(count as u64, Ordering::Relaxed);
        }
        self.disconnect(&reason);
    }

    /// Checks that calls begin in the order in which they were made. Those on promises wait.
    pub(super) fn check_order(&mut self, number: usize, target: &CallTarget) {
        if !matches!(target, CallTarget::Promise(_)) {
            let last = self.last_begun.replace(number);
            assert!(
                last < Some(number),
                "call {number} began after call {last:?}"
            );
        }
    }

    fn dispatch(&mut self) -> Result<(), Disconnected> {
        let limit = self.settings.limits.max_message as usize;
        loop {
            let is_complete = self.decoder.is_complete(limit);
            if !is_complete.map_err(Disconnected::broken)? || !self.can_read {
                return Ok(());
            }
            let mut admitted = Vec::new();
            let (decoder, replies) = (&mut self.decoder, &mut self.replies);
            let (now, origin) = (self.run.now(), Arc::default());
            let mut cancelled = None;
            let mut can_read = true;
            let handled = self.end.update(|state| {
                state.end_batch(replies);
                can_read = state.can_read();
                for _ in 0..BATCH {
                    let Ok(Some(message)) = decoder.message(limit) else {
                        break;
                    };
                    let message = Cow::Owned(message.to_vec());
                    match state.on_message(message, &origin, || now, &mut admitted)? {
                        Dispatched::Done => {}
                        Dispatched::Cancel(id) => {
                            cancelled = Some(id);
                            break;
                        }
                    }
                }
                Ok(())
            });
            self.can_read = can_read;
            for call in admitted {
                self.run_call(call);
            }
            handled.map_err(Disconnected::Protocol)?;
            if let Some(id) = cancelled {
                self.end.update(|state| state.cancel_incoming(id));
            }
        }
    }
}

/// Violations.
impl Host {
    /// Sends a message that a peer which keeps to the protocol never sends.
    pub(super) fn misbehave(&mut self) {
        self.event("breaks the protocol");
        self.has_misbehaved = true;
        let hello = self.hello(SessionStart::New);
        let kind = self.run.below(6);
        self.end.update(|state| {
            let outbox = &mut state.outbox;
            match kind {
                0 => outbox.push(&Message::Hello(Box::new(hello))),
                1 => outbox.push(&Message::Held(Counts(&[]))),
                2 => {
                    let mut counts = Vec::new();
                    write_counts([(ObjectId::new([7; 16]), 1)], &mut counts);
                    outbox.push(&Message::Release(Counts(&counts)));
                }
                3 => drop(outbox.push_with(|out| write_return(1 << 40, &[], out))),
                4 => drop(outbox.push_with(|out| out.push(99))),
                _ => drop(outbox.push_with(|_| {})),
            }
        });
    }
}
