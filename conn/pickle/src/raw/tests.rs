use bytes::Bytes;

use super::*;
use crate::{Class, Object, Value, from_slice, to_vec};

fn read(message: &[u8]) -> RawMessage {
    RawMessage::read(&Pickle::default(), Bytes::copy_from_slice(message)).unwrap()
}

fn parts(message: &[u8]) -> Vec<RawValue> {
    let message = read(message);
    let parts = message.parts(message.root()).unwrap().unwrap();
    parts
        .into_iter()
        .map(|part| message.value(part).unwrap())
        .collect()
}

fn decoded(raw: &RawValue) -> Value {
    raw.decode(&Pickle::default()).unwrap()
}

#[test]
fn values_move_between_messages() {
    // pickle.dumps(('1a2b', 'put', ({'a': [1, (2, None)]},), {}))
    let message = b"\x80\x04\x95\x2b\0\0\0\0\0\0\0(\x8c\x041a2b\x94\x8c\x03put\x94}\x94\x8c\x01a\
        \x94]\x94(K\x01K\x02N\x86\x94es\x85\x94}\x94t\x94.";
    let found = parts(message);
    assert_eq!(found.len(), 4);
    assert_eq!(found[0].as_str(), Some("1a2b"));
    assert_eq!(found[1].as_str(), Some("put"));
    let arguments = found[2].parts().unwrap().unwrap();
    assert_eq!(arguments.len(), 1);
    assert!(arguments[0].is_dict() && !arguments[0].is_list());
    assert_eq!(arguments[0].code(), b"}\x8c\x01a](K\x01K\x02N\x86es");
    let reply = to_vec(&("#RETURN", &arguments[0])).unwrap();
    let (_, value): (String, Value) = from_slice(&reply).unwrap();
    assert_eq!(value.to_string(), "{'a': [1, (2, None)]}");
    assert_eq!(found[3].parts().unwrap(), Some(vec![]));
}

#[test]
fn a_text_is_no_longer_than_it_says() {
    let message = read(b"\x80\x04\x8c\x01a.");
    assert_eq!(message.as_str(message.root()), Some("a"));
    let message = read(b"\x80\x04X\x01\0\0\0a.");
    assert_eq!(message.as_str(message.root()), Some("a"));
    // 'a', to which 'b' is applied by BUILD, whose code is that of a letter.
    let message = read(b"\x80\x04\x8c\x01a\x8c\x01bb.");
    assert_eq!(message.as_str(message.root()), None);
    assert_eq!(message.value(message.root()).unwrap().as_str(), None);
}

#[test]
fn constants_are_those_of_the_encoder() {
    assert_eq!(RawValue::none(), RawValue::of(&()).unwrap());
    for value in [true, false] {
        assert_eq!(RawValue::from(value), RawValue::of(&value).unwrap());
    }
}

#[test]
fn values_of_one_opcode_are_taken_out_as_they_are() {
    let values = (7, 70_000, -1, 0.5, "text", vec![1, 2], (), true);
    let found = parts(&to_vec(&values).unwrap());
    let codes: Vec<Vec<u8>> = found.iter().map(|value| value.code().to_vec()).collect();
    assert_eq!(codes[0], b"K\x07");
    assert_eq!(codes[4], b"\x8c\x04text");
    assert_eq!(codes[6..], [b"N".to_vec(), b"\x88".to_vec()]);
    assert!(!found.iter().any(RawValue::has_classes));
    let class = parts(b"\x80\x03cbuiltins\nint\n\x85.");
    assert!(class[0].has_classes());
    // A large one shares the bytes of its message.
    let text = "x".repeat(100_000);
    let message = read(&to_vec(&(&text,)).unwrap());
    let part = message.parts(message.root()).unwrap().unwrap()[0];
    let value = message.value(part).unwrap();
    assert_eq!(value.as_str(), Some(&*text));
    assert_eq!(
        value.code().as_ptr(),
        message.message[part.start..].as_ptr()
    );
}

#[test]
fn references_within_a_value_are_renumbered() {
    // x = []; pickle.dumps(('a', [x, x], [x]))
    let message = b"\x80\x04\x8c\x01a\x94]\x94(]\x94h\x02e]\x94h\x02a\x87\x94.";
    let whole = read(message);
    let found = whole.parts(whole.root()).unwrap().unwrap();
    let pair = whole.value(found[1]).unwrap();
    assert_eq!(pair.code(), b"](]r\0\0\0\0j\0\0\0\0e");
    let error = whole.value(found[2]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Structure);
    // Twice in one message, behind a class that is in the memo.
    let class = Value::Class(Class::from("app.Point"));
    let both: (Value, Value, Value) =
        from_slice(&to_vec(&(&class, &pair, &pair)).unwrap()).unwrap();
    assert_eq!(both.0, class);
    assert_eq!(both.1.to_string(), "[[], []]");
    assert_eq!(both.2.to_string(), "[[], []]");
    assert!(matches!(&both.2.as_list().unwrap()[0], Value::Shared(_)));
}

#[test]
fn texts_and_classes_outside_of_a_value_are_copied() {
    // pickle.dumps(('put', ('put', 'put'), …)): the same text, which Python interns.
    let message = b"\x80\x04\x8c\x03put\x94h\0h\0\x86\x94\x86\x94.";
    let found = parts(message);
    assert_eq!(found[1].code(), b"\x8c\x03put\x8c\x03put\x86");
    // Two instances of one class.
    let point = |x: i64| Value::from(Object::new("app.Point").with_args([x.into()]));
    let message = to_vec(&(point(1), point(2))).unwrap();
    let found = parts(&message);
    assert!(found[1].has_classes());
    assert_eq!(decoded(&found[1]).to_string(), "app.Point(2)");
}

#[test]
fn large_values_share_the_bytes_of_their_message() {
    let long = serde_bytes::Bytes::new(&[7; 100_000]);
    let message = Bytes::from(to_vec(&("put", (long,))).unwrap());
    let whole = RawMessage::read(&Pickle::default(), message.clone()).unwrap();
    let arguments = whole.parts(whole.root()).unwrap().unwrap()[1];
    let argument = whole.parts(arguments).unwrap().unwrap()[0];
    let value = whole.value(argument).unwrap();
    assert!(message.as_ptr_range().contains(&value.code().as_ptr()));
}

#[test]
fn small_values_are_read_without_decoding() {
    for (value, number) in [
        (Value::from(5), Some(5)),
        (Value::from(-70_000), Some(-70_000)),
        (true.into(), Some(1)),
        (300.into(), Some(300)),
        (1.5.into(), None),
    ] {
        assert_eq!(RawValue::of(&value).unwrap().as_i32(), number);
    }
    assert!(RawValue::of(&()).unwrap().is_none());
    assert_eq!(RawValue::of("é").unwrap().as_str(), Some("é"));
}

#[test]
fn malformed_pickles_are_errors() {
    for message in [
        &b"\x80\x04.."[..],
        b"\x80\x04.",
        b"\x80\x04N",
        b"\x80\x04NN.",
        b"\x80\x04(N.",
        b"\x80\x04\x85.",
        b"\x80\x04e.",
        b"\x80\x04(e.",
        b"\x80\x04N(Ne.(",
        b"\x80\x04h\0.",
        b"\x80\x04Nr\xff\xff\xff\xff.",
        b"\x80\x04\x8c\x05abc.",
        b"\x80\x04N0N.",
        b"\x80\x02N.",
        b"N.",
        b"\x80\x04N(a.",
        b"",
    ] {
        let read = RawMessage::read(&Pickle::default(), Bytes::copy_from_slice(message));
        assert!(read.is_err(), "{message:?}");
    }
    let few = Pickle::default().max_values(10);
    let message = to_vec(&vec![(); 20]).unwrap();
    let error = RawMessage::read(&few, message.into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
}

#[test]
fn a_text_that_is_used_very_often_is_not_copied_as_often() {
    let mut message = b"\x80\x04X\xe8\x03\0\0".to_vec();
    message.extend([b'x'; 1000]);
    message.extend(b"\x94(");
    message.extend(b"h\0".repeat(10_000));
    message.extend(b"t\x86.");
    let whole = read(&message);
    let uses = whole.parts(whole.root()).unwrap().unwrap()[1];
    assert_eq!(whole.value(uses).unwrap_err().kind(), ErrorKind::Limit);
}
