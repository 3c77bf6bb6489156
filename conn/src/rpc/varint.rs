//! Integers in LEB128: 7 bits per byte, the lowest first, with the high bit set in all bytes but
//! the last.

#[inline]
pub(super) fn write(value: u64, out: &mut Vec<u8>) {
    match value {
        0..=0x7f => out.push(value as u8),
        _ => write_long(value, out),
    }
}

fn write_long(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads an integer from the front. Returns `None` if it is cut off or exceeds 64 bits.
#[inline]
pub(super) fn read(rest: &mut &[u8]) -> Option<u64> {
    match *rest {
        [byte @ 0..=0x7f, behind @ ..] => {
            *rest = behind;
            Some(u64::from(*byte))
        }
        _ => read_long(rest),
    }
}

fn read_long(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for (index, &byte) in rest.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * index);
        if byte < 0x80 {
            *rest = &rest[index + 1..];
            return Some(value);
        }
    }
    None
}

/// Writes a signed integer in zigzag encoding, in which small values are short: 0, −1, 1 and −2
/// become 0, 1, 2 and 3.
pub(super) fn write_signed(value: i64, out: &mut Vec<u8>) {
    write((value << 1 ^ value >> 63) as u64, out);
}

pub(super) fn read_signed(rest: &mut &[u8]) -> Option<i64> {
    read(rest).map(|value| (value >> 1) as i64 ^ -((value & 1) as i64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn written_integers_are_read_back(value: u64, signed: i64, behind: Vec<u8>) {
            let mut out = Vec::new();
            write(value, &mut out);
            write_signed(signed, &mut out);
            out.extend(&behind);
            let mut rest = &out[..];
            prop_assert_eq!(read(&mut rest), Some(value));
            prop_assert_eq!(read_signed(&mut rest), Some(signed));
            prop_assert_eq!(rest, &behind[..]);
        }

        #[test]
        fn any_bytes_are_an_integer_or_none(bytes: Vec<u8>) {
            let mut rest = &bytes[..];
            if read(&mut rest).is_none() {
                prop_assert_eq!(rest, &bytes[..]);
            }
        }
    }

    #[test]
    fn integers_are_written_in_the_fewest_bytes() {
        for (value, length) in [(0x7f, 1), (0x80, 2), (0x3fff, 2), (0x4000, 3)] {
            let mut out = Vec::new();
            write(value, &mut out);
            assert_eq!(out.len(), length, "{value:#x}");
        }
    }

    #[test]
    fn integers_over_64_bits_are_rejected() {
        let mut bytes = vec![0xff; 9];
        bytes.push(1);
        assert_eq!(read(&mut &bytes[..]), Some(u64::MAX));
        bytes[9] = 2;
        assert_eq!(read(&mut &bytes[..]), None);
        assert_eq!(read(&mut &[0x80][..]), None);
    }
}
