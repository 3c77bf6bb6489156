//! The messages of a session, as bytes. `docs/RPC.md` has the format in full.
//!
//! Each message is one frame: a byte that tells its kind, then its fields. What is left over behind the
//! last field of a [`Call`], [`Return`](Message::Return) or [`Item`](Message::Item) is the payload.

use std::fmt;
use std::time::Duration;

use rpc_core::{Fault, FaultKind};

use super::varint;

/// The version of the protocol, which both ends name in their first message.
pub(super) const VERSION: u64 = 1;

/// What every first message begins with, behind its kind.
const MAGIC: &[u8; 7] = b"FARCALL";

/// How many causes of a fault are sent or read.
const MAX_CAUSES: usize = 16;

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
    pub(super) const MINE: u8 = 0;
    pub(super) const YOURS: u8 = 1;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
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
    pub(super) limits: Limits,
    /// From the connecting end: the session to resume. From the answering end: what this one can be
    /// resumed by.
    pub(super) session: Option<Token>,
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
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
    Mine(ObjectId),
    /// An object of the receiver.
    Yours(ObjectId),
    /// A stream whose items the sender will send.
    Stream(u64),
}

/// A call as it is sent; the parameters follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) id: u64,
    pub(super) target: Target,
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
    Release(Vec<(ObjectId, u64)>),
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
    Held(Vec<(ObjectId, u64)>),
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
}

fn text(text: &str, out: &mut Vec<u8>) {
    bytes(text.as_bytes(), out);
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    varint::write(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn references(references: &[Reference], out: &mut Vec<u8>) {
    varint::write(references.len() as u64, out);
    for reference in references {
        match reference {
            Reference::Mine(id) => {
                out.push(reference::MINE);
                out.extend_from_slice(&id.0);
            }
            Reference::Yours(id) => {
                out.push(reference::YOURS);
                out.extend_from_slice(&id.0);
            }
            Reference::Stream(id) => {
                out.push(reference::STREAM);
                varint::write(*id, out);
            }
        }
    }
}

fn fault_body(fault: &Fault, with_causes: bool, out: &mut Vec<u8>) {
    out.push(fault_kind_byte(fault.kind()));
    varint::write_signed(fault.code(), out);
    text(fault.message(), out);
    let causes: Vec<String> = match with_causes {
        true => fault.causes().take(MAX_CAUSES).collect(),
        false => Vec::new(),
    };
    varint::write(causes.len() as u64, out);
    for cause in causes {
        text(&cause, out);
    }
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

impl Call<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(kind::CALL);
        varint::write(self.id, out);
        match self.target {
            Target::Root => out.push(target::ROOT),
            Target::Object(id) => {
                out.push(target::OBJECT);
                out.extend_from_slice(&id.0);
            }
            Target::Promise(call) => {
                out.push(target::PROMISE);
                varint::write(call, out);
            }
        }
        let flag = |set: bool, flag: u64| if set { flag } else { 0 };
        let flags = flag(self.one_way, flag::ONE_WAY)
            | flag(self.promise, flag::PROMISE)
            | flag(self.idempotent, flag::IDEMPOTENT);
        varint::write(flags, out);
        // Nothing is no limit; the time is rounded up, so that none is not nothing.
        let micros = self.timeout.map_or(0, |time| {
            time.as_micros().min(u128::from(u64::MAX / 2)) as u64 + 1
        });
        varint::write(micros, out);
        text(self.method, out);
        references(&self.references, out);
    }
}

pub(super) fn write_return(id: u64, attached: &[Reference], out: &mut Vec<u8>) {
    out.push(kind::RETURN);
    varint::write(id, out);
    references(attached, out);
}

pub(super) fn write_fault(id: u64, fault: &Fault, with_causes: bool, out: &mut Vec<u8>) {
    out.push(kind::FAULT);
    varint::write(id, out);
    fault_body(fault, with_causes, out);
}

pub(super) fn write_item(stream: u64, attached: &[Reference], out: &mut Vec<u8>) {
    out.push(kind::ITEM);
    varint::write(stream, out);
    references(attached, out);
}

pub(super) fn write_end(stream: u64, fault: Option<&Fault>, with_causes: bool, out: &mut Vec<u8>) {
    out.push(kind::END);
    varint::write(stream, out);
    match fault {
        None => out.push(0),
        Some(fault) => {
            out.push(1);
            fault_body(fault, with_causes, out);
        }
    }
}

fn counted_objects(objects: &[(ObjectId, u64)], out: &mut Vec<u8>) {
    for (id, count) in objects {
        out.extend_from_slice(&id.0);
        varint::write(*count, out);
    }
}

impl Message<'_> {
    /// Appends the message, for those that have no payload.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut numbers = |kind: u8, numbers: &[u64]| {
            out.push(kind);
            for number in numbers {
                varint::write(*number, out);
            }
        };
        match self {
            Self::Cancel(id) => numbers(kind::CANCEL, &[*id]),
            Self::Finish(id) => numbers(kind::FINISH, &[*id]),
            Self::Credit { stream, bytes } => numbers(kind::CREDIT, &[*stream, *bytes]),
            Self::Stop(stream) => numbers(kind::STOP, &[*stream]),
            Self::Ping(number) => numbers(kind::PING, &[*number]),
            Self::Pong(number) => numbers(kind::PONG, &[*number]),
            Self::Goodbye { last, reason } => {
                numbers(kind::GOODBYE, &[*last]);
                text(reason, out);
            }
            Self::Release(objects) => {
                out.push(kind::RELEASE);
                counted_objects(objects, out);
            }
            Self::Held(objects) => {
                out.push(kind::HELD);
                counted_objects(objects, out);
            }
            Self::Hello(hello) => hello.write(out),
            Self::Call(call, _) => call.write(out),
            Self::Return { id, references, .. } => write_return(*id, references, out),
            Self::Fault { id, fault } => write_fault(*id, fault, true, out),
            Self::Item {
                stream, references, ..
            } => write_item(*stream, references, out),
            Self::End { stream, fault } => write_end(*stream, fault.as_ref(), true, out),
        }
    }

    /// Reads a message.
    pub(super) fn read(message: &[u8]) -> Result<Message<'_>, MessageError> {
        let (&kind, rest) = message.split_first().ok_or(MessageError::Empty)?;
        let mut fields = Fields {
            rest,
            len: message.len(),
        };
        if kind > kind::HELD {
            return Err(MessageError::Kind(kind));
        }
        fields.message(kind).ok_or(if kind == kind::HELLO {
            MessageError::NotHello
        } else {
            MessageError::Malformed(kind)
        })
    }
}

impl Hello {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(kind::HELLO);
        out.extend_from_slice(MAGIC);
        varint::write(self.version, out);
        varint::write(if self.resumed { flag::RESUMED } else { 0 }, out);
        bytes(&self.encoding, out);
        let Limits {
            max_message,
            max_calls,
            max_streams,
            max_objects,
            window,
        } = self.limits;
        for limit in [max_message, max_calls, max_streams, max_objects, window] {
            varint::write(limit, out);
        }
        bytes(self.session.as_ref().map_or(&[], |token| &token.0), out);
    }
}

/// The fields of a message that were not read yet.
struct Fields<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Fields<'a> {
    fn message(&mut self, kind: u8) -> Option<Message<'a>> {
        let message = match kind {
            kind::HELLO => Message::Hello(self.hello()?),
            kind::CALL => Message::Call(self.call()?, self.payload()),
            kind::RETURN => Message::Return {
                id: self.number()?,
                references: self.references()?,
                payload: self.payload(),
            },
            kind::ITEM => Message::Item {
                stream: self.number()?,
                references: self.references()?,
                payload: self.payload(),
            },
            kind::FAULT => Message::Fault {
                id: self.number()?,
                fault: self.fault()?,
            },
            kind::CANCEL => Message::Cancel(self.number()?),
            kind::FINISH => Message::Finish(self.number()?),
            kind::RELEASE => Message::Release(self.counted_objects()?),
            kind::HELD => Message::Held(self.counted_objects()?),
            kind::END => Message::End {
                stream: self.number()?,
                fault: match self.byte()? {
                    0 => None,
                    1 => Some(self.fault()?),
                    _ => return None,
                },
            },
            kind::CREDIT => Message::Credit {
                stream: self.number()?,
                bytes: self.number()?,
            },
            kind::STOP => Message::Stop(self.number()?),
            kind::PING => Message::Ping(self.number()?),
            kind::PONG => Message::Pong(self.number()?),
            kind::GOODBYE => Message::Goodbye {
                last: self.number()?,
                reason: self.text()?,
            },
            _ => return None,
        };
        // A later version may have more to say in its first message.
        let has_payload = matches!(
            message,
            Message::Hello(_) | Message::Call(..) | Message::Return { .. } | Message::Item { .. }
        );
        (has_payload || self.rest.is_empty()).then_some(message)
    }

    fn hello(&mut self) -> Option<Hello> {
        if self.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let version = self.number()?;
        if version != VERSION {
            // What follows is that version's business.
            self.rest = &[];
            let limits = Limits {
                max_message: 0,
                max_calls: 0,
                max_streams: 0,
                max_objects: 0,
                window: 0,
            };
            return Some(Hello {
                version,
                resumed: false,
                encoding: Vec::new(),
                limits,
                session: None,
            });
        }
        Some(Hello {
            version,
            resumed: self.number()? & flag::RESUMED != 0,
            encoding: self.bytes()?.to_vec(),
            limits: Limits {
                max_message: self.number()?,
                max_calls: self.number()?,
                max_streams: self.number()?,
                max_objects: self.number()?,
                window: self.number()?,
            },
            session: match self.bytes()? {
                [] => None,
                token => Some(Token(token.try_into().ok()?)),
            },
        })
    }

    fn call(&mut self) -> Option<Call<'a>> {
        let id = self.number()?;
        let target = match self.byte()? {
            target::ROOT => Target::Root,
            target::OBJECT => Target::Object(self.object()?),
            target::PROMISE => Target::Promise(self.number()?),
            _ => return None,
        };
        let flags = self.number()?;
        if flags & !(flag::ONE_WAY | flag::PROMISE | flag::IDEMPOTENT) != 0 {
            return None;
        }
        let timeout = self.number()?.checked_sub(1).map(Duration::from_micros);
        Some(Call {
            id,
            target,
            one_way: flags & flag::ONE_WAY != 0,
            promise: flags & flag::PROMISE != 0,
            idempotent: flags & flag::IDEMPOTENT != 0,
            timeout,
            method: self.text()?,
            references: self.references()?,
        })
    }

    fn fault(&mut self) -> Option<Fault> {
        let kind = *FAULT_KINDS.get(usize::from(self.byte()?))?;
        let code = varint::read_signed(&mut self.rest)?;
        let fault = Fault::of(kind, self.text()?).with_code(code);
        let count = usize::try_from(self.number()?).ok()?;
        if count > MAX_CAUSES {
            return None;
        }
        let mut causes = Vec::new();
        for _ in 0..count {
            causes.push(self.text()?.to_owned());
        }
        Some(fault.with_remote_causes(causes))
    }

    fn references(&mut self) -> Option<Vec<Reference>> {
        let count = usize::try_from(self.number()?).ok()?;
        // Each takes two bytes at least.
        if count > self.rest.len() {
            return None;
        }
        let mut references = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            references.push(match self.byte()? {
                reference::MINE => Reference::Mine(self.object()?),
                reference::YOURS => Reference::Yours(self.object()?),
                reference::STREAM => Reference::Stream(self.number()?),
                _ => return None,
            });
        }
        Some(references)
    }

    fn counted_objects(&mut self) -> Option<Vec<(ObjectId, u64)>> {
        let mut objects = Vec::new();
        while !self.rest.is_empty() {
            objects.push((self.object()?, self.number()?));
        }
        Some(objects)
    }

    /// Where the payload begins.
    fn payload(&self) -> usize {
        self.len - self.rest.len()
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn number(&mut self) -> Option<u64> {
        varint::read(&mut self.rest)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        self.take(len)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn object(&mut self) -> Option<ObjectId> {
        self.take(16)?.try_into().ok().map(ObjectId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<Message<'static>> {
        let id = ObjectId([7; 16]);
        let references = vec![
            Reference::Mine(id),
            Reference::Yours(id),
            Reference::Stream(300),
        ];
        let limits = Limits {
            max_message: 1,
            max_calls: 200,
            max_streams: 70_000,
            max_objects: 4,
            window: u64::MAX,
        };
        let call = Call {
            id: 5,
            target: Target::Root,
            one_way: false,
            promise: true,
            idempotent: false,
            timeout: Some(Duration::from_millis(100)),
            method: "add",
            references: references.clone(),
        };
        let fault = Fault::new(-7, "no").with_remote_causes(["why".to_owned()]);
        vec![
            Message::Hello(Hello {
                version: VERSION,
                resumed: true,
                encoding: b"bincode".to_vec(),
                limits,
                session: Some(Token([1; 16])),
            }),
            Message::Call(call.clone(), 0),
            Message::Call(
                Call {
                    target: Target::Object(id),
                    one_way: true,
                    timeout: None,
                    references: Vec::new(),
                    ..call.clone()
                },
                0,
            ),
            Message::Call(
                Call {
                    target: Target::Promise(4),
                    timeout: Some(Duration::ZERO),
                    references: Vec::new(),
                    ..call
                },
                0,
            ),
            Message::Return {
                id: 5,
                references: references.clone(),
                payload: 0,
            },
            Message::Fault {
                id: 6,
                fault: fault.clone(),
            },
            Message::Cancel(7),
            Message::Finish(8),
            Message::Release(vec![(id, 1), (id, 500)]),
            Message::Item {
                stream: 9,
                references: Vec::new(),
                payload: 0,
            },
            Message::End {
                stream: 9,
                fault: None,
            },
            Message::End {
                stream: 9,
                fault: Some(fault),
            },
            Message::Credit {
                stream: 9,
                bytes: 1 << 40,
            },
            Message::Stop(9),
            Message::Ping(1),
            Message::Pong(1),
            Message::Goodbye {
                last: 10,
                reason: "enough",
            },
            Message::Held(vec![(id, 3)]),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        for message in messages() {
            let mut out = Vec::new();
            message.write(&mut out);
            let end = out.len();
            out.extend(b"payload");
            match Message::read(&out) {
                Ok(Message::Hello(_)) | Err(_) => {
                    assert_eq!(Message::read(&out[..end]).unwrap(), message);
                }
                Ok(mut read) => {
                    if let Message::Call(_, payload)
                    | Message::Return { payload, .. }
                    | Message::Item { payload, .. } = &mut read
                    {
                        assert_eq!(*payload, end);
                        *payload = 0;
                    }
                    assert_eq!(read, message);
                }
            }
        }
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for message in messages() {
            let mut out = Vec::new();
            message.write(&mut out);
            for len in 0..out.len() {
                if let Ok(shorter) = Message::read(&out[..len]) {
                    // A list without a count may end earlier.
                    assert!(matches!(shorter, Message::Release(_) | Message::Held(_)));
                }
            }
            out.push(0);
            let has_payload = matches!(
                message,
                Message::Hello(_)
                    | Message::Call(..)
                    | Message::Return { .. }
                    | Message::Item { .. }
            );
            assert_eq!(Message::read(&out).is_ok(), has_payload);
        }
    }

    #[test]
    fn another_version_is_read_as_far_as_its_number() {
        let hello = b"\0FARCALL\x63 whatever comes then";
        let Ok(Message::Hello(hello)) = Message::read(hello) else {
            panic!("a first message");
        };
        assert_eq!(hello.version, 0x63);
        assert_eq!(Message::read(b"\0HELLO"), Err(MessageError::NotHello));
        assert_eq!(Message::read(b"\xff"), Err(MessageError::Kind(0xff)));
        assert_eq!(Message::read(b""), Err(MessageError::Empty));
    }

    #[test]
    fn every_kind_of_fault_has_a_place() {
        for (place, kind) in FAULT_KINDS.into_iter().enumerate() {
            assert_eq!(usize::from(fault_kind_byte(kind)), place);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes: Vec<u8>) {
            let _ = Message::read(&bytes);
        }
    }
}
