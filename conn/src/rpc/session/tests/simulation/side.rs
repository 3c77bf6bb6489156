//! One side of a session: its state, the bytes of its connection, and the calls that it answers.

use std::borrow::Cow;
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use farcall_core::protocol::{Call, CallReply, Origin, Payload};
use farcall_core::{CallError, Cancellation, Fault, FaultKind, Registry};
use fastrand::Rng;

use super::tasks::{Woken, now, sleep_until, spawn};
use crate::frame::{Decoder, Encoder};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{StreamError, Violation};
use crate::rpc::message::{Hello, SessionStart, VERSION, write_fault, write_return};
use crate::rpc::session::call_timeout::CallTimeout;
use crate::rpc::session::deferred::Deferred;
use crate::rpc::session::incoming::{AdmittedCall, CallHead, promised_object};
use crate::rpc::session::object::{
    CallRequest, ImportedObject, ObjectHandle, SessionLink, StartedCall,
};
use crate::rpc::session::producer::{ProducerTask, StreamOutlet};
use crate::rpc::session::settings::Settings;
use crate::rpc::session::state::{Dispatched, SessionState};
use crate::rpc::session::streams::{SendReadiness, StreamKey};

/// Limit of the length of messages.
const MAX_MESSAGE: usize = 1 << 20;

/// One side of a session.
pub(super) struct Side {
    this: Weak<Self>,
    state: Mutex<SessionState>,
    connection: Mutex<Connection>,
    root: Registry<Encoding>,
    pub(super) settings: Arc<Settings>,
}

/// The local end of a connection.
struct Connection {
    decoder: Decoder,
    /// Replies that were encoded outside the state.
    replies: Encoder,
    /// Bytes that are being written.
    writing: Encoder,
    written: Arc<AtomicU64>,
    /// Set when the state has output.
    woken: Arc<Woken>,
    origin: Arc<Origin>,
}

impl Side {
    pub(super) fn new(settings: Settings, root: Registry<Encoding>) -> Arc<Self> {
        let settings = Arc::new(settings);
        Arc::new_cyclic(|this: &Weak<Self>| {
            let link = Weak::clone(this);
            let (shared, methods) = (Arc::clone(&settings), root.clone());
            Self {
                this: Weak::clone(this),
                state: SessionState::new(Encoding::Bincode, shared, methods, link).into(),
                connection: Connection::new(Arc::default()).into(),
                root,
                settings,
            }
        })
    }

    /// Changes the state, then carries out the deferred actions.
    pub(super) fn update<R>(&self, update: impl FnOnce(&mut SessionState) -> R) -> R {
        let mut deferred = Deferred::default();
        let mut state = self.state.lock().unwrap();
        let result = update(&mut state);
        state.wake_for_output();
        state.update_account();
        state.outbox.take_deferred(&mut deferred);
        drop(state);
        deferred.run(|(id, source)| {
            if let Some(side) = self.this.upgrade() {
                spawn("a stream", ProducerTask::new(side, id, source));
            }
        });
        result
    }

    pub(super) fn hello(&self) -> Hello {
        Hello {
            version: VERSION,
            start: SessionStart::New,
            takes_headers: true,
            encoding: Vec::new(),
            limits: self.settings.limits,
            session: None,
        }
    }

    /// Begins with a new connection to the side that sent this greeting.
    pub(super) fn connect(&self, hello: &Hello, start: SessionStart) {
        let written = self.update(|state| {
            state.tick(now());
            state.on_connected(hello, start);
            state.outbox.written_counter()
        });
        let connection = Connection::new(written);
        connection.woken.set(true);
        *self.connection.lock().unwrap() = connection;
    }

    /// Returns `true` if there may be something to write.
    pub(super) fn can_write(&self) -> bool {
        let connection = self.connection.lock().unwrap();
        connection.woken.is_set() || !connection.writing.is_empty()
    }

    /// Returns `true` if more is read from the peer.
    pub(super) fn can_read(&self) -> bool {
        self.state.lock().unwrap().can_read()
    }

    /// Writes at most this number of bytes, and returns them.
    pub(super) fn write(&self, max: usize) -> Vec<u8> {
        let connection = &mut *self.connection.lock().unwrap();
        if connection.writing.is_empty() {
            let waker = Waker::from(Arc::clone(&connection.woken));
            connection.woken.set(false);
            let (replies, writing) = (&mut connection.replies, &mut connection.writing);
            let status = self.update(|state| state.take_output(replies, writing, now, &waker));
            // Calls and items that wait for room follow once this is written.
            connection
                .woken
                .set(connection.woken.is_set() || !status.has_outbox_room);
        }
        let bytes = connection.writing.unwritten();
        let bytes = bytes[..bytes.len().min(max)].to_vec();
        connection.writing.wrote(bytes.len());
        connection
            .written
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        bytes
    }

    /// Handles bytes of the peer, a few messages at a time.
    pub(super) fn receive(
        self: &Arc<Self>,
        bytes: &[u8],
        random: &mut Rng,
    ) -> Result<(), Violation> {
        let connection = &mut *self.connection.lock().unwrap();
        connection.decoder.feed(bytes);
        connection.woken.set(true);
        while connection.decoder.is_complete(MAX_MESSAGE).unwrap() {
            let mut admitted = Vec::new();
            let end = self.update(|state| {
                state.end_batch(&mut connection.replies);
                for _ in 0..random.u8(1..8) {
                    let message = connection.decoder.message(MAX_MESSAGE).unwrap();
                    let Some(message) = message else {
                        break;
                    };
                    let message = if random.bool() {
                        Cow::Borrowed(message)
                    } else {
                        Cow::Owned(message.to_vec())
                    };
                    let origin = &connection.origin;
                    let end = state.on_message(message, origin, now, &mut admitted)?;
                    if let Dispatched::Cancel(_) = end {
                        return Ok(end);
                    }
                }
                Ok(Dispatched::Done)
            });
            for call in admitted {
                self.run(call, &mut connection.replies);
            }
            if let Dispatched::Cancel(id) = end? {
                self.update(|state| state.cancel_incoming(id));
            }
        }
        Ok(())
    }

    fn run(self: &Arc<Self>, admitted: AdmittedCall, replies: &mut Encoder) {
        let AdmittedCall {
            head,
            object,
            cancellation,
            params,
            context,
        } = admitted;
        let untracked = cancellation.is_none().then_some(&head);
        let cancellation = cancellation.unwrap_or_default();
        let call = Call {
            params,
            format: Encoding::Bincode,
            context: context.with_cancellation(cancellation.clone()),
        };
        let deadline = call.context.deadline();
        let answer = match object {
            None => self.root.dispatch(call),
            Some(object) => object.answer(call),
        };
        let result = self.start(head.id, untracked, cancellation, deadline, answer);
        match (result, untracked) {
            (None, _) => {}
            (Some(result), None) => self.reply(head.id, result),
            (Some(_), Some(CallHead { one_way: true, .. })) => {
                replies.push_message(|out| write_return(head.id, &[], out));
            }
            (Some(result), Some(_)) => {
                let pushed = result.and_then(|reply| {
                    self.update(|state| {
                        state.outbox.append(replies);
                        state.push_return(head.id, &reply)
                    })
                });
                if let Err(fault) = pushed {
                    replies.push_message(|out| write_fault(head.id, &fault, false, out));
                }
            }
        }
    }

    /// Returns the result of a call that completes at once. Otherwise a task awaits it.
    fn start(
        self: &Arc<Self>,
        id: u64,
        untracked: Option<&CallHead>,
        cancellation: Cancellation,
        deadline: Option<Instant>,
        mut answer: CallReply,
    ) -> Option<Result<Payload, Fault>> {
        let cx = &mut Context::from_waker(Waker::noop());
        if let Poll::Ready(result) = Pin::new(&mut answer).poll(cx) {
            return Some(result);
        }
        if let Some(head) = untracked
            && !self.update(|state| state.track(head, &cancellation))
        {
            cancellation.cancel();
            return None;
        }
        let side = Arc::clone(self);
        spawn("a call of the peer", async move {
            let expired = async {
                match deadline {
                    None => pending().await,
                    Some(deadline) => sleep_until(deadline).await,
                }
            };
            let result = tokio::select! {
                biased;
                () = cancellation.cancelled() => return,
                result = answer => result,
                () = expired => Err(Fault::of(FaultKind::DeadlineExceeded, "too late")),
            };
            side.reply(id, result);
        });
        None
    }

    /// Sends the reply of a call, after the calls that depend on its object have started.
    fn reply(self: &Arc<Self>, id: u64, result: Result<Payload, Fault>) {
        while let dependents = self.update(|state| state.incoming.take_dependents(id))
            && !dependents.is_empty()
        {
            for (dependent, call) in dependents {
                let result = match promised_object(&result) {
                    Err(fault) => Some(Err(fault)),
                    Ok(object) => self.run_dependent(dependent, &object, call),
                };
                if let Some(result) = result {
                    self.reply(dependent, result);
                }
            }
        }
        self.update(|state| state.complete_incoming(id, result));
    }

    fn run_dependent(
        self: &Arc<Self>,
        id: u64,
        object: &ObjectHandle,
        mut call: Call<Encoding>,
    ) -> Option<Result<Payload, Fault>> {
        let cancellation = self.update(|state| state.incoming.cancellation(id))?;
        let deadline = call.context.deadline();
        call.context = call.context.with_cancellation(cancellation.clone());
        self.start(id, None, cancellation, deadline, object.answer(call))
    }
}

impl Connection {
    fn new(written: Arc<AtomicU64>) -> Self {
        Self {
            decoder: Decoder::new(),
            replies: Encoder::new(),
            writing: Encoder::new(),
            written,
            woken: Arc::default(),
            origin: Arc::default(),
        }
    }
}

impl SessionLink for Side {
    fn encoding(&self) -> Encoding {
        Encoding::Bincode
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn start_call(
        &self,
        request: &mut Option<CallRequest>,
        wants_promise: bool,
        timeout: CallTimeout,
        cx: &Context<'_>,
    ) -> Result<StartedCall, CallError> {
        self.update(|state| state.start_call(request, wants_promise, timeout, now, cx))
    }

    fn poll_result(&self, call: u64, cx: &Context<'_>) -> Poll<Result<Payload, CallError>> {
        let mut replaced = None;
        self.update(|state| state.outgoing.poll_result(call, cx, &mut replaced))
    }

    fn cancel_call(&self, call: u64) -> bool {
        self.update(|state| state.cancel_call(call))
    }

    fn expire_promise(&self, call: u64) {
        self.update(|state| state.expire_call(call));
    }

    fn release(&self, object: &ImportedObject) {
        self.update(|state| state.release(object));
    }

    fn poll_item(
        &self,
        stream: StreamKey,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Payload, StreamError>>> {
        self.update(|state| state.poll_item(stream, cx))
    }

    fn stop_stream(&self, stream: StreamKey) {
        self.update(|state| state.stop_stream(stream));
    }
}

impl StreamOutlet for Side {
    fn encoding(&self) -> Encoding {
        Encoding::Bincode
    }

    fn poll_ready(&self, stream: u64, cx: &Context<'_>) -> SendReadiness {
        self.update(|state| state.poll_ready(stream, cx))
    }

    fn send_item(&self, stream: u64, item: Payload) -> Result<(), Fault> {
        self.update(|state| state.send_item(stream, &item))
    }

    fn log_failure(&self, _: &Fault) {}

    fn end_stream(&self, stream: u64, fault: Option<Fault>) {
        self.update(|state| state.end_stream(stream, fault.as_ref()));
    }
}
