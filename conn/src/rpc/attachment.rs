//! What travels beside the bytes of a call or its result, while it is encoded and decoded.
//!
//! A serializer knows nothing of connections. So whoever encodes opens a scope on this thread, in which
//! references and streams leave themselves and write their index in the list; the reader's scope has the
//! list that came. A connection turns one list into the other.

use std::cell::{Cell, RefCell};
use std::fmt;

use rpc_core::payload::Attachment;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};

/// The name that tells an index in the list from other newtypes.
pub(super) const NAME: &str = "farcall::Attachment";

const OUTSIDE_CALL: &str = "objects and streams can only be passed in calls over connections";

/// What is under way on this thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ScopeKind {
    None,
    Encoding,
    Decoding,
}

thread_local! {
    // Apart from the list, as few calls have one: the scope alone is a plain byte of the thread.
    static SCOPE: Cell<ScopeKind> = const { Cell::new(ScopeKind::None) };
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static LIST: RefCell<Vec<Attachment>> = const { RefCell::new(Vec::new()) };
}

/// Puts back the outer scope, after a panic too.
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
            // The destructors of what was there may open scopes of their own.
            drop(LIST.replace(outer.unwrap_or_default()));
        }
    }
}

/// Encodes, and gives what is to travel beside the bytes, if there is anything.
pub(super) fn encode_with_attachments<E>(
    encode: impl FnOnce() -> Result<(), E>,
) -> Result<Option<Vec<Attachment>>, E> {
    let _guard = ScopeGuard::open(ScopeKind::Encoding, &[]);
    encode()?;
    Ok((COUNT.replace(0) > 0).then(|| LIST.take()))
}

/// Decodes what came with `attachments` beside the bytes.
pub(super) fn decode_with_attachments<T>(
    attachments: &[Attachment],
    decode: impl FnOnce() -> T,
) -> T {
    let _guard = ScopeGuard::open(ScopeKind::Decoding, attachments);
    decode()
}

/// Writes the index of what `attach` gives.
pub(super) fn serialize<S: Serializer>(
    serializer: S,
    attach: impl Fn() -> Result<Attachment, String>,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(NAME, &AttachOnSerialize(attach))
}

/// Attaches when its value is asked for: a look at its type alone does not get that far.
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

/// Reads an index, and gives what is there.
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
            .ok_or_else(|| D::Error::custom(format_args!("nothing is attached at index {index}")))
    })
}
