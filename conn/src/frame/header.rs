//! How long a message is, in front of it.

use super::FrameError;

/// Up to here a length takes 4 bytes.
pub(super) const SHORT: u64 = i32::MAX as u64;

/// Announces a length of 8 bytes.
const EXTENDED: i32 = -1;

/// The length of a message and how many bytes it takes to say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; 12],
    pub(super) size: u8,
    pub(super) length: u64,
}

impl Header {
    /// The header of a message of `length` bytes.
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

    /// The header at the beginning of `bytes`, if it is complete.
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

    /// The bytes of the header itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.size)]
    }

    /// Its bytes, where they are as few as can be: to copy so many is one instruction.
    #[inline]
    pub(super) fn as_short(&self) -> Option<&[u8; 4]> {
        match self.size {
            4 => self.bytes.first_chunk(),
            _ => None,
        }
    }

    /// The length of the message.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }
}
