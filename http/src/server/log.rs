//! Logging of calls.

use std::error::Error;
use std::time::Instant;

use farcall_core::protocol::output::{Causes, Foreign, Quota};
use farcall_core::{Fault, Identity};

/// Maximum failed calls logged per minute. It is limited because any peer can make calls that fail.
const FAILURES: u32 = 100;

/// Maximum bytes of the causes of an internal fault in the log. They appear nowhere else.
const MAX_CAUSES: usize = 8 * 1024;

/// Logs a call that has failed.
pub fn log_call(peer: &Identity, method: &str, started: Instant, fault: Option<&Fault>) {
    static REFUSED: Quota = Quota::new(FAILURES);
    static FAILED: Quota = Quota::new(FAILURES);

    // The access log has those that complete.
    let Some(fault) = fault else {
        return;
    };
    let method = Foreign::excerpt(method);
    let cause = fault.source();
    let fault = Foreign::excerpt(fault);
    // Faults caused by callers do not use up the quota of internal failures.
    if let Some(cause) = cause
        && tracing::enabled!(tracing::Level::ERROR)
        && let Some(admitted) = FAILED.admit()
    {
        let cause = Foreign::line(Causes(cause)).at_most(MAX_CAUSES);
        let (elapsed, suppressed) = (started.elapsed(), admitted.suppressed());
        tracing::error!(%peer, %method, ?elapsed, %fault, %cause, suppressed, "call failed");
    } else if cause.is_none()
        && tracing::enabled!(tracing::Level::INFO)
        && let Some(admitted) = REFUSED.admit()
    {
        let (elapsed, suppressed) = (started.elapsed(), admitted.suppressed());
        tracing::info!(%peer, %method, ?elapsed, %fault, suppressed, "call failed");
    }
}
