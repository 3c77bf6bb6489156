//! Tests of every limit, in every codec and in both encodings of calls.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use farcall_core::Value;
use farcall_core::protocol::{Format as _, Payload};
use serde::Deserializer;
use serde::de::{IgnoredAny, SeqAccess, Visitor};

use super::*;
use crate::rpc::Encoding;

/// Codec of the results of calls.
#[derive(Clone, Debug)]
struct Reply(Encoding);

/// Codec of calls with one argument.
#[derive(Clone, Debug)]
struct Argument(Encoding);

impl Reply {
    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        self.0.encode_reply(value, out)
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        self.0.decode_reply(&Payload::from(message.to_vec()))
    }
}

impl Argument {
    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        self.0.encode_args(&(value,), out)
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        let (value,) = self.0.decode_args(&Payload::from(message.to_vec()))?;
        Ok(value)
    }
}

/// Pickles as a codec of connections, with the errors of every codec.
#[derive(Clone, Debug, Default)]
struct Pickles(Pickle);

impl Pickles {
    fn max_depth(self, max_depth: usize) -> Self {
        Self(self.0.max_depth(max_depth))
    }

    fn max_values(self, max_values: usize) -> Self {
        Self(self.0.max_values(max_values))
    }

    fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        Codec::encode(&self.0, value, out)
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T, FormatError> {
        Codec::decode(&self.0, message)
    }
}

/// Runs the block for every codec, with its name, and `true` if it is self-describing.
macro_rules! every_codec {
    (|$codec:ident, $name:ident, $self_describing:ident| $body:block) => {
        every_codec!(
            Bincode::default(),
            "bincode",
            false,
            |$codec, $name, $self_describing| $body
        );
        every_codec!(
            Json::default(),
            "json",
            true,
            |$codec, $name, $self_describing| $body
        );
        every_codec!(
            MessagePack::default(),
            "messagepack",
            true,
            |$codec, $name, $self_describing| $body
        );
        every_codec!(
            Pickles::default(),
            "pickle",
            true,
            |$codec, $name, $self_describing| $body
        );
        every_codec!(
            Postcard::default(),
            "postcard",
            false,
            |$codec, $name, $self_describing| $body
        );
    };
    ($value:expr, $text:literal, $described:literal, |$codec:ident, $name:ident, $self_describing:ident| $body:block) => {{
        let ($codec, $name, $self_describing) = ($value, $text, $described);
        $body
    }};
}

/// Runs the block for every codec, and for the encodings of calls, whose limits cannot be set.
macro_rules! every_encoding {
    (|$codec:ident, $name:ident, $self_describing:ident| $body:block) => {
        every_codec!(|$codec, $name, $self_describing| $body);
        let (bincode, pack) = (Encoding::Bincode, Encoding::MessagePack);
        every_codec!(
            Reply(bincode),
            "reply in bincode",
            false,
            |$codec, $name, $self_describing| $body
        );
        every_codec!(
            Reply(pack),
            "reply in messagepack",
            true,
            |$codec, $name, $self_describing| $body
        );
        every_codec!(
            Argument(bincode),
            "argument in bincode",
            false,
            |$codec, $name, $self_describing| $body
        );
        every_codec!(
            Argument(pack),
            "argument in messagepack",
            true,
            |$codec, $name, $self_describing| $body
        );
    };
}

macro_rules! encoded {
    ($codec:expr, $value:expr) => {{
        let mut out = Vec::new();
        $codec
            .encode($value, &mut out)
            .expect("the value can be encoded");
        out
    }};
}

fn is_limit<T>(result: &Result<T, FormatError>) -> bool {
    matches!(result, Err(error) if error.kind() == FormatErrorKind::Limit)
}

#[test]
fn depth_is_limited_in_every_codec() {
    every_encoding!(|codec, name, _self_describing| {
        let shallow = encoded!(codec, &nested(20));
        let read: Nested = codec.decode(&shallow).expect(name);
        assert_eq!(read, nested(20), "{name}");
        let deep = encoded!(codec, &list_of_lists(60));
        assert!(codec.decode::<Lists>(&deep).is_ok(), "{name}");
        let deep = match name {
            // The encoder has the same limit. The message is an empty tuple, within 200 tuples.
            "pickle" => [&b"\x80\x04)"[..], &b"\x85".repeat(200), b"."].concat(),
            _ => encoded!(codec, &list_of_lists(200)),
        };
        assert!(is_limit(&codec.decode::<Lists>(&deep)), "{name}");
    });
    every_codec!(|codec, name, self_describing| {
        let message = encoded!(codec, &list_of_lists(9));
        let codec = codec.max_depth(9);
        assert!(is_limit(&codec.decode::<Lists>(&message)), "{name}");
        if self_describing {
            assert!(is_limit(&codec.decode::<serde_json::Value>(&message)));
        }
        let codec = codec.max_depth(10);
        assert!(codec.decode::<Lists>(&message).is_ok(), "{name}");
    });
}

#[test]
fn the_highest_max_depth_fits_the_stack_of_a_thread() {
    every_codec!(|codec, name, _self_describing| {
        let codec = codec.max_depth(usize::MAX);
        let deepest = encoded!(codec, &list_of_lists(254));
        assert!(codec.decode::<Lists>(&deepest).is_ok(), "{name}");
        assert!(codec.decode::<Lists>(&deepest).is_ok(), "{name}");
        let message = match name {
            "pickle" => [&b"\x80\x04)"[..], &b"\x85".repeat(300), b"."].concat(),
            _ => encoded!(codec, &list_of_lists(300)),
        };
        assert!(is_limit(&codec.decode::<Lists>(&message)), "{name}");
    });
}

/// Regression: a `Value` was two levels, and a number in it one.
#[test]
fn each_level_of_a_message_is_one_of_every_type() {
    every_codec!(|codec, name, self_describing| {
        if self_describing {
            for (levels, fits) in [(128, true), (129, false)] {
                let codec = Clone::clone(&codec).max_depth(128);
                // Lists around a number. The encoder of pickles has the same limit.
                let message = match name {
                    "pickle" => {
                        [&b"\x80\x04K\x05"[..], &b"\x85".repeat(levels), &b"."[..]].concat()
                    }
                    "json" => [
                        &b"[".repeat(levels)[..],
                        &b"5"[..],
                        &b"]".repeat(levels)[..],
                    ]
                    .concat(),
                    _ => [&b"\x91".repeat(levels)[..], &b"\x05"[..]].concat(),
                };
                let value = codec.decode::<Value>(&message);
                assert_eq!(value.is_ok(), fits, "{name}: {levels}: {value:?}");
                assert!(fits || is_limit(&value), "{name}");
                let value = codec.decode::<serde_json::Value>(&message);
                assert_eq!(value.is_ok(), fits, "{name}: {levels}: {value:?}");
            }
            let codec = codec.max_depth(usize::MAX);
            let deepest = encoded!(codec, &list_of_lists(254));
            assert!(codec.decode::<Value>(&deepest).is_ok(), "{name}");
        }
    });
}

/// Regression: JSON decoded two million values, although the documented limit was one million.
#[test]
fn values_of_any_type_are_limited_to_a_million_in_every_codec() {
    let list = |count: usize| vec![(); count];
    every_encoding!(|codec, name, self_describing| {
        if self_describing {
            // The list itself is one value, too.
            let most = encoded!(codec, &list(999_999));
            let read: Value = codec.decode(&most).expect(name);
            assert_eq!(read.as_array().map(<[_]>::len), Some(999_999), "{name}");
            let more = encoded!(codec, &list(1_000_000));
            assert!(is_limit(&codec.decode::<Value>(&more)), "{name}");
        }
    });
}

#[test]
fn max_values_can_be_set_for_every_codec() {
    every_codec!(|codec, name, self_describing| {
        let codec = codec.max_values(100);
        let (most, more) = (
            encoded!(codec, &vec![(); 99]),
            encoded!(codec, &vec![(); 100]),
        );
        if self_describing {
            assert!(codec.decode::<Value>(&most).is_ok(), "{name}");
            assert!(is_limit(&codec.decode::<Value>(&more)), "{name}");
            assert!(codec.decode::<serde_json::Value>(&most).is_ok(), "{name}");
            assert!(is_limit(&codec.decode::<serde_json::Value>(&more)));
            assert!(is_limit(&codec.decode::<Untagged>(&more)), "{name}");
        }
        // A `pickle::Value` is an enum in other codecs.
        let values = |count| pickle::Value::List(vec![pickle::Value::None; count]);
        let (most, more) = (encoded!(codec, &values(99)), encoded!(codec, &values(100)));
        assert!(codec.decode::<pickle::Value>(&most).is_ok(), "{name}");
        assert!(is_limit(&codec.decode::<pickle::Value>(&more)), "{name}");
    });
}

/// A value that serde buffers before it knows the variant.
#[derive(Deserialize, Debug)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only decoded")]
enum Untagged {
    Nothing(()),
    List(Vec<Self>),
}

#[test]
fn values_of_known_types_are_limited_in_every_codec() {
    /// Decodes lists of `T` within the limit, and longer ones.
    fn check<T: DeserializeOwned>(case: &str, element: impl Serialize + Clone) {
        let element = &element;
        every_codec!(|codec, name, _self_describing| {
            let codec = codec.max_values(1000);
            let list = |count: usize| encoded!(codec, &vec![element.clone(); count]);
            assert!(codec.decode::<Vec<T>>(&list(300)).is_ok(), "{case}, {name}");
            // Each element counts. Every 8 bytes allow one more element, but not in pickles.
            let size = list(900).len() / 900;
            let count = if size < 7 { 9000 } else { 1_000 * (size + 1) };
            let result = codec.decode::<Vec<T>>(&list(count));
            let is_proportional = size >= 8 && name != "pickle";
            assert_eq!(is_limit(&result), !is_proportional, "{case}, {name}");
        });
    }
    check::<Option<u64>>("none", None::<u64>);
    check::<Option<u8>>("some", Some(1u8));
    check::<String>("text", "");
    check::<serde_bytes::ByteBuf>("bytes", serde_bytes::ByteBuf::new());
    check::<()>("unit", ());
    check::<Unit>("unit struct", Unit);
    check::<Vec<u8>>("list", [0u8; 0].as_slice());
    check::<BTreeMap<u8, u8>>("map", BTreeMap::<u8, u8>::new());
    check::<Struct>("struct", Struct {});
    check::<Pair>("tuple struct", Pair(1, 2));
    check::<Shape>("enum", Shape::Point);
    check::<IgnoredElement>("ignored", None::<u64>);
}

#[derive(Serialize, Deserialize, Clone)]
struct Unit;

#[derive(Serialize, Deserialize, Clone)]
struct Struct {}

#[derive(Serialize, Deserialize, Clone)]
struct Pair(u8, u8);

/// An element that a human-readable codec ignores, and that other codecs decode.
struct IgnoredElement;

impl<'de> Deserialize<'de> for IgnoredElement {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        if source.is_human_readable() {
            IgnoredAny::deserialize(source)?;
        } else {
            Option::<u64>::deserialize(source)?;
        }
        Ok(Self)
    }
}

/// Calls have the default limits: 1,000,000 values, and one more for every 8 bytes.
#[test]
fn values_of_known_types_are_limited_in_calls() {
    let encodings = [Encoding::Bincode, Encoding::MessagePack];
    let most = vec![None::<String>; 1_000_000];
    let more = vec![None::<String>; 1_200_000];
    for encoding in encodings {
        let (reply, argument) = (Reply(encoding), Argument(encoding));
        let read: Vec<Option<String>> = reply.decode(&encoded!(reply, &most)).unwrap();
        assert_eq!(read.len(), most.len());
        let result = reply.decode::<Vec<Option<String>>>(&encoded!(reply, &more));
        assert!(is_limit(&result));
        let result = argument.decode::<Vec<Option<String>>>(&encoded!(argument, &more));
        assert!(is_limit(&result));
        // Arguments that consist of their tags only.
        let arguments = farcall_core::Variadic(more.clone());
        let arguments = encoding.params(&arguments).unwrap();
        let result: Result<farcall_core::Variadic<Option<String>>, _> =
            encoding.decode_args(&arguments);
        assert!(matches!(result, Err(error) if error.kind() == FormatErrorKind::Limit));
        let result: Result<farcall_core::Variadic<Value>, _> = encoding.decode_args(
            &encoding
                .params(&farcall_core::Variadic(vec![(); 1_000_001]))
                .unwrap(),
        );
        assert!(matches!(result, Err(error) if error.kind() == FormatErrorKind::Limit));
    }
}

/// These codecs are for bulk data: only the length of the message limits the numbers.
#[test]
fn numbers_are_limited_by_the_message_only() {
    let numbers: Vec<f64> = (0..5000).map(f64::from).collect();
    let pairs: Vec<(u8, bool)> = vec![(7, true); 5000];
    every_codec!(|codec, name, _self_describing| {
        if name != "pickle" {
            let codec = codec.max_values(1);
            let message = encoded!(codec, &numbers);
            assert_eq!(codec.decode::<Vec<f64>>(&message).unwrap(), numbers);
            let message = encoded!(codec, &pairs);
            assert_eq!(codec.decode::<Vec<(u8, bool)>>(&message).unwrap(), pairs);
            let message = encoded!(codec, "a text that is longer than eight bytes");
            assert!(codec.decode::<String>(&message).is_ok(), "{name}");
        }
    });
}

/// A type that takes no bytes, and does not call its deserializer.
struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

/// A message that only announces a list of 2^62 elements, or of the maximum of the codec.
fn announcing(name: &str) -> Option<&'static [u8]> {
    Some(match name {
        "bincode" => &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0x40],
        "reply in bincode" => &[b'l', 0xfd, 0, 0, 0, 0, 0, 0, 0, 0x40],
        "argument in bincode" => &[1, b'l', 0xfd, 0, 0, 0, 0, 0, 0, 0, 0x40],
        "messagepack" | "reply in messagepack" => &[0xdd, 0xff, 0xff, 0xff, 0xff],
        "argument in messagepack" => &[0x91, 0xdd, 0xff, 0xff, 0xff, 0xff],
        "postcard" => &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40],
        // These codecs announce no lengths.
        _ => return None,
    })
}

#[test]
fn zero_sized_elements_are_counted_in_every_codec() {
    every_encoding!(|codec, name, _self_describing| {
        if let Some(message) = announcing(name) {
            assert!(is_limit(&codec.decode::<Vec<Nothing>>(message)), "{name}");
            assert!(codec.decode::<Vec<()>>(message).is_err(), "{name}");
            assert!(codec.decode::<Vec<PhantomData<u8>>>(message).is_err());
        }
        let units: Vec<()> = codec.decode(&encoded!(codec, &vec![(); 1000])).expect(name);
        assert_eq!(units.len(), 1000, "{name}");
    });
    for message in [announcing("bincode"), announcing("postcard")] {
        let message = message.unwrap();
        assert!(is_limit(&Bincode::default().decode::<Vec<()>>(message)) || message[0] == 0x80);
        assert!(is_limit(&Postcard::default().decode::<Vec<()>>(message)) || message[0] == 0xfd);
    }
}

#[test]
fn announced_lengths_allocate_no_memory_in_any_codec() {
    every_encoding!(|codec, name, _self_describing| {
        if let Some(message) = announcing(name) {
            assert!(codec.decode::<Vec<u64>>(message).is_err(), "{name}");
            assert!(codec.decode::<BTreeMap<u64, u64>>(message).is_err());
            assert!(codec.decode::<String>(message).is_err(), "{name}");
            assert!(codec.decode::<serde_bytes::ByteBuf>(message).is_err());
        }
    });
    for long in [
        &[0xdb, 0xff, 0xff, 0xff, 0xff],
        &[0xc6, 0xff, 0xff, 0xff, 0xff],
    ] {
        let codec = MessagePack::default();
        assert!(codec.decode::<String>(long).is_err());
        assert!(codec.decode::<serde_bytes::ByteBuf>(long).is_err());
    }
    let long = b"\x80\x04X\xff\xff\xff\xff.";
    assert!(Pickle::default().decode::<String>(long).is_err());
}

/// Nested lists that add up the announced lengths at all depths.
#[derive(Debug)]
struct Lists;

thread_local! {
    static ANNOUNCED: Cell<usize> = const { Cell::new(0) };
}

impl<'de> Deserialize<'de> for Lists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Lists;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Lists, A::Error> {
                let announced = list.size_hint().unwrap_or_default();
                ANNOUNCED.set(ANNOUNCED.get().saturating_add(announced));
                while list.next_element::<Lists>()?.is_some() {}
                Ok(Lists)
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// An empty list within this number of lists.
struct InLists(usize);

impl Serialize for InLists {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.checked_sub(1) {
            Some(inner) => serializer.collect_seq([Self(inner)]),
            None => serializer.collect_seq([0u8; 0]),
        }
    }
}

fn list_of_lists(depth: usize) -> InLists {
    InLists(depth)
}

#[test]
fn nested_lists_announce_no_more_elements_than_the_message_has_bytes() {
    every_codec!(|codec, name, _self_describing| {
        if let Some(message) = announcing(name) {
            let message = message.repeat(100);
            assert!(codec.decode::<Lists>(&message).is_err(), "{name}");
            assert!(ANNOUNCED.take() <= message.len(), "{name}");
        }
    });
    // The actual elements are announced.
    let message = encoded!(Bincode::default(), &vec![Vec::<()>::new(); 50]);
    Bincode::default().decode::<Lists>(&message).unwrap();
    assert_eq!(ANNOUNCED.take(), 50);
}
