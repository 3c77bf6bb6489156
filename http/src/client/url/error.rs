//! Errors of URLs.

use farcall_core::protocol::InvalidCredentials;

/// A URL that a client cannot use.
///
/// The error does not repeat the URL, since it may contain a password.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUrl {
    /// The text is not a URL.
    #[error("not a URL: {0}")]
    Syntax(String),
    /// The client does not support this scheme.
    #[error("the scheme `{}` is not supported: {}", .0, supported(.0))]
    Scheme(String),
    /// The client does not support this scheme for proxies.
    #[error(
        "the scheme `{0}` is not supported for proxies: expected `http`, `https`, `socks5` or \
         `socks5h`"
    )]
    ProxyScheme(String),
    /// The URL asks for TLS, and this build has no feature `tls`.
    #[error("`https` needs the feature `tls`")]
    NoTls,
    /// The host of an `https` URL cannot be the name of a certificate.
    #[error("the host cannot be the name of a certificate, as `https` needs")]
    NoServerName,
    /// The host name has letters beyond ASCII, and this build has no feature `idna`.
    #[error("the host name has letters beyond ASCII, which need the feature `idna`")]
    NoIdna,
    /// The URL names a unix socket, which this system does not have.
    #[error("`http+unix` is not supported: this system has no unix sockets")]
    NoUnixSockets,
    /// The URL has no socket file.
    #[error("the URL has no socket file: expected `http+unix:///path/of.sock:/RPC2`")]
    NoSocketFile,
    /// The user name or password cannot be sent by HTTP Basic authentication.
    #[error("the user name or password in the URL cannot be sent")]
    Credentials(#[source] InvalidCredentials),
    /// The URL of the proxy cannot be used, whether it was set or comes from the environment.
    #[error("the URL of the proxy cannot be used")]
    Proxy(#[source] Box<Self>),
    /// A proxy variable of the environment is malformed. The error does not repeat its value, which
    /// may contain a password.
    #[error("the environment variable `{variable}` cannot be used")]
    Environment {
        /// The name of the variable.
        variable: &'static str,
        /// The problem with its value.
        #[source]
        problem: Box<Self>,
    },
}

farcall_core::debug_errors!(InvalidUrl);

/// Describes the schemes that are supported, to a program that uses another one.
fn supported(scheme: &str) -> &'static str {
    match scheme {
        "json+http" | "json+https" | "json+http+unix" => {
            "leave out `json+`, by which the command and fleets know JSON-RPC: programs have \
             `farcall::jsonrpc::Client` for it"
        }
        _ => "expected `http`, `https`, `http+unix`, `scgi` or `scgi+unix`",
    }
}

/// Creates the error of a text that is not a URL.
pub(in crate::client) fn syntax(problem: &str) -> InvalidUrl {
    InvalidUrl::Syntax(problem.to_owned())
}
