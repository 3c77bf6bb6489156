//! TLS of connections: the settings of listeners and clients, and the handshake on a stream.

mod by_authkey;

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use farcall_core::transport::tls::rustls::pki_types::ServerName;
use farcall_core::transport::tls::rustls::{ClientConnection, Connection, ServerConnection};
use farcall_core::transport::tls::{ClientTls, Profile, ServerTls};

use crate::auth::{AuthError, Channel, Role};
use crate::connection::{SplitStream, StreamReadHalf, StreamWriteHalf, secure};

/// The TLS that the builder of a listener or a client was given.
#[derive(Clone, Debug)]
pub(crate) enum TlsSettings {
    Listener(ServerTls),
    Client(ClientTls),
    /// Of both, without certificates.
    ByAuthkey,
}

/// The TLS of a listener or a client.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    side: TlsSide,
    is_by_authkey: bool,
}

#[derive(Clone, Debug)]
enum TlsSide {
    Listener(ServerTls),
    Client(ClientTls),
}

/// Future of the handshake on a stream. Boxed, so that connections without TLS need no room for it.
pub(crate) type Securing = Pin<Box<dyn Future<Output = Result<SplitStream, AuthError>> + Send>>;

impl TlsSettings {
    /// Returns `true` if only the authkey tells who the peer is.
    pub(crate) const fn is_by_authkey(&self) -> bool {
        matches!(self, Self::ByAuthkey)
    }

    /// Validates the settings of one side.
    pub(crate) fn build(self, role: Role) -> Result<Tls, AuthError> {
        let is_by_authkey = self.is_by_authkey();
        let side = match (self, role) {
            (Self::Listener(tls), _) => TlsSide::Listener(tls),
            (Self::Client(tls), _) => TlsSide::Client(tls),
            (Self::ByAuthkey, Role::Listener) => {
                TlsSide::Listener(by_authkey::listener().map_err(failed)?)
            }
            (Self::ByAuthkey, Role::Client) => {
                TlsSide::Client(by_authkey::client().map_err(failed)?)
            }
        };
        Ok(Tls {
            side,
            is_by_authkey,
        })
    }
}

impl Tls {
    /// Returns the part of a URL that stands for this kind of TLS.
    #[cfg(feature = "rpc")]
    pub(crate) const fn scheme(&self) -> &'static str {
        if self.is_by_authkey {
            "+encrypted"
        } else {
            "+tls"
        }
    }

    /// Performs the handshake on a stream. A client verifies that the peer is `name`.
    pub(crate) fn secure(&self, stream: SplitStream, name: Option<&str>) -> Securing {
        let connection = self.connection(name);
        Box::pin(async move {
            let (read_half, write_half, peer, _) = stream;
            let secured = secure(read_half, write_half, connection.map_err(failed)?).await;
            let (read_half, write_half) = secured.map_err(failed)?;
            let exporter = read_half.session().exporter().copied();
            let channel = exporter.map_or(Channel::Unknown, |exporter| Channel::Tls { exporter });
            Ok((
                StreamReadHalf::Tls(Box::new(read_half)),
                StreamWriteHalf::Tls(Box::new(write_half)),
                peer,
                channel,
            ))
        })
    }

    fn connection(&self, name: Option<&str>) -> Result<Connection, Box<dyn Error + Send + Sync>> {
        Ok(match &self.side {
            TlsSide::Listener(tls) => {
                ServerConnection::new(tls.config(Profile::Connection))?.into()
            }
            TlsSide::Client(tls) => {
                let name = match name {
                    _ if self.is_by_authkey => by_authkey::name(),
                    Some(name) => ServerName::try_from(name)?.to_owned(),
                    None => {
                        let message = "this target has no host name that its certificate could \
                                       have: set `server_name`";
                        return Err(message.into());
                    }
                };
                ClientConnection::new(tls.config(Profile::Connection)?, name)?.into()
            }
        })
    }
}

fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> AuthError {
    AuthError::Tls(error.into())
}
