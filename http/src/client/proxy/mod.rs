//! Proxies: explicit ones and those set in the environment.

mod connect;
mod exceptions;
mod socks;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;

use farcall_core::protocol::parse_port;
use http::HeaderValue;

pub(super) use self::connect::ConnectRequest;
use self::exceptions::is_excepted;
pub(super) use self::socks::{Login, SocksRequest};
use super::url::{
    Host, HttpUrl, InvalidUrl, Scheme, Target, basic_authorization, is_scheme, parse_authority,
    syntax,
};

/// The port of SOCKS proxies.
const SOCKS_PORT: u16 = 1080;

/// The proxy setting of a client.
#[derive(Clone, Debug, Default)]
pub(super) enum ProxyChoice {
    /// The proxy of the environment, except for loopback addresses.
    #[default]
    Environment,
    Off,
    To(Proxy),
}

/// A proxy.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) kind: ProxyKind,
}

/// The protocol of a proxy, with the credentials.
#[derive(Clone, Debug)]
pub(super) enum ProxyKind {
    /// HTTP: forwards requests for `http` URLs, and opens tunnels for `https` ones. The header is
    /// marked as sensitive, so that `Debug` does not show it.
    Http {
        scheme: Scheme,
        authorization: Option<HeaderValue>,
    },
    /// SOCKS5: opens tunnels.
    Socks(Option<Login>),
}

impl ProxyChoice {
    /// Returns the proxy for calls to `target`, if there is one.
    pub(super) fn for_target(&self, target: &Target) -> Result<Option<Proxy>, InvalidUrl> {
        match self {
            _ if target.socket.is_some() => Ok(None),
            Self::Off => Ok(None),
            Self::To(proxy) => Ok(Some(proxy.clone())),
            Self::Environment => Proxy::of_environment(std::env::var_os, &target.url),
        }
    }
}

impl Proxy {
    pub(super) fn parse(url: &str) -> Result<Self, InvalidUrl> {
        Self::read(url).map_err(|error| InvalidUrl::Proxy(Box::new(error)))
    }

    /// Returns `true` if requests to `url` are sent to the proxy itself, and not through a tunnel.
    pub(super) const fn forwards(&self, url: &HttpUrl) -> bool {
        matches!(self.kind, ProxyKind::Http { .. }) && matches!(url.scheme(), Scheme::Http)
    }

    /// Returns the credentials for an HTTP proxy.
    pub(super) const fn authorization(&self) -> Option<&HeaderValue> {
        match &self.kind {
            ProxyKind::Http { authorization, .. } => authorization.as_ref(),
            ProxyKind::Socks(_) => None,
        }
    }

    /// Returns `true` if the proxy is reached by TLS.
    pub(super) const fn is_https(&self) -> bool {
        matches!(
            self.kind,
            ProxyKind::Http {
                scheme: Scheme::Https,
                ..
            }
        )
    }

    /// Parses `SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/]`. What follows is refused: to a proxy it
    /// would mean nothing, and it may be a password with a `/` that is not percent-encoded.
    fn read(url: &str) -> Result<Self, InvalidUrl> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(syntax("`://` is missing: expected `http://HOST:PORT`"));
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Some(Scheme::Http),
            "https" if cfg!(feature = "_tls") => Some(Scheme::Https),
            "https" => return Err(InvalidUrl::NoTls),
            "socks5" | "socks5h" => None,
            _ if is_scheme(scheme) => return Err(InvalidUrl::ProxyScheme(scheme.to_owned())),
            // Not repeated, since it may be misplaced user information.
            _ => return Err(syntax("the text before `://` is not a scheme")),
        };
        if rest.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(syntax("white space and control characters are not allowed"));
        }
        let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
        if !matches!(&rest[end..], "" | "/") {
            return Err(syntax(
                "a proxy has no path, query or fragment: percent-encode `/`, `\\`, `?` and `#` in \
                 its user name and password",
            ));
        }
        let (user_info, host, port) = parse_authority(&rest[..end])?;
        let kind = match scheme {
            Some(scheme) => ProxyKind::Http {
                scheme,
                authorization: basic_authorization(user_info)?,
            },
            None => ProxyKind::Socks(Login::of(user_info)?),
        };
        let default_port = scheme.map_or(SOCKS_PORT, Scheme::default_port);
        Ok(Self {
            host,
            port: port.unwrap_or(default_port),
            kind,
        })
    }

    /// Parses the value of a variable: a URL, or `[USER[:PASSWORD]@]HOST:PORT` as in curl and
    /// CPython. These also take `HOST` alone, but at different ports (1080 and 80). It is refused,
    /// since it may be anything, such as a password.
    fn of_variable(value: &str) -> Result<Self, InvalidUrl> {
        if value.contains("://") {
            return Self::read(value);
        }
        let place = value.strip_suffix('/').unwrap_or(value);
        let port = place
            .rsplit_once(':')
            .and_then(|(_, port)| parse_port(port));
        match port {
            Some(_) => Self::read(&format!("http://{value}")),
            None => Err(syntax("expected `http://HOST:PORT` or `HOST:PORT`")),
        }
    }

    /// Reads the proxy from the environment variables that curl and most others use. A malformed
    /// variable is an error: ignoring it would bypass the proxy.
    ///
    /// Loopback addresses never use a proxy: to the proxy they are addresses of its own machine.
    /// The same holds for the unspecified address, to which the system connects in the same way.
    fn of_environment(
        variable: impl Fn(&'static str) -> Option<OsString>,
        url: &HttpUrl,
    ) -> Result<Option<Self>, InvalidUrl> {
        if url.host().is_local() {
            return Ok(None);
        }
        // In a CGI program `HTTP_PROXY` holds the `Proxy` header of the request, and so does
        // `http_proxy` on systems with case-insensitive names (CVE-2016-5385 and others).
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let is_of_request =
            |name| is_cgi && (name == "HTTP_PROXY" || cfg!(windows) && name == "http_proxy");
        let first = |names: &[&'static str]| {
            let trusted = names.iter().copied().filter(|name| !is_of_request(*name));
            let mut set = trusted.filter_map(|name| Some((name, variable(name)?)));
            set.find(|(_, value)| !value.is_empty())
        };
        let names = match url.scheme() {
            Scheme::Http => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
            Scheme::Https => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        };
        let Some((name, proxy)) = first(&names) else {
            return Ok(None);
        };
        if let Some((name, exceptions)) = first(&["NO_PROXY", "no_proxy"]) {
            let exceptions = text(name, &exceptions)?;
            let is_excepted = is_excepted(exceptions, url);
            if is_excepted.map_err(|problem| in_variable(name, problem))? {
                return Ok(None);
            }
        }
        Self::of_variable(text(name, &proxy)?.trim())
            .map(Some)
            .map_err(|problem| in_variable(name, problem))
    }
}

/// Shows the address, and not the credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}:{}", self.host, self.port)
    }
}

fn text<'a>(name: &'static str, value: &'a OsString) -> Result<&'a str, InvalidUrl> {
    value
        .to_str()
        .ok_or_else(|| in_variable(name, syntax("not UTF-8")))
}

fn in_variable(variable: &'static str, problem: InvalidUrl) -> InvalidUrl {
    let problem = Box::new(problem);
    InvalidUrl::Proxy(Box::new(InvalidUrl::Environment { variable, problem }))
}
