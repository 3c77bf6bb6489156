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
    #[error("a message of {length} bytes is over the limit of {limit}{}", Hint(*.length))]
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

impl FrameError {
    /// Returns the protocol that the peer speaks instead, if its first bytes, which were taken for
    /// a length, show that.
    pub(crate) fn other_protocol(&self) -> Option<&'static str> {
        match self {
            Self::TooLarge { length, .. } => other_protocol(*length),
            _ => None,
        }
    }
}

fn other_protocol(length: u64) -> Option<&'static str> {
    Some(match &u32::try_from(length).ok()?.to_be_bytes() {
        // The type and the version of a record.
        [0x16, 3, ..] => "it speaks TLS, which is not set here",
        b"HTTP" => "it is a server of HTTP: its URL begins with `http://`",
        b"GET " | b"HEAD" | b"POST" | b"PUT " | b"DELE" | b"OPTI" | b"PATC" | b"CONN" | b"PRI " => {
            "it is a client of HTTP: the URL of this side does not begin with `http://`"
        }
        _ => return None,
    })
}

/// Displays the protocol that a length shows, if it does.
struct Hint(u64);

impl std::fmt::Display for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match other_protocol(self.0) {
            Some(text) => write!(f, ", or the peer does not speak this protocol: {text}"),
            None => Ok(()),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_for_a_length(bytes: [u8; 4]) -> FrameError {
        FrameError::TooLarge {
            length: u32::from_be_bytes(bytes).into(),
            limit: 64,
        }
    }

    #[test]
    fn peers_of_other_protocols_are_known_by_their_first_bytes() {
        for (bytes, expected) in [
            (*b"GET ", "a client of HTTP"),
            (*b"POST", "a client of HTTP"),
            (*b"HTTP", "a server of HTTP"),
            ([0x16, 3, 1, 0], "TLS"),
        ] {
            let error = taken_for_a_length(bytes);
            assert!(
                error.other_protocol().unwrap().contains(expected),
                "{error}"
            );
            assert!(error.to_string().contains(expected), "{error}");
        }
        let other = taken_for_a_length([1, 0, 0, 0]);
        assert_eq!(other.other_protocol(), None);
        assert_eq!(
            other.to_string(),
            "a message of 16777216 bytes is over the limit of 64"
        );
    }
}
