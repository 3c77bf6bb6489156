//! Tests with the values of `farcall_core`.

use farcall_core::protocol::{Format, Payload};
use farcall_core::{DateTime, Struct, Value};
use proptest::prelude::*;

use super::{read, value};
use crate::XmlRpc;

#[test]
fn values_keep_their_wire_type() {
    let date: DateTime = "1998-07-17T14:08:55".parse().unwrap();
    for (content, expected) in [
        ("", Value::String(String::new())),
        (" a ", Value::String(" a ".to_owned())),
        ("<i4>5</i4>", Value::Int(5)),
        (
            "<ex:biginteger>9223372036854775808</ex:biginteger>",
            Value::Uint(9_223_372_036_854_775_808),
        ),
        (
            "<ex:bigdecimal>1.50</ex:bigdecimal>",
            Value::String("1.50".to_owned()),
        ),
        ("<double>1.5</double>", Value::Double(1.5)),
        ("<boolean>1</boolean>", Value::Bool(true)),
        ("<nil/>", Value::Nil),
        ("<base64/>", Value::Bytes(vec![])),
        (
            "<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>",
            Value::DateTime(date),
        ),
        (
            "<ex:dateTime> 1998-07-17T14:08:55\n</ex:dateTime>",
            Value::DateTime(date),
        ),
        (
            "19980717T14:08:55",
            Value::String("19980717T14:08:55".to_owned()),
        ),
        ("<array/>", Value::Array(vec![])),
        ("<struct/>", Value::Struct(Struct::new())),
    ] {
        assert_eq!(read::<Value>(content), expected, "{content}");
        assert_eq!(read::<Option<Value>>(content).unwrap_or_default(), expected);
        let list = format!("<array><data><value>{content}</value></data></array>");
        assert_eq!(read::<Value>(&list), Value::Array(vec![expected]));
    }
}

#[test]
fn dates_are_read_in_all_their_forms() {
    for (wire, text) in [
        ("19980717T14:08:55", "1998-07-17T14:08:55"),
        ("1998-07-17T14:08:55", "1998-07-17T14:08:55"),
        ("19980717T14:08:55.25Z", "1998-07-17T14:08:55.25Z"),
        ("19980717T140855+0200", "1998-07-17T14:08:55+02:00"),
    ] {
        let content = format!("<dateTime.iso8601>{wire}</dateTime.iso8601>");
        assert_eq!(read::<DateTime>(&content), text.parse().unwrap());
        assert_eq!(
            read::<Value>(&content),
            Value::DateTime(text.parse().unwrap())
        );
    }
    let error = value::<DateTime>("<dateTime.iso8601>soon</dateTime.iso8601>").unwrap_err();
    assert!(error.position().is_some());
    let error = value::<DateTime>("1998-07-17T14:08:55").unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected dateTime.iso8601, found string, at line 1, column 1"
    );
}

fn text() -> impl Strategy<Value = String> {
    "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\u{fffe}\u{ffff}]{0,12}"
}

fn date() -> impl Strategy<Value = DateTime> {
    let parts = (0u16..10000, 1u8..13, 1u8..29, 0u8..24, 0u8..60, 0u8..60);
    (parts, 0u32..1_000_000_000, prop::option::of(-720i16..720)).prop_map(|(p, nano, offset)| {
        let date = DateTime::new(p.0, p.1, p.2, p.3, p.4, p.5).unwrap();
        date.with_nanosecond(nano)
            .unwrap()
            .with_offset(offset)
            .unwrap()
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Double),
        text().prop_map(Value::String),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        date().prop_map(Value::DateTime),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((text(), inner), 0..6).prop_map(|members| {
                let mut all = Struct::new();
                for (name, value) in members {
                    all.insert(name, value);
                }
                Value::Struct(all)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_comes_back(value in any_value()) {
        let format = XmlRpc::default().full_dates(true);
        let mut out = Vec::new();
        format.encode_reply(&value, &mut out).unwrap();
        let read: Value = format.decode_reply(&Payload::from(out)).unwrap();
        prop_assert_eq!(&read, &value);
        let mut params = Vec::new();
        format.encode_args(&(&value, 1), &mut params).unwrap();
        let (read, _): (Value, i32) = format.decode_args(&Payload::from(params)).unwrap();
        prop_assert_eq!(read, value);
    }
}
