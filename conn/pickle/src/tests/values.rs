//! Tests of `Value`.

use std::sync::Arc;

use num_bigint::BigInt;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::ErrorKind;
use crate::{Class, Construction, Object, Value};

#[test]
fn pickles_of_python_3() {
    let value: Value = read(&bytes(PYTHON_3)).unwrap();
    assert_eq!(
        value.to_string(),
        "{'a': [1, -2, 300, 70000, 1099511627776, 1180591620717411303424, 1.5, None, True], \
         'b': ('x', b'y', bytearray(b'z'), {1}, frozenset({2})), 's': [[1, 'x'], [1, 'x']], \
         'e': ValueError('no', 3), 'd': datetime.date(b'\\x07\\xe4\\x01\\x02'), \
         'o': collections.OrderedDict({'a': 1})}"
    );
    assert!(matches!(value["a"].as_list().unwrap()[5], Value::BigInt(_)));
    let Value::Shared(first) = &value["s"][0] else {
        panic!("the value is not shared")
    };
    assert!(matches!(&value["s"][1], Value::Shared(second) if Arc::ptr_eq(first, second)));
    let error = value["e"].as_object().unwrap();
    assert_eq!(error.class(), Some(&"ValueError".into()));
    assert_eq!(error.construction(), Construction::Call);
    assert_eq!(error.args(), [Value::from("no"), 3.into()]);
    assert_eq!(value["o"]["a"], 1_i64);
    let object = value["o"].as_object().unwrap();
    assert_eq!(object.class().map(Class::name), Some("OrderedDict"));
}

#[test]
fn protocol_2_is_read_like_newer_protocols() {
    let old: Value = read(&bytes(PROTOCOL_2)).unwrap();
    let new: Value = read(&bytes(PYTHON_3)).unwrap();
    for key in ["a", "s", "e", "d", "o"] {
        assert_eq!(old[key], new[key]);
    }
    assert_eq!(old["b"][1], Value::Bytes(b"y\xff".to_vec()));
    assert_eq!(old["b"][2], Value::ByteArray(b"z\xfe".to_vec()));
    assert_eq!(old["b"][3], Value::Set(vec![1.into()]));
    assert_eq!(old["b"][4], Value::FrozenSet(vec![2.into()]));
    assert_eq!(old["c"], Value::Complex(1.0, 2.0));
    assert_eq!(old["r"].to_string(), "range(0, 3, 1)");
}

#[test]
fn pickles_of_python_2() {
    let value: Value = read(&bytes(PYTHON_2)).unwrap();
    assert_eq!(value["a"][1], 1_i64 << 40);
    assert_eq!(value["b"], "é");
    assert_eq!(value["raw"], Value::Bytes(vec![0xff]));
    assert_eq!(value["e"].to_string(), "ValueError('no')");
    assert_eq!(value["t"][1].as_set(), Some(&[1.into()][..]));
    assert_eq!(value["x"].to_string(), "range(0, 3, 1)");
}

#[test]
fn nothing_is_called() {
    let value: Value = read_ops(b"cos\nsystem\n\x8c\x08rm -rf /\x85R").unwrap();
    assert_eq!(value.to_string(), "os.system('rm -rf /')");
}

#[test]
fn instances_keep_all_their_parts() {
    let whole = Value::from(
        Object::new("app:Outer.Inner")
            .with_args([1.into(), Value::Tuple(vec![])])
            .with_kwargs([("k".into(), 2.into())])
            .with_items([3.into()])
            .with_entries([(4.into(), 5.into())])
            .with_state(Value::dict([("x", 6)])),
    );
    let called = Value::from(Object::call("app.make"));
    for value in [whole, called] {
        let message = write(&value);
        assert_eq!(read::<Value>(&message).unwrap(), value);
    }
    let odd = Value::from(Object::call("app.make").with_kwargs([("k".into(), 2.into())]));
    let error = Pickle::default().encode(&odd, &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unrepresentable);
}

#[test]
fn attributes_are_found_in_slots_too() {
    let slots = (Value::dict([("x", 1)]), Value::dict([("y", 2)]));
    let object = Object::new("app.Point").with_state(slots);
    assert_eq!(object.attribute("x").and_then(Value::as_i64), Some(1));
    assert_eq!(object.attribute("y").and_then(Value::as_i64), Some(2));
    assert_eq!(object.attribute("z"), None);
}

#[test]
fn sharing_survives_every_codec() {
    let leaf = Value::Shared(Arc::new(Value::List(vec![])));
    let inner = Value::Shared(Arc::new(Value::List(vec![leaf.clone(), leaf.clone()])));
    let value = Value::List(vec![inner.clone(), inner, leaf]);
    let expected = b"\x80\x04](](]\x94h\x00e\x94h\x01h\x00e.";
    assert_eq!(hex(&write(&value)), hex(expected));

    let json = serde_json::to_string(&value).unwrap();
    assert_eq!(
        json,
        r#"{"List":[{"Shared":{"List":[{"Shared":{"List":[]}},{"Reference":1}]}},{"Reference":0},{"Reference":1}]}"#
    );
    let binary = bincode::serde::encode_to_vec(&value, bincode::config::standard()).unwrap();
    let (from_binary, _) =
        bincode::serde::decode_from_slice(&binary, bincode::config::standard()).unwrap();
    for back in [
        read(&write(&value)).unwrap(),
        serde_json::from_str(&json).unwrap(),
        from_binary,
    ] {
        let back: Value = back;
        assert_eq!(back, value);
        let Value::Shared(a) = &back[2] else {
            panic!("{back}")
        };
        let Value::Shared(b) = &back[0][0] else {
            panic!("{back}")
        };
        assert!(Arc::ptr_eq(a, b));
    }
}

#[test]
fn long_texts_are_shared_and_short_ones_copied() {
    let long = "x".repeat(65);
    let ops = [b"(\x8c\x41", long.as_bytes(), b"\x94h\0\x8c\x01y\x94h\x01t"].concat();
    let value: Value = read_ops(&ops).unwrap();
    assert!(matches!(&value[1], Value::Shared(_)));
    assert!(matches!(&value[3], Value::Str(_)));
    assert_eq!(value[1].as_str(), Some(&*long));
    assert_eq!(write(&value).len(), 2 + 1 + 2 + 65 + 1 + 2 + 2 * 3 + 1 + 1);
}

#[test]
fn values_within_other_types() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Record {
        id: u32,
        extra: Value,
        more: Vec<Value>,
    }
    let shared = Value::Shared(Arc::new(Value::Set(vec![1.into()])));
    let record = Record {
        id: 1,
        extra: (shared.clone(), shared.clone()).into(),
        more: vec![Value::None, Value::Complex(0.0, 1.0), shared],
    };
    assert_eq!(read::<Record>(&write(&record)).unwrap(), record);
    let json = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
}

#[test]
fn hostile_values_of_other_codecs_are_errors() {
    for json in [
        r#"{"Reference":0}"#,
        r#"{"Shared":{"List":[{"Reference":0}]}}"#,
        r#"{"Shared":{"Shared":"None"}}"#,
        r#"{"Object":[{"List":[]}]}"#,
    ] {
        assert!(serde_json::from_str::<Value>(json).is_err(), "{json}");
    }
    // Nested lists of one element in bincode: the tag of a list, one element, and so on.
    let endless = [10, 1].repeat(1 << 20);
    let config = bincode::config::standard();
    let error = bincode::serde::decode_from_slice::<Value, _>(&endless, config).unwrap_err();
    assert!(error.to_string().contains("255 deep"), "{error}");
    // Each shared value is shallow, but contains the one before it: together they are deep.
    let mut chain = vec![10, 250];
    chain.extend([18, 10, 0]);
    for number in 0..249 {
        chain.extend([18]);
        chain.extend([10, 1].repeat(100));
        chain.extend([19, number]);
    }
    let error = bincode::serde::decode_from_slice::<Value, _>(&chain, config).unwrap_err();
    assert!(error.to_string().contains("255 deep"), "{error}");
}

#[test]
fn get_takes_keys_of_any_kind() {
    let value = Value::Dict(vec![
        ((1, 2).into(), "tuple".into()),
        (7.into(), "number".into()),
        ("name".into(), "text".into()),
    ]);
    assert_eq!(value.get(&Value::from((1, 2))).unwrap(), "tuple");
    assert_eq!(value.get(&7_i64).unwrap(), "number");
    assert_eq!(value.get("name").unwrap(), "text");
    assert_eq!(value.get("other"), None);
    assert_eq!(value[0], Value::None);
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i128>().prop_map(Value::from),
        any::<Vec<u8>>().prop_map(|bytes| BigInt::from_signed_bytes_le(&bytes).into()),
        any::<f64>().prop_map(Value::from),
        any::<(f64, f64)>().prop_map(|(real, imaginary)| Value::Complex(real, imaginary)),
        any::<String>().prop_map(Value::from),
        any::<(String, u8)>().prop_map(|(text, low)| {
            Value::SurrogateStr([text.as_bytes(), &[0xed, 0xa0 | low & 0x1f, 0x80]].concat())
        }),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        any::<Vec<u8>>().prop_map(Value::ByteArray),
        any::<(String, String)>().prop_map(|(module, name)| Class::new(module, name).into()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(5, 64, 8, |inner| {
        let list = || prop::collection::vec(inner.clone(), 0..5);
        let entries = || prop::collection::vec((inner.clone(), inner.clone()), 0..4);
        prop_oneof![
            list().prop_map(Value::List),
            list().prop_map(Value::Tuple),
            list().prop_map(Value::Set),
            list().prop_map(Value::FrozenSet),
            entries().prop_map(Value::Dict),
            (
                list(),
                entries(),
                list(),
                entries(),
                prop::option::of(inner.clone())
            )
                .prop_map(|(args, kwargs, items, entries, state)| {
                    let object = Object::new("app.Thing").with_args(args).with_kwargs(kwargs);
                    let object = object.with_items(items).with_entries(entries);
                    match state {
                        Some(state) => object.with_state(state).into(),
                        None => object.into(),
                    }
                }),
            // `[x]` instead of `x`, which may be shared already.
            inner.clone().prop_map(|value| {
                let shared = Value::Shared(Arc::new(Value::List(vec![value])));
                Value::List(vec![shared.clone(), shared])
            }),
        ]
    })
}

proptest! {
    #[test]
    fn random_values_come_back(value in value()) {
        let message = write(&value);
        let back: Value = read(&message).unwrap();
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(write(&back), message);
        let config = bincode::config::standard();
        let binary = bincode::serde::encode_to_vec(&value, config).unwrap();
        let (back, _) = bincode::serde::decode_from_slice::<Value, _>(&binary, config).unwrap();
        prop_assert_eq!(back, value);
    }
}

#[test]
fn bytes_do_not_become_a_list_of_integers() {
    assert_eq!(Value::from(vec![1u8, 2]), Value::Bytes(vec![1, 2]));
    assert_eq!(Value::from(&[1u8, 2][..]), Value::Bytes(vec![1, 2]));
    assert_eq!(Value::from(vec![1u16]), Value::List(vec![1.into()]));
    assert_eq!(Value::from(Some(1)), Value::from(1));
    assert_eq!(Value::from(None::<i32>), Value::None);
}

#[test]
fn numbers_and_bytes_are_taken_from_values_of_their_types() {
    assert_eq!(Value::from(0.5).as_f64(), Some(0.5));
    assert_eq!(Value::from(2).as_f64(), Some(2.0));
    assert_eq!(Value::from("2").as_f64(), None);
    assert_eq!(Value::Bytes(vec![2, 3]).as_bytes(), Some(&[2, 3][..]));
    assert_eq!(Value::ByteArray(vec![2]).as_bytes(), Some(&[2][..]));
    assert_eq!(Value::from("2").as_bytes(), None);
}

#[test]
fn lists_are_equal_if_all_their_elements_are() {
    let list = |numbers: &[u16]| Value::from(numbers.to_vec());
    assert_eq!(list(&[1, 2]), list(&[1, 2]));
    assert_ne!(list(&[1, 2]), list(&[1, 3]));
    assert_ne!(list(&[1, 2]), list(&[1]));
}

#[test]
fn types_with_a_text_for_people_are_pickled_in_their_other_form() {
    let address = std::net::IpAddr::from([192, 0, 2, 1]);
    let read: std::net::IpAddr = read(&write(&address)).unwrap();
    assert_eq!(read, address);
}

#[test]
fn views_of_dicts_are_lists() {
    // list([1, 2]), which `multiprocessing.managers.rebuild_as_list` makes of them.
    let pickle = b"\x80\x04\x8c\x08builtins\x8c\x04list\x93](K\x01K\x02e\x85R.";
    assert_eq!(crate::from_slice::<Vec<i64>>(pickle).unwrap(), [1, 2]);
    // list(range) is none.
    let other = b"\x80\x04\x8c\x08builtins\x8c\x04list\x93K\x01\x85R.";
    assert!(crate::from_slice::<Vec<i64>>(other).is_err());
}
