//! Listeners that are bound, and accept nothing yet.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;

use farcall_core::serve::Accept;
use farcall_core::transport::{Address, Listen, Peer};

use super::handshakes::Handshakes;
use crate::connection::{SplitStream, split};

/// A listener that is bound. Peers can connect, and wait until its streams are accepted.
pub(crate) struct OpenListener {
    pub(crate) address: Address,
    pub(crate) streams: Streams,
    pub(crate) handshakes: Handshakes,
}

impl fmt::Debug for OpenListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenListener")
            .field("address", &self.address)
            .field("config", &self.handshakes.config)
            .finish_non_exhaustive()
    }
}

/// The byte streams that a listener of any transport accepts.
pub(crate) struct Streams(pub(super) Box<dyn AcceptStream>);

impl Accept for Streams {
    type Connection = SplitStream;

    fn next(&mut self) -> impl Future<Output = io::Result<SplitStream>> + Send {
        self.0.accept_stream()
    }

    fn peer((_, _, peer, _): &SplitStream) -> &Peer {
        peer
    }
}

/// A listener of any transport.
pub(super) trait AcceptStream: Send {
    fn accept_stream(&mut self) -> AcceptFuture<'_>;

    fn address(&self) -> io::Result<Address>;
}

type AcceptFuture<'a> = Pin<Box<dyn Future<Output = io::Result<SplitStream>> + Send + 'a>>;

impl<L: Listen> AcceptStream for L {
    fn accept_stream(&mut self) -> AcceptFuture<'_> {
        Box::pin(async {
            let (io, peer) = self.accept().await?;
            let (read_half, write_half, _, channel) = split(io);
            Ok((read_half, write_half, peer, channel))
        })
    }

    fn address(&self) -> io::Result<Address> {
        self.local_address()
    }
}
