//! Handles of objects.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use rpc_core::payload::Attachment;
use rpc_core::{Call, CallError, Caller, Instance, Payload};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::attachment;
use super::encoding::Encoding;
use super::session::{LocalObject, ObjectHandle};

/// A handle of an object that may live on another side: what methods take and return to pass objects.
///
/// `T` says what the object can do: by convention the `#[client]` trait of its methods, as in
/// `Remote<dyn CounterApi>`. `Remote` alone is a handle of any object. The handle is a [`Caller`], so that the methods of the trait are there. It
/// can be an argument, a result, an item of a stream, or a part of one.
///
/// # Where the object lives, and how long
///
/// [`Remote::new`] makes an object of this side. It lives as long as there is a handle of it, here or
/// elsewhere: each connection counts the references that it carried, a handle that is dropped gives them
/// back, and when a connection is over, so are all of its references (on a server with a
/// [lease](super::ServerOptions::lease), when that is over too). A handle that comes back to where its object lives is the object itself: see
/// [`local`](Self::local). A handle that is passed on to a third side still leads to the object, through
/// the side that passed it.
///
/// Only what was passed can be reached: an object is known by 128 random bits, which are never used again,
/// and only on the connections that it was passed over.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicI64, Ordering};
///
/// use conn::Listener;
/// use conn::rpc::{Client, Remote, Server};
/// use rpc_core::{CallError, client, service};
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
/// let listener = Listener::bind("127.0.0.1:0").authkey("a secret").await?;
/// let address = listener.local_address().clone();
/// tokio::spawn(server.serve(listener));
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
    /// A handle of this object, which can be passed to other sides.
    ///
    /// # Panics
    /// If two of its methods have the same name, which only nested objects can bring about.
    #[must_use]
    pub fn new(instance: impl Instance) -> Self {
        match LocalObject::new(instance) {
            Ok(local) => Self::from_object(ObjectHandle::Local(Arc::new(local))),
            Err(error) => panic!("the object cannot be called: {error}"),
        }
    }

    pub(super) const fn from_object(object: ObjectHandle) -> Self {
        Self {
            object,
            api: PhantomData,
        }
    }

    /// The object itself, where it lives on this side and is an `I`.
    #[must_use]
    pub fn local<I: Instance>(&self) -> Option<Arc<I>> {
        match self.object.resolved() {
            Ok(ObjectHandle::Local(local)) => local.instance(),
            _ => None,
        }
    }

    /// The same object, seen as one that can do something else.
    #[must_use]
    pub fn cast<U: ?Sized>(&self) -> Remote<U> {
        Remote::from_object(self.object.clone())
    }

    /// Waits until the object is there, where this handle is of one that a call [will
    /// return](super::Pipelined::pipelined).
    ///
    /// # Errors
    /// If that call failed.
    ///
    /// # Cancel safety
    /// Can be dropped and called again at any time.
    pub async fn ready(&self) -> Result<(), CallError> {
        match &self.object {
            ObjectHandle::Promised(promise) => promise.ready().await.map(drop),
            object => object.resolved().map(drop),
        }
    }

    /// Ends when the object can no longer be reached, as the connection to it is over for good. Never ends
    /// for an object of this side.
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

/// Handles are equal when they are of the same object, by the same way.
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
        attachment::serialize(serializer, || match self.object.resolved() {
            Ok(ObjectHandle::Promised(_)) => Err(
                "the object is still to come: wait until it is ready before it is passed on"
                    .to_owned(),
            ),
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
                "what is attached is no object, or one that is gone",
            )),
        }
    }
}
