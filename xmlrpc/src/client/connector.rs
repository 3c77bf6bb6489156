//! Where the connections of a client come from.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::transport::{Connect, Io};

use super::error::ConnectError;

type Dial = dyn Fn() -> BoxFuture<io::Result<Box<dyn Io>>> + Send + Sync;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Connects to the one place that all calls of a client go to, whatever the URI says: a server or
/// a proxy, over any transport. TLS belongs here, around what `dial` gives.
pub(super) struct Connector {
    dial: Box<Dial>,
    peer: Arc<str>,
    timeout: Option<Duration>,
}

impl Connector {
    /// `peer` is for error messages; the timeout is for the whole of a connection attempt.
    pub(super) fn new(connect: impl Connect, peer: String, timeout: Option<Duration>) -> Self {
        let dial = move || -> BoxFuture<io::Result<Box<dyn Io>>> {
            let connect = connect.clone();
            Box::pin(async move { Ok(Box::new(connect.connect().await?) as Box<dyn Io>) })
        };
        Self {
            dial: Box::new(dial),
            peer: peer.into(),
            timeout,
        }
    }

    pub(super) async fn connect(&self) -> Result<Box<dyn Io>, ConnectError> {
        let dialling = (self.dial)();
        let connected = match self.timeout {
            Some(timeout) => match tokio::time::timeout(timeout, dialling).await {
                Ok(connected) => connected,
                Err(_) => Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no connection within {timeout:?}"),
                )),
            },
            None => dialling.await,
        };
        connected.map_err(|error| ConnectError {
            peer: Arc::clone(&self.peer),
            error,
        })
    }
}
