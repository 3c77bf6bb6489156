//! Log messages about faults that are sent to the peer.

use farcall_core::protocol::output::{Causes, Foreign, Quota};
use farcall_core::{Fault, FaultKind, Identity};

/// Maximum bytes of the causes of a fault, which only the log has in full.
const MAX_CAUSES: usize = 8 * 1024;

/// Logs a fault. Internal faults are logged as errors, because the caller may not receive their
/// causes.
pub(super) fn log_fault(fault: &Fault, what: &str, peer: Option<&Identity>) {
    static FAILURES: Quota = Quota::new(100);

    let peer = peer.map(tracing::field::display);

    if fault.kind() == FaultKind::Internal {
        if tracing::enabled!(tracing::Level::ERROR)
            && let Some(admitted) = FAILURES.admit()
        {
            let fault = Foreign::line(Causes(fault)).at_most(MAX_CAUSES);
            tracing::error!(peer, %fault, suppressed = admitted.suppressed(), "{what}");
        }
    } else {
        tracing::debug!(peer, fault = %Foreign::excerpt(fault), "{what}");
    }
}
