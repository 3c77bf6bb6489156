//! Dates and times.

/// The newtype name under which a `DateTime` is written and read, so that a format with a type of
/// its own for dates can tell it from a text.
pub const NEWTYPE: &str = "$rpc_core::DateTime";
