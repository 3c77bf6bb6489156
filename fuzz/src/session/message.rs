//! Messages as `docs/RPC.md` has them, written here anew: what the program itself would never send can be sent.

use arbitrary::Arbitrary;
use conn::rpc::Encoding;
use rpc_core::{Format as _, Variadic};
use serde::{Serialize, Serializer};

/// What the hostile end knows, so that what it says can make sense.
#[derive(Debug)]
pub struct State {
    /// How payloads are encoded.
    pub encoding: Encoding,
    /// Its last call and its last stream.
    calls: u64,
    streams: u64,
    /// The objects that it was sent.
    pub received: Vec<[u8; 16]>,
    /// What the session is resumed by.
    pub token: Option<[u8; 16]>,
    /// Whether the last greeting of the other end said that it is.
    pub resumed: bool,
}

impl State {
    /// At the beginning of a session.
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

    /// A `Held` of all objects that it was sent.
    #[must_use]
    pub fn held(&self) -> Vec<u8> {
        let objects = self.received.iter().flat_map(|id| id.iter().chain(&[1]));
        [14].iter().chain(objects).copied().collect()
    }
}

/// A number of a call or a stream.
#[derive(Arbitrary, Debug)]
pub enum Number {
    /// The one after the last.
    Next,
    /// One of the first few, which may be those of either end.
    Small(u8),
    /// Whatever.
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

/// What an object is known by.
#[derive(Arbitrary, Debug)]
pub enum Object {
    /// One of the other end.
    Theirs(u8),
    /// One of this end.
    Ours(u8),
    /// Whatever.
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

/// What a call is for.
#[derive(Arbitrary, Debug)]
pub enum Target {
    /// What is offered to everyone.
    Root,
    /// An object.
    Object(Object),
    /// What an earlier call returns.
    Promise(Number),
    /// No target at all.
    Unknown(u8),
}

/// What stands beside a payload.
#[derive(Arbitrary, Debug)]
pub enum Reference {
    /// An object of this end.
    Mine(Object),
    /// An object of the other end.
    Yours(Object),
    /// A stream of this end.
    Stream(Number),
    /// No reference at all.
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
    /// What stands at this place beside the payload.
    Place(u8),
}

impl Serialize for Argument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::None => serializer.serialize_none(),
            Self::Number(number) => serializer.serialize_i64(number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Place(place) => {
                serializer.serialize_newtype_struct("farcall::Attachment", &u64::from(place))
            }
        }
    }
}

/// What follows the fields of a message.
#[derive(Arbitrary, Debug)]
pub enum Payload<'a> {
    /// Arguments.
    Arguments(Vec<Argument<'a>>),
    /// A result or an item.
    Value(Argument<'a>),
    /// Whatever.
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
        written.expect("both encodings have all of these");
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

/// What is called: mostly something that is there.
#[derive(Arbitrary, Debug)]
pub enum Method<'a> {
    /// One of the [workshop](super::Workshop)'s.
    Known(u8),
    /// Whatever.
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
    /// A first message that is as it should be.
    #[must_use]
    pub const fn hello(resume: bool, limits: [u16; 5]) -> Self {
        Self::Hello { resume, limits }
    }

    /// The bytes of the message.
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
            Reference::Mine(object) => {
                out.push(0);
                out.extend(object.id(state));
            }
            Reference::Yours(object) => {
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
