//! The client side: calls by name, with arguments and results of any serde types.

use std::error::Error;
use std::future::{Future, poll_fn};

use futures_util::future::{FutureExt as _, TryFutureExt as _, ready};
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::{Duration, Instant};
use tower_service::Service;

use crate::args::Args;
use crate::blocking::wait;
use crate::call::Call;
use crate::context::Context;
use crate::error::CallError;
use crate::fault::Fault;
use crate::format::Format;
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

/// The return type of a method of a client trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the return type of a client method",
    label = "a call can fail: return `Result<T, CallError>`, or a `Result` whose error implements `From<CallError>`"
)]
pub trait Outcome {
    /// The type that the result is decoded to.
    type Value: DeserializeOwned;

    /// Converts the error.
    fn from_call(result: Result<Self::Value, CallError>) -> Self;
}

impl<T: DeserializeOwned, E: From<CallError>> Outcome for Result<T, E> {
    type Value = T;

    fn from_call(result: Result<T, CallError>) -> Self {
        Ok(result?)
    }
}

/// Makes a call for a method of a client trait, whose result may have its own error type.
pub fn call_future<'c, O: Outcome, C: Caller + ?Sized, A: Args>(
    caller: &'c C,
    context: Context,
    args: &A,
) -> impl Future<Output = O> + Send + use<'c, O, C, A> {
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
        call.context = limited(call.context, Instant::now().into_std(), self.time);
        self.caller.send(call)
    }
}

impl<C: BlockingCaller> BlockingCaller for Within<C> {
    type Format = C::Format;

    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> Result<R, CallError> {
        let context = limited(context, std::time::Instant::now(), self.time);
        self.caller.call_in(context, args)
    }

    fn notify_in(&self, context: Context, args: impl Args) -> Result<(), CallError> {
        let context = limited(context, std::time::Instant::now(), self.time);
        self.caller.notify_in(context, args)
    }
}

/// Limits a call to `time` from `now` on.
fn limited(context: Context, now: std::time::Instant, time: Duration) -> Context {
    let limit = now.checked_add(time);
    let deadline = match (context.deadline(), limit) {
        (Some(earlier), Some(limit)) => Some(earlier.min(limit)),
        (deadline, limit) => deadline.or(limit),
    };
    context.with_deadline(deadline)
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes no blocking calls",
    note = "with an async client, the methods of a client trait are `async fn`; those that are `fn` \
            need a blocking client, such as `blocking::Client`"
)]
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

    /// Makes a one-way call. If the protocol has one-way calls, it returns when the call is on its
    /// way, and the outcome of the method is not reported. Otherwise it returns when the method
    /// completes.
    ///
    /// # Errors
    /// The same as for [`call`](Self::call).
    fn notify(&self, method: impl Into<Name>, args: impl Args) -> Result<(), CallError> {
        self.notify_in(Context::new(method).one_way(), args)
    }

    /// Makes a [one-way call](Self::notify) with a context of your choice.
    ///
    /// # Errors
    /// The same as for [`call`](Self::call).
    fn notify_in(&self, context: Context, args: impl Args) -> Result<(), CallError> {
        self.call_in::<IgnoredAny>(context.one_way(), args)
            .map(drop)
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

impl<C: BlockingCaller> BlockingCaller for &C {
    type Format = C::Format;

    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> Result<R, CallError> {
        (**self).call_in(context, args)
    }

    fn notify_in(&self, context: Context, args: impl Args) -> Result<(), CallError> {
        (**self).notify_in(context, args)
    }
}

/// The blocking form of any [`Caller`]: a reference to an object, a client within layers of
/// middleware, or a registry of this process. Each call blocks its thread until it completes.
///
/// ```
/// use farcall::{Blocking, BlockingCaller as _, CallError, Registry, ServiceCaller, client};
/// use farcall::xmlrpc::XmlRpc;
///
/// #[client]
/// trait CalculatorApi {
///     fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry: Registry<XmlRpc> = Registry::new();
/// registry.register_function("add", |a: i64, b: i64| a + b)?;
/// let caller = Blocking::new(ServiceCaller::new(registry, XmlRpc::default()));
/// assert_eq!(caller.add(3, 5)?, 8);
/// # Ok(())
/// # }
/// ```
///
/// In async code a call fails as [`NotSent`](CallError::NotSent), with the source
/// [`CannotBlock`](crate::CannotBlock).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocking<C> {
    caller: C,
}

impl<C> Blocking<C> {
    /// Creates the blocking form of `caller`.
    pub const fn new(caller: C) -> Self {
        Self { caller }
    }

    /// Returns the async caller.
    pub const fn inner(&self) -> &C {
        &self.caller
    }

    /// Returns the async caller.
    pub fn into_inner(self) -> C {
        self.caller
    }
}

impl<C> From<C> for Blocking<C> {
    fn from(caller: C) -> Self {
        Self::new(caller)
    }
}

impl<C: Caller> Blocking<C> {
    /// Returns a caller whose calls take at most `time`, or the remaining time of the call that is
    /// being handled, if that is less. A call that exceeds the limit fails and is cancelled. The
    /// methods of every `#[client]` trait are available on it.
    pub fn within(&self, time: Duration) -> Within<&Self> {
        BlockingCaller::within(self, time)
    }
}

impl<C: Caller> BlockingCaller for Blocking<C> {
    type Format = C::Format;

    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> Result<R, CallError> {
        wait(async { self.caller.call_in(context, args).await })?
    }

    fn notify_in(&self, context: Context, args: impl Args) -> Result<(), CallError> {
        let format = self.caller.format();
        let sent = send_future(&self.caller, &format, context.one_way(), &args);
        wait(sent)?.map(drop)
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
