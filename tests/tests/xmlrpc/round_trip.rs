//! Values survive a round trip through CPython's reader and writer.

use farcall::xmlrpc::blocking::Client;
use farcall::{DateTime, Value};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tests::newest_python;

/// Values that CPython can send: its integers have any size, but its writer refuses those beyond 32
/// bits; its dates have no fractions or zones.
fn values() -> impl Strategy<Value = Value> {
    // Characters of XML 1.0, without the carriage return, which CPython's writer does not escape.
    let text = proptest::collection::vec(
        prop_oneof![
            Just('<'),
            Just('&'),
            Just('>'),
            Just('\n'),
            Just('\t'),
            Just(' '),
            Just(']'),
            proptest::char::range(' ', '~'),
            proptest::char::range('\u{a0}', '\u{d7ff}'),
            proptest::char::range('\u{e000}', '\u{fffd}'),
            proptest::char::range('\u{10000}', '\u{10ffff}'),
        ],
        0..20,
    )
    .prop_map(String::from_iter);
    let date = (1000..9999i32, 1..=12u8, 1..=28u8, 0..24u8, 0..60u8, 0..60u8).prop_map(
        |(year, month, day, hour, minute, second)| {
            let year = u16::try_from(year).unwrap();
            Value::DateTime(DateTime::new(year, month, day, hour, minute, second).unwrap())
        },
    );
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(|n| Value::Int(n.into())),
        any::<f64>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(Value::Double),
        text.clone().prop_map(Value::String),
        proptest::collection::vec(any::<u8>(), 0..50).prop_map(Value::Bytes),
        date,
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|members| Value::Struct(members.into_iter().collect())),
        ]
    })
}

#[test]
fn values_survive_cpython() {
    let server = newest_python().serve("server.py", &["http11"]);
    let client = Client::new(&server.url()).unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 300,
        ..ProptestConfig::default()
    });
    runner
        .run(&values(), |value| {
            let back: Value = client.call("echo", (&value,)).unwrap();
            prop_assert_eq!(back, value);
            Ok(())
        })
        .unwrap();
}
