//! A relay between a client and a server, which counts connections and records bytes.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The most bytes that are recorded of each direction, many times what the checks send.
const MOST: usize = 64 << 20;

/// A relay in front of a server.
#[derive(Clone, Debug)]
pub(crate) struct Relay {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
}

impl Relay {
    /// Starts a relay in front of this server, for as long as this process runs.
    pub(crate) fn new(server: SocketAddr) -> io::Result<Self> {
        Self::recording(server, &Recording::default())
    }

    /// Starts a relay that adds what it carries to `recording`.
    pub(crate) fn recording(server: SocketAddr, recording: &Recording) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let recording = recording.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                // Without a server, the client sees its connection end.
                if let Ok(server) = TcpStream::connect(server) {
                    pass_on(&client, &server, Arc::clone(&recording.requests));
                    pass_on(&server, &client, Arc::clone(&recording.replies));
                }
            }
        });
        Ok(Self { port, connections })
    }

    /// Returns the number of connections that clients have made.
    pub(crate) fn count(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// The bytes that a client and a server have sent each other, whichever connections they took.
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

/// Passes on what comes from one side to the other until it ends. Bytes are recorded before the
/// other side can read them.
fn pass_on(from: &TcpStream, to: &TcpStream, record: Arc<Mutex<Vec<u8>>>) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else {
        return;
    };
    thread::spawn(move || {
        // What is held back to fill a packet would wait for an acknowledgement that is delayed.
        let _ = to.set_nodelay(true);
        let mut buffer = [0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..length];
            {
                let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
                let room = MOST - record.len();
                record.extend_from_slice(&bytes[..length.min(room)]);
            }
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
