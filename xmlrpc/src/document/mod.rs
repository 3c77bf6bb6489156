//! Whole documents: the elements around parameters and results, and faults.

mod fault;

use std::marker::PhantomData;

use farcall_core::protocol::{Name, Payload};
use farcall_core::{Fault, FormatError, FormatErrorKind};
use serde::de::DeserializeOwned;

use crate::de::De;
use crate::format::XmlRpc;
use crate::xml::read::{Markup, Reader, Tag, plain};
use crate::xml::{Forbidden, trim, write};

pub(crate) use fault::FaultMembers;
use fault::FaultVisitor;

/// Bytes of a reply before the `<value>` of the result.
pub(crate) const REPLY_PROLOGUE: &str =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><params><param>";

/// Bytes of a reply after the `<value>` of the result.
pub(crate) const REPLY_EPILOGUE: &str = "</param></params></methodResponse>\n";

/// Bytes of a call after the parameters.
pub(crate) const CALL_EPILOGUE: &str = "</methodCall>\n";

/// Maximum bytes of a method name. It is limited because each call is logged with it.
pub(crate) const MAX_NAME: usize = 1024;

/// Error message for a longer name.
pub(crate) const LONG_NAME: &str = "the name of the method is over the limit of 1024 bytes";

const CALL_PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodCall><methodName>";
const FAULT_PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><fault>";
const FAULT_EPILOGUE: &str = "</fault></methodResponse>\n";

/// Returns the method of a call document, and the offset after `</methodName>`, where the payload
/// starts.
///
/// # Errors
/// If the document does not start like a call.
pub(crate) fn call_head(document: &[u8], format: XmlRpc) -> Result<(Name, usize), FormatError> {
    if let Some((name, end)) = plain::call_head(document)
        && let name = trim(name)
        && (1..=MAX_NAME).contains(&name.len())
    {
        return Ok((Name::from(name), end));
    }
    let mut reader = Reader::document(document, 16).forbidden(format.read_forbidden);
    reader.expect_start(&plain::METHOD_CALL, "<methodCall>")?;
    let start = reader.expect_start(&plain::METHOD_NAME, "<methodName>")?;
    let name = reader.text()?;
    let end = reader
        .expect(Markup::End(Tag::MethodName), "</methodName>")?
        .end;
    let name = trim(&name);
    if name.is_empty() {
        return Err(reader.error(
            FormatErrorKind::Structure,
            start,
            "the name of the method is empty",
        ));
    }
    if name.len() > MAX_NAME {
        return Err(reader.error(FormatErrorKind::Limit, start, LONG_NAME));
    }
    Ok((Name::from(name), end))
}

/// Returns the fault of a reply document, or `None` if it holds none. In the latter case the
/// [result](reply_result) is next, or the end of the document if there is no result.
///
/// # Errors
/// If the document is malformed or is not a reply.
pub(crate) fn reply_fault(de: &mut De<'_>) -> Result<Option<Fault>, FormatError> {
    de.reader
        .expect_start(&plain::METHOD_RESPONSE, "<methodResponse>")?;
    let token = de.reader.tag_or(&plain::PARAMS)?;
    match token.markup {
        Markup::Start(Tag::Params) | Markup::End(_) => return Ok(None),
        Markup::Start(Tag::Fault) => {}
        _ => return Err(de.reader.unexpected(token, "<params> or <fault>")),
    }
    let token = de.reader.tag_or(&plain::VALUE)?;
    let fault = match token.markup {
        Markup::Start(Tag::Value) => de.value(token.start, PhantomData::<FaultMembers>)?,
        // Some servers (of BitTorrent and exam software) omit the `<value>`.
        Markup::Start(Tag::Struct) => de.bare_struct(token.start, FaultVisitor)?,
        Markup::End(_) => FaultMembers::default(),
        _ => return Err(de.reader.unexpected(token, "<value>")),
    };
    if !matches!(token.markup, Markup::End(_)) {
        de.end("</fault>")?;
    }
    de.end("</methodResponse>")?;
    de.eof()?;
    Ok(Some(fault.into()))
}

/// Reads the result of a reply document to the end of the document. Its `<params>` is open, or the
/// response was closed without one.
///
/// # Errors
/// If the document is malformed, exceeds a limit, or does not match the type.
pub(crate) fn reply_result<T: DeserializeOwned>(de: &mut De<'_>) -> Result<T, FormatError> {
    let mut value = None;
    // Without `<params>` the response was closed already, and no element is open.
    if de.reader.open() > 0 {
        let param = de.reader.tag_or(&plain::PARAM)?;
        match param.markup {
            Markup::Start(Tag::Param) => {
                let token = de.reader.tag_or(&plain::VALUE)?;
                match token.markup {
                    Markup::Start(Tag::Value) => {
                        value = Some(de.value(token.start, PhantomData)?);
                        de.end_of(&plain::PARAM, "</param>")?;
                    }
                    Markup::End(_) => {}
                    _ => return Err(de.reader.unexpected(token, "<value>")),
                }
                de.end_of(&plain::PARAMS, "</params>")?;
            }
            Markup::End(_) => {}
            _ => return Err(de.reader.unexpected(param, "<param>")),
        }
        de.end_of(&plain::METHOD_RESPONSE, "</methodResponse>")?;
    }
    de.eof()?;
    value.map_or_else(|| de.missing_result(), Ok)
}

/// Returns the reply with a document that was written with a [prologue](REPLY_PROLOGUE) and an
/// [epilogue](REPLY_EPILOGUE) around the `<value>` of the result.
pub(crate) fn reply_payload(document: Vec<u8>) -> Payload {
    let range = REPLY_PROLOGUE.len()..document.len() - REPLY_EPILOGUE.len();
    Payload::of_reply(document, range)
}

/// Appends a whole call document. `params` appends the encoded arguments.
///
/// # Errors
/// If XML cannot represent the method name, or if `params` fails. In this case a part of the
/// document may have been appended.
pub(crate) fn write_call(
    method: &str,
    params: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    out.extend_from_slice(CALL_PROLOGUE.as_bytes());
    write::escaped(method, Forbidden::Refuse, out)?;
    out.extend_from_slice(b"</methodName>");
    params(out)?;
    out.extend_from_slice(CALL_EPILOGUE.as_bytes());
    Ok(())
}

/// Appends a whole fault document. Characters that XML forbids become U+FFFD, so that any fault can
/// be written.
pub(crate) fn write_fault(code: i64, message: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(FAULT_PROLOGUE.as_bytes());
    write_fault_value(code, message, out);
    out.extend_from_slice(FAULT_EPILOGUE.as_bytes());
}

/// Appends the `<value>` of a fault, which is also the result of a failed call in a multicall.
pub(crate) fn write_fault_value(code: i64, message: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<value><struct><member><name>faultCode</name>");
    write::integer(code, out);
    out.extend_from_slice(b"</member><member><name>faultString</name><value><string>");
    write::escaped_lossy(message, out);
    out.extend_from_slice(b"</string></value></member></struct></value>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn head(document: &str) -> Result<(String, usize), FormatError> {
        call_head(document.as_bytes(), XmlRpc::default()).map(|(name, at)| (name.to_string(), at))
    }

    #[test]
    fn the_head_of_a_call_is_read_without_the_rest() {
        for (document, name) in [
            ("<methodCall><methodName>a.b</methodName>rest <<<", "a.b"),
            (
                "\u{feff}<?xml version='1.0' encoding='UTF-8'?><methodCall><methodName>a</methodName>",
                "a",
            ),
            (
                "\n \n<?xml version='1.0'?><!-- a --><?b?>\n<methodCall>\n<methodName>\n a&lt;&#65;<![CDATA[&]]> \n</methodName>",
                "a<A&",
            ),
            (
                "<x:methodCall xmlns:x='y'><x:methodName z=''>é</x:methodName >",
                "é",
            ),
        ] {
            let (method, at) = head(document).unwrap();
            assert_eq!(method, name);
            assert!(
                document[..at].ends_with('>')
                    && document[at..].trim_start_matches("rest <<<").is_empty()
            );
        }
    }

    #[test]
    fn documents_that_are_not_calls_are_refused() {
        for (document, message) in [
            (
                "",
                "expected <methodCall>, found the end of the document, at line 1, column 1",
            ),
            ("hello", "text outside of any element, at line 1, column 1"),
            (
                "<html>",
                "expected <methodCall>, found <html>, at line 1, column 1",
            ),
            (
                "<methodResponse/>",
                "expected <methodCall>, found <methodResponse>, at line 1, column 1",
            ),
            (
                "<methodCall><params/>",
                "expected <methodName>, found <params>, at line 1, column 13",
            ),
            (
                "<methodCall/>",
                "expected <methodName>, found the end of the element, at line 1, column 14",
            ),
            (
                "<methodCall><methodName> </methodName>",
                "the name of the method is empty, at line 1, column 13",
            ),
            (
                "<methodCall><methodName/>",
                "the name of the method is empty, at line 1, column 13",
            ),
            (
                "<methodCall><methodName>a<b/></methodName>",
                "expected </methodName>, found <b>, at line 1, column 26",
            ),
            (
                "<!DOCTYPE a><methodCall/>",
                "a document type declaration (DOCTYPE), which is refused, at line 1, column 1",
            ),
        ] {
            assert_eq!(head(document).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn documents_are_written_plainly() {
        let params = |out: &mut Vec<u8>| {
            out.extend_from_slice(b"<params></params>");
            Ok(())
        };
        assert_snapshot!(written(|out| write_call("a<b", params, out).unwrap()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <methodCall><methodName>a&lt;b</methodName><params></params></methodCall>
        "#);
        assert_snapshot!(written(|out| write_fault(4, "too <many>", out)), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <methodResponse><fault><value><struct><member><name>faultCode</name><value><int>4</int></value></member><member><name>faultString</name><value><string>too &lt;many&gt;</string></value></member></struct></value></fault></methodResponse>
        "#);
    }

    #[test]
    fn any_fault_can_be_written() {
        for (code, message, read) in [
            (i64::MIN, "a\0b\u{ffff}\r", "a\u{fffd}b\u{fffd}\r"),
            (0, "", ""),
            (-32500, "]]>", "]]>"),
        ] {
            let document = written(|out| write_fault(code, message, out));
            let document = Payload::from(document.into_bytes());
            let fault = reply_fault(&mut De::of_response(&document, XmlRpc::default()));
            assert_eq!(fault.unwrap(), Some(Fault::received(code, read)));
        }
    }
}
