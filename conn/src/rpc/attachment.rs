//! Attachments: the references and streams that travel beside the bytes of a payload.
//!
//! A serializer knows nothing of connections. The encoder therefore opens a scope on the current
//! thread. Within it, references and streams add themselves to a list and serialize their index.
//! The decoder opens a scope with the list that was received. The session converts one list into
//! the other.

use std::cell::{Cell, RefCell};
use std::fmt;

use farcall_core::protocol::Attachment;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};

/// Name of the newtype that wraps the index of an attachment, to tell it from other newtypes.
pub(super) const NAME: &str = "farcall::Attachment";

const OUTSIDE_CALL: &str = "objects and streams can only be passed in calls over connections";

/// Kind of the scope that is open on the current thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ScopeKind {
    None,
    Encoding,
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
    #[inline]
    fn open(scope: ScopeKind, list: &[Attachment]) -> Self {
        let outer = match COUNT.replace(list.len()) {
            0 if list.is_empty() => None,
            _ => Some(LIST.replace(list.to_vec())),
        };
        Self {
            scope: SCOPE.replace(scope),
            outer,
        }
    }
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        SCOPE.set(self.scope);
        let outer = self.outer.take();
        let count = outer.as_ref().map_or(0, Vec::len);
        if COUNT.replace(count) > 0 || count > 0 {
            // Replaced before it is dropped: destructors of the attachments may open scopes of
            // their own.
            drop(LIST.replace(outer.unwrap_or_default()));
        }
    }
}

/// Runs `encode` in a scope. Returns the attachments that it added, or `None` without any.
pub(super) fn encode_with_attachments<E>(
    encode: impl FnOnce() -> Result<(), E>,
) -> Result<Option<Vec<Attachment>>, E> {
    let _guard = ScopeGuard::open(ScopeKind::Encoding, &[]);
    encode()?;
    Ok((COUNT.replace(0) > 0).then(|| LIST.take()))
}

/// Runs `decode` in a scope with the attachments that were received beside the bytes.
pub(super) fn decode_with_attachments<T>(
    attachments: &[Attachment],
    decode: impl FnOnce() -> T,
) -> T {
    let _guard = ScopeGuard::open(ScopeKind::Decoding, attachments);
    decode()
}

/// Adds the attachment that `attach` returns to the list, and serializes its index.
pub(super) fn serialize<S: Serializer>(
    serializer: S,
    attach: impl Fn() -> Result<Attachment, String>,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(NAME, &AttachOnSerialize(attach))
}

/// Attaches when the newtype's value is serialized, so that a probe of the type alone attaches
/// nothing.
struct AttachOnSerialize<A>(A);

impl<A: Fn() -> Result<Attachment, String>> Serialize for AttachOnSerialize<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if SCOPE.get() != ScopeKind::Encoding {
            return Err(S::Error::custom(OUTSIDE_CALL));
        }
        let attachment = (self.0)().map_err(S::Error::custom)?;
        LIST.with_borrow_mut(|attachments| attachments.push(attachment));
        let index = COUNT.get();
        COUNT.set(index + 1);
        serializer.serialize_u64(index as u64)
    }
}

/// Deserializes an index, and returns the attachment at it.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Attachment, D::Error> {
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

    let index = deserializer.deserialize_newtype_struct(NAME, IndexVisitor)?;
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
