//! The format of calls to objects of the program: pickled arguments and results.

use std::cell::RefCell;
use std::sync::Arc;

use farcall_core::protocol::{Args, Attachment, Format, FromArgs, Payload};
use farcall_core::{FormatError, FormatErrorKind};
use farcall_pickle::Pickle;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::codec::Codec;
use crate::managers::object::SharedObject;
use crate::managers::wire::{self, ProxyValue};

/// An object within a result, with its proxy.
#[derive(Clone)]
pub(super) struct ReturnedObject {
    pub(super) typeid: String,
    pub(super) object: Arc<dyn SharedObject>,
    pub(super) proxy: ProxyValue,
    /// It stays a value if it is the whole result.
    pub(super) in_value: bool,
}

/// A result that cannot be pickled: the reason.
pub(super) struct UnserializableResult(pub(super) String);

/// Makes proxies of the objects within results.
pub(super) trait MakeProxy: Send + Sync {
    fn proxy_of(&self, typeid: &str, object: &Arc<dyn SharedObject>) -> Result<ProxyValue, String>;
}

type EncodingScope = (ObjectFormat, Vec<ReturnedObject>);

thread_local! {
    /// The format, and the objects that were found, while a result is encoded.
    static ENCODING: RefCell<Option<EncodingScope>> = const { RefCell::new(None) };
}

/// Serializes the object that `make` returns as its proxy.
pub(super) fn serialize_object<S: Serializer>(
    typeid: &str,
    in_value: bool,
    make: impl FnOnce(&ObjectFormat) -> Result<Arc<dyn SharedObject>, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let outside = "objects can only be returned by methods of managers";
    let format = ENCODING.with_borrow(|encoding| encoding.as_ref().map(|scope| scope.0.clone()));
    let format = format.ok_or_else(|| serde::ser::Error::custom(outside))?;
    let object = make(&format).map_err(serde::ser::Error::custom)?;
    let made = format.maker.proxy_of(typeid, &object);
    let proxy = made.map_err(serde::ser::Error::custom)?;
    ENCODING.with_borrow_mut(|encoding| {
        if let Some((_, found)) = encoding {
            found.push(ReturnedObject {
                typeid: typeid.to_owned(),
                object,
                proxy: proxy.clone(),
                in_value,
            });
        }
    });
    proxy.serialize(serializer)
}

/// The format of calls to the objects of a [`Server`](super::Server).
#[derive(Clone)]
pub(super) struct ObjectFormat {
    pub(super) pickle: Pickle,
    pub(super) maker: Arc<dyn MakeProxy>,
}

/// Restores the outer scope, also after a panic.
struct EncodingGuard(Option<EncodingScope>);

impl Drop for EncodingGuard {
    fn drop(&mut self) {
        let outer = self.0.take();
        // Dropped outside of the borrow.
        let inner = ENCODING.replace(outer);
        drop(inner);
    }
}

impl Format for ObjectFormat {
    const NAME: &'static str = "pickled calls";

    fn encode_args<A: Args + ?Sized>(
        &self,
        args: &A,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        wire::encode_args(&self.pickle, args, out)
    }

    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError> {
        wire::decode_args(&self.pickle, params)
    }

    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        Codec::encode(&self.pickle, value, out)
    }

    fn reply<T: Serialize + ?Sized>(&self, value: &T) -> Result<Payload, FormatError> {
        let guard = EncodingGuard(ENCODING.replace(Some((self.clone(), Vec::new()))));
        let mut out = Vec::new();
        let encoded = self.encode_reply(value, &mut out);
        let found = ENCODING.take().map(|(_, found)| found);
        drop(guard);
        Ok(match encoded {
            Ok(()) => {
                let found = found.unwrap_or_default().into_iter();
                let attachments = found.map(|object| Arc::new(object) as Attachment);
                Payload::from(out).with_attachments(attachments.collect())
            }
            // The method ran, and Python has a reply of its own for this.
            Err(error) if error.kind() == FormatErrorKind::Unrepresentable => {
                let reason: Attachment = Arc::new(UnserializableResult(error.to_string()));
                Payload::from(Vec::new()).with_attachments(vec![reason])
            }
            Err(error) => return Err(error),
        })
    }

    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError> {
        Codec::decode(&self.pickle, reply.as_slice())
    }
}
