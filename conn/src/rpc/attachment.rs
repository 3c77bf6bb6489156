//! What travels beside the bytes of a call or its result, while it is encoded and decoded.
//!
//! A serializer knows nothing of connections. So whoever encodes opens a scope on this thread, in which
//! references and streams leave themselves and write their place in the list; the reader's scope has the
//! list that came. A connection turns one list into the other.

use std::cell::{Cell, RefCell};
use std::fmt;

use rpc_core::payload::Attachment;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};

/// The name that tells a place in the list from other newtypes.
pub(super) const NAME: &str = "farcall::Attachment";

const NO_CALL: &str = "objects and streams can only be passed in calls over connections";

/// What is under way on this thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Closed,
    Writing,
    Reading,
}

thread_local! {
    // Apart from the list, as few calls have one: the scope alone is a plain byte of the thread.
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::Closed) };
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static LIST: RefCell<Vec<Attachment>> = const { RefCell::new(Vec::new()) };
}

/// Puts back the outer scope, after a panic too.
struct Restore {
    scope: Scope,
    outer: Option<Vec<Attachment>>,
}

impl Restore {
    #[inline]
    fn open(scope: Scope, list: &[Attachment]) -> Self {
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

impl Drop for Restore {
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
pub(super) fn writing<E>(
    encode: impl FnOnce() -> Result<(), E>,
) -> Result<Option<Vec<Attachment>>, E> {
    let _restore = Restore::open(Scope::Writing, &[]);
    encode()?;
    Ok((COUNT.replace(0) > 0).then(|| LIST.take()))
}

/// Decodes what came with `attachments` beside the bytes.
pub(super) fn reading<T>(attachments: &[Attachment], decode: impl FnOnce() -> T) -> T {
    let _restore = Restore::open(Scope::Reading, attachments);
    decode()
}

/// Writes the place of what `attach` gives.
pub(super) fn serialize<S: Serializer>(
    serializer: S,
    attach: impl Fn() -> Result<Attachment, String>,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(NAME, &Attaching(attach))
}

/// Attaches when its value is asked for: a look at its type alone does not get that far.
struct Attaching<A>(A);

impl<A: Fn() -> Result<Attachment, String>> Serialize for Attaching<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if SCOPE.get() != Scope::Writing {
            return Err(S::Error::custom(NO_CALL));
        }
        let attachment = (self.0)().map_err(S::Error::custom)?;
        LIST.with_borrow_mut(|attachments| attachments.push(attachment));
        let place = COUNT.get();
        COUNT.set(place + 1);
        serializer.serialize_u64(place as u64)
    }
}

/// Reads a place, and gives what is there.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Attachment, D::Error> {
    struct Place;

    impl<'de> Visitor<'de> for Place {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object or a stream")
        }

        fn visit_u64<E>(self, place: u64) -> Result<u64, E> {
            Ok(place)
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<u64, D::Error> {
            u64::deserialize(inner)
        }
    }

    let place = deserializer.deserialize_newtype_struct(NAME, Place)?;
    if SCOPE.get() != Scope::Reading {
        return Err(D::Error::custom(NO_CALL));
    }
    LIST.with_borrow(|attachments| {
        usize::try_from(place)
            .ok()
            .and_then(|place| attachments.get(place))
            .cloned()
            .ok_or_else(|| D::Error::custom(format_args!("nothing is attached at place {place}")))
    })
}
