//! What travels beside the bytes of a call or its result, while it is encoded and decoded.
//!
//! A serializer knows nothing of connections. So whoever encodes opens a scope on this thread, in which
//! references and streams leave themselves and write their place in the list; the reader's scope has the
//! list that came. A connection turns one list into the other.

use std::cell::RefCell;
use std::fmt;

use rpc_core::payload::Attachment;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};

/// The name that tells a place in the list from other newtypes.
pub(super) const NAME: &str = "farcall::Attachment";

enum Scope {
    Closed,
    Writing(Vec<Attachment>),
    Reading(Vec<Attachment>),
}

thread_local! {
    static SCOPE: RefCell<Scope> = const { RefCell::new(Scope::Closed) };
}

/// Puts back the outer scope, after a panic too.
struct Restore(Option<Scope>);

impl Restore {
    fn open(scope: Scope) -> Self {
        Self(Some(SCOPE.replace(scope)))
    }

    /// Ends the scope, and gives what is in it.
    fn close(mut self) -> Scope {
        SCOPE.replace(self.0.take().unwrap_or(Scope::Closed))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(outer) = self.0.take() {
            SCOPE.set(outer);
        }
    }
}

/// Encodes, and gives what is to travel beside the bytes.
pub(super) fn writing<T, E>(
    encode: impl FnOnce() -> Result<T, E>,
) -> Result<(T, Vec<Attachment>), E> {
    let scope = Restore::open(Scope::Writing(Vec::new()));
    let result = encode()?;
    match scope.close() {
        Scope::Writing(attachments) => Ok((result, attachments)),
        Scope::Closed | Scope::Reading(_) => Ok((result, Vec::new())),
    }
}

/// Decodes what came with `attachments` beside the bytes.
pub(super) fn reading<T>(attachments: &[Attachment], decode: impl FnOnce() -> T) -> T {
    let _scope = Restore::open(Scope::Reading(attachments.to_vec()));
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
        let place = SCOPE.with_borrow_mut(|scope| match scope {
            Scope::Writing(attachments) => {
                attachments.push((self.0)().map_err(S::Error::custom)?);
                Ok(attachments.len() - 1)
            }
            Scope::Closed | Scope::Reading(_) => Err(S::Error::custom(
                "objects and streams can only be passed in calls over connections",
            )),
        })?;
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
    SCOPE.with_borrow(|scope| match scope {
        Scope::Reading(attachments) => usize::try_from(place)
            .ok()
            .and_then(|place| attachments.get(place))
            .cloned()
            .ok_or_else(|| D::Error::custom(format_args!("nothing is attached at place {place}"))),
        Scope::Closed | Scope::Writing(_) => Err(D::Error::custom(
            "objects and streams can only be passed in calls over connections",
        )),
    })
}
