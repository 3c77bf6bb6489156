//! Calls of which one good answer is enough.

use std::sync::Arc;

use farcall_core::protocol::{Args, Call, Name, Payload};
use farcall_core::{CallError, Caller, Context, Execution};
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::Fleet;
use super::attempt::{AttemptCall, BoxFuture, History, Limits};
use super::encoded::{Encoded, EncodedReply, FleetFormat};
use super::host::Host;
use super::outcome::Stopped;

/// All hosts of a fleet as one [`Caller`], created by [`Fleet::any`]: a call takes the first good
/// answer.
#[derive(Clone, Debug)]
pub struct AnyHost {
    fleet: Fleet,
    format: FleetFormat,
}

impl Fleet {
    /// Returns all hosts as one caller, on which `#[client]` traits work: each call takes the first
    /// good answer, and cancels the others. See [`call_any`](Self::call_any).
    #[must_use]
    pub fn any(&self) -> AnyHost {
        AnyHost {
            format: FleetFormat::of(self.hosts()),
            fleet: self.clone(),
        }
    }

    /// Calls as many hosts at once as the window has places, and returns the first good answer with
    /// its host. The other calls are cancelled. The method may run at several hosts, so it should
    /// be one that only reads.
    ///
    /// With [`hedge`](Self::hedge), an idempotent call goes to one host first, and to one more
    /// whenever that time has passed or one has failed.
    ///
    /// # Errors
    /// If no host gives a result: the error that says most about what may have run.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the calls; the method may still have run.
    pub async fn call_any<R>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Result<(Host, R), CallError>
    where
        R: DeserializeOwned + Send + 'static,
    {
        let context = Context::new(method);
        let encoded = FleetFormat::of(self.hosts()).encode(&args);
        let call = move |host: Host| -> BoxFuture<'static, _> {
            let call = encoded.call(host.format(), context.clone());
            async move { host.call_encoded(call?).await }.boxed()
        };
        self.first_good(self.settings.idempotent, Arc::new(call))
            .await
    }

    async fn first_good<'a, R: Send + 'a>(
        &self,
        is_idempotent: bool,
        call: Arc<AttemptCall<'a, R>>,
    ) -> Result<(Host, R), CallError> {
        if is_idempotent && self.settings.hedge.is_some() {
            return self.staggered(call).await;
        }
        let mut worst = Worst::default();
        let mut run = self.run(is_idempotent, call);
        while let Some((host, outcome)) = run.next().await {
            match outcome.result {
                Ok(result) => return Ok((host, result)),
                Err(error) => worst.add(error),
            }
        }
        Err(worst.into_error())
    }

    /// Calls one host after another, without waiting for those that are slow.
    async fn staggered<'a, R: Send + 'a>(
        &self,
        call: Arc<AttemptCall<'a, R>>,
    ) -> Result<(Host, R), CallError> {
        let limits = Limits {
            hedge: None,
            ..Limits::new(&self.settings, self.hosts().len(), true)
        };
        let after = self.settings.hedge.unwrap_or_default();
        // The first host differs from call to call, so that not all calls go to the same.
        let first = fastrand::usize(..self.hosts().len().max(1));
        let mut indexes = (first..self.hosts().len()).chain(0..first);
        let mut running = FuturesUnordered::new();
        let mut worst = Worst::default();
        loop {
            if let Some(place) = limits.places.take()
                && let Some(index) = indexes.next()
            {
                let host = &self.hosts()[index];
                running.push(limits.begin(&call, host, History::new(index), place));
            }
            let ended = match select(running.next(), Box::pin(sleep(after))).await {
                Either::Left((ended, _)) => ended,
                Either::Right(_) => continue,
            };
            let Some(ended) = ended else {
                return Err(worst.into_error());
            };
            let host = &self.hosts()[ended.history.index];
            match ended.result {
                Ok(result) => return Ok((host.clone(), result)),
                Err(error) => worst.add(error),
            }
        }
    }
}

/// The error that says most about what may have run.
#[derive(Default)]
struct Worst(Option<CallError>);

impl Worst {
    fn add(&mut self, error: CallError) {
        let rank = |error: &CallError| match error.execution() {
            Execution::Never => 0,
            Execution::Maybe => 1,
            Execution::Completed => 2,
        };
        if self
            .0
            .as_ref()
            .is_none_or(|worst| rank(worst) < rank(&error))
        {
            self.0 = Some(error);
        }
    }

    fn into_error(self) -> CallError {
        self.0.unwrap_or_else(|| Stopped::NoHost.before())
    }
}

impl Caller for AnyHost {
    type Format = FleetFormat;

    fn format(&self) -> FleetFormat {
        self.format.clone()
    }

    async fn send(&self, call: Call<FleetFormat>) -> Result<Payload, CallError> {
        let encoded = Encoded::of(&call.params)
            .ok_or_else(|| CallError::NotSent("the arguments are not those of a fleet".into()))?;
        let context = call.context;
        let is_idempotent = context.is_idempotent() || self.fleet.settings.idempotent;
        let call = move |host: Host| -> BoxFuture<'static, _> {
            let call = encoded.call(host.format(), context.clone());
            async move {
                let format = host.format();
                let reply = host.send(call?).await?;
                Ok(EncodedReply { format, reply })
            }
            .boxed()
        };
        let first = self.fleet.first_good(is_idempotent, Arc::new(call));
        first.await.map(|(_, reply)| reply.into_payload())
    }
}
