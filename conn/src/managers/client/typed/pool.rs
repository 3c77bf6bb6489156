//! Pools of worker processes.

use farcall_core::protocol::Args;
use farcall_core::{CallError, Caller as _};
use farcall_pickle::{Class, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::typed_proxy;
use crate::managers::wire::AsTuple;

typed_proxy! {
    /// A `Pool` of a manager, whose workers call functions that they can import.
    ///
    /// ```no_run
    /// # use farcall::conn::managers::{Client, PoolProxy};
    /// # async fn example(manager: Client) -> Result<(), farcall::CallError> {
    /// let pool: PoolProxy = manager.create("Pool", (4,)).await?;
    /// let root: f64 = pool.apply("math.sqrt", (16,)).await?;
    /// let roots: Vec<f64> = pool.map("math.sqrt", &[1, 4, 9]).await?;
    /// # Ok(())
    /// # }
    /// ```
    PoolProxy
}

impl PoolProxy {
    /// Calls a function in a worker, and waits for its result.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// The function may run nevertheless.
    pub async fn apply<R: DeserializeOwned>(
        &self,
        function: impl Into<Class>,
        args: impl Args,
    ) -> Result<R, CallError> {
        let call = self
            .0
            .call("apply", (Value::Class(function.into()), AsTuple(&args)));
        call.await
    }

    /// Calls a function with each item, in all workers, and returns the results in the order of the
    /// items.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// The function may run nevertheless.
    pub async fn map<R: DeserializeOwned, T: Serialize + Sync>(
        &self,
        function: impl Into<Class>,
        items: &[T],
    ) -> Result<Vec<R>, CallError> {
        let call = self.0.call("map", (Value::Class(function.into()), items));
        call.await
    }

    /// Ends the workers, once they have done what was asked for.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// They may end nevertheless.
    pub async fn close(&self) -> Result<(), CallError> {
        self.0.call("close", ()).await
    }

    /// Ends the workers at once.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// They may end nevertheless.
    pub async fn terminate(&self) -> Result<(), CallError> {
        self.0.call("terminate", ()).await
    }
}
