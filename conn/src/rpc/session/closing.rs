//! Closing a session: the driver waits for calls and streams, then for the peer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::handle::Session;
use super::write_half::SharedWriteHalf;
use crate::rpc::error::Disconnected;

/// Time that the peer has to close a connection which the local side closes.
const LINGER: Duration = Duration::from_secs(2);

/// Progress of closing a session.
pub(super) struct ClosingState {
    since: Instant,
    stage: ClosingStage,
}

enum ClosingStage {
    /// The driver waits for calls and streams to complete.
    Draining,
    /// The write half is shut down. The peer has this time to close its half.
    Lingering(Pin<Box<Sleep>>),
}

impl ClosingState {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self {
            since: Instant::now(),
            stage: ClosingStage::Draining,
        })
    }

    /// Returns the time from which closing no longer waits for the peer, if that is to come.
    pub(super) fn deadline(&self, session: &Session, now: Instant) -> Option<Instant> {
        let until = self.since.checked_add(session.settings.timeout?)?;
        (now < until).then_some(until)
    }

    /// Closes the connection once neither side has anything left to send.
    pub(super) fn poll(
        &mut self,
        session: &Session,
        write_half: &SharedWriteHalf,
        cx: &mut Context<'_>,
    ) -> Result<(), Disconnected> {
        if let ClosingStage::Draining = self.stage {
            let now = Instant::now();
            let timeout = session.settings.timeout;
            let timed_out =
                timeout.is_some_and(|timeout| now.duration_since(self.since) >= timeout);
            let is_closed = write_half.lock().writing().is_empty()
                && session.update(|state| state.is_closed(timed_out));
            if !is_closed {
                return Ok(());
            }
            self.stage = ClosingStage::Lingering(Box::pin(sleep_until(now + LINGER)));
        }
        match write_half.lock().poll_shutdown(cx) {
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::NotConnected => {
                return Err(error.into());
            }
            _ => {}
        }
        if let ClosingStage::Lingering(linger) = &mut self.stage
            && linger.as_mut().poll(cx).is_ready()
        {
            return Err(session.update(|state| state.disconnect_reason()));
        }
        Ok(())
    }
}
