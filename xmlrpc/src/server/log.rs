//! What the log says of calls.

use std::error::Error;
use std::time::Instant;

use rpc_core::output::{Causes, Foreign, Quota};
use rpc_core::{Fault, Peer};

/// How many failed calls are logged in a minute: whoever reaches the server can make calls that
/// fail.
const FAILURES: u32 = 100;

/// How many bytes the causes of an internal fault have in the log, which is the only place where
/// they go.
const MAX_CAUSES: usize = 8 * 1024;

/// Says what became of a call.
pub(super) fn outcome(peer: &Peer, method: &str, started: Instant, fault: Option<&Fault>) {
    static REFUSED: Quota = Quota::new(FAILURES);
    static FAILED: Quota = Quota::new(FAILURES);

    let method = Foreign::excerpt(method);
    let Some(fault) = fault else {
        // The clock is read only if somebody listens.
        tracing::debug!(%peer, %method, elapsed = ?started.elapsed(), "call answered");
        return;
    };
    let cause = fault.source();
    let fault = Foreign::excerpt(fault);
    // Faults that callers bring about do not use up what is there for failures of this side.
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
