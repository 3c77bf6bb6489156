//! Tests of the forms of instances and collections, and of the text forms of protocol 0.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::*;
use crate::ErrorKind::{Limit, Mismatch, Syntax};
use crate::{Date, DateTime, Decimal, Value, Zone, pickle};

fn ops<T: Serialize + ?Sized>(value: &T) -> String {
    let message = write(value);
    message[2..message.len() - 1].escape_ascii().to_string()
}

#[test]
fn collections_have_their_opcodes() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Collections {
        #[serde(with = "crate::set")]
        set: Option<BTreeSet<u8>>,
        #[serde(with = "crate::deque")]
        deque: Vec<u8>,
        #[serde(with = "crate::ordered_dict")]
        ordered: BTreeMap<u8, u8>,
        #[serde(with = "crate::counter")]
        counter: BTreeMap<u8, u8>,
        #[serde(with = "crate::tuple")]
        tuple: Vec<Value>,
    }

    let collections = Collections {
        set: Some(BTreeSet::from([1, 2])),
        deque: vec![3],
        ordered: BTreeMap::from([(4, 5)]),
        counter: BTreeMap::new(),
        tuple: vec![6.into(), "x".into()],
    };
    let message = write(&collections);
    assert_eq!(read::<Collections>(&message).unwrap(), collections);
    let value: Value = read(&message).unwrap();
    assert_eq!(
        value.to_string(),
        "{'set': {1, 2}, 'deque': collections.deque([3]), \
         'ordered': collections.OrderedDict({4: 5}), 'counter': collections.Counter({}), \
         'tuple': (6, 'x')}"
    );
    #[derive(Serialize)]
    struct Wrong(#[serde(with = "crate::set")] bool);
    let error = Pickle::default().to_vec(&Wrong(true)).unwrap_err();
    assert!(error.to_string().contains("another type"), "{error}");
}

#[pickle(class = "app.Slotted", form = "slots")]
#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Slotted {
    x: u8,
}

#[pickle(class = "app.Listed", form = "fields")]
#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Listed {
    x: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<u8>,
}

#[pickle(class = "app.Called", form = "call")]
#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Called {
    x: u8,
}

#[pickle]
#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Event {
    #[pickle(class = "app.Slotted", form = "content")]
    Slotted(Slotted),
    #[pickle(class = "app.Started", form = "call")]
    Started,
    #[pickle(class = "app.Moved")]
    Moved(u8, u8),
    #[pickle(class = "app.Stopped")]
    Stopped {
        at: u8,
    },
    Plain(u8),
}

#[pickle(class = "app:Outer.Colour")]
#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Colour {
    Red = 1,
    #[pickle(value = "green")]
    Green,
}

#[test]
fn instances_have_the_opcodes_of_their_form() {
    for (value, expected) in [
        (
            ops(&Slotted { x: 1 }),
            r"\x8c\x03app\x8c\x07Slotted\x93\x94)\x81N}(\x8c\x01xK\x01u\x86b",
        ),
        (
            ops(&Listed { x: 1, y: Some(2) }),
            r"\x8c\x03app\x8c\x06Listed\x93\x94)\x81](K\x01K\x02eb",
        ),
        (
            ops(&Called { x: 1 }),
            r"\x8c\x03app\x8c\x06Called\x93\x94K\x01\x85R",
        ),
        (
            ops(&Event::Started),
            r"\x8c\x03app\x8c\x07Started\x93\x94)R",
        ),
        (
            ops(&Colour::Red),
            r"\x8c\x03app\x8c\x10Outer.Colour.Red\x93\x94",
        ),
    ] {
        assert_eq!(value, expected);
    }
    for event in [
        Event::Slotted(Slotted { x: 1 }),
        Event::Started,
        Event::Moved(1, 2),
        Event::Stopped { at: 3 },
        Event::Plain(4),
    ] {
        assert_eq!(read::<Event>(&write(&event)).unwrap(), event);
    }
    let skipped = Pickle::default()
        .to_vec(&Listed { x: 1, y: None })
        .unwrap_err();
    assert!(
        skipped
            .to_string()
            .contains("the field y cannot be skipped"),
        "{skipped}"
    );
    // A value, the name, and the member in protocols 2 and 3.
    for ops in [
        &b"capp\nOuter.Colour\n\x8c\x05green\x85R"[..],
        b"capp\nOuter.Colour.Green\n",
        b"cbuiltins\ngetattr\n(cbuiltins\ngetattr\n(capp\nOuter\n\x8c\x06ColourtR\x8c\x05GreentR",
        b"\x8c\x05Green",
    ] {
        assert_eq!(read_ops::<Colour>(ops).unwrap(), Colour::Green);
    }
    assert_eq!(
        read_ops::<Colour>(b"capp\nOuter.Colour\nK\x01\x85R").unwrap(),
        Colour::Red
    );
    let error = read_ops::<Colour>(b"capp\nOuter.Colour\nK\x07\x85R").unwrap_err();
    assert!(error.to_string().contains("no variant \"7\""), "{error}");
}

#[test]
fn dates_with_impossible_states_are_errors() {
    for ops in [
        &b"cdatetime\ndate\nC\x04\x07\xe8\x02\x1e\x85R"[..],
        b"cdatetime\ndate\nC\x03\x07\xe8\x02\x85R",
        b"cdatetime\ndate\nK\x01\x85R",
        b"cdatetime\ndate\n)R",
    ] {
        let error = read_ops::<Date>(ops).unwrap_err();
        assert_eq!(error.kind(), Mismatch, "{error}");
        assert!(
            error.to_string().starts_with("expected datetime.date") || error.position().is_some()
        );
    }
    let day = b"cdatetime\ndatetime\nC\x0a\x07\xe8\x02\x1d\x18\0\0\0\0\0\x85R";
    assert!(read_ops::<DateTime>(day).is_err(), "the hour is 24");
    assert!(
        read_ops::<Zone>(b"cdatetime\ntimezone\ncdatetime\ntimedelta\nK\x02K\0K\0\x87R\x85R")
            .is_err()
    );
    let leap: Result<DateTime, _> = "2016-12-31T23:59:60".parse();
    assert!(leap.is_err());
    for text in ["", ".", "1e", "1.2.3", "x", "--1", "infinit", "nanx", "1_0"] {
        assert!(text.parse::<Decimal>().is_err(), "{text}");
    }
    for text in [
        "1", "-1.", ".5", "1e5", "+1.5E-10", "Infinity", "-sNaN12", "nan",
    ] {
        assert!(text.parse::<Decimal>().is_ok(), "{text}");
    }
}

#[test]
fn protocol_0_is_read() {
    let text = read::<Value>(
        b"(lp0\nI1\naL12345678901234567890L\naF1.5\naV\\u20ac\xe9\np1\nag1\naI01\na.",
    );
    assert_eq!(
        text.unwrap().to_string(),
        "[1, 12345678901234567890, 1.5, '\u{20ac}\u{e9}', '\u{20ac}\u{e9}', True]"
    );
    let bytes = read::<Value>(b"c_codecs\nencode\n(V\xff\nVlatin1\ntR.").unwrap();
    assert_eq!(bytes, Value::Bytes(vec![255]));
    let instance =
        b"ccopy_reg\n_reconstructor\n(capp\nSlotted\nc__builtin__\nobject\nNtR(dVx\nI1\nsb.";
    assert_eq!(read::<Slotted>(instance).unwrap(), Slotted { x: 1 });
    let digits = [&b"L"[..], &b"9".repeat(5000), b"L\n."].concat();
    assert_eq!(read::<Value>(&digits).unwrap_err().kind(), Limit);
    assert_eq!(read::<Value>(b"F1.x\n.").unwrap_err().kind(), Syntax);
    assert!(read::<Value>(b"V\\u12\n.").is_err());
}
