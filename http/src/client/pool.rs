//! The pool of idle connections.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::connection::Connection;
use super::layered::Layered;
use super::stream::Stream;

/// Maximum number of idle connections: enough for the usual concurrency of one program. A burst of
/// calls opens more, which are closed after it.
const MAX_IDLE: usize = 32;

/// A factory of connections to one destination.
///
/// In the blocking client the futures of a transport and its streams block the thread instead of
/// waiting, and so are ready when they are first polled.
pub trait Transport: Send + Sync + Sized + 'static {
    /// A connection.
    type Stream: Stream;

    /// Opens a connection.
    ///
    /// # Errors
    /// An error of kind `TimedOut` if the deadline passes.
    fn connect(
        &self,
        deadline: Option<Instant>,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Runs a task in the background, which closes expired connections. Does nothing if no task can
    /// run between calls.
    fn spawn(task: impl Future<Output = ()> + Send + 'static);
}

/// Idle connections, each kept for `timeout`.
pub(crate) struct Pool<T: Transport> {
    idle: Arc<Mutex<Idle<Layered<T::Stream>>>>,
    timeout: Duration,
}

struct Idle<S> {
    /// Ordered by the time of last use, most recent last.
    connections: Vec<(Instant, Connection<S>)>,
    /// `true` while a task [closes expired connections](close_expired).
    has_reaper: bool,
}

impl<T: Transport> Pool<T> {
    pub(super) fn new(timeout: Duration) -> Self {
        let idle = Idle {
            connections: Vec::new(),
            has_reaper: false,
        };
        Self {
            idle: Arc::new(Mutex::new(idle)),
            timeout,
        }
    }

    /// Takes the most recently used connection that has not expired and appears to be open.
    pub(super) async fn take(&self, now: Instant) -> Option<Connection<Layered<T::Stream>>> {
        loop {
            let (since, mut connection) = lock(&self.idle).connections.pop()?;
            if now.duration_since(since) < self.timeout && connection.is_alive().await {
                return Some(connection);
            }
        }
    }

    /// Returns a connection to the pool, if it is reusable.
    pub(super) fn put(&self, connection: Connection<Layered<T::Stream>>) {
        if self.timeout.is_zero() || !connection.is_reusable() {
            return;
        }
        let now = Instant::now();
        let mut idle = lock(&self.idle);
        // The least recently used come first.
        let is_expired = |(since, _): &&(Instant, _)| now.duration_since(*since) >= self.timeout;
        let expired = idle.connections.iter().take_while(is_expired).count();
        idle.connections.drain(..expired);
        if idle.connections.len() >= MAX_IDLE {
            return;
        }
        idle.connections.push((now, connection));
        if !idle.has_reaper {
            idle.has_reaper = true;
            T::spawn(close_expired(Arc::downgrade(&self.idle), self.timeout));
        }
    }
}

/// Closes expired connections until none is left. The pool starts a new reaper when it needs one.
async fn close_expired<S>(pool: Weak<Mutex<Idle<S>>>, timeout: Duration) {
    loop {
        sleep(timeout).await;
        let Some(idle) = pool.upgrade() else {
            return;
        };
        let mut idle = lock(&idle);
        idle.connections
            .retain(|(since, _)| since.elapsed() < timeout);
        idle.has_reaper = !idle.connections.is_empty();
        if !idle.has_reaper {
            return;
        }
    }
}

fn lock<S>(idle: &Mutex<Idle<S>>) -> MutexGuard<'_, Idle<S>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::stream::Progress;
    use super::*;

    /// A stream that is never used, but open.
    struct Open;

    impl Stream for Open {
        async fn try_read(&mut self, _: &mut [u8]) -> io::Result<Option<usize>> {
            Ok(None)
        }

        async fn write(
            &mut self,
            _: &[u8],
            _: &mut [u8],
            _: Option<Instant>,
        ) -> io::Result<Progress> {
            Ok(Progress::Read(0))
        }

        async fn read(&mut self, _: &mut [u8], _: Option<Instant>) -> io::Result<usize> {
            Ok(0)
        }

        fn write_last(&mut self, _: &[u8]) {}
    }

    struct Connector;

    impl Transport for Connector {
        type Stream = Open;

        async fn connect(&self, _: Option<Instant>) -> io::Result<Open> {
            Ok(Open)
        }

        fn spawn(_: impl Future<Output = ()> + Send + 'static) {}
    }

    #[tokio::test]
    async fn at_most_32_connections_are_kept() {
        let pool = Pool::<Connector>::new(Duration::from_secs(60));
        for kept in (1..=32).chain([32, 32]) {
            pool.put(Connection::new(Layered::Plain(Open)));
            assert_eq!(lock(&pool.idle).connections.len(), kept);
        }
        let mut taken = 0;
        while pool.take(Instant::now()).await.is_some() {
            taken += 1;
        }
        assert_eq!(taken, 32);
        pool.put(Connection::new(Layered::Plain(Open)));
        assert_eq!(lock(&pool.idle).connections.len(), 1);
    }
}
