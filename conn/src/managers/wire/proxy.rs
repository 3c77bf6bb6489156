//! Tokens of objects, and pickled proxies.

use std::collections::HashSet;

use farcall_core::transport::Address;
use farcall_pickle::{Class, Object, RawValue, Value};
use serde::{Serialize, Serializer};

const MODULE: &str = "multiprocessing.managers";

/// The address of a manager, as tokens have it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenAddress {
    /// A host and a port.
    Tcp(String, u16),
    /// The path of a Unix socket. An abstract one begins with a NUL character.
    Path(String),
}

impl From<&Address> for TokenAddress {
    fn from(address: &Address) -> Self {
        match address {
            Address::Tcp(address) => Self::Tcp(address.ip().to_string(), address.port()),
            Address::Unix(path) => Self::Path(path.to_string_lossy().into_owned()),
            Address::Abstract(name) => Self::Path(format!("\0{}", String::from_utf8_lossy(name))),
            address => Self::Path(address.to_string()),
        }
    }
}

impl From<&TokenAddress> for Value {
    fn from(address: &TokenAddress) -> Self {
        match address {
            TokenAddress::Tcp(host, port) => (host.as_str(), *port).into(),
            TokenAddress::Path(path) => path.as_str().into(),
        }
    }
}

impl TokenAddress {
    fn from_value(value: &Value) -> Option<Self> {
        Some(match value.unshared() {
            Value::Str(path) => Self::Path(path.clone()),
            Value::Bytes(path) => Self::Path(String::from_utf8_lossy(path).into_owned()),
            value => {
                let (host, port) = (value[0].as_str()?, value[1].as_i64()?);
                Self::Tcp(host.to_owned(), port.try_into().ok()?)
            }
        })
    }
}

/// The token of an object: `multiprocessing.managers.Token`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// The name of its type, under which programs have registered a class of proxies.
    pub typeid: String,
    /// The address of the manager, as the side that made the token knows it.
    pub address: TokenAddress,
    /// The id of the object in the manager.
    pub ident: String,
}

impl From<&Token> for Value {
    fn from(token: &Token) -> Self {
        let state = (
            token.typeid.as_str(),
            Self::from(&token.address),
            token.ident.as_str(),
        );
        Object::new(Class::new(MODULE, "Token"))
            .with_state(state)
            .into()
    }
}

impl Token {
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        if !is_of_managers(object, "Token") {
            return None;
        }
        let state = object.state()?;
        Some(Self {
            typeid: state[0].as_str()?.to_owned(),
            address: TokenAddress::from_value(&state[1])?,
            ident: state[2].as_str()?.to_owned(),
        })
    }
}

fn is_of_managers(object: &Object, name: &str) -> bool {
    let class = object.class();
    class.is_some_and(|class| class.module() == MODULE && class.name() == name)
}

/// A pickled proxy: `multiprocessing.managers.RebuildProxy(func, token, serializer, kwds)`.
///
/// Python makes a proxy of it, which holds a reference to the object. Its authkey is the
/// `current_process().authkey` of the receiving process.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxyValue {
    /// The class of the proxy, or the function `AutoProxy`.
    pub proxy_type: Class,
    /// The object.
    pub token: Token,
    /// The serializer: `pickle` or `xmlrpclib`.
    pub serializer: String,
    /// The names of the methods, for an `AutoProxy`.
    pub exposed: Option<Vec<String>>,
}

impl ProxyValue {
    /// Returns the proxy that a value is, if it is one.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let [proxy_type, token, serializer, kwargs] = object.args() else {
            return None;
        };
        if !is_of_managers(object, "RebuildProxy") {
            return None;
        }
        let names = kwargs["exposed"].elements().map(|names| {
            let names = names.iter();
            names
                .filter_map(|name| Some(name.as_str()?.to_owned()))
                .collect()
        });
        Some(Self {
            proxy_type: proxy_type.as_class()?.clone(),
            token: Token::from_value(token)?,
            serializer: serializer.as_str()?.to_owned(),
            exposed: names,
        })
    }
}

impl From<&ProxyValue> for Value {
    fn from(proxy: &ProxyValue) -> Self {
        let kwargs = proxy.exposed.as_ref().map(|names| {
            let names = names.iter().map(|name| name.as_str().into());
            ("exposed", Self::Tuple(names.collect()))
        });
        Object::call(Class::new(MODULE, "RebuildProxy"))
            .with_args([
                proxy.proxy_type.clone().into(),
                (&proxy.token).into(),
                proxy.serializer.as_str().into(),
                Self::dict(kwargs),
            ])
            .into()
    }
}

impl Serialize for ProxyValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from(self).serialize(serializer)
    }
}

/// Returns `true` if proxies may be in a value: it is cheap, and decides whether the value must be
/// decoded to find them.
pub(crate) fn may_contain_proxies(value: &RawValue) -> bool {
    const NAME: &[u8] = b"RebuildProxy";
    value.has_classes() && memchr::memmem::find(value.code(), NAME).is_some()
}

/// Calls `visit` with each proxy in a value.
pub(crate) fn each_proxy(value: &Value, visit: &mut impl FnMut(ProxyValue)) {
    walk(value, &mut HashSet::new(), visit);
}

fn walk(value: &Value, seen: &mut HashSet<*const Value>, visit: &mut impl FnMut(ProxyValue)) {
    if matches!(value, Value::Shared(_)) && !seen.insert(value.unshared()) {
        return;
    }
    match value.unshared() {
        Value::List(values)
        | Value::Tuple(values)
        | Value::Set(values)
        | Value::FrozenSet(values) => {
            for value in values {
                walk(value, seen, visit);
            }
        }
        Value::Dict(entries) => {
            for (key, value) in entries {
                walk(key, seen, visit);
                walk(value, seen, visit);
            }
        }
        Value::Object(object) => {
            if let Some(proxy) = ProxyValue::from_value(value) {
                visit(proxy);
                return;
            }
            let pairs = object.kwargs().iter().chain(object.entries());
            for (key, value) in pairs {
                walk(key, seen, visit);
                walk(value, seen, visit);
            }
            for value in object.args().iter().chain(object.items()) {
                walk(value, seen, visit);
            }
            if let Some(state) = object.state() {
                walk(state, seen, visit);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_found_in_values() {
        let proxy = ProxyValue {
            proxy_type: Class::new(MODULE, "AutoProxy"),
            token: Token {
                typeid: "Queue".to_owned(),
                address: TokenAddress::Path("/tmp/socket".to_owned()),
                ident: "7f".to_owned(),
            },
            serializer: "pickle".to_owned(),
            exposed: Some(vec!["get".to_owned(), "put".to_owned()]),
        };
        let value = Value::dict([("q", Value::List(vec![(&proxy).into()]))]);
        let raw = RawValue::of(&value).unwrap();
        assert!(may_contain_proxies(&raw));
        let decoded: Value = raw.decode(&farcall_pickle::Pickle::default()).unwrap();
        let mut found = Vec::new();
        each_proxy(&decoded, &mut |proxy| found.push(proxy));
        assert_eq!(found, [proxy]);
        assert!(!may_contain_proxies(&RawValue::of("RebuildProxy").unwrap()));
    }
}
