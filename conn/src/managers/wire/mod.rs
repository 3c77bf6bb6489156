//! Messages of `multiprocessing.managers`: requests, replies, tokens, proxies and exceptions, as
//! both sides write and read them.
//!
//! The facts are from CPython 3.6 to 3.13, `Lib/multiprocessing/managers.py`; the functions are
//! named where it matters.

mod exception;
mod proxy;
#[cfg(feature = "managers-xmlrpc")]
pub(super) mod xml;

use bytes::Bytes;
use farcall_core::FormatError;
use farcall_core::protocol::{Args, FromArgs, Payload};
use farcall_pickle::{ErrorKind, Pickle, RawMessage, RawValue, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::Codec;
pub use exception::Exception;
pub(crate) use exception::is_control_flow;
pub use proxy::{ProxyValue, Token, TokenAddress};
pub(crate) use proxy::{each_proxy, may_contain_proxies};

/// The error of a message that is no request or reply of a manager.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The message is not a pickle, or exceeds a limit.
    #[error("the message cannot be read")]
    Pickle(#[from] farcall_pickle::Error),
    /// The message is a pickle of something else.
    #[error("the message is not {expected}")]
    Unexpected {
        /// The expected message.
        expected: &'static str,
    },
    /// The message is longer than the receiver takes. It was discarded.
    #[error("the message has {length} bytes, and at most {limit} are accepted")]
    TooLarge {
        /// The length of the message in bytes.
        length: u64,
        /// The limit in bytes.
        limit: usize,
    },
}

farcall_core::debug_errors!(WireError);

/// A request: `(ident, methodname, args, kwds)`, as `dispatch` and `BaseProxy._callmethod` send it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The object. `None` for the functions of the server itself.
    pub(crate) ident: Option<String>,
    pub(crate) method: String,
    pub(crate) args: Vec<RawValue>,
    pub(crate) kwargs: Vec<(String, RawValue)>,
}

impl Request {
    /// Encodes a request. `args` is serialized as a tuple, `kwargs` as a dict of texts.
    #[allow(dead_code, reason = "clients send requests")]
    pub(crate) fn encode<A, K>(
        pickle: &Pickle,
        ident: Option<&str>,
        method: &str,
        args: &A,
        kwargs: &K,
    ) -> Result<Vec<u8>, farcall_pickle::Error>
    where
        A: Serialize + ?Sized,
        K: Serialize + ?Sized,
    {
        pickle.to_vec(&(ident, method, args, kwargs))
    }

    /// Reads a request. Its arguments stay pickled.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "the arguments share the bytes of the message"
    )]
    pub(crate) fn decode(pickle: &Pickle, message: Bytes) -> Result<Self, WireError> {
        match Self::take_apart(pickle, message.clone()) {
            // The arguments share a part, or the pickle has another protocol.
            Err(WireError::Pickle(error))
                if matches!(error.kind(), ErrorKind::Structure | ErrorKind::Encoding) =>
            {
                Self::from_value(&pickle.decode(&message)?)
            }
            result => result,
        }
    }

    fn take_apart(pickle: &Pickle, message: Bytes) -> Result<Self, WireError> {
        let message = RawMessage::read(pickle, message)?;
        let parts = message.parts(message.root())?;
        let Some([ident, method, args, kwargs]) = parts.as_deref() else {
            return Err(Self::UNEXPECTED);
        };
        let text = |part| -> Result<Option<String>, WireError> {
            if let Some(text) = message.as_str(part) {
                return Ok(Some(text.to_owned()));
            }
            // It is `None`, or refers to a text elsewhere in the message.
            let value = message.value(part)?;
            if value.is_none() {
                return Ok(None);
            }
            Ok(Some(value.as_str().ok_or(Self::UNEXPECTED)?.to_owned()))
        };
        let (Some(args), Some(kwargs)) = (message.parts(*args)?, message.parts(*kwargs)?) else {
            return Err(Self::UNEXPECTED);
        };
        let args = args.into_iter().map(|part| message.value(part));
        let mut entries = Vec::with_capacity(kwargs.len() / 2);
        for entry in kwargs.chunks_exact(2) {
            let name = text(entry[0])?.ok_or(Self::UNEXPECTED)?;
            entries.push((name, message.value(entry[1])?));
        }
        Ok(Self {
            ident: text(*ident)?,
            method: text(*method)?.ok_or(Self::UNEXPECTED)?,
            args: args.collect::<Result<_, _>>()?,
            kwargs: entries,
        })
    }

    pub(crate) fn from_value(value: &Value) -> Result<Self, WireError> {
        let Some([ident, method, args, kwargs]) = value.elements() else {
            return Err(Self::UNEXPECTED);
        };
        let ident = match ident.unshared() {
            Value::None => None,
            ident => Some(ident.as_str().ok_or(Self::UNEXPECTED)?.to_owned()),
        };
        let args = args.elements().ok_or(Self::UNEXPECTED)?;
        let mut entries = Vec::new();
        for (name, argument) in kwargs.as_dict().ok_or(Self::UNEXPECTED)? {
            let name = name.as_str().ok_or(Self::UNEXPECTED)?.to_owned();
            entries.push((name, RawValue::of(argument)?));
        }
        Ok(Self {
            ident,
            method: method.as_str().ok_or(Self::UNEXPECTED)?.to_owned(),
            args: args.iter().map(RawValue::of).collect::<Result<_, _>>()?,
            kwargs: entries,
        })
    }

    const UNEXPECTED: WireError = WireError::Unexpected {
        expected: "a request of a manager's client: (ident, method, args, kwds)",
    };
}

/// A reply: `(kind, result)`, as `Server.serve_client` and `Server.handle_request` send it, and
/// `convert_to_error` reads it.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// `#RETURN`: the result, still pickled.
    Return(RawValue),
    /// `#ERROR`: the exception that the method raised.
    Error(Exception),
    /// `#TRACEBACK`: the text of a failure of the server itself. Python raises it as `RemoteError`.
    Traceback(String),
    /// `#PROXY`: the result is an object of the server, with the names of its methods. The server
    /// holds one reference for the client, which releases it once it has its own.
    Proxy { exposed: Vec<String>, token: Token },
    /// `#UNSERIALIZABLE`: the text of why the result cannot be sent.
    Unserializable(String),
}

/// The beginning and the end of a message `('#RETURN', …)`. Nothing in them is in the memo.
pub(crate) const RETURN: [&[u8]; 2] = [b"\x80\x04\x8c\x07#RETURN", b"\x86."];

impl Reply {
    /// Returns the reply `#RETURN` with a value that is encoded here.
    pub(crate) fn value<T: Serialize + ?Sized>(value: &T) -> Self {
        match RawValue::of(value) {
            Ok(value) => Self::Return(value),
            Err(error) => Self::Unserializable(error.to_string()),
        }
    }

    /// Encodes the reply. That of [`Return`](Self::Return) can also be sent in three parts:
    /// [`RETURN`], with the code of the value between.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, farcall_pickle::Error> {
        let pickle = Pickle::default().max_depth(255);
        match self {
            Self::Return(value) => Ok([RETURN[0], value.code(), RETURN[1]].concat()),
            Self::Error(exception) => pickle.to_vec(&("#ERROR", exception.to_value())),
            Self::Traceback(text) => pickle.to_vec(&("#TRACEBACK", text)),
            Self::Unserializable(text) => pickle.to_vec(&("#UNSERIALIZABLE", text)),
            Self::Proxy { exposed, token } => {
                let exposed =
                    Value::Tuple(exposed.iter().map(|name| name.as_str().into()).collect());
                pickle.to_vec(&("#PROXY", (exposed, Value::from(token))))
            }
        }
    }

    /// Reads a reply. The result stays pickled.
    #[allow(dead_code, reason = "clients receive replies")]
    pub(crate) fn decode(pickle: &Pickle, message: Bytes) -> Result<Self, WireError> {
        let whole = RawMessage::read(pickle, message)?;
        let parts = whole.parts(whole.root())?;
        let Some([kind, result]) = parts.as_deref() else {
            return Err(Self::UNEXPECTED);
        };
        let (kind, result) = (whole.value(*kind)?, whole.value(*result)?);
        let text = || {
            let text: Result<String, _> = result.decode(pickle);
            text.map_err(|_| Self::UNEXPECTED)
        };
        Ok(match kind.as_str() {
            Some("#RETURN") => Self::Return(result),
            Some("#ERROR") => {
                let value: Value = result.decode(pickle)?;
                Self::Error(Exception::from_value(&value).ok_or(Self::UNEXPECTED)?)
            }
            Some("#TRACEBACK") => Self::Traceback(text()?),
            Some("#UNSERIALIZABLE") => Self::Unserializable(text()?),
            Some("#PROXY") => {
                let value: Value = result.decode(pickle)?;
                let names = value[0].elements().unwrap_or_default().iter();
                Self::Proxy {
                    exposed: names
                        .filter_map(|name| Some(name.as_str()?.to_owned()))
                        .collect(),
                    token: Token::from_value(&value[1]).ok_or(Self::UNEXPECTED)?,
                }
            }
            _ => return Err(Self::UNEXPECTED),
        })
    }

    #[allow(dead_code, reason = "clients receive replies")]
    const UNEXPECTED: WireError = WireError::Unexpected {
        expected: "a reply of a manager: (kind, result)",
    };
}

/// Encodes arguments as a tuple.
pub(super) fn encode_args<A: Args + ?Sized>(
    pickle: &Pickle,
    args: &A,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    Codec::encode(pickle, &AsTuple(args), out)
}

/// Decodes arguments from a tuple.
pub(super) fn decode_args<A: FromArgs>(
    pickle: &Pickle,
    params: &Payload,
) -> Result<A, FormatError> {
    let arguments: FromTuple<A> = Codec::decode(pickle, params.as_slice())?;
    Ok(arguments.0)
}

/// Arguments from a tuple.
struct FromTuple<A>(A);

impl<'de, A: FromArgs> Deserialize<'de> for FromTuple<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(A::deserialize_args(deserializer)?))
    }
}

/// Arguments as a tuple.
pub(super) struct AsTuple<'a, A: ?Sized>(pub(super) &'a A);

impl<A: Args + ?Sized> Serialize for AsTuple<'_, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_args(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(message: &[u8]) -> Result<Request, WireError> {
        Request::decode(&Pickle::default(), Bytes::copy_from_slice(message))
    }

    #[test]
    fn requests_are_taken_apart() {
        let message = Request::encode(
            &Pickle::default(),
            Some("1a2b"),
            "put",
            &(vec![1, 2], true),
            &Value::dict([("timeout", 1.5)]),
        );
        let request = decode(&message.unwrap()).unwrap();
        assert_eq!(request.ident.as_deref(), Some("1a2b"));
        assert_eq!(request.method, "put");
        assert_eq!(request.args.len(), 2);
        assert_eq!(request.kwargs[0].0, "timeout");
        let list: Vec<i64> = request.args[0].decode(&Pickle::default()).unwrap();
        assert_eq!(list, [1, 2]);
    }

    #[test]
    fn arguments_that_share_a_list_are_decoded() {
        // x = []; (None, 'f', (x, x), {})
        let message = b"\x80\x04(N\x8c\x01f\x94]\x94h\x01\x86\x94}\x94t\x94.";
        let request = decode(message).unwrap();
        assert_eq!((request.ident, request.args.len()), (None, 2));
        // Protocol 2.
        let request = decode(b"\x80\x02(NX\x01\0\0\0fq\0)}q\x01tq\x02.").unwrap();
        assert_eq!(request.method, "f");
        for wrong in [
            &b"\x80\x04N."[..],
            b"\x80\x04(NNNNt.",
            b"\x80\x04(N\x8c\x01f)Nt.",
        ] {
            assert!(matches!(decode(wrong), Err(WireError::Unexpected { .. })));
        }
    }

    #[test]
    fn replies_survive_both_directions() {
        let token = Token {
            typeid: "list".to_owned(),
            address: TokenAddress::Tcp("127.0.0.1".to_owned(), 5000),
            ident: "1a2b".to_owned(),
        };
        let replies = [
            Reply::value(&("a", 1)),
            Reply::Error(
                Exception::new("KeyError")
                    .with_args(["k".into()])
                    .with_trace("here"),
            ),
            Reply::Traceback("text".to_owned()),
            Reply::Unserializable("text".to_owned()),
            Reply::Proxy {
                exposed: vec!["get".to_owned()],
                token,
            },
        ];
        for reply in replies {
            let message = Bytes::from(reply.encode().unwrap());
            let read = Reply::decode(&Pickle::default(), message).unwrap();
            assert_eq!(format!("{read:?}"), format!("{reply:?}"));
        }
    }
}
