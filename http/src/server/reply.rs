//! Bodies of responses.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use farcall_core::Budget;
use farcall_core::protocol::Account;
use http_body::{Body, Frame, SizeHint};

/// The body of a response from [`HttpServer::respond`](super::HttpServer::respond), or from a
/// server that is mounted in another.
///
/// A large body is held in the [budget](super::ServerOptions::budget) and returned in copies of
/// 64 KiB. A writer that waits for a slow peer does not poll the body, so the budget shares its
/// ownership and can drop it at eviction. The next frame is then [`ReplyEvicted`].
#[derive(Debug)]
pub struct ReplyBody(Storage);

#[derive(Debug)]
enum Storage {
    /// The bytes that remain to be written.
    Small(Bytes),
    /// The shared bytes of the reply, and the number that remain to be written.
    Large {
        shared: Arc<EvictableReply>,
        remaining: u64,
    },
}

/// The error of a [`ReplyBody`] that was evicted from the [budget](super::ServerOptions::budget),
/// to make room for other peers.
#[derive(Debug, thiserror::Error)]
#[error("the reply was evicted: it was held for too long, and others needed the room")]
#[non_exhaustive]
pub struct ReplyEvicted;

/// The bytes of a reply, which its body and the budget share and either can drop.
#[derive(Debug)]
struct EvictableReply(Mutex<Option<(Bytes, Account)>>);

impl ReplyBody {
    /// Creates a body. `bytes` own their hold in the budget.
    pub(super) fn new(bytes: Bytes, account: Option<Account>) -> Self {
        let Some(account) = account else {
            return Self(Storage::Small(bytes));
        };
        if bytes.len() <= Budget::FREE {
            return Self(Storage::Small(bytes));
        }
        let remaining = bytes.len() as u64;
        let shared = Arc::new(EvictableReply(Mutex::new(None)));
        let waker = Waker::from(Arc::clone(&shared));
        if account
            .poll_evicted(&mut Context::from_waker(&waker))
            .is_pending()
        {
            shared.put(bytes, account);
        }
        Self(Storage::Large { shared, remaining })
    }
}

impl EvictableReply {
    fn put(&self, bytes: Bytes, account: Account) {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *shared = Some((bytes, account));
        let is_evicted = shared
            .as_ref()
            .is_some_and(|(_, account)| account.is_evicted());
        drop(shared);
        // The account may have been evicted in the meantime.
        if is_evicted {
            self.clear();
        }
    }

    /// Drops the bytes, if they are still there.
    fn clear(&self) {
        // Dropped after the lock is released, because this returns the hold to the budget.
        let shared = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(shared);
    }

    /// Returns a copy of the next bytes, or `None` if the reply was dropped.
    fn copy(&self, remaining: u64) -> Option<Bytes> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (bytes, _) = shared.as_mut()?;
        // The cast loses nothing: `remaining` is at most the length.
        let begin = bytes.len() - remaining as usize;
        let end = bytes.len().min(begin + Budget::FREE);
        Some(Bytes::copy_from_slice(&bytes[begin..end]))
    }
}

impl Wake for EvictableReply {
    fn wake(self: Arc<Self>) {
        self.clear();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.clear();
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = ReplyEvicted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplyEvicted>>> {
        Poll::Ready(match &mut self.0 {
            Storage::Small(bytes) if bytes.is_empty() => None,
            Storage::Small(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Storage::Large { remaining: 0, .. } => None,
            Storage::Large { shared, remaining } => match shared.copy(*remaining) {
                Some(bytes) => {
                    *remaining -= bytes.len() as u64;
                    if *remaining == 0 {
                        shared.clear();
                    }
                    Some(Ok(Frame::data(bytes)))
                }
                None => Some(Err(ReplyEvicted)),
            },
        })
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.0 {
            Storage::Small(bytes) => bytes.len() as u64,
            Storage::Large { remaining, .. } => *remaining,
        })
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        // The account is stored beside the bytes and has a waker that owns both, a cycle of
        // references that must be broken here.
        if let Storage::Large { shared, .. } = &self.0 {
            shared.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;

    use super::*;

    /// Creates a reply of `Budget::FREE` and `bytes` more bytes.
    fn reply(budget: &Budget, bytes: usize) -> ReplyBody {
        let account = budget.account();
        let mut hold = account.hold();
        let reply: Bytes = (0..Budget::FREE + bytes).map(|at| at as u8).collect();
        hold.resize(&account, reply.len()).unwrap();
        ReplyBody::new(hold.attach(reply), Some(account))
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_reply_is_held_until_it_is_read_or_dropped() {
        let budget = Budget::new(1 << 20);
        let body = reply(&budget, 500_000);
        assert_eq!(budget.held(), 500_000);
        let read = body.collect().await.unwrap().to_bytes();
        assert!(read.iter().enumerate().all(|(at, &byte)| byte == at as u8));
        assert_eq!((read.len(), budget.held()), (565_536, 0));
        drop(reply(&budget, 500_000));
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unread_reply_is_evicted_when_the_budget_is_needed() {
        let budget = Budget::new(1 << 20);
        let mut unread = reply(&budget, 1_000_000);
        let first = unread.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap().len(), Budget::FREE);
        tokio::time::advance(Duration::from_secs(2)).await;
        let next = reply(&budget, 1_000_000);
        // It was evicted without being polled.
        assert!(
            matches!(&unread.0, Storage::Large { shared, .. } if shared.0.lock().unwrap().is_none())
        );
        unread.frame().await.unwrap().unwrap_err();
        drop(next);
        assert_eq!(budget.held(), 0);
        reply(&budget, 1_000_000).collect().await.unwrap();
    }
}
