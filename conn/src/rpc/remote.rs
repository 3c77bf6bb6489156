//! References to objects.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use farcall_core::protocol::Attachment;
use farcall_core::protocol::attachment::{self, Carrier};
use farcall_core::protocol::{Call, Payload};
use farcall_core::{CallError, Caller, Instance, Within};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::encoding::Encoding;
use super::session::{LocalObject, ObjectHandle};

/// Reference to an object, which may live in another process. Methods take and return it to pass
/// objects.
///
/// `T` names the interface of the object: by convention the `#[client]` trait of its methods, as in
/// `Remote<dyn CounterApi>`. Plain `Remote` refers to any object. A reference is a [`Caller`], so
/// that the methods of the trait are available on it. It can be an argument, a result, an item of a
/// stream, or a part of one.
///
/// # Lifetime of the object
///
/// [`Remote::new`] creates a local object. The object lives as long as any reference to it exists,
/// in any process. Each connection counts the references that were sent over it. Dropping a
/// reference releases them, and closing the connection releases all of them (on a server with a
/// [lease](super::ServerOptions::lease), the end of the lease does). A reference that returns to
/// the process of its object is the object itself: see [`local`](Self::local). A reference that is
/// passed on to a third process still leads to the object, through the process that passed it.
///
/// Only objects that were passed can be reached: an object is identified by 128 random bits, which
/// are never used again, and is callable only over the connections that it was passed over.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicI64, Ordering};
///
/// use farcall::rpc::{Client, Remote, Server};
/// use farcall::{CallError, client, service};
///
/// #[derive(Default)]
/// struct Counter(AtomicI64);
///
/// #[service]
/// impl Counter {
///     pub fn add(&self, n: i64) -> i64 {
///         self.0.fetch_add(n, Ordering::Relaxed) + n
///     }
/// }
///
/// struct Counters;
///
/// #[service]
/// impl Counters {
///     pub fn create(&self) -> Remote<dyn CounterApi> {
///         Remote::new(Counter::default())
///     }
/// }
///
/// #[client]
/// trait CounterApi {
///     async fn add(&self, n: i64) -> Result<i64, CallError>;
/// }
///
/// #[client]
/// trait CountersApi {
///     async fn create(&self) -> Result<Remote<dyn CounterApi>, CallError>;
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// server.register_instance(Counters)?;
/// let bound = server.bind("127.0.0.1:0").authkey("a secret").await?;
/// let address = bound.local_address().clone();
/// tokio::spawn(bound.serve());
///
/// let client = Client::connect(address).authkey("a secret").await?;
/// let counter = client.create().await?;
/// assert_eq!(counter.add(3).await?, 3);
/// assert_eq!(counter.add(5).await?, 8);
/// # Ok(())
/// # }
/// ```
pub struct Remote<T: ?Sized = dyn Any> {
    object: ObjectHandle,
    api: PhantomData<fn(&T)>,
}

impl<T: ?Sized> Remote<T> {
    /// Creates a reference to this object, which can be passed to peers.
    ///
    /// # Panics
    /// If two of its methods have the same name, which is possible only with nested objects.
    #[must_use]
    pub fn new(instance: impl Instance) -> Self {
        match LocalObject::new(instance) {
            Ok(local) => Self::from_object(ObjectHandle::Local(Arc::new(local))),
            Err(error) => panic!("cannot register the methods of the object: {error}"),
        }
    }

    pub(super) const fn from_object(object: ObjectHandle) -> Self {
        Self {
            object,
            api: PhantomData,
        }
    }

    /// Returns the object itself, if it is local and of type `I`.
    #[must_use]
    pub fn local<I: Instance>(&self) -> Option<Arc<I>> {
        match self.object.resolved() {
            Ok(ObjectHandle::Local(local)) => local.instance(),
            _ => None,
        }
    }

    /// Returns a reference to the same object with another interface.
    #[must_use]
    pub fn cast<U: ?Sized>(&self) -> Remote<U> {
        Remote::from_object(self.object.clone())
    }

    /// Completes when the object exists: at once, unless this is the
    /// [promised](super::Pipelined::pipelined) result of a call.
    ///
    /// # Errors
    /// If the call that promised the object failed.
    ///
    /// # Cancel safety
    /// Can be dropped and called again at any time.
    pub async fn ready(&self) -> Result<(), CallError> {
        match &self.object {
            ObjectHandle::Promised(promise) => promise.ready().await.map(drop),
            object => object.resolved().map(drop),
        }
    }

    /// Returns a form of this reference whose calls take at most `time`, or the remaining time of
    /// the call that is being handled, if that is less. A call that exceeds the limit fails and is
    /// cancelled. The methods of every `#[client]` trait are available on it.
    pub fn within(&self, time: Duration) -> Within<&Self> {
        Caller::within(self, time)
    }

    /// Completes when the object can no longer be reached because the session with its peer ended.
    /// Never completes for a local object.
    ///
    /// # Cancel safety
    /// Can be dropped and called again at any time.
    pub async fn closed(&self) {
        self.object.closed().await;
    }
}

impl<T: ?Sized> Caller for Remote<T> {
    type Format = Encoding;

    fn format(&self) -> Encoding {
        self.object.encoding()
    }

    fn send(
        &self,
        call: Call<Encoding>,
    ) -> impl Future<Output = Result<Payload, CallError>> + Send {
        self.object.send(call)
    }
}

impl<T: ?Sized> Clone for Remote<T> {
    fn clone(&self) -> Self {
        Self::from_object(self.object.clone())
    }
}

/// References are equal if they refer to the same object over the same session.
impl<T: ?Sized> PartialEq for Remote<T> {
    fn eq(&self, other: &Self) -> bool {
        self.object.is_same(&other.object)
    }
}

impl<T: ?Sized> Eq for Remote<T> {}

impl<T: ?Sized> fmt::Debug for Remote<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remote").field(&self.object).finish()
    }
}

impl<T: ?Sized> Serialize for Remote<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        attachment::serialize(serializer, |carrier| match self.object.resolved() {
            _ if carrier == Carrier::Json => Err("JSON-RPC has no objects".to_owned()),
            Ok(ObjectHandle::Promised(_)) => {
                Err("the object is still a promise: await `ready` before passing it on".to_owned())
            }
            Ok(object) => Ok(Arc::new(object) as Attachment),
            Err(error) => Err(error.to_string()),
        })
    }
}

impl<'de, T: ?Sized> Deserialize<'de> for Remote<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let attachment = attachment::deserialize(deserializer)?;
        match attachment.downcast_ref::<ObjectHandle>() {
            Some(object) => Ok(Self::from_object(object.clone())),
            None => Err(D::Error::custom(
                "the attachment is not an object, or the object no longer exists",
            )),
        }
    }
}
