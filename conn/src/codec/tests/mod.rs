mod limits;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;

use farcall_core::FormatErrorKind;
use farcall_pickle::{self as pickle, Pickle};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

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
    /// A text in JSON, bytes elsewhere.
    address: IpAddr,
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
        address: IpAddr::from([192, 0, 2, 1]),
        unit: (),
    }
}

/// A nested value with a few bytes for each level.
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
    codec
        .encode(value, &mut out)
        .expect("the value can be encoded");
    assert!(out.starts_with(b"before"), "the message is appended");
    out.split_off(6)
}

fn check<C: Codec + Debug>() {
    let codec = C::default();
    let message = bytes(&codec, &everything());
    let back: Everything = codec
        .decode(&message)
        .expect("the message was just encoded");
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
            // The message may be another value; decoding must return at once.
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

/// Refuses to be encoded.
struct Unencodable;

impl Serialize for Unencodable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it is too blue"))
    }
}

#[test]
fn the_error_of_encoding_keeps_the_reason_of_the_type() {
    fn error<C: Codec>() -> String {
        let error = C::default().encode(&Unencodable, &mut Vec::new());
        error.unwrap_err().to_string()
    }
    for error in [error::<Bincode>(), error::<Json>(), error::<MessagePack>()] {
        assert!(error.contains("it is too blue"), "{error}");
    }
}

#[test]
fn json_reads_both_forms_of_a_variant_without_content() {
    for message in [r#""Point""#, r#"{"Point":null}"#] {
        let shape: Shape = Json::default().decode(message.as_bytes()).unwrap();
        assert_eq!(shape, Shape::Point);
    }
}

#[test]
fn a_variant_is_its_name_in_formats_that_describe_themselves() {
    #[derive(Serialize, Deserialize, Debug)]
    #[serde(tag = "kind")]
    enum Tagged {
        First,
        Second,
    }

    #[derive(Serialize, Deserialize, Debug)]
    struct Point {
        x: u8,
    }

    fn check<C: Codec>() {
        fn refused<C: Codec, T: DeserializeOwned + Debug>(value: &impl Serialize) {
            let message = bytes(&C::default(), value);
            let decoded = C::default().decode::<T>(&message);
            assert!(decoded.is_err(), "{decoded:?}");
        }
        for position in [0u32, 1, 9] {
            refused::<C, Shape>(&position);
            refused::<C, Vec<Shape>>(&[position]);
            refused::<C, Option<Shape>>(&Some(position));
            refused::<C, Result<u8, u8>>(&BTreeMap::from([(position, 1)]));
            refused::<C, Shape>(&BTreeMap::from([(position, 0.5)]));
            refused::<C, Tagged>(&BTreeMap::from([("kind", position)]));
            refused::<C, Point>(&BTreeMap::from([(position, 1)]));
        }
        let named = bytes(&C::default(), &BTreeMap::from([("kind", "Second")]));
        let second = C::default().decode::<Tagged>(&named);
        assert!(matches!(second, Ok(Tagged::Second)), "{second:?}");
    }

    check::<MessagePack>();
    check::<Json>();
    check::<Pickle>();
}

#[test]
fn json_reads_doubles_as_they_were_written() {
    let number = 2.332_626_072_817_548e-111;
    let back: f64 = Json::default()
        .decode(&bytes(&Json::default(), &number))
        .unwrap();
    assert_eq!(back, number);
}

#[test]
fn bincode_rejects_types_that_need_a_self_describing_format() {
    let message = bytes(&Bincode::default(), &1);
    let error = Bincode::default()
        .decode::<serde_json::Value>(&message)
        .unwrap_err();
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
        address: IpAddr,
    ) -> Everything {
        Everything { id, delta, name, maybe, shapes, blob, by_name, address, unit: () }
    }
}

fn keeps<C: Codec>(value: &Everything) -> Result<(), TestCaseError> {
    let back: Everything = C::default()
        .decode(&bytes(&C::default(), value))
        .map_err(|error| TestCaseError::fail(format!("{}: {error}", C::NAME)))?;
    prop_assert_eq!(&back, value, "{}", C::NAME);
    Ok(())
}

/// Alters bytes of an encoded value, cuts it, and decodes the rest. If that succeeds, encoding and
/// decoding the value gives the same value. If it fails, the error has a message.
fn is_a_value_or_an_error<C: Codec>(
    value: &Everything,
    damages: &[(u16, u8)],
    kept: u16,
) -> Result<(), TestCaseError> {
    let codec = C::default();
    let mut message = bytes(&codec, value);
    for &(position, byte) in damages {
        let position = usize::from(position) % message.len();
        message[position] = byte;
    }
    // Half of the messages keep their whole length.
    let length = message.len();
    message.truncate(usize::from(kept) % (2 * length));
    match codec.decode::<Everything>(&message) {
        // Compared as bytes, since NaN is not equal to itself.
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
