//! Tests of whole calls and replies.

use bytes::Bytes;
use farcall_core::protocol::{Format, FromArgs, Payload};
use farcall_core::{FormatError, FormatErrorKind, Variadic};

use super::XmlRpc;
use crate::document::{REPLY_EPILOGUE, REPLY_PROLOGUE, call_head, write_call, write_fault};

/// Cuts the payload out of a call document, as the server does.
fn payload(document: &str) -> Result<Payload, FormatError> {
    let (_, start) = call_head(document.as_bytes(), XmlRpc::default())?;
    let message = Bytes::copy_from_slice(document.as_bytes());
    Ok(Payload::part(message, start..document.len()))
}

fn call<A: FromArgs>(document: &str) -> Result<A, FormatError> {
    XmlRpc::default().decode_args(&payload(document)?)
}

fn args<A: FromArgs>(params: &str) -> Result<A, FormatError> {
    call(&format!(
        "<methodCall><methodName>m</methodName>{params}</methodCall>"
    ))
}

fn alone<A: FromArgs>(params: &str) -> Result<A, FormatError> {
    XmlRpc::default().decode_args(&Payload::from(params.as_bytes().to_vec()))
}

fn reply<T: serde::de::DeserializeOwned>(document: &str) -> Result<T, FormatError> {
    XmlRpc::default().decode_reply(&Payload::from(document.as_bytes().to_vec()))
}

const TWO: &str = "<params><param><value><int>1</int></value></param>\
    <param><value>two</value></param></params>";

#[test]
fn parameters_are_read_with_everything_around_them() {
    let document = "\n<?xml version='1.0'?>\n<!-- a -->\n<methodCall>\n <methodName> m </methodName>\n \
        <!-- b --><?c d?>\n<params>\n<param>\n<value><int>1</int></value>\n</param>\n\
        <param><value>two</value></param>\n</params>\n</methodCall>\n<!-- e -->\n";
    assert_eq!(
        call::<(i32, String)>(document).unwrap(),
        (1, "two".to_owned())
    );
    assert_eq!(args::<(i32, String)>(TWO).unwrap(), (1, "two".to_owned()));
    assert_eq!(alone::<(i32, String)>(TWO).unwrap(), (1, "two".to_owned()));
}

#[test]
fn an_empty_document_is_malformed_and_another_document_is_not_a_call() {
    for (document, kind) in [
        ("", FormatErrorKind::Syntax),
        ("<a/>", FormatErrorKind::Structure),
    ] {
        let error = call::<()>(document).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[test]
fn the_length_of_a_method_name_is_limited() {
    // A comment makes the document take the slow path.
    for comment in ["", "<!-- a -->"] {
        for (length, fits) in [(1024, true), (1025, false)] {
            let name = "m".repeat(length);
            let document =
                format!("<methodCall>{comment}<methodName>{name}</methodName></methodCall>");
            let head = call_head(document.as_bytes(), XmlRpc::default());
            assert_eq!(head.is_ok(), fits, "{length} bytes");
        }
    }
}

#[test]
fn no_parameters_come_in_many_forms() {
    for params in [
        "",
        "\n",
        "<params/>",
        "<params></params>",
        "<params>\n</params>",
        "<!-- a -->",
    ] {
        args::<()>(params).unwrap();
        alone::<()>(params).unwrap();
    }
    for params in [
        "<array/>",
        "<array><data/></array>",
        "<value><array><data></data></array></value>",
    ] {
        alone::<()>(params).unwrap();
    }
    assert!(
        alone::<()>("</methodCall>").is_err(),
        "no call is around it"
    );
}

#[test]
fn parameters_can_be_an_array() {
    let data = "<array><data><value><int>1</int></value><value>two</value></data></array>";
    for params in [data.to_owned(), format!(" <value>\n{data}</value> ")] {
        assert_eq!(
            alone::<(i32, String)>(&params).unwrap(),
            (1, "two".to_owned())
        );
        assert!(alone::<(i32, String)>(&format!("{params}x")).is_err());
        assert!(alone::<(i32, String)>(&format!("{params}</methodCall>")).is_err());
        assert!(args::<(i32, String)>(&params).is_err());
    }
    let error = alone::<(i32, i32)>(data).unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter 2: expected int, found string, at line 1, column 41"
    );
    assert!(alone::<(i32,)>("<value><int>1</int></value>").is_err());
}

#[test]
fn the_number_of_parameters_is_checked() {
    let message = |error: FormatError| {
        assert_eq!(error.kind(), FormatErrorKind::Mismatch);
        error.to_string()
    };
    assert_eq!(
        message(args::<()>(TWO).unwrap_err()),
        "expected no parameters, got 2"
    );
    assert_eq!(
        message(args::<(i32,)>(TWO).unwrap_err()),
        "expected 1 parameter, got 2"
    );
    assert_eq!(
        message(args::<(i32, String, i32)>(TWO).unwrap_err()),
        "expected 3 parameters, got 2"
    );
    assert_eq!(
        message(args::<(i32, i32)>("").unwrap_err()),
        "expected 2 parameters, got 0"
    );
    assert_eq!(
        args::<(i32, String, Option<i32>, Option<bool>)>(TWO).unwrap(),
        (1, "two".to_owned(), None, None)
    );
    assert!(args::<Variadic<i32>>("").unwrap().0.is_empty());
    let many = format!(
        "<params>{}</params>",
        "<param><value><int>1</int></value></param>".repeat(20)
    );
    assert_eq!(args::<Variadic<u8>>(&many).unwrap().0, [1; 20]);
}

#[test]
fn a_mismatch_has_a_type_and_a_position() {
    let document = "<methodCall><methodName>m</methodName>\n<params>\n<param><value><int>1</int></value></param>\n<param> <value>two</value></param></params></methodCall>";
    assert_eq!(
        call::<(i32, i32)>(document).unwrap_err().to_string(),
        "parameter 2: expected int, found string, at line 4, column 9"
    );
    assert_eq!(
        args::<Variadic<i32>>(TWO).unwrap_err().to_string(),
        "parameter 2: expected int, found string, at line 1, column 96"
    );
    let error = args::<(Vec<u8>,)>("<params><param><value><array><data><value><int>1</int></value>\n<value><int>300</int></value></data></array></value></param></params>").unwrap_err();
    assert_eq!(
        error.to_string(),
        "element 2 of parameter 1: invalid value: integer `300`, expected u8, at line 2, column 1"
    );
}

#[test]
fn a_malformed_tail_never_yields_arguments() {
    for tail in [
        "",
        "</methodCall",
        "</methodResponse>",
        "</methodCall>x",
        "</methodCall><a/>",
        "</methodCall></methodCall>",
        "</params></methodCall>",
        "<params/></methodCall>",
        "x</methodCall>",
        "</methodCall><!DOCTYPE a>",
        "</methodCall><!-- ",
        "</methodCall>\u{1}",
        "</methodCall>&amp;",
    ] {
        for params in ["", "<params/>"] {
            let document = format!("<methodCall><methodName>m</methodName>{params}{tail}");
            if document.ends_with("<params/></methodCall>") && params.is_empty() {
                continue;
            }
            assert!(call::<()>(&document).is_err(), "{document}");
        }
        let document = format!("<methodCall><methodName>m</methodName>{TWO}{tail}");
        assert!(call::<(i32, String)>(&document).is_err(), "{document}");
    }
}

const RICH: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c --><methodCall a='b'><methodName>a.b</methodName><params>\
    <param><value><i8> 12 </i8></value></param><param><value>té&lt;<![CDATA[x]]>&#233;</value></param>\
    <param><value><struct><member><name>a</name><value><array><data><value><boolean>1</boolean></value><value><nil/></value></data></array></value></member>\
    <member><name>b</name><value><double>1.5</double></value></member></struct></value></param>\
    <param><value><base64>YWI=</base64></value></param><param><value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value></param></params></methodCall>";

type Rich = (
    i64,
    String,
    std::collections::BTreeMap<String, serde::de::IgnoredAny>,
    Vec<u8>,
    String,
);

#[test]
fn a_document_cut_short_anywhere_is_an_error() {
    call::<Rich>(RICH).unwrap();
    for end in (0..RICH.len()).filter(|&end| RICH.is_char_boundary(end)) {
        assert!(call::<Rich>(&RICH[..end]).is_err(), "{}", &RICH[..end]);
    }
    // A payload is not known to be UTF-8, so it is also cut within characters.
    let start = payload(RICH).unwrap().range().start;
    for end in start..RICH.len() {
        let message = Bytes::copy_from_slice(&RICH.as_bytes()[..end]);
        let part = Payload::part(message, start..end);
        assert!(XmlRpc::default().decode_args::<Rich>(&part).is_err());
    }
    let mut out = Vec::new();
    XmlRpc::default()
        .encode_reply(&vec!["a", "é"], &mut out)
        .unwrap();
    let out = &out[..out.len() - 1];
    for end in 0..out.len() {
        let cut = Payload::from(out[..end].to_vec());
        assert!(XmlRpc::default().decode_reply::<Vec<String>>(&cut).is_err());
    }
}

#[test]
fn one_byte_changed_is_never_a_panic() {
    for at in 0..RICH.len() {
        for byte in [0, b'<', b'>', b'&', b'/', b'"', b' ', b'a', 0x80, 0xff] {
            let mut bytes = RICH.as_bytes().to_vec();
            bytes[at] = byte;
            let Ok(document) = String::from_utf8(bytes.clone()) else {
                let part = Payload::part(bytes.into(), 60..RICH.len());
                let _ = XmlRpc::default().decode_args::<Rich>(&part);
                continue;
            };
            let _ = call::<Rich>(&document);
        }
    }
}

#[test]
fn entity_bombs_are_refused() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]>";
    for document in [
        format!("{bomb}<methodCall><methodName>m</methodName></methodCall>"),
        format!("<methodCall><methodName>m</methodName>{bomb}</methodCall>"),
    ] {
        let error = call::<()>(&document).unwrap_err();
        assert!(error.to_string().contains("DOCTYPE"));
    }
    assert!(args::<(String,)>("<params><param><value>&b;</value></param></params>").is_err());
}

#[test]
fn whole_replies_are_read() {
    let document = |content: &str| {
        format!(
            "\u{feff}\n<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n{content}\n</param>\n</params>\n</methodResponse>\n"
        )
    };
    assert_eq!(
        reply::<i32>(&document("<value><int>5</int></value>")).unwrap(),
        5
    );
    assert!(reply::<i32>(&document("")).is_err());
    assert!(reply::<i32>(&document("<value/><value/>")).is_err());
    assert!(reply::<i32>(&(document("<value><int>5</int></value>") + "<a/>")).is_err());
    assert!(reply::<i32>("<methodResponse><params/></methodResponse>").is_err());
    let error =
        reply::<i32>("<methodResponse><fault><value/></fault></methodResponse>").unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected <params>, found <fault>, at line 1, column 17"
    );
    for content in [
        "<nil/>",
        "<boolean>1</boolean>",
        "<int>0</int>",
        "",
        "<array><data><value/></data></array>",
    ] {
        reply::<()>(&document(&format!("<value>{content}</value>"))).unwrap();
    }
    assert!(
        reply::<Vec<()>>(&document(
            "<value><array><data><value/></data></array></value>"
        ))
        .is_err()
    );
}

#[test]
fn a_reply_is_a_range_of_its_document() {
    let format = XmlRpc::default();
    let reply = format.reply(&5).unwrap();
    assert_eq!(reply.as_slice(), b"<value><int>5</int></value>");
    assert_eq!(format.decode_reply::<i64>(&reply).unwrap(), 5);
    format.decode_reply::<()>(&reply).unwrap();
    let mut document = Vec::new();
    format.encode_reply(&5, &mut document).unwrap();
    assert_eq!(reply.message(), document);
    // The server sends and copies what the reply has already.
    assert_eq!(
        format.located_reply(reply.clone()).unwrap().range(),
        reply.range()
    );
    let address = reply.message().as_ptr();
    let sent = format.reply_document(reply).unwrap();
    assert_eq!((&*sent, sent.as_ptr()), (&*document, address));
}

/// A server decides by how a payload was made, not by its bytes.
#[test]
fn only_what_a_format_wrote_as_a_reply_is_sent_as_it_is() {
    let format = XmlRpc::default();
    let value = "<value><string>a</string></value>";
    let reply = format.reply("a").unwrap();
    let document = Bytes::copy_from_slice(reply.message());
    let range = reply.range();
    for copied in [
        Payload::part(document.clone(), range.clone()),
        Payload::from(document.to_vec()).with_range(range.clone()),
        Payload::from(document.clone()),
        reply.clone().with_range(range),
        // A part with which its message begins.
        Payload::part(format!("{value}<value/>").into(), 0..value.len()),
    ] {
        let address = copied.message().as_ptr();
        let located = format.located_reply(copied.clone()).unwrap();
        assert_eq!(located.as_slice(), value.as_bytes());
        let sent = format.reply_document(copied).unwrap();
        assert_eq!(sent, document);
        assert_ne!(sent.as_ptr(), address);
    }
    // Another part of a reply is not its result.
    let inner = reply
        .clone()
        .with_range(reply.range().start + 7..reply.range().end - 8);
    assert_eq!(inner.as_slice(), b"<string>a</string>");
    assert_ne!(format.reply_document(inner).unwrap(), document);
}

#[test]
fn of_a_foreign_reply_only_the_value_is_kept() {
    let own = |value: &str| [REPLY_PROLOGUE, value, REPLY_EPILOGUE].concat();
    let value = "<value><int>5</int></value>";
    let foreign = |content: &str| {
        let document = format!(
            "<?xml version='1.0' encoding='latin1'?><!-- a --><methodResponse>\n<params>{content}</params></methodResponse>"
        );
        Payload::from(document.into_bytes())
    };
    let (nil, empty) = (XmlRpc::default(), XmlRpc::default().nil(false));
    for (format, reply, value) in [
        (nil, foreign(&format!("<param> {value} </param>")), value),
        (nil, Payload::from(own(value).into_bytes()), value),
        // A value of another message, such as a parameter of the call.
        (nil, foreign(value).with_range(74..74 + value.len()), value),
        (nil, foreign(""), "<value><nil/></value>"),
        (
            empty,
            foreign("<param/>"),
            "<value><boolean>1</boolean></value>",
        ),
    ] {
        let located = format.located_reply(reply.clone()).unwrap();
        assert_eq!(located.as_slice(), value.as_bytes());
        assert_eq!(format.reply_document(reply).unwrap(), own(value));
    }
    let mut fault = Vec::new();
    write_fault(1, "", &mut fault);
    for reply in [Payload::from(fault), foreign("<value>"), foreign("x")] {
        nil.located_reply(reply.clone()).unwrap_err();
        nil.reply_document(reply).unwrap_err();
    }
}

#[test]
fn written_calls_can_be_read() {
    let format = XmlRpc::default();
    let args = (1, "a<b>&\r\n", vec![0u8; 5], Some(2.5), None::<i32>);
    let mut document = Vec::new();
    let params = |out: &mut Vec<u8>| format.encode_args(&args, out);
    write_call("a<b>.c", params, &mut document).unwrap();
    let document = String::from_utf8(document).unwrap();
    assert_eq!(
        call_head(document.as_bytes(), XmlRpc::default())
            .unwrap()
            .0
            .as_str(),
        "a<b>.c"
    );
    let args = call::<(u8, String, Vec<u8>, f32, Option<bool>)>(&document).unwrap();
    assert_eq!(args, (1, "a<b>&\r\n".to_owned(), vec![0; 5], 2.5, None));
}

#[test]
fn a_failed_write_leaves_the_buffer_unchanged() {
    let format = XmlRpc::default();
    let mut out = b"kept".to_vec();
    assert!(format.encode_args(&(1, f64::NAN), &mut out).is_err());
    assert!(
        format
            .encode_reply(&[1.0, f64::INFINITY], &mut out)
            .is_err()
    );
    assert!(format.write_value("\0", &mut out).is_err());
    assert!(format.write_args_array(&("\0",), &mut out).is_err());
    assert_eq!(out, b"kept");
    assert!(write_call("\0", |_| Ok(()), &mut out).is_err());
}
