//! Whole documents: the frame around parameters and results, and faults.

use std::fmt;
use std::marker::PhantomData;

use rpc_core::{Fault, Format, FormatError, FormatErrorKind, Name, Payload};
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};

use crate::de::{De, Raw, Void};
use crate::format::XmlRpc;
use crate::xml::read::{Markup, Reader, Tag, plain};
use crate::xml::{Forbidden, trim, write};

/// What stands before the `<value>` of a result.
pub(crate) const REPLY_PROLOGUE: &str =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><params><param>";

/// What stands after the `<value>` of a result.
pub(crate) const REPLY_EPILOGUE: &str = "</param></params></methodResponse>\n";

/// What stands after the parameters of a call.
pub(crate) const CALL_EPILOGUE: &str = "</methodCall>\n";

/// The most bytes that the name of a method can have: each call is logged with it.
pub(crate) const MAX_NAME: usize = 1024;

/// What is said of longer ones.
pub(crate) const LONG_NAME: &str = "the name of the method is over the limit of 1024 bytes";

const CALL_PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodCall><methodName>";
const FAULT_PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><fault>";
const FAULT_EPILOGUE: &str = "</fault></methodResponse>\n";

/// The method of a call document, and the offset after `</methodName>`, where the payload starts.
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

/// The fault, if that is what a reply document holds. Otherwise its [result](reply_result) is next; a document that
/// has neither is at its end then.
///
/// # Errors
/// If the document is neither.
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
        // As servers of torrents and exams have it.
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

/// The result in a reply document, whose `<params>` is open, or which ended without one. It is read to its end.
///
/// # Errors
/// If it is malformed, breaks a limit, or does not fit the type.
pub(crate) fn reply_result<T: DeserializeOwned>(de: &mut De<'_>) -> Result<T, FormatError> {
    let mut value = None;
    // No `<params>` at all is the end of the response, and nothing is open.
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
    value.map_or_else(|| T::deserialize(Void), Ok)
}

/// The `<value>` of a result. A reply that this side wrote is cut at its known ends; one that a
/// raw method passed on from elsewhere is read.
///
/// # Errors
/// If the reply is malformed, or is a fault.
pub(crate) fn reply_value(reply: &Payload, format: XmlRpc) -> Result<&[u8], FormatError> {
    let own = reply.as_slice().strip_prefix(REPLY_PROLOGUE.as_bytes());
    if let Some(value) = own.and_then(|rest| rest.strip_suffix(REPLY_EPILOGUE.as_bytes())) {
        return Ok(value);
    }
    let Raw { range } = format.decode_reply(reply)?;
    Ok(match (range.is_empty(), format.nil) {
        (false, _) => &reply.message()[range],
        // It has none; and this is how one is written that is nothing.
        (true, true) => b"<value><nil/></value>",
        (true, false) => b"<value><boolean>1</boolean></value>",
    })
}

/// Appends a whole call document. `params` appends the encoded arguments.
///
/// # Errors
/// If XML cannot carry the method's name, or those of `params`. A part may have been appended then.
pub(crate) fn write_call(
    method: &str,
    params: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    write_call_prologue(method, out)?;
    params(out)?;
    out.extend_from_slice(CALL_EPILOGUE.as_bytes());
    Ok(())
}

/// Appends what stands before the parameters of a call.
///
/// # Errors
/// If XML cannot carry the method's name. Nothing is appended then.
fn write_call_prologue(method: &str, out: &mut Vec<u8>) -> Result<(), FormatError> {
    let start = out.len();
    out.extend_from_slice(CALL_PROLOGUE.as_bytes());
    if let Err(error) = write::escaped(method, Forbidden::Refuse, out) {
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

/// What a fault without a code has: that of exceptions in CPython.
const NO_CODE: i64 = 1;

/// What a fault without a text has.
const NO_TEXT: &str = "the fault has no text";

/// A fault as it stands on the wire, whatever of it there is; others than these members are ignored.
#[derive(Debug, Default)]
pub(crate) struct FaultMembers {
    code: Option<FaultText>,
    message: Option<FaultText>,
    others: usize,
}

impl FaultMembers {
    /// Whether a struct among the results of a multicall is a fault. It is one by the protocol, but some servers do
    /// not wrap results, and one of those may be a struct too.
    pub(crate) const fn is_fault(&self) -> bool {
        match (&self.code, &self.message) {
            (Some(_), Some(_)) => true,
            (None, None) => false,
            _ => self.others == 0,
        }
    }
}

impl From<FaultMembers> for Fault {
    fn from(fault: FaultMembers) -> Self {
        let FaultMembers { code, message, .. } = fault;
        let message = message.map_or_else(|| NO_TEXT.to_owned(), |text| text.0);
        let Some(FaultText(code)) = code else {
            return Self::received(NO_CODE, message);
        };
        match trim(&code).parse() {
            Ok(number) => Self::received(number, message),
            // Odoo's old endpoint has the name of an exception there.
            Err(_) => Self::received(1, format!("{code}: {message}")),
        }
    }
}

impl<'de> Deserialize<'de> for FaultMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FaultVisitor)
    }
}

/// Reads the struct of a fault; what stands there as a scalar is taken for its code or its text.
struct FaultVisitor;

impl<'de> Visitor<'de> for FaultVisitor {
    type Value = FaultMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the struct of a fault")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<FaultMembers, A::Error> {
        let mut fault = FaultMembers::default();
        while let Some(name) = members.next_key::<String>()? {
            let (place, name) = match name.as_str() {
                "faultCode" => (&mut fault.code, "faultCode"),
                "faultString" => (&mut fault.message, "faultString"),
                _ => {
                    members.next_value::<de::IgnoredAny>()?;
                    fault.others += 1;
                    continue;
                }
            };
            if place.replace(members.next_value()?).is_some() {
                return Err(de::Error::duplicate_field(name));
            }
        }
        Ok(fault)
    }

    fn visit_i64<E: de::Error>(self, code: i64) -> Result<FaultMembers, E> {
        Ok(FaultMembers {
            code: Some(FaultText(code.to_string())),
            ..FaultMembers::default()
        })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<FaultMembers, E> {
        Ok(FaultMembers {
            message: Some(FaultText(text.to_owned())).filter(|text| !text.0.is_empty()),
            ..FaultMembers::default()
        })
    }

    fn visit_unit<E: de::Error>(self) -> Result<FaultMembers, E> {
        Ok(FaultMembers::default())
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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use rpc_core::FaultKind;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn head(document: &str) -> Result<(String, usize), FormatError> {
        call_head(document.as_bytes(), XmlRpc::default()).map(|(name, at)| (name.to_string(), at))
    }

    #[test]
    fn the_head_of_a_call_is_read_alone() {
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
    fn what_is_no_call_is_refused() {
        for (document, message) in [
            (
                "",
                "expected <methodCall>, found the end of the document, at line 1, column 1",
            ),
            (
                "hello",
                "a text outside of any element, at line 1, column 1",
            ),
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

    fn fault(document: &str) -> Result<Option<Fault>, FormatError> {
        let reply = Payload::from(document.as_bytes().to_vec());
        reply_fault(&mut De::of_response(&reply, XmlRpc::default()))
    }

    fn fault_of(members: &[(&str, &str)]) -> Result<Option<Fault>, FormatError> {
        let members: String = members
            .iter()
            .map(|(name, value)| {
                format!("<member><name>{name}</name><value>{value}</value></member>\n")
            })
            .collect();
        fault(&format!(
            "<?xml version='1.0'?>\n<methodResponse><fault><value><struct>{members}</struct></value></fault></methodResponse>"
        ))
    }

    #[test]
    fn faults_are_read_in_all_their_forms() {
        let message = ("faultString", "<string>no</string>");
        for code in [
            "<int>4</int>",
            "<i4>4</i4>",
            "<i8>4</i8>",
            "<string>4</string>",
            " 4 ",
            "<double>4.0</double>",
        ] {
            for members in [
                [("faultCode", code), message],
                [message, ("faultCode", code)],
            ] {
                assert_eq!(fault_of(&members).unwrap(), Some(Fault::new(4, "no")));
            }
        }
        let extra = ("trace", "<array><data><value><nil/></value></data></array>");
        let members = [
            extra,
            ("faultCode", "<i4>-32601</i4>"),
            ("faultString", "no &amp; no"),
        ];
        let fault = fault_of(&members).unwrap().unwrap();
        assert_eq!(
            (fault.kind(), fault.message()),
            (FaultKind::UnknownMethod, "no & no")
        );
        let members = [("faultCode", "AccessDenied"), message];
        assert_eq!(
            fault_of(&members).unwrap(),
            Some(Fault::new(1, "AccessDenied: no"))
        );
    }

    #[test]
    fn a_result_is_no_fault_and_a_broken_fault_is_an_error() {
        assert_eq!(
            fault("<methodResponse><params><param><value/>").unwrap(),
            None
        );
        for none in ["<methodResponse/>", "<methodResponse><params/>"] {
            assert_eq!(fault(none).unwrap(), None, "{none}");
        }
        let list = "<array><data/></array>";
        assert!(fault_of(&[("faultCode", list)]).is_err());
        assert!(fault_of(&[("faultCode", "1"), ("faultCode", "1")]).is_err());
        for document in [
            "<html><body>502</body></html>",
            "<!DOCTYPE html><html/>",
            "502 Bad Gateway",
            "",
            "<methodResponse><fault>",
            "<methodResponse><fault/>",
            "<methodResponse><fault><struct></fault></methodResponse>",
            "<methodResponse><fault><struct/><struct/></fault></methodResponse>",
            "<methodResponse><fault><struct/>x</fault></methodResponse>",
            "<methodResponse><fault><value/><value/></fault></methodResponse>",
            "<methodResponse><fault><int>4</int></fault></methodResponse>",
            "<methodResponse><fault>x</fault></methodResponse>",
            "<methodResponse><fault><value><array/></value></fault></methodResponse>",
            "<methodResponse><fault/><params/></methodResponse>",
        ] {
            assert!(fault(document).is_err(), "{document}");
        }
    }

    /// As servers of torrents and of exams have sent it for years.
    #[test]
    fn a_fault_is_one_without_a_value_around_it_and_without_its_members() {
        let code = "<member><name>faultCode</name><value><int>4</int></value></member>";
        let text = "<member><name>faultString</name><value><string>no</string></value></member>";
        let named = |code, text: &str| Some(Fault::new(code, text));
        for (content, expected) in [
            (format!("<struct>{code}{text}</struct>"), named(4, "no")),
            (
                format!("\n<struct>\n{text}\n{code}\n</struct>\n"),
                named(4, "no"),
            ),
            (format!("<struct>{code}</struct>"), named(4, NO_TEXT)),
            (format!("<struct>{text}</struct>"), named(NO_CODE, "no")),
            (
                format!("<value><struct>{code}</struct></value>"),
                named(4, NO_TEXT),
            ),
            (
                format!("<value><struct>{text}</struct></value>"),
                named(1, "no"),
            ),
            ("<value><struct/></value>".to_owned(), named(1, NO_TEXT)),
            ("<struct/>".to_owned(), named(1, NO_TEXT)),
            ("<value><nil/></value>".to_owned(), named(1, NO_TEXT)),
            ("<value/>".to_owned(), named(1, NO_TEXT)),
            (String::new(), named(1, NO_TEXT)),
            ("<value>no</value>".to_owned(), named(1, "no")),
            ("<value><int>4</int></value>".to_owned(), named(4, NO_TEXT)),
        ] {
            let document = format!("<methodResponse><fault>{content}</fault></methodResponse>");
            assert_eq!(fault(&document).unwrap(), expected, "{document}");
        }
        let empty = "<methodResponse><fault/></methodResponse>";
        assert_eq!(fault(empty).unwrap(), named(1, NO_TEXT));
        // The limits hold in it.
        let deep = "<array><data><value>".repeat(100);
        let member = format!("<member><name>x</name><value>{deep}");
        let document = format!("<methodResponse><fault><struct>{member}");
        let error = fault(&document).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Limit);
    }

    #[test]
    fn a_struct_among_results_is_a_fault_if_it_has_nothing_else() {
        let is_fault = |members: &str| {
            let value = format!("<value><struct>{members}</struct></value>");
            let value = Payload::from(value.into_bytes());
            let members: FaultMembers = XmlRpc::default().decode_value(&value).unwrap();
            members.is_fault()
        };
        let code = "<member><name>faultCode</name><value><int>4</int></value></member>";
        let text = "<member><name>faultString</name><value>no</value></member>";
        let other = "<member><name>x</name><value/></member>";
        for fault in [
            code,
            text,
            &[code, text].concat(),
            &[other, text, code].concat(),
        ] {
            assert!(is_fault(fault), "{fault}");
        }
        for other in ["", other, &[other, text].concat(), &[code, other].concat()] {
            assert!(!is_fault(other), "{other}");
        }
    }

    #[test]
    fn the_value_of_a_reply_is_cut_out() {
        let value = "<value><int>5</int></value>";
        let own = [REPLY_PROLOGUE, value, REPLY_EPILOGUE].concat();
        let foreign = format!(
            "<?xml version='1.0'?><!-- a --><methodResponse>\n<params><param> {value} </param></params></methodResponse>"
        );
        for document in [own, foreign] {
            let reply = Payload::from(document.into_bytes());
            assert_eq!(
                reply_value(&reply, XmlRpc::default()).unwrap(),
                value.as_bytes()
            );
        }
        let mut fault = Vec::new();
        write_fault(1, "", &mut fault);
        assert!(reply_value(&fault.into(), XmlRpc::default()).is_err());
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
            assert_eq!(fault(&document).unwrap(), Some(Fault::received(code, read)));
        }
    }
}
