//! The client side: calls by name, with arguments and results of any serde types.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_util::future::{FutureExt as _, TryFutureExt as _, ready};
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::runtime::Handle;
use tokio::time::{Duration, Instant};
use tower_service::Service;

use crate::args::Args;
use crate::call::Call;
use crate::context::Context;
use crate::error::CallError;
use crate::fault::Fault;
use crate::format::Format;
use crate::macros::__private::Outcome;
use crate::name::Name;
use crate::payload::Payload;

/// A client of any protocol, or a [`ServiceCaller`] around any tower service, including a
/// [`Registry`](crate::Registry).
///
/// Every async trait marked `#[client]` is implemented for every `Caller`.
pub trait Caller: Send + Sync {
    /// The format of the calls.
    type Format: Format;

    /// Returns the format of the calls, with the settings of the local side.
    fn format(&self) -> Self::Format;

    /// Sends a call whose arguments are already encoded, and waits for the encoded result.
    ///
    /// # Errors
    /// See [`CallError`]; its [`execution`](CallError::execution) tells whether the call ran.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the call. The method may have run nevertheless.
    fn send(
        &self,
        call: Call<Self::Format>,
    ) -> impl Future<Output = Result<Payload, CallError>> + Send;

    /// Calls a method by name, with a tuple of arguments. The arguments are encoded immediately;
    /// the returned future sends them.
    ///
    /// # Errors
    /// See [`CallError`]; its [`execution`](CallError::execution) tells whether the call ran.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the call. The method may have run nevertheless.
    fn call<R: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        self.call_in(Context::new(method), args)
    }

    /// Makes a [`call`](Self::call) with a context of your choice, for example with a deadline or
    /// marked as [idempotent](Context::idempotent).
    ///
    /// # Errors
    /// See [`CallError`]; its [`execution`](CallError::execution) tells whether the call ran.
    ///
    /// # Cancel safety
    /// The same as for [`call`](Self::call).
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        call_future(self, context, &args)
    }

    /// Makes a one-way call. If the protocol has one-way calls, the future completes when the call
    /// is on its way, and the outcome of the method is not reported. Otherwise it completes when
    /// the method completes.
    ///
    /// # Errors
    /// Mainly [`CallError::Encode`] and [`CallError::NotSent`].
    ///
    /// # Cancel safety
    /// The same as for [`call`](Self::call).
    fn notify(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> impl Future<Output = Result<(), CallError>> + Send {
        let context = Context::new(method).one_way();
        send_future(self, &self.format(), context, &args).map_ok(drop)
    }

    /// Returns a caller that limits each call to `time`, or to the remaining time of the call that
    /// is being handled, if that is less. A call that exceeds the limit fails and is cancelled.
    fn within(&self, time: Duration) -> Within<&Self>
    where
        Self: Sized,
    {
        Within { caller: self, time }
    }
}

/// Makes a call for a method of a client trait, whose result may have its own error type.
pub(crate) fn call_future<'c, C: Caller + ?Sized, A: Args, O: Outcome>(
    caller: &'c C,
    context: Context,
    args: &A,
) -> impl Future<Output = O> + Send + use<'c, C, A, O> {
    let format = caller.format();
    send_future(caller, &format, context, args).map(move |reply| {
        let decode = |reply| format.decode_reply(&reply).map_err(CallError::Decode);
        O::from_call(reply.and_then(decode))
    })
}

/// Encodes the arguments immediately, and sends them once the returned future is polled.
///
/// The combinator stores the call and the future of its answer in the same memory, one after the
/// other. An async block would reserve space for both, and the future is moved more than once
/// before it is polled.
fn send_future<'c, C: Caller + ?Sized, A: Args>(
    caller: &'c C,
    format: &C::Format,
    context: Context,
    args: &A,
) -> impl Future<Output = Result<Payload, CallError>> + Send + use<'c, C, A> {
    let call = match format.params(args) {
        Ok(params) => Ok(Call {
            params,
            format: format.clone(),
            context,
        }),
        Err(error) => Err(CallError::Encode(error)),
    };
    ready(call).and_then(|call| caller.send(call))
}

/// A caller whose calls have a timeout. Created by [`Caller::within`].
#[derive(Clone, Copy, Debug)]
pub struct Within<C> {
    caller: C,
    time: Duration,
}

impl<C: Caller> Caller for Within<C> {
    type Format = C::Format;

    fn format(&self) -> Self::Format {
        self.caller.format()
    }

    fn send(
        &self,
        mut call: Call<Self::Format>,
    ) -> impl Future<Output = Result<Payload, CallError>> + Send {
        let limit = Instant::now().checked_add(self.time).map(Instant::into_std);
        let deadline = match (call.context.deadline(), limit) {
            (Some(earlier), Some(limit)) => Some(earlier.min(limit)),
            (deadline, limit) => deadline.or(limit),
        };
        call.context = call.context.with_deadline(deadline);
        self.caller.send(call)
    }
}

impl<C: Caller> Caller for &C {
    type Format = C::Format;

    fn format(&self) -> Self::Format {
        (**self).format()
    }

    fn send(
        &self,
        call: Call<Self::Format>,
    ) -> impl Future<Output = Result<Payload, CallError>> + Send {
        (**self).send(call)
    }

    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        (**self).call_in(context, args)
    }
}

/// A blocking client of any protocol: a call blocks its thread until the reply arrives.
///
/// Every trait marked `#[client]` whose methods are not async is implemented for every
/// `BlockingCaller`.
pub trait BlockingCaller {
    /// The format of the calls.
    type Format: Format;

    /// Calls a method by name, with a tuple of arguments, and waits for the result.
    ///
    /// # Errors
    /// See [`CallError`]; its [`execution`](CallError::execution) tells whether the call ran.
    fn call<R: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Result<R, CallError> {
        self.call_in(Context::new(method), args)
    }

    /// Makes a [`call`](Self::call) with a context of your choice, for example with a deadline or
    /// marked as [idempotent](Context::idempotent).
    ///
    /// # Errors
    /// See [`CallError`]; its [`execution`](CallError::execution) tells whether the call ran.
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> Result<R, CallError>;

    /// Makes a one-way call: the result is ignored.
    ///
    /// # Errors
    /// The same as for [`call`](Self::call).
    fn notify(&self, method: impl Into<Name>, args: impl Args) -> Result<(), CallError> {
        let context = Context::new(method).one_way();
        self.call_in::<IgnoredAny>(context, args).map(drop)
    }
}

impl<C: BlockingCaller> BlockingCaller for &C {
    type Format = C::Format;

    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> Result<R, CallError> {
        (**self).call_in(context, args)
    }
}

/// A caller around any tower service that answers calls: a registry in this process, or a client
/// wrapped in tower layers.
#[derive(Clone, Debug)]
pub struct ServiceCaller<S, F> {
    service: S,
    format: F,
}

impl<S, F> ServiceCaller<S, F> {
    /// Creates a caller that sends calls to `service`, encoded in `format`.
    pub const fn new(service: S, format: F) -> Self {
        Self { service, format }
    }
}

impl<S, F> Caller for ServiceCaller<S, F>
where
    F: Format,
    S: Service<Call<F>, Response = Payload, Error: Into<CallError>, Future: Send>
        + Clone
        + Send
        + Sync,
{
    type Format = F;

    fn format(&self) -> F {
        self.format.clone()
    }

    fn send(&self, call: Call<F>) -> impl Future<Output = Result<Payload, CallError>> + Send {
        let mut service = self.service.clone();
        async move {
            poll_fn(|cx| service.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            service.call(call).await.map_err(Into::into)
        }
    }
}

/// A blocking caller around a tower service whose futures need no event loop: a blocking client
/// wrapped in tower layers, or a registry in this process. It is the blocking counterpart of
/// [`ServiceCaller`]. The thread sleeps while a future waits.
#[derive(Clone, Debug)]
pub struct BlockingServiceCaller<S, F> {
    inner: ServiceCaller<S, F>,
}

impl<S, F> BlockingServiceCaller<S, F> {
    /// Creates a caller that sends calls to `service`, encoded in `format`.
    pub const fn new(service: S, format: F) -> Self {
        Self {
            inner: ServiceCaller::new(service, format),
        }
    }
}

impl<S, F> BlockingCaller for BlockingServiceCaller<S, F>
where
    F: Format,
    S: Service<Call<F>, Response = Payload, Error: Into<CallError>> + Clone,
{
    type Format = F;

    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> Result<R, CallError> {
        let ServiceCaller { service, format } = &self.inner;
        let mut service = service.clone();
        let call = Call {
            params: format.params(&args).map_err(CallError::Encode)?,
            format: format.clone(),
            context,
        };
        if is_polled() {
            return Err(CallError::NotSent(Box::new(WithinRuntime)));
        }
        let reply = block_on(async {
            poll_fn(|cx| service.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            service.call(call).await.map_err(Into::into)
        })?;
        format.decode_reply(&reply).map_err(CallError::Decode)
    }
}

/// Returns `true` if a task of an event loop runs on this thread, which must not wait.
fn is_polled() -> bool {
    // Trying is the only way to find that out.
    Handle::try_current()
        .is_ok_and(|runtime| catch_unwind(AssertUnwindSafe(|| runtime.block_on(async {}))).is_err())
}

/// Completes a future on this thread, which sleeps while the future waits.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut task::Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// A blocking caller was used where blocking is not allowed.
#[derive(Debug, thiserror::Error)]
#[error("a blocking caller was used within an async runtime, where it would stall other tasks")]
struct WithinRuntime;

/// Converts the boxed error of a tower layer. An error that the layer only passed on is unboxed. An
/// error of the layer itself, such as a timeout, becomes [`Lost`](CallError::Lost), since the call
/// may have run.
impl From<Box<dyn Error + Send + Sync>> for CallError {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => match error.downcast::<Fault>() {
                Ok(fault) => Self::Fault(*fault),
                Err(error) => Self::Lost(error),
            },
        }
    }
}
