//! Encoded parameters and results.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::Position;

/// Encoded parameters or an encoded result: a slice of the message that it came in, so that
/// nothing is copied and an error can tell its position in the whole message.
///
/// What is no data, such as a reference to an object, travels [beside](Self::attachments) the bytes.
#[derive(Clone)]
pub struct Payload {
    message: Message,
    range: Range<usize>,
    /// Few payloads have any.
    attachments: Option<Box<[Attachment]>>,
}

/// What travels beside the bytes of a payload: a reference to an object, the end of a stream. The
/// bytes have its place in the list; only the protocol that carries it knows what it is.
pub type Attachment = Arc<dyn Any + Send + Sync>;

/// How long a message can be that needs no allocation: it takes no more room than the others.
const INLINE_CAPACITY: usize = 30;

/// A message fresh from an encoder stays a plain vector: turning it into `Bytes` would cost an
/// allocation that a call within the process never needs.
#[derive(Clone)]
enum Message {
    Inline {
        len: u8,
        bytes: [u8; INLINE_CAPACITY],
    },
    Owned(Vec<u8>),
    Shared(Bytes),
    /// One of which a part is used, whose start is at this position. Boxed, it takes no more room than the others.
    Positioned(Box<(Bytes, Position)>),
}

impl Message {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
            Self::Positioned(positioned) => &positioned.0,
        }
    }
}

impl Payload {
    /// A copy of these bytes. Up to 30 of them need no allocation.
    #[must_use]
    pub fn copied(message: &[u8]) -> Self {
        let range = 0..message.len();
        let message = match message.len() {
            len @ 0..=INLINE_CAPACITY => {
                let mut bytes = [0; INLINE_CAPACITY];
                bytes[..len].copy_from_slice(message);
                Message::Inline {
                    len: len as u8,
                    bytes,
                }
            }
            _ => Message::Owned(message.to_vec()),
        };
        Self {
            message,
            range,
            attachments: None,
        }
    }

    /// The part of `message` that `range` names.
    ///
    /// # Panics
    /// If `range` does not lie within the message.
    #[must_use]
    pub fn part(message: Bytes, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= message.len(),
            "a part of its message"
        );
        Self {
            message: Message::Shared(message),
            range,
            attachments: None,
        }
    }

    /// The part of `message` that `range` names and that starts at this position. Errors in it are counted from
    /// there: to count each of many parts from the start of their message takes parts times length.
    ///
    /// # Panics
    /// If `range` does not lie within the message.
    #[must_use]
    pub fn part_at(message: Bytes, range: Range<usize>, start: Position) -> Self {
        let part = Self::part(message, range);
        match part.message {
            Message::Shared(bytes) => Self {
                message: Message::Positioned(Box::new((bytes, start))),
                ..part
            },
            _ => part,
        }
    }

    /// Where in a text document these bytes start, if that is [known](Self::part_at) without counting.
    #[must_use]
    pub fn start(&self) -> Option<Position> {
        match &self.message {
            Message::Positioned(positioned) => Some(positioned.1),
            _ => None,
        }
    }

    /// What `message` has from `begin` on.
    ///
    /// # Panics
    /// If that is beyond its end.
    #[must_use]
    pub fn rest(message: Vec<u8>, begin: usize) -> Self {
        assert!(begin <= message.len(), "a part of its message");
        Self {
            range: begin..message.len(),
            message: Message::Owned(message),
            attachments: None,
        }
    }

    /// Puts these beside the bytes.
    #[must_use]
    pub fn with_attachments(mut self, attachments: Vec<Attachment>) -> Self {
        self.attachments = (!attachments.is_empty()).then(|| attachments.into());
        self
    }

    /// What travels beside the bytes, in the order of their places.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        self.attachments.as_deref().unwrap_or_default()
    }

    /// The encoded bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.message.as_slice()[self.range.clone()]
    }

    /// The whole message that these bytes came in.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        self.message.as_slice()
    }

    /// Where in the [message](Self::message) these bytes are.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The whole message, without a copy.
    #[must_use]
    pub fn into_message(self) -> Bytes {
        match self.message {
            Message::Inline { len, bytes } => Bytes::copy_from_slice(&bytes[..usize::from(len)]),
            Message::Owned(bytes) => Bytes::from(bytes),
            Message::Shared(bytes) => bytes,
            Message::Positioned(positioned) => positioned.0,
        }
    }

    /// The bytes alone, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        let range = self.range.clone();
        let message = self.into_message();
        if range.len() == message.len() {
            return message;
        }
        message.slice(range)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            range: 0..bytes.len(),
            message: Message::Owned(bytes),
            attachments: None,
        }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self {
            range: 0..bytes.len(),
            message: Message::Shared(bytes),
            attachments: None,
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Bytes::copy_from_slice(self.as_slice()), f)?;
        match self.attachments().len() {
            0 => Ok(()),
            count => write!(f, " and {count} attachments"),
        }
    }
}
