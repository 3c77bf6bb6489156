//! Names of the kinds of faults.

use farcall_core::FaultKind;

/// The kinds that have a name of their own.
#[cfg(feature = "jsonrpc-client")]
const KINDS: [FaultKind; 12] = [
    FaultKind::Parse,
    FaultKind::UnsupportedEncoding,
    FaultKind::InvalidCharacter,
    FaultKind::InvalidRequest,
    FaultKind::UnknownMethod,
    FaultKind::InvalidParams,
    FaultKind::Internal,
    FaultKind::Denied,
    FaultKind::Overloaded,
    FaultKind::DeadlineExceeded,
    FaultKind::Cancelled,
    FaultKind::Gone,
];

/// Returns the name of a kind, as the data of errors have it.
pub(crate) const fn kind_name(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Parse => "parse",
        FaultKind::UnsupportedEncoding => "unsupported-encoding",
        FaultKind::InvalidCharacter => "invalid-character",
        FaultKind::InvalidRequest => "invalid-request",
        FaultKind::UnknownMethod => "unknown-method",
        FaultKind::InvalidParams => "invalid-params",
        FaultKind::Internal => "internal",
        FaultKind::Denied => "denied",
        FaultKind::Overloaded => "overloaded",
        FaultKind::DeadlineExceeded => "deadline-exceeded",
        FaultKind::Cancelled => "cancelled",
        FaultKind::Gone => "gone",
        _ => "application",
    }
}

/// Returns the kind that a server names beside a code, if it is one of those with this code.
/// Otherwise the code alone decides.
#[cfg(feature = "jsonrpc-client")]
pub(crate) fn kind_of(code: i64, name: Option<&str>) -> FaultKind {
    let is_named = |kind: &FaultKind| kind.code() == code && Some(kind_name(*kind)) == name;
    let named = KINDS.into_iter().find(is_named);
    named.unwrap_or_else(|| FaultKind::from_code(code))
}
