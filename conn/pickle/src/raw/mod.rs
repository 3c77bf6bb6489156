//! Values that stay pickled: they are moved between messages without being decoded.

mod copy;
mod scan;
#[cfg(test)]
mod tests;

use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::ser::{Serialize, Serializer};

use self::copy::copied;
pub(super) use self::copy::relocate;
use self::scan::MemoTable;
pub use self::scan::RawPart;
use super::Pickle;
use super::error::{Error, ErrorKind};
use super::names::NewtypeKind;
use super::opcode;

/// A value in its pickled form, which was not decoded.
///
/// It is the code of one value out of a message, made independent of the rest of that message. As a
/// part of a value that is [encoded](Pickle::encode), it is copied as it is. Other codecs cannot
/// represent it. Clones share the bytes.
///
/// The bytes are checked to be one complete value, and no more: a Python program that loads it runs
/// whatever its author put into it, as with any pickle.
///
/// ```
/// use farcall_pickle::{Pickle, RawValue, from_slice, to_vec};
///
/// let raw = RawValue::of(&vec!["a", "b"])?;
/// let message = to_vec(&("a message", &raw))?;
/// let (_, list): (String, Vec<String>) = from_slice(&message)?;
/// assert_eq!(list, ["a", "b"]);
/// assert_eq!(raw.decode::<Vec<String>>(&Pickle::default())?, list);
/// # Ok::<(), farcall_pickle::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RawValue {
    /// The code, without PROTO, FRAME and STOP. Memo numbers are counted from 0, and are explicit.
    code: Bytes,
    is_linked: bool,
    has_classes: bool,
}

impl RawValue {
    /// Encodes a value with the default settings.
    ///
    /// # Errors
    /// If the value cannot be represented as a pickle.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        Self::encoded(&Pickle::default(), value)
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// If the value cannot be represented as a pickle.
    pub fn encoded<T: Serialize + ?Sized>(pickle: &Pickle, value: &T) -> Result<Self, Error> {
        let message = Bytes::from(pickle.to_vec(value)?);
        // A local value may be larger than what a peer may send.
        let unlimited = Pickle::default().max_values(usize::MAX);
        let message = RawMessage::read(&unlimited, message)?;
        message.value(message.root())
    }

    /// Returns `None`, which needs no memory.
    #[must_use]
    pub const fn none() -> Self {
        Self::constant(&[opcode::NONE])
    }

    const fn constant(code: &'static [u8]) -> Self {
        Self {
            code: Bytes::from_static(code),
            is_linked: false,
            has_classes: false,
        }
    }

    /// Decodes the value.
    ///
    /// # Errors
    /// As with [`Pickle::decode`].
    pub fn decode<T: DeserializeOwned>(&self, pickle: &Pickle) -> Result<T, Error> {
        pickle.decode(&self.to_message())
    }

    /// Returns the value as a whole pickle.
    #[must_use]
    pub fn to_message(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.code.len() + 3);
        message.extend([opcode::PROTO, 4]);
        message.extend_from_slice(&self.code);
        message.push(opcode::STOP);
        message
    }

    /// Returns the code of the value: its pickle without the opcodes at its beginning and end.
    #[must_use]
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// Returns `true` if the value names a class or function, so that it is more than plain data.
    #[must_use]
    pub const fn has_classes(&self) -> bool {
        self.has_classes
    }

    /// Returns `true` if it is `None`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.code[..] == [opcode::NONE]
    }

    /// Returns the text, if it is a `str` of at most 4 GiB without lone surrogates.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        text_of(&self.code)
    }

    /// Returns the number, if it is an `int` of 32 bits, or a `bool`.
    #[must_use]
    pub fn as_i32(&self) -> Option<i32> {
        Some(match self.code[..] {
            [opcode::NEWFALSE] => 0,
            [opcode::NEWTRUE] => 1,
            [opcode::BININT1, number] => number.into(),
            [opcode::BININT2, a, b] => u16::from_le_bytes([a, b]).into(),
            [opcode::BININT, a, b, c, d] => i32::from_le_bytes([a, b, c, d]),
            _ => return None,
        })
    }

    /// Returns the elements of a `tuple`, `list` or `set`, or the alternating keys and values of a
    /// `dict`. `None` if it is something else. Elements that share a mutable part cannot be
    /// separated.
    ///
    /// # Errors
    /// If elements share a part.
    pub fn parts(&self) -> Result<Option<Vec<Self>>, Error> {
        let message = RawMessage::of_code(self.code.clone())?;
        let Some(parts) = message.parts(message.root())? else {
            return Ok(None);
        };
        let values = parts.into_iter().map(|part| message.value(part));
        values.collect::<Result<_, _>>().map(Some)
    }

    /// Returns `true` if it is a `dict`.
    #[must_use]
    pub fn is_dict(&self) -> bool {
        self.code.first() == Some(&opcode::EMPTY_DICT) && self.is_container()
    }

    /// Returns `true` if it is a `list`.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.code.first() == Some(&opcode::EMPTY_LIST) && self.is_container()
    }

    /// Returns `true` if it begins and ends as a container does that was empty at first.
    fn is_container(&self) -> bool {
        matches!(
            self.code.last(),
            Some(
                &opcode::EMPTY_DICT
                    | &opcode::EMPTY_LIST
                    | &opcode::SETITEM
                    | &opcode::SETITEMS
                    | &opcode::APPEND
                    | &opcode::APPENDS
            )
        ) && RawMessage::of_code(self.code.clone())
            .and_then(|message| message.parts(message.root()))
            .is_ok_and(|parts| parts.is_some())
    }
}

impl From<bool> for RawValue {
    fn from(value: bool) -> Self {
        Self::constant(if value {
            &[opcode::NEWTRUE]
        } else {
            &[opcode::NEWFALSE]
        })
    }
}

/// Returns the text of the code of a `str`. Code that only begins with one is something else.
fn text_of(code: &[u8]) -> Option<&str> {
    let (len, text) = match code {
        [opcode::SHORT_BINUNICODE, len, text @ ..] => (u32::from(*len), text),
        [opcode::BINUNICODE, a, b, c, d, text @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]), text),
        _ => return None,
    };
    if text.len() != len as usize {
        return None;
    }
    std::str::from_utf8(text).ok()
}

impl Serialize for RawValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = if self.is_linked {
            NewtypeKind::LinkedRawValue
        } else {
            NewtypeKind::RawValue
        };
        serializer.serialize_newtype_struct(kind.name(), &Code(&self.code))
    }
}

struct Code<'a>(&'a [u8]);

impl Serialize for Code<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl fmt::Debug for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawValue({} bytes)", self.code.len())
    }
}

/// A message that is taken apart without being decoded.
///
/// ```
/// use bytes::Bytes;
/// use farcall_pickle::{Pickle, RawMessage, to_vec};
///
/// let message = Bytes::from(to_vec(&("put", (vec![1, 2],)))?);
/// let message = RawMessage::read(&Pickle::default(), message)?;
/// let [name, arguments] = message.parts(message.root())?.unwrap()[..] else { panic!() };
/// assert_eq!(message.value(name)?.as_str(), Some("put"));
/// let argument = message.parts(arguments)?.unwrap()[0];
/// assert_eq!(message.value(argument)?.decode::<Vec<i64>>(&Pickle::default())?, [1, 2]);
/// # Ok::<(), farcall_pickle::Error>(())
/// ```
#[derive(Debug)]
pub struct RawMessage {
    message: Bytes,
    memo: MemoTable,
    root: RawPart,
}

impl RawMessage {
    /// Reads a pickle of protocol 3 to 5, without decoding it. Its number of values is limited as
    /// in decoding.
    ///
    /// # Errors
    /// If the pickle is malformed, breaks the limit, or uses opcodes that CPython does not write
    /// at these protocols.
    pub fn read(pickle: &Pickle, message: Bytes) -> Result<Self, Error> {
        match message[..] {
            [opcode::PROTO, 3..=5, .., opcode::STOP] => {}
            _ => {
                let text = "the pickle has another protocol than 3 to 5, or is incomplete";
                return Err(Error::new(ErrorKind::Encoding, 0, text));
            }
        }
        let (root, memo) = scan::scan(&message, 2, pickle.max_values)?;
        Ok(Self {
            message,
            memo,
            root,
        })
    }

    /// Reads the code of a value that was read before.
    fn of_code(code: Bytes) -> Result<Self, Error> {
        let (root, memo) = scan::scan(&code, 0, usize::MAX)?;
        Ok(Self {
            message: code,
            memo,
            root,
        })
    }

    /// Returns the whole value of the message.
    #[must_use]
    pub const fn root(&self) -> RawPart {
        self.root
    }

    /// Returns the elements of a `tuple`, `list` or `set`, or the alternating keys and values of a
    /// `dict`. `None` if the part is something else.
    ///
    /// # Errors
    /// If the part does not come from this message.
    pub fn parts(&self, part: RawPart) -> Result<Option<Vec<RawPart>>, Error> {
        scan::parts_of(&self.message, part)
    }

    /// Returns the text of a part, as [`RawValue::as_str`] does, without taking it out. `None` also
    /// if the part refers to a text elsewhere in the message.
    #[must_use]
    pub fn as_str(&self, part: RawPart) -> Option<&str> {
        text_of(self.message.get(part.start..part.end)?)
    }

    /// Takes a value out of the message. A value without references to the memo shares the bytes of
    /// the message; of any other, or of a small one, the bytes are copied.
    ///
    /// # Errors
    /// If the value refers to a container outside of it.
    pub fn value(&self, part: RawPart) -> Result<RawValue, Error> {
        let copied = copied(&self.message, &self.memo, part)?;
        Ok(RawValue {
            code: copied.code,
            is_linked: copied.memoized > 0,
            has_classes: copied.has_classes,
        })
    }
}
