//! A relay between a client and a server, which counts connections and records bytes.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Maximum bytes recorded in each direction, many times the traffic of the checks.
const MAX_RECORDED: usize = 64 << 20;

/// A relay in front of a server.
#[derive(Clone, Debug)]
pub(crate) struct Relay {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
}

impl Relay {
    /// Starts a relay in front of this server, which runs until the process exits.
    pub(crate) fn new(server: SocketAddr) -> io::Result<Self> {
        Self::recording(server, &Recording::default())
    }

    /// Starts a relay that adds its traffic to `recording`.
    pub(crate) fn recording(server: SocketAddr, recording: &Recording) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let recording = recording.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                // Without a server, the connection of the client is closed.
                if let Ok(server) = TcpStream::connect(server) {
                    forward(&client, &server, Arc::clone(&recording.requests));
                    forward(&server, &client, Arc::clone(&recording.replies));
                }
            }
        });
        Ok(Self { port, connections })
    }

    /// Returns the number of connections that clients have opened.
    pub(crate) fn count(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// The bytes that clients and servers have sent, over all connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    requests: Arc<Mutex<Vec<u8>>>,
    replies: Arc<Mutex<Vec<u8>>>,
}

impl Recording {
    /// Returns all that clients have sent.
    pub(crate) fn requests(&self) -> MutexGuard<'_, Vec<u8>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all that servers have sent.
    pub(crate) fn replies(&self) -> MutexGuard<'_, Vec<u8>> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forwards bytes from one socket to another until the end of the stream. Bytes are recorded before
/// the receiver can read them.
fn forward(from: &TcpStream, to: &TcpStream, record: Arc<Mutex<Vec<u8>>>) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else {
        return;
    };
    thread::spawn(move || {
        // Without TCP_NODELAY, small writes would wait for delayed acknowledgements.
        let _ = to.set_nodelay(true);
        let mut buffer = [0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..length];
            {
                let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
                let room = MAX_RECORDED - record.len();
                record.extend_from_slice(&bytes[..length.min(room)]);
            }
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
