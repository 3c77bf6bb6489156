//! Attachments: the references and streams that travel beside the bytes of a payload.
//!
//! A serializer knows nothing of connections. The encoder therefore opens a scope on the current
//! thread. Within it, references and streams add themselves to a list and serialize their index.
//! The decoder opens a scope with the list that was received. A protocol converts one list into
//! the other.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use futures_util::Stream;
use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error as _, SeqAccess, Unexpected, Visitor,
};
use serde::ser::{Error as _, Serialize, Serializer};

use crate::fault::Fault;
use crate::payload::{Attachment, Payload};

/// Name of the newtype that wraps the index of an attachment, to tell it from other newtypes.
pub const NAME: &str = "farcall::Attachment";

const OUTSIDE_CALL: &str = "objects and streams can only be passed in calls over connections";

/// The form in which the items of an attached stream are encoded later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The one of calls over connections.
    Connection,
    /// JSON. The attachment of a stream is a [`JsonStream`]; objects have none.
    Json,
}

/// The attachment of a stream in a result in JSON.
pub struct JsonStream(Mutex<Option<JsonItems>>);

/// The items of a stream, each encoded as JSON.
pub type JsonItems = Pin<Box<dyn Stream<Item = Result<Payload, Fault>> + Send>>;

impl JsonStream {
    /// Creates the attachment of a stream.
    #[must_use]
    pub fn new(items: JsonItems) -> Self {
        Self(Mutex::new(Some(items)))
    }

    /// Takes the items. Returns `None` if they were taken before.
    pub fn take(&self) -> Option<JsonItems> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for JsonStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonStream").finish_non_exhaustive()
    }
}

/// Kind of the scope that is open on the current thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ScopeKind {
    None,
    Encoding(Carrier),
    Decoding,
}

thread_local! {
    // Separate from the list, because few calls have attachments: the kind alone is one plain
    // byte of thread-local storage.
    static SCOPE: Cell<ScopeKind> = const { Cell::new(ScopeKind::None) };
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static LIST: RefCell<Vec<Attachment>> = const { RefCell::new(Vec::new()) };
}

/// Guard of an open scope. Restores the outer scope on drop, including after a panic.
struct ScopeGuard {
    scope: ScopeKind,
    outer: Option<Vec<Attachment>>,
}

impl ScopeGuard {
    // Inlined, and so are the guard's other parts that every call passes.
    #[inline(always)]
    fn open(scope: ScopeKind, list: &[Attachment]) -> Self {
        let is_empty = list.is_empty() && COUNT.get() == 0;
        Self {
            scope: SCOPE.replace(scope),
            outer: if is_empty {
                None
            } else {
                Some(Self::replace(list))
            },
        }
    }

    /// Replaces the list, and returns the one of the outer scope.
    #[cold]
    fn replace(list: &[Attachment]) -> Vec<Attachment> {
        COUNT.set(list.len());
        LIST.replace(list.to_vec())
    }

    /// Restores the list of the outer scope.
    #[cold]
    fn restore(&mut self) {
        let outer = self.outer.take().unwrap_or_default();
        COUNT.set(outer.len());
        // Replaced before it is dropped: destructors of the attachments may open scopes of their
        // own.
        drop(LIST.replace(outer));
    }
}

impl Drop for ScopeGuard {
    #[inline(always)]
    fn drop(&mut self) {
        SCOPE.set(self.scope);
        if self.outer.is_some() || COUNT.get() > 0 {
            self.restore();
        }
    }
}

/// Runs `encode` in a scope. Returns the attachments that it added, or `None` without any.
///
/// # Errors
/// The error of `encode`.
pub fn encode_with_attachments<E>(
    carrier: Carrier,
    encode: impl FnOnce() -> Result<(), E>,
) -> Result<Option<Vec<Attachment>>, E> {
    let _guard = ScopeGuard::open(ScopeKind::Encoding(carrier), &[]);
    encode()?;
    Ok((COUNT.replace(0) > 0).then(|| LIST.take()))
}

/// Runs `decode` in a scope with the attachments that were received beside the bytes.
pub fn decode_with_attachments<T>(attachments: &[Attachment], decode: impl FnOnce() -> T) -> T {
    let _guard = ScopeGuard::open(ScopeKind::Decoding, attachments);
    decode()
}

/// Adds the attachment that `attach` returns to the list, and serializes its index.
///
/// # Errors
/// That of `attach`; also outside of a scope, where an attachment has no place.
pub fn serialize<S: Serializer>(
    serializer: S,
    attach: impl Fn(Carrier) -> Result<Attachment, String>,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(NAME, &AttachOnSerialize(attach))
}

/// Attaches when the newtype's value is serialized, so that a probe of the type alone attaches
/// nothing.
struct AttachOnSerialize<A>(A);

impl<A: Fn(Carrier) -> Result<Attachment, String>> Serialize for AttachOnSerialize<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ScopeKind::Encoding(carrier) = SCOPE.get() else {
            return Err(S::Error::custom(OUTSIDE_CALL));
        };
        let attachment = (self.0)(carrier).map_err(S::Error::custom)?;
        LIST.with_borrow_mut(|attachments| attachments.push(attachment));
        let index = COUNT.get();
        COUNT.set(index + 1);
        serializer.serialize_u64(index as u64)
    }
}

/// Deserializes the index of an object, and returns the attachment at it.
///
/// # Errors
/// If there is no attachment at the index, or the value is no index.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Attachment, D::Error> {
    deserialize_by(deserializer, IndexVisitor)
}

/// Deserializes the index of a stream of `T`, and returns the attachment at it. A description of
/// the type has that of `T`.
///
/// # Errors
/// If there is no attachment at the index, or the value is no index.
pub fn deserialize_stream<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Attachment, D::Error> {
    deserialize_by(deserializer, StreamVisitor::<T>(PhantomData))
}

fn deserialize_by<'de, D: Deserializer<'de>>(
    deserializer: D,
    visitor: impl Visitor<'de, Value = u64>,
) -> Result<Attachment, D::Error> {
    let index = deserializer.deserialize_newtype_struct(NAME, visitor)?;
    if SCOPE.get() != ScopeKind::Decoding {
        return Err(D::Error::custom(OUTSIDE_CALL));
    }
    LIST.with_borrow(|attachments| {
        usize::try_from(index)
            .ok()
            .and_then(|index| attachments.get(index))
            .cloned()
            .ok_or_else(|| {
                D::Error::custom(format_args!("there is no attachment at index {index}"))
            })
    })
}

struct IndexVisitor;

impl<'de> Visitor<'de> for IndexVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a stream")
    }

    fn visit_u64<E>(self, index: u64) -> Result<u64, E> {
        Ok(index)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<u64, D::Error> {
        u64::deserialize(inner)
    }
}

/// Visitor of the index of a stream. Only the probe of a type passes a sequence, to learn the type
/// of its items.
struct StreamVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for StreamVisitor<T> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        IndexVisitor.expecting(f)
    }

    fn visit_u64<E>(self, index: u64) -> Result<u64, E> {
        Ok(index)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<u64, D::Error> {
        u64::deserialize(inner)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<u64, A::Error> {
        items.next_element::<T>()?;
        Err(A::Error::invalid_type(Unexpected::Seq, &self))
    }
}
