//! The form of faults.

use farcall_core::{Fault, FaultKind};

/// The form of the faults that callers receive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultPolicy {
    /// Codes of the fault code interoperability specification: −32700 for a document that cannot be
    /// parsed, −32601 for an unknown method, −32602 for parameters that do not match, and so on.
    #[default]
    Interoperability,
    /// Faults of CPython's `SimpleXMLRPCServer`: code 1, and the class and text of a Python
    /// exception, for callers that depend on them. Faults that a method returns keep their code and
    /// text, as `xmlrpc.client.Fault` does in CPython.
    CPython,
}

impl FaultPolicy {
    /// Returns the code and the text that are sent for a failed call of `method`.
    pub(super) fn apply(self, fault: &Fault, method: &str) -> (i64, String) {
        let message = fault.message();
        if self == Self::Interoperability || fault.kind() == FaultKind::Application {
            return (fault.code(), message.to_owned());
        }
        let text = match fault.kind() {
            FaultKind::UnknownMethod => {
                format!("<class 'Exception'>:method \"{method}\" is not supported")
            }
            FaultKind::Parse | FaultKind::UnsupportedEncoding | FaultKind::InvalidCharacter => {
                format!("<class 'xml.parsers.expat.ExpatError'>:{message}")
            }
            FaultKind::InvalidParams => format!("<class 'TypeError'>:{message}"),
            _ => format!("<class 'Exception'>:{message}"),
        };
        (1, text)
    }
}

/// Maximum bytes of a fault text that is sent regardless of the limit.
const SHORT_TEXT: usize = 256;

/// Returns the text of a fault, or a short note if the text alone could exceed the limit of a
/// reply.
pub(super) fn text_within(text: &str, limit: usize) -> &str {
    // `&amp;` is the longest escape. The elements around the text are not counted.
    if text.len() <= SHORT_TEXT || text.len().saturating_mul("&amp;".len()) <= limit {
        text
    } else {
        "the fault text is over the limit of a reply"
    }
}
