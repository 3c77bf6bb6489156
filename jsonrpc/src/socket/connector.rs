//! Opening the connections of clients.

use std::future::pending;
use std::io;

use farcall_core::Budget;
use farcall_core::protocol::Origin;
use farcall_core::transport::{Connect as _, Io, SystemConnector, Target};
use tokio::io::split;

use super::url::SocketUrl;
use super::{InvalidSocketUrl, SocketClientOptions};
use crate::message::{FramedReader, FramedWriter, ReadMessage, WriteMessage};
use crate::session::{Driver, Offer, Session};

/// Opens connections to one server.
pub(super) struct Connector {
    url: SocketUrl,
}

impl Connector {
    pub(super) fn new(url: SocketUrl) -> Result<Self, InvalidSocketUrl> {
        if let SocketUrl::WebSocket { is_secure, .. } = &url {
            if !cfg!(feature = "websocket") {
                return Err(InvalidSocketUrl::NoWebSocket);
            }
            if *is_secure && !cfg!(feature = "_tls") {
                return Err(InvalidSocketUrl::NoTls);
            }
        }
        Ok(Self { url })
    }

    pub(super) async fn connect(&self, options: &SocketClientOptions) -> io::Result<Session> {
        match &self.url {
            SocketUrl::Framed(target, framing) => {
                let (reader, writer) = split(open(target).await?);
                let reader = FramedReader::new(reader, *framing);
                let writer = FramedWriter::new(writer, *framing, None);
                Ok(start(reader, writer, options))
            }
            #[cfg(not(feature = "websocket"))]
            SocketUrl::WebSocket { .. } => Err(io::ErrorKind::Unsupported.into()),
            #[cfg(feature = "websocket")]
            SocketUrl::WebSocket {
                target,
                authority,
                host,
                is_secure,
                path,
            } => {
                let io = open(target).await?;
                let io = if *is_secure {
                    secure(io, host, options).await?
                } else {
                    io
                };
                let opened = crate::message::websocket::open(
                    io,
                    authority,
                    path,
                    &options.headers,
                    options.max_message,
                );
                let (reader, writer) = opened.await?;
                Ok(start(reader, writer, options))
            }
        }
    }
}

/// A byte stream of any kind.
type AnyIo = Box<dyn Io>;

async fn open(target: &Target) -> io::Result<AnyIo> {
    Ok(match SystemConnector::to(target)? {
        SystemConnector::Tcp(connector) => Box::new(connector.connect().await?),
        #[cfg(unix)]
        SystemConnector::Unix(connector) => Box::new(connector.connect().await?),
    })
}

#[cfg(all(feature = "websocket", feature = "_tls"))]
async fn secure(io: AnyIo, host: &str, options: &SocketClientOptions) -> io::Result<AnyIo> {
    use farcall_core::transport::tls::Profile;
    use farcall_core::transport::tls::rustls::pki_types::ServerName;

    let config = options
        .tls
        .config(Profile::Http)
        .map_err(io::Error::other)?;
    // Certificates have no dot at the end.
    let name = ServerName::try_from(host.strip_suffix('.').unwrap_or(host).to_owned());
    let name = name.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let connector = tokio_rustls::TlsConnector::from(config);
    Ok(Box::new(connector.connect(name, io).await?))
}

#[cfg(all(feature = "websocket", not(feature = "_tls")))]
async fn secure(_: AnyIo, _: &str, _: &SocketClientOptions) -> io::Result<AnyIo> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Starts the session of an open connection, in a task of its own.
pub(super) fn start(
    reader: impl ReadMessage,
    writer: impl WriteMessage,
    options: &SocketClientOptions,
) -> Session {
    let limits = options.session();
    let largest = limits.max_message.max(Budget::default().bytes());
    let offer = Offer {
        service: options.service.clone(),
        origin: Origin::default(),
        // Messages of a server have the limit of a message only.
        budget: Budget::new(largest.saturating_mul(2)),
        calls: None,
    };
    let (session, driver) = Driver::new(reader, writer, offer, limits, options.subscription_window);
    tokio::spawn(driver.run(pending()));
    session
}
