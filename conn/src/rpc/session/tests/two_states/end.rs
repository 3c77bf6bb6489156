//! A state, with what its calls, objects and streams know of it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use farcall_core::protocol::Payload;
use farcall_core::{CallError, Fault, Registry};

use super::run::Run;
use crate::rpc::encoding::Encoding;
use crate::rpc::error::{Disconnected, StreamError};
use crate::rpc::session::call_timeout::CallTimeout;
use crate::rpc::session::deferred::Deferred;
use crate::rpc::session::item_source::ItemSource;
use crate::rpc::session::object::{CallRequest, ImportedObject, SessionLink, StartedCall};
use crate::rpc::session::producer::StreamOutlet;
use crate::rpc::session::settings::Settings;
use crate::rpc::session::state::SessionState;
use crate::rpc::session::streams::{SendReadiness, StreamKey};

/// One of the two states.
pub(super) struct End {
    state: Mutex<SessionState>,
    settings: Arc<Settings>,
    /// Streams that start, with their ids.
    started: Mutex<Vec<(u64, Box<dyn ItemSource>)>>,
    run: Arc<Run>,
}

/// The link of a state. When the last one is dropped, the session closes.
pub(super) struct Link(Arc<End>);

impl End {
    pub(super) fn open(settings: Arc<Settings>, run: Arc<Run>) -> Arc<Link> {
        Arc::new_cyclic(|link: &Weak<Link>| {
            let (shared, root) = (Arc::clone(&settings), Registry::new());
            let state = SessionState::new(Encoding::Bincode, shared, root, link.clone());
            Link(Arc::new(Self {
                state: Mutex::new(state),
                settings,
                started: Mutex::default(),
                run,
            }))
        })
    }

    /// Changes the state, then carries out the deferred actions.
    pub(super) fn update<R>(&self, update: impl FnOnce(&mut SessionState) -> R) -> R {
        let mut deferred = Deferred::default();
        let result = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let result = update(&mut state);
            state.update_account();
            state.outbox.take_deferred(&mut deferred);
            result
        };
        deferred.run(|stream| self.started().push(stream));
        result
    }

    fn started(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Box<dyn ItemSource>)>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the streams that start.
    pub(super) fn take_started(&self) -> Vec<(u64, Box<dyn ItemSource>)> {
        std::mem::take(&mut self.started())
    }

    pub(super) fn close(&self, reason: &str) {
        if self.update(|state| state.close(reason)) {
            self.update(|state| state.end(&Disconnected::Closed));
        }
    }
}

impl StreamOutlet for End {
    fn encoding(&self) -> Encoding {
        Encoding::Bincode
    }

    fn poll_ready(&self, stream: u64, cx: &Context<'_>) -> SendReadiness {
        self.update(|state| state.poll_ready(stream, cx))
    }

    fn send_item(&self, stream: u64, item: Payload) -> Result<(), Fault> {
        self.update(|state| state.send_item(stream, &item))
    }

    fn log_failure(&self, _fault: &Fault) {}

    fn end_stream(&self, stream: u64, fault: Option<Fault>) {
        self.update(|state| state.end_stream(stream, fault.as_ref()));
    }
}

impl Link {
    pub(super) const fn end(&self) -> &Arc<End> {
        &self.0
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.0.close("");
    }
}

impl SessionLink for Link {
    fn encoding(&self) -> Encoding {
        Encoding::Bincode
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn start_call(
        &self,
        request: &mut Option<CallRequest>,
        wants_promise: bool,
        timeout: CallTimeout,
        cx: &Context<'_>,
    ) -> Result<StartedCall, CallError> {
        let now = || self.0.run.now();
        self.0
            .update(|state| state.start_call(request, wants_promise, timeout, now, cx))
    }

    fn poll_result(&self, call: u64, cx: &Context<'_>) -> Poll<Result<Payload, CallError>> {
        let mut replaced = None;
        self.0
            .update(|state| state.outgoing.poll_result(call, cx, &mut replaced))
    }

    fn cancel_call(&self, call: u64) -> bool {
        self.0.update(|state| state.cancel_call(call))
    }

    fn expire_promise(&self, call: u64) {
        self.0.update(|state| state.expire_call(call));
    }

    fn release(&self, object: &ImportedObject) {
        self.0.update(|state| state.release(object));
    }

    fn poll_item(
        &self,
        stream: StreamKey,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Payload, StreamError>>> {
        self.0.update(|state| state.poll_item(stream, cx))
    }

    fn stop_stream(&self, stream: StreamKey) {
        self.0.update(|state| state.stop_stream(stream));
    }
}
