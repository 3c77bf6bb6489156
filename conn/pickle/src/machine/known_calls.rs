//! Calls of known functions whose result is plain data, such as `complex`, `set` or `bytes`.

use std::borrow::Cow;

use super::Machine;
use crate::error::{Error, ErrorKind};
use crate::nodes::{Chain, ClassNode, Data, Id, NONE, Span};

/// Maximum length of the name of a nested class. Real names are shorter; without a limit, a name
/// could take more memory than its pickle.
const MAX_NAME: usize = 256;

/// Pushes the result of the call and returns `true`, if it is a call of a known function. Returns
/// `false` otherwise.
pub(super) fn resolve(machine: &mut Machine<'_>, callable: Id, args: Id) -> Result<bool, Error> {
    let arena = &machine.arena;
    let (Some(class), Some(args)) = (arena.as_class(callable), arena.as_tuple(args)) else {
        return Ok(false);
    };
    let arg = |index: usize| args.get(index).map(|id| arena.data(*id));
    let data = match (class.module, &*class.name, args.len()) {
        ("builtins", "complex", 2) => match (arg(0).and_then(real), arg(1).and_then(real)) {
            (Some(real), Some(imaginary)) => {
                let index = arena.complexes.len() as u32;
                machine.arena.complexes.push([real, imaginary]);
                Data::Complex(index)
            }
            _ => return Ok(false),
        },
        ("builtins", "bytes", 0) => Data::Bytes(Span::default()),
        ("builtins", "bytearray", 0) => Data::ByteArray(Span::default()),
        ("builtins", "bytearray", 1) => match arg(0) {
            Some(Data::Bytes(span)) => Data::ByteArray(span),
            _ => return Ok(false),
        },
        ("builtins", "bytearray", 2) => match latin1(machine, [args[0], args[1]])? {
            Some(span) => Data::ByteArray(span),
            None => return Ok(false),
        },
        ("_codecs", "encode", 2) => match latin1(machine, [args[0], args[1]])? {
            Some(span) => Data::Bytes(span),
            None => return Ok(false),
        },
        ("builtins", "set", 0) => Data::Set(Chain::EMPTY),
        ("builtins", "frozenset", 0) => Data::FrozenSet(Span::default()),
        ("builtins", name @ ("set" | "frozenset"), 1) => {
            let Some(Data::List(chain)) = arg(0) else {
                return Ok(false);
            };
            let frozen = name == "frozenset";
            let items: Vec<Id> = arena.chain(chain).collect();
            // A pickle can use the list in many calls, and each of them costs its length.
            machine.charge(items.len())?;
            if frozen {
                Data::FrozenSet(machine.arena.pool(&items))
            } else {
                Data::Set(machine.arena.extend(Chain::EMPTY, &items))
            }
        }
        // `multiprocessing.managers.rebuild_as_list`: the keys, values or items of a dict.
        ("builtins", "list", 1) => {
            let Some(Data::List(chain)) = arg(0) else {
                return Ok(false);
            };
            let items: Vec<Id> = arena.chain(chain).collect();
            machine.charge(items.len())?;
            Data::List(machine.arena.extend(Chain::EMPTY, &items))
        }
        ("builtins", "getattr", 2) => return member(machine, [args[0], args[1]]),
        ("copyreg", "__newobj__" | "__newobj_ex__" | "_reconstructor", _) => {
            let (function, args) = (class.name.clone(), args.to_vec());
            return new_object(machine, &args, &function);
        }
        _ => return Ok(false),
    };
    machine.push(data)?;
    Ok(true)
}

/// Records a new instance in the forms of protocols 0 and 1: calls of functions of `copyreg`, which
/// newer protocols have opcodes for. Returns `false` if the arguments do not have this form.
fn new_object(machine: &mut Machine<'_>, args: &[Id], function: &str) -> Result<bool, Error> {
    machine.charge(args.len())?;
    match (function, args) {
        ("__newobj__", [class, args @ ..]) if machine.arena.as_class(*class).is_some() => {
            let span = machine.arena.pool(args);
            let args = machine.node(Data::Tuple(span))?;
            machine.object(*class, args, NONE, false)?;
        }
        ("__newobj_ex__", &[class, args, kwargs])
            if machine.arena.as_class(class).is_some()
                && machine.arena.as_tuple(args).is_some()
                && machine.arena.as_dict(kwargs).is_some() =>
        {
            machine.object(class, args, kwargs, false)?;
        }
        ("_reconstructor", &[class, base, state])
            if machine.arena.as_class(class).is_some()
                && matches!(machine.arena.data(state), Data::None)
                && machine
                    .arena
                    .as_class(base)
                    .is_some_and(|base| (base.module, &*base.name) == ("builtins", "object")) =>
        {
            let args = machine.node(Data::Tuple(Span::default()))?;
            machine.object(class, args, NONE, false)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn real(data: Data) -> Option<f64> {
    match data {
        Data::Float(bits) => Some(bits.float()),
        Data::Int(bits) => Some(bits.int() as f64),
        _ => None,
    }
}

/// Returns the bytes of a `text` that is to be encoded as Latin-1, the form in which Python 3
/// writes bytes for Python 2. Returns `None` if the arguments do not have this form.
fn latin1(machine: &mut Machine<'_>, [text, encoding]: [Id; 2]) -> Result<Option<Span>, Error> {
    let (Data::Str(span), Some("latin1" | "latin-1")) =
        (machine.arena.data(text), machine.text_of(encoding)?)
    else {
        return Ok(None);
    };
    let Some(text) = machine.text_of(text)? else {
        return Ok(None);
    };
    if text.is_ascii() {
        return Ok(Some(span));
    }
    let Ok(bytes) = text
        .chars()
        .map(u8::try_from)
        .collect::<Result<Vec<_>, _>>()
    else {
        return Ok(None);
    };
    match machine.arena.own(bytes.into_iter()) {
        Some(span) => Ok(Some(span)),
        None => Err(machine.error(
            ErrorKind::Limit,
            "the pickle encodes its texts as more bytes than it has",
        )),
    }
}

/// Pushes a nested class or a method, in the form of protocols 2 and 3: a call of `getattr`.
/// Returns `false` if the arguments do not have this form.
fn member(machine: &mut Machine<'_>, [outer, name]: [Id; 2]) -> Result<bool, Error> {
    let arena = &machine.arena;
    let (Some(outer), Some(name)) = (arena.as_class(outer), machine.text_of(name)?) else {
        return Ok(false);
    };
    if outer.name.len() + 1 + name.len() > MAX_NAME {
        return Ok(false);
    }
    let class = ClassNode {
        module: outer.module,
        name: Cow::Owned(format!("{}.{name}", outer.name)),
    };
    machine.push_class(class)?;
    Ok(true)
}
