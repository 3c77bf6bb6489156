//! The streams of methods, as subscriptions of the peer.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use farcall_core::protocol::attachment::{JsonItems, JsonStream};
use farcall_core::protocol::{Format as _, Payload};
use farcall_core::{Fault, FaultKind, Json};
use futures_util::future::{AbortHandle, AbortRegistration, Abortable, join_all};
use futures_util::{FutureExt as _, StreamExt as _};

use super::{Outgoing, Session};
use crate::envelope::write_error_object;
use crate::service::Subscribe;

/// The subscriptions of a peer.
pub(super) struct Streams {
    max: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// By id.
    running: HashMap<u64, AbortHandle>,
    last: u64,
    is_stopping: bool,
}

impl Streams {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            table: Mutex::default(),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Result<(u64, AbortRegistration), Fault> {
        let mut table = self.table();
        if table.running.len() >= self.max {
            let text = format!("a connection has at most {} subscriptions", self.max);
            return Err(Fault::of(FaultKind::Overloaded, text));
        }
        if table.is_stopping {
            return Err(Fault::of(FaultKind::Overloaded, STOPPING));
        }
        table.last += 1;
        let id = table.last;
        let (abort, registration) = AbortHandle::new_pair();
        table.running.insert(id, abort);
        Ok((id, registration))
    }

    fn end(&self, id: u64) -> bool {
        let abort = self.table().running.remove(&id);
        abort.inspect(AbortHandle::abort).is_some()
    }

    /// Ends all subscriptions, since the server stops.
    pub(super) fn stop(&self) {
        let mut table = self.table();
        table.is_stopping = true;
        for abort in table.running.values() {
            abort.abort();
        }
    }
}

const STOPPING: &str = "the session ends";

/// The subscriptions that the calls of one message begin. They run once it is answered.
pub(crate) struct CallStreams<'a> {
    session: &'a Session,
    begun: Mutex<Vec<Begun>>,
}

struct Begun {
    id: u64,
    method: Box<str>,
    items: JsonItems,
    registration: AbortRegistration,
}

impl<'a> CallStreams<'a> {
    pub(super) const fn new(session: &'a Session) -> Self {
        Self {
            session,
            begun: Mutex::new(Vec::new()),
        }
    }

    /// Sends the items of all, until each has ended.
    pub(super) async fn run(self) {
        let begun = self
            .begun
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if !begun.is_empty() {
            join_all(begun.into_iter().map(|begun| run(begun, self.session))).await;
        }
    }
}

impl Subscribe for CallStreams<'_> {
    fn subscribe(&self, result: &Payload, method: &str) -> Result<Payload, Fault> {
        let whole = match result.attachments() {
            [stream] if result.as_slice() == b"0" => stream.downcast_ref::<JsonStream>(),
            _ => None,
        };
        let items = whole.and_then(JsonStream::take).ok_or_else(|| {
            let text = "a stream in JSON-RPC is the whole result, not a part of it";
            Fault::of(FaultKind::Internal, text)
        })?;
        let (id, registration) = self.session.0.streams.begin()?;
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.push(Begun {
            id,
            method: notification_name(method).into(),
            items,
            registration,
        });
        Ok(Payload::copied(format!("\"{id:#x}\"").as_bytes()))
    }

    fn unsubscribe(&self, params: &Payload) -> Result<Payload, Fault> {
        let (id,): (String,) = Json::default().decode_args(params)?;
        let number = id.strip_prefix("0x").map(|id| u64::from_str_radix(id, 16));
        let has_ended = match number {
            Some(Ok(number)) => self.session.0.streams.end(number),
            _ => false,
        };
        Json::default().reply(&has_ended).map_err(Into::into)
    }
}

/// Sends the items of a subscription. A further item is only asked for once there is room for it
/// among the messages that wait to be written.
async fn run(begun: Begun, session: &Session) {
    let Begun {
        id,
        method,
        mut items,
        registration,
    } = begun;
    let subscription = Notification { id, method };
    let sending = async {
        loop {
            let item = AssertUnwindSafe(items.next()).catch_unwind().await;
            match item {
                Ok(Some(Ok(item))) => {
                    let document = subscription.item(&item);
                    let length = document.len();
                    let mut outgoing = Outgoing::new(Some(document));
                    if let Err(no_room) = outgoing.hold.resize(&session.0.account, length) {
                        return Some(Some(no_room.of_reply()));
                    }
                    if session.0.outbox.send(outgoing).await.is_err() {
                        return None;
                    }
                }
                Ok(Some(Err(fault))) => return Some(Some(fault)),
                Ok(None) => return Some(None),
                Err(_) => {
                    let fault = Fault::of(FaultKind::Internal, "the stream panicked");
                    return Some(Some(fault));
                }
            }
        }
    };
    let end = match Abortable::new(sending, registration).await {
        Ok(end) => end,
        Err(_) if session.0.streams.table().is_stopping => {
            Some(Some(Fault::of(FaultKind::Gone, STOPPING)))
        }
        // The peer has ended it.
        Err(_) => None,
    };
    session.0.streams.table().running.remove(&id);
    if let Some(fault) = end {
        let outgoing = Outgoing::new(Some(subscription.end(fault.as_ref())));
        let _ = session.0.outbox.send(outgoing).await;
    }
}

/// The notifications of one subscription.
struct Notification {
    id: u64,
    method: Box<str>,
}

impl Notification {
    fn item(&self, item: &Payload) -> Bytes {
        self.with("result", item.as_slice())
    }

    /// The end: an error, which is `null` if there is none.
    fn end(&self, fault: Option<&Fault>) -> Bytes {
        let mut error = Vec::new();
        match fault {
            Some(fault) => write_error_object(fault, fault.message(), &mut error),
            None => error.extend_from_slice(b"null"),
        }
        self.with("error", &error)
    }

    fn with(&self, name: &str, value: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(value.len() + self.method.len() + 96);
        out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"#);
        // A string can always be written.
        let _ = serde_json::to_writer(&mut out, &*self.method);
        let params = format!(r#","params":{{"subscription":"{:#x}","{name}":"#, self.id);
        out.extend_from_slice(params.as_bytes());
        out.extend_from_slice(value);
        out.extend_from_slice(b"}}");
        out.into()
    }
}

/// Returns the method of the notifications: `eth_subscription` for `eth_subscribe`, as Ethereum
/// nodes have it, and else the name of the method itself, as jsonrpsee has it.
fn notification_name(method: &str) -> String {
    match method.strip_suffix("subscribe") {
        Some(prefix) => format!("{prefix}subscription"),
        None => method.to_owned(),
    }
}
