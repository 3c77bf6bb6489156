//! Opening the connections of clients.

use std::io;
use std::sync::Arc;

use farcall_core::Budget;
use farcall_core::protocol::Origin;
#[cfg(feature = "websocket")]
use farcall_core::protocol::output::Causes;
use farcall_core::transport::{Connect as _, Io, SystemConnector, Target};
use farcall_http::client::Secrets;
use tokio::io::split;

use super::url::{Messages, SocketUrl};
use super::{InvalidSocketUrl, SocketClientOptions};
use crate::message::{FramedReader, FramedWriter, ReadMessage, WriteMessage};
use crate::session::{Driver, Offer, Session};

/// Opens connections to one server.
pub(super) struct Connector {
    url: SocketUrl,
    secrets: Arc<Secrets>,
}

impl Connector {
    pub(super) fn new(
        url: SocketUrl,
        options: &SocketClientOptions,
    ) -> Result<Self, InvalidSocketUrl> {
        if let Messages::WebSocket { .. } = &url.messages
            && !cfg!(feature = "websocket")
        {
            return Err(InvalidSocketUrl::NoWebSocket);
        }
        if url.is_secure && !cfg!(feature = "_tls") {
            return Err(InvalidSocketUrl::NoTls);
        }
        let query = match &url.messages {
            Messages::WebSocket { path, .. } => path.split_once('?'),
            Messages::Framed(_) => None,
        };
        let query = query.map_or("", |(_, query)| query);
        let secrets = Arc::new(Secrets::new(query, &options.headers));
        Ok(Self { url, secrets })
    }

    pub(super) const fn secrets(&self) -> &Arc<Secrets> {
        &self.secrets
    }

    /// Returns the error of a failure to connect, which names the server.
    pub(super) fn not_connected(&self, source: io::Error) -> io::Error {
        let target = self.url.target.clone();
        io::Error::new(source.kind(), NotConnected { target, source })
    }

    pub(super) async fn connect(&self, options: &SocketClientOptions) -> io::Result<Session> {
        let io = open(&self.url.target).await?;
        let io = if self.url.is_secure {
            secure(io, &self.url, options).await?
        } else {
            io
        };
        match &self.url.messages {
            Messages::Framed(framing) => {
                let (reader, writer) = split(io);
                let reader = FramedReader::new(reader, *framing);
                let writer = FramedWriter::new(writer, *framing, None);
                Ok(start(reader, writer, options, &self.secrets))
            }
            #[cfg(not(feature = "websocket"))]
            Messages::WebSocket { .. } => Err(io::ErrorKind::Unsupported.into()),
            #[cfg(feature = "websocket")]
            Messages::WebSocket { authority, path } => {
                let opened = crate::message::websocket::open(
                    io,
                    authority,
                    path,
                    &options.headers,
                    options.max_message,
                );
                let (reader, writer) = opened.await.map_err(|error| {
                    let text = Causes(&error).to_string();
                    let shown = self.secrets.redact(&text);
                    if shown == text {
                        error
                    } else {
                        io::Error::new(error.kind(), shown)
                    }
                })?;
                Ok(start(reader, writer, options, &self.secrets))
            }
        }
    }
}

/// A failure to connect.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to {target}")]
struct NotConnected {
    target: Target,
    source: io::Error,
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

#[cfg(feature = "_tls")]
async fn secure(io: AnyIo, url: &SocketUrl, options: &SocketClientOptions) -> io::Result<AnyIo> {
    use farcall_core::transport::tls::rustls::pki_types::ServerName;
    use farcall_core::transport::tls::{Profile, TlsError};

    let profile = match url.messages {
        Messages::Framed(_) => Profile::Connection,
        Messages::WebSocket { .. } => Profile::Http,
    };
    let config = options.tls.config(profile).map_err(io::Error::other)?;
    let name = ServerName::try_from(url.host());
    let name = name.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let connector = tokio_rustls::TlsConnector::from(config);
    let connected = connector.connect(name, io).await;
    Ok(Box::new(connected.map_err(TlsError::in_handshake)?))
}

#[cfg(not(feature = "_tls"))]
async fn secure(_: AnyIo, _: &SocketUrl, _: &SocketClientOptions) -> io::Result<AnyIo> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Starts the session of an open connection, in a task of its own, which ends it when nobody uses
/// it any more.
pub(super) fn start(
    reader: impl ReadMessage,
    writer: impl WriteMessage,
    options: &SocketClientOptions,
    secrets: &Arc<Secrets>,
) -> Session {
    let limits = options.session();
    let largest = limits.max_message.max(Budget::default().bytes());
    let offer = Offer {
        service: options.service.clone(),
        origin: Origin::default(),
        // Messages of a server have the limit of a message only.
        budget: Budget::new(largest.saturating_mul(2)),
        calls: None,
        secrets: Arc::clone(secrets),
    };
    let (session, driver) = Driver::new(reader, writer, offer, limits, options.subscription_window);
    let (session, dropped) = session.kept_open();
    tokio::spawn(driver.run(dropped));
    session
}
