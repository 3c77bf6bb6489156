//! Whole documents: the frame around parameters and results, and faults.

use std::fmt;
use std::marker::PhantomData;

use rpc_core::{Fault, FormatError, FormatErrorKind, Name, Payload};
use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::de::De;
use crate::format::XmlRpc;
use crate::xml::read::{Markup, Reader, Tag, Token};
use crate::xml::{trim, write};

/// What stands before the `<value>` of a result.
pub(crate) const REPLY_PROLOGUE: &str =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><params><param>";

/// What stands after the `<value>` of a result.
pub(crate) const REPLY_EPILOGUE: &str = "</param></params></methodResponse>\n";

/// What stands after the parameters of a call.
pub(crate) const CALL_EPILOGUE: &str = "</methodCall>\n";

const CALL_PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodCall><methodName>";
const FAULT_PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><fault>";
const FAULT_EPILOGUE: &str = "</fault></methodResponse>\n";

/// The method of a call document, and the offset after `</methodName>`, where the payload starts.
///
/// # Errors
/// If the document does not start like a call.
pub(crate) fn call_head(document: &str) -> Result<(Name, usize), FormatError> {
    let mut reader = Reader::document(document.as_bytes(), 16);
    let expect =
        |reader: &mut Reader<'_>, markup: Markup, text: &str| -> Result<Token, FormatError> {
            let token = reader.tag()?;
            match token.markup == markup {
                true => Ok(token),
                false => Err(reader.unexpected(token, text)),
            }
        };
    expect(&mut reader, Markup::Start(Tag::MethodCall), "<methodCall>")?;
    let start = expect(&mut reader, Markup::Start(Tag::MethodName), "<methodName>")?;
    let name = reader.text()?;
    let end = expect(&mut reader, Markup::End(Tag::MethodName), "</methodName>")?;
    let name = trim(&name);
    if name.is_empty() {
        return Err(reader.error(
            FormatErrorKind::Structure,
            start.start,
            "the name of the method is empty",
        ));
    }
    Ok((Name::from(name), end.end))
}

/// The fault, if that is what a reply document holds. A result is not read.
///
/// # Errors
/// If the document is neither.
pub(crate) fn reply_fault(reply: &Payload, format: XmlRpc) -> Result<Option<Fault>, FormatError> {
    let mut de = De::of_response(reply, format);
    de.start(Tag::MethodResponse, "<methodResponse>")?;
    let token = de.reader.tag()?;
    match token.markup {
        Markup::Start(Tag::Params) => return Ok(None),
        Markup::Start(Tag::Fault) => {}
        _ => return Err(de.reader.unexpected(token, "<params> or <fault>")),
    }
    let start = de.start(Tag::Value, "<value>")?;
    let fault = de.value(start, PhantomData::<FaultMembers>)?;
    de.end("</fault>")?;
    de.end("</methodResponse>")?;
    de.eof()?;
    Ok(Some(fault.into()))
}

/// Appends a whole call document. `params` are encoded arguments.
///
/// # Errors
/// If XML cannot carry the method's name. Nothing is appended then.
pub(crate) fn write_call(
    method: &str,
    params: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    write_call_prologue(method, out)?;
    out.extend_from_slice(params);
    out.extend_from_slice(CALL_EPILOGUE.as_bytes());
    Ok(())
}

/// Appends what stands before the parameters of a call.
///
/// # Errors
/// If XML cannot carry the method's name. Nothing is appended then.
pub(crate) fn write_call_prologue(method: &str, out: &mut Vec<u8>) -> Result<(), FormatError> {
    let start = out.len();
    out.extend_from_slice(CALL_PROLOGUE.as_bytes());
    if let Err(error) = write::escaped(method, out) {
        out.truncate(start);
        return Err(error);
    }
    out.extend_from_slice(b"</methodName>");
    Ok(())
}

/// Appends a whole fault document. Characters that XML cannot carry become U+FFFD, so that a
/// fault can always be written.
pub(crate) fn write_fault(code: i64, message: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(FAULT_PROLOGUE.as_bytes());
    write_fault_value(code, message, out);
    out.extend_from_slice(FAULT_EPILOGUE.as_bytes());
}

/// Appends the `<value>` of a fault: the entry of a call that failed within a multicall.
pub(crate) fn write_fault_value(code: i64, message: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<value><struct><member><name>faultCode</name>");
    write::integer(code, out);
    out.extend_from_slice(b"</member><member><name>faultString</name><value><string>");
    write::escaped_lossy(message, out);
    out.extend_from_slice(b"</string></value></member></struct></value>");
}

/// A fault as it stands on the wire; others than these members are ignored. In the results of a
/// multicall it stands for a call that failed.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct FaultMembers {
    #[serde(rename = "faultCode")]
    code: FaultText,
    #[serde(rename = "faultString")]
    message: FaultText,
}

impl From<FaultMembers> for Fault {
    fn from(fault: FaultMembers) -> Self {
        let FaultMembers { code, message } = fault;
        match trim(&code.0).parse() {
            Ok(number) => Self::received(number, message.0),
            // Odoo's old endpoint has the name of an exception there.
            Err(_) => Self::received(1, format!("{}: {}", code.0, message.0)),
        }
    }
}

/// A code or a message, of whatever scalar type the peer gave it.
#[derive(Debug)]
struct FaultText(String);

impl<'de> Deserialize<'de> for FaultText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = FaultText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a string")
            }

            fn visit_i64<E: de::Error>(self, v: i64) -> Result<FaultText, E> {
                Ok(FaultText(v.to_string()))
            }

            fn visit_bool<E: de::Error>(self, v: bool) -> Result<FaultText, E> {
                Ok(FaultText(i64::from(v).to_string()))
            }

            fn visit_f64<E: de::Error>(self, v: f64) -> Result<FaultText, E> {
                Ok(FaultText(v.to_string()))
            }

            fn visit_str<E: de::Error>(self, v: &str) -> Result<FaultText, E> {
                Ok(FaultText(v.to_owned()))
            }

            fn visit_string<E: de::Error>(self, v: String) -> Result<FaultText, E> {
                Ok(FaultText(v))
            }

            fn visit_unit<E: de::Error>(self) -> Result<FaultText, E> {
                Ok(FaultText(String::new()))
            }
        }

        deserializer.deserialize_any(Text)
    }
}
