//! The kinds of faults that a peer names.

use farcall_core::FaultKind;

/// The kinds that have a name of their own.
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

/// Returns the kind that a server names beside a code, if it is one of those with this code.
/// Otherwise the code alone decides.
pub(crate) fn kind_of(code: i64, name: Option<&str>) -> FaultKind {
    let is_named = |kind: &FaultKind| kind.code() == code && Some(kind.name()) == name;
    let named = KINDS.into_iter().find(is_named);
    named.unwrap_or_else(|| FaultKind::from_code(code))
}
