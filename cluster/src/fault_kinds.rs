//! The names of the kinds of faults, in what is sent.

use farcall_core::FaultKind;

/// Name of each kind.
const KINDS: [(&str, FaultKind); 13] = [
    ("Parse", FaultKind::Parse),
    ("UnsupportedEncoding", FaultKind::UnsupportedEncoding),
    ("InvalidCharacter", FaultKind::InvalidCharacter),
    ("InvalidRequest", FaultKind::InvalidRequest),
    ("UnknownMethod", FaultKind::UnknownMethod),
    ("InvalidParams", FaultKind::InvalidParams),
    ("Internal", FaultKind::Internal),
    ("Application", FaultKind::Application),
    ("Denied", FaultKind::Denied),
    ("Overloaded", FaultKind::Overloaded),
    ("DeadlineExceeded", FaultKind::DeadlineExceeded),
    ("Cancelled", FaultKind::Cancelled),
    ("Gone", FaultKind::Gone),
];

/// Returns the name of a kind.
#[cfg(any(feature = "nats", all(unix, feature = "agent"), test))]
pub(crate) fn name(kind: FaultKind) -> &'static str {
    let known = KINDS.iter().find(|(_, other)| *other == kind);
    known.map_or("Internal", |(name, _)| name)
}

/// Returns the kind with this name. One of a later version is not taken for a refusal.
pub(crate) fn of(name: &str) -> FaultKind {
    let known = KINDS.iter().find(|(other, _)| *other == name);
    known.map_or(FaultKind::Internal, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_name() {
        for (text, kind) in KINDS {
            assert_eq!(name(kind), text);
            assert_eq!(of(text), kind);
        }
        assert!(!of("Later").is_refusal());
    }
}
