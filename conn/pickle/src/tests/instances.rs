//! Tests of structs as instances of Python classes.

use serde::{Deserialize, Serialize};

use super::*;
use crate::ErrorKind;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: Vec<i32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Pair")]
struct Pair(i32, i32);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Metres(f64);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nothing;

fn mapped() -> Pickle {
    Pickle::default()
        .class("__main__.P", "Point")
        .class("app.Pair", "Pair")
        .class("app:Units.Metres", "Metres")
        .class("app.Nothing", "Nothing")
}

fn round<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) -> Vec<u8> {
    let mut message = Vec::new();
    mapped().encode(value, &mut message).unwrap();
    assert_eq!(mapped().decode::<T>(&message).unwrap(), *value);
    message
}

#[test]
fn a_mapped_struct_is_an_instance() {
    let point = Point { x: 1, y: vec![2] };
    assert_eq!(mapped().decode::<Point>(&bytes(INSTANCE)).unwrap(), point);
    let expected =
        b"\x80\x04\x8c\x08__main__\x8c\x01P\x93\x94)\x81}(\x8c\x01xK\x01\x8c\x01y](K\x02eub.";
    assert_eq!(hex(&round(&point)), hex(expected));
    let expected = b"\x80\x04\x8c\x03app\x8c\x04Pair\x93\x94K\x01K\x02\x86\x81.";
    assert_eq!(hex(&round(&Pair(1, 2))), hex(expected));
    let expected = b"\x80\x04\x8c\x03app\x8c\x0cUnits.Metres\x93\x94G\x3f\xf0\0\0\0\0\0\0\x85\x81.";
    assert_eq!(hex(&round(&Metres(1.0))), hex(expected));
    let expected = b"\x80\x04\x8c\x03app\x8c\x07Nothing\x93\x94)\x81.";
    assert_eq!(hex(&round(&Nothing)), hex(expected));
}

#[test]
fn a_class_is_written_once() {
    let points = vec![Pair(1, 2), Pair(3, 4)];
    let expected =
        b"\x80\x04](\x8c\x03app\x8c\x04Pair\x93\x94K\x01K\x02\x86\x81h\x00K\x03K\x04\x86\x81e.";
    assert_eq!(hex(&round(&points)), hex(expected));
}

#[test]
fn instances_have_their_attributes_in_many_places() {
    let point = Point { x: 1, y: vec![] };
    for ops in [
        // A dict, with or without a class.
        &b"}(\x8c\x01xK\x01\x8c\x01y]u"[..],
        b"c__main__\nP\n)\x81}(\x8c\x01xK\x01\x8c\x01y]ub",
        // Slots alone, and slots with a dict.
        b"c__main__\nP\n)\x81N}(\x8c\x01xK\x01\x8c\x01y]u\x86b",
        b"c__main__\nP\n)\x81}\x8c\x01xK\x01s}\x8c\x01y]s\x86b",
        // The list of a frozen dataclass with slots.
        b"c__main__\nP\n)\x81](K\x01]eb",
        // Arguments: named tuples, and classes with their own __reduce__.
        b"c__main__\nP\nK\x01]\x86\x81",
        b"c__main__\nP\nK\x01]\x86R",
        // A subclass of dict.
        b"c__main__\nP\n)\x81(\x8c\x01xK\x01\x8c\x01y]u",
        // An OrderedDict, which is not the mapped class, is read like a dict.
        b"ccollections\nOrderedDict\n)R(\x8c\x01xK\x01\x8c\x01y]u",
    ] {
        let message = [b"\x80\x04", ops, b"."].concat();
        assert_eq!(
            mapped().decode::<Point>(&message).unwrap(),
            point,
            "{ops:?}"
        );
    }
    let nested = b"\x80\x02c__builtin__\ngetattr\ncapp\nUnits\nX\x06\0\0\0Metres\x86RG\x3f\xf0\0\0\0\0\0\0\x85\x81.";
    assert_eq!(mapped().decode::<Metres>(nested).unwrap(), Metres(1.0));
}

#[test]
fn an_unknown_class_is_named() {
    let error = mapped()
        .decode::<Point>(b"\x80\x04capp\nOther\n)\x81}b.")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    assert!(
        error.to_string().contains("an instance of app.Other"),
        "{error}"
    );
    let error = mapped()
        .decode::<Point>(b"\x80\x04c__main__\nP\nK\x01\x85\x81.")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid length 1, expected struct Point with 2 elements, at byte 17"
    );
}

#[test]
fn mapped_classes_decode_into_dynamic_types() {
    let json: serde_json::Value = mapped().decode(&bytes(INSTANCE)).unwrap();
    assert_eq!(json, serde_json::json!({"x": 1, "y": [2]}));
    assert!(read::<serde_json::Value>(&bytes(INSTANCE)).is_err());
}
