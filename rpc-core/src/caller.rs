//! Making calls: by name, with arguments and a result of any serde types.

use std::error::Error;
use std::future::{Future, poll_fn};

use futures_util::future::{FutureExt as _, TryFutureExt as _, ready};
use serde::de::{DeserializeOwned, IgnoredAny};
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

/// Something that calls can be made on: a client of any protocol, or [`ServiceCaller`] around any tower
/// service, a [`Registry`](crate::Registry) included.
///
/// Every trait marked `#[client]` is implemented for every `Caller`.
pub trait Caller: Send + Sync {
    /// The format of the calls.
    type Format: Format;

    /// The format of the calls, with this side's settings.
    fn format(&self) -> Self::Format;

    /// Sends a call whose arguments are encoded already, and waits for the encoded result.
    ///
    /// # Errors
    /// See [`CallError`]; its [`execution`](CallError::execution) tells whether the call ran.
    ///
    /// # Cancel safety
    /// Dropping the future gives the call up; the method may have run all the same.
    fn send(
        &self,
        call: Call<Self::Format>,
    ) -> impl Future<Output = Result<Payload, CallError>> + Send;

    /// Calls a method by its name, with a tuple of arguments. The arguments are encoded at once;
    /// the returned future sends them.
    ///
    /// # Errors
    /// See [`CallError`]; its [`execution`](CallError::execution) tells whether the call ran.
    ///
    /// # Cancel safety
    /// Dropping the future gives the call up; the method may have run all the same.
    fn call<R: DeserializeOwned>(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        self.call_in(Context::new(method), args)
    }

    /// As [`call`](Self::call), in circumstances of your choice: a deadline, or that the call is
    /// [idempotent](Context::idempotent).
    ///
    /// # Errors
    /// See [`CallError`]; its [`execution`](CallError::execution) tells whether the call ran.
    ///
    /// # Cancel safety
    /// As with [`call`](Self::call).
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        call_future(self, context, &args)
    }

    /// Makes a call and wants no result. Where the protocol has one-way calls, the future ends once the
    /// call is on its way, and what becomes of it is not told; elsewhere it ends when the method has.
    ///
    /// # Errors
    /// Above all [`CallError::Encode`] and [`CallError::NotSent`].
    ///
    /// # Cancel safety
    /// As with [`call`](Self::call).
    fn notify(
        &self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> impl Future<Output = Result<(), CallError>> + Send {
        let context = Context::new(method).one_way();
        send_future(self, &self.format(), context, &args).map_ok(drop)
    }

    /// A caller whose calls may take this long each, or less where the call that is being answered has
    /// less time left. When the time is over a call fails, and the other side is told to give it up.
    fn within(&self, time: Duration) -> Within<&Self>
    where
        Self: Sized,
    {
        Within { caller: self, time }
    }
}

/// Makes a call whose outcome may have an error of its own, as the methods of clients do.
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

/// Encodes the arguments, and sends them once it is awaited. The call and the future of its answer take the same room
/// one after the other, which those of an async block would not: the future is moved more than once before it is polled.
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

/// A caller whose calls have a limited time. Made by [`Caller::within`].
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

/// Something that calls can be made on by a thread that waits for the answer: the blocking client
/// of any protocol.
///
/// Every trait marked `#[client]` whose methods are not async is implemented for every
/// `BlockingCaller`.
pub trait BlockingCaller {
    /// The format of the calls.
    type Format: Format;

    /// Calls a method by its name, with a tuple of arguments, and waits for the result.
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

    /// As [`call`](Self::call), in circumstances of your choice: a deadline, or that the call is
    /// [idempotent](Context::idempotent).
    ///
    /// # Errors
    /// See [`CallError`]; its [`execution`](CallError::execution) tells whether the call ran.
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> Result<R, CallError>;

    /// Makes a call whose result, whatever it is, is not wanted.
    ///
    /// # Errors
    /// As with [`call`](Self::call).
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

/// A caller made from any tower service that answers calls: a registry in this process, or a
/// client under a stack of layers.
#[derive(Clone, Debug)]
pub struct ServiceCaller<S, F> {
    service: S,
    format: F,
}

impl<S, F> ServiceCaller<S, F> {
    /// Makes calls on `service`, in `format`.
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

/// The boxed errors of tower's layers: what a layer only passed on comes out as it was; what a
/// layer said itself, such as a timeout, leaves open whether the call ran.
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
