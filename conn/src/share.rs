//! What one half of a connection holds of its listener's budget.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rpc_core::Budget;
use rpc_core::budget::{Account, Hold, NoRoom};
use tokio::time::{Sleep, sleep};

/// How long a half waits before it asks for room again.
pub(crate) const RETRY: Duration = Duration::from_millis(100);

/// What one half of a connection holds, in bytes. It takes memory only while that is more than
/// [`Budget::FREE`].
#[derive(Default)]
pub(crate) struct Share {
    /// Peers of a listener have one; those that a client chose to connect to do not.
    budget: Option<Budget>,
    held: Option<Box<Held>>,
    /// Whether the half was told to go.
    is_gone: bool,
}

struct Held {
    account: Account,
    hold: Hold,
    retry: Option<Pin<Box<Sleep>>>,
}

/// A half was told to go, since it has held the most for the longest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone;

impl Share {
    pub(crate) const fn of(budget: Option<Budget>) -> Self {
        Self {
            budget,
            held: None,
            is_gone: false,
        }
    }

    pub(crate) const fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    /// The share of a half that goes on as another.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    pub(crate) const fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Whether a half with so many bytes has anything to do with the budget.
    #[inline]
    pub(crate) const fn concerns(&self, bytes: usize) -> bool {
        bytes > Budget::FREE || self.held.is_some()
    }

    /// Holds so many bytes. Where there is no room for more, it holds as many as before.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), NoRoom> {
        if bytes <= Budget::FREE {
            self.held = None;
            return Ok(());
        }
        let Some(budget) = &self.budget else {
            return Ok(());
        };
        let held = self.held.get_or_insert_with(|| {
            let account = budget.account();
            let hold = account.hold();
            Box::new(Held {
                account,
                hold,
                retry: None,
            })
        });
        held.hold.resize(&held.account, bytes)
    }

    /// Whether there is room for so many bytes when nobody else has any.
    pub(crate) fn ever_fits(&self, bytes: usize) -> bool {
        let counted = bytes.saturating_sub(Budget::FREE);
        self.budget
            .as_ref()
            .is_none_or(|budget| counted <= budget.bytes())
    }

    /// Takes note that nothing is held any more.
    #[inline]
    pub(crate) fn released(&mut self) {
        if self.held.is_some() {
            self.held = None;
        }
    }

    /// Whether the half was told to go. From then on it has no memory and no room.
    pub(crate) fn check(&mut self) -> Result<(), Gone> {
        if let Some(held) = &self.held
            && held.account.is_evicted()
        {
            self.go();
        }
        match self.is_gone {
            true => Err(Gone),
            false => Ok(()),
        }
    }

    /// Has the half go, be it told or not.
    pub(crate) fn go(&mut self) -> Gone {
        self.is_gone = true;
        self.held = None;
        Gone
    }

    /// Whether the half is to go; it is woken when it is.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Result<(), Gone> {
        if let Some(held) = &self.held
            && held.account.poll_evicted(cx).is_ready()
        {
            return Err(self.go());
        }
        self.check()
    }

    /// Ready when there is room for so many bytes.
    pub(crate) fn poll_room(
        &mut self,
        cx: &mut Context<'_>,
        bytes: usize,
    ) -> Poll<Result<(), Gone>> {
        loop {
            if let Some(retry) = self.held.as_mut().and_then(|held| held.retry.as_mut())
                && retry.as_mut().poll(cx).is_pending()
            {
                break;
            }
            let resized = self.resize(bytes);
            if resized.is_err() && !self.ever_fits(bytes) {
                return Poll::Ready(Err(self.go()));
            }
            let Some(held) = &mut self.held else {
                break;
            };
            held.retry = match resized {
                Ok(()) => None,
                Err(NoRoom { .. }) => Some(Box::pin(sleep(RETRY))),
            };
            if held.retry.is_none() {
                break;
            }
        }
        self.poll_gone(cx)?;
        match self.held.as_ref().is_some_and(|held| held.retry.is_some()) {
            true => Poll::Pending,
            false => Poll::Ready(Ok(())),
        }
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.held.as_ref().map_or(0, |held| held.hold.counted());
        f.debug_struct("Share")
            .field("counted", &counted)
            .finish_non_exhaustive()
    }
}
