//! Encoded parameters and results.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

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
const INLINE_CAPACITY: usize = 31;

/// A message that is stored inline.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct Inline {
    bytes: [u8; INLINE_CAPACITY],
    len: u8,
}

impl Inline {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The storage of a message. The output of an encoder stays a vector: converting it to `Bytes`
/// would cost an allocation that a call within the process never needs.
///
/// The tag is a word, so that a payload is moved by words.
#[derive(Clone)]
#[repr(u64)]
enum Message {
    Inline(Inline),
    Owned(Vec<u8>),
    /// A whole reply, in which a format has encoded the payload.
    Reply(Vec<u8>),
    Shared(Bytes),
    /// A message, and the position of the payload in it. Boxed, so that it is no larger than the
    /// other variants.
    Positioned(Box<(Bytes, Position)>),
    /// A message whose parts have positions.
    Counted(TextMessage),
}

/// A text, many parts of which become payloads, such as the params of the calls of a batch. The
/// position of a part is counted when it is asked for, from the last one that was: most parts need
/// none, and all together are counted once if they are asked in order.
#[derive(Clone, Debug)]
pub struct TextMessage(Arc<CountedText>);

#[derive(Debug)]
struct CountedText {
    text: Bytes,
    /// An offset, and its position.
    counted: Mutex<(usize, Position)>,
}

impl TextMessage {
    /// Creates the message of a whole text.
    #[must_use]
    pub fn new(text: Bytes) -> Self {
        let counted = Mutex::new((0, Position { line: 1, column: 1 }));
        Self(Arc::new(CountedText { text, counted }))
    }

    /// Returns a part of the text as a payload.
    ///
    /// # Panics
    /// If `range` does not lie within the text.
    #[inline]
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Payload {
        Payload::of(Message::Counted(self.clone()), range)
    }

    fn position(&self, offset: usize) -> Position {
        let CountedText { text, counted } = &*self.0;
        let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
        let position = match *counted {
            (from, position) if from <= offset => position.after(&text[from..offset]),
            _ => Position::of(text, offset),
        };
        *counted = (offset, position);
        position
    }
}

impl Message {
    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Inline(inline) => inline.as_slice(),
            Self::Owned(bytes) | Self::Reply(bytes) => bytes,
            Self::Shared(bytes) => bytes,
            Self::Positioned(positioned) => &positioned.0,
            Self::Counted(message) => &message.0.text,
        }
    }
}

#[inline]
fn check(message: &Message, range: &Range<usize>) {
    assert!(
        range.start <= range.end && range.end <= message.as_slice().len(),
        "`range` must lie within the message"
    );
}

impl Payload {
    /// Creates a payload by copying bytes. Up to 31 bytes need no allocation.
    #[inline]
    #[must_use]
    pub fn copied(message: &[u8]) -> Self {
        let len = message.len();
        let message = if len <= INLINE_CAPACITY {
            let mut bytes = [0; INLINE_CAPACITY];
            bytes[..len].copy_from_slice(message);
            let len = len as u8;
            Message::Inline(Inline { bytes, len })
        } else {
            Message::Owned(message.to_vec())
        };
        Self {
            message,
            range: 0..len,
            attachments: None,
        }
    }

    #[inline]
    fn whole(message: Message) -> Self {
        let range = 0..message.as_slice().len();
        Self::of(message, range)
    }

    /// # Panics
    /// If `range` does not lie within the message.
    #[inline]
    fn of(message: Message, range: Range<usize>) -> Self {
        check(&message, &range);
        Self {
            message,
            range,
            attachments: None,
        }
    }

    /// Creates a payload from a range of `message`.
    ///
    /// # Panics
    /// If `range` does not lie within the message.
    #[must_use]
    pub fn part(message: Bytes, range: Range<usize>) -> Self {
        Self::of(Message::Shared(message), range)
    }

    /// Creates a payload from a range of `message` that starts at a known position. The positions
    /// of errors are counted from there. Counting from the start of the message for each of its
    /// payloads would take time proportional to their number times its length.
    ///
    /// # Panics
    /// If `range` does not lie within the message.
    #[must_use]
    pub fn part_at(message: Bytes, range: Range<usize>, start: Position) -> Self {
        Self::of(Message::Positioned(Box::new((message, start))), range)
    }

    /// Creates the payload of a result: a range of the whole reply that a format has encoded it in.
    /// A server sends this reply as it is: only a format creates such payloads. Of any other
    /// message, even one that looks the same, a server sends at most the payload.
    ///
    /// # Panics
    /// If `result` does not lie within the reply.
    #[must_use]
    pub fn of_reply(reply: Vec<u8>, result: Range<usize>) -> Self {
        Self::of(Message::Reply(reply), result)
    }

    /// Returns `true` if the [message](Self::message) is a [whole reply](Self::of_reply) with this
    /// payload as its result.
    #[must_use]
    pub const fn is_of_reply(&self) -> bool {
        matches!(self.message, Message::Reply(_))
    }

    /// Returns `true` if the payload is its whole message, not a part of it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.range.start == 0 && self.range.end == self.message().len()
    }

    /// The position of the payload in a text document, if it was [given](Self::part_at), or is
    /// [counted](TextMessage).
    #[must_use]
    pub fn start(&self) -> Option<Position> {
        match &self.message {
            Message::Positioned(positioned) => Some(positioned.1),
            Message::Counted(message) => Some(message.position(self.range.start)),
            _ => None,
        }
    }

    /// Sets the range of the encoded bytes in the message. Default: the whole message. A part of a
    /// [whole reply](Self::of_reply) is no longer its result.
    ///
    /// # Panics
    /// If `range` does not lie within the message.
    #[must_use]
    pub fn with_range(mut self, range: Range<usize>) -> Self {
        check(&self.message, &range);
        if let Message::Reply(bytes) = &mut self.message {
            self.message = Message::Owned(std::mem::take(bytes));
        }
        self.range = range;
        self
    }

    /// Sets the attachments. Default: none.
    #[inline]
    #[must_use]
    pub fn with_attachments(mut self, attachments: Vec<Attachment>) -> Self {
        self.attachments = (!attachments.is_empty()).then(|| attachments.into());
        self
    }

    /// The attachments, in the order of their indices.
    #[inline]
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        self.attachments.as_deref().unwrap_or_default()
    }

    /// The encoded bytes.
    #[inline]
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

    /// Returns the whole message. Only a message of up to 31 bytes is copied.
    #[must_use]
    pub fn into_message(self) -> Bytes {
        match self.message {
            Message::Inline(inline) => Bytes::copy_from_slice(inline.as_slice()),
            Message::Owned(bytes) | Message::Reply(bytes) => Bytes::from(bytes),
            Message::Shared(bytes) => bytes,
            Message::Positioned(positioned) => positioned.0,
            Message::Counted(message) => message.0.text.clone(),
        }
    }

    /// Returns the encoded bytes. Only those of a message of up to 31 bytes are copied.
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

impl Default for Payload {
    /// Creates an empty payload.
    fn default() -> Self {
        Self::copied(b"")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_result_of_a_whole_reply_is_of_a_reply() {
        let reply = Payload::of_reply(b"<5>".to_vec(), 1..2);
        assert!(reply.is_of_reply() && !reply.is_whole());
        assert_eq!(
            (reply.as_slice(), reply.message()),
            (&b"5"[..], &b"<5>"[..])
        );
        assert!(reply.clone().with_attachments(Vec::new()).is_of_reply());
        assert_eq!(reply.clone().into_bytes(), "5");
        assert_eq!(reply.clone().into_message(), "<5>");
        // The same bytes, given as any others.
        let message = Bytes::from_static(b"<5>");
        for other in [
            reply.clone().with_range(0..3),
            reply.clone().with_range(1..2),
            Payload::from(b"<5>".to_vec()).with_range(1..2),
            Payload::part(message.clone(), 1..2),
            Payload::part_at(message.clone(), 1..2, Position { line: 1, column: 2 }),
            Payload::copied(reply.message()),
        ] {
            assert_eq!(other.message(), message);
            assert!(!other.is_of_reply());
        }
    }

    #[test]
    fn a_part_that_begins_with_its_message_is_not_the_whole() {
        let message = Bytes::from_static(b"<5>");
        for (range, is_whole) in [(0..3, true), (0..2, false), (1..3, false)] {
            let part = Payload::part(message.clone(), range);
            assert_eq!(part.is_whole(), is_whole);
        }
        assert!(Payload::copied(b"").is_whole() && Payload::from(message).is_whole());
    }

    #[test]
    fn parts_of_a_text_have_positions_in_whatever_order_they_are_asked() {
        let text = Bytes::from("aé\n<b>\n\nx\nend".as_bytes());
        let message = TextMessage::new(text.clone());
        let offsets = (0..=text.len()).chain((0..=text.len()).rev());
        for offset in offsets.chain([3, 9, 2]) {
            let part = message.part(offset..text.len());
            assert_eq!(part.start(), Some(Position::of(&text, offset)));
            assert_eq!(part.as_slice(), &text[offset..]);
            assert_eq!(part.into_message(), text);
        }
    }

    #[test]
    fn a_payload_is_small() {
        const BYTES: usize = if cfg!(target_pointer_width = "64") {
            72
        } else {
            64
        };
        assert!(size_of::<Payload>() <= BYTES, "{}", size_of::<Payload>());
    }
}
