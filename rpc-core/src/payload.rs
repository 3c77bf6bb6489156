//! Encoded parameters and results.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::Position;

/// Encoded parameters or an encoded result. It is a range of the message that contains it, so that
/// nothing is copied and errors have positions in the whole message.
///
/// Values that are not data, such as references to objects, travel as
/// [attachments](Self::attachments).
#[derive(Clone)]
pub struct Payload {
    message: Message,
    range: Range<usize>,
    /// Boxed, since few payloads have any.
    attachments: Option<Box<[Attachment]>>,
}

/// A value that travels beside the bytes of a payload: a reference to an object, or a stream. The
/// bytes refer to it by its index. Only the protocol that carries it knows its type.
pub type Attachment = Arc<dyn Any + Send + Sync>;

/// Maximum length in bytes of a message that is stored inline, without an allocation. This length
/// does not make [`Message`] larger than its other variants do.
const INLINE_CAPACITY: usize = 30;

/// The storage of a message. The output of an encoder stays a vector: converting it to `Bytes`
/// would cost an allocation that a call within the process never needs.
#[derive(Clone)]
enum Message {
    Inline {
        len: u8,
        bytes: [u8; INLINE_CAPACITY],
    },
    Owned(Vec<u8>),
    Shared(Bytes),
    /// A message, and the position of the payload in it. Boxed, so that it is no larger than the
    /// other variants.
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
    /// Creates a payload by copying bytes. Up to 30 bytes need no allocation.
    #[must_use]
    pub fn copied(message: &[u8]) -> Self {
        Self::whole(match message.len() {
            len @ 0..=INLINE_CAPACITY => {
                let mut bytes = [0; INLINE_CAPACITY];
                bytes[..len].copy_from_slice(message);
                Message::Inline {
                    len: len as u8,
                    bytes,
                }
            }
            _ => Message::Owned(message.to_vec()),
        })
    }

    fn whole(message: Message) -> Self {
        Self {
            range: 0..message.as_slice().len(),
            message,
            attachments: None,
        }
    }

    /// Creates a payload from a range of `message`.
    ///
    /// # Panics
    /// If `range` does not lie within the message.
    #[must_use]
    pub fn part(message: Bytes, range: Range<usize>) -> Self {
        Self::from(message).with_range(range)
    }

    /// Creates a payload from a range of `message` that starts at a known position. The positions
    /// of errors are counted from there. Counting from the start of the message for each of its
    /// payloads would take time proportional to their number times its length.
    ///
    /// # Panics
    /// If `range` does not lie within the message.
    #[must_use]
    pub fn part_at(message: Bytes, range: Range<usize>, start: Position) -> Self {
        Self::whole(Message::Positioned(Box::new((message, start)))).with_range(range)
    }

    /// The position of the payload in a text document, if it was [given](Self::part_at).
    #[must_use]
    pub fn start(&self) -> Option<Position> {
        match &self.message {
            Message::Positioned(positioned) => Some(positioned.1),
            _ => None,
        }
    }

    /// Sets the range of the encoded bytes in the message. Default: the whole message.
    ///
    /// # Panics
    /// If `range` does not lie within the message.
    #[must_use]
    pub fn with_range(self, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= self.message().len(),
            "`range` must lie within the message"
        );
        Self { range, ..self }
    }

    /// Sets the attachments. Default: none.
    #[inline]
    #[must_use]
    pub fn with_attachments(mut self, attachments: Vec<Attachment>) -> Self {
        self.attachments = (!attachments.is_empty()).then(|| attachments.into());
        self
    }

    /// The attachments, in the order of their indices.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        self.attachments.as_deref().unwrap_or_default()
    }

    /// The encoded bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.message.as_slice()[self.range.clone()]
    }

    /// The whole message that contains the encoded bytes.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        self.message.as_slice()
    }

    /// The range of the encoded bytes in the [message](Self::message).
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Returns the whole message. Only a message of up to 30 bytes is copied.
    #[must_use]
    pub fn into_message(self) -> Bytes {
        match self.message {
            Message::Inline { len, bytes } => Bytes::copy_from_slice(&bytes[..usize::from(len)]),
            Message::Owned(bytes) => Bytes::from(bytes),
            Message::Shared(bytes) => bytes,
            Message::Positioned(positioned) => positioned.0,
        }
    }

    /// Returns the encoded bytes. Only those of a message of up to 30 bytes are copied.
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
        Self::whole(Message::Owned(bytes))
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::whole(Message::Shared(bytes))
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
