//! The way to the value that an error is in.

use rpc_core::{FormatError, FormatErrorKind};

/// Says in which of the values around it an error is. Of what is no matter of one value the position tells enough.
#[cold]
pub(super) fn add_step(error: FormatError, step: impl FnOnce() -> String) -> FormatError {
    match error.kind() {
        FormatErrorKind::Syntax | FormatErrorKind::Limit | FormatErrorKind::Encoding => error,
        _ => error.within(step),
    }
}

/// A member, as a step in the path of an error.
pub(crate) fn member_step(name: &str) -> String {
    // Peers give the names: they can be long, and have control characters.
    const LONGEST: usize = 64;
    match name.char_indices().nth(LONGEST) {
        None => format!("member `{}`", name.escape_debug()),
        Some((end, _)) => format!("member `{}…`", name[..end].escape_debug()),
    }
}
