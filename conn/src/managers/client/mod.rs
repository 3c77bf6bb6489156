//! Clients of managers: of CPython's, and of those in Rust.

pub mod blocking;
mod channel;
mod connector;
mod format;
mod lease;
mod link;
mod proxy;
mod reference;
mod reply;
mod typed;

use std::fmt;
use std::sync::Arc;

use farcall_core::CallError;
use farcall_core::protocol::{Args, Payload};
use farcall_core::transport::{Connect, ToTarget};
use farcall_pickle::RawValue;
use serde::de::DeserializeOwned;

pub use channel::Serializer;
pub use connector::ClientConnector;
pub use format::ProxyFormat;
pub use link::StaleProxy;
pub use proxy::{Keywords, Proxy};
pub use typed::{
    ArrayProxy, BarrierProxy, ConditionGuard, ConditionProxy, DictProxy, EventProxy, IteratorProxy,
    ListProxy, LockGuard, LockProxy, NamespaceProxy, PoolProxy, QueueProxy, ValueProxy,
};

use self::link::{Link, empty};
use self::proxy::{AsDict, adopt};
use self::reference::Reference;
use super::wire::{AsTuple, ProxyValue, Token};
use crate::codec::{Codec, pickle_error};
use crate::connect::Dialer;

/// A client of a manager: of a `BaseManager` or `SyncManager` in Python, or of a
/// [`Server`](super::Server).
///
/// ```no_run
/// use farcall::conn::managers::{Client, DictProxy, QueueProxy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // CPython up to 3.11 authenticates with MD5 and nothing else.
/// let manager = Client::connect(("localhost", 50000)).authkey("secret").legacy_md5(true).await?;
/// let jobs: QueueProxy = manager.create("jobs", ()).await?;
/// jobs.put(&("a job", 1)).await?;
/// let counts: DictProxy = manager.create_with("dict", (), &[("apples", 3)]).await?;
/// assert_eq!(counts.get::<i64>("apples").await?, Some(3));
/// # Ok(())
/// # }
/// ```
///
/// # Connections
///
/// A manager answers the calls of a connection one after the other. So each concurrent call has a
/// connection, which is [kept](ClientConnector::max_idle) for the next one. In CPython, a
/// connection is a thread: a lock that is acquired by a call belongs to the connection, and a
/// [`LockGuard`] keeps it until the lock is released.
///
/// # References
///
/// The manager counts the references to its objects. Each [`Proxy`] has one, which is released in
/// the background after the last clone was dropped; [`settled`](Self::settled) waits for that.
/// If a call is abandoned whose result is an object, that is released, too.
///
/// # Failures
///
/// An exception of a method is a [fault](CallError::Fault), whose source is the
/// [`Exception`](super::Exception) with its class and arguments. A failure of the manager itself is
/// one of the class `multiprocessing.managers.RemoteError` with its traceback; if there is no such
/// object or method, the [kind](farcall_core::Fault::kind) of the fault says so.
///
/// After the loss of a connection, the next call opens another one; [`CallError::execution`] tells
/// whether the interrupted call may have run. If all connections were lost at once, the manager may
/// have been restarted. Then the proxies fail as [`StaleProxy`], because the same id may be that of
/// another object, and [`create`](Self::create) makes new ones.
///
/// # Security
///
/// Nothing that a manager sends is executed. A manager in Python unpickles what clients send,
/// which can execute anything.
#[derive(Clone)]
pub struct Client {
    link: Arc<Link>,
}

impl Client {
    /// Returns a builder of a client of the manager at this address. Call setters, such as
    /// [`authkey`](ClientConnector::authkey), then `.await` it.
    ///
    /// The [maximum length](ClientConnector::max_message) of a reply is 256 MiB by default.
    pub fn connect(target: impl ToTarget) -> ClientConnector {
        ClientConnector::new(Dialer::Target(target.to_target()))
    }

    /// Returns a builder of a client over a custom transport.
    pub fn over(connector: impl Connect) -> ClientConnector {
        ClientConnector::new(Dialer::over(connector))
    }

    const fn of(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// Creates an object of a registered type with a tuple of arguments, or returns the shared
    /// object that a program registered under this name.
    ///
    /// # Errors
    /// See [`CallError`]. CPython reports all failures as `RemoteError`.
    ///
    /// # Cancel safety
    /// An object that is created after all is released.
    pub async fn create<P: From<Proxy>>(
        &self,
        typeid: &str,
        args: impl Args,
    ) -> Result<P, CallError> {
        self.create_with::<P>(typeid, args, NO_KEYWORDS).await
    }

    /// Creates an object with a tuple of arguments and with keyword arguments.
    ///
    /// # Errors
    /// As with [`create`](Self::create).
    ///
    /// # Cancel safety
    /// As with [`create`](Self::create).
    pub async fn create_with<P: From<Proxy>>(
        &self,
        typeid: &str,
        args: impl Args,
        kwargs: &(impl Keywords + ?Sized),
    ) -> Result<P, CallError> {
        let (request, objects) = format::encode(|| {
            let encoded = with_typeid(&self.link, typeid, &args);
            let args = encoded.map_err(|error| CallError::Encode(pickle_error(&error)))?;
            self.link.request(None, "create", &args, &AsDict(kwargs))
        });
        let request = request?;
        drop(args);
        let (link, typeid) = (Arc::clone(&self.link), typeid.to_owned());
        // A task of its own, so that no object is left if the future is dropped.
        let creating = self.link.runtime.spawn(async move {
            let generation = link.generation().await?;
            let reply = link.once_encoded(&request).await?;
            drop(objects);
            let (ident, mut exposed): (String, Vec<String>) = decode(&link, &reply)?;
            exposed.sort_unstable();
            let token = Token {
                typeid,
                address: link.address.clone(),
                ident,
            };
            // The object is of this generation if the manager is still the same.
            link.confirm(generation).await?;
            let exposed = Some(exposed);
            Ok::<_, CallError>(Reference::counted(&link, generation, token, exposed))
        });
        let created = creating.await;
        let reference = created.map_err(|error| CallError::Lost(Box::new(error)))??;
        Ok(Proxy::of(reference).into())
    }

    /// Returns the object of a proxy that came as a value.
    ///
    /// # Errors
    /// A fault of the kind [`Gone`](farcall_core::FaultKind::Gone) if there is no such object any
    /// more. See [`CallError`].
    ///
    /// # Cancel safety
    /// The reference may be counted and never released.
    pub async fn proxy(&self, value: &ProxyValue) -> Result<Proxy, CallError> {
        let exposed = value.exposed.clone();
        Ok(Proxy::of(
            adopt(&self.link, value.token.clone(), exposed).await?,
        ))
    }

    /// Returns a text about all objects of the manager.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn debug_info(&self) -> Result<String, CallError> {
        self.function("debug_info").await
    }

    /// Returns the number of objects of the manager.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn objects(&self) -> Result<usize, CallError> {
        self.function("number_of_objects").await
    }

    /// Stops the manager. One in Rust refuses this, unless it is set to obey.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may stop nevertheless.
    pub async fn shutdown(&self) -> Result<(), CallError> {
        self.function("shutdown").await
    }

    /// Waits until the manager was told of all references that were dropped so far. Call it before
    /// the runtime ends: a manager in CPython keeps an object for ever whose reference was not
    /// released.
    ///
    /// # Cancel safety
    /// The references are released in any case.
    pub async fn settled(&self) {
        self.link.settled().await;
    }

    async fn function<R: DeserializeOwned>(&self, name: &str) -> Result<R, CallError> {
        decode(
            &self.link,
            &self.link.once(name, &AsTuple(&()), &empty()).await?,
        )
    }
}

const NO_KEYWORDS: &[(&str, ())] = &[];

/// Returns the arguments of `create`.
fn with_typeid(
    link: &Link,
    typeid: &str,
    args: &impl Args,
) -> Result<Vec<RawValue>, farcall_pickle::Error> {
    let encoded = RawValue::encoded(&link.pickle, &AsTuple(args))?;
    let mut all = vec![RawValue::of(typeid)?];
    all.extend(encoded.parts()?.unwrap_or_default());
    Ok(all)
}

fn decode<R: DeserializeOwned>(link: &Link, reply: &Payload) -> Result<R, CallError> {
    let decoded = Codec::decode::<(String, R)>(&link.pickle, reply.as_slice());
    Ok(decoded.map_err(CallError::Decode)?.1)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("link", &self.link).finish()
    }
}
