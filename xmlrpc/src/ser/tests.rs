//! Tests of writing.

use std::collections::BTreeMap;

use farcall_core::protocol::{Format, Payload};
use farcall_core::{FormatErrorKind, Variadic};
use insta::assert_snapshot;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use crate::XmlRpc;

fn with<T: Serialize + ?Sized>(format: XmlRpc, value: &T) -> String {
    let mut out = Vec::new();
    format.write_value(value, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn written<T: Serialize + ?Sized>(value: &T) -> String {
    with(XmlRpc::default(), value)
}

fn refused<T: Serialize + ?Sized>(format: XmlRpc, value: &T) -> String {
    let error = format.write_value(value, &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), FormatErrorKind::Unrepresentable);
    error.to_string()
}

#[derive(Serialize)]
struct Point {
    x: i32,
    label: Option<&'static str>,
    raw: Vec<u8>,
}

const POINT: Point = Point {
    x: 1,
    label: None,
    raw: Vec::new(),
};

#[derive(Serialize)]
enum Shape {
    Nothing,
    Circle(f64),
    Bytes(Vec<u8>),
    Line(i32, Option<i32>),
    Dot { x: i32 },
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    One,
}

#[test]
fn scalars_name_their_type() {
    let values = (
        true,
        false,
        -5i8,
        1u64 << 40,
        1.0f32,
        "a<b",
        'é',
        (),
        Some(1u8),
    );
    assert_snapshot!(written(&values).replace("</value><", "</value>\n<"), @r"
    <value><array><data><value><boolean>1</boolean></value>
    <value><boolean>0</boolean></value>
    <value><int>-5</int></value>
    <value><i8>1099511627776</i8></value>
    <value><double>1.0</double></value>
    <value><string>a&lt;b</string></value>
    <value><string>é</string></value>
    <value><nil/></value>
    <value><int>1</int></value>
    </data></array></value>
    ");
    assert_snapshot!(written(""), @"<value><string></string></value>");
}

#[test]
fn structs_and_maps_keep_their_order() {
    assert_snapshot!(written(&POINT), @"<value><struct><member><name>x</name><value><int>1</int></value></member><member><name>label</name><value><nil/></value></member><member><name>raw</name><value><base64></base64></value></member></struct></value>");
    assert_snapshot!(written(&BTreeMap::from([("b&", 1), ("a", 2)])), @"<value><struct><member><name>a</name><value><int>2</int></value></member><member><name>b&amp;</name><value><int>1</int></value></member></struct></value>");
    assert_snapshot!(written(&BTreeMap::from([(-7, 'x')])), @"<value><struct><member><name>-7</name><value><string>x</string></value></member></struct></value>");
    assert_snapshot!(written(&BTreeMap::from([(true, 'x')])), @"<value><struct><member><name>true</name><value><string>x</string></value></member></struct></value>");
    assert_snapshot!(written(&BTreeMap::from([(Key::One, 'x')])), @"<value><struct><member><name>One</name><value><string>x</string></value></member></struct></value>");
    assert_snapshot!(written(&BTreeMap::<String, i32>::new()), @"<value><struct></struct></value>");
    assert_snapshot!(refused(XmlRpc::default(), &BTreeMap::from([((1, 2), 3)])), @"the key of a map cannot be written as text");
}

#[test]
fn enums_are_tagged_from_outside() {
    let shapes = [
        Shape::Nothing,
        Shape::Circle(1.0),
        Shape::Bytes(vec![]),
        Shape::Line(1, None),
        Shape::Dot { x: 3 },
    ];
    let shapes: Vec<String> = shapes.iter().map(written).collect();
    assert_snapshot!(shapes.join("\n"), @r"
    <value><string>Nothing</string></value>
    <value><struct><member><name>Circle</name><value><double>1.0</double></value></member></struct></value>
    <value><struct><member><name>Bytes</name><value><base64></base64></value></member></struct></value>
    <value><struct><member><name>Line</name><value><array><data><value><int>1</int></value><value><nil/></value></data></array></value></member></struct></value>
    <value><struct><member><name>Dot</name><value><struct><member><name>x</name><value><int>3</int></value></member></struct></value></member></struct></value>
    ");
}

#[test]
fn bytes_are_base64_in_every_position() {
    #[derive(Serialize)]
    struct Blob(Vec<u8>);
    let blob = b"ab".to_vec();
    let base64 = "<value><base64>YWI=</base64></value>";
    assert_eq!(written(&blob), base64);
    assert_eq!(written(b"ab"), base64);
    assert_eq!(written(&blob[..]), base64);
    assert_eq!(written(&&blob), base64);
    assert_eq!(written(&Some(&blob)), base64);
    assert_eq!(written(&Blob(blob.clone())), base64);
    assert_eq!(
        written(&std::collections::VecDeque::from(blob.clone())),
        base64
    );
    assert_eq!(written(&blob.clone().into_boxed_slice()), base64);
    let empty = "<value><base64></base64></value>";
    assert_eq!(written(&Vec::<u8>::new()), empty);
    assert_eq!(written(&[0u8; 0]), empty);
    assert_eq!(written(&Some(Vec::<u8>::new())), empty);
    assert_eq!(written(&Blob(vec![])), empty);
    assert_eq!(
        written(&vec![Vec::<u8>::new()]),
        format!("<value><array><data>{empty}</data></array></value>")
    );
    assert_eq!(
        written(&BTreeMap::from([("a", Vec::<u8>::new())])),
        format!("<value><struct><member><name>a</name>{empty}</member></struct></value>")
    );
    assert_snapshot!(written(&Vec::<i8>::new()), @"<value><array><data></data></array></value>");
    assert_snapshot!(written(&(1u8, 2u8)), @"<value><array><data><value><int>1</int></value><value><int>2</int></value></data></array></value>");
}

#[test]
fn a_list_that_only_starts_like_bytes_is_an_array() {
    struct Mixed;
    impl Serialize for Mixed {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut seq = serializer.serialize_seq(None)?;
            seq.serialize_element(&1u8)?;
            seq.serialize_element(&2u8)?;
            seq.serialize_element("x")?;
            seq.serialize_element(&3u8)?;
            seq.end()
        }
    }
    assert_snapshot!(written(&Mixed), @"<value><array><data><value><int>1</int></value><value><int>2</int></value><value><string>x</string></value><value><int>3</int></value></data></array></value>");
}

#[test]
fn arguments_are_parameters_or_one_array() {
    let format = XmlRpc::default();
    let params = |args: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        args(&mut out);
        String::from_utf8(out).unwrap()
    };
    assert_snapshot!(params(&|out| format.encode_args(&(), out).unwrap()), @"<params></params>");
    assert_snapshot!(params(&|out| format.encode_args(&(Vec::<u8>::new(), 1u8), out).unwrap()), @"<params><param><value><base64></base64></value></param><param><value><int>1</int></value></param></params>");
    assert_snapshot!(params(&|out| format.encode_args(&Variadic(vec![1u8, 2]), out).unwrap()), @"<params><param><value><int>1</int></value></param><param><value><int>2</int></value></param></params>");
    assert_snapshot!(params(&|out| format.write_args_array(&Variadic(vec![1u8]), out).unwrap()), @"<value><array><data><value><int>1</int></value></data></array></value>");
    assert_snapshot!(params(&|out| format.write_args_array(&(), out).unwrap()), @"<value><array><data></data></array></value>");

    struct Odd;
    impl farcall_core::protocol::Args for Odd {
        fn serialize_args<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str("x")
        }
    }
    assert!(format.encode_args(&Odd, &mut Vec::new()).is_err());
}

#[test]
fn a_result_of_nothing_is_nil() {
    let mut out = Vec::new();
    XmlRpc::default().encode_reply(&(), &mut out).unwrap();
    assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <methodResponse><params><param><value><nil/></value></param></params></methodResponse>
    "#);
}

#[test]
fn without_nil_a_member_is_left_out() {
    let format = XmlRpc::default().nil(false);
    assert_snapshot!(with(format, &POINT), @"<value><struct><member><name>x</name><value><int>1</int></value></member><member><name>raw</name><value><base64></base64></value></member></struct></value>");
    assert_snapshot!(with(format, &BTreeMap::from([("a", None), ("b", Some(Some(1))), ("c", Some(None))])), @"<value><struct><member><name>b</name><value><int>1</int></value></member></struct></value>");
    let mut out = Vec::new();
    format.encode_reply(&(), &mut out).unwrap();
    assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <methodResponse><params><param><value><boolean>1</boolean></value></param></params></methodResponse>
    "#);
    assert_snapshot!(refused(format, &vec![None::<i32>]), @"element 1: there is no value, and <nil/> is disabled");
    refused(format, &());
    refused(format, &Shape::Line(1, None));
    refused(format, &BTreeMap::from([("a", ())]));
    assert!(format.encode_reply(&None::<i32>, &mut Vec::new()).is_err());
    assert!(
        format
            .encode_args(&(None::<i32>,), &mut Vec::new())
            .is_err()
    );
}

#[test]
fn unrepresentable_values_are_refused() {
    let format = XmlRpc::default();
    assert_snapshot!(refused(format, &u64::MAX), @"the number 18446744073709551615 cannot be written: integers of XML-RPC are from -2^63 to 2^63 - 1");
    refused(format, &i128::MIN);
    let read = farcall_core::Value::from(1_u64 << 63);
    assert_snapshot!(refused(format, &[read]), @"element 1: the number 9223372036854775808 cannot be written: integers of XML-RPC are from -2^63 to 2^63 - 1");
    assert_snapshot!(refused(format.i8(false), &(1u32 << 31)), @"the number 2147483648 does not fit into 32 bits, and <i8> is disabled");
    assert_snapshot!(with(format.i8(false), &i32::MIN), @"<value><int>-2147483648</int></value>");
    assert_snapshot!(refused(format, &f64::NAN), @"the double NaN cannot be written: it is not finite");
    refused(format, &f32::NEG_INFINITY);
    let ratios = [BTreeMap::from([("a<b", vec![0.5, f64::INFINITY])])];
    assert_snapshot!(refused(format, &ratios), @"element 2 of member `a<b` of element 1: the double inf cannot be written: it is not finite");
    let format = format.non_finite(true);
    assert_snapshot!(with(format, &(f64::NAN, -f64::NAN)), @"<value><array><data><value><double>nan</double></value><value><double>nan</double></value></data></array></value>");
    assert_snapshot!(with(format, &(f32::INFINITY, f64::NEG_INFINITY)), @"<value><array><data><value><double>inf</double></value><value><double>-inf</double></value></data></array></value>");
    assert_snapshot!(refused(format, "a\u{b}"), @"XML cannot carry the character U+000B");
    refused(format, &BTreeMap::from([("\0", 1)]));
}

#[test]
fn dates_have_a_type_of_their_own() {
    struct Date(&'static str);
    impl Serialize for Date {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_newtype_struct(farcall_core::protocol::DATETIME_NEWTYPE, self.0)
        }
    }
    assert_snapshot!(written(&Date("1998-07-17T14:08:55")), @"<value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value>");
    // Fraction and offset, which CPython cannot read, are written only on request.
    let full = Date("1998-07-17T14:08:55.25+02:00");
    assert_snapshot!(written(&full), @"<value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value>");
    assert_snapshot!(
        with(XmlRpc::default().full_dates(true), &full),
        @"<value><dateTime.iso8601>19980717T14:08:55.25+02:00</dateTime.iso8601></value>"
    );
    refused(XmlRpc::default(), &Date("soon"));
}

#[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
struct Chain(Vec<Self>);

#[test]
fn depth_is_limited_as_on_reading() {
    let chain = |depth: usize| (1..depth).fold(Chain(vec![]), |chain, _| Chain(vec![chain]));
    for max in [1, 64, 255] {
        let format = XmlRpc::default().max_depth(max);
        let deepest = chain(max);
        let payload = Payload::from(with(format, &deepest).into_bytes());
        assert_eq!(format.decode_value::<Chain>(&payload).unwrap(), deepest);
        refused(format, &chain(max + 1));
    }
}

mod round_trip {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Tree {
        Nil(()),
        Flag(bool),
        Whole(i64),
        Double(f64),
        Text(String),
        Bytes(Vec<u8>),
        Pair(Option<u8>, char),
        List(Vec<Self>),
        Map(BTreeMap<String, Self>),
        Named { a: Vec<bool>, b: f32 },
        Unit,
    }

    fn text() -> impl Strategy<Value = String> {
        "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\u{fffe}\u{ffff}]{0,12}"
    }

    fn letter() -> impl Strategy<Value = char> {
        proptest::char::range(' ', '\u{d7ff}')
    }

    fn tree() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            Just(Tree::Nil(())),
            Just(Tree::Unit),
            any::<bool>().prop_map(Tree::Flag),
            any::<i64>().prop_map(Tree::Whole),
            any::<f64>().prop_map(Tree::Double),
            text().prop_map(Tree::Text),
            any::<Vec<u8>>().prop_map(Tree::Bytes),
            (any::<Option<u8>>(), letter()).prop_map(|(a, b)| Tree::Pair(a, b)),
            (any::<Vec<bool>>(), any::<f32>()).prop_map(|(a, b)| Tree::Named { a, b }),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::List),
                prop::collection::btree_map(text(), inner, 0..6).prop_map(Tree::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn of_any_value(tree in tree()) {
            let format = XmlRpc::default();
            let mut out = Vec::new();
            format.encode_reply(&tree, &mut out).unwrap();
            let read: Tree = format.decode_reply(&Payload::from(out)).unwrap();
            prop_assert_eq!(read, tree);
        }
    }
}

/// The encoder of a reply stops at the limit, instead of checking a complete document in memory.
#[test]
fn nothing_is_written_beyond_the_limit_of_a_reply() {
    use std::cell::Cell;

    struct Endless<'a>(&'a Cell<usize>, &'static str);

    impl Serialize for Endless<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let written = self.0;
            serializer.collect_seq((0..1_000_000).map(|_| {
                written.set(written.get() + 1);
                self.1
            }))
        }
    }

    let format = XmlRpc::default().max_reply(10_000);
    for text in ["", "a text", "<&>"] {
        let written = Cell::new(0);
        let mut out = Vec::new();
        let error = Format::encode_reply(&format, &Endless(&written, text), &mut out);
        let error = error.unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Limit);
        let error = error.to_string();
        assert!(
            error.ends_with("the message is over the limit of 10000 bytes"),
            "{error}"
        );
        assert!(written.get() < 10_000 / "<value><string></string></value>".len() + 2);
        assert!(out.is_empty());
    }
    let bytes = vec![0_u8; 1 << 20];
    let mut out = Vec::new();
    Format::encode_reply(&format, &bytes, &mut out).unwrap_err();
    Format::encode_reply(&format, &"&".repeat(1 << 20), &mut out).unwrap_err();
    assert!(out.capacity() < 10_000, "nothing was written");
}
