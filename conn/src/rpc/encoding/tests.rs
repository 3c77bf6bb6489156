use std::collections::BTreeMap;

use farcall_core::protocol::Format as _;
use farcall_core::{FormatErrorKind, Value, Variadic};
use serde::{Deserialize, Serialize};

use super::*;
use crate::rpc::Stream;

const BOTH: [Encoding; 2] = [Encoding::Bincode, Encoding::MessagePack];

fn pass<A: Args, B: FromArgs>(encoding: Encoding, args: A) -> Result<B, FormatError> {
    encoding.decode_args(&encoding.params(&args)?)
}

fn passed<A: Args + FromArgs>(encoding: Encoding, args: &A) -> A {
    pass(encoding, args).unwrap()
}

fn message<A: Args, B: FromArgs + fmt::Debug>(args: A) -> String {
    message_in::<A, B>(Encoding::Bincode, args)
}

fn message_in<A: Args, B: FromArgs + fmt::Debug>(encoding: Encoding, args: A) -> String {
    let error = pass::<A, B>(encoding, args).unwrap_err();
    assert_eq!(error.kind(), FormatErrorKind::Mismatch);
    error.to_string()
}

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
enum Shape {
    Nothing,
    Circle(Point, f64),
    Polygon { points: Vec<Point> },
}

type Rest = (i8, char, String);

#[test]
fn arguments_of_all_types_arrive() {
    for encoding in BOTH {
        let point = Point { x: 1.5, y: -2.0 };
        let shape = Shape::Polygon {
            points: vec![point.clone(); 3],
        };
        let map = BTreeMap::from([("a".to_owned(), Some(1u8)), ("b".to_owned(), None)]);
        let args = (point, shape, map, (1i8, 'x', "é".to_owned()), [1u64, 2, 3]);
        let read: (Point, Shape, BTreeMap<String, Option<u8>>, Rest, [u64; 3]) =
            pass(encoding, &args).unwrap();
        assert_eq!(read, args);
        let scalars = (u128::MAX, i128::MIN, -5i16, 7u16, 1.5f32, true, ());
        let read: (u128, i128, i16, u16, f32, bool, ()) = match encoding {
            // MessagePack has no integers of 128 bits; its crate writes them as bytes.
            Encoding::MessagePack => continue,
            Encoding::Bincode => pass(encoding, scalars).unwrap(),
        };
        assert_eq!(read, scalars);
    }
}

#[test]
fn integers_are_read_as_each_other_where_they_fit() {
    for encoding in BOTH {
        let (a, b): (i64, u8) = pass(encoding, (3u32, 5i64)).unwrap();
        assert_eq!((a, b), (3, 5));
        assert!(pass::<_, (u8,)>(encoding, (256u32,)).is_err());
        assert!(pass::<_, (u8,)>(encoding, (-1i32,)).is_err());
        let (number,): (f64,) = pass(encoding, (3,)).unwrap();
        assert_eq!(number, 3.0);
    }
}

#[test]
fn a_mismatch_names_the_expected_and_the_actual_type() {
    assert_eq!(
        message::<_, (i64, i64)>((3, "five")),
        "parameter 2: expected an integer, found a string"
    );
    assert_eq!(
        message::<_, (Point,)>(((1.0, 2.0),)),
        "parameter 1: expected `Point`, a struct of 2 fields, found a tuple of 2 elements"
    );
    assert_eq!(
        message::<_, (i64,)>((1, 2)),
        "2 parameters were given, the method takes 1"
    );
    assert!(message::<_, (Vec<u8>,)>((1.5,)).contains("expected a list, found a number"));
    assert!(message::<_, (i64, i64)>((1,)).contains("2 parameters"));
    assert!(message::<_, (Value,)>((vec![1],)).contains("MessagePack"));
}

#[test]
fn both_encodings_describe_a_mismatch_alike() {
    for encoding in BOTH {
        let types = message_in::<_, (i64, u32)>(encoding, (3, "five"));
        assert_eq!(types, "parameter 2: expected an integer, found a string");
        let types = message_in::<_, (f64,)>(encoding, ("five",));
        assert_eq!(types, "parameter 1: expected a number, found a string");
        let types = message_in::<_, (String,)>(encoding, (vec![1.5],));
        assert_eq!(types, "parameter 1: expected a string, found a list");
        let count = message_in::<_, (i64, i64)>(encoding, (1, 2, 3));
        assert_eq!(count, "3 parameters were given, the method takes 2");
        let count = message_in::<_, (i64, i64)>(encoding, (1,));
        assert!(count.contains("2 parameters"), "{count}");
    }
}

/// bincode does not say of which types the parts of a value are.
#[test]
fn a_mismatch_within_a_value_names_the_kind_of_number_in_message_pack() {
    let types = message_in::<_, (Option<u8>,)>(Encoding::MessagePack, (Some("five"),));
    assert_eq!(types, "parameter 1: expected an integer, found a string");
    let types = message_in::<_, (Vec<(i64, f64)>,)>(Encoding::MessagePack, ([(5, "six")],));
    assert_eq!(types, "parameter 1: expected a number, found a string");
}

#[test]
fn an_attachment_where_a_newtype_is_expected_is_named() {
    #[derive(Deserialize, Debug)]
    struct Meters(#[expect(dead_code, reason = "only read")] f64);

    let attachment = Payload::from(vec![1, b'*', 0]);
    let error = Encoding::Bincode
        .decode_args::<(Meters,)>(&attachment)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter 1: expected `Meters`, found an object or a stream"
    );
}

#[test]
fn a_number_where_an_enum_is_expected_is_not_its_position() {
    for encoding in BOTH {
        let types = message_in::<_, (i64, Shape)>(encoding, (7, 0));
        assert!(types.starts_with("parameter 2: "), "{types}");
        assert!(types.ends_with("found an integer"), "{types}");
    }
}

#[test]
fn a_number_where_an_attachment_is_expected_is_not_its_index() {
    assert_eq!(
        message::<_, (Stream<i64>,)>((0u64,)),
        "parameter 1: expected an object or a stream, found an integer"
    );
}

#[test]
fn trailing_optional_parameters_can_be_missing() {
    for encoding in BOTH {
        let (a, b): (i64, Option<i64>) = pass(encoding, (1,)).unwrap();
        assert_eq!((a, b), (1, None));
        let (a, b): (i64, Option<i64>) = pass(encoding, (1, 2)).unwrap();
        assert_eq!((a, b), (1, Some(2)));
        let (none,): (Option<i64>,) = pass(encoding, ((),)).unwrap();
        assert_eq!(none, None);
        assert!(pass::<_, (i64,)>(encoding, (1, 2)).is_err());
        let (bytes, array): (Vec<u8>, [u8; 2]) = pass(encoding, (vec![1u8, 2], [3u8, 4])).unwrap();
        assert_eq!((bytes, array), (vec![1, 2], [3, 4]));
        let (empty,): (Vec<u8>,) = pass(encoding, (Vec::<u8>::new(),)).unwrap();
        assert!(empty.is_empty());
        let Variadic(list): Variadic<i64> = pass(encoding, (1, 2, 3)).unwrap();
        assert_eq!(list, [1, 2, 3]);
        let (a, b): (i64, i64) = pass(encoding, Variadic(vec![1, 2])).unwrap();
        assert_eq!((a, b), (1, 2));
        let () = pass(encoding, ()).unwrap();
    }
}

#[test]
fn values_of_any_type_pass_in_message_pack() {
    let value = Value::from(vec![Value::from("a"), Value::from(1i64)]);
    let (read,): (Value,) = pass(Encoding::MessagePack, (&value,)).unwrap();
    assert_eq!(read, value);
    let (read,): (Value,) = pass(Encoding::MessagePack, (vec![1u8, 2],)).unwrap();
    assert_eq!(read, Value::Bytes(vec![1, 2]));
    let (read,): (Value,) = pass(Encoding::Bincode, ("scalars do in bincode",)).unwrap();
    assert_eq!(read, Value::from("scalars do in bincode"));
}

#[test]
fn results_are_checked_as_arguments_are() {
    for encoding in BOTH {
        let reply = encoding.reply(&Shape::Nothing).unwrap();
        assert_eq!(
            encoding.decode_reply::<Shape>(&reply).unwrap(),
            Shape::Nothing
        );
        assert!(encoding.decode_reply::<i64>(&reply).is_err());
        let reply = encoding.reply(&()).unwrap();
        let () = encoding.decode_reply(&reply).unwrap();
    }
}

proptest::proptest! {
    #[test]
    fn any_arguments_that_are_written_are_read(
        numbers: (i64, u8, f64),
        text: String,
        list: Vec<Option<char>>,
        map: BTreeMap<String, Vec<u16>>,
    ) {
        let args = (numbers, text, list, map);
        for encoding in BOTH {
            proptest::prop_assert_eq!(&passed(encoding, &args), &args);
            let reply = encoding.reply(&args.3).unwrap();
            let read: BTreeMap<String, Vec<u16>> = encoding.decode_reply(&reply).unwrap();
            proptest::prop_assert_eq!(&read, &args.3);
        }
    }

    #[test]
    fn any_bytes_are_arguments_or_an_error(
        bytes: Vec<u8>,
        number: f64,
        points: Vec<(f64, f64)>,
        damage: (proptest::sample::Index, u8),
    ) {
        let point = Point { x: number, y: 0.5 };
        let points = points.into_iter().map(|(x, y)| Point { x, y }).collect();
        let circle = Shape::Circle(point.clone(), number);
        let args = (point, vec![Shape::Nothing, circle, Shape::Polygon { points }]);
        for encoding in BOTH {
            let mut damaged = encoding.params(&args).unwrap().as_slice().to_vec();
            let place = damage.0.index(damaged.len());
            damaged[place] = damage.1;
            for bytes in [&bytes, &damaged] {
                let payload = Payload::from(bytes.clone());
                if let Ok(read) = encoding.decode_args::<(Point, Vec<Shape>)>(&payload) {
                    let written = encoding.params(&read).unwrap();
                    let again: (Point, Vec<Shape>) = encoding.decode_args(&written).unwrap();
                    let anew = encoding.params(&again).unwrap();
                    proptest::prop_assert_eq!(anew.as_slice(), written.as_slice());
                }
                let _ = encoding.decode_args::<Variadic<Value>>(&payload);
                let _ = encoding.decode_reply::<Vec<String>>(&payload);
            }
        }
    }
}
