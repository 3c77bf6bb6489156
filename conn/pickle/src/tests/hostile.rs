//! Tests of hostile pickles.

use std::cell::Cell;
use std::fmt;

use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::*;
use crate::ErrorKind::{self, Character, Encoding, Limit, Structure, Syntax};
use crate::Value;

fn error(ops: &[u8]) -> (ErrorKind, String) {
    let error = read_ops::<Value>(ops).unwrap_err();
    (error.kind(), error.to_string())
}

thread_local! {
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// A value of any type, which is counted and dropped, with all that is nested in it.
struct Tally;

impl<'de> Deserialize<'de> for Tally {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        deserializer.deserialize_any(Self)
    }
}

macro_rules! drop_value {
    ($($method:ident($($type:ty)?))*) => {$(
        fn $method<E>(self, $(_: $type)?) -> Result<Self, E> {
            Ok(self)
        }
    )*};
}

impl<'de> Visitor<'de> for Tally {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    drop_value! {
        visit_unit() visit_none() visit_bool(bool) visit_i64(i64) visit_u64(u64)
        visit_i128(i128) visit_u128(u128) visit_f64(f64) visit_str(&str) visit_bytes(&[u8])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// Decodes the message into every kind of type. Nothing may panic, and no more values may be read
/// than the limit allows, even of a pickle that is refused in the end.
fn endure(message: &[u8]) {
    READ.set(0);
    let _ = read::<Tally>(message);
    assert!(READ.get() <= 1_000_000, "{} values", READ.get());
    if let Ok(value) = read::<Value>(message) {
        let again: Value = read(&write(&value)).unwrap();
        assert_eq!(again.to_string(), value.to_string());
        let _ = again == value;
        let _ = serde_json::to_string(&value).map(|json| serde_json::from_str::<Value>(&json));
    }
    let _ = read::<serde_json::Value>(message);
    let _ = read::<farcall_core::Value>(message);
    let _ = read::<Vec<(String, Vec<u8>)>>(message);
    let _ = read::<crate::Array<f64>>(message);
    let _ = read::<crate::DateTime>(message);
    let _ = read::<crate::Exception>(message);
    let _ = read::<IgnoredAny>(message);
}

#[test]
fn floods_of_one_opcode_are_survived() {
    for opcode in *b"(2)]}\x85NK1\x940\x8f\x93R\x81be" {
        endure(&[&b"\x80\x04]"[..], &vec![opcode; 1 << 20], b"."].concat());
        endure(&[&b"\x80\x04(K\x01\x94"[..], &vec![opcode; 1 << 20], b"."].concat());
    }
    for pattern in [
        &b"2a"[..],
        b"]a",
        b"22\x86",
        b"]2\x86",
        b"(l",
        b"]\x94",
        b"h\0a",
        b"r\xff\xff\xff\xff",
        b"(h\0e",
        b"cos\nsystem\n)R",
        b")\x81",
        b"\x8a\x00",
    ] {
        let many = pattern.repeat((1 << 18) / pattern.len());
        endure(&[&b"\x80\x04]\x94"[..], &many, b"."].concat());
        endure(&[&b"\x80\x04cbuiltins\nint\n\x94"[..], &many, b"."].concat());
    }
}

#[test]
fn depth_is_limited() {
    let (kind, text) = error(&[&b"N"[..], &b"\x85".repeat(1 << 20 >> 1)].concat());
    assert_eq!(
        (kind, &*text),
        (
            Limit,
            "the values are nested more than 64 deep, at byte 524226"
        )
    );
    assert!(read_ops::<Value>(&[&b"N"[..], &b"\x85".repeat(64)].concat()).is_ok());
    let too_deep = [&b"N"[..], &b"\x85".repeat(65)].concat();
    assert_eq!(error_of(&too_deep), Limit);
    // A shared value is as deep as its content.
    let tower = |height: usize| [&b"]]\x94a0h\0"[..], &b"\x85".repeat(height)].concat();
    assert!(read_ops::<Value>(&tower(63)).is_ok());
    assert_eq!(error_of(&tower(64)), Limit);
    let mut chain = b"(]\x94".to_vec();
    for _ in 0..200 {
        chain.extend(b"h\0");
        chain.extend(b"\x85".repeat(50));
        chain.extend(b"q\0");
    }
    assert_eq!(error(&[&chain[..], b"t"].concat()).0, Limit);
    // The highest limit must not overflow the stack of a thread.
    let highest = Pickle::default().max_depth(usize::MAX);
    let deep = [&b"\x80\x04N"[..], &b"\x85".repeat(255), b"."].concat();
    let value: Value = highest.decode(&deep).unwrap();
    highest.encode(&value, &mut Vec::new()).unwrap();
    let _ = value.to_string();
    let deep = [
        &b"\x80\x04)"[..],
        &b"}\x8c\x01x".repeat(254),
        b"N",
        &b"s".repeat(254),
        b"0.",
    ]
    .concat();
    endure(&deep);
    let dicts = [
        &b"\x80\x04"[..],
        &b"}\x8c\x01x".repeat(255),
        b"N",
        &b"s".repeat(255),
        b".",
    ]
    .concat();
    highest.decode::<farcall_core::Value>(&dicts).unwrap();
    highest.decode::<Value>(&dicts).unwrap();
    assert!(Pickle::default().encode(&value, &mut Vec::new()).is_err());
}

#[test]
fn values_are_limited() {
    let three = Pickle::default().max_values(3);
    assert_eq!(
        three.decode::<Vec<u8>>(b"\x80\x04](K\x01K\x02e.").unwrap(),
        [1, 2]
    );
    let error = three
        .decode::<Vec<u8>>(b"\x80\x04](K\x01K\x02K\x03e.")
        .unwrap_err();
    assert_eq!(error.kind(), Limit);
    assert_eq!(
        error.to_string(),
        "the pickle has more than 3 values, at byte 8"
    );
    let error = three
        .decode::<Vec<u8>>(b"\x80\x04](K\x01\x94h\0h\0e.")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the pickle contains more than 3 references to its values, at byte 4"
    );
}

#[test]
fn sharing_does_not_multiply() {
    // Each tuple contains the one before twice: 2^60 values in all.
    let laughs = [&b"]"[..], &b"2\x86".repeat(60)].concat();
    let value: Value = read_ops(&laughs).unwrap();
    assert_eq!(write(&value).len(), 2 + 1 + 60 * 4 + 1);
    assert_eq!(value, read_ops::<Value>(&laughs).unwrap());
    assert!(value.to_string().ends_with('…'));
    assert!(format!("{value:?}").len() < 20_000);
    let error = read_ops::<serde_json::Value>(&laughs).unwrap_err();
    assert_eq!(error.kind(), Limit);
    endure(&[&b"\x80\x04"[..], &laughs, b"."].concat());
    // Many references to a long text.
    let text = [&b"(X\0\0\x08\0"[..], &vec![b'x'; 1 << 19], b"\x94"].concat();
    let texts = [&text[..], &b"h\0".repeat(1 << 18), b"t"].concat();
    let value: Value = read_ops(&texts).unwrap();
    assert!(write(&value).len() <= texts.len() + 10);
    assert_eq!(read_ops::<Vec<String>>(&texts).unwrap_err().kind(), Limit);
    let latin1 = "é".repeat(1000);
    let bytes = [
        b"c_codecs\nencode\n\x94X\xd0\x07\0\0",
        latin1.as_bytes(),
        b"\x94\x8c\x06latin1\x94",
        &b"h\0h\x01h\x02\x86R0".repeat(10_000),
    ];
    assert_eq!(error_of(&bytes.concat()), Limit);
    let sets = [
        b"cbuiltins\nset\n\x94](",
        &b"K\x01".repeat(10_000)[..],
        b"e\x85\x94",
        &b"h\0h\x01R0".repeat(10_000),
    ];
    assert_eq!(error_of(&sets.concat()), Limit);
    let names = [
        &b"cbuiltins\ngetattr\n\x94\x8c\x40"[..],
        &[b'x'; 64],
        b"\x94cos\nx\n\x94",
        &b"q\x02h\0h\x02h\x01\x86R".repeat(10_000),
    ];
    endure(&[&b"\x80\x04"[..], &names.concat(), b"."].concat());
}

fn error_of(ops: &[u8]) -> ErrorKind {
    error(ops).0
}

#[test]
fn a_value_that_contains_itself_is_an_error() {
    for (ops, text) in [
        (&b"]\x94h\0a"[..], "list contains itself, at byte 2"),
        (b"]2a", "list contains itself, at byte 2"),
        (b"}\x94K\x01h\0s", "dict contains itself, at byte 2"),
        (b"]\x94h\0\x85a", "list contains itself, at byte 2"),
        (
            b"capp\nNode\n)\x81\x94}\x8c\x04selfh\0sb",
            "an instance of app.Node contains itself, at byte 13",
        ),
    ] {
        assert_eq!(error(ops), (Structure, text.to_owned()));
        assert!(read_ops::<IgnoredAny>(ops).is_err());
    }
}

#[test]
fn errors_have_a_message_and_a_position() {
    for (ops, kind, text) in [
        (
            &b""[..],
            Syntax,
            "the stack has fewer values than the opcode needs, at byte 2",
        ),
        (
            b"NN",
            Syntax,
            "more than one value is left at the end of the pickle, at byte 4",
        ),
        (
            b"N(",
            Syntax,
            "the stack has fewer values than the opcode needs, at byte 4",
        ),
        (
            b"N.N",
            Syntax,
            "2 bytes follow the end of the pickle, at byte 4",
        ),
        (b"\xff", Syntax, "there is no opcode 0xff, at byte 2"),
        (
            b"a",
            Syntax,
            "the stack has fewer values than the opcode needs, at byte 2",
        ),
        (
            b"](a",
            Syntax,
            "the stack has fewer values than the opcode needs, at byte 4",
        ),
        (
            b"e",
            Syntax,
            "the opcode needs a mark, but there is none, at byte 2",
        ),
        (
            b"(NNe",
            Syntax,
            "the stack has fewer values than the opcode needs, at byte 5",
        ),
        (b"NNa", Structure, "APPEND cannot add to None, at byte 4"),
        (
            b"}(Nu",
            Structure,
            "a dict has a key without a value, at byte 5",
        ),
        (b"h\x07", Syntax, "the memo has no entry 7, at byte 2"),
        (
            b"j\xff\xff\xff\xff",
            Syntax,
            "the memo has no entry 4294967295, at byte 2",
        ),
        (
            b"X\xff\xff\xff\xff",
            Syntax,
            "expected 4294967295 more bytes, found 1, at byte 2",
        ),
        (
            b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
            Syntax,
            "expected 18446744073709551615 more bytes, found 1, at byte 2",
        ),
        (
            b"\x8b\xff\xff\xff\xff",
            Syntax,
            "the length is negative, at byte 2",
        ),
        (
            b"\x95\x09\0\0\0\0\0\0\0N",
            Syntax,
            "expected 9 more bytes, found 2, at byte 2",
        ),
        (
            b"\x8c\x01\xff",
            Character,
            "the text is not UTF-8, at byte 2",
        ),
        (
            b"\x8c\x02\xed\xa0",
            Character,
            "the text is not UTF-8, at byte 2",
        ),
        (b"c\xff\n\n", Character, "the line is not UTF-8, at byte 2"),
        (
            b"NN\x93",
            Structure,
            "the name of a class is not a str, at byte 4",
        ),
        (b"N)R", Structure, "None is not callable, at byte 4"),
        (
            b"capp\nX\nNR",
            Structure,
            "the arguments are None, not a tuple, at byte 10",
        ),
        (
            b"capp\nX\n)N\x92",
            Structure,
            "the keyword arguments are None, not a dict, at byte 11",
        ),
        (
            b"]Nb",
            Structure,
            "BUILD cannot set the state of list, at byte 4",
        ),
        (
            b"capp\nX\n)RNbNb",
            Structure,
            "BUILD sets the state of an object a second time, at byte 14",
        ),
        (
            b"Pabc\n",
            Structure,
            "PERSID is not supported: the pickle refers to an object outside of the pickle, at byte 2",
        ),
        (
            b"NQ",
            Structure,
            "BINPERSID is not supported: the pickle refers to an object outside of the pickle, at byte 3",
        ),
        (
            b"\x82\x01",
            Structure,
            "EXT1 is not supported: the pickle uses the extension registry of the program that wrote it, at byte 2",
        ),
        (
            b"\x97",
            Structure,
            "NEXT_BUFFER is not supported: the pickle uses out-of-band buffers, at byte 2",
        ),
        (
            b"S'a'\n",
            Structure,
            "STRING is not supported: the pickle has a str of Python 2 in the text form of protocol 0, at byte 2",
        ),
        (
            b"\x80\x04N",
            Structure,
            "PROTO is not supported: the pickle starts twice, at byte 2",
        ),
    ] {
        assert_eq!(error(ops), (kind, text.to_owned()), "{ops:?}");
    }
    for (message, kind, text) in [
        (&b""[..], Syntax, "the pickle ends before STOP, at byte 0"),
        (
            b"\x80\x04K",
            Syntax,
            "the pickle ends before STOP, at byte 3",
        ),
        (
            b"Lx\n.",
            Syntax,
            "the number after LONG is not an integer, at byte 0",
        ),
        (
            b"\x80\x06N.",
            Encoding,
            "protocol 6 is not supported, only 0 to 5, at byte 0",
        ),
    ] {
        let error = read::<Value>(message).unwrap_err();
        assert_eq!((error.kind(), &*error.to_string()), (kind, text));
    }
}

#[test]
fn every_truncation_is_an_error() {
    for pickle in [PYTHON_3, PROTOCOL_2, PYTHON_2, INSTANCE] {
        let message = bytes(pickle);
        assert!(read::<Value>(&message).is_ok());
        for end in 0..message.len() {
            assert!(read::<Value>(&message[..end]).is_err(), "{end}");
        }
    }
}

#[test]
fn every_changed_byte_gives_a_value_or_an_error() {
    for pickle in [PYTHON_3, PROTOCOL_2, PYTHON_2, INSTANCE] {
        let mut message = bytes(pickle);
        for position in 0..message.len() {
            let original = message[position];
            for byte in 0..=255 {
                message[position] = byte;
                if let Ok(value) = read::<Value>(&message) {
                    let again: Value = read(&write(&value)).unwrap();
                    assert_eq!(again.to_string(), value.to_string());
                }
            }
            message[position] = original;
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_give_a_value_or_an_error(bytes in any::<Vec<u8>>()) {
        endure(&bytes);
        endure(&[b"\x80\x04", &bytes[..], b"."].concat());
    }

    #[test]
    fn random_opcodes_give_a_value_or_an_error(
        ops in prop::collection::vec(
            prop::sample::select(vec![
                &b"N"[..], b"K\x01", b"\x8c\x01a", b"C\x01b", b"]", b"}", b")", b"(", b"\x8f",
                b"a", b"e", b"s", b"u", b"t", b"\x85", b"\x86", b"\x87", b"\x90", b"\x91", b"2",
                b"0", b"1", b"\x94", b"h\0", b"h\x01", b"q\0", b"cbuiltins\nset\n",
                b"ccollections\nOrderedDict\n", b"R", b"\x81", b"\x92", b"b", b"\x93", b"l", b"d",
            ]),
            0..60,
        )
    ) {
        endure(&[b"\x80\x04(]]", &ops.concat()[..], b"t."].concat());
        endure(&[b"\x80\x04", &ops.concat()[..], b"."].concat());
    }
}
