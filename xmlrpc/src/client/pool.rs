//! The connections that wait for the next call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::transport::Transport;

/// Connections kept for later calls. Enough for what one program calls at the same time; a burst
/// opens more and closes them again.
const MAX_IDLE: usize = 32;

/// Idle connections, each kept for a time.
pub(crate) struct Pool<T: Transport> {
    idle: Arc<Mutex<Idle<T::Stream>>>,
    timeout: Duration,
}

struct Idle<S> {
    /// The one that was used last is at the end.
    connections: Vec<(Instant, Connection<S>)>,
    /// Whether those whose time is over are closed by something beside the calls.
    is_tended: bool,
}

/// A pool that may be gone.
pub(crate) struct WeakPool<T: Transport> {
    idle: Weak<Mutex<Idle<T::Stream>>>,
    pub(crate) timeout: Duration,
}

impl<T: Transport> Pool<T> {
    pub(super) fn new(timeout: Duration) -> Self {
        let idle = Idle {
            connections: Vec::new(),
            is_tended: false,
        };
        Self {
            idle: Arc::new(Mutex::new(idle)),
            timeout,
        }
    }

    pub(crate) fn downgrade(&self) -> WeakPool<T> {
        WeakPool {
            idle: Arc::downgrade(&self.idle),
            timeout: self.timeout,
        }
    }

    /// A connection that is open, as far as is known here.
    pub(super) async fn take(&self, now: Instant) -> Option<Connection<T::Stream>> {
        loop {
            let (since, mut connection) = lock(&self.idle).connections.pop()?;
            if now.duration_since(since) < self.timeout && connection.is_alive().await {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next call, if it is good for one.
    pub(super) fn put(&self, connection: Connection<T::Stream>) {
        if self.timeout.is_zero() || !connection.is_reusable() {
            return;
        }
        let now = Instant::now();
        let mut idle = lock(&self.idle);
        // The oldest come first.
        let is_over = |(since, _): &&(Instant, _)| now.duration_since(*since) >= self.timeout;
        let over = idle.connections.iter().take_while(is_over).count();
        idle.connections.drain(..over);
        if idle.connections.len() >= MAX_IDLE {
            return;
        }
        idle.connections.push((now, connection));
        if !idle.is_tended {
            idle.is_tended = true;
            T::tend(self);
        }
    }
}

impl<T: Transport> WeakPool<T> {
    /// Closes the connections whose time is over, and tells whether any are left. Where none are,
    /// the pool asks to be tended again.
    pub(crate) fn close_unused(&self) -> bool {
        let Some(idle) = self.idle.upgrade() else {
            return false;
        };
        let mut idle = lock(&idle);
        idle.connections
            .retain(|(since, _)| since.elapsed() < self.timeout);
        idle.is_tended = !idle.connections.is_empty();
        idle.is_tended
    }
}

fn lock<S>(idle: &Mutex<Idle<S>>) -> MutexGuard<'_, Idle<S>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
