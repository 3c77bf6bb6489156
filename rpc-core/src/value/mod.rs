//! Values whose type is known only at run time.

pub mod datetime;

/// The newtype name under which [`Value`] asks a deserializer to say all that it knows: a date and
/// time is then delivered through `visit_newtype_struct`.
pub const NEWTYPE: &str = "$rpc_core::Value";
