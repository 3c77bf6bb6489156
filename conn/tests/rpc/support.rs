//! Servers and clients for the tests.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use farcall_conn::Listener;
use farcall_conn::rpc::{Client, ClientBuilder, Server};
use farcall_core::transport::memory::{MemoryConnector, listener};
use farcall_core::transport::{Connect, Listen};
use farcall_core::{CallError, client, service};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// Counter that also counts its live instances.
pub(crate) struct Counter {
    pub(crate) value: AtomicI64,
    alive: Arc<AtomicUsize>,
}

impl Counter {
    pub(crate) fn new(value: i64, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self {
            value: AtomicI64::new(value),
            alive: Arc::clone(alive),
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

#[service]
impl Counter {
    pub fn add(&self, n: i64) -> i64 {
        self.value.fetch_add(n, Ordering::Relaxed) + n
    }
}

#[client]
pub(crate) trait CounterApi {
    async fn add(&self, n: i64) -> Result<i64, CallError>;
}

/// Serves in the background, and returns a connector to the server.
pub(crate) async fn serve(server: &Server) -> MemoryConnector {
    let (listening, connector) = listener("test");
    spawn(server, listening).await;
    connector
}

pub(crate) async fn spawn(server: &Server, listening: impl Listen) -> AbortHandle {
    let listener = Listener::over(listening);
    let server = server.clone();
    tokio::spawn(server.listen(listener).await.unwrap().serve()).abort_handle()
}

/// Serves in the background, and returns a client.
pub(crate) async fn client(server: &Server) -> Client {
    connect(server).await.await.unwrap()
}

pub(crate) async fn connect(server: &Server) -> ClientBuilder {
    Client::over(serve(server).await)
}

/// Waits until `condition` holds, for at most 5000 polls of 1 ms.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    for _ in 0..5000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the condition was not met in time");
}

/// Network with a delay, whose connections can be cut.
#[derive(Clone)]
pub(crate) struct Network {
    inner: MemoryConnector,
    delay: Duration,
    connections: Arc<AtomicUsize>,
    cut: Arc<tokio::sync::Notify>,
    down: Arc<AtomicBool>,
    silent: Arc<AtomicBool>,
}

impl Network {
    pub(crate) async fn to(server: &Server, delay: Duration) -> Self {
        Self {
            inner: serve(server).await,
            delay,
            connections: Arc::default(),
            cut: Arc::default(),
            down: Arc::default(),
            silent: Arc::default(),
        }
    }

    /// Number of connections made so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// Drops all bytes while `silent` is `true`.
    pub(crate) fn set_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }

    /// Refuses new connections while `down` is `true`.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }
}

impl Connect for Network {
    type Io = DuplexStream;

    async fn connect(&self) -> io::Result<DuplexStream> {
        if self.down.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        self.connections.fetch_add(1, Ordering::Relaxed);
        let far = self.inner.connect().await?;
        let (near, middle) = duplex(1 << 20);
        let (far_read, far_write) = tokio::io::split(far);
        let (near_read, near_write) = tokio::io::split(middle);
        let cut = Arc::clone(&self.cut);
        let (delay, silent) = (self.delay, Arc::clone(&self.silent));
        tokio::spawn(async move {
            tokio::select! {
                () = cut.notified() => {}
                () = relay(near_read, far_write, delay, &silent) => {}
                () = relay(far_read, near_write, delay, &silent) => {}
            }
        });
        Ok(near)
    }
}

/// Relays bytes after the delay.
async fn relay(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    delay: Duration,
    silent: &AtomicBool,
) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let read = async move {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) if silent.load(Ordering::Relaxed) => {}
                Ok(count) => {
                    let at = Instant::now() + delay;
                    if sender.send((at, buffer[..count].to_vec())).is_err() {
                        return;
                    }
                }
            }
        }
    };
    let write = async move {
        while let Some((at, bytes)) = receiver.recv().await {
            sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}
