//! What can be a remote method: plain and async functions and closures over serde types.
//!
//! Four small traits stand between a function and a [`Method`](crate::Method), so that the
//! compiler's message names the type that is wrong: [`Arg`] for an argument, [`FromCall`] for all
//! of them, [`Function`] for the function, [`IntoReply`] for what it returns. None of them needs
//! to be implemented by hand.

use std::fmt;
use std::future::{Future, Ready};
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, SerializeTuple, Serializer};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::context::Context;
use crate::describe::{Missing, Parameter};
use crate::error::FormatError;
use crate::fault::Fault;
use crate::format::Format;

/// A type that can be an argument of a remote method: any owned type that serde reads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a remote method",
    label = "an argument must be an owned type that implements `serde::Deserialize`",
    note = "take `String` instead of `&str` and `Vec<T>` instead of `&[T]`",
    note = "`rpc_core::Context` can be the first argument, taken by value"
)]
pub trait Arg: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Arg for T {}

/// The arguments of a call on the caller's side: a tuple of types that serde writes, or a
/// [`Variadic`] list.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of arguments",
    label = "arguments are a tuple: `()`, `(a,)`, `(a, b)`",
    note = "a list whose length is known only at run time is `Variadic(list)`"
)]
pub trait Args {
    /// Writes the arguments as one tuple.
    ///
    /// # Errors
    /// If the serializer cannot represent an argument.
    fn serialize_args<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// The arguments of a call on the method's side.
pub trait FromArgs: Sized {
    /// Reads the arguments from a tuple; trailing ones that are optional can be missing.
    ///
    /// # Errors
    /// If the number or the types of the arguments do not fit.
    fn deserialize_args<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// What the parameters are.
    fn describe() -> Vec<Parameter>;

    /// Whether any number of parameters will do.
    const VARIADIC: bool = false;
}

/// All parameters of a call as one list, where their number is known only at run time.
///
/// As the only argument (after an optional [`Context`]) it makes a method that takes any number
/// of parameters; as the arguments of a call it makes that call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variadic<T>(pub Vec<T>);

impl<A: Args + ?Sized> Args for &A {
    fn serialize_args<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize_args(serializer)
    }
}

impl<T: Serialize> Args for Variadic<T> {
    fn serialize_args<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for value in &self.0 {
            seq.serialize_element(value)?;
        }
        seq.end()
    }
}

impl<T: Arg> FromArgs for Variadic<T> {
    fn deserialize_args<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }

    fn describe() -> Vec<Parameter> {
        Vec::new()
    }

    const VARIADIC: bool = true;
}

/// A function that can be called with a tuple of arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a remote method",
    label = "a method is a function or closure of at most 12 arguments, `Send + Sync + 'static`"
)]
pub trait Function<Arguments>: Send + Sync + 'static {
    /// What the function returns.
    type Output;

    /// Calls the function.
    fn invoke(&self, arguments: Arguments) -> Self::Output;
}

/// Marks the arguments of a function that takes no [`Context`].
#[derive(Debug)]
pub struct WithoutContext;

/// Marks the arguments of a function whose first one is a [`Context`].
#[derive(Debug)]
pub struct WithContext;

/// The arguments of a function, made from a call.
pub trait FromCall<Mark>: Sized {
    /// The part of them that is read from the call's parameters.
    type Params: FromArgs;

    /// Puts the arguments together.
    fn from_parts(params: Self::Params, context: Context) -> Self;

    /// Reads the arguments of `call`.
    ///
    /// # Errors
    /// If the parameters do not fit.
    fn from_call<F: Format>(call: Call<F>) -> Result<(Self, F), FormatError> {
        let params = call.format.decode_args(&call.params)?;
        Ok((Self::from_parts(params, call.context), call.format))
    }
}

impl<T: Arg> FromCall<WithoutContext> for (Variadic<T>,) {
    type Params = Variadic<T>;

    fn from_parts(params: Variadic<T>, _: Context) -> Self {
        (params,)
    }
}

impl<T: Arg> FromCall<WithContext> for (Context, Variadic<T>) {
    type Params = Variadic<T>;

    fn from_parts(params: Variadic<T>, context: Context) -> Self {
        (context, params)
    }
}

macro_rules! tuples {
    ($($len:literal: $($arg:ident)*;)*) => {$(
        impl<$($arg: Serialize),*> Args for ($($arg,)*) {
            #[allow(non_snake_case)]
            fn serialize_args<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let ($($arg,)*) = self;
                #[allow(unused_mut)]
                let mut tuple = serializer.serialize_tuple($len)?;
                $(tuple.serialize_element($arg)?;)*
                tuple.end()
            }
        }

        impl<$($arg: Arg),*> FromArgs for ($($arg,)*) {
            fn deserialize_args<'de, De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
                struct Tuple<T>(PhantomData<T>);

                impl<'de, $($arg: Arg),*> Visitor<'de> for Tuple<($($arg,)*)> {
                    type Value = ($($arg,)*);

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(match $len {
                            0 => "no parameters",
                            1 => "1 parameter",
                            _ => concat!($len, " parameters"),
                        })
                    }

                    #[allow(non_snake_case, unused_mut, unused_variables, unused_assignments)]
                    fn visit_seq<Seq: SeqAccess<'de>>(self, mut seq: Seq) -> Result<Self::Value, Seq::Error> {
                        let mut given = 0;
                        $(let $arg = match seq.next_element()? {
                            Some(value) => { given += 1; value }
                            None => Missing::<Seq::Error>::value()
                                .ok_or_else(|| serde::de::Error::invalid_length(given, &self))?,
                        };)*
                        Ok(($($arg,)*))
                    }
                }

                deserializer.deserialize_tuple($len, Tuple(PhantomData))
            }

            fn describe() -> Vec<Parameter> {
                vec![$(Parameter::of::<$arg>()),*]
            }
        }

        impl<$($arg: Arg),*> FromCall<WithoutContext> for ($($arg,)*) {
            type Params = Self;

            fn from_parts(params: Self, _: Context) -> Self {
                params
            }
        }

        impl<$($arg: Arg),*> FromCall<WithContext> for (Context, $($arg,)*) {
            type Params = ($($arg,)*);

            #[allow(non_snake_case)]
            fn from_parts(params: Self::Params, context: Context) -> Self {
                let ($($arg,)*) = params;
                (context, $($arg,)*)
            }
        }
    )*};
}

tuples! {
    0: ;
    1: A;
    2: A B;
    3: A B C;
    4: A B C D;
    5: A B C D E;
    6: A B C D E F;
    7: A B C D E F G;
    8: A B C D E F G H;
    9: A B C D E F G H I;
    10: A B C D E F G H I J;
    11: A B C D E F G H I J K;
    12: A B C D E F G H I J K L;
}

/// Up to 12 arguments and a context before them.
macro_rules! functions {
    ($($($arg:ident)*;)*) => {$(
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
    )*};
}

functions! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
    A B C D E F G H I J K L;
    A B C D E F G H I J K L M;
}

/// What a method returns, seen as a result or a fault.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a remote method",
    label = "a result must implement `serde::Serialize`, or be a `Result` whose error converts to `Fault`",
    note = "`.map_err(Fault::internal)` sends \"internal error\" and logs the cause",
    note = "`.map_err(|e| Fault::new(code, e.to_string()))` sends the error's text"
)]
pub trait Reply<Mark> {
    /// What is sent when the call succeeds.
    type Value: Serialize;

    /// The value to send, or the fault.
    ///
    /// # Errors
    /// The fault that the method returned.
    fn into_result(self) -> Result<Self::Value, Fault>;
}

/// Marks a method that cannot fail.
#[derive(Debug)]
pub struct Plain;

/// Marks a method that can fail.
#[derive(Debug)]
pub struct Fallible;

impl<T: Serialize> Reply<Plain> for T {
    type Value = T;

    fn into_result(self) -> Result<T, Fault> {
        Ok(self)
    }
}

impl<T: Serialize, E: Into<Fault>> Reply<Fallible> for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Result<T, Fault> {
        self.map_err(Into::into)
    }
}

/// Makes a `Result` whose error serde would write ambiguous, and so a compile error that names
/// this type: else an `Err` could go to the caller as a success.
#[derive(Debug)]
pub struct TheErrorMustConvertToFaultAndNotBeSerialize;

impl<T: Serialize, E: Serialize> Reply<TheErrorMustConvertToFaultAndNotBeSerialize>
    for Result<T, E>
{
    type Value = T;

    fn into_result(self) -> Result<T, Fault> {
        unreachable!("the type is ambiguous by construction")
    }
}

/// Marks a function that returns its result.
#[derive(Debug)]
pub struct Now<Mark>(PhantomData<Mark>);

/// Marks a function that returns a future of its result.
#[derive(Debug)]
pub struct Later<Mark>(PhantomData<Mark>);

/// What a function returns: a [`Reply`] now, or a future of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a remote method",
    label = "a result must implement `serde::Serialize`, or be a `Result` whose error converts to `Fault`",
    note = "`.map_err(Fault::internal)` sends \"internal error\" and logs the cause",
    note = "`.map_err(|e| Fault::new(code, e.to_string()))` sends the error's text"
)]
pub trait IntoReply<Mode> {
    /// What is sent when the call succeeds.
    type Value: Serialize;

    /// What to wait for, where there is something to wait for.
    type Future: Future<Output = Result<Self::Value, Fault>>;

    /// The result, or else the future of it.
    fn into_reply(self) -> Result<Result<Self::Value, Fault>, Self::Future>;
}

#[diagnostic::do_not_recommend]
impl<T: Reply<Mark>, Mark> IntoReply<Now<Mark>> for T {
    type Value = T::Value;
    type Future = Ready<Result<T::Value, Fault>>;

    fn into_reply(self) -> Result<Result<T::Value, Fault>, Self::Future> {
        Ok(self.into_result())
    }
}

#[diagnostic::do_not_recommend]
impl<T, Mark> IntoReply<Later<Mark>> for T
where
    T: Future<Output: Reply<Mark>>,
{
    type Value = <T::Output as Reply<Mark>>::Value;
    type Future = ReplyFuture<T, Mark>;

    fn into_reply(self) -> Result<Result<Self::Value, Fault>, Self::Future> {
        Err(ReplyFuture {
            future: self,
            mark: PhantomData,
        })
    }
}

pin_project_lite::pin_project! {
    /// The future of a result that is still to be told from a fault.
    #[derive(Debug)]
    pub struct ReplyFuture<T, Mark> {
        #[pin]
        future: T,
        // A function pointer, so that the mark has no say in whether the future is `Send`.
        mark: PhantomData<fn() -> Mark>,
    }
}

impl<T, Mark> Future for ReplyFuture<T, Mark>
where
    T: Future<Output: Reply<Mark>>,
{
    type Output = Result<<T::Output as Reply<Mark>>::Value, Fault>;

    fn poll(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        self.project().future.poll(cx).map(Reply::into_result)
    }
}
