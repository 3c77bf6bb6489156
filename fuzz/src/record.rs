//! A type with a bit of everything that serde knows.

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

/// A number that is itself. JSON has no others.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
struct Finite(f64);

impl<'a> Arbitrary<'a> for Finite {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let number = f64::arbitrary(u)?;
        Ok(Self(if number.is_finite() { number } else { 0.5 }))
    }
}
