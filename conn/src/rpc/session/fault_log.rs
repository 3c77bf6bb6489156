//! Log messages about faults that are sent to the peer.

use farcall_core::protocol::output::{Causes, Foreign, Quota};
use farcall_core::{Fault, FaultKind};

/// Maximum bytes of the causes of a fault, which only the log has in full.
const MAX_CAUSES: usize = 8 * 1024;

/// Logs a fault. Internal faults are logged as errors, because the caller may not receive their
/// causes.
pub(super) fn log_fault(fault: &Fault, what: &str) {
    static FAILURES: Quota = Quota::new(100);

    if fault.kind() == FaultKind::Internal {
        if tracing::enabled!(tracing::Level::ERROR)
            && let Some(admitted) = FAILURES.admit()
        {
            let fault = Foreign::line(Causes(fault)).at_most(MAX_CAUSES);
            tracing::error!(%fault, suppressed = admitted.suppressed(), "{what}");
        }
    } else {
        tracing::debug!(fault = %Foreign::excerpt(fault), "{what}");
    }
}
