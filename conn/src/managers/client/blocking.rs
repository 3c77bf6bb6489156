//! The blocking [`Client`] of managers, and its typed proxies.
//!
//! Each method blocks on the async one of the same name, whose documentation applies. The sockets
//! belong to the runtime that all blocking objects of the process share. In async code they fail,
//! and do nothing.
//!
//! An untyped proxy is a [`Proxy`]: a [`BlockingCaller`](farcall_core::BlockingCaller), with the
//! methods of every `#[client]` trait that is not async.
//!
//! ```no_run
//! use farcall::conn::managers::{Client, blocking};
//! use farcall::{CallError, client};
//!
//! #[client]
//! trait CounterApi {
//!     fn increment(&self, by: i64) -> Result<i64, CallError>;
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let manager = Client::connect(("localhost", 50000)).authkey("secret").wait()?;
//! let jobs: blocking::QueueProxy = manager.create("jobs", ())?;
//! jobs.put(&("a job", 1))?;
//! let counter: blocking::Proxy = manager.create("Counter", (40,))?;
//! assert_eq!(counter.increment(2)?, 42);
//! # Ok(())
//! # }
//! ```

use std::future::{Future, IntoFuture as _};
use std::time::Duration;

use bytes::Bytes;
use farcall_core::protocol::Args;
use farcall_core::protocol::blocking::wait;
use farcall_core::{Blocking, CallError};
use farcall_pickle::Class;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::typed;
use super::{ClientConnector, Keywords};
use crate::connect::ConnectError;
use crate::managers::wire::ProxyValue;

/// An untyped proxy whose calls block.
pub type Proxy = Blocking<super::Proxy>;

fn call<T>(future: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    wait(future)?
}

/// Declares a blocking form of an async type.
macro_rules! blocking {
    ($(
        $(#[$doc:meta])*
        $name:ident($inner:ty) {$(
            $method:ident $([$($generic:tt)+])? ($($arg:ident: $type:ty),*) -> $result:ty;
        )*}
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name($inner);

        impl $name {
            /// Returns the async form of it.
            #[must_use]
            pub const fn inner(&self) -> &$inner {
                &self.0
            }

            $(
                #[doc = concat!(
                    "Blocks on [`", stringify!($method), "`](crate::managers::",
                    stringify!($name), "::", stringify!($method), ")."
                )]
                ///
                /// # Errors
                /// As there; also [`CallError::NotSent`] in async code.
                pub fn $method $(<$($generic)+>)? (&self $(, $arg: $type)*)
                    -> Result<$result, CallError>
                {
                    call(self.0.$method($($arg),*))
                }
            )*
        }

        impl From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                Self(inner)
            }
        }
    )*};
}

/// Makes blocking proxies of untyped ones, and lets them be arguments and results.
macro_rules! proxies {
    ($($name:ident)*) => {$(
        impl From<super::Proxy> for $name {
            fn from(proxy: super::Proxy) -> Self {
                Self(proxy.into())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(deserializer).map(Self)
            }
        }
    )*};
}

proxies! {
    ArrayProxy BarrierProxy ConditionProxy DictProxy EventProxy IteratorProxy ListProxy LockProxy
    NamespaceProxy PoolProxy QueueProxy ValueProxy
}

blocking! {
    /// A client of a manager whose calls block, returned by [`ClientConnector::wait`].
    Client(super::Client) {
        debug_info() -> String;
        objects() -> usize;
        shutdown() -> ();
    }

    /// A queue whose calls block.
    QueueProxy(typed::QueueProxy) {
        put[T: Serialize + Sync + ?Sized](item: &T) -> ();
        put_bytes(item: &[u8]) -> ();
        put_bytes_within(item: &[u8], time: Duration) -> bool;
        put_within[T: Serialize + Sync + ?Sized](item: &T, time: Duration) -> bool;
        try_put[T: Serialize + Sync + ?Sized](item: &T) -> bool;
        get[T: DeserializeOwned]() -> T;
        get_bytes() -> Bytes;
        get_bytes_within(time: Duration) -> Option<Bytes>;
        get_within[T: DeserializeOwned](time: Duration) -> Option<T>;
        try_get[T: DeserializeOwned]() -> Option<T>;
        len() -> usize;
        is_empty() -> bool;
        is_full() -> bool;
        task_done() -> ();
        join() -> ();
        shutdown(immediate: bool) -> ();
    }

    /// A list whose calls block.
    ListProxy(typed::ListProxy) {
        get[T: DeserializeOwned](index: i64) -> Option<T>;
        set[T: Serialize + Sync + ?Sized](index: i64, value: &T) -> ();
        len() -> usize;
        is_empty() -> bool;
        to_vec[T: DeserializeOwned]() -> Vec<T>;
        append[T: Serialize + Sync + ?Sized](value: &T) -> ();
        extend[T: Serialize + Sync](values: &[T]) -> ();
        insert[T: Serialize + Sync + ?Sized](index: i64, value: &T) -> ();
        pop[T: DeserializeOwned]() -> Option<T>;
        remove_at[T: DeserializeOwned](index: i64) -> Option<T>;
        remove[T: Serialize + Sync + ?Sized](value: &T) -> bool;
        contains[T: Serialize + Sync + ?Sized](value: &T) -> bool;
        position[T: Serialize + Sync + ?Sized](value: &T) -> Option<usize>;
        reverse() -> ();
        sort() -> ();
    }

    /// A dict whose calls block.
    DictProxy(typed::DictProxy) {
        get[T: DeserializeOwned](key: &(impl Serialize + Sync + ?Sized)) -> Option<T>;
        insert[T: Serialize + Sync + ?Sized](
            key: &(impl Serialize + Sync + ?Sized),
            value: &T
        ) -> ();
        remove[T: DeserializeOwned](key: &(impl Serialize + Sync + ?Sized)) -> Option<T>;
        or_insert[T: Serialize + DeserializeOwned + Sync](
            key: &(impl Serialize + Sync + ?Sized),
            default: &T
        ) -> T;
        contains(key: &(impl Serialize + Sync + ?Sized)) -> bool;
        len() -> usize;
        is_empty() -> bool;
        keys[K: DeserializeOwned]() -> Vec<K>;
        values[T: DeserializeOwned]() -> Vec<T>;
        items[K: DeserializeOwned, T: DeserializeOwned]() -> Vec<(K, T)>;
        update[T: Serialize + Sync + ?Sized](entries: &T) -> ();
        clear() -> ();
    }

    /// An array whose calls block.
    ArrayProxy(typed::ArrayProxy) {
        get[T: DeserializeOwned](index: i64) -> Option<T>;
        set[T: Serialize + Sync + ?Sized](index: i64, value: &T) -> ();
        len() -> usize;
        is_empty() -> bool;
    }

    /// A namespace whose calls block.
    NamespaceProxy(typed::NamespaceProxy) {
        get[T: DeserializeOwned](name: &str) -> Option<T>;
        set[T: Serialize + Sync + ?Sized](name: &str, value: &T) -> ();
        remove(name: &str) -> bool;
    }

    /// A value whose calls block.
    ValueProxy(typed::ValueProxy) {
        get[T: DeserializeOwned]() -> T;
        set[T: Serialize + Sync + ?Sized](value: &T) -> ();
    }

    /// An iterator whose calls block.
    IteratorProxy(typed::IteratorProxy) {
        next[T: DeserializeOwned]() -> Option<T>;
    }

    /// An event whose calls block.
    EventProxy(typed::EventProxy) {
        is_set() -> bool;
        set() -> ();
        clear() -> ();
        wait() -> ();
        wait_within(time: Duration) -> bool;
    }

    /// A barrier whose calls block.
    BarrierProxy(typed::BarrierProxy) {
        wait() -> Option<usize>;
        wait_within(time: Duration) -> Option<usize>;
        abort() -> ();
        reset() -> ();
        parties() -> usize;
        waiting() -> usize;
        is_broken() -> bool;
    }

    /// A pool whose calls block.
    PoolProxy(typed::PoolProxy) {
        apply[R: DeserializeOwned](function: impl Into<Class>, args: impl Args) -> R;
        map[R: DeserializeOwned, T: Serialize + Sync](
            function: impl Into<Class>,
            items: &[T]
        ) -> Vec<R>;
        close() -> ();
        terminate() -> ();
    }

    /// A lock, or a semaphore, whose calls block.
    LockProxy(typed::LockProxy) {}

    /// A condition whose calls block.
    ConditionProxy(typed::ConditionProxy) {}
}

impl Client {
    /// Creates an object of a registered type, or returns the shared object of this name: see
    /// [`Client::create`](super::Client::create).
    ///
    /// # Errors
    /// As there; also [`CallError::NotSent`] in async code.
    pub fn create<P: From<super::Proxy>>(
        &self,
        typeid: &str,
        args: impl Args,
    ) -> Result<P, CallError> {
        call(self.0.create(typeid, args))
    }

    /// Creates an object with a tuple of arguments and with keyword arguments.
    ///
    /// # Errors
    /// As with [`create`](Self::create).
    pub fn create_with<P: From<super::Proxy>>(
        &self,
        typeid: &str,
        args: impl Args,
        kwargs: &(impl Keywords + ?Sized),
    ) -> Result<P, CallError> {
        call(self.0.create_with(typeid, args, kwargs))
    }

    /// Returns the object of a proxy that came as a value.
    ///
    /// # Errors
    /// See [`Client::proxy`](super::Client::proxy); also [`CallError::NotSent`] in async code.
    pub fn proxy(&self, value: &ProxyValue) -> Result<Proxy, CallError> {
        call(self.0.proxy(value)).map(Blocking::new)
    }

    /// Waits until the manager was told of all references that were dropped so far. Call it before
    /// the program ends: a manager in CPython keeps an object for ever whose reference was not
    /// released.
    ///
    /// # Errors
    /// [`CallError::NotSent`] in async code.
    pub fn settled(&self) -> Result<(), CallError> {
        Ok(wait(self.0.settled())?)
    }
}

impl ClientConnector {
    /// Connects, and blocks until the manager has answered.
    ///
    /// # Errors
    /// As with `.await`; also in async code.
    pub fn wait(self) -> Result<Client, ConnectError> {
        Ok(wait(self.into_future())
            .map_err(ConnectError::from)??
            .into())
    }
}

/// A lock that was acquired, released when it is dropped: see
/// [`LockGuard`](super::LockGuard).
#[derive(Debug)]
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard(super::LockGuard);

impl LockGuard {
    /// Releases the lock.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn release(self) -> Result<(), CallError> {
        call(self.0.release())
    }
}

impl LockProxy {
    /// Acquires the lock, or one of the permits of a semaphore.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn acquire(&self) -> Result<LockGuard, CallError> {
        call(self.0.acquire()).map(LockGuard)
    }

    /// Acquires it within a time. `None` if that was not possible.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn acquire_within(&self, time: Duration) -> Result<Option<LockGuard>, CallError> {
        Ok(call(self.0.acquire_within(time))?.map(LockGuard))
    }

    /// Acquires it if that is possible now.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn try_acquire(&self) -> Result<Option<LockGuard>, CallError> {
        Ok(call(self.0.try_acquire())?.map(LockGuard))
    }
}

impl ConditionProxy {
    /// Acquires the lock of the condition.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn acquire(&self) -> Result<ConditionGuard, CallError> {
        call(self.0.acquire()).map(ConditionGuard)
    }
}

/// The acquired lock of a condition, released when it is dropped.
#[derive(Debug)]
#[must_use = "the lock is released when the guard is dropped"]
pub struct ConditionGuard(super::ConditionGuard);

impl ConditionGuard {
    /// Releases the lock, waits for a notification, and acquires the lock again.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn wait(self) -> Result<Self, CallError> {
        call(self.0.wait()).map(Self)
    }

    /// Waits for at most a time. `false` if it has passed.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn wait_within(self, time: Duration) -> Result<(Self, bool), CallError> {
        let (guard, notified) = call(self.0.wait_within(time))?;
        Ok((Self(guard), notified))
    }

    /// Wakes at most this number of those that wait.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn notify(&mut self, count: usize) -> Result<(), CallError> {
        call(self.0.notify(count))
    }

    /// Wakes all that wait.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn notify_all(&mut self) -> Result<(), CallError> {
        call(self.0.notify_all())
    }

    /// Releases the lock.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn release(self) -> Result<(), CallError> {
        call(self.0.release())
    }
}
