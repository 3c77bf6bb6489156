//! Types of failures.

use crate::error::CallError;
use crate::fault::FaultKind;

/// The type of a failure, as figures and spans have it: codes of faults may come from peers, and
/// each would be a series.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ErrorType {
    /// The callee has reported a fault, or the call was given up.
    Fault(FaultKind),
    /// A client cannot encode the arguments.
    Encode,
    /// A client has not sent the call.
    NotSent,
    /// The connection ended before the reply arrived.
    Connection,
    /// The reply is none, or not of the requested type.
    Reply,
}

impl ErrorType {
    /// Returns the type of the failure of a call that a client has made.
    pub(crate) const fn of(error: &CallError) -> Self {
        match error {
            CallError::Fault(fault) => Self::Fault(fault.kind()),
            CallError::Encode(_) => Self::Encode,
            CallError::NotSent(_) => Self::NotSent,
            CallError::Lost(_) => Self::Connection,
            _ => Self::Reply,
        }
    }

    /// Returns the type of a failure that is no fault of the callee: a call that nobody waits for
    /// any more, at its deadline or before.
    pub(crate) const fn given_up(is_late: bool) -> Self {
        Self::Fault(if is_late {
            FaultKind::DeadlineExceeded
        } else {
            FaultKind::Cancelled
        })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fault(kind) => kind.name(),
            Self::Encode => "encode",
            Self::NotSent => "not_sent",
            Self::Connection => "connection",
            Self::Reply => "reply",
        }
    }
}

#[cfg(feature = "metrics")]
impl ErrorType {
    /// Those that are no faults.
    const OTHERS: [Self; 4] = [Self::Encode, Self::NotSent, Self::Connection, Self::Reply];

    /// The number of types.
    pub(crate) const COUNT: usize = FaultKind::ALL.len() + Self::OTHERS.len();

    /// Returns all types, in the order of their indices.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        FaultKind::ALL
            .into_iter()
            .map(Self::Fault)
            .chain(Self::OTHERS)
    }

    /// Returns the place of this type among all.
    pub(crate) const fn index(self) -> usize {
        let others = FaultKind::ALL.len();
        match self {
            Self::Fault(kind) => kind as usize,
            Self::Encode => others,
            Self::NotSent => others + 1,
            Self::Connection => others + 2,
            Self::Reply => others + 3,
        }
    }
}

#[cfg(all(test, feature = "metrics"))]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_a_place_of_its_own() {
        let places: Vec<_> = ErrorType::all().map(ErrorType::index).collect();
        assert_eq!(places, Vec::from_iter(0..ErrorType::COUNT));
    }
}
