//! Frames that cannot be read.

/// A frame that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length of a message is negative: the peer speaks another protocol, or is out of step. What
    /// follows cannot be read either.
    #[error("the length of a message is {0}, which is negative")]
    NegativeLength(i32),
    /// The message is longer than what was asked for. It stays where it is and can be read with a
    /// higher limit.
    #[error("a message of {length} bytes is over the limit of {limit}")]
    TooLarge {
        /// The length of the message in bytes, as its header says.
        length: u64,
        /// The limit that was given.
        limit: usize,
    },
    /// The bytes ended in the middle of a frame.
    #[error("the stream ended in the middle of a message, {missing}")]
    Truncated {
        /// How much of it did not come.
        missing: MissingPart,
    },
}

/// What an interrupted frame lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingPart {
    /// A part of its length.
    Header,
    /// So many bytes of the message.
    Bytes(u64),
}

impl std::fmt::Display for MissingPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header => f.write_str("within its length"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes before its end"),
        }
    }
}
