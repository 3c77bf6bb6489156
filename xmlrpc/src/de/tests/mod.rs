//! Tests of reading valid and invalid values.

mod any;
mod differential;
mod habits;
mod hostile;
mod values;

use std::collections::BTreeMap;

use farcall_core::protocol::Payload;
use farcall_core::{FormatError, FormatErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Raw;
use crate::XmlRpc;
use any::Any;

fn value<T: DeserializeOwned>(content: &str) -> Result<T, FormatError> {
    let payload = Payload::from(format!("<value>{content}</value>").into_bytes());
    XmlRpc::default().decode_value(&payload)
}

fn read<T: DeserializeOwned>(content: &str) -> T {
    value(content).unwrap()
}

fn refused<T: DeserializeOwned>(content: &str) -> String {
    match value::<T>(content) {
        Ok(_) => panic!("{content} was read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn strings_keep_their_white_space() {
    for (content, text) in [
        ("text", "text"),
        ("", ""),
        (" \n ", " \n "),
        (" a ", " a "),
        ("<string> a </string>", " a "),
        ("<string></string>", ""),
        ("<string/>", ""),
        ("\n <string>a</string>\n ", "a"),
        ("a &amp; b", "a & b"),
        ("<![CDATA[<int>5</int>]]>", "<int>5</int>"),
        ("<string>a<!-- comment -->b<?pi?></string>", "ab"),
        ("<string xml:lang='en'>a</string>", "a"),
    ] {
        assert_eq!(read::<String>(content), text, "{content}");
    }
    let empty = Payload::from(b"<value/>".to_vec());
    assert_eq!(
        XmlRpc::default().decode_value::<String>(&empty).unwrap(),
        ""
    );
    assert_eq!(read::<char>("é"), 'é');
    assert!(value::<char>("ab").is_err());
}

#[test]
fn integers_come_under_many_names() {
    for tag in [
        "int",
        "i4",
        "i8",
        "i1",
        "i2",
        "ex:i1",
        "ex:i2",
        "ex:i8",
        "biginteger",
        "ex:biginteger",
    ] {
        for (text, number) in [("5", 5), (" \n-5\t", -5), ("+5", 5), ("007", 7)] {
            assert_eq!(read::<i64>(&format!("<{tag}>{text}</{tag}>")), number);
        }
    }
    assert_eq!(read::<i64>("<i8>-9223372036854775808</i8>"), i64::MIN);
    assert_eq!(read::<u64>("<i8>9223372036854775807</i8>"), i64::MAX as u64);
    assert_eq!(
        read::<i128>("<biginteger>9223372036854775808</biginteger>"),
        1 << 63
    );
    let huge = "9".repeat(60);
    assert_eq!(
        read::<String>(&format!("<ex:biginteger>{huge}</ex:biginteger>")),
        huge
    );
    for text in ["", "1_000", "1.0", "0x1", "1 2", "--1", "+", "١", "1e3"] {
        let error = value::<i64>(&format!("<int>{text}</int>")).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Structure);
        assert_eq!(
            error.to_string(),
            "the text in <int> is not an integer, at line 1, column 8"
        );
    }
    for text in ["9223372036854775808", "-9223372036854775809", &huge] {
        assert_eq!(
            value::<i64>(&format!("<i8>{text}</i8>"))
                .unwrap_err()
                .to_string(),
            "the text in <i8> is not an integer from -2^63 to 2^63 - 1, at line 1, column 8"
        );
    }
    assert!(value::<u8>("<int>256</int>").is_err());
    assert!(value::<u8>("<int>-1</int>").is_err());
}

#[test]
fn doubles_take_integers_but_not_the_reverse() {
    assert_eq!(read::<f64>("<double>-12.5</double>"), -12.5);
    assert_eq!(read::<f64>("<double> 1.5e3\n</double>"), 1500.0);
    assert_eq!(read::<f64>("<int>1</int>"), 1.0);
    assert_eq!(read::<f32>("<i8>1</i8>"), 1.0);
    assert_eq!(read::<f32>("<ex:float>0.1</ex:float>"), 0.1);
    assert_eq!(read::<f64>("<ex:bigdecimal>1.25</ex:bigdecimal>"), 1.25);
    assert_eq!(
        read::<String>("<ex:bigdecimal> 1.250 </ex:bigdecimal>"),
        "1.250"
    );
    for text in ["1e999", "", "infinit"] {
        assert!(value::<f64>(&format!("<double>{text}</double>")).is_err());
    }
    assert_eq!(
        refused::<i64>("<double>1.0</double>"),
        "expected int, found double, at line 1, column 1"
    );
}

#[test]
fn booleans_are_digits_or_words() {
    for (text, truth) in [
        ("1", true),
        ("0", false),
        (" true ", true),
        ("false", false),
    ] {
        assert_eq!(read::<bool>(&format!("<boolean>{text}</boolean>")), truth);
    }
    assert!(value::<bool>("<boolean>2</boolean>").is_err());
    assert!(value::<bool>("<int>1</int>").is_err());
}

#[test]
fn base64_is_bytes_however_it_is_broken() {
    for text in ["YWJj\nZA==", "\nYWJjZA==\n", "YWJjZA", " Y W J j Z A = = "] {
        let content = format!("<base64>{text}</base64>");
        assert_eq!(read::<Vec<u8>>(&content), b"abcd");
        assert_eq!(read::<[u8; 4]>(&content), *b"abcd");
        assert!(value::<[u8; 3]>(&content).is_err());
    }
    assert_eq!(read::<Vec<u8>>("<base64/>"), b"");
    assert_eq!(
        read::<Vec<u8>>("<array><data><value><int>1</int></value></data></array>"),
        [1]
    );
    assert!(value::<Vec<u8>>("<base64>Y*</base64>").is_err());
    assert!(value::<Vec<u8>>("<string>abc</string>").is_err());
    assert_eq!(
        read::<Any>("<base64>YWI=</base64>"),
        Any::Bytes(b"ab".to_vec())
    );
}

#[test]
fn dates_are_texts_in_the_extended_form() {
    for tag in ["dateTime.iso8601", "ex:dateTime"] {
        let content = format!("<{tag}> 19980717T14:08:55 </{tag}>");
        assert_eq!(read::<String>(&content), "1998-07-17T14:08:55");
        let text = "string 1998-07-17T14:08:55".to_owned();
        assert_eq!(read::<Any>(&content), Any::Scalar(text));
    }

    /// Deserializes like `farcall_core::DateTime`.
    struct Wire(String);
    impl<'de> Deserialize<'de> for Wire {
        fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            struct V;
            impl serde::de::Visitor<'_> for V {
                type Value = Wire;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a date")
                }
                fn visit_str<E>(self, v: &str) -> Result<Wire, E> {
                    Ok(Wire(v.to_owned()))
                }
            }
            d.deserialize_newtype_struct(farcall_core::protocol::DATETIME_NEWTYPE, V)
        }
    }
    assert_eq!(
        read::<Wire>("<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>").0,
        "19980717T14:08:55"
    );
    assert_eq!(
        value::<Wire>("19980717T14:08:55")
            .err()
            .unwrap()
            .to_string(),
        "expected dateTime.iso8601, found string, at line 1, column 1"
    );
}

#[test]
fn a_value_of_any_type_tells_dates_from_strings() {
    /// Deserializes like `farcall_core::Value`.
    #[derive(Debug, PartialEq)]
    struct Dynamic(Any);
    impl<'de> Deserialize<'de> for Dynamic {
        fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            struct V;
            impl<'de> serde::de::Visitor<'de> for V {
                type Value = Dynamic;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("anything")
                }
                fn visit_newtype_struct<D: serde::Deserializer<'de>>(
                    self,
                    d: D,
                ) -> Result<Dynamic, D::Error> {
                    Any::deserialize(d).map(Dynamic)
                }
            }
            d.deserialize_newtype_struct(farcall_core::protocol::VALUE_NEWTYPE, V)
        }
    }
    let date = "<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>";
    let text = |text: &str| Any::Scalar(text.to_owned());
    assert_eq!(read::<Dynamic>(date).0, text("date 19980717T14:08:55"));
    assert_eq!(
        read::<Option<Dynamic>>(date).unwrap().0,
        text("date 19980717T14:08:55")
    );
    let list = format!("<array><data><value>{date}</value><value>{date}</value></data></array>");
    assert_eq!(
        read::<Dynamic>(&list).0,
        Any::List(vec![text("date 19980717T14:08:55"); 2])
    );
    // A value beside it is read as usual.
    assert_eq!(
        read::<(Dynamic, Any)>(&list).1,
        text("string 1998-07-17T14:08:55")
    );
}

#[test]
fn nil_is_none() {
    for content in ["<nil/>", "<nil></nil>", "<ex:nil/>", "<nil> </nil>"] {
        assert_eq!(read::<Option<i32>>(content), None);
        read::<()>(content);
    }
    assert_eq!(read::<Option<i32>>("<int>1</int>"), Some(1));
    assert_eq!(
        read::<Option<Option<Vec<i32>>>>("<array/>"),
        Some(Some(vec![]))
    );
    assert_eq!(
        refused::<i32>("<nil/>"),
        "expected int, found nil, at line 1, column 1"
    );
    assert!(value::<()>("<int>1</int>").is_err());
    assert!(value::<()>("<nil>x</nil>").is_err());
}

#[test]
fn arrays_and_structs_can_be_empty() {
    for content in [
        "<array/>",
        "<array></array>",
        "<array><data/></array>",
        "\n<array>\n<data>\n</data>\n</array>\n",
    ] {
        assert!(read::<Vec<i32>>(content).is_empty());
    }
    for content in ["<struct/>", "<struct></struct>", "<struct>\n</struct>"] {
        assert_eq!(read::<BTreeMap<String, i32>>(content), BTreeMap::new());
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Point {
    x: i32,
    #[serde(default)]
    y: Option<f64>,
}

fn member(name: &str, content: &str) -> String {
    format!("<member><name>{name}</name><value>{content}</value></member>")
}

#[test]
fn structs_are_read_in_any_order() {
    let (x, y, z) = (
        member("x", "<int>1</int>"),
        member("y", "<int>2</int>"),
        member("z", "<array/>"),
    );
    assert_eq!(
        read::<Point>(&format!("<struct>{z}{y}\n{x}</struct>")),
        Point { x: 1, y: Some(2.0) }
    );
    assert_eq!(
        read::<Point>(&format!("<struct>{x}</struct>")),
        Point { x: 1, y: None }
    );
    assert!(refused::<Point>(&format!("<struct>{y}</struct>")).starts_with("missing field `x`"));
    let map = read::<BTreeMap<i32, bool>>(&format!(
        "<struct>{}</struct>",
        member("-7", "<boolean>1</boolean>")
    ));
    assert_eq!(map, BTreeMap::from([(-7, true)]));
    let map = read::<BTreeMap<String, String>>(&format!(
        "<struct>{}{}</struct>",
        member("a&amp;b", ""),
        member("", "x")
    ));
    assert_eq!(map.get("a&b").map(String::as_str), Some(""));
    assert_eq!(map.get("").map(String::as_str), Some("x"));
}

#[test]
fn a_member_is_a_name_and_then_a_value() {
    let name = "<name>x</name>";
    let one = "<value><int>1</int></value>";
    for content in [
        format!("<member>{one}</member>"),
        format!("<member>{one}{name}{one}</member>"),
        format!("<member>{one}{name}{name}</member>"),
        format!("<member>{one}text{name}</member>"),
        format!("<member>{one}{one}</member>"),
        format!("<member>{name}</member>"),
        "<member/>".to_owned(),
        format!("<member>{name}{one}{one}</member>"),
        format!("<member>{name}{name}{one}</member>"),
        format!("<member>text{name}{one}</member>"),
        format!("{name}{one}"),
        one.to_owned(),
    ] {
        let content = format!("<struct>{content}</struct>");
        let error = value::<BTreeMap<String, i32>>(&content).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Structure, "{content}");
        let error = value::<Point>(&content).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Structure, "{content}");
    }
}

#[derive(Debug, PartialEq, Deserialize)]
enum Shape {
    Nothing,
    Circle(f64),
    Line(i32, i32),
    Dot { x: i32 },
}

#[test]
fn enums_are_tagged_from_outside() {
    assert_eq!(read::<Shape>("Nothing"), Shape::Nothing);
    let shape = |name, content| format!("<struct>{}</struct>", member(name, content));
    assert_eq!(read::<Shape>(&shape("Nothing", "<nil/>")), Shape::Nothing);
    assert_eq!(
        read::<Shape>(&shape("Circle", "<int>1</int>")),
        Shape::Circle(1.0)
    );
    let line = "<array><data><value><int>1</int></value><value><int>2</int></value></data></array>";
    assert_eq!(read::<Shape>(&shape("Line", line)), Shape::Line(1, 2));
    let dot = format!("<struct>{}</struct>", member("x", "<int>3</int>"));
    assert_eq!(read::<Shape>(&shape("Dot", &dot)), Shape::Dot { x: 3 });
    assert!(value::<Shape>("Square").is_err());
    assert!(value::<Shape>("<int>0</int>").is_err(), "no position");
    assert!(value::<Shape>("<struct/>").is_err());
    assert!(value::<Shape>("<int>1</int>").is_err());
    let two = member("Circle", "<int>1</int>").repeat(2);
    assert!(refused::<Shape>(&format!("<struct>{two}</struct>")).contains("one member"));
}

#[test]
fn unknown_types_are_refused_by_name() {
    for tag in ["ex:serializable", "ex:dom", "foo", "params", "value"] {
        let error = value::<Any>(&format!("<{tag}>x</{tag}>")).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Structure);
        assert_eq!(
            error.to_string(),
            format!("<{tag}> is not a supported value type, at line 1, column 8")
        );
    }
}

#[test]
fn wrong_structure_is_an_error() {
    for content in [
        "x<int>1</int>",
        "<int>1</int>x",
        "<int>1</int><int>2</int>",
        "<int><i4>1</i4></int>",
        "<string><b>x</b></string>",
        "<array><value/><data/></array>",
        "<array><data/><data/></array>",
        "<array><data><int>1</int></data></array>",
        "<array><data>x</data></array>",
        "<array>x</array>",
        "<struct>x</struct>",
        "<struct><value/></struct>",
    ] {
        let error = value::<Any>(content).map(|_| content).unwrap_err();
        assert_eq!(
            error.kind(),
            FormatErrorKind::Structure,
            "{content}: {error}"
        );
    }
}

#[test]
fn surplus_elements_are_counted_in_the_error() {
    let three = "<array><data><value/><value/><value/></data></array>";
    assert_eq!(
        refused::<(String, String)>(three),
        "expected 2 elements, found 3, at line 1, column 1"
    );
    assert!(value::<(String, String, String, String)>(three).is_err());
}

#[test]
fn a_raw_value_is_a_range_of_the_message() {
    let content = "<array><data> <value><int>1</int></value><value/> <value>a<!-- </value> --></value></data></array>";
    let document = format!("<value>{content}</value>");
    let raws: Vec<Raw> = read(content);
    let texts: Vec<&str> = raws
        .iter()
        .map(|raw| &document[raw.range.clone()])
        .collect();
    assert_eq!(
        texts,
        [
            "<value><int>1</int></value>",
            "<value/>",
            "<value>a<!-- </value> --></value>"
        ]
    );
    let message = bytes::Bytes::from(document.clone());
    let part = Payload::part(message, raws[2].range.clone());
    assert_eq!(
        XmlRpc::default().decode_value::<String>(&part).unwrap(),
        "a"
    );
    let error = XmlRpc::default().decode_value::<i32>(&part).unwrap_err();
    assert_eq!(error.position().unwrap().column, raws[2].range.start + 1);
    let optional: Vec<Option<Raw>> = read(content);
    assert!(optional.into_iter().eq(raws.into_iter().map(Some)));
    for content in [
        "<array><data><value><a></b></value></data></array>",
        "<array><data><value>\u{1}</value></data></array>",
    ] {
        assert!(value::<Vec<Raw>>(content).is_err());
    }
}
