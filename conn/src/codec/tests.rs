use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::*;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Shape {
    Point,
    Circle(f64),
    Box { width: u32, height: u32 },
    Pair(i8, String),
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Everything {
    id: u64,
    delta: i64,
    name: String,
    maybe: Option<char>,
    shapes: Vec<Shape>,
    #[serde(with = "serde_bytes")]
    blob: Vec<u8>,
    by_name: BTreeMap<String, (bool, f32)>,
    unit: (),
}

fn everything() -> Everything {
    Everything {
        id: u64::MAX,
        delta: i64::MIN,
        name: "Zürich 🚲".to_owned(),
        maybe: Some('ß'),
        shapes: vec![
            Shape::Point,
            Shape::Circle(0.5),
            Shape::Box {
                width: 1,
                height: 2,
            },
            Shape::Pair(-1, String::new()),
        ],
        blob: vec![0, 255, 128],
        by_name: [("a".to_owned(), (true, 1.5))].into(),
        unit: (),
    }
}

/// A value of a few bytes a level.
#[derive(Serialize, Deserialize, Debug, PartialEq, Default)]
struct Nested {
    inner: Option<Box<Self>>,
}

fn nested(depth: usize) -> Nested {
    (0..depth).fold(Nested::default(), |inner, _| Nested {
        inner: Some(Box::new(inner)),
    })
}

fn bytes(codec: &impl Codec, value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    let mut out = b"before".to_vec();
    codec.encode(value, &mut out).expect("it can be encoded");
    assert!(out.starts_with(b"before"), "the message is appended");
    out.split_off(6)
}

fn check<C: Codec + Debug>() {
    let codec = C::default();
    let message = bytes(&codec, &everything());
    let back: Everything = codec.decode(&message).expect("it is what was encoded");
    assert_eq!(back, everything(), "{codec:?}");

    for cut in 0..message.len() {
        let result: Result<Everything, _> = codec.decode(&message[..cut]);
        assert!(result.is_err(), "{codec:?} cut at {cut}");
    }
    let longer = [message.as_slice(), b"0"].concat();
    assert!(codec.decode::<Everything>(&longer).is_err(), "{codec:?}");
    for position in 0..message.len() {
        for byte in [0, 1, 0x7f, 0x80, 0xc1, 0xfc, 0xfd, 0xfe, 0xff] {
            let mut changed = message.clone();
            changed[position] = byte;
            // It may be another value; it must come back at once.
            let _ = codec.decode::<Everything>(&changed);
        }
    }

    let shallow = bytes(&codec, &nested(20));
    assert_eq!(codec.decode::<Nested>(&shallow).ok(), Some(nested(20)));
    let deep = bytes(&codec, &nested(400));
    assert!(codec.decode::<Nested>(&deep).is_err(), "{codec:?}");
}

#[test]
fn every_codec_keeps_every_type() {
    check::<Bincode>();
    check::<Json>();
    check::<MessagePack>();
    check::<Postcard>();
}

#[test]
fn json_reads_doubles_as_they_were_written() {
    let number = 2.332_626_072_817_548e-111;
    let back: f64 = Json.decode(&bytes(&Json, &number)).unwrap();
    assert_eq!(back, number);
}

#[test]
fn announced_lengths_are_not_believed() {
    // 2^62 as bincode writes it, as postcard and MessagePack do.
    let bincode = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0x40];
    let postcard = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40];
    assert!(Bincode.decode::<String>(&bincode).is_err());
    assert!(Bincode.decode::<serde_bytes::ByteBuf>(&bincode).is_err());
    assert!(Bincode.decode::<Vec<u64>>(&bincode).is_err());
    assert!(Postcard.decode::<String>(&postcard).is_err());
    assert!(Postcard.decode::<Vec<u64>>(&postcard).is_err());
    let pack = [0xdd, 0xff, 0xff, 0xff, 0xff];
    assert!(MessagePack.decode::<Vec<u64>>(&pack).is_err());
    let pack = [0xdb, 0xff, 0xff, 0xff, 0xff];
    assert!(MessagePack.decode::<String>(&pack).is_err());
}

/// Adds up what is announced, at all depths.
struct Announced;

thread_local! {
    static ANNOUNCED: Cell<usize> = const { Cell::new(0) };
}

impl<'de> Deserialize<'de> for Announced {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Announced;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Announced, A::Error> {
                let announced = list.size_hint().unwrap_or_default();
                ANNOUNCED.set(ANNOUNCED.get().saturating_add(announced));
                while list.next_element::<Announced>()?.is_some() {}
                Ok(Announced)
            }
        }

        deserializer.deserialize_seq(List)
    }
}

#[test]
fn lists_in_lists_announce_no_more_than_the_message_has() {
    let bincode = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0x40].repeat(100);
    let postcard = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40].repeat(100);
    let pack = [0xdd, 0xff, 0xff, 0xff, 0xff].repeat(100);
    assert!(Bincode.decode::<Announced>(&bincode).is_err());
    assert!(ANNOUNCED.take() <= bincode.len());
    assert!(Postcard.decode::<Announced>(&postcard).is_err());
    assert!(ANNOUNCED.take() <= postcard.len());
    assert!(MessagePack.decode::<Announced>(&pack).is_err());
    assert!(ANNOUNCED.take() <= pack.len());
    // What is there is announced.
    Bincode
        .decode::<Announced>(&bytes(&Bincode, &vec![Vec::<()>::new(); 50]))
        .unwrap();
    assert_eq!(ANNOUNCED.take(), 50);
}

#[test]
fn elements_of_no_size_are_counted() {
    let bincode = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0x40];
    let error = Bincode.decode::<Vec<()>>(&bincode).unwrap_err();
    assert_eq!(error.kind(), FormatErrorKind::Limit);
    assert_eq!(
        Bincode
            .decode::<Vec<()>>(&bytes(&Bincode, &vec![(); 1000]))
            .unwrap()
            .len(),
        1000
    );
}

#[test]
fn types_that_need_a_description_are_told_so() {
    let message = bytes(&Bincode, &1);
    let error = Bincode.decode::<serde_json::Value>(&message).unwrap_err();
    assert!(error.to_string().contains("AnyNotSupported"), "{error}");
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Point),
        any::<f64>().prop_map(Shape::Circle),
        any::<(u32, u32)>().prop_map(|(width, height)| Shape::Box { width, height }),
        any::<(i8, String)>().prop_map(|(number, name)| Shape::Pair(number, name)),
    ]
}

prop_compose! {
    fn anything()(
        id: u64,
        delta: i64,
        name: String,
        maybe: Option<char>,
        shapes in prop::collection::vec(shape(), 0..8),
        blob: Vec<u8>,
        by_name: BTreeMap<String, (bool, f32)>,
    ) -> Everything {
        Everything { id, delta, name, maybe, shapes, blob, by_name, unit: () }
    }
}

fn keeps<C: Codec>(value: &Everything) -> Result<(), TestCaseError> {
    let back: Everything = C::default()
        .decode(&bytes(&C::default(), value))
        .map_err(|error| TestCaseError::fail(format!("{}: {error}", C::NAME)))?;
    prop_assert_eq!(&back, value, "{}", C::NAME);
    Ok(())
}

/// Alters bytes of an encoded value, cuts it, and reads what is left. A value that is read is
/// written and read again the same, and an error says something.
fn is_a_value_or_an_error<C: Codec>(
    value: &Everything,
    damages: &[(u16, u8)],
    kept: u16,
) -> Result<(), TestCaseError> {
    let codec = C::default();
    let mut message = bytes(&codec, value);
    for &(place, byte) in damages {
        let place = usize::from(place) % message.len();
        message[place] = byte;
    }
    // Half of the messages keep their whole length.
    let length = message.len();
    message.truncate(usize::from(kept) % (2 * length));
    match codec.decode::<Everything>(&message) {
        // As bytes, since NaN is not equal to itself.
        Ok(read) => {
            let written = bytes(&codec, &read);
            let again: Everything = codec
                .decode(&written)
                .map_err(|error| TestCaseError::fail(format!("{}: {error}", C::NAME)))?;
            prop_assert_eq!(bytes(&codec, &again), written, "{}", C::NAME);
        }
        Err(error) => prop_assert!(!error.to_string().is_empty(), "{}", C::NAME),
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_codec_keeps_any_value(value in anything()) {
        keeps::<Bincode>(&value)?;
        keeps::<Json>(&value)?;
        keeps::<MessagePack>(&value)?;
        keeps::<Pickle>(&value)?;
        keeps::<Postcard>(&value)?;
    }

    #[test]
    fn damaged_bytes_are_a_value_or_an_error_in_every_codec(
        value in anything(),
        damages: Vec<(u16, u8)>,
        kept: u16,
    ) {
        is_a_value_or_an_error::<Bincode>(&value, &damages, kept)?;
        is_a_value_or_an_error::<Json>(&value, &damages, kept)?;
        is_a_value_or_an_error::<MessagePack>(&value, &damages, kept)?;
        is_a_value_or_an_error::<Pickle>(&value, &damages, kept)?;
        is_a_value_or_an_error::<Postcard>(&value, &damages, kept)?;
    }
}

#[test]
fn values_of_any_type_are_limited() {
    let list = |count: u32| {
        let nils = vec![0xc0; count as usize];
        [&[0xdd][..], &count.to_be_bytes(), &nils].concat()
    };
    // The list is one, too.
    let most = MessagePack.decode::<rpc_core::Value>(&list(999_999));
    assert_eq!(most.unwrap().as_array().unwrap().len(), 999_999);
    let error = MessagePack.decode::<rpc_core::Value>(&list(1_000_000));
    assert_eq!(error.unwrap_err().kind(), FormatErrorKind::Limit);
    // What is of a known type takes no more memory than that.
    let known = MessagePack.decode::<Vec<Option<u8>>>(&list(1_000_000));
    assert_eq!(known.unwrap().len(), 1_000_000);
}
