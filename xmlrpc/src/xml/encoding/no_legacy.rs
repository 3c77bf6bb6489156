//! The place of legacy encodings in builds without them.

use farcall_core::{FormatError, FormatErrorKind};

/// A legacy encoding, of which this build has none.
#[derive(Clone, Copy)]
pub(super) enum Legacy {}

impl Legacy {
    pub(super) fn by_label(label: &str, _: &[&str]) -> Result<Self, FormatError> {
        Err(FormatError::new(
            FormatErrorKind::Encoding,
            format!("the encoding {label:?} is not supported without the feature `encodings`"),
        ))
    }

    pub(super) fn decode(self, _: &[u8]) -> Result<String, FormatError> {
        match self {}
    }
}
