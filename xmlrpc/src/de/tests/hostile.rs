//! Hostile documents, and types with faulty deserializers.

use farcall_core::FormatErrorKind;
use farcall_core::protocol::Payload;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::any::Any;
use super::{Raw, read, value};
use crate::XmlRpc;

fn nested(depth: usize) -> String {
    format!(
        "{}<int>1</int>{}",
        "<array><data><value>".repeat(depth),
        "</value></data></array>".repeat(depth)
    )
}

#[test]
fn depth_is_limited_for_every_type() {
    read::<Any>(&nested(63));
    for depth in [64, 10_000] {
        for error in [
            value::<Any>(&nested(depth)).map(|_| ()).unwrap_err(),
            value::<IgnoredAny>(&nested(depth)).map(|_| ()).unwrap_err(),
            value::<Raw>(&nested(depth)).map(|_| ()).unwrap_err(),
            value::<Vec<Raw>>(&nested(depth)).map(|_| ()).unwrap_err(),
        ] {
            assert_eq!(error.kind(), FormatErrorKind::Limit, "{error}");
        }
    }
    let deep = XmlRpc::default().max_depth(255);
    let payload = Payload::from(format!("<value>{}</value>", nested(254)).into_bytes());
    deep.decode_value::<Any>(&payload).unwrap();
    let payload = Payload::from(format!("<value>{}</value>", nested(255)).into_bytes());
    assert!(deep.decode_value::<Any>(&payload).is_err());
    // Elements other than values count too.
    assert!(value::<IgnoredAny>(&"<a>".repeat(10_000)).is_err());
}

#[test]
fn the_number_of_values_is_limited_for_every_type() {
    let format = XmlRpc::default().max_values(10);
    for (count, fits) in [(9, true), (10, false)] {
        let content = format!(
            "<value><array><data>{}</data></array></value>",
            "<value/>".repeat(count)
        );
        let payload = Payload::from(content.into_bytes());
        assert_eq!(format.decode_value::<Any>(&payload).is_ok(), fits);
        assert_eq!(format.decode_value::<IgnoredAny>(&payload).is_ok(), fits);
        assert_eq!(format.decode_value::<Raw>(&payload).is_ok(), fits);
    }
}

#[test]
fn an_error_swallowed_by_a_type_does_not_desynchronise_the_reader() {
    #[derive(Debug)]
    struct Lenient(Option<i32>);
    impl<'de> Deserialize<'de> for Lenient {
        fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            Ok(Self(i32::deserialize(d).ok()))
        }
    }
    let list = |content: &str| {
        format!("<array><data><value>{content}</value><value><int>1</int></value></data></array>")
    };
    let read = read::<Vec<Lenient>>(&list("text"));
    assert_eq!((read[0].0, read[1].0), (None, Some(1)));
    for content in [
        "<array/>",
        "<struct/>",
        "<int>x</int>",
        "<foo/>",
        "\u{1}",
        "<int>1</i4>",
    ] {
        assert!(value::<Vec<Lenient>>(&list(content)).is_err(), "{content}");
    }

    #[derive(Debug)]
    struct Blind;
    impl<'de> Deserialize<'de> for Blind {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    assert_eq!(value::<Vec<Blind>>(&list("<array/>")).unwrap().len(), 2);
}

mod soup {
    use bytes::Bytes;
    use farcall_core::Variadic;
    use farcall_core::protocol::Format;
    use proptest::prelude::*;

    use super::*;
    use crate::de::De;
    use crate::document::{call_head, reply_fault};
    use crate::xml::encoding::decode_document;

    const PIECES: &[&str] = &[
        "<methodCall>",
        "</methodCall>",
        "<methodName>",
        "</methodName>",
        "m",
        "<params>",
        "</params>",
        "<param>",
        "</param>",
        "<value>",
        "</value>",
        "<value/>",
        "<array>",
        "</array>",
        "<data>",
        "</data>",
        "<struct>",
        "</struct>",
        "<member>",
        "</member>",
        "<name>",
        "</name>",
        "<int>1</int>",
        "<string>",
        "</string>",
        "<nil/>",
        "<base64>YQ==</base64>",
        "<methodResponse>",
        "<fault>",
        "</fault>",
        "</methodResponse>",
        "faultCode",
        "faultString",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<!DOCTYPE a [",
        "<!ENTITY",
        "]>",
        "<?xml version='1.0'?>",
        "<?",
        "?>",
        "<!",
        "<",
        ">",
        "/",
        "&",
        ";",
        "&amp;",
        "&#",
        "&#x41;",
        "'",
        "\"",
        "=",
        " ",
        "\r\n",
        "\u{feff}",
        "é",
        "\u{0}",
        "\u{ffff}",
    ];

    fn document() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(PIECES), 0..40)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn never_panics(document in document(), head in any::<bool>()) {
            let head = if head { "<methodCall><methodName>m</methodName><params>" } else { "" };
            let document = Bytes::from(head.to_owned() + &document);
            let format = XmlRpc::default();
            let payload = Payload::from(document.clone());
            let _ = format.decode_reply::<Any>(&payload);
            let _ = format.decode_value::<Raw>(&payload);
            let _ = format.decode_args::<Variadic<Any>>(&payload);
            let _ = reply_fault(&mut De::of_response(&payload, format));
            if let Ok((_, start)) = call_head(&document, format) {
                let payload = Payload::part(document.clone(), start..document.len());
                let _ = format.decode_args::<Variadic<Any>>(&payload);
                let _ = format.decode_args::<(Option<Raw>, Option<IgnoredAny>)>(&payload);
            }
        }

        #[test]
        fn no_encoding_panics_or_grows(document in any::<Vec<u8>>(), charset in prop::sample::select(
            &[
                None, Some("latin1"), Some("cp1252"), Some("utf-16"), Some("utf-16le"), Some("ascii"),
                Some("iso-8859-11"), Some("windows-874"), Some("shift_jis"), Some("gb18030"), Some("big5"),
                Some("euc-jp"), Some("euc-kr"), Some("koi8-r"), Some("x-user-defined"),
            ][..],
        )) {
            let len = document.len();
            let mut decoded = Bytes::from(document);
            if decode_document(&mut decoded, charset).is_ok() {
                prop_assert!(std::str::from_utf8(&decoded).is_ok());
                prop_assert!(decoded.len() <= 3 * len);
            }
        }
    }
}
