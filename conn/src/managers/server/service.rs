//! Objects of the program, whose methods `#[service]` lists.

use std::sync::Arc;

use bytes::Bytes;
use farcall_core::protocol::{Call, Name, Payload};
use farcall_core::{Context, Fault, Instance, RegisterError, Registry};
use farcall_pickle::{RawMessage, Value};
use serde::Serialize;

use super::format::{ObjectFormat, ReturnedObject, UnserializableResult};
use crate::managers::object::{
    Answer, Arguments, MethodCall, Outcome, Raises, SharedObject, Stored, encode, no_method,
};
use crate::managers::wire::Exception;

/// Class of the exception that stands for a result that cannot be pickled.
pub(super) const UNSERIALIZABLE: &str = "farcall:Unserializable";

/// An object with the methods of a `#[service]` block.
pub(super) struct ServiceObject {
    registry: Registry<ObjectFormat>,
    format: ObjectFormat,
    name: &'static str,
}

impl ServiceObject {
    pub(super) fn object_of<I: Instance>(
        instance: I,
        format: ObjectFormat,
    ) -> Result<Arc<dyn SharedObject>, RegisterError> {
        let registry = Registry::new();
        registry.register_instance_at("", instance)?;
        let name = std::any::type_name::<I>();
        Ok(Arc::new(Self {
            registry,
            format,
            name: name.rsplit("::").next().unwrap_or(name),
        }))
    }

    /// Returns a line with the names and kinds of the parameters, and the first line of the help.
    fn description(&self, name: &Name) -> Option<String> {
        let description = self.registry.describe(name)?;
        let params = description.params.iter().enumerate();
        let params: Vec<String> = params
            .map(|(index, param)| {
                let name = param.name.clone().unwrap_or_else(|| format!("arg{index}"));
                let default = if param.optional { " = None" } else { "" };
                format!("{name}: {}{default}", param.kind)
            })
            .collect();
        let help = description.help.lines().next().unwrap_or_default();
        let separator = if help.is_empty() { "" } else { "  # " };
        Some(format!(
            "{name}({}) -> {}{separator}{help}",
            params.join(", "),
            description.result
        ))
    }

    /// Returns the arguments as a tuple, with those by name in their places.
    fn positional(&self, method: &str, args: Arguments) -> Raises<Vec<Stored>> {
        if args.keywords.is_empty() {
            return Ok(args.positional);
        }
        let description = self.registry.describe(method);
        let params = description.as_ref().map(|known| &known.params[..]);
        let names = params.unwrap_or_default().iter();
        let names: Vec<&str> = names
            .map(|param| param.name.as_deref().unwrap_or(""))
            .collect();
        arguments(method, &names, args)
    }
}

/// Returns arguments in the order of the parameters of these names. Parameters between two given
/// ones are `None`.
pub(super) fn arguments(method: &str, names: &[&str], args: Arguments) -> Raises<Vec<Stored>> {
    let error = |text: String| Err(Exception::with_text("TypeError", text));
    let mut positional: Vec<Option<Stored>> = args.positional.into_iter().map(Some).collect();
    for (name, value) in args.keywords {
        let Some(index) = names.iter().position(|known| *known == name) else {
            return error(format!(
                "{method}() got an unexpected keyword argument '{name}'"
            ));
        };
        if positional.len() <= index {
            positional.resize(index + 1, None);
        }
        if positional[index].replace(value).is_some() {
            return error(format!(
                "{method}() got multiple values for argument '{name}'"
            ));
        }
    }
    Ok(positional
        .into_iter()
        .map(Option::unwrap_or_default)
        .collect())
}

/// Returns a call with these arguments.
pub(super) fn call_with(
    format: &ObjectFormat,
    context: &Context,
    method: &str,
    args: &[Stored],
) -> Raises<Call<ObjectFormat>> {
    let message = format.pickle.to_vec(&StoredTuple(args));
    let message = message.map_err(|error| Exception::with_text("TypeError", error.to_string()))?;
    Ok(Call {
        params: message.into(),
        format: format.clone(),
        context: context.for_method(method),
    })
}

struct StoredTuple<'a>(&'a [Stored]);

impl Serialize for StoredTuple<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeTuple as _;

        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for argument in self.0 {
            tuple.serialize_element(argument)?;
        }
        tuple.end()
    }
}

/// Returns the result of a method, as what Python gets.
fn outcome(result: Result<Payload, Fault>) -> Raises<Outcome> {
    let payload = result.map_err(|fault| {
        for cause in fault.causes() {
            tracing::debug!(%cause, "a method of a shared object failed");
        }
        Exception::from_fault(&fault)
    })?;
    let attachments = payload.attachments().to_vec();
    if let Some(reason) = attachments
        .first()
        .and_then(|first| first.downcast_ref::<UnserializableResult>())
    {
        return Err(Exception::with_text(UNSERIALIZABLE, reason.0.clone()));
    }
    let message: Bytes = payload.into_message();
    let unlimited = farcall_pickle::Pickle::default().max_values(usize::MAX);
    let read =
        RawMessage::read(&unlimited, message).and_then(|message| message.value(message.root()));
    let value = read.map_err(|error| Exception::with_text(UNSERIALIZABLE, error.to_string()))?;
    if let [only] = &attachments[..]
        && let Some(returned) = only.downcast_ref::<ReturnedObject>()
        && !returned.in_value
        && encode(&returned.proxy)? == value
    {
        return Ok(Outcome::Object {
            typeid: returned.typeid.clone(),
            object: Arc::clone(&returned.object),
        });
    }
    Ok(Outcome::Value(value.into()))
}

impl SharedObject for ServiceObject {
    fn exposed(&self) -> Vec<String> {
        let names = self.registry.names();
        names.iter().map(|name| name.as_str().to_owned()).collect()
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        let method = call.method.clone();
        if self.registry.describe(&method).is_none() {
            return Err(no_method(&method));
        }
        let args = self.positional(&method, std::mem::take(&mut call.args))?;
        let call = call_with(&self.format, &call.context, &method, &args)?;
        let reply = self.registry.dispatch(call);
        Answer::later(async move {
            let result = reply.await;
            // The arguments hold references until the method has ended.
            drop(args);
            outcome(result)
        })
    }

    fn repr(&self) -> String {
        format!("<{} object of Rust>", self.name)
    }

    fn descriptions(&self) -> Vec<String> {
        let names = self.registry.names();
        names
            .iter()
            .filter_map(|name| self.description(name))
            .collect()
    }

    fn value(&self) -> Raises<Stored> {
        let value = Value::from(self.repr());
        Err(Exception::new(UNSERIALIZABLE).with_args([value]))
    }
}
