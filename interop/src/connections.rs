//! How many connections our client makes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rpc_core::transport::Connect;
use rpc_core::transport::tcp::TcpConnector;

/// Connects, and counts how often.
#[derive(Clone, Debug)]
pub(crate) struct Counting {
    connector: TcpConnector,
    connections: Arc<AtomicUsize>,
}

impl Counting {
    pub(crate) fn new(connector: TcpConnector) -> Self {
        Self {
            connector,
            connections: Arc::default(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Connect for Counting {
    type Io = <TcpConnector as Connect>::Io;

    async fn connect(&self) -> io::Result<Self::Io> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.connector.connect().await
    }
}
