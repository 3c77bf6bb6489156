//! SIMD within a register (SWAR): comparisons of eight bytes at once in a 64-bit word.

const HIGH: u64 = every(0x80);

/// Returns a word with this byte in all eight positions.
const fn every(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Returns a word of one to seven bytes, some of them repeated; of spaces, if there are none.
pub(super) fn short(bytes: &[u8]) -> u64 {
    let halves = |first, last| {
        u64::from(u32::from_le_bytes(first)) << 32 | u64::from(u32::from_le_bytes(last))
    };
    match (bytes, bytes.first_chunk(), bytes.last_chunk()) {
        (_, Some(first), Some(last)) => halves(*first, *last),
        ([a, b, c], ..) => halves([*a; 4], [*b, *b, *c, *c]),
        ([a, b], ..) => halves([*a; 4], [*b; 4]),
        ([a], ..) => every(*a),
        _ => every(b' '),
    }
}

/// Marks, with its high bit, each byte that is less than `than`, which is 128 at most. Bytes after
/// the first mark can be marked falsely.
pub(super) const fn less(word: u64, than: u8) -> u64 {
    word.wrapping_sub(every(than)) & !word & HIGH
}

/// Marks each byte that equals `byte`. Bytes after the first mark can be marked falsely.
pub(super) const fn equal(word: u64, byte: u8) -> u64 {
    less(word ^ every(byte), 1)
}

/// Marks each byte that is not ASCII.
pub(super) const fn not_ascii(word: u64) -> u64 {
    word & HIGH
}

/// Returns the index of the first marked byte.
pub(super) const fn first(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_texts_are_in_a_word() {
        for len in 0..=7 {
            let bytes = &b"abcdefg"[..len];
            let word = short(bytes).to_le_bytes();
            assert!(bytes.iter().all(|byte| word.contains(byte)));
            assert!(word.iter().all(|byte| bytes.contains(byte) || len == 0));
        }
    }

    proptest! {
        #[test]
        fn the_first_mark_is_right(bytes in any::<[u8; 8]>(), byte: u8, than in 1..=128_u8) {
            let word = u64::from_le_bytes(bytes);
            for (marks, place) in [
                (less(word, than), bytes.iter().position(|&b| b < than)),
                (equal(word, byte), bytes.iter().position(|&b| b == byte)),
                (not_ascii(word), bytes.iter().position(|b| !b.is_ascii())),
            ] {
                prop_assert_eq!((marks != 0).then(|| first(marks)), place);
            }
        }
    }
}
