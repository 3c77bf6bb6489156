//! Non-standard documents that real peers send.

use std::collections::BTreeMap;

use farcall_core::protocol::{Format, Payload};
use farcall_core::zero_as_none;
use farcall_core::{DateTime, FormatError, FormatErrorKind, Value};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::any::Any;
use super::{Raw, member, read, refused, value};
use crate::xml::read::steps;
use crate::{Forbidden, XmlRpc};

fn reply<T: DeserializeOwned>(document: &str) -> Result<T, FormatError> {
    XmlRpc::default().decode_reply(&Payload::from(document.as_bytes().to_vec()))
}

fn echoed(format: XmlRpc, content: &str) -> String {
    let mut out = Vec::new();
    format
        .write_value(&read::<Value>(content), &mut out)
        .unwrap();
    let out = String::from_utf8(out).unwrap();
    let out = out.strip_prefix("<value>").unwrap();
    out.strip_suffix("</value>").unwrap().to_owned()
}

#[test]
fn non_finite_doubles_are_read_as_every_type() {
    for text in ["nan", "NaN", "NAN", " -nan\n"] {
        let content = format!("<double>{text}</double>");
        assert!(read::<f64>(&content).is_nan(), "{text}");
        assert!(read::<f32>(&content).is_nan(), "{text}");
        assert!(read::<Value>(&content).as_f64().unwrap().is_nan());
    }
    for (text, number) in [
        ("inf", f64::INFINITY),
        ("Infinity", f64::INFINITY),
        ("+INF", f64::INFINITY),
        ("-inf", f64::NEG_INFINITY),
        (" -Infinity ", f64::NEG_INFINITY),
    ] {
        for tag in ["double", "ex:float"] {
            let content = format!("<{tag}>{text}</{tag}>");
            assert_eq!(read::<f64>(&content), number, "{text}");
            assert_eq!(read::<Value>(&content), Value::Double(number));
        }
    }
    assert!(value::<Any>("<ex:bigdecimal>NaN</ex:bigdecimal>").is_err());
    let format = XmlRpc::default().non_finite(true);
    for text in ["nan", "inf", "-inf"] {
        let content = format!("<double>{text}</double>");
        assert_eq!(echoed(format, &content), content);
    }
}

/// Invalid dates that peers send.
const NEVER: &[&str] = &[
    "00000000T00:00:00",
    "0000-00-00T00:00:00",
    "",
    "20240229",
    "20240229T10:20",
    "20240229T24:00:00",
    "20230229T10:20:30",
    "never",
    "a &lt; b &amp; c",
];

#[test]
fn an_invalid_date_fails_only_as_a_typed_date() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "shown by Debug")]
    struct Post {
        id: i32,
        date: DateTime,
    }

    for text in NEVER {
        let date = format!("<dateTime.iso8601>{text}</dateTime.iso8601>");
        let post = |id: i32, date: &str| {
            let id = member("id", &format!("<int>{id}</int>"));
            format!(
                "<value><struct>{id}{}</struct></value>",
                member("date", date)
            )
        };
        let good = "<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>";
        let posts = format!(
            "<array><data>{}{}\n{}</data></array>",
            post(1, good),
            post(2, good),
            post(3, &date)
        );
        let values: Value = read(&posts);
        let plain = text.replace("&lt;", "<").replace("&amp;", "&");
        assert_eq!(values[2]["date"], Value::DateTimeText(plain));
        assert_eq!(values[2]["id"], Value::Int(3));
        assert!(values[1]["date"].as_datetime().is_some());
        assert_eq!(
            echoed(XmlRpc::default(), &date),
            date,
            "written back unchanged"
        );
        let error = refused::<Vec<Post>>(&posts);
        assert!(
            error.starts_with("member `date` of element 3: ") && error.contains(", at line 2, "),
            "{error}"
        );
        read::<IgnoredAny>(&posts);
        read::<String>(&date);
    }
    let empty: Value = read("<dateTime.iso8601/>");
    assert_eq!(empty, Value::DateTimeText(String::new()));
}

#[test]
fn zero_as_none_reads_a_zero_date_as_none() {
    #[derive(Debug, Deserialize)]
    struct Post {
        #[serde(with = "zero_as_none", default)]
        date: Option<DateTime>,
    }

    let post =
        |content: &str| value::<Post>(&format!("<struct>{}</struct>", member("date", content)));
    for never in [
        "<dateTime.iso8601>00000000T00:00:00</dateTime.iso8601>",
        "<dateTime.iso8601/>",
        "<nil/>",
    ] {
        assert_eq!(post(never).unwrap().date, None, "{never}");
    }
    assert_eq!(read::<Post>("<struct/>").date, None);
    let date = post("<dateTime.iso8601>20000101T00:00:00</dateTime.iso8601>");
    assert_eq!(date.unwrap().date, DateTime::new(2000, 1, 1, 0, 0, 0).ok());
    let error = post("<dateTime.iso8601>20000101</dateTime.iso8601>").unwrap_err();
    assert!(error.to_string().starts_with("member `date`: "), "{error}");
}

#[test]
fn errors_name_the_path_to_the_value() {
    let list =
        |content: &str| format!("<array><data><value/><value>{content}</value></data></array>");
    let error = |content: &str| refused::<BTreeMap<String, Vec<(String, i32)>>>(content);
    let content = format!(
        "<struct>{}</struct>",
        member(
            "a&amp;b",
            "<array><data><value><array><data><value/><value>x</value></data></array></value></data></array>"
        )
    );
    assert!(
        error(&content)
            .starts_with("element 2 of element 1 of member `a&b`: expected int, found string, at "),
        "{}",
        error(&content)
    );
    let named = format!(
        "<struct>{}</struct>",
        member(&"\n\u{85}x".repeat(99), &list("x"))
    );
    let text = error(&named);
    assert!(text.len() < 500 && !text.contains('\n'), "{text}");
    assert!(
        text.starts_with("element 1 of member `\\n\\u{85}x"),
        "{text}"
    );
    // Errors in the text, not the type, have a path too.
    assert_eq!(
        refused::<Vec<Any>>(&list("<int>x</int>")),
        "element 2: the text in <int> is not an integer, at line 1, column 36"
    );
    let turned = format!("<struct>{}</struct>", turned("n", "x"));
    assert!(refused::<BTreeMap<String, i32>>(&turned).starts_with("member `n`: expected int"));
}

#[test]
fn a_reply_without_a_result_is_nothing() {
    for document in [
        "<methodResponse><params/></methodResponse>",
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n</params>\n</methodResponse>\n",
        "<methodResponse><params><param/></params></methodResponse>",
        "<methodResponse><params> <param> </param> </params></methodResponse>",
        "<methodResponse></methodResponse>",
        "<methodResponse/>",
    ] {
        reply::<()>(document).unwrap();
        reply::<IgnoredAny>(document).unwrap();
        assert_eq!(reply::<Option<i32>>(document).unwrap(), None);
        assert_eq!(reply::<Value>(document).unwrap(), Value::Nil);
        for error in [
            reply::<i32>(document).map(|_| ()).unwrap_err(),
            reply::<String>(document).map(|_| ()).unwrap_err(),
            reply::<Vec<i32>>(document).map(|_| ()).unwrap_err(),
            reply::<DateTime>(document).map(|_| ()).unwrap_err(),
        ] {
            assert_eq!(error.kind(), FormatErrorKind::Mismatch);
            assert_eq!(error.to_string(), "the reply has no result");
        }
        for broken in [
            document.replace("</methodResponse>", ""),
            format!("{document}x"),
        ] {
            let whole = broken == document;
            assert!(whole || reply::<()>(&broken).is_err(), "{broken}");
        }
        // A raw method may forward such a reply.
        let payload = Payload::from(document.as_bytes().to_vec());
        for (nil, value) in [(true, "<nil/>"), (false, "<boolean>1</boolean>")] {
            let format = XmlRpc::default().nil(nil);
            let passed = format.located_reply(payload.clone()).unwrap();
            assert_eq!(
                passed.as_slice(),
                format!("<value>{value}</value>").as_bytes()
            );
        }
    }
    for document in [
        "<methodResponse><params><param/><param/></params></methodResponse>",
        "<methodResponse><params/><params/></methodResponse>",
        "<methodResponse><params>x</params></methodResponse>",
        "<methodResponse><params><param>x</param></params></methodResponse>",
        "<methodResponse>x</methodResponse>",
    ] {
        assert!(reply::<()>(document).is_err(), "{document}");
    }
}

#[test]
fn arrays_are_read_without_data() {
    let bare = "<array><value><int>1</int></value>\n<value><int>2</int></value></array>";
    assert_eq!(read::<Vec<i32>>(bare), [1, 2]);
    assert_eq!(read::<(i32, i32)>(bare), (1, 2));
    assert_eq!(read::<Value>(bare), vec![1, 2].into());
    assert_eq!(read::<Vec<Raw>>(bare).len(), 2);
    let nested = format!("<array><value>{bare}</value><value><array/></value></array>");
    assert_eq!(read::<Vec<Vec<i32>>>(&nested), [vec![1, 2], vec![]]);
    assert_eq!(read::<Vec<String>>("<array><value/></array>"), [""]);
    assert_eq!(
        refused::<(i32,)>(bare),
        "expected 1 elements, found 2, at line 1, column 1"
    );
    let args: (i32, i32) = XmlRpc::default()
        .decode_args(&Payload::from(bare.as_bytes().to_vec()))
        .unwrap();
    assert_eq!(args, (1, 2));
    let format = XmlRpc::default().max_values(10).max_depth(2);
    let of = |count: usize| {
        let content = format!("<value><array>{}</array></value>", "<value/>".repeat(count));
        format.decode_value::<Any>(&Payload::from(content.into_bytes()))
    };
    assert!(of(9).is_ok());
    assert_eq!(of(10).unwrap_err().kind(), FormatErrorKind::Limit);
    let deep = "<value><array><value><array><value/></array></value></array></value>";
    let error = format.decode_value::<Any>(&Payload::from(deep.as_bytes().to_vec()));
    assert_eq!(error.unwrap_err().kind(), FormatErrorKind::Limit);
}

fn turned(name: &str, content: &str) -> String {
    format!("<member><value>{content}</value><name>{name}</name></member>")
}

#[test]
fn a_value_can_come_before_its_name() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Point {
        x: i32,
        list: Vec<BTreeMap<String, String>>,
    }

    let inner = format!(
        "<struct>{}{}</struct>",
        turned("a", ""),
        turned("b&amp;", "<string>c</string>")
    );
    let list =
        format!("<array><data><value>{inner}</value>\n<value>{inner}</value></data></array>");
    let content = format!(
        "<struct>\n{}{}{}</struct>",
        turned("list", &list),
        turned("ignored", &list),
        member("x", "<int>1</int>")
    );
    let map = BTreeMap::from([("a", ""), ("b&", "c")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    let point = Point {
        x: 1,
        list: vec![map.clone(), map],
    };
    assert_eq!(read::<Point>(&content), point);
    let any: Value = read(&content);
    assert_eq!(any["list"][1]["b&"].as_str(), Some("c"));
    assert_eq!(any["ignored"][0]["a"].as_str(), Some(""));
    let empty = "<struct><member><value/><name>a</name></member></struct>";
    assert_eq!(read::<BTreeMap<String, String>>(empty)["a"], "");
    for broken in [
        "<member><value><int>1</int></value></member>",
        "<member><value><int>1</int></value><name>a</member>",
        "<member><value><a></b></value><name>a</name></member>",
        "<member><value><int>1</int></value><name>a</name>x</member>",
        "<member><value><int>1</int></value><name>a</name>",
    ] {
        let broken = format!("<struct>{broken}</struct>");
        assert!(value::<Value>(&broken).is_err(), "{broken}");
        assert!(value::<BTreeMap<String, i32>>(&broken).is_err(), "{broken}");
    }
}

fn turned_deep(depth: usize, width: usize) -> String {
    let flat = turned("n", "<int>1</int>").repeat(width);
    (1..depth).fold(format!("<struct>{flat}</struct>"), |inner, _| {
        format!("<struct>{flat}{}{flat}</struct>", turned("d", &inner))
    })
}

#[test]
fn limits_hold_for_values_before_their_names() {
    // Each value counts once, although it is skipped before it is read.
    let content = turned_deep(4, 3);
    let count = content.matches("<value>").count() + 1;
    let payload = Payload::from(format!("<value>{content}</value>").into_bytes());
    for (max, fits) in [(count, true), (count - 1, false)] {
        let format = XmlRpc::default().max_values(max);
        let result = format.decode_value::<Value>(&payload);
        assert_eq!(result.is_ok(), fits);
        let limit = |error: FormatError| error.kind() == FormatErrorKind::Limit;
        assert!(fits || result.is_err_and(limit));
    }
    for (max, fits) in [(5, true), (4, false)] {
        let format = XmlRpc::default().max_depth(max);
        assert_eq!(format.decode_value::<Value>(&payload).is_ok(), fits);
        assert_eq!(format.decode_value::<IgnoredAny>(&payload).is_ok(), fits);
    }
    let bottomless = "<struct><member><value>".repeat(10_000);
    for error in [
        value::<Value>(&bottomless).map(|_| ()).unwrap_err(),
        value::<BTreeMap<String, IgnoredAny>>(&bottomless)
            .map(|_| ())
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), FormatErrorKind::Limit);
    }
}

#[test]
fn a_value_before_its_name_is_skipped_once_at_any_depth() {
    let format = XmlRpc::default().max_depth(255);
    for (depth, width) in [(3, 200), (60, 10), (200, 3)] {
        let content = format!("<value>{}</value>", turned_deep(depth, width));
        let tags = content.matches('<').count();
        let payload = Payload::from(content.into_bytes());
        steps::take();
        format.decode_value::<Value>(&payload).unwrap();
        let steps = steps::take();
        assert!(
            steps <= 3 * tags,
            "{tags} tags, nested {depth} deep, were read in {steps} steps"
        );
    }
}

#[test]
fn characters_that_xml_forbids_are_refused_or_replaced() {
    let format = XmlRpc::default().read_forbidden(Forbidden::Replace);
    let text = |content: &str| {
        let payload = Payload::from(format!("<value>\n{content}</value>").into_bytes());
        (
            XmlRpc::default()
                .decode_value::<String>(&payload)
                .unwrap_err()
                .to_string(),
            format.decode_value::<String>(&payload),
        )
    };
    for (content, column) in [
        ("<string>a\u{8}b</string>", 10),
        ("<string>a&#8;b</string>", 10),
        ("<string>a&#x8;b</string>", 10),
        ("<string>a\u{ffff}b</string>", 10),
        ("<string>a&#xD83D;b</string>", 10),
        ("<string>a<![CDATA[\u{0}]]>b</string>", 19),
    ] {
        let (refused, replaced) = text(content);
        assert_eq!(replaced.unwrap(), "a\u{fffd}b", "{content}");
        let position = format!(", at line 2, column {column}");
        assert!(
            refused.ends_with(&position) && refused.contains("XML does not allow"),
            "{refused}"
        );
    }
    let (_, replaced) = text("<string>\u{1}\r\n<!-- \u{2} -->é<?a \u{3}?></string>");
    assert_eq!(replaced.unwrap(), "\u{fffd}\né");
    let (_, replaced) = text("<string a='\u{1}'>b</string>");
    assert_eq!(replaced.unwrap(), "b");
    let struct_of = format!("<struct>{}</struct>", member("a\u{8}", "&#8;"));
    let payload = Payload::from(format!("<value>{struct_of}</value>").into_bytes());
    let map: BTreeMap<String, String> = format.decode_value(&payload).unwrap();
    assert_eq!(map["a\u{fffd}"], "\u{fffd}");
    for beyond in ["&#x110000;", "&#99999999999;", "&#-8;", "&#;"] {
        assert!(
            text(&format!("<string>{beyond}</string>")).1.is_err(),
            "{beyond}"
        );
    }

    let torrent = [("name", "a\u{8}.iso")];
    let member = BTreeMap::from(torrent);
    let mut out = Vec::new();
    let error = XmlRpc::default()
        .encode_args(&(1, [member.clone()]), &mut out)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "member `name` of element 1 of parameter 2: XML cannot carry the character U+0008"
    );
    let format = XmlRpc::default().write_forbidden(Forbidden::Replace);
    format.encode_args(&(1, [member]), &mut out).unwrap();
    assert!(
        String::from_utf8(out)
            .unwrap()
            .contains("<string>a\u{fffd}.iso</string>")
    );
}
