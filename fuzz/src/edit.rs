//! Changes of a message in transit.

use arbitrary::Arbitrary;

/// A change of a message.
#[derive(Arbitrary, Debug)]
pub enum Edit<'a> {
    /// Replaces a part.
    Splice(u8, u8, &'a [u8]),
    /// Flips bits of a byte.
    Flip(u8, u8),
    /// Truncates the message.
    Cut(u8),
    /// Replaces the whole message.
    Replace(&'a [u8]),
}

impl Edit<'_> {
    /// Applies the change to a message.
    #[must_use]
    pub fn apply(&self, mut message: Vec<u8>) -> Vec<u8> {
        match *self {
            Self::Splice(at, length, with) => {
                let at = usize::from(at).min(message.len());
                let end = (at + usize::from(length)).min(message.len());
                message.splice(at..end, with.iter().copied());
            }
            Self::Flip(at, bits) => {
                if let Some(byte) = message.get_mut(usize::from(at)) {
                    *byte ^= bits;
                }
            }
            Self::Cut(length) => message.truncate(usize::from(length)),
            Self::Replace(with) => message = with.to_vec(),
        }
        message
    }
}
