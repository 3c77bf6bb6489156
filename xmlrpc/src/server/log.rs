//! What the log says of calls.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::time::Instant;

use rpc_core::{Fault, Peer};

/// Says what became of a call, in full: the log is where the cause of an internal fault goes.
pub(super) fn outcome(peer: &Peer, method: &str, started: Instant, fault: Option<&Fault>) {
    let method = OneLine(method);
    let Some(fault) = fault else {
        // The clock is read only if somebody listens.
        tracing::debug!(%peer, %method, elapsed = ?started.elapsed(), "call answered");
        return;
    };
    let elapsed = started.elapsed();
    let cause = fault.source();
    let fault = OneLine(fault);
    match cause {
        Some(cause) => tracing::error!(%peer, %method, ?elapsed, %fault, cause, "call failed"),
        None => tracing::info!(%peer, %method, ?elapsed, %fault, "call failed"),
    }
}

/// A text that a peer had a say in, with its control characters escaped: a line break would let it write lines of
/// its own into the log.
pub(super) struct OneLine<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape(f), "{}", self.0)
    }
}

struct Escape<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(char::is_control) {
            let rest = piece.trim_end_matches(char::is_control);
            self.0.write_str(rest)?;
            for control in piece[rest.len()..].chars() {
                write!(self.0, "{}", control.escape_default())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_peer_is_one_line() {
        let line = |text: &str| OneLine(text).to_string();
        assert_eq!(line("there is no `é`"), "there is no `é`");
        assert_eq!(line("a\r\n\nb\u{9b}31m"), "a\\r\\n\\nb\\u{9b}31m");
        assert_eq!(line("\n"), "\\n");
    }
}
