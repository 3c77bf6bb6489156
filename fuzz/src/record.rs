//! A type that covers the data model of serde.

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use serde::{Deserialize, Serialize};

/// A record.
#[derive(Arbitrary, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Record {
    small: (u8, i8, u16, i16),
    id: u64,
    delta: i64,
    ratio: Finite,
    name: String,
    initial: Option<char>,
    on: bool,
    shapes: Vec<Shape>,
    by_name: BTreeMap<String, Option<Vec<u8>>>,
    inner: Option<Box<Self>>,
    unit: (),
}

#[derive(Arbitrary, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Shape {
    Nothing,
    Circle(Finite),
    Line(i32, u32),
    Polygon { points: Vec<(Finite, Finite)> },
}

/// A finite number: equal to itself, and representable in JSON.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
struct Finite(f64);

impl<'a> Arbitrary<'a> for Finite {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let number = f64::arbitrary(u)?;
        Ok(Self(if number.is_finite() { number } else { 0.5 }))
    }
}
