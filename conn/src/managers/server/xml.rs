//! The serializer `xmlrpclib`: messages are the parameters of XML-RPC, `<params>` with one value.
//!
//! CPython writes them by `xmlrpc.client.dumps((obj,), None, None, None, 1)`. They have no tuples,
//! exceptions or tokens: an exception is sent as text, which Python raises as `RemoteError`.

use bytes::Bytes;
use farcall_core::Value as XmlValue;
use farcall_core::protocol::{Format as _, Payload};
use farcall_pickle::{Pickle, Value};
use farcall_xmlrpc::XmlRpc;

use crate::managers::wire::{Reply, Request, WireError};

const UNEXPECTED: WireError = WireError::Unexpected {
    expected: "a request of a manager's client: [ident, method, args, kwds]",
};

/// Returns `true` if a message is XML. A pickle begins with another byte.
pub(super) fn is_xml(message: &[u8]) -> bool {
    message.first() == Some(&b'<')
}

/// Reads a request.
pub(super) fn request(message: Bytes) -> Result<Request, WireError> {
    let decoded = XmlRpc::default().decode_args::<(XmlValue,)>(&Payload::from(message));
    let (value,) = decoded.map_err(|_| UNEXPECTED)?;
    Request::from_value(&pickled(value))
}

/// Writes a reply.
pub(super) fn reply(reply: &Reply) -> Vec<u8> {
    let text = |kind: &str, text: String| array([kind.into(), XmlValue::String(text)]);
    let value = match reply {
        Reply::Return(value) => {
            let decoded = value.decode::<Value>(&Pickle::default());
            match decoded.ok().as_ref().and_then(plain) {
                Some(value) => array(["#RETURN".into(), value]),
                None => text(
                    "#UNSERIALIZABLE",
                    "XML-RPC cannot represent the result".to_owned(),
                ),
            }
        }
        Reply::Error(exception) => text("#TRACEBACK", format!("{exception}\n")),
        Reply::Traceback(traceback) => text("#TRACEBACK", traceback.clone()),
        Reply::Unserializable(reason) => text("#UNSERIALIZABLE", reason.clone()),
        Reply::Proxy { .. } => text(
            "#UNSERIALIZABLE",
            "XML-RPC cannot represent a proxy".to_owned(),
        ),
    };
    let mut out = Vec::new();
    // Texts that XML cannot represent were left out above, so this is for what is left of them.
    if XmlRpc::default().encode_args(&(&value,), &mut out).is_err() {
        out.clear();
        let failed = array([
            "#UNSERIALIZABLE".into(),
            "the result has control characters".into(),
        ]);
        // These texts can be written.
        let _ = XmlRpc::default().encode_args(&(&failed,), &mut out);
    }
    out
}

fn array(values: [XmlValue; 2]) -> XmlValue {
    XmlValue::Array(values.into())
}

/// Returns a value of XML-RPC as one of Python.
fn pickled(value: XmlValue) -> Value {
    match value {
        XmlValue::Bool(truth) => truth.into(),
        XmlValue::Int(number) => number.into(),
        XmlValue::Uint(number) => number.into(),
        XmlValue::Double(number) => number.into(),
        XmlValue::String(text) => text.into(),
        XmlValue::Bytes(bytes) => Value::Bytes(bytes),
        XmlValue::DateTime(time) => time.to_string().into(),
        XmlValue::DateTimeText(text) => text.into(),
        XmlValue::Array(values) => Value::List(values.into_iter().map(pickled).collect()),
        XmlValue::Struct(members) => {
            let members = members.into_iter();
            Value::Dict(
                members
                    .map(|(name, value)| (name.as_str().into(), pickled(value)))
                    .collect(),
            )
        }
        _ => Value::None,
    }
}

/// Returns a value of Python as one of XML-RPC, if it has a form there.
fn plain(value: &Value) -> Option<XmlValue> {
    let all = |values: &[Value]| values.iter().map(plain).collect::<Option<Vec<_>>>();
    Some(match value.unshared() {
        Value::None => XmlValue::Nil,
        Value::Bool(truth) => XmlValue::Bool(*truth),
        Value::Int(number) => XmlValue::Int(*number),
        Value::Float(number) => XmlValue::Double(*number),
        Value::Str(text) => XmlValue::String(text.clone()),
        Value::Bytes(bytes) | Value::ByteArray(bytes) => XmlValue::Bytes(bytes.clone()),
        Value::List(values) | Value::Tuple(values) => XmlValue::Array(all(values)?),
        Value::Dict(entries) => {
            let members = entries.iter().map(|(key, value)| {
                let name = key.as_str()?.to_owned();
                Some((name, plain(value)?))
            });
            XmlValue::Struct(members.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
