//! Handlers: plain and async functions and closures over serde types.
//!
//! Four small traits turn a function into a [`Method`](crate::Method): [`Arg`] for an argument,
//! [`FromCall`] for the list of arguments, [`Function`] for the function, and [`IntoReply`] for its
//! return value. They are separate so that the message of the compiler names the type that is
//! wrong. None of them needs to be implemented by hand.
//!
//! Types that cannot be arguments or results do not compile:
//!
//! ```compile_fail
//! # fn offer<F: farcall::protocol::Format>(registry: &farcall::Registry<F>) {
//! registry.register_function("f", |text: &str| text.len());
//! # }
//! ```
//! ```compile_fail
//! # fn offer<F: farcall::protocol::Format>(registry: &farcall::Registry<F>) {
//! registry.register_function("f", || std::thread::current());
//! # }
//! ```
//! ```
//! # fn offer<F: farcall::protocol::Format>(registry: &farcall::Registry<F>) {
//! registry.register_function("f", |text: String| text.len());
//! # }
//! ```

use std::future::{Future, Ready};
use std::marker::PhantomData;

use serde::Serialize;

use crate::args::{Arg, FromArgs, Variadic, for_tuples};
use crate::call::Call;
use crate::context::Context;
use crate::error::FormatError;
use crate::fault::Fault;
use crate::format::Format;

/// A function that can be called with a tuple of arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a remote method",
    label = "a method is a function or closure of at most 12 arguments, `Send + Sync + 'static`"
)]
pub trait Function<Arguments>: Send + Sync + 'static {
    /// The return type of the function.
    type Output;

    /// Calls the function.
    fn invoke(&self, arguments: Arguments) -> Self::Output;
}

/// Marker for the arguments of a function without a [`Context`].
#[derive(Debug)]
pub struct WithoutContext;

/// Marker for the arguments of a function whose first argument is a [`Context`].
#[derive(Debug)]
pub struct WithContext;

/// The arguments of a function, decoded from a call.
pub trait FromCall<Mark>: Sized {
    /// The arguments that are decoded from the parameters of the call.
    type Params: FromArgs;

    /// Combines the decoded parameters and the context, which is taken if it is an argument.
    fn from_parts(params: Self::Params, context: &mut Context) -> Self;

    /// Decodes the arguments of `call`, whose parameters are dropped then.
    ///
    /// # Errors
    /// If the parameters do not match.
    fn from_call<F: Format>(call: &mut Call<F>) -> Result<Self, FormatError> {
        let params = std::mem::take(&mut call.params);
        let params = call.format.decode_args(&params)?;
        Ok(Self::from_parts(params, &mut call.context))
    }
}

impl<T: Arg> FromCall<WithoutContext> for (Variadic<T>,) {
    type Params = Variadic<T>;

    fn from_parts(params: Variadic<T>, _: &mut Context) -> Self {
        (params,)
    }
}

impl<T: Arg> FromCall<WithContext> for (Context, Variadic<T>) {
    type Params = Variadic<T>;

    fn from_parts(params: Variadic<T>, context: &mut Context) -> Self {
        (std::mem::take(context), params)
    }
}

/// Implements [`Function`] for functions with these arguments.
macro_rules! function {
    ($($arg:ident)*) => {
        impl<Callee, Out, $($arg),*> Function<($($arg,)*)> for Callee
        where
            Callee: Fn($($arg),*) -> Out + Send + Sync + 'static,
        {
            type Output = Out;

            #[allow(non_snake_case)]
            fn invoke(&self, ($($arg,)*): ($($arg,)*)) -> Out {
                self($($arg),*)
            }
        }
    };
}

macro_rules! from_call {
    ($($len:literal: $($arg:ident)*;)*) => {$(
        function!($($arg)*);

        impl<$($arg: Arg),*> FromCall<WithoutContext> for ($($arg,)*) {
            type Params = Self;

            fn from_parts(params: Self, _: &mut Context) -> Self {
                params
            }
        }

        impl<$($arg: Arg),*> FromCall<WithContext> for (Context, $($arg,)*) {
            type Params = ($($arg,)*);

            #[allow(non_snake_case)]
            fn from_parts(params: Self::Params, context: &mut Context) -> Self {
                let ($($arg,)*) = params;
                (std::mem::take(context), $($arg,)*)
            }
        }
    )*};
}

for_tuples!(from_call);

// A context and 12 arguments.
function!(A B C D E F G H I J K L M);

/// The return value of a method, converted to a result or a fault.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a remote method",
    label = "a result must implement `serde::Serialize`, or be a `Result` whose error converts to `Fault`",
    note = "`.map_err(Fault::internal)` sends \"internal error\" and logs the cause",
    note = "`.map_err(|e| Fault::new(code, e.to_string()))` sends the error's text"
)]
pub trait IntoResult<Mark> {
    /// The type of the value that is sent when the call succeeds.
    type Value: Serialize;

    /// Returns the value to send, or the fault.
    ///
    /// # Errors
    /// The fault that the method returned.
    fn into_result(self) -> Result<Self::Value, Fault>;
}

/// Marker for a method that cannot fail.
#[derive(Debug)]
pub struct Plain;

/// Marker for a method that returns a `Result`.
#[derive(Debug)]
pub struct Fallible;

impl<T: Serialize> IntoResult<Plain> for T {
    type Value = T;

    fn into_result(self) -> Result<T, Fault> {
        Ok(self)
    }
}

impl<T: Serialize, E: Into<Fault>> IntoResult<Fallible> for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Result<T, Fault> {
        self.map_err(Into::into)
    }
}

/// Rejects a `Result` whose error implements `Serialize`, since its `Err` could be sent to the
/// caller as a success. Such a type has two implementations of [`IntoResult`], and the compiler
/// reports an ambiguity that names this type.
///
/// ```compile_fail
/// # fn offer<F: farcall::protocol::Format>(registry: &farcall::Registry<F>) {
/// registry.register_function("f", || -> Result<i64, String> { Err("no".to_owned()) });
/// # }
/// ```
#[derive(Debug)]
pub struct TheErrorMustConvertToFaultAndNotBeSerialize;

impl<T: Serialize, E: Serialize> IntoResult<TheErrorMustConvertToFaultAndNotBeSerialize>
    for Result<T, E>
{
    type Value = T;

    fn into_result(self) -> Result<T, Fault> {
        unreachable!("the type is ambiguous by construction")
    }
}

/// Marker for a function that returns its result.
#[derive(Debug)]
pub struct Now<Mark>(PhantomData<Mark>);

/// Marker for a function that returns a future of its result.
#[derive(Debug)]
pub struct Later<Mark>(PhantomData<Mark>);

/// The return value of a function: an [`IntoResult`] or a future of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a remote method",
    label = "a result must implement `serde::Serialize`, or be a `Result` whose error converts to `Fault`",
    note = "`.map_err(Fault::internal)` sends \"internal error\" and logs the cause",
    note = "`.map_err(|e| Fault::new(code, e.to_string()))` sends the error's text"
)]
pub trait IntoReply<Mode> {
    /// The type of the value that is sent when the call succeeds.
    type Value: Serialize;

    /// The future of the result, if it is not available immediately.
    type Future: Future<Output = Result<Self::Value, Fault>>;

    /// Returns the result as `Ok`, or a future of it as `Err`.
    fn into_reply(self) -> Result<Result<Self::Value, Fault>, Self::Future>;
}

#[diagnostic::do_not_recommend]
impl<T: IntoResult<Mark>, Mark> IntoReply<Now<Mark>> for T {
    type Value = T::Value;
    type Future = Ready<Result<T::Value, Fault>>;

    fn into_reply(self) -> Result<Result<T::Value, Fault>, Self::Future> {
        Ok(self.into_result())
    }
}

#[diagnostic::do_not_recommend]
impl<T, Mark> IntoReply<Later<Mark>> for T
where
    T: Future<Output: IntoResult<Mark>>,
{
    type Value = <T::Output as IntoResult<Mark>>::Value;
    type Future = ReplyFuture<T, Mark>;

    fn into_reply(self) -> Result<Result<Self::Value, Fault>, Self::Future> {
        Err(ReplyFuture {
            future: self,
            mark: PhantomData,
        })
    }
}

pin_project_lite::pin_project! {
    /// A future whose output is converted to a result or a fault.
    #[derive(Debug)]
    pub struct ReplyFuture<T, Mark> {
        #[pin]
        future: T,
        // A function pointer, so that the marker does not affect whether the future is `Send`.
        mark: PhantomData<fn() -> Mark>,
    }
}

impl<T, Mark> Future for ReplyFuture<T, Mark>
where
    T: Future<Output: IntoResult<Mark>>,
{
    type Output = Result<<T::Output as IntoResult<Mark>>::Value, Fault>;

    fn poll(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        self.project().future.poll(cx).map(IntoResult::into_result)
    }
}
