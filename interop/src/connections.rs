//! How many connections our clients make.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Stands between a client and a server, and counts the connections.
#[derive(Clone, Debug)]
pub(crate) struct Counting {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
}

impl Counting {
    /// In front of this server, for as long as this process runs.
    pub(crate) fn new(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                // Where there is no server, the client sees its connection end.
                if let Ok(server) = TcpStream::connect(server) {
                    pass_on(&client, &server);
                    pass_on(&server, &client);
                }
            }
        });
        Ok(Self { port, connections })
    }

    pub(crate) fn count(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Has what comes from one side sent to the other, until it ends.
fn pass_on(from: &TcpStream, to: &TcpStream) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else {
        return;
    };
    thread::spawn(move || {
        // What is held back to fill a packet would wait for an acknowledgement that is delayed.
        let _ = to.set_nodelay(true);
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}
