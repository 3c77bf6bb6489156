//! Errors of decoding frames.

/// A frame that cannot be decoded.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length of a message is negative: the peer speaks another protocol, or lost the frame
    /// boundaries. Bytes that follow cannot be decoded either.
    #[error("the length of a message is negative: {0}")]
    NegativeLength(i32),
    /// The message is longer than the limit. It can still be read with a higher limit.
    #[error("a message of {length} bytes is over the limit of {limit}")]
    TooLarge {
        /// The length of the message in bytes, according to its header.
        length: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// The stream ended in the middle of a frame.
    #[error("the stream ended in the middle of a message: {missing}")]
    Truncated {
        /// The part that was not received.
        missing: MissingPart,
    },
}

farcall_core::debug_errors!(FrameError);

/// The missing part of a truncated frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingPart {
    /// Bytes of the length.
    Header,
    /// This number of bytes of the message.
    Bytes(u64),
}

impl std::fmt::Display for MissingPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header => f.write_str("its length is incomplete"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes are missing"),
        }
    }
}
