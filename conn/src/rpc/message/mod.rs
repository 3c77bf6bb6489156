//! The messages of a session, as bytes. `docs/RPC.md` has the format in full.
//!
//! Each message is one frame: a byte that tells its kind, then its fields. What is left over behind the
//! last field of a [`Call`], [`Return`](Message::Return) or [`Item`](Message::Item) is the payload.

use std::fmt;
use std::time::Duration;

use rpc_core::{Fault, FaultKind};

mod cost;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(super) use cost::{cost, fits};
pub(super) use read::{plain_call, plain_return};
pub(super) use write::{write_counts, write_end, write_fault, write_item, write_return};

/// The version of the protocol, which both ends name in their first message.
pub(super) const VERSION: u64 = 2;

/// What every first message begins with, behind its kind.
const MAGIC: &[u8; 7] = b"FARCALL";

/// How many bytes the name of a method may have, as over XML-RPC.
pub(super) const MAX_METHOD: usize = 1024;

/// How many causes of a fault are sent or read.
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
    pub(super) const RESUMED: u64 = 1;
}

mod reference {
    pub(super) const SENDER_HOSTED: u8 = 0;
    pub(super) const RECEIVER_HOSTED: u8 = 1;
    pub(super) const STREAM: u8 = 2;
}

/// What an object is known by: 128 random bits. Whoever knows them on a connection that the object was
/// passed over may call it, so they are not shown in full.
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

/// What a session is resumed by: 128 random bits, a secret of its two ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Token(pub(super) [u8; 16]);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The limits of one end, which the other keeps to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SessionLimits {
    /// Bytes of one message.
    pub(super) max_message: u64,
    /// Calls that it answers at once.
    pub(super) max_calls: u64,
    /// Streams that it receives at once.
    pub(super) max_streams: u64,
    /// Objects of the other end that it refers to.
    pub(super) max_objects: u64,
    /// Bytes of a stream that may be under way.
    pub(super) window: u64,
}

/// The first message of each end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) version: u64,
    /// From the answering end: that the session goes on which the other named.
    pub(super) resumed: bool,
    /// The name of the encoding of arguments, results and items: the connecting end's choice.
    pub(super) encoding: Vec<u8>,
    pub(super) limits: SessionLimits,
    /// From the connecting end: the session to resume. From the answering end: what this one can be
    /// resumed by.
    pub(super) session: Option<Token>,
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallTarget {
    /// The methods that the other end offers to whoever connects.
    Root,
    /// An object of the other end.
    Object(ObjectId),
    /// The object that an earlier call will return.
    Promise(u64),
}

/// An object or a stream that a payload has beside its bytes, as the sender sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// An object of the sender.
    SenderHosted(ObjectId),
    /// An object of the receiver.
    ReceiverHosted(ObjectId),
    /// A stream whose items the sender will send.
    Stream(u64),
}

/// Objects, each with how many times it was passed: to the end of a message, and left there, since there may
/// be any number of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts<'a>(pub(super) &'a [u8]);

/// A call as it is sent; the parameters follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) id: u64,
    pub(super) target: CallTarget,
    /// The caller wants no result, only to know that the call ended.
    pub(super) one_way: bool,
    /// The caller may make calls on the object that this one returns.
    pub(super) promise: bool,
    pub(super) idempotent: bool,
    /// How long the caller still waits.
    pub(super) timeout: Option<Duration>,
    pub(super) method: &'a str,
    pub(super) references: Vec<Reference>,
}

/// A message. A payload is the rest of the bytes from its offset on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message<'a> {
    Hello(Hello),
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
    /// The caller will make no more calls on what this call promised.
    Finish(u64),
    /// The sender no longer refers to objects of the receiver that it received so many times.
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
    /// So many more bytes of the stream may be sent.
    Credit {
        stream: u64,
        bytes: u64,
    },
    /// The items of the stream are no longer wanted.
    Stop(u64),
    Ping(u64),
    Pong(u64),
    /// The sender is about to leave. It answers calls up to `last`; later ones do not run.
    Goodbye {
        last: u64,
        reason: &'a str,
    },
    /// After a session was resumed: all objects of the receiver that the sender refers to, and how many
    /// times it received each.
    Held(Counts<'a>),
}

/// Why a message cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MessageError {
    #[error("a message without any byte")]
    Empty,
    #[error(
        "the first message is not that of a session of calls: the peer speaks another protocol"
    )]
    NotHello,
    #[error("{0} is no kind of message")]
    Kind(u8),
    #[error("a message of kind {0} is malformed")]
    Malformed(u8),
    #[error("a message with {0} references, more than there may be objects and streams")]
    References(u64),
}

/// The kinds of faults, by the byte that stands for them on the wire: their place in this list.
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
    let place = FAULT_KINDS.iter().position(|other| *other == kind);
    place.unwrap_or_default() as u8
}
