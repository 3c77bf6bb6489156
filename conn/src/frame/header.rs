//! The header of a frame: the length of its message.

use super::FrameError;

/// Maximum length in the short form of 4 bytes.
pub(super) const SHORT: u64 = i32::MAX as u64;

/// Marks the extended form, with a length of 8 bytes.
const EXTENDED: i32 = -1;

/// The header of a frame: the length of a message, in its short or extended form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; 12],
    pub(super) size: u8,
    pub(super) length: u64,
}

impl Header {
    /// Creates the header of a message of `length` bytes.
    #[must_use]
    pub fn new(length: u64) -> Self {
        let mut bytes = [0; 12];
        let size = if length <= SHORT {
            bytes[..4].copy_from_slice(&(length as u32).to_be_bytes());
            4
        } else {
            bytes[..4].copy_from_slice(&EXTENDED.to_be_bytes());
            bytes[4..].copy_from_slice(&length.to_be_bytes());
            12
        };
        Self {
            bytes,
            size,
            length,
        }
    }

    /// Parses the header at the beginning of `bytes`; `None` if it is incomplete.
    ///
    /// # Errors
    /// If the length is negative.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, FrameError> {
        let Some((&length, rest)) = bytes.split_first_chunk::<4>() else {
            return Ok(None);
        };
        match i32::from_be_bytes(length) {
            EXTENDED => Ok(rest.first_chunk().map(|&length| {
                let mut bytes = [0xff; 12];
                bytes[4..].copy_from_slice(&length);
                Self {
                    bytes,
                    size: 12,
                    length: u64::from_be_bytes(length),
                }
            })),
            negative @ ..0 => Err(FrameError::NegativeLength(negative)),
            length => Ok(Some(Self::new(length as u64))),
        }
    }

    /// Returns the bytes of the header.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.size)]
    }

    /// Returns the bytes of a short header. An array of 4 bytes is copied in one instruction.
    #[inline]
    pub(super) fn as_short(&self) -> Option<&[u8; 4]> {
        match self.size {
            4 => self.bytes.first_chunk(),
            _ => None,
        }
    }

    /// Returns the length of the message in bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }
}
