//! A method of a registry.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};

use super::Registry;
use crate::args::FromArgs;
use crate::call::{Call, CallReply, panicked};
use crate::context;
use crate::describe::{Content, Description, Shape};
use crate::fault::Fault;
use crate::format::Format;
use crate::handler::{FromCall, Function, IntoReply, IntoResult};
use crate::name::Name;
use crate::observe::Slot;
use crate::payload::Payload;
use crate::value::Kind;

/// A method: a name, a handler, and a description for introspection.
#[derive(Clone)]
pub struct Method<F: Format> {
    pub(super) name: Name,
    pub(super) description: Arc<Description>,
    pub(super) invoke: Arc<Invoke<F>>,
    pub(super) is_batch: bool,
    pub(super) slot: Slot,
}

/// The handler of a method. It borrows the call, which would otherwise be moved into each of the
/// closures around it.
pub(super) type Invoke<F> = dyn Fn(&Registry<F>, &mut Call<F>) -> CallReply + Send + Sync;

impl<F: Format> Method<F> {
    /// Creates a method from a function or closure, plain or async.
    pub fn function<H, A, Cx, Mode>(name: impl Into<Name>, function: H) -> Self
    where
        H: Function<A, Output: IntoReply<Mode, Future: Send + 'static>>,
        A: FromCall<Cx>,
    {
        type Value<H, A, Mode> = <<H as Function<A>>::Output as IntoReply<Mode>>::Value;

        let description = describe::<A::Params, Value<H, A, Mode>>();
        Self::new(name.into(), description, move |_, call| {
            let arguments = match A::from_call(call) {
                Ok(arguments) => arguments,
                Err(error) => return Fault::from(error).into(),
            };
            match function.invoke(arguments).into_reply() {
                Ok(result) => CallReply::ready(encode(&call.format, result)),
                Err(future) => {
                    let format = call.format.clone();
                    CallReply::later(async move { encode(&format, future.await) })
                }
            }
        })
    }

    /// Creates a method from a plain function, which runs on the runtime's blocking pool.
    pub fn blocking<H, A, Cx, Mark>(name: impl Into<Name>, function: H) -> Self
    where
        H: Function<A, Output: IntoResult<Mark>>,
        A: FromCall<Cx> + Send + 'static,
    {
        type Value<H, A, Mark> = <<H as Function<A>>::Output as IntoResult<Mark>>::Value;

        let description = describe::<A::Params, Value<H, A, Mark>>();
        let function = Arc::new(function);
        Self::new(name.into(), description, move |_, call| {
            let arguments = match A::from_call(call) {
                Ok(arguments) => arguments,
                Err(error) => return Fault::from(error).into(),
            };
            let format = call.format.clone();
            let function = Arc::clone(&function);
            let heritage = context::inherited();
            let run = move || {
                context::within(&heritage, || {
                    encode(&format, function.invoke(arguments).into_result())
                })
            };
            CallReply::later(async move {
                // A call that is abandoned while it waits for a thread never runs.
                let mut task = AbortOnDrop(spawn_blocking(run));
                match (&mut task.0).await {
                    Ok(result) => result,
                    Err(error) => match error.try_into_panic() {
                        Ok(panic) => Err(panicked(&*panic)),
                        Err(cancelled) => Err(Fault::internal(cancelled)),
                    },
                }
            })
        })
    }

    /// Creates a method from a function that takes the registry and the encoded call, and answers
    /// with an encoded reply: the payload of [`Format::reply`], or what the format permits beside
    /// it.
    pub fn raw(
        name: impl Into<Name>,
        description: Description,
        invoke: impl Fn(&Registry<F>, Call<F>) -> CallReply + Send + Sync + 'static,
    ) -> Self {
        Self::new(name.into(), description, move |registry, call| {
            invoke(registry, call.take())
        })
    }

    fn new(
        name: Name,
        description: Description,
        invoke: impl Fn(&Registry<F>, &mut Call<F>) -> CallReply + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            description: Arc::new(description),
            invoke: Arc::new(invoke),
            is_batch: false,
            slot: Slot::default(),
        }
    }

    /// Marks a method as a batch: it makes the calls in its parameters on its registry. Those pass
    /// the [layers](Registry::layer), the batch itself does not: under a limit of calls at once, a
    /// batch would otherwise wait for its own calls, and they for it. Default: no batch.
    #[must_use]
    pub const fn batch(mut self) -> Self {
        self.is_batch = true;
        self
    }

    /// Sets the help text. Default: empty.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.description).help = text.into();
        self
    }

    /// Sets the names of the parameters, in order. Default: none.
    #[must_use]
    pub fn parameter_names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let params = &mut Arc::make_mut(&mut self.description).params;
        for (param, name) in params.iter_mut().zip(names) {
            param.name = Some(name.into());
        }
        self
    }

    /// Sets the kind or the shape of the result. Default: [`Kind::of_result`] of the result type.
    #[must_use]
    pub fn returns(mut self, result: impl Into<Shape>) -> Self {
        let result = result.into();
        let description = Arc::make_mut(&mut self.description);
        description.result = result.kind;
        description.optional = result.optional;
        description.content = result.content;
        self
    }

    /// Sets the kind or the shape of a parameter, counted from 0, if there is one. Default: that of
    /// its type, by what it requests of serde.
    #[must_use]
    pub fn parameter(mut self, index: usize, shape: impl Into<Shape>) -> Self {
        let params = &mut Arc::make_mut(&mut self.description).params;
        if let Some(param) = params.get_mut(index) {
            let shape = shape.into();
            param.kind = shape.kind;
            // Serde alone decides that it can be left out.
            param.optional |= shape.optional;
            param.content = shape.content;
        }
        self
    }

    /// Adds a fault that callers should expect, with its code and text. It is only described.
    /// Default: none.
    #[must_use]
    pub fn fault(mut self, code: i64, text: impl Into<String>) -> Self {
        let faults = &mut Arc::make_mut(&mut self.description).faults;
        faults.push((code, text.into()));
        self
    }
}

impl<F: Format> fmt::Debug for Method<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method")
            .field("name", &self.name)
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}

/// A method in a set of methods, in which it is found by its name. A map would have each name
/// twice, for every object that a peer refers to.
#[derive(Clone)]
pub(super) struct ByName<F: Format>(pub(super) Method<F>);

impl<F: Format> Borrow<str> for ByName<F> {
    fn borrow(&self) -> &str {
        &self.0.name
    }
}

impl<F: Format> Hash for ByName<F> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.as_str().hash(state);
    }
}

impl<F: Format> PartialEq for ByName<F> {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl<F: Format> Eq for ByName<F> {}

/// Aborts a task when its future is dropped.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn describe<Params: FromArgs, Value>() -> Description {
    Description {
        help: String::new(),
        params: Params::describe(),
        variadic: Params::VARIADIC,
        result: Kind::of_result::<Value>(),
        optional: false,
        content: Content::Unknown,
        faults: Vec::new(),
    }
}

pub(crate) fn encode<F: Format, T: serde::Serialize>(
    format: &F,
    result: Result<T, Fault>,
) -> Result<Payload, Fault> {
    format.reply(&result?).map_err(|error| {
        // The method ran, so a result that cannot be encoded is not an error of the caller.
        Fault::of(
            crate::FaultKind::Internal,
            format!("the result cannot be sent: {error}"),
        )
    })
}
