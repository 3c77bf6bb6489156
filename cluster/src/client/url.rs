//! URLs of all protocols.

use std::fmt;
use std::path::Path;

use farcall_core::transport::{Address, AddressError, Target, ToTarget as _};
use farcall_http::client::InvalidUrl;

/// The forms of URLs that a client takes.
const FORMS: &str = "http://HOST:PORT/PATH, https://HOST:PORT/PATH, http+unix://SOCKET:/PATH, \
                     the same with json+ for JSON-RPC, json+tcp://HOST:PORT, json+tls://HOST:PORT, \
                     json+unix://PATH, ws://HOST:PORT/PATH, wss://HOST:PORT/PATH, \
                     scgi://HOST:PORT, scgi+unix://SOCKET, conn+rpc://HOST:PORT, conn+rpc+tls://HOST:PORT, conn+rpc+encrypted://HOST:PORT, \
                     conn+rpc+unix://PATH, conn+rpc+abstract://NAME, nats://HOST:PORT/SERVICE, \
                     nats://HOST:PORT/SERVICE/INSTANCE or conn+manager://HOST:PORT/TYPEID";

/// A URL that a client cannot use. It does not repeat the URL, which may contain a password.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme belongs to no protocol.
    #[error("the URL is not {FORMS}")]
    Scheme,
    /// There is no scheme.
    #[error(
        "the URL has no scheme: it probably begins with `http://` (XML-RPC), `json+http://` \
         (JSON-RPC) or `conn+rpc://` (calls over connections). URLs are {FORMS}"
    )]
    NoScheme,
    /// The URL of a connection is malformed.
    #[error(
        "the URL is not {0}://HOST:PORT, {0}+tls://HOST:PORT, {0}+encrypted://HOST:PORT, \
         {0}+unix://PATH or {0}+abstract://NAME"
    )]
    Connection(&'static str),
    /// The URL of a connection has a query. It may be a key, which does not belong into a URL.
    #[error("URLs of connections have no query: a key does not belong into a URL")]
    Query,
    /// The URL of a connection has user information. It may be a key, which does not belong into a
    /// URL.
    #[error("URLs of connections have no user information: a key does not belong into a URL")]
    UserInformation,
    /// The path or name of a socket is invalid.
    #[error("the URL names no socket")]
    Socket(#[source] AddressError),
    /// The URL of HTTP is malformed.
    #[error(transparent)]
    Http(#[from] InvalidUrl),
    /// The URL of a service over NATS is malformed.
    #[cfg(feature = "nats")]
    #[cfg_attr(docsrs, doc(cfg(feature = "nats")))]
    #[error(transparent)]
    Nats(#[from] crate::nats::InvalidNatsUrl),
    /// The URL is one of NATS, and this build has no feature `nats`.
    #[error("`nats://` needs the feature `nats`")]
    NoNats,
    /// The URL is one of a manager of Python, and names no type.
    #[error("the URL is not conn+manager://HOST:PORT/TYPEID")]
    Manager,
    /// The URL is one of a manager of Python, and this build has no feature `managers`.
    #[error("`conn+manager://` needs the feature `managers`")]
    NoManagers,
    /// The URL is one of JSON-RPC, and this build has no feature `jsonrpc-client`.
    #[error("`json+http://` needs the feature `jsonrpc-client`")]
    NoJsonRpc,
    /// The URL of JSON-RPC over a socket or a WebSocket is malformed, or needs a feature that this
    /// build does not have.
    #[cfg(feature = "jsonrpc-sockets")]
    #[cfg_attr(docsrs, doc(cfg(feature = "jsonrpc-sockets")))]
    #[error(transparent)]
    JsonSocket(#[from] farcall_jsonrpc::InvalidSocketUrl),
    /// The URL is one of JSON-RPC over a socket or a WebSocket, and this build has no feature
    /// `jsonrpc-sockets`.
    #[error("JSON-RPC over sockets needs the feature `jsonrpc-sockets`")]
    NoJsonSockets,
    /// The URL asks for TLS, and this build has no feature `tls`.
    #[error("`{0}` needs the feature `tls`")]
    NoTls(&'static str),
}

farcall_core::debug_errors!(UrlError);

/// The protection of a connection, which the scheme of its URL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protection {
    /// None: the bytes can be read and changed on the way.
    None,
    /// TLS with certificates.
    Tls,
    /// TLS by the authkey alone.
    Encrypted,
}

/// A parsed URL of a connection: its target and its protection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionUrl {
    /// The address or host to connect to.
    pub target: Target,
    /// The protection of the connection.
    pub protection: Protection,
}

impl ConnectionUrl {
    /// Parses `scheme://HOST:PORT`, `scheme+tls://HOST:PORT`, `scheme+encrypted://HOST:PORT`,
    /// `scheme+unix://PATH` or `scheme+abstract://NAME`. The scheme is `conn` for plain connections
    /// and `conn+rpc` for calls over them.
    ///
    /// # Errors
    /// If the URL has another form. The error does not repeat the URL.
    pub fn parse(scheme: &'static str, url: &str) -> Result<Self, UrlError> {
        let rest = url.strip_prefix(scheme);
        let parts = rest.and_then(|rest| rest.split_once("://"));
        let (kind, address) = parts.ok_or(UrlError::Connection(scheme))?;
        // It would be part of the name of a socket file, which errors show.
        if address.contains('?') {
            return Err(UrlError::Query);
        }
        let protection = match kind {
            "+tls" => Protection::Tls,
            "+encrypted" => Protection::Encrypted,
            _ => Protection::None,
        };
        let target = match kind {
            "" | "+tls" | "+encrypted" if address.contains('@') => {
                return Err(UrlError::UserInformation);
            }
            // An invalid address may be a misspelt URL with a password.
            "" | "+tls" | "+encrypted" => {
                let target = address.trim_end_matches('/').to_target();
                target.map_err(|_| UrlError::Connection(scheme))?
            }
            "+unix" => Path::new(address).to_target().map_err(UrlError::Socket)?,
            "+abstract" => {
                let name = Address::Abstract(address.as_bytes().to_vec());
                name.to_target().map_err(UrlError::Socket)?
            }
            _ => return Err(UrlError::Connection(scheme)),
        };
        Ok(Self { target, protection })
    }
}

/// The protocol that the scheme of a URL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// XML-RPC over HTTP.
    XmlRpc,
    /// JSON-RPC over HTTP.
    JsonRpc,
    /// JSON-RPC over a socket or a WebSocket.
    JsonSocket,
    /// Calls over connections.
    Connection,
    /// Calls to services over NATS.
    Nats,
    /// Calls of an object of one of Python's managers.
    Manager,
    /// Another one, of which the program [provides](super::Client::of) the caller.
    Other,
}

/// The schemes of JSON-RPC over sockets and WebSocket.
const JSON_SOCKETS: [&str; 8] = [
    "json+tcp",
    "json+tls",
    "json+unix",
    "json+lsp+tcp",
    "json+lsp+tls",
    "json+lsp+unix",
    "ws",
    "wss",
];

impl Protocol {
    /// Returns the protocol of a URL by its scheme.
    ///
    /// # Errors
    /// [`UrlError::Scheme`] and [`UrlError::NoScheme`].
    pub fn of(url: &str) -> Result<Self, UrlError> {
        let (scheme, _) = url.split_once("://").ok_or(UrlError::NoScheme)?;
        let small = scheme.to_ascii_lowercase();
        if ["http", "https", "http+unix", "scgi", "scgi+unix"].contains(&&*small) {
            Ok(Self::XmlRpc)
        } else if ["json+http", "json+https", "json+http+unix"].contains(&&*small) {
            Ok(Self::JsonRpc)
        } else if JSON_SOCKETS.contains(&&*small) {
            Ok(Self::JsonSocket)
        } else if scheme.starts_with("conn+rpc") {
            Ok(Self::Connection)
        } else if scheme.starts_with("conn+manager") {
            Ok(Self::Manager)
        } else if ["nats", "nats+tls"].contains(&scheme) {
            Ok(Self::Nats)
        } else {
            Err(UrlError::Scheme)
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::XmlRpc => "XML-RPC",
            Self::JsonRpc => "JSON-RPC",
            Self::JsonSocket => "JSON-RPC over sockets",
            Self::Connection => "RPC over connections",
            Self::Nats => "NATS",
            Self::Manager => "the protocol of Python's managers",
            Self::Other => "another protocol",
        })
    }
}

/// Returns a URL without user information, query and fragment, if it has any of these.
pub(super) fn without_secrets(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let authority = rest[..end].find('/').unwrap_or(end);
    let start = rest[..authority].rfind('@').map_or(0, |at| at + 1);
    let is_cut = start > 0 || end < rest.len();
    is_cut.then(|| format!("{scheme}://{}", &rest[start..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_have_five_forms() {
        let parse = |url| ConnectionUrl::parse("conn+rpc", url).map_err(|error| error.to_string());
        let target = |text: &str| text.to_target().unwrap();
        for (url, host, protection) in [
            ("conn+rpc://h:1", "h:1", Protection::None),
            ("conn+rpc+tls://h:1/", "h:1", Protection::Tls),
            (
                "conn+rpc+encrypted://[::1]:1",
                "[::1]:1",
                Protection::Encrypted,
            ),
            ("conn+rpc+unix:///run/x", "unix:/run/x", Protection::None),
            ("conn+rpc+abstract://x", "unix-abstract:x", Protection::None),
        ] {
            let target = target(host);
            assert_eq!(
                parse(url),
                Ok(ConnectionUrl { target, protection }),
                "{url}"
            );
        }
        for url in [
            "conn://h:1",
            "conn+rpc+other://h:1",
            "conn+rpc://h",
            "conn+rpc:h:1",
        ] {
            assert!(parse(url).unwrap_err().contains("conn+rpc+tls://"), "{url}");
        }
    }

    #[test]
    fn no_error_repeats_a_secret() {
        for url in [
            "conn+rpc://s3cret@h:1",
            "conn+rpc://h:1?key=s3cret",
            "conn+rpc+unix:///run/x?s3cret",
            "conn+rpc://h:1:s3cret",
        ] {
            let error = ConnectionUrl::parse("conn+rpc", url).unwrap_err();
            assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        }
    }

    #[test]
    fn secrets_are_cut_from_urls() {
        for (url, shown) in [
            ("http://u:p@h:1/a@b", Some("http://h:1/a@b")),
            ("http://u:p@q@h/x?key=1#2", Some("http://h/x")),
            (
                "http+unix://u:p@/run/x:/RPC2",
                Some("http+unix:///run/x:/RPC2"),
            ),
            ("json+https://u:p@h:1/", Some("json+https://h:1/")),
            ("http://h:1/RPC2", None),
            ("conn+rpc://h:1", None),
        ] {
            assert_eq!(without_secrets(url).as_deref(), shown, "{url}");
        }
    }
}
