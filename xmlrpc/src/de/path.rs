//! Path to the value that caused an error.

use farcall_core::{FormatError, FormatErrorKind};

/// Adds a step to the path of an error. Errors that do not concern one value have only a position.
#[cold]
pub(super) fn add_step(error: FormatError, step: impl FnOnce() -> String) -> FormatError {
    match error.kind() {
        FormatErrorKind::Syntax | FormatErrorKind::Limit | FormatErrorKind::Encoding => error,
        _ => error.within(step),
    }
}

/// Returns the path step of a member.
pub(crate) fn member_step(name: &str) -> String {
    // Names come from peers: they can be long and contain control characters.
    const LONGEST: usize = 64;
    match name.char_indices().nth(LONGEST) {
        None => format!("member `{}`", name.escape_debug()),
        Some((end, _)) => format!("member `{}…`", name[..end].escape_debug()),
    }
}
