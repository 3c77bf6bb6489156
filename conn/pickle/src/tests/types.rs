//! Tests of Rust types as pickles.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::ErrorKind;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Dot,
    Circle(f64),
    Line(i32, i32),
    Rectangle { width: u8, height: Option<u8> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    unit: (),
    truth: bool,
    small: u8,
    large: u64,
    huge: u128,
    low: i128,
    single: f32,
    letter: char,
    text: String,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    list: Vec<Option<i16>>,
    tuple: (u8, String, (), [u8; 5]),
    shapes: Vec<Shape>,
    map: BTreeMap<i32, String>,
    wrapped: Wrapped,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(u8);

fn everything() -> Everything {
    Everything {
        unit: (),
        truth: true,
        small: 255,
        large: u64::MAX,
        huge: u128::MAX,
        low: i128::MIN,
        single: 0.25,
        letter: 'ß',
        text: "x".repeat(300),
        bytes: vec![0, 255],
        list: vec![Some(-1), None],
        tuple: (1, "two".to_owned(), (), [1, 2, 3, 4, 5]),
        shapes: vec![
            Shape::Dot,
            Shape::Circle(1.5),
            Shape::Line(1, -2),
            Shape::Rectangle {
                width: 3,
                height: None,
            },
        ],
        map: BTreeMap::from([(-1, "a".to_owned()), (70_000, String::new())]),
        wrapped: Wrapped(7),
    }
}

#[test]
fn every_type_comes_back() {
    let message = write(&everything());
    assert_eq!(read::<Everything>(&message).unwrap(), everything());
}

#[test]
fn the_encoder_writes_protocol_4() {
    for (written, ops) in [
        (write(&()), &b"N"[..]),
        (write(&None::<i32>), b"N"),
        (write(&true), b"\x88"),
        (write(&255_i64), b"K\xff"),
        (write(&256_u64), b"M\0\x01"),
        (write(&-1_i8), b"J\xff\xff\xff\xff"),
        (write(&(1_i64 << 31)), b"\x8a\x05\0\0\0\x80\0"),
        (write(&-(1_i64 << 40)), b"\x8a\x06\0\0\0\0\0\xff"),
        (
            write(&u64::MAX),
            b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\0",
        ),
        (write(&1.0), b"G\x3f\xf0\0\0\0\0\0\0"),
        (write("é"), b"\x8c\x02\xc3\xa9"),
        (write(serde_bytes::Bytes::new(b"ab")), b"C\x02ab"),
        (write(&[0_u8; 0][..]), b"]"),
        (write(&[1, 2][..]), b"](K\x01K\x02e"),
        (write(&(1,)), b"K\x01\x85"),
        (write(&(1, 2, 3, 4)), b"(K\x01K\x02K\x03K\x04t"),
        (write(&BTreeMap::from([(1, 2)])), b"}(K\x01K\x02u"),
        (write(&Shape::Dot), b"\x8c\x03Dot"),
        (write(&Shape::Line(1, 2)), b"}\x8c\x04LineK\x01K\x02\x86s"),
    ] {
        let expected = [b"\x80\x04", ops, b"."].concat();
        assert_eq!(hex(&written), hex(&expected));
    }
}

#[test]
fn long_lists_are_written_in_batches() {
    let list: Vec<u16> = (0..2500).collect();
    let message = write(&list);
    let joints = message.windows(2).filter(|pair| pair == b"e(").count();
    assert_eq!(joints, 2);
    assert_eq!(read::<Vec<u16>>(&message).unwrap(), list);
    let map: BTreeMap<u16, u16> = (0..1000).map(|n| (n, n)).collect();
    assert_eq!(read::<BTreeMap<u16, u16>>(&write(&map)).unwrap(), map);
}

#[test]
fn pickles_of_python_decode_into_rust_types() {
    #[derive(Debug, Deserialize)]
    struct Mixed {
        a: (u8, i8, u16, u32, i64, i128, f64, Option<u8>, bool),
        b: (String, serde_bytes::ByteBuf, Vec<u8>, Vec<i32>, [f32; 1]),
        s: Vec<(u8, char)>,
        o: HashMap<String, u64>,
    }
    for pickle in [PYTHON_3, PROTOCOL_2] {
        let mixed: Mixed = read(&bytes(pickle)).unwrap();
        assert_eq!(
            mixed.a,
            (1, -2, 300, 70_000, 1 << 40, 1 << 70, 1.5, None, true)
        );
        assert_eq!((&*mixed.b.0, mixed.b.1[0], mixed.b.2[0]), ("x", b'y', b'z'));
        assert_eq!((mixed.b.3, mixed.b.4), (vec![1], [2.0]));
        assert_eq!(mixed.s, [(1, 'x'), (1, 'x')]);
        assert_eq!(mixed.o["a"], 1);
    }
}

#[test]
fn other_dynamic_types_are_read() {
    let pickle =
        b"}(\x8c\x01a](K\x01\x8a\x08\0\0\0\0\0\0\0\x80G\x3f\xf0\0\0\0\0\0\0N\x88e\x8c\x01b}u";
    let json: serde_json::Value = read_ops(pickle).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"a": [1, i64::MIN, 1.0, null, true], "b": {}})
    );
    let value: farcall_core::Value = read_ops(b"}\x8c\x01bC\x02abs").unwrap();
    assert_eq!(value["b"], farcall_core::Value::Bytes(b"ab".to_vec()));
    let deque: farcall_core::Value = read_ops(b"ccollections\ndeque\n)R(K\x01K\x02e").unwrap();
    assert_eq!(deque.to_string(), "[1, 2]");
    let empty: Vec<i32> = read_ops(b"ccollections\ndeque\n)R").unwrap();
    assert!(empty.is_empty());
    let counter: HashMap<char, u32> =
        read_ops(b"ccollections\nCounter\n}\x8c\x01xK\x02s\x85R").unwrap();
    assert_eq!(counter[&'x'], 2);
    let complex: (f64, f64) = read_ops(b"cbuiltins\ncomplex\nK\x01K\x02\x86R").unwrap();
    assert_eq!(complex, (1.0, 2.0));
}

#[test]
fn type_mismatches_are_errors_with_a_position() {
    fn error<T: DeserializeOwned + Debug>(ops: &[u8]) -> String {
        let error = read_ops::<T>(ops).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch);
        error.to_string()
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only decoding is tested")]
    struct Point {
        x: i32,
        y: i32,
    }
    assert_eq!(
        error::<i32>(b"\x8c\x01x"),
        "expected i32, found str, at byte 2"
    );
    assert_eq!(
        error::<i32>(b"G\x3f\xf0\0\0\0\0\0\0"),
        "expected i32, found floating point `1.0`, at byte 2"
    );
    assert_eq!(
        error::<u8>(b"M\0\x01"),
        "expected u8, found integer `256`, at byte 2"
    );
    assert_eq!(
        error::<bool>(b"K\x01"),
        "expected a boolean, found integer `1`, at byte 2"
    );
    assert_eq!(
        error::<i32>(b"\x88"),
        "expected i32, found boolean `true`, at byte 2"
    );
    assert_eq!(
        error::<String>(b"C\x01x"),
        "expected a string, found bytes, at byte 2"
    );
    assert_eq!(
        error::<serde_bytes::ByteBuf>(b"\x8c\x01x"),
        "expected byte array, found str, at byte 2"
    );
    assert_eq!(
        error::<String>(b"\x8c\x03\xed\xb2\x80"),
        "expected a string, found str with lone surrogates, at byte 2"
    );
    assert_eq!(
        error::<(i32, i32)>(b"K\x01K\x02K\x03\x87"),
        "expected 2 elements, found 3, at byte 8"
    );
    assert_eq!(
        error::<Point>(b"K\x01K\x02\x86"),
        "expected struct Point, found tuple, at byte 6"
    );
    assert_eq!(
        error::<Point>(b"}\x8c\x01xK\x01s"),
        "missing field `y`, at byte 2"
    );
    assert_eq!(
        error::<Point>(b"}K\x01K\x01s"),
        "expected field identifier, found int, at byte 3"
    );
    assert_eq!(
        error::<HashMap<String, Vec<Point>>>(b"}\x8c\x06points]}as"),
        "points[0]: missing field `x`, at byte 12"
    );
    assert_eq!(
        error::<Vec<Point>>(b"]}\x8c\x01xNsa"),
        "[0].x: expected i32, found unit value, at byte 7"
    );
    assert_eq!(
        error::<Shape>(b"\x8c\x01X"),
        "the enum has no variant \"X\", only [\"Dot\", \"Circle\", \"Line\", \"Rectangle\"], at byte 2"
    );
    assert_eq!(
        error::<Shape>(b"}"),
        "expected enum Shape, found a dict without exactly one entry, at byte 2"
    );
    assert_eq!(
        error::<Shape>(b"\x8c\x06Circle"),
        "expected a variant with content, found only the name of a variant, at byte 2"
    );
    assert_eq!(
        error::<i128>(&[&b"\x8a\x20"[..], &[1; 32]].concat()),
        "expected i128, found an int of 32 bytes, at byte 2"
    );
    assert_eq!(
        error::<Point>(b"capp\nPoint\n)\x81}b"),
        "expected struct Point, found an instance of app.Point, whose class is not mapped to it (see Pickle::class), at byte 14"
    );
}

proptest! {
    #[test]
    fn random_values_come_back(
        ints in any::<Vec<(i64, u64, i128, u128)>>(),
        floats in any::<Vec<f64>>(),
        texts in any::<Vec<(String, char, Option<bool>)>>(),
        map in any::<BTreeMap<(i8, String), Vec<u16>>>(),
    ) {
        prop_assert_eq!(read::<Vec<(i64, u64, i128, u128)>>(&write(&ints)).unwrap(), ints);
        prop_assert_eq!(read::<Vec<f64>>(&write(&floats)).unwrap(), floats);
        prop_assert_eq!(read::<Vec<(String, char, Option<bool>)>>(&write(&texts)).unwrap(), texts);
        prop_assert_eq!(read::<BTreeMap<(i8, String), Vec<u16>>>(&write(&map)).unwrap(), map);
    }
}
