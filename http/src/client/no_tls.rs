//! The client without TLS: no `https` URL is accepted.

use std::convert::Infallible;
use std::io;
use std::marker::PhantomData;
use std::time::Instant;

use super::stream::{Progress, Stream};
use super::url::{Host, InvalidUrl};

/// No settings.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientTls {}

/// No server.
pub(super) enum TlsTarget {}

impl TlsTarget {
    pub(super) const fn new(_: &ClientTls, _: &Host) -> Result<Self, InvalidUrl> {
        Err(InvalidUrl::NoTls)
    }
}

/// No connection.
pub(crate) struct Tls<S: Stream>(Infallible, PhantomData<S>);

impl<S: Stream> Tls<S> {
    pub(super) async fn handshake(
        target: &TlsTarget,
        _: S,
        _: Option<Instant>,
    ) -> io::Result<Self> {
        match *target {}
    }
}

impl<S: Stream> Stream for Tls<S> {
    async fn try_read(&mut self, _: &mut [u8]) -> io::Result<Option<usize>> {
        match self.0 {}
    }

    async fn write(&mut self, _: &[u8], _: &mut [u8], _: Option<Instant>) -> io::Result<Progress> {
        match self.0 {}
    }

    async fn read(&mut self, _: &mut [u8], _: Option<Instant>) -> io::Result<usize> {
        match self.0 {}
    }

    fn write_last(&mut self, _: &[u8]) {
        match self.0 {}
    }
}
