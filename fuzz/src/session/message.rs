//! An independent encoder of the messages of `docs/RPC.md`, which can also encode messages that
//! Farcall would never send.

use arbitrary::Arbitrary;
use farcall::Variadic;
use farcall::protocol::Format as _;
use farcall::rpc::Encoding;
use serde::{Serialize, Serializer};

/// The state of the hostile peer, by which its messages can refer to real calls and objects.
#[derive(Debug)]
pub struct State {
    /// The encoding of payloads.
    pub encoding: Encoding,
    /// The ids of its last call and its last stream.
    calls: u64,
    streams: u64,
    /// The ids of the objects that it received.
    pub received: Vec<[u8; 16]>,
    /// The resumption token of the session.
    pub token: Option<[u8; 16]>,
    /// `true` if the last greeting of the tested side resumed the session.
    pub resumed: bool,
}

impl State {
    /// Creates the state at the start of a session.
    #[must_use]
    pub const fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            calls: 0,
            streams: 0,
            received: Vec::new(),
            token: None,
            resumed: false,
        }
    }

    /// Encodes a `Held` message with all objects that it received.
    #[must_use]
    pub fn held(&self) -> Vec<u8> {
        let objects = self.received.iter().flat_map(|id| id.iter().chain(&[1]));
        [14].iter().chain(objects).copied().collect()
    }
}

/// The id of a call or a stream.
#[derive(Arbitrary, Debug)]
pub enum Number {
    /// The next unused id.
    Next,
    /// One of the first few ids, which may belong to either side.
    Small(u8),
    /// Any id.
    Any(u64),
}

impl Number {
    fn resolve(&self, last: &mut u64) -> u64 {
        match *self {
            Self::Next => {
                *last += 1;
                *last
            }
            Self::Small(number) => u64::from(number % 16),
            Self::Any(number) => number,
        }
    }
}

/// The id of an object.
#[derive(Arbitrary, Debug)]
pub enum Object {
    /// An object of the tested side.
    Theirs(u8),
    /// An object of the hostile peer.
    Ours(u8),
    /// Any id.
    Any([u8; 16]),
}

impl Object {
    fn id(&self, state: &State) -> [u8; 16] {
        match *self {
            Self::Theirs(index) if !state.received.is_empty() => {
                state.received[usize::from(index) % state.received.len()]
            }
            Self::Theirs(number) | Self::Ours(number) => [number % 16; 16],
            Self::Any(id) => id,
        }
    }
}

/// The target of a call.
#[derive(Arbitrary, Debug)]
pub enum Target {
    /// The methods of the registry.
    Root,
    /// An object.
    Object(Object),
    /// The result of an earlier call.
    Promise(Number),
    /// An invalid target.
    Unknown(u8),
}

/// A reference beside a payload.
#[derive(Arbitrary, Debug)]
pub enum Reference {
    /// An object of the hostile peer.
    SenderHosted(Object),
    /// An object of the tested side.
    ReceiverHosted(Object),
    /// A stream of the hostile peer.
    Stream(Number),
    /// An invalid reference.
    Unknown(u8),
}

/// An argument, a result or an item.
#[derive(Arbitrary, Debug)]
pub enum Argument<'a> {
    /// Nothing.
    None,
    /// A number.
    Number(i64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// The reference at this index beside the payload.
    Attachment(u8),
}

impl Serialize for Argument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::None => serializer.serialize_none(),
            Self::Number(number) => serializer.serialize_i64(number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Attachment(index) => {
                serializer.serialize_newtype_struct("farcall::Attachment", &u64::from(index))
            }
        }
    }
}

/// The payload of a message.
#[derive(Arbitrary, Debug)]
pub enum Payload<'a> {
    /// Arguments.
    Arguments(Vec<Argument<'a>>),
    /// A result or an item.
    Value(Argument<'a>),
    /// Any bytes.
    Raw(&'a [u8]),
}

impl Payload<'_> {
    fn write(&self, encoding: Encoding, out: &mut Vec<u8>) {
        let written = match self {
            Self::Arguments(arguments) => {
                encoding.encode_args(&Variadic(arguments.iter().collect()), out)
            }
            Self::Value(value) => encoding.encode_reply(value, out),
            Self::Raw(bytes) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
        };
        written.expect("both encodings support these types");
    }
}

/// A message.
#[derive(Arbitrary, Debug)]
#[allow(missing_docs, reason = "docs/RPC.md says what the fields are")]
pub enum Message<'a> {
    Hello {
        resume: bool,
        limits: [u16; 5],
    },
    Call {
        id: Number,
        target: Target,
        flags: u8,
        timeout: u32,
        method: Method<'a>,
        references: Vec<Reference>,
        payload: Payload<'a>,
    },
    Return {
        call: Number,
        references: Vec<Reference>,
        payload: Payload<'a>,
    },
    Fault {
        call: Number,
        kind: u8,
        code: i32,
        text: &'a str,
    },
    Cancel(Number),
    Finish(Number),
    Release(Vec<(Object, u8)>),
    Item {
        stream: Number,
        references: Vec<Reference>,
        payload: Payload<'a>,
    },
    End {
        stream: Number,
        fails: bool,
    },
    Credit {
        stream: Number,
        bytes: u64,
    },
    Stop(Number),
    Ping(u64),
    Pong(u64),
    Goodbye {
        last: Number,
        reason: &'a str,
    },
    Held(Vec<(Object, u8)>),
    Raw(&'a [u8]),
}

/// The method of a call: usually one that exists.
#[derive(Arbitrary, Debug)]
pub enum Method<'a> {
    /// A method of the [workshop](super::Workshop).
    Known(u8),
    /// Any name.
    Any(&'a str),
}

const METHODS: [&str; 12] = [
    "echo",
    "fail",
    "hang",
    "pause",
    "make",
    "add",
    "keep",
    "call_back",
    "produce",
    "consume",
    "hold",
    "system.listMethods",
];

impl Method<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Known(number) => METHODS[usize::from(*number) % METHODS.len()],
            Self::Any(name) => name,
        }
    }
}

impl Message<'_> {
    /// Returns a valid first message.
    #[must_use]
    pub const fn hello(resume: bool, limits: [u16; 5]) -> Self {
        Self::Hello { resume, limits }
    }

    /// Encodes the message.
    pub fn bytes(&self, state: &mut State) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(state, &mut out);
        out
    }

    fn write(&self, state: &mut State, out: &mut Vec<u8>) {
        match self {
            Self::Hello { resume, limits } => {
                out.extend(b"\0FARCALL");
                numbers(&[2, 0], out);
                bytes(state.encoding.name().as_bytes(), out);
                limits.iter().for_each(|limit| number((*limit).into(), out));
                let token = state.token.filter(|_| *resume);
                bytes(token.as_ref().map_or(&[], |token| &token[..]), out);
            }
            Self::Call {
                id,
                target,
                flags,
                timeout,
                method,
                references: attached,
                payload,
            } => {
                out.push(1);
                number(id.resolve(&mut state.calls), out);
                match target {
                    Target::Root => out.push(0),
                    Target::Object(object) => {
                        out.push(1);
                        out.extend(object.id(state));
                    }
                    Target::Promise(call) => {
                        out.push(2);
                        number(call.resolve(&mut state.calls), out);
                    }
                    Target::Unknown(byte) => out.push(*byte),
                }
                numbers(&[(flags % 8).into(), (*timeout).into()], out);
                bytes(method.name().as_bytes(), out);
                references(attached, state, out);
                payload.write(state.encoding, out);
            }
            Self::Return {
                call,
                references: attached,
                payload,
            } => {
                out.push(2);
                number(call.resolve(&mut 0), out);
                references(attached, state, out);
                payload.write(state.encoding, out);
            }
            Self::Fault {
                call,
                kind,
                code,
                text,
            } => {
                out.push(3);
                number(call.resolve(&mut 0), out);
                fault(*kind, *code, text, out);
            }
            Self::Cancel(call) => numbers(&[4, call.resolve(&mut state.calls)], out),
            Self::Finish(call) => numbers(&[5, call.resolve(&mut state.calls)], out),
            Self::Release(objects) => counted(6, objects, state, out),
            Self::Item {
                stream,
                references: attached,
                payload,
            } => {
                out.push(7);
                number(stream.resolve(&mut state.streams), out);
                references(attached, state, out);
                payload.write(state.encoding, out);
            }
            Self::End { stream, fails } => {
                out.push(8);
                number(stream.resolve(&mut state.streams), out);
                out.push((*fails).into());
                if *fails {
                    fault(0, 1, "it failed", out);
                }
            }
            Self::Credit { stream, bytes } => {
                numbers(&[9, stream.resolve(&mut 0), *bytes], out);
            }
            Self::Stop(stream) => numbers(&[10, stream.resolve(&mut 0)], out),
            Self::Ping(value) => numbers(&[11, *value], out),
            Self::Pong(value) => numbers(&[12, *value], out),
            Self::Goodbye { last, reason } => {
                numbers(&[13, last.resolve(&mut 0)], out);
                bytes(reason.as_bytes(), out);
            }
            Self::Held(objects) => counted(14, objects, state, out),
            Self::Raw(raw) => out.extend_from_slice(raw),
        }
    }
}

fn number(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn numbers(values: &[u64], out: &mut Vec<u8>) {
    values.iter().for_each(|value| number(*value, out));
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    number(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn fault(kind: u8, code: i32, text: &str, out: &mut Vec<u8>) {
    out.push(kind);
    let code = i64::from(code);
    number((code << 1 ^ code >> 63) as u64, out);
    bytes(text.as_bytes(), out);
    out.push(0);
}

fn references(attached: &[Reference], state: &mut State, out: &mut Vec<u8>) {
    number(attached.len() as u64, out);
    for reference in attached {
        match reference {
            Reference::SenderHosted(object) => {
                out.push(0);
                out.extend(object.id(state));
            }
            Reference::ReceiverHosted(object) => {
                out.push(1);
                out.extend(object.id(state));
            }
            Reference::Stream(stream) => {
                out.push(2);
                number(stream.resolve(&mut state.streams), out);
            }
            Reference::Unknown(byte) => out.push(*byte),
        }
    }
}

fn counted(kind: u8, objects: &[(Object, u8)], state: &State, out: &mut Vec<u8>) {
    out.push(kind);
    for (object, count) in objects {
        out.extend(object.id(state));
        number((*count).into(), out);
    }
}
