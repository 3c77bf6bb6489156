//! Options of a client.

use std::fmt;
use std::time::Duration;

#[cfg(feature = "_tls")]
use farcall_core::transport::tls::ClientTls;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::session_options::setters;
use crate::{Service, SessionOptions};

/// Options of a [`SocketClient`](crate::SocketClient).
#[derive(Clone)]
#[must_use = "options do nothing until they are given to a client"]
pub struct SocketClientOptions {
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Option<Duration>,
    pub(super) max_message: usize,
    pub(super) subscription_window: usize,
    pub(super) service: Option<Service>,
    pub(super) headers: HeaderMap,
    #[cfg(feature = "_tls")]
    pub(super) tls: ClientTls,
}

impl Default for SocketClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            timeout: Some(Duration::from_secs(60)),
            max_message: 64 << 20,
            subscription_window: 1024,
            service: None,
            headers: HeaderMap::new(),
            #[cfg(feature = "_tls")]
            tls: ClientTls::new(),
        }
    }
}

impl SocketClientOptions {
    setters! {
        /// Maximum time for connecting, with the handshakes of TLS and WebSocket. Default: 10 s.
        connect_timeout: Duration,

        /// Timeout of calls that have no deadline of their own. Default: 60 s, as over HTTP.
        timeout: Option<Duration>,

        /// Maximum bytes of a message of the server. Default: 64 MiB. A larger one ends the
        /// connection.
        max_message: usize,

        /// Number of items that each subscription keeps for its program. Default: 1024. A
        /// subscription whose program takes them too slowly ends.
        subscription_window: usize,
    }

    /// Sets the methods that the server can call, and that receive its notifications. Default:
    /// none.
    pub fn service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Adds a header to the handshake of a WebSocket, such as `authorization`. Debug output hides
    /// its value.
    ///
    /// # Errors
    /// If HTTP does not allow the name or the value.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, http::Error> {
        let name = HeaderName::try_from(name)?;
        let mut value = HeaderValue::try_from(value)?;
        value.set_sensitive(true);
        self.headers.append(name, value);
        Ok(self)
    }

    /// Sets all headers of the handshake of a WebSocket at once. Debug output hides their values.
    /// Default: none.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        for value in self.headers.values_mut() {
            value.set_sensitive(true);
        }
        self
    }

    /// Sets the TLS of `json+tls://` and `wss://`. Default: the authorities of the system are trusted.
    #[cfg(feature = "_tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = tls;
        self
    }

    /// The limits of the session with a server, which is trusted more than a client.
    pub(super) fn session(&self) -> SessionOptions {
        SessionOptions::default()
            .max_message(self.max_message)
            .idle_timeout(None)
    }
}

/// Shows the names of the headers. Their values may be credentials.
impl fmt::Debug for SocketClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("SocketClientOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("max_message", &self.max_message)
            .field("subscription_window", &self.subscription_window)
            .field("service", &self.service)
            .field("headers", &headers)
            .finish_non_exhaustive()
    }
}
