//! The serializer `xmlrpclib`: messages are the parameters of XML-RPC, `<params>` with one value.
//!
//! CPython writes them by `xmlrpc.client.dumps((obj,), None, None, None, 1)`. They have no tuples,
//! exceptions or tokens: an exception is sent as text, which Python raises as `RemoteError`.

use bytes::Bytes;
use farcall_core::protocol::{Format as _, Payload};
use farcall_core::{FormatError, FormatErrorKind, Value as XmlValue};
use farcall_pickle::{Pickle, Value};
use farcall_xmlrpc::XmlRpc;

use super::{Reply, Request, WireError};
use crate::codec::pickle_error;

const UNEXPECTED: WireError = WireError::Unexpected {
    expected: "a request of a manager's client: [ident, method, args, kwds]",
};

/// Returns `true` if a message is XML. A pickle begins with another byte.
pub(in crate::managers) fn is_xml(message: &[u8]) -> bool {
    message.first() == Some(&b'<')
}

/// Reads a request.
pub(in crate::managers) fn request(message: Bytes) -> Result<Request, WireError> {
    let decoded = XmlRpc::default().decode_args::<(XmlValue,)>(&Payload::from(message));
    let (value,) = decoded.map_err(|_| UNEXPECTED)?;
    Request::from_value(&pickled(value))
}

/// Writes a reply.
pub(in crate::managers) fn reply(reply: &Reply) -> Vec<u8> {
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

/// Writes a pickled request.
pub(in crate::managers) fn from_request(message: &[u8]) -> Result<Vec<u8>, FormatError> {
    let request = Pickle::default().max_depth(255).decode(message);
    let request: Value = request.map_err(|error| pickle_error(&error))?;
    let request = plain(&request).ok_or_else(|| {
        let message = "XML-RPC cannot represent the arguments";
        FormatError::new(FormatErrorKind::Unrepresentable, message)
    })?;
    let mut out = Vec::new();
    XmlRpc::default().encode_args(&(&request,), &mut out)?;
    Ok(out)
}

/// Reads a reply, as a pickled one.
pub(in crate::managers) fn to_reply(message: Bytes) -> Result<Bytes, FormatError> {
    let (reply,): (XmlValue,) = XmlRpc::default().decode_args(&Payload::from(message))?;
    let reply = match pickled(reply) {
        // The class of an exception is lost, and usually its contents.
        Value::List(parts) if parts.first().and_then(Value::as_str) == Some("#ERROR") => {
            let raised = parts.get(1).unwrap_or(&Value::None);
            let text = format!("the method raised an exception that XML-RPC cannot name: {raised}");
            ("#TRACEBACK", text).into()
        }
        Value::List(parts) => Value::Tuple(parts),
        other => other,
    };
    let message = Pickle::default().max_depth(255).to_vec(&reply);
    Ok(message.map_err(|error| pickle_error(&error))?.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_replies_survive_both_directions() {
        let args = (1, "a", vec![2.5], (), Value::Bytes(b"bytes".to_vec()));
        let message = Request::encode(
            &Pickle::default(),
            Some("7f"),
            "put",
            &args,
            &Value::dict([("block", true)]),
        );
        let document = from_request(&message.unwrap()).unwrap();
        assert!(is_xml(&document));
        let read = request(document.into()).unwrap();
        assert_eq!((read.ident.as_deref(), &*read.method), (Some("7f"), "put"));
        assert_eq!(read.args.len(), 5);
        assert_eq!(read.kwargs[0].0, "block");
        let returned = to_reply(reply(&Reply::value(&vec![1, 2])).into()).unwrap();
        let value: (String, Vec<i64>) = Pickle::default().decode(&returned).unwrap();
        assert_eq!(value, ("#RETURN".to_owned(), vec![1, 2]));
        // A set has no form in XML-RPC.
        let set = (
            None::<&str>,
            "f",
            (Value::Set(vec![1.into()]),),
            Value::dict([("a", 1)]),
        );
        let message = Pickle::default().to_vec(&set).unwrap();
        let error = from_request(&message).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Unrepresentable);
    }

    #[test]
    fn exceptions_of_cpython_are_empty_structs() {
        let document = b"<params><param><value><array><data><value><string>#ERROR</string></value>\
            <value><struct></struct></value></data></array></value></param></params>";
        let read = to_reply(Bytes::from_static(document)).unwrap();
        let (kind, text): (String, String) = Pickle::default().decode(&read).unwrap();
        assert_eq!(kind, "#TRACEBACK");
        assert!(text.ends_with("{}"), "{text}");
    }
}
