//! The process group of a command.

use std::io;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
#[cfg(target_os = "linux")]
use tokio::io::Interest;
#[cfg(target_os = "linux")]
use tokio::io::unix::AsyncFd;
use tokio::process::Child;

/// The process group of a command, whose leader has not been waited for. Until then the system
/// gives its id to no other process, so that signals reach this group or nobody.
pub(super) struct ProcessGroup {
    id: Pid,
    /// `true` until the group was killed, and its leader may be waited for.
    is_open: Mutex<bool>,
}

impl ProcessGroup {
    /// Returns the group that this child leads, or `None` if the child was waited for.
    pub(super) fn of(leader: &Child) -> Option<Self> {
        let id = leader.id().and_then(|id| i32::try_from(id).ok())?;
        Some(Self {
            id: Pid::from_raw(id)?,
            is_open: Mutex::new(true),
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.id.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends a signal to all processes of the group. Returns `false` if there are none.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<bool> {
        // Held while the signal is sent: see `close`.
        let is_open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_open {
            return Ok(false);
        }
        match kill_process_group(self.id, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills all processes of the group. No signals are sent from then on, so that the leader can
    /// be waited for.
    pub(super) fn close(&self) {
        // It fails if there are none left, or if they have become another user's, whom even this
        // program must not kill.
        let _ = self.signal(Signal::KILL);
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

/// Completes when the leader of a group has exited, if possible without waiting for it in the sense
/// of `wait`: then its id is not reused yet.
///
/// # Cancel safety
/// Can be dropped and called again at any time.
#[cfg_attr(
    target_os = "linux",
    allow(
        deprecated,
        reason = "the registration is unsound only for types that lose their descriptor meanwhile"
    )
)]
pub(super) async fn exited(leader: &mut Child) {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{PidfdFlags, pidfd_open};

        let id = leader.id().and_then(|id| i32::try_from(id).ok());
        let descriptor = id
            .and_then(Pid::from_raw)
            .and_then(|id| pidfd_open(id, PidfdFlags::NONBLOCK).ok())
            .and_then(|descriptor| AsyncFd::with_interest(descriptor, Interest::READABLE).ok());
        if let Some(descriptor) = descriptor
            && descriptor.readable().await.is_ok()
        {
            return;
        }
    }
    // An error means that there is no child to wait for.
    let _ = leader.wait().await;
}
