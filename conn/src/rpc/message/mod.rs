//! The messages of a session, as bytes. `docs/RPC.md` specifies the format.
//!
//! Each message is one frame: a byte for its kind, then its fields. The bytes after the last field
//! of a [`Call`], [`Return`](Message::Return) or [`Item`](Message::Item) are the payload.

mod cost;
mod headers;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::time::Duration;

use farcall_core::{Fault, FaultKind};

pub(super) use cost::{call_cost, cost, fits};
pub(super) use headers::Headers;
pub(super) use write::{write_counts, write_end, write_fault, write_item, write_return};

/// Version of the protocol, which both sides send in their first message.
pub(super) const VERSION: u64 = 2;

/// The bytes of every first message after its kind.
const MAGIC: &[u8; 7] = b"FARCALL";

/// Maximum bytes of a method name, as over XML-RPC.
pub(super) const MAX_METHOD: usize = 1024;

/// Maximum causes of a fault that are sent or read.
pub(super) const MAX_CAUSES: usize = 16;

mod kind {
    pub(super) const HELLO: u8 = 0;
    pub(super) const CALL: u8 = 1;
    pub(super) const RETURN: u8 = 2;
    pub(super) const FAULT: u8 = 3;
    pub(super) const CANCEL: u8 = 4;
    pub(super) const FINISH: u8 = 5;
    pub(super) const RELEASE: u8 = 6;
    pub(super) const ITEM: u8 = 7;
    pub(super) const END: u8 = 8;
    pub(super) const CREDIT: u8 = 9;
    pub(super) const STOP: u8 = 10;
    pub(super) const PING: u8 = 11;
    pub(super) const PONG: u8 = 12;
    pub(super) const GOODBYE: u8 = 13;
    pub(super) const HELD: u8 = 14;
}

mod target {
    pub(super) const ROOT: u8 = 0;
    pub(super) const OBJECT: u8 = 1;
    pub(super) const PROMISE: u8 = 2;
}

mod flag {
    pub(super) const ONE_WAY: u64 = 1;
    pub(super) const PROMISE: u64 = 2;
    pub(super) const IDEMPOTENT: u64 = 4;
    pub(super) const HEADERS: u64 = 8;
    /// Of a greeting.
    pub(super) const RESUMED: u64 = 1;
    /// Of a greeting.
    pub(super) const TAKES_HEADERS: u64 = 2;
}

mod reference {
    pub(super) const SENDER_HOSTED: u8 = 0;
    pub(super) const RECEIVER_HOSTED: u8 = 1;
    pub(super) const STREAM: u8 = 2;
}

/// Id of an object: 128 random bits. A peer that knows them may call the object on any connection
/// that it was passed over, so debug output shows only a part of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ObjectId([u8; 16]);

impl ObjectId {
    pub(super) const fn new(id: [u8; 16]) -> Self {
        Self(id)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = self.0;
        write!(f, "{a:02x}{b:02x}..")
    }
}

/// Secret by which a session is resumed: 128 random bits, known to its two sides only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Token(pub(super) [u8; 16]);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Limits that one side of a session declares, and its peer respects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SessionLimits {
    /// Maximum bytes of one message.
    pub(super) max_message: u64,
    /// Maximum concurrent calls that the side answers.
    pub(super) max_calls: u64,
    /// Maximum concurrent streams that the side receives.
    pub(super) max_streams: u64,
    /// Maximum objects of the peer that the side refers to.
    pub(super) max_objects: u64,
    /// Maximum cost of the items of a stream in flight.
    pub(super) window: u64,
}

/// The session that a connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionStart {
    New,
    /// The session of an earlier connection.
    Resumed,
}

/// The first message of each side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) version: u64,
    /// Sent by the server: the session that the client asked to resume continues, or not.
    pub(super) start: SessionStart,
    /// The side reads calls with headers.
    pub(super) takes_headers: bool,
    /// Encoding of arguments, results and items, chosen by the client.
    pub(super) encoding: Vec<u8>,
    pub(super) limits: SessionLimits,
    /// Sent by the client: the session to resume. Sent by the server: the token by which this
    /// session can be resumed.
    pub(super) session: Option<Token>,
}

/// The target of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallTarget {
    /// The methods that the callee offers to every peer.
    Root,
    /// An object of the callee.
    Object(ObjectId),
    /// The object that an earlier call, with this id, will return.
    Promise(u64),
}

/// An attachment of a payload: an object or a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// An object of the sender.
    SenderHosted(ObjectId),
    /// An object of the receiver.
    ReceiverHosted(ObjectId),
    /// A stream whose items the sender will send.
    Stream(u64),
}

/// Objects with the number of times each was passed. Counts extend to the end of the message, and
/// stay encoded, since there may be any number of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts<'a>(pub(super) &'a [u8]);

/// The fields of a call, which its parameters follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) id: u64,
    pub(super) target: CallTarget,
    /// The caller needs no result, only the confirmation that the call has completed.
    pub(super) one_way: bool,
    /// The caller may make calls on the object that this one returns.
    pub(super) promise: bool,
    pub(super) idempotent: bool,
    /// Time that the caller still waits.
    pub(super) timeout: Option<Duration>,
    pub(super) method: &'a str,
    pub(super) headers: Headers<'a>,
    pub(super) references: Vec<Reference>,
}

/// A message. A payload extends from its offset to the end of the bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message<'a> {
    /// Boxed, since no message of a session is as large.
    Hello(Box<Hello>),
    Call(Call<'a>, usize),
    Return {
        id: u64,
        references: Vec<Reference>,
        payload: usize,
    },
    Fault {
        id: u64,
        fault: Fault,
    },
    /// The caller no longer waits for the call.
    Cancel(u64),
    /// The caller makes no more calls on the promise of this call.
    Finish(u64),
    /// The sender no longer refers to these objects of the receiver, which it received as often as
    /// counted.
    Release(Counts<'a>),
    Item {
        stream: u64,
        references: Vec<Reference>,
        payload: usize,
    },
    End {
        stream: u64,
        fault: Option<Fault>,
    },
    /// The sender of the stream may send this many bytes more.
    Credit {
        stream: u64,
        bytes: u64,
    },
    /// The receiver of the stream wants no more items.
    Stop(u64),
    Ping(u64),
    Pong(u64),
    /// The sender closes the session. It answers calls up to `last`; later ones do not run.
    Goodbye {
        last: u64,
        reason: &'a str,
    },
    /// After a session was resumed: all objects of the receiver that the sender refers to, and the
    /// number of times it received each.
    Held(Counts<'a>),
}

/// Kinds of faults. The index of a kind in this list is its byte on the wire.
const FAULT_KINDS: [FaultKind; 13] = [
    FaultKind::Application,
    FaultKind::Internal,
    FaultKind::UnknownMethod,
    FaultKind::InvalidParams,
    FaultKind::InvalidRequest,
    FaultKind::Denied,
    FaultKind::Overloaded,
    FaultKind::DeadlineExceeded,
    FaultKind::Cancelled,
    FaultKind::Gone,
    FaultKind::Parse,
    FaultKind::UnsupportedEncoding,
    FaultKind::InvalidCharacter,
];

fn fault_kind_byte(kind: FaultKind) -> u8 {
    let index = FAULT_KINDS.iter().position(|other| *other == kind);
    index.unwrap_or_default() as u8
}
