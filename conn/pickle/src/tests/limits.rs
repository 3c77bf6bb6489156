//! Tests of the limit of values for repeated references, with every type.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    Deserialize, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::*;
use crate::ErrorKind::Limit;
use crate::Value;

/// Number of references to the element in its container, and to the container in the whole list.
const TIMES: usize = 60;

/// A limit that is lower than the number of references, and higher than the number of values in the
/// pickle.
const MAX: usize = 1000;

/// Every method of serde's `Deserializer`, with a value that it can read.
const METHODS: [(&str, &[u8]); 37] = [
    ("any", b"K\x01"),
    ("any", b"N"),
    ("bool", b"\x88"),
    ("i8", b"K\x01"),
    ("i16", b"K\x01"),
    ("i32", b"K\x01"),
    ("i64", b"K\x01"),
    ("i128", b"\x8a\x09\0\0\0\0\0\0\0\0\x01"),
    ("u8", b"K\x01"),
    ("u16", b"K\x01"),
    ("u32", b"K\x01"),
    ("u64", b"K\x01"),
    ("u128", b"K\x01"),
    ("f32", b"G\0\0\0\0\0\0\0\0"),
    ("f64", b"G\0\0\0\0\0\0\0\0"),
    ("char", b"\x8c\x01a"),
    ("str", b"\x8c\0"),
    ("string", b"\x8c\0"),
    ("bytes", b"C\0"),
    ("byte_buf", b"C\0"),
    ("option", b"N"),
    ("option", b"K\x01"),
    ("unit", b"N"),
    ("unit_struct", b"N"),
    ("newtype_struct", b"N"),
    ("seq", b"]"),
    ("seq", b"C\0"),
    ("seq", b"\x8f"),
    ("tuple", b")"),
    ("tuple_struct", b")"),
    ("map", b"}"),
    ("struct", b"}"),
    ("enum", b"\x8c\x01a"),
    ("enum", b"}\x8c\x01aNs"),
    ("identifier", b"\x8c\x01a"),
    ("ignored_any", b"N"),
    ("ignored_any", b"]"),
];

/// Every container, with the opcodes before its elements and after them.
const CONTAINERS: [(&str, &[u8], &[u8]); 12] = [
    ("list", b"](", b"e"),
    ("tuple", b"(", b"t"),
    ("set", b"\x8f(", b"\x90"),
    ("frozenset", b"(", b"\x91"),
    ("set of a list", b"cbuiltins\nset\n](", b"e\x85R"),
    ("dict", b"}(", b"u"),
    ("deque", b"ccollections\ndeque\n)R(", b"e"),
    ("OrderedDict", b"ccollections\nOrderedDict\n)R(", b"u"),
    ("Counter", b"ccollections\nCounter\n}(", b"u\x85R"),
    ("arguments", b"capp\nX\n(", b"t\x81"),
    ("state", b"capp\nX\n)\x81}(", b"ub"),
    ("state of slots", b"capp\nX\n)\x81N}(", b"u\x86b"),
];

thread_local! {
    static METHOD: Cell<&str> = const { Cell::new("") };
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// An element that calls the method under test.
struct Element;

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        let names = &["a"];
        match METHOD.get() {
            "any" => de.deserialize_any(Anything),
            "bool" => de.deserialize_bool(Anything),
            "i8" => de.deserialize_i8(Anything),
            "i16" => de.deserialize_i16(Anything),
            "i32" => de.deserialize_i32(Anything),
            "i64" => de.deserialize_i64(Anything),
            "i128" => de.deserialize_i128(Anything),
            "u8" => de.deserialize_u8(Anything),
            "u16" => de.deserialize_u16(Anything),
            "u32" => de.deserialize_u32(Anything),
            "u64" => de.deserialize_u64(Anything),
            "u128" => de.deserialize_u128(Anything),
            "f32" => de.deserialize_f32(Anything),
            "f64" => de.deserialize_f64(Anything),
            "char" => de.deserialize_char(Anything),
            "str" => de.deserialize_str(Anything),
            "string" => de.deserialize_string(Anything),
            "bytes" => de.deserialize_bytes(Anything),
            "byte_buf" => de.deserialize_byte_buf(Anything),
            "option" => de.deserialize_option(Anything),
            "unit" => de.deserialize_unit(Anything),
            "unit_struct" => de.deserialize_unit_struct("Unit", Anything),
            "newtype_struct" => de.deserialize_newtype_struct("Newtype", Anything),
            "seq" => de.deserialize_seq(Anything),
            "tuple" => de.deserialize_tuple(0, Anything),
            "tuple_struct" => de.deserialize_tuple_struct("Tuple", 0, Anything),
            "map" => de.deserialize_map(Anything),
            "struct" => de.deserialize_struct("Struct", names, Anything),
            "enum" => de.deserialize_enum("Enum", names, Anything),
            "identifier" => de.deserialize_identifier(Anything),
            "ignored_any" => de.deserialize_ignored_any(Anything),
            other => panic!("unknown method {other}"),
        }
    }
}

/// Visitor that accepts any value.
struct Anything;

macro_rules! take {
    ($($method:ident($type:ty))*) => {$(
        fn $method<E: Error>(self, _: $type) -> Result<Element, E> {
            Ok(Element)
        }
    )*};
}

impl<'de> Visitor<'de> for Anything {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    take! {
        visit_bool(bool) visit_i64(i64) visit_i128(i128) visit_u64(u64) visit_u128(u128)
        visit_f64(f64) visit_str(&str) visit_bytes(&[u8])
    }

    fn visit_none<E: Error>(self) -> Result<Element, E> {
        Ok(Element)
    }

    fn visit_unit<E: Error>(self) -> Result<Element, E> {
        Ok(Element)
    }

    fn visit_some<D: Deserializer<'de>>(self, de: D) -> Result<Element, D::Error> {
        IgnoredAny::deserialize(de).map(|_| Element)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, de: D) -> Result<Element, D::Error> {
        IgnoredAny::deserialize(de).map(|_| Element)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Element, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Element)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Element)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Element, A::Error> {
        let (_, content) = data.variant::<String>()?;
        content.unit_variant().map(|()| Element)
    }
}

/// The contents of a container: elements or entries.
struct Elements;

impl<'de> Deserialize<'de> for Elements {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Elements;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a container")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements, A::Error> {
                while seq.next_element::<Element>()?.is_some() {}
                Ok(Elements)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Elements, A::Error> {
                while map.next_entry::<Element, Element>()?.is_some() {}
                Ok(Elements)
            }
        }

        de.deserialize_any(All)
    }
}

/// Creates a list of [`TIMES`] references to a container with [`TIMES`] references to an element.
fn repeated(element: &[u8], (_, before, after): (&str, &[u8], &[u8])) -> Vec<u8> {
    let (element_again, container_again) = (b"h\0".repeat(TIMES), b"h\x01".repeat(TIMES));
    let parts: [&[u8]; 9] = [
        b"\x80\x04",
        element,
        b"q\x000",
        before,
        &element_again,
        after,
        b"q\x010](",
        &container_again,
        b"e.",
    ];
    parts.concat()
}

#[test]
fn every_method_counts_in_every_container() {
    let pickle = Pickle::default().class("app.X", "X");
    for (method, element) in METHODS {
        METHOD.set(method);
        for container in CONTAINERS {
            let message = repeated(element, container);
            let case = format!("{method} of {element:?} in a {}", container.0);
            READ.set(0);
            let result = pickle
                .clone()
                .max_values(MAX)
                .decode::<Vec<Elements>>(&message);
            let error = result
                .err()
                .unwrap_or_else(|| panic!("{case} was not counted"));
            assert_eq!(error.kind(), Limit, "{case}: {error}");
            assert!(READ.get() <= MAX, "{case}: {} were read", READ.get());
            // With the default limit, there is no error.
            READ.set(0);
            pickle
                .decode::<Vec<Elements>>(&message)
                .unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(READ.get(), TIMES * TIMES, "{case}");
        }
    }
}

#[test]
fn every_method_is_tested() {
    let source = include_str!("../de/mod.rs");
    let forwarded = source.rsplit("forward_to_deserialize_any!").next().unwrap();
    let forwarded = forwarded
        .split(['{', '}'])
        .nth(1)
        .unwrap()
        .split_whitespace();
    let own = source
        .split("fn deserialize_")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap());
    let tried = |name: &&str| METHODS.iter().any(|(method, _)| method == name);
    let missing: Vec<&str> = own.chain(forwarded).filter(|name| !tried(name)).collect();
    assert_eq!(missing, [""; 0]);
}

/// Regression: 30,007 bytes became a hundred million values, and 2.3 GiB.
#[test]
fn thirty_kilobytes_do_not_become_a_hundred_million_values() {
    let (nones, lists) = (b"N".repeat(10_000), b"h\0".repeat(9_999));
    let message = [b"\x80\x04](](", &nones[..], b"e\x94", &lists, b"e."].concat();
    let limit = |error: crate::Error| assert_eq!(error.kind(), Limit);
    limit(read::<Vec<Vec<Option<String>>>>(&message).unwrap_err());
    limit(read::<Vec<Vec<IgnoredAny>>>(&message).unwrap_err());
    limit(read::<Vec<Vec<()>>>(&message).unwrap_err());
    limit(read::<Vec<Vec<Value>>>(&message).unwrap_err());
    // Types with sharing, and types that ignore the values, read each value once.
    read::<Value>(&message).unwrap();
    read::<Vec<IgnoredAny>>(&message).unwrap();
}

/// Regression: 17 references to 4 MB of bytes became 524 MiB of integers.
#[test]
fn bytes_that_are_read_as_numbers_again_are_counted() {
    let bytes = |length: usize, times: usize| {
        let length_of = (length as u32).to_le_bytes();
        let (bytes, again) = (vec![1; length], b"h\0".repeat(times - 1));
        [
            b"\x80\x04](B",
            &length_of[..],
            &bytes,
            b"\x94",
            &again,
            b"e.",
        ]
        .concat()
    };
    let four = bytes(4 << 20, 17);
    assert_eq!(read::<Vec<Vec<i64>>>(&four).unwrap_err().kind(), Limit);
    assert_eq!(read::<Vec<Vec<u8>>>(&four).unwrap_err().kind(), Limit);
    // One reference is allowed for any length. So are 10 references to 100,000 bytes.
    let once = bytes(4 << 20, 1);
    assert_eq!(read::<Vec<Vec<u8>>>(&once).unwrap()[0].len(), 4 << 20);
    assert_eq!(
        read::<Vec<Vec<i64>>>(&bytes(100_000, 10)).unwrap().len(),
        10
    );
    let few = Pickle::default().max_values(1000);
    assert!(few.decode::<Vec<Vec<u8>>>(&bytes(1000, 8)).is_ok());
    assert!(few.decode::<Vec<Vec<u8>>>(&bytes(1000, 12)).is_err());
}

#[test]
fn long_texts_that_are_copied_again_are_counted() {
    let text = [&b"X\0\0\x01\0"[..], &vec![b'x'; 1 << 16], b"\x94"].concat();
    let texts = |times: usize| [b"\x80\x04](", &text[..], &b"h\0".repeat(times), b"e."].concat();
    let few = Pickle::default().max_values(10_000);
    assert_eq!(few.decode::<Vec<String>>(&texts(5)).unwrap().len(), 6);
    let error = few.decode::<Vec<String>>(&texts(15)).unwrap_err();
    assert_eq!(error.kind(), Limit);
    assert!(Pickle::default().decode::<Vec<String>>(&texts(15)).is_ok());
}

/// Each DUP is one byte, and refers to the value before it.
#[test]
fn duplicates_are_counted() {
    let message = [&b"\x80\x04N"[..], &b"2".repeat(1_000_000), b"."].concat();
    let error = read::<Value>(&message).unwrap_err();
    assert_eq!(error.kind(), Limit, "{error}");
}

/// Regression: each of these opcodes scans a long text and takes a few bytes, so that a message of
/// some megabytes took minutes.
#[test]
fn texts_that_the_machine_reads_again_are_counted() {
    let length = 1 << 20;
    let text = [&b"X\0\0\x10\0"[..], &vec![b'x'; length], b"\x940"].concat();
    // A text that is not Latin-1, because of its last character only.
    let mut greek = text.clone();
    greek.splice(length + 3..length + 5, "\u{3b1}".bytes());
    let encode = b"c_codecs\nencode\nq\x010\x8c\x06latin1q\x020";
    for (start, text, again) in [
        (&b""[..], &text, &b"h\0h\0\x930"[..]),
        (b"cbuiltins\ngetattr\nq\x010", &text, b"h\x01h\x01h\0\x86R0"),
        (encode, &text, b"h\x01h\0h\x02\x86R0"),
        (encode, &greek, b"h\x01h\0h\x02\x86R0"),
        (encode, &text, b"h\x01h\x02h\0\x86R0"),
    ] {
        let again = again.repeat(10_000);
        let message = [b"\x80\x04", &text[..], start, &again, b"N."].concat();
        let error = read::<Value>(&message).unwrap_err();
        assert_eq!(error.kind(), Limit, "{error}");
        assert!(
            error.to_string().starts_with("the pickle has more than"),
            "{error}"
        );
    }
}

/// The decoder scans surplus elements for its error message, each time.
#[test]
fn surplus_elements_are_counted() {
    /// A type that ignores errors.
    struct Lenient;

    impl<'de> Deserialize<'de> for Lenient {
        fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
            let _ = <[u8; 1]>::deserialize(de);
            READ.set(READ.get() + 1);
            Ok(Self)
        }
    }

    let (numbers, again) = (b"K\x01".repeat(500), b"h\0".repeat(500));
    let message = [b"\x80\x04](](", &numbers[..], b"e\x94", &again, b"e."].concat();
    READ.set(0);
    let result = Pickle::default()
        .max_values(2000)
        .decode::<Vec<Lenient>>(&message);
    assert_eq!(result.err().map(|error| error.kind()), Some(Limit));
    assert!(READ.get() <= 4, "{}", READ.get());
}

/// The same value under many numbers is one value, but as many entries.
#[test]
fn the_entries_of_the_memo_are_limited() {
    const MAX: u8 = 5;

    let numbered = |count: u8| {
        let puts: Vec<u8> = (0..count).flat_map(|number| [b'q', number]).collect();
        [b"\x80\x04N", &puts[..], b"."].concat()
    };
    let memoized = |count: u8| [b"\x80\x04N", &b"\x94".repeat(count.into())[..], b"."].concat();
    let few = Pickle::default().max_values(MAX.into());
    for message in [numbered, memoized] {
        few.decode::<()>(&message(MAX)).unwrap();
        let error = few.decode::<()>(&message(MAX + 1)).unwrap_err();
        assert_eq!(error.kind(), Limit);
        let text = error.to_string();
        assert!(
            text.starts_with("the memo has more than 5 values"),
            "{text}"
        );
    }
    // A number that is used again is no further entry.
    let again = [b"\x80\x04N", &b"q\x07".repeat(100)[..], b"."].concat();
    few.decode::<()>(&again).unwrap();
}
