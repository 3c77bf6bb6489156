//! Queues.

use std::time::Duration;

use bytes::Bytes;
use farcall_core::{CallError, Caller as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{typed_proxy, unless_raised};

typed_proxy! {
    /// A `Queue`, `JoinableQueue`, `LifoQueue` or `PriorityQueue` of a manager.
    ///
    /// ```no_run
    /// # use farcall::conn::managers::{Client, QueueProxy};
    /// # async fn example(manager: Client) -> Result<(), farcall::CallError> {
    /// let queue: QueueProxy = manager.create("Queue", (100,)).await?;
    /// queue.put(&("a job", 7)).await?;
    /// let (name, number): (String, i64) = queue.get().await?;
    /// # Ok(())
    /// # }
    /// ```
    QueueProxy
}

const EMPTY: &str = "queue.Empty";
const FULL: &str = "queue.Full";

impl QueueProxy {
    /// Puts an item into the queue, once there is room.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// The item may be put nevertheless.
    pub async fn put<T: Serialize + Sync + ?Sized>(&self, item: &T) -> Result<(), CallError> {
        self.0.wait_for("put", (item,)).await
    }

    /// Puts bytes into the queue, as `bytes`, once there is room. They are sent from where they
    /// are, where [`put`](Self::put) would copy them into a pickle; with the serializer `xmlrpclib`
    /// they are copied, too.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// The item may be put nevertheless.
    pub async fn put_bytes(&self, item: &[u8]) -> Result<(), CallError> {
        self.0.wait_with_bytes("put", item, None).await
    }

    /// Puts an item into the queue if there is room within a time. `false` if there was none.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// The item may be put nevertheless.
    pub async fn put_within<T: Serialize + Sync + ?Sized>(
        &self,
        item: &T,
        time: Duration,
    ) -> Result<bool, CallError> {
        let put = self.0.wait_for("put", (item, true, time.as_secs_f64()));
        Ok(unless_raised::<()>(put.await, FULL)?.is_some())
    }

    /// Puts bytes into the queue, like [`put_bytes`](Self::put_bytes), if there is room within a
    /// time. `false` if there was none.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// The item may be put nevertheless.
    pub async fn put_bytes_within(&self, item: &[u8], time: Duration) -> Result<bool, CallError> {
        let put = self.0.wait_with_bytes("put", item, Some(time)).await;
        Ok(unless_raised(put, FULL)?.is_some())
    }

    /// Puts an item into the queue if there is room now. `false` if there is none.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// The item may be put nevertheless.
    pub async fn try_put<T: Serialize + Sync + ?Sized>(&self, item: &T) -> Result<bool, CallError> {
        Ok(unless_raised::<()>(self.0.call("put", (item, false)).await, FULL)?.is_some())
    }

    /// Takes the next item, once there is one.
    ///
    /// # Errors
    /// See [`CallError`]. An item that is not a `T` was taken.
    ///
    /// # Cancel safety
    /// If the future is dropped, a manager in CPython may still take an item, which is lost; one in
    /// Rust stops waiting. A loop with [`get_within`](Self::get_within) that is never dropped loses
    /// nothing.
    pub async fn get<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        self.0.wait_for("get", ()).await
    }

    /// Takes the next item, which must be `bytes` or `bytearray`, once there is one. Bytes that are
    /// pickled by protocol 4 or later, as by CPython 3.8 and Farcall, are a part of the received
    /// message, where [`get`](Self::get) would copy them.
    ///
    /// # Errors
    /// See [`CallError`]. An item of another type was taken.
    ///
    /// # Cancel safety
    /// As with [`get`](Self::get).
    pub async fn get_bytes(&self) -> Result<Bytes, CallError> {
        self.0.wait_for_bytes("get", ()).await
    }

    /// Takes the next item, if there is one within a time.
    ///
    /// # Errors
    /// As with [`get`](Self::get).
    ///
    /// # Cancel safety
    /// As with [`get`](Self::get).
    pub async fn get_within<T: DeserializeOwned>(
        &self,
        time: Duration,
    ) -> Result<Option<T>, CallError> {
        unless_raised(
            self.0.wait_for("get", (true, time.as_secs_f64())).await,
            EMPTY,
        )
    }

    /// Takes the next item, like [`get_bytes`](Self::get_bytes), if there is one within a time.
    ///
    /// # Errors
    /// As with [`get_bytes`](Self::get_bytes).
    ///
    /// # Cancel safety
    /// As with [`get`](Self::get).
    pub async fn get_bytes_within(&self, time: Duration) -> Result<Option<Bytes>, CallError> {
        let args = (true, time.as_secs_f64());
        unless_raised(self.0.wait_for_bytes("get", args).await, EMPTY)
    }

    /// Takes the next item, if there is one now.
    ///
    /// # Errors
    /// As with [`get`](Self::get).
    ///
    /// # Cancel safety
    /// The item may be taken nevertheless.
    pub async fn try_get<T: DeserializeOwned>(&self) -> Result<Option<T>, CallError> {
        unless_raised(self.0.call("get", (false,)).await, EMPTY)
    }

    /// Returns the number of items.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn len(&self) -> Result<usize, CallError> {
        self.0.call("qsize", ()).await
    }

    /// Returns `true` if there is no item.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn is_empty(&self) -> Result<bool, CallError> {
        self.0.call("empty", ()).await
    }

    /// Returns `true` if there is no room.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn is_full(&self) -> Result<bool, CallError> {
        self.0.call("full", ()).await
    }

    /// Marks an item that was taken as done, for those who [`join`](Self::join).
    ///
    /// # Errors
    /// See [`CallError`]. A fault of `ValueError` if all items are done.
    ///
    /// # Cancel safety
    /// The item may be marked nevertheless.
    pub async fn task_done(&self) -> Result<(), CallError> {
        self.0.call("task_done", ()).await
    }

    /// Waits until every item is [done](Self::task_done).
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn join(&self) -> Result<(), CallError> {
        self.0.wait_for("join", ()).await
    }

    /// Shuts the queue down: nothing can be put into it any more, and `get` fails once it is empty,
    /// with `queue.ShutDown`. If it is immediate, the items that are left are dropped. A manager in
    /// CPython can do that from 3.13 on.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It may be shut down nevertheless.
    pub async fn shutdown(&self, immediate: bool) -> Result<(), CallError> {
        self.0.call("shutdown", (immediate,)).await
    }
}
