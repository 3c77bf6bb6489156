//! Reader of opcodes and their arguments.

use super::error::{Error, ErrorKind, quoted};
use super::nodes::Span;

/// Reads opcodes and their arguments from the bytes of a pickle.
pub(super) struct OpcodeReader<'m> {
    message: &'m [u8],
    /// The offset of the next byte to read.
    next: usize,
    /// The offset of the last opcode.
    opcode_at: usize,
}

/// Encoding of a length.
#[derive(Clone, Copy)]
pub(super) enum LengthOf {
    U8,
    U32,
    /// Negative lengths are errors.
    I32,
    U64,
}

impl<'m> OpcodeReader<'m> {
    pub(super) const fn new(message: &'m [u8]) -> Self {
        Self::starting_at(message, 0)
    }

    /// Creates a reader of the rest of a message.
    pub(super) const fn starting_at(message: &'m [u8], start: usize) -> Self {
        Self {
            message,
            next: start,
            opcode_at: start,
        }
    }

    /// Returns the offset of the next byte to read.
    pub(super) const fn position(&self) -> usize {
        self.next
    }

    /// Returns the offset of the last opcode.
    pub(super) const fn opcode_at(&self) -> usize {
        self.opcode_at
    }

    pub(super) fn opcode(&mut self) -> Result<u8, Error> {
        self.opcode_at = self.next;
        self.byte()
    }

    /// Returns an error if bytes are left.
    pub(super) fn expect_end(&mut self) -> Result<(), Error> {
        let rest = self.message.len() - self.next;
        if rest == 0 {
            return Ok(());
        }
        self.opcode_at = self.next;
        Err(self.syntax(format!("{rest} bytes follow the end of the pickle")))
    }

    /// Reads the length of a FRAME, and checks it.
    pub(super) fn frame(&mut self) -> Result<(), Error> {
        let length = u64::from_le_bytes(self.array()?);
        self.expect_bytes(length).map(|_| ())
    }

    /// Reads a length, and skips as many bytes. Returns their span.
    pub(super) fn span(&mut self, length: LengthOf) -> Result<Span, Error> {
        let length = match length {
            LengthOf::U8 => self.byte()?.into(),
            LengthOf::U32 => u32::from_le_bytes(self.array()?).into(),
            LengthOf::U64 => u64::from_le_bytes(self.array()?),
            LengthOf::I32 => u64::try_from(i32::from_le_bytes(self.array()?))
                .map_err(|_| self.syntax("the length is negative"))?,
        };
        let len = self.expect_bytes(length)?;
        let start = self.next;
        self.next += len;
        Ok(Span {
            start: start as u32,
            len: len as u32,
        })
    }

    /// Returns an error if fewer than `length` bytes are left.
    fn expect_bytes(&self, length: u64) -> Result<usize, Error> {
        let rest = self.message.len() - self.next;
        match usize::try_from(length) {
            Ok(length) if length <= rest => Ok(length),
            _ => Err(self.syntax(format!("expected {length} more bytes, found {rest}"))),
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        match self.message[self.next..].first_chunk() {
            Some(bytes) => {
                self.next += N;
                Ok(*bytes)
            }
            None => Err(self.ended()),
        }
    }

    /// Returns `true` if the next byte is this one.
    pub(super) fn starts_with(&self, byte: u8) -> bool {
        self.message.get(self.next) == Some(&byte)
    }

    /// Reads up to the next line feed, which it skips.
    pub(super) fn line(&mut self) -> Result<&'m str, Error> {
        let line = self.raw_line()?;
        std::str::from_utf8(self.bytes_of(line))
            .map_err(|_| self.error(ErrorKind::Character, "the line is not UTF-8"))
    }

    /// Reads up to the next line feed, which it skips, in any encoding.
    pub(super) fn raw_line(&mut self) -> Result<Span, Error> {
        let rest = &self.message[self.next..];
        let Some(len) = rest.iter().position(|byte| *byte == b'\n') else {
            return Err(self.ended());
        };
        let start = self.next as u32;
        self.next += len + 1;
        Ok(Span {
            start,
            len: len as u32,
        })
    }

    /// Returns the bytes of a span in the message.
    pub(super) fn bytes_of(&self, span: Span) -> &'m [u8] {
        &self.message[span.start as usize..][..span.len as usize]
    }

    /// Reads a memo number in decimal.
    pub(super) fn number(&mut self) -> Result<u32, Error> {
        let text = self.line()?;
        text.parse()
            .map_err(|_| self.syntax(format!("{:?} is not a memo number", quoted(text))))
    }

    /// Creates an error at the last opcode.
    pub(super) fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(kind, self.opcode_at, message)
    }

    fn syntax(&self, message: impl Into<String>) -> Error {
        self.error(ErrorKind::Syntax, message)
    }

    fn ended(&self) -> Error {
        let end = self.message.len();
        Error::new(ErrorKind::Syntax, end, "the pickle ends before STOP")
    }
}

/// Decodes an integer in little-endian two's complement. Returns `None` if it has more than 8
/// bytes.
pub(super) fn int_of(bytes: &[u8]) -> Option<i64> {
    let sign = bytes
        .last()
        .map_or(0, |last| if last & 0x80 == 0 { 0 } else { 0xff });
    let mut all = [sign; 8];
    all.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(all))
}

/// Returns `true` if the bytes are UTF-8, except for surrogates encoded as if they were characters.
///
/// CPython writes a str with surrogates in this form (`surrogatepass`).
pub(super) fn is_surrogatepass(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Err(error) = std::str::from_utf8(rest) {
        match &rest[error.valid_up_to()..] {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, after @ ..] => rest = after,
            _ => return false,
        }
    }
    true
}
