//! Ctrl-C.

use std::io::{self, IsTerminal as _};

#[cfg(unix)]
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC as Stream, ctrl_c};

/// The interrupts of this process, none of which ends it any more.
pub(super) struct Interrupts(Stream);

impl Interrupts {
    pub(super) fn new() -> io::Result<Self> {
        #[cfg(unix)]
        let stream = signal(SignalKind::interrupt())?;
        #[cfg(windows)]
        let stream = ctrl_c()?;
        Ok(Self(stream))
    }

    /// Ends the line on which a terminal shows `^C`.
    pub(super) fn end_line() {
        if io::stderr().is_terminal() {
            eprintln!();
        }
    }

    /// Waits for the next interrupt.
    pub(super) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
