//! The paths of socket files in URLs.

use std::fmt;
use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// The path of a socket file, percent-encoded so that a client reads it back unchanged from
/// `http+unix://PATH:/RPC2`.
#[derive(Clone, Copy, Debug)]
pub struct EncodedSocketPath<'a>(pub &'a Path);

/// Characters that would end the path in a URL or change its meaning.
const SPECIAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'%')
    .add(b':')
    .add(b'@')
    .add(b'?')
    .add(b'#');

impl fmt::Display for EncodedSocketPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        percent_encode(self.0.as_os_str().as_encoded_bytes(), SPECIAL).fmt(f)
    }
}
