//! The functions of the server itself: `Server.public` in CPython.

use farcall_pickle::Value;

use super::ServerState;
use super::table::Host;
use crate::managers::object::{Arguments, MethodCall, Raises, encode};
use crate::managers::wire::{Exception, Reply, Token};

/// The name of the function that makes the connection one for calls of objects.
pub(super) const ACCEPT: &str = "accept_connection";

/// Calls a function of the server.
pub(super) fn call(state: &ServerState, mut call: MethodCall, host: Host) -> Raises<Reply> {
    let table = &state.table;
    match &*call.method {
        "dummy" => none(),
        "create" => create(state, call, host),
        "incref" => {
            let [ident] = call.bind_all(["ident"])?;
            table.incref(&ident.text()?, host)?;
            none()
        }
        "decref" => {
            let [ident] = call.bind_all(["ident"])?;
            table.decref(&ident.text()?)?;
            none()
        }
        "get_methods" => {
            let [token] = call.bind_all(["token"])?;
            let token = Token::from_value(&token.value()?)
                .ok_or_else(|| Exception::with_text("TypeError", "the argument is no Token"))?;
            let exposed = table.exposed(&token.ident)?;
            returned(&tuple(&exposed))
        }
        "debug_info" => returned(&table.debug_info().into()),
        "number_of_objects" => returned(&table.count().into()),
        "shutdown" if state.options.shutdown => {
            state.stop.stop();
            none()
        }
        "shutdown" => Err(Exception::with_text(
            "PermissionError",
            "clients cannot stop this manager",
        )),
        name => {
            let shown: String = name.chars().take(64).collect();
            let text = format!("'{shown}' unrecognized");
            Err(Exception::with_text("AssertionError", text))
        }
    }
}

fn create(state: &ServerState, mut call: MethodCall, host: Host) -> Raises<Reply> {
    let Arguments {
        positional: mut args,
        keywords,
    } = std::mem::take(&mut call.args);
    if args.is_empty() {
        let text = "create() missing required argument: 'typeid'";
        return Err(Exception::with_text("TypeError", text));
    }
    let typeid = args.remove(0).text()?;
    call.args = Arguments {
        positional: args,
        keywords,
    };
    let object = state.types.create(&typeid, &state.format, &mut call)?;
    let (ident, exposed) = state.table.insert(&typeid, &object, 1, Some(host))?;
    returned(&Value::Tuple(vec![ident.into(), tuple(&exposed)]))
}

fn tuple(names: &[String]) -> Value {
    Value::Tuple(names.iter().map(|name| name.as_str().into()).collect())
}

fn returned(value: &Value) -> Raises<Reply> {
    Ok(Reply::Return(encode(value)?))
}

fn none() -> Raises<Reply> {
    returned(&Value::None)
}
