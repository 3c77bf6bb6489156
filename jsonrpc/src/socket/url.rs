//! URLs of sockets.

use std::path::PathBuf;

use farcall_core::transport::{Address, Target, ToTarget as _};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};

use crate::Framing;

/// A URL that a [`SocketClient`](crate::SocketClient) cannot use. It does not repeat the URL, which
/// may contain a password.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSocketUrl {
    /// The URL has another form.
    #[error(
        "the URL is not json+tcp://HOST:PORT, json+tls://HOST:PORT, json+unix://PATH, the same \
         with json+lsp+, ws://HOST:PORT/PATH or wss://HOST:PORT/PATH"
    )]
    Form,
    /// The URL is one of WebSocket, and this build has no feature `websocket`.
    #[error("`ws://` needs the feature `websocket`")]
    NoWebSocket,
    /// The URL asks for TLS, and this build has no feature `tls`.
    #[error("`json+tls://` and `wss://` need the feature `tls`")]
    NoTls,
}

farcall_core::debug_errors!(InvalidSocketUrl);

/// A parsed URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SocketUrl {
    pub(super) target: Target,
    pub(super) is_secure: bool,
    pub(super) messages: Messages,
}

/// The form of the messages of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Messages {
    Framed(Framing),
    #[cfg_attr(
        not(feature = "websocket"),
        allow(dead_code, reason = "they cannot be used")
    )]
    WebSocket {
        /// The host as it is in the URL, with its port.
        authority: String,
        path: String,
    },
}

impl SocketUrl {
    pub(super) fn parse(url: &str) -> Result<Self, InvalidSocketUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidSocketUrl::Form)?;
        let scheme = scheme.to_ascii_lowercase();
        let framing = if scheme.starts_with("json+lsp+") {
            Framing::Headers
        } else {
            Framing::Lines
        };
        let framed = |target, is_secure| Self {
            target,
            is_secure,
            messages: Messages::Framed(framing),
        };
        match &*scheme {
            "json+tcp" | "json+lsp+tcp" | "json+tls" | "json+lsp+tls" => {
                let target = host(rest.strip_suffix('/').unwrap_or(rest))?;
                Ok(framed(target, scheme.ends_with("+tls")))
            }
            "json+unix" | "json+lsp+unix" if !rest.is_empty() && !rest.contains(['?', '#']) => {
                let path = percent_decode_str(rest).decode_utf8();
                let path = path.map_err(|_| InvalidSocketUrl::Form)?;
                let address = Address::Unix(PathBuf::from(&*path));
                Ok(framed(Target::Address(address), false))
            }
            "ws" | "wss" => {
                let is_secure = scheme == "wss";
                let rest = rest.split('#').next().unwrap_or_default();
                let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
                let path = if path.starts_with('/') {
                    path.to_owned()
                } else {
                    format!("/{path}")
                };
                let has_port = authority
                    .rsplit_once(':')
                    .is_some_and(|(_, port)| !port.is_empty() && !port.contains(']'));
                let target = if has_port {
                    host(authority)?
                } else {
                    host(&format!("{authority}:{}", if is_secure { 443 } else { 80 }))?
                };
                let authority = authority.to_owned();
                Ok(Self {
                    target,
                    is_secure,
                    messages: Messages::WebSocket { authority, path },
                })
            }
            _ => Err(InvalidSocketUrl::Form),
        }
    }

    /// The name or address that a certificate of the server is for.
    #[cfg(feature = "_tls")]
    pub(super) fn host(&self) -> String {
        match &self.target {
            // Certificates have no dot at the end.
            Target::Host(host, _) => host.strip_suffix('.').unwrap_or(host).to_owned(),
            Target::Address(Address::Tcp(address)) => address.ip().to_string(),
            // They have no TLS.
            Target::Address(_) | _ => String::new(),
        }
    }
}

/// Returns the target of a host and a port. Unix sockets have schemes of their own.
fn host(text: &str) -> Result<Target, InvalidSocketUrl> {
    match text.to_target() {
        Ok(target @ (Target::Host(..) | Target::Address(Address::Tcp(_)))) => Ok(target),
        _ => Err(InvalidSocketUrl::Form),
    }
}

/// Characters that would end a path in a URL or change its meaning.
const SPECIAL: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#');

/// Returns the URL of a listener.
pub(super) fn url_of(address: &Address, framing: Framing, is_secure: bool) -> String {
    let lsp = match framing {
        Framing::Headers => "lsp+",
        Framing::Lines => "",
    };
    match address {
        Address::Tcp(address) if is_secure => format!("json+{lsp}tls://{address}"),
        Address::Tcp(address) => format!("json+{lsp}tcp://{address}"),
        Address::Unix(path) => {
            let path = percent_encode(path.as_os_str().as_encoded_bytes(), SPECIAL);
            format!("json+{lsp}unix://{path}")
        }
        address => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let url = |target: &str, framing, is_secure| {
            Ok(SocketUrl {
                target: target.to_target().unwrap(),
                is_secure,
                messages: Messages::Framed(framing),
            })
        };
        let framed = |target: &str, framing| url(target, framing, false);
        for (url, expected) in [
            ("json+tcp://h:1", framed("h:1", Framing::Lines)),
            ("json+tcp://[::1]:1/", framed("[::1]:1", Framing::Lines)),
            ("json+lsp+tcp://h:1", framed("h:1", Framing::Headers)),
            ("JSON+tls://h:1", url("h:1", Framing::Lines, true)),
            ("json+lsp+tls://h:1/", url("h:1", Framing::Headers, true)),
            ("json+tls://h", Err(InvalidSocketUrl::Form)),
            (
                "json+unix:///run/a%20b",
                framed("unix:/run/a b", Framing::Lines),
            ),
            ("json+lsp+unix:///x", framed("unix:/x", Framing::Headers)),
            ("json+tcp://h", Err(InvalidSocketUrl::Form)),
            ("json+tcp://u:p@h:1", Err(InvalidSocketUrl::Form)),
            ("json+tcp://unix:/x", Err(InvalidSocketUrl::Form)),
            ("json+unix://", Err(InvalidSocketUrl::Form)),
            ("http://h:1", Err(InvalidSocketUrl::Form)),
            ("ws://u@h", Err(InvalidSocketUrl::Form)),
        ] {
            assert_eq!(SocketUrl::parse(url), expected, "{url}");
        }
        for (url, port, path) in [
            ("ws://h", 80, "/"),
            ("WSS://h/a?b", 443, "/a?b"),
            ("ws://h:8000/RPC2#x", 8000, "/RPC2"),
            ("ws://h?b", 80, "/?b"),
        ] {
            let Ok(SocketUrl {
                target,
                is_secure,
                messages: Messages::WebSocket { path: found, .. },
            }) = SocketUrl::parse(url)
            else {
                panic!("{url}");
            };
            assert_eq!(
                (target, &*found, is_secure),
                (Target::Host("h".into(), port), path, port == 443),
                "{url}"
            );
        }
    }

    #[test]
    fn a_path_survives_its_url() {
        let path = "/run/a b%?#\u{e9}";
        let address = Address::Unix(path.into());
        // TLS is not for Unix sockets.
        let url = url_of(&address, Framing::Headers, true);
        let expected = SocketUrl {
            target: Target::Address(address),
            is_secure: false,
            messages: Messages::Framed(Framing::Headers),
        };
        assert_eq!(SocketUrl::parse(&url), Ok(expected), "{url}");
    }
}
