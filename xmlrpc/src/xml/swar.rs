//! Bytes in words: eight comparisons at once.

const HIGH: u64 = every(0x80);

/// A word of eight times this byte.
const fn every(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// One to seven bytes as a word, some of them twice; of none, spaces.
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

/// The high bit of each byte that is less than `than`, which is 128 at most. Bytes above the first
/// of them can be marked as well.
pub(super) const fn less(word: u64, than: u8) -> u64 {
    word.wrapping_sub(every(than)) & !word & HIGH
}

/// The high bit of each byte that is this one. Bytes above the first of them can be marked as well.
pub(super) const fn equal(word: u64, byte: u8) -> u64 {
    less(word ^ every(byte), 1)
}

/// The high bit of each byte that is not ASCII.
pub(super) const fn not_ascii(word: u64) -> u64 {
    word & HIGH
}

/// The place of the first byte that is marked.
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
