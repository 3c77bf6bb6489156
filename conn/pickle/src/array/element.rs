//! Types of the elements of an array, and numbers in their bytes.

use std::borrow::Cow;
use std::fmt;

use bytemuck::Pod;
use serde::de::value::SeqDeserializer;
use serde::de::{Error as _, Visitor};

use crate::error::Error;

/// The type of the elements of an array: its kind, its size and its byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ElementType {
    /// As in numpy: `b` for booleans, `i`, `u`, `f`, and `c` for complex numbers.
    kind: u8,
    size: u8,
    big_endian: bool,
}

/// Returns the element type with this byte order and code of numpy, such as `<` and `f8`. Returns
/// `None` if it is not a type of numbers that Rust has.
pub(crate) fn element_type(order: &str, code: &str) -> Option<ElementType> {
    let (kind, size) = code.split_at_checked(1)?;
    let (kind, size) = (*kind.as_bytes().first()?, size.parse().ok()?);
    let fits = match kind {
        b'b' => size == 1,
        b'i' | b'u' => matches!(size, 1 | 2 | 4 | 8),
        b'f' => matches!(size, 2 | 4 | 8),
        b'c' => matches!(size, 8 | 16),
        _ => false,
    };
    let big_endian = match order {
        ">" | "!" => true,
        "<" => false,
        "|" | "=" => cfg!(target_endian = "big"),
        _ => return None,
    };
    fits.then_some(ElementType {
        kind,
        size,
        big_endian,
    })
}

/// Kinds of the machine formats of `array.array`, whose number is twice this index, plus 1 in big
/// endian: `array_format` in CPython's `arraymodule.c`. The first two have one byte.
const FORMATS: [(u8, u8, char); 8] = [
    (b'u', 2, 'H'),
    (b'i', 2, 'h'),
    (b'u', 4, 'I'),
    (b'i', 4, 'i'),
    (b'u', 8, 'Q'),
    (b'i', 8, 'q'),
    (b'f', 4, 'f'),
    (b'f', 8, 'd'),
];

/// Returns the type code and the machine format of an `array.array` with elements of this type,
/// such as `<f8`.
pub(crate) fn type_code(text: &str) -> Option<(char, u8)> {
    let (order, code) = text.split_at_checked(1)?;
    let element = element_type(order, code)?;
    match (element.kind, element.size) {
        (b'u', 1) => return Some(('B', 0)),
        (b'i', 1) => return Some(('b', 1)),
        _ => {}
    }
    let mut formats = FORMATS.iter().zip(0..);
    let found = formats.find(|((kind, size, _), _)| (*kind, *size) == (element.kind, element.size));
    found.map(|((_, _, code), index)| (*code, 2 + 2 * index + u8::from(element.big_endian)))
}

impl ElementType {
    pub(crate) const fn size(self) -> usize {
        self.size as usize
    }

    pub(crate) fn of_machine_format(format: i64) -> Option<Self> {
        let format = u8::try_from(format).ok()?;
        let (kind, size) = match format {
            0 => (b'u', 1),
            1 => (b'i', 1),
            _ => {
                let (kind, size, _) = FORMATS.get(usize::from((format - 2) / 2))?;
                (*kind, *size)
            }
        };
        Some(Self {
            kind,
            size,
            big_endian: format >= 2 && format % 2 == 1,
        })
    }

    /// Returns the type of the numbers of an `array.array` that is pickled as a list. `l` and `L`
    /// are read as 64 bits, which every platform has room in.
    pub(crate) fn of_type_code(code: &str) -> Option<Self> {
        let (kind, size) = match code {
            "b" => (b'i', 1),
            "B" => (b'u', 1),
            "l" => (b'i', 8),
            "L" => (b'u', 8),
            code => {
                let mut formats = FORMATS.iter();
                let (kind, size, _) = formats.find(|format| code.chars().eq([format.2]))?;
                (*kind, *size)
            }
        };
        Some(Self {
            kind,
            size,
            big_endian: false,
        })
    }

    /// Appends an integer in this type. Returns `false` if it does not fit.
    pub(crate) fn store_int(self, number: i128, bytes: &mut Vec<u8>) -> bool {
        let bits = u32::from(self.size) * 8;
        let fits = match self.kind {
            b'i' => number >> (bits - 1) == 0 || number >> (bits - 1) == -1,
            b'u' => number >> bits == 0,
            b'f' => return self.store_float(number as f64, bytes),
            _ => false,
        };
        if fits {
            bytes.extend_from_slice(&number.to_le_bytes()[..self.size()]);
        }
        fits
    }

    /// Appends a floating-point number in this type. Returns `false` if it does not fit.
    pub(crate) fn store_float(self, number: f64, bytes: &mut Vec<u8>) -> bool {
        match (self.kind, self.size) {
            (b'f', 8) => bytes.extend_from_slice(&number.to_le_bytes()),
            (b'f', 4) => bytes.extend_from_slice(&(number as f32).to_le_bytes()),
            _ => return false,
        }
        true
    }

    /// Passes the number in these bytes to the visitor.
    pub(crate) fn visit<'de, V: Visitor<'de>>(
        self,
        bytes: &[u8],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut number = [0; 16];
        let Some(slot) = number.get_mut(..bytes.len()) else {
            return Err(Error::custom("a number has more than 16 bytes"));
        };
        slot.copy_from_slice(bytes);
        if self.big_endian {
            // The parts of a complex number are in their order, each with its bytes reversed.
            slot.chunks_mut(self.part_size()).for_each(<[u8]>::reverse);
        }
        let [low, high] = [0, 8].map(|at| {
            let mut part = [0; 8];
            part.copy_from_slice(&number[at..at + 8]);
            u64::from_le_bytes(part)
        });
        match (self.kind, self.size) {
            (b'b', _) => visitor.visit_bool(low != 0),
            (b'i', size) => {
                let unused = 64 - u32::from(size) * 8;
                visitor.visit_i64((low << unused) as i64 >> unused)
            }
            (b'u', _) => visitor.visit_u64(low),
            (b'f', 2) => visitor.visit_f64(half(low as u16)),
            (b'f', 4) => visitor.visit_f64(f32::from_bits(low as u32).into()),
            (b'f', _) => visitor.visit_f64(f64::from_bits(low)),
            (_, 8) => {
                let parts = [low as u32, (low >> 32) as u32];
                let parts = parts.map(|bits| f64::from(f32::from_bits(bits)));
                visitor.visit_seq(SeqDeserializer::new(parts.into_iter()))
            }
            _ => {
                let parts = [low, high].map(f64::from_bits);
                visitor.visit_seq(SeqDeserializer::new(parts.into_iter()))
            }
        }
    }

    /// Returns the bytes of a number, or of each part of a complex one.
    const fn part_size(self) -> usize {
        match self.kind {
            b'c' => self.size() / 2,
            _ => self.size(),
        }
    }
}

/// Displays the type as numpy does: `<f8`.
impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match (self.size, self.big_endian) {
            (1, _) => '|',
            (_, true) => '>',
            (_, false) => '<',
        };
        write!(f, "{order}{}{}", char::from(self.kind), self.size)
    }
}

/// Returns the value of a floating-point number of 16 bits.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    }
}

/// A type of the elements of an [`Array`](super::Array): a number, a `bool`, an [`F16`], or the two
/// parts of a complex number.
///
/// Programs need not implement it: numpy has no other types of numbers.
pub trait Element: Copy + 'static {
    /// The type of numpy, without its byte order: `f8`.
    const CODE: &'static str;

    /// Returns the elements in these bytes, whose length is a multiple of their size.
    fn of_bytes(bytes: &[u8], big_endian: bool) -> Vec<Self>;

    /// Returns the bytes of the elements, in little endian.
    fn to_bytes(elements: &[Self]) -> Cow<'_, [u8]>;
}

/// A floating-point number of 16 bits, numpy's `float16`, as its bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct F16(pub u16);

impl From<F16> for f32 {
    fn from(number: F16) -> Self {
        half(number.0) as Self
    }
}

impl From<F16> for f64 {
    fn from(number: F16) -> Self {
        half(number.0)
    }
}

/// Copies the elements once, and then reverses their bytes in place if they are in the other order.
fn copied<T: Pod>(bytes: &[u8], part: usize, big_endian: bool) -> Vec<T> {
    let mut elements: Vec<T> = bytemuck::pod_collect_to_vec(bytes);
    if big_endian != cfg!(target_endian = "big") {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut elements);
        bytes.chunks_exact_mut(part).for_each(<[u8]>::reverse);
    }
    elements
}

fn viewed<T: Pod>(elements: &[T], part: usize) -> Cow<'_, [u8]> {
    let bytes: &[u8] = bytemuck::cast_slice(elements);
    if cfg!(target_endian = "little") {
        return bytes.into();
    }
    let mut swapped = bytes.to_vec();
    swapped.chunks_exact_mut(part).for_each(<[u8]>::reverse);
    swapped.into()
}

macro_rules! elements {
    ($($type:ty: $code:literal, $part:literal;)*) => {$(
        impl Element for $type {
            const CODE: &'static str = $code;

            fn of_bytes(bytes: &[u8], big_endian: bool) -> Vec<Self> {
                copied(bytes, $part, big_endian)
            }

            fn to_bytes(elements: &[Self]) -> Cow<'_, [u8]> {
                viewed(elements, $part)
            }
        }
    )*};
}

elements! {
    i8: "i1", 1;
    i16: "i2", 2;
    i32: "i4", 4;
    i64: "i8", 8;
    u8: "u1", 1;
    u16: "u2", 2;
    u32: "u4", 4;
    u64: "u8", 8;
    f32: "f4", 4;
    f64: "f8", 8;
    [f32; 2]: "c8", 4;
    [f64; 2]: "c16", 8;
}

impl Element for bool {
    const CODE: &'static str = "b1";

    fn of_bytes(bytes: &[u8], _: bool) -> Vec<Self> {
        bytes.iter().map(|byte| *byte != 0).collect()
    }

    fn to_bytes(elements: &[Self]) -> Cow<'_, [u8]> {
        bytemuck::cast_slice(elements).into()
    }
}

impl Element for F16 {
    const CODE: &'static str = "f2";

    fn of_bytes(bytes: &[u8], big_endian: bool) -> Vec<Self> {
        let bits: Vec<u16> = copied(bytes, 2, big_endian);
        bits.into_iter().map(Self).collect()
    }

    fn to_bytes(elements: &[Self]) -> Cow<'_, [u8]> {
        let bytes = elements.iter().flat_map(|number| number.0.to_le_bytes());
        bytes.collect::<Vec<_>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_formats_are_those_of_cpython() {
        for (text, code, format) in [
            ("|u1", 'B', 0),
            ("|i1", 'b', 1),
            ("<u2", 'H', 2),
            (">i2", 'h', 5),
            ("<i8", 'q', 12),
            ("<f4", 'f', 14),
            (">f8", 'd', 17),
        ] {
            assert_eq!(type_code(text), Some((code, format)));
            let element = ElementType::of_machine_format(format.into()).unwrap();
            assert_eq!(element.to_string(), text);
        }
        assert_eq!(type_code("<f2"), None);
        for format in [-1, 18, 100, i64::MIN] {
            assert_eq!(ElementType::of_machine_format(format), None);
        }
    }

    #[test]
    fn halves_have_their_values() {
        for (bits, value) in [
            (0, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2_f64.powi(-24)),
            (0x7c00, f64::INFINITY),
        ] {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn integers_are_stored_if_they_fit() {
        let store = |code, number| {
            let mut bytes = Vec::new();
            let element = ElementType::of_type_code(code).unwrap();
            element.store_int(number, &mut bytes).then_some(bytes)
        };
        assert_eq!(store("b", -128), Some(vec![0x80]));
        assert_eq!(store("b", 128), None);
        assert_eq!(store("B", 255), Some(vec![255]));
        assert_eq!(store("B", -1), None);
        assert_eq!(store("Q", u64::MAX.into()), Some(vec![255; 8]));
        assert_eq!(store("q", u64::MAX.into()), None);
        assert_eq!(store("d", 1), Some(1_f64.to_le_bytes().to_vec()));
    }
}
