//! `#[service]` and `#[client]`: their guides, and what their expansions stand on.

pub use rpc_core_macros::client;
pub use rpc_core_macros::service;

/// What the macros write calls to. No part of the API.
#[doc(hidden)]
pub mod __private {
    use std::marker::PhantomData;

    use serde::de::{Deserialize, DeserializeOwned};

    use crate::describe::Kind;
    use crate::error::CallError;
    use crate::format::Format;
    use crate::handler::{FromCall, Function, IntoReply, Reply};
    use crate::registry::Method;

    /// The type of a method's result, to ask for its kind.
    ///
    /// `(&result).result_kind()` finds [`Exact`] where `T` can be read, and else [`Guess`], which
    /// is one borrow further away.
    #[derive(Debug)]
    pub struct ResultOf<T>(PhantomData<fn() -> T>);

    /// The kind of a result that can be read.
    pub trait Exact {
        /// What `T` is read from.
        fn result_kind(&self) -> Kind;
    }

    // Not `DeserializeOwned`: whether a type is that hangs on its lifetimes, which are not known yet
    // when this impl is chosen, so that a result of `&'static str` would be an error.
    impl<T: Deserialize<'static>> Exact for ResultOf<T> {
        fn result_kind(&self) -> Kind {
            Kind::of::<T>()
        }
    }

    /// The kind of a result that can only be written.
    pub trait Guess {
        /// What the name of `T` tells.
        fn result_kind(&self) -> Kind;
    }

    impl<T> Guess for &ResultOf<T> {
        fn result_kind(&self) -> Kind {
            Kind::of_result::<T>()
        }
    }

    type Value<H, A, Mode> = <<H as Function<A>>::Output as IntoReply<Mode>>::Value;

    /// [`Method::function`], with the type of its result.
    pub fn function<F: Format, H, A, Cx, Mode>(
        name: &'static str,
        function: H,
    ) -> (Method<F>, ResultOf<Value<H, A, Mode>>)
    where
        H: Function<A, Output: IntoReply<Mode, Future: Send + 'static>>,
        A: FromCall<Cx>,
    {
        (Method::function(name, function), ResultOf(PhantomData))
    }

    /// [`Method::blocking`], with the type of its result.
    pub fn blocking<F: Format, H, A, Cx, Mark>(
        name: &'static str,
        function: H,
    ) -> (Method<F>, ResultOf<<H::Output as Reply<Mark>>::Value>)
    where
        H: Function<A, Output: Reply<Mark>>,
        A: FromCall<Cx> + Send + 'static,
    {
        (Method::blocking(name, function), ResultOf(PhantomData))
    }

    /// What a method of a client trait returns.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be what a client's method returns",
        label = "a call can fail: return `Result<T, CallError>`, or a `Result` whose error implements `From<CallError>`"
    )]
    pub trait Outcome {
        /// What the answer is read as.
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
}
