//! The connections that wait for the next call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::connection::Connection;

/// Connections kept for later calls. Enough for what one program calls at the same time; a burst
/// opens more and closes them again.
const MAX_IDLE: usize = 32;

/// Idle connections, each kept for a time.
pub(super) struct Pool {
    idle: Arc<Mutex<Idle>>,
    timeout: Duration,
}

#[derive(Default)]
struct Idle {
    /// The one that was used last is at the end.
    connections: Vec<(Instant, Connection)>,
    /// Whether a task closes those whose time is over.
    is_watched: bool,
}

impl Pool {
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            idle: Arc::default(),
            timeout,
        }
    }

    /// A connection that is open, as far as is known here.
    pub(super) async fn take(&self) -> Option<Connection> {
        loop {
            let (since, mut connection) = lock(&self.idle).connections.pop()?;
            // A runtime of one thread that did something else since the last call, or slept, has
            // not looked at its sockets. This pause makes it, for a microsecond: a connection that
            // the server has closed meanwhile is then replaced instead of losing the call.
            yield_now().await;
            if since.elapsed() < self.timeout && connection.is_ready() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next call, if it is good for one.
    pub(super) fn put(&self, mut connection: Connection) {
        if self.timeout.is_zero() || !connection.is_ready() {
            return;
        }
        let mut idle = lock(&self.idle);
        if idle.connections.len() >= MAX_IDLE {
            return;
        }
        idle.connections.push((Instant::now(), connection));
        if !idle.is_watched {
            idle.is_watched = true;
            tokio::spawn(close_unused(Arc::downgrade(&self.idle), self.timeout));
        }
    }
}

/// Closes connections when their time is over, until none is left.
async fn close_unused(idle: Weak<Mutex<Idle>>, timeout: Duration) {
    loop {
        sleep(timeout).await;
        let Some(idle) = idle.upgrade() else {
            return;
        };
        let mut idle = lock(&idle);
        idle.connections
            .retain_mut(|(since, connection)| since.elapsed() < timeout && connection.is_ready());
        if idle.connections.is_empty() {
            idle.is_watched = false;
            return;
        }
    }
}

fn lock(idle: &Mutex<Idle>) -> MutexGuard<'_, Idle> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
