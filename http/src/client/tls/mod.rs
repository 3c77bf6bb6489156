//! TLS over a byte stream, for the async and the blocking client.

#[cfg(test)]
mod tests;

use std::io::{self, Read as _, Write as _};
use std::mem;
use std::time::Instant;

pub(super) use farcall_core::transport::tls::ClientTls;
use farcall_core::transport::tls::rustls::pki_types::ServerName;
use farcall_core::transport::tls::rustls::{AlertDescription, ClientConnection, Error};
use farcall_core::transport::tls::{BytesWithoutData, Profile, TlsError};

use super::response::Buffer;
use super::stream::{Progress, Stream, Unreached};
use super::url::{Host, InvalidUrl};

/// Maximum bytes of a write, so that it becomes one record, and the record one write of a socket.
/// A server can use nothing of a record that it has not received whole. So if the first write of a
/// request fails, the server has not received any of the request.
const MAX_WRITE: usize = (16 << 10) - 256;

/// The bytes in front of the content of a record (RFC 8446, 5.1).
const RECORD_HEADER: usize = 5;

/// Bytes of a buffer that is kept from one message to the next.
const KEPT: usize = 4 << 10;

/// The server of a TLS connection, and how it is verified.
pub(super) struct TlsTarget {
    tls: ClientTls,
    name: ServerName<'static>,
}

impl TlsTarget {
    pub(super) fn new(tls: &ClientTls, host: &Host) -> Result<Self, InvalidUrl> {
        let name = match host {
            Host::V4(address) => ServerName::from(std::net::IpAddr::from(*address)),
            Host::V6(address) => ServerName::from(std::net::IpAddr::from(*address)),
            // Certificates have no dot at the end.
            Host::Name(name) => ServerName::try_from(name.strip_suffix('.').unwrap_or(name))
                .map_err(|_| InvalidUrl::NoServerName)?
                .to_owned(),
        };
        Ok(Self {
            tls: tls.clone(),
            name,
        })
    }
}

/// A TLS connection over a byte stream.
pub(crate) struct Tls<S: Stream> {
    stream: S,
    session: ClientConnection,
    /// Records as received.
    received: Buffer,
    /// Records to be sent, from this offset on.
    sealed: Vec<u8>,
    sent: usize,
    /// The number of bytes of the last write that are in these records, as one record.
    written: usize,
    /// The offset of that record, or of what TLS sends before it.
    begin: usize,
    /// Those received since the last data.
    without_data: BytesWithoutData,
    /// `true` once data has arrived, so that the server has completed the handshake.
    is_answered: bool,
}

impl<S: Stream> Tls<S> {
    /// Performs the handshake. Its last message is sent with the first data.
    ///
    /// # Errors
    /// If the handshake fails, and an error of kind `TimedOut` if the deadline passes.
    pub(super) async fn handshake(
        target: &TlsTarget,
        stream: S,
        deadline: Option<Instant>,
    ) -> io::Result<Self> {
        let config = target.tls.config(Profile::Http).map_err(io::Error::other)?;
        let session = ClientConnection::new(config, target.name.clone()).map_err(explained)?;
        let mut tls = Self {
            stream,
            session,
            received: Buffer::new(),
            sealed: Vec::new(),
            sent: 0,
            written: 0,
            begin: 0,
            without_data: BytesWithoutData::default(),
            is_answered: false,
        };
        let mut is_first = true;
        while tls.session.is_handshaking() {
            let progress = if tls.seal() {
                let (sealed, space) = (&tls.sealed[tls.sent..], tls.received.space());
                tls.stream.write(sealed, space, deadline).await?
            } else {
                Progress::Read(tls.stream.read(tls.received.space(), deadline).await?)
            };
            match progress {
                Progress::Written(length) => tls.sent += length,
                Progress::Read(0) => return Err(closed_in_handshake()),
                Progress::Read(length) => {
                    tls.received.fill(length);
                    if mem::take(&mut is_first) && is_plain_http(tls.received.unread()) {
                        let error = "the server answered in plain HTTP, not by TLS";
                        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                    }
                    if let Err(error) = tls.process_handshake() {
                        // The alert tells the server why. The error here is the one that counts.
                        if tls.seal() {
                            let sealed = &tls.sealed[tls.sent..];
                            let _ = tls.stream.write(sealed, &mut [0], deadline).await;
                        }
                        return Err(error);
                    }
                }
            }
        }
        Ok(tls)
    }

    fn process_handshake(&mut self) -> io::Result<()> {
        while self.session.is_handshaking() && self.process()? {}
        Ok(())
    }

    /// Processes some of the records that were received. Returns `false` if there are none.
    fn process(&mut self) -> io::Result<bool> {
        if self.received.unread().is_empty() {
            return Ok(false);
        }
        let length = self.session.read_tls(&mut self.received.unread())?;
        self.received.consume(length);
        match self.session.process_new_packets() {
            // Nothing more is read after that.
            Ok(state) if state.peer_has_closed() && self.session.is_handshaking() => {
                Err(closed_in_handshake())
            }
            Ok(_) => Ok(true),
            Err(error) if !self.is_answered && is_refusal(&error) => {
                let error = Unreached(TlsError::from(error).into());
                Err(io::Error::new(io::ErrorKind::ConnectionRefused, error))
            }
            Err(error) => Err(explained(error)),
        }
    }

    /// Decrypts what was received, and returns the number of bytes: 0 at the end of the stream, and
    /// `None` if there is nothing to decrypt.
    ///
    /// # Errors
    /// If the server closed the connection without saying so: the end may be the work of an
    /// attacker.
    fn decrypt(&mut self, space: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match self.session.reader().read(space) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    let text = "the server closed the connection without TLS's close_notify";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
                }
                read => {
                    self.is_answered = true;
                    self.without_data.reset();
                    return read.map(Some);
                }
            }
            if !self.process()? {
                return Ok(None);
            }
        }
    }

    /// Takes what the stream has read into `received`.
    fn receive(&mut self, length: usize, space: &mut [u8]) -> io::Result<Option<usize>> {
        match length {
            // Records the end.
            0 => drop(self.session.read_tls(&mut io::empty())?),
            length => self.received.fill(length),
        }
        let decrypted = self.decrypt(space)?;
        if decrypted.is_none() {
            self.without_data.add(length)?;
        }
        Ok(decrypted)
    }

    /// Returns `true` if the server may have the whole record of the last write, and decrypt it.
    const fn may_be_received(&self) -> bool {
        self.sent >= self.begin + RECORD_HEADER + self.written
    }

    /// Encrypts what is to be sent. Returns `false` if there is nothing.
    fn seal(&mut self) -> bool {
        if self.sent == self.sealed.len() {
            self.sealed.clear();
            self.sent = 0;
        }
        while self.session.wants_write() {
            // Writing into memory does not fail.
            let _ = self.session.write_tls(&mut self.sealed);
        }
        self.sent < self.sealed.len()
    }
}

impl<S: Stream> Stream for Tls<S> {
    /// Processes records without data, which do not mean that the server has sent something. The
    /// answer to an update of keys is sent before the next data.
    async fn try_read(&mut self, space: &mut [u8]) -> io::Result<Option<usize>> {
        if let Some(length) = self.decrypt(space)? {
            return Ok(Some(length));
        }
        while let Some(length) = self.stream.try_read(self.received.space()).await? {
            if let Some(length) = self.receive(length, space)? {
                return Ok(Some(length));
            }
        }
        Ok(None)
    }

    async fn write(
        &mut self,
        bytes: &[u8],
        space: &mut [u8],
        deadline: Option<Instant>,
    ) -> io::Result<Progress> {
        if let Some(length) = self.decrypt(space)? {
            return Ok(Progress::Read(length));
        }
        if self.written == 0 {
            self.seal();
            self.begin = self.sealed.len();
            let piece = &bytes[..bytes.len().min(MAX_WRITE)];
            self.written = self.session.writer().write(piece)?;
        }
        while self.seal() {
            let (sealed, received) = (&self.sealed[self.sent..], self.received.space());
            match self.stream.write(sealed, received, deadline).await {
                Ok(Progress::Written(length)) => self.sent += length,
                Ok(Progress::Read(length)) => {
                    if let Some(length) = self.receive(length, space)? {
                        return Ok(Progress::Read(length));
                    }
                }
                // It concerns what TLS sends behind the data. The next read returns it.
                Err(_) if self.may_be_received() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Progress::Written(mem::take(&mut self.written)))
    }

    async fn read(&mut self, space: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        if let Some(length) = self.decrypt(space)? {
            return Ok(length);
        }
        loop {
            let length = self.stream.read(self.received.space(), deadline).await?;
            if let Some(length) = self.receive(length, space)? {
                return Ok(length);
            }
        }
    }

    fn write_last(&mut self, bytes: &[u8]) {
        // Writing into memory does not fail.
        let _ = self.session.writer().write(bytes);
        if self.seal() {
            self.stream.write_last(&self.sealed[self.sent..]);
            self.sent = self.sealed.len();
        }
    }

    fn shrink(&mut self) {
        self.received.shrink();
        if self.sent == self.sealed.len() && self.sealed.capacity() > KEPT {
            self.sealed = Vec::new();
            self.sent = 0;
        }
        self.stream.shrink();
    }
}

/// Announces the end, so that the server knows that nobody has cut the connection.
impl<S: Stream> Drop for Tls<S> {
    fn drop(&mut self) {
        // A record that is sent in part cannot be completed any more.
        if !self.session.is_handshaking() && self.sent == self.sealed.len() {
            self.session.send_close_notify();
            self.write_last(&[]);
        }
    }
}

fn closed_in_handshake() -> io::Error {
    let text = "the server closed the connection during the TLS handshake";
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

fn explained(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, TlsError::from(error))
}

/// Returns `true` if the first bytes of a server are those of an HTTP response.
fn is_plain_http(bytes: &[u8]) -> bool {
    const START: &[u8] = b"HTTP/";
    let length = bytes.len().min(START.len());
    length > 0 && bytes[..length] == START[..length]
}

/// Returns `true` if the server refused the handshake. With TLS 1.3 the client learns that after it
/// has sent its first data, which such a server never decrypts.
const fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::AlertReceived(
            AlertDescription::HandshakeFailure
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::CertificateRequired
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied
                | AlertDescription::DecryptError
                | AlertDescription::InsufficientSecurity
        )
    )
}
