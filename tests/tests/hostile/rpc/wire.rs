//! Encoding of the messages of a session, valid or not: see `docs/RPC.md`.

/// The kinds of messages.
pub(crate) mod kind {
    pub(crate) const HELLO: u8 = 0;
    pub(crate) const CALL: u8 = 1;
    pub(crate) const RETURN: u8 = 2;
    pub(crate) const FAULT: u8 = 3;
    pub(crate) const CANCEL: u8 = 4;
    pub(crate) const FINISH: u8 = 5;
    pub(crate) const RELEASE: u8 = 6;
    pub(crate) const ITEM: u8 = 7;
    pub(crate) const END: u8 = 8;
    pub(crate) const CREDIT: u8 = 9;
    pub(crate) const STOP: u8 = 10;
    pub(crate) const PING: u8 = 11;
    pub(crate) const PONG: u8 = 12;
    pub(crate) const GOODBYE: u8 = 13;
    pub(crate) const HELD: u8 = 14;
}

/// The kinds of faults.
pub(crate) mod fault {
    pub(crate) const INTERNAL: u8 = 1;
    pub(crate) const UNKNOWN_METHOD: u8 = 2;
    pub(crate) const INVALID_PARAMS: u8 = 3;
    pub(crate) const INVALID_REQUEST: u8 = 4;
    pub(crate) const OVERLOADED: u8 = 6;
    pub(crate) const DEADLINE: u8 = 7;
    pub(crate) const CANCELLED: u8 = 8;
    pub(crate) const GONE: u8 = 9;
    pub(crate) const PARSE: u8 = 10;
}

pub(crate) mod flag {
    pub(crate) const ONE_WAY: u64 = 1;
    pub(crate) const PROMISE: u64 = 2;
}

/// The first byte of a reference.
pub(crate) mod reference {
    pub(crate) const SENDER_HOSTED: u8 = 0;
    pub(crate) const RECEIVER_HOSTED: u8 = 1;
    pub(crate) const STREAM: u8 = 2;
}

/// `(3, 5)` in MessagePack, the encoding of these sessions.
pub(crate) const THREE_AND_FIVE: &[u8] = &[0x92, 3, 5];

/// No arguments.
pub(crate) const NOTHING: &[u8] = &[0x90];

/// One argument: the first reference of the call.
pub(crate) const FIRST: &[u8] = &[0x91, 0];

/// Encodes an integer in LEB128.
pub(crate) fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A message, assembled field by field.
#[derive(Clone)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    pub(crate) fn new(kind: u8) -> Self {
        Self(vec![kind])
    }

    pub(crate) fn number(self, value: u64) -> Self {
        self.raw(&number(value))
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends bytes, preceded by their length.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        self.number(bytes.len() as u64).raw(bytes)
    }
}

/// Returns a greeting; `limits` are the local ones.
pub(crate) fn hello(encoding: &[u8], limits: [u64; 5], session: &[u8]) -> Vec<u8> {
    let hello = Message::new(kind::HELLO)
        .raw(b"FARCALL")
        .number(2)
        .number(0);
    let hello = hello.bytes(encoding);
    let hello = limits.into_iter().fold(hello, Message::number);
    hello.bytes(session).0
}

/// The limits of a peer that accepts everything.
pub(crate) const GREEDY: [u64; 5] = [u64::MAX; 5];

/// A call with default values in most fields.
pub(crate) struct Call<'a> {
    pub(crate) id: u64,
    pub(crate) target: Vec<u8>,
    pub(crate) flags: u64,
    pub(crate) timeout: u64,
    pub(crate) method: &'a str,
    /// The encoded references.
    pub(crate) references: Vec<Vec<u8>>,
    pub(crate) params: &'a [u8],
}

pub(crate) fn call<'a>(id: u64, method: &'a str, params: &'a [u8]) -> Call<'a> {
    Call {
        id,
        target: vec![0],
        flags: 0,
        timeout: 0,
        method,
        references: Vec::new(),
        params,
    }
}

impl Call<'_> {
    /// Makes it a call on an object.
    pub(crate) fn on(mut self, object: &[u8]) -> Self {
        self.target = [&[1], object].concat();
        self
    }

    /// Makes it a call on the promise of another call.
    pub(crate) fn on_promise(mut self, call: u64) -> Self {
        self.target = [vec![2], number(call)].concat();
        self
    }

    pub(crate) fn flags(mut self, flags: u64) -> Self {
        self.flags = flags;
        self
    }

    pub(crate) fn timeout(mut self, timeout: u64) -> Self {
        self.timeout = timeout;
        self
    }

    pub(crate) fn object(mut self, kind: u8, object: &[u8]) -> Self {
        self.references.push([&[kind], object].concat());
        self
    }

    pub(crate) fn stream(mut self, stream: u64) -> Self {
        let reference = [vec![reference::STREAM], number(stream)].concat();
        self.references.push(reference);
        self
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let message = Message::new(kind::CALL).number(self.id).raw(&self.target);
        let message = message.number(self.flags).number(self.timeout);
        let message = message.bytes(self.method.as_bytes());
        let message = message.number(self.references.len() as u64);
        let message = message.raw(&self.references.concat());
        message.raw(self.params).0
    }
}

/// A reader of the fields of the victim's messages, which are assumed to be valid.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub(crate) fn number(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let count = self.number();
        self.take(count as usize)
    }

    pub(crate) fn text(&mut self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }
}
