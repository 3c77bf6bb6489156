//! Decoding of messages.

use std::time::Duration;

use farcall_core::Fault;

use super::{
    Call, CallTarget, Counts, FAULT_KINDS, Headers, Hello, MAGIC, MAX_CAUSES, Message, ObjectId,
    Reference, SessionLimits, SessionStart, Token, VERSION, flag, kind, reference, target,
};
use crate::rpc::error::Violation;
use crate::rpc::varint;

impl Message<'_> {
    /// Decodes a message with at most `max_references` references, which take more memory decoded
    /// than encoded.
    #[inline]
    pub(in crate::rpc) fn read(
        message: &[u8],
        max_references: u64,
    ) -> Result<Message<'_>, Violation> {
        let (&kind, rest) = message.split_first().ok_or(Violation::EmptyMessage)?;
        let mut fields = Fields {
            rest,
            len: message.len(),
            max_references,
            excess: None,
        };
        // Nearly all messages are of these kinds.
        let message = match kind {
            kind::CALL => fields.call(),
            kind::RETURN => fields.reply(),
            kind::ITEM => fields.item(),
            _ => fields.message_without_payload(kind),
        };
        message.ok_or_else(|| fields.violation(kind))
    }
}

/// The part of a message that is not decoded yet.
struct Fields<'a> {
    rest: &'a [u8],
    len: usize,
    max_references: u64,
    /// The number of references, if it exceeds the limit.
    excess: Option<u64>,
}

impl<'a> Fields<'a> {
    #[inline]
    fn reply(&mut self) -> Option<Message<'a>> {
        Some(Message::Return {
            id: self.number()?,
            references: self.references()?,
            payload: self.payload(),
        })
    }

    #[inline]
    fn item(&mut self) -> Option<Message<'a>> {
        Some(Message::Item {
            stream: self.number()?,
            references: self.references()?,
            payload: self.payload(),
        })
    }

    fn message_without_payload(&mut self, kind: u8) -> Option<Message<'a>> {
        let message = match kind {
            // A later version may append fields to its first message.
            kind::HELLO => return Some(Message::Hello(Box::new(self.hello()?))),
            kind::FAULT => Message::Fault {
                id: self.number()?,
                fault: self.fault()?,
            },
            kind::CANCEL => Message::Cancel(self.number()?),
            kind::FINISH => Message::Finish(self.number()?),
            kind::RELEASE => Message::Release(self.counts()?),
            kind::HELD => Message::Held(self.counts()?),
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
        self.rest.is_empty().then_some(message)
    }

    /// Returns the reason why the message could not be decoded.
    #[cold]
    fn violation(&self, kind: u8) -> Violation {
        match self.excess {
            Some(references) => Violation::TooManyReferences(references),
            None if kind == kind::HELLO => Violation::NotHello,
            None if kind > kind::HELD => Violation::UnknownKind(kind),
            None => Violation::MalformedMessage(kind),
        }
    }

    fn hello(&mut self) -> Option<Hello> {
        if self.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let version = self.number()?;
        if version != VERSION {
            // Other versions may have other fields after this one.
            self.rest = &[];
            return Some(Hello {
                version,
                start: SessionStart::New,
                takes_headers: false,
                encoding: Vec::new(),
                limits: SessionLimits::default(),
                session: None,
            });
        }
        let flags = self.number()?;
        Some(Hello {
            version,
            start: match flags & flag::RESUMED {
                0 => SessionStart::New,
                _ => SessionStart::Resumed,
            },
            takes_headers: flags & flag::TAKES_HEADERS != 0,
            encoding: self.bytes()?.to_vec(),
            limits: SessionLimits {
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

    #[inline]
    fn call(&mut self) -> Option<Message<'a>> {
        let id = self.number()?;
        let target = match self.byte()? {
            target::ROOT => CallTarget::Root,
            target::OBJECT => CallTarget::Object(self.object()?),
            target::PROMISE => CallTarget::Promise(self.number()?),
            _ => return None,
        };
        let flags = self.number()?;
        if flags & !(flag::ONE_WAY | flag::PROMISE | flag::IDEMPOTENT | flag::HEADERS) != 0 {
            return None;
        }
        let timeout = self.number()?.checked_sub(1).map(Duration::from_micros);
        let call = Call {
            id,
            target,
            one_way: flags & flag::ONE_WAY != 0,
            promise: flags & flag::PROMISE != 0,
            idempotent: flags & flag::IDEMPOTENT != 0,
            timeout,
            method: self.text()?,
            headers: match flags & flag::HEADERS {
                0 => Headers::default(),
                _ => Headers::read(&mut self.rest)?,
            },
            references: self.references()?,
        };
        Some(Message::Call(call, self.payload()))
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

    #[inline]
    fn references(&mut self) -> Option<Vec<Reference>> {
        if let [0, rest @ ..] = self.rest {
            // The case of nearly all messages.
            self.rest = rest;
            return Some(Vec::new());
        }
        self.nonempty_references()
    }

    fn nonempty_references(&mut self) -> Option<Vec<Reference>> {
        let count = self.number()?;
        // Each reference takes at least two bytes.
        if count > self.rest.len() as u64 {
            return None;
        }
        if count > self.max_references {
            self.excess = Some(count);
            return None;
        }
        let count = usize::try_from(count).ok()?;
        let mut references = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            references.push(match self.byte()? {
                reference::SENDER_HOSTED => Reference::SenderHosted(self.object()?),
                reference::RECEIVER_HOSTED => Reference::ReceiverHosted(self.object()?),
                reference::STREAM => Reference::Stream(self.number()?),
                _ => return None,
            });
        }
        Some(references)
    }

    fn counts(&mut self) -> Option<Counts<'a>> {
        let counts = Counts(std::mem::take(&mut self.rest));
        let mut left = counts;
        while left.next().is_some() {}
        left.0.is_empty().then_some(counts)
    }

    /// Returns the offset of the payload.
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

impl Iterator for Counts<'_> {
    type Item = (ObjectId, u64);

    fn next(&mut self) -> Option<(ObjectId, u64)> {
        let (object, mut rest) = self.0.split_first_chunk()?;
        let count = varint::read(&mut rest)?;
        self.0 = rest;
        Some((ObjectId(*object), count))
    }
}
