//! Client settings.

use std::time::Duration;

use farcall_core::protocol::InvalidCredentials;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName,
    HeaderValue, TRANSFER_ENCODING,
};

use super::error::InvalidHeader;
use super::proxy::{Proxy, ProxyChoice};
use super::tls::ClientTls;
use super::url::{InvalidUrl, basic};
use crate::setters;

/// Headers that depend on the body or the connection, so that only the client itself can set them.
pub(super) const RESERVED: [HeaderName; 4] = [
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONNECTION,
    CONTENT_ENCODING,
];

/// The settings of a client whose documents have the format `F`. The defaults suit calls over the
/// internet to an untrusted server: no response can exhaust the memory of the local process.
///
/// ```
/// use std::time::Duration;
/// use farcall::xmlrpc::{Client, ClientOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let options = ClientOptions::default()
///     .timeout(Some(Duration::from_secs(5)))
///     .header("X-Api-Version", "3")?;
/// let client = Client::with_options("http://localhost:8000", options)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to a client"]
pub struct ClientOptions<F> {
    pub(super) format: F,
    pub(super) timeout: Option<Duration>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) idle_timeout: Duration,
    pub(super) max_body: usize,
    pub(super) gzip_over: Option<usize>,
    pub(super) cookies: bool,
    pub(super) redirects: usize,
    pub(super) proxy: ProxyChoice,
    pub(super) tls: ClientTls,
    pub(super) proxy_tls: ClientTls,
    /// Extra headers, all marked as sensitive so that `Debug` does not show their values.
    pub(super) headers: HeaderMap,
}

impl<F: Default> Default for ClientOptions<F> {
    fn default() -> Self {
        Self {
            format: F::default(),
            timeout: Some(Duration::from_secs(60)),
            connect_timeout: Some(Duration::from_secs(10)),
            idle_timeout: Duration::from_secs(20),
            max_body: 16 << 20,
            gzip_over: None,
            cookies: false,
            redirects: 0,
            proxy: ProxyChoice::Environment,
            tls: ClientTls::default(),
            proxy_tls: ClientTls::default(),
            headers: HeaderMap::new(),
        }
    }
}

impl<F: Copy> ClientOptions<F> {
    setters! {
        /// The wire format: how values are written, and the limits for reading them. Default: those
        /// of the format itself.
        format: F,
    }
}

impl<F> ClientOptions<F> {
    /// The headers that are sent with each request. Their values are secret.
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the same settings for documents of another format, such as those of another
    /// protocol.
    pub fn with_format<G>(self, format: G) -> ClientOptions<G> {
        let Self {
            format: _,
            timeout,
            connect_timeout,
            idle_timeout,
            max_body,
            gzip_over,
            cookies,
            redirects,
            proxy,
            tls,
            proxy_tls,
            headers,
        } = self;
        ClientOptions {
            format,
            timeout,
            connect_timeout,
            idle_timeout,
            max_body,
            gzip_over,
            cookies,
            redirects,
            proxy,
            tls,
            proxy_tls,
            headers,
        }
    }

    setters! {
        /// Maximum duration of a call, from the first connection attempt to the last byte of the
        /// reply. An earlier deadline in the context of a call takes precedence. Default: 60 s,
        /// after which most proxies give up too. `None` waits as long as the connection lasts.
        timeout: Option<Duration>,

        /// Maximum duration of a connection attempt: name resolution, all addresses, proxies and
        /// the TLS handshake. Default: 10 s, which outlasts three lost packets. `None` leaves it to
        /// the system and to [`timeout`](Self::timeout).
        connect_timeout: Option<Duration>,

        /// Time for which an idle connection is kept for later calls. Default: 20 s, which is less
        /// than the idle timeout of servers (30 s in this library): if a server closes a connection
        /// just as a call is sent on it, the client cannot tell whether the call ran. Zero keeps no
        /// connections.
        idle_timeout: Duration,

        /// Maximum size of a response body in bytes, on the wire and decompressed. Default: 16 MiB,
        /// enough for large arrays without letting a server exhaust the memory.
        max_body: usize,

        /// Compresses calls of more than this number of bytes with gzip. Default: `None`, never,
        /// since a server cannot announce in advance that it reads gzip, and many do not.
        #[cfg(feature = "gzip")]
        gzip_over: Option<usize>,

        /// Stores the cookies that the server sets, until the client is dropped, and sends them
        /// with later calls. Default: `false`, as few servers need it.
        #[cfg(feature = "cookies")]
        cookies: bool,

        /// Follows up to this number of redirects for each call: responses with status 301, 302,
        /// 307 or 308 to a URL with the scheme, host and port of the client's own, or from `http`
        /// to an `https` URL of the same host. The call is sent there with the same headers and
        /// the cookies for that URL. The [`timeout`](Self::timeout) of the call covers all
        /// redirects.
        ///
        /// A redirect to any other server is an error, since it would disclose the call and its
        /// credentials: to follow it, create a client for that URL. A redirect from `https` to
        /// `http` is an error too. [`HttpError::location`](super::HttpError::location) is the
        /// target of a redirect that was not followed; the call did not run then.
        ///
        /// Default: 0, since it is better to call a service that has moved at its new URL: each
        /// call that is redirected to `https` opens a connection there, and has already been sent
        /// unencrypted.
        redirects: usize,
    }

    /// Sends all calls through the proxy at `url`, with its user information as credentials. Its
    /// scheme is `http`, `https`, or `socks5` or `socks5h`, which mean the same: the proxy looks up
    /// the name of the server. Calls to `https` URLs go through a tunnel (`CONNECT`, or SOCKS5), so
    /// that the proxy sees only the host and port, and the server not the credentials.
    ///
    /// Default: the environment variables `http_proxy`, or `https_proxy` for `https` URLs,
    /// `all_proxy` and `no_proxy` (upper-case names first), read when the client is created. Calls
    /// to loopback addresses and `0.0.0.0` never use a proxy from the environment, and calls over
    /// Unix sockets never use any proxy. The value is a URL or `HOST:PORT`; a malformed one makes
    /// the creation of a client fail. `HTTP_PROXY` is ignored in a CGI program, where it
    /// holds a header of the request.
    ///
    /// # Errors
    /// If `url` has another scheme, or a path, query or fragment.
    pub fn proxy(mut self, url: &str) -> Result<Self, InvalidUrl> {
        self.proxy = ProxyChoice::To(Proxy::parse(url)?);
        Ok(self)
    }

    /// Sends calls directly to the server and ignores the proxy variables of the environment.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::Off;
        self
    }

    /// Sets TLS for `https` URLs: the authorities that are trusted, and the certificate of the
    /// client. Default: the authorities of the system, and no certificate.
    #[cfg(feature = "_tls")]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = tls;
        self
    }

    /// Sets TLS for the connection to an `https` proxy. Default: the authorities of the system, and
    /// no certificate, whatever [`tls`](Self::tls) is.
    #[cfg(feature = "_tls")]
    pub fn proxy_tls(mut self, tls: ClientTls) -> Self {
        self.proxy_tls = tls;
        self
    }

    /// Sends a header with each call, in place of the client's own header of that name. Default:
    /// only `Accept-Encoding`, `Authorization` (from the URL), `Content-Type`, `Host` and
    /// `User-Agent`.
    ///
    /// # Errors
    /// If the name or value is invalid in a header, or if the client must set this header itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, InvalidHeader> {
        let key = HeaderName::try_from(name).map_err(|_| InvalidHeader::Name(name.to_owned()))?;
        if RESERVED.contains(&key) {
            return Err(InvalidHeader::Reserved(name.to_owned()));
        }
        let mut value =
            HeaderValue::try_from(value).map_err(|_| InvalidHeader::Value(name.to_owned()))?;
        value.set_sensitive(true);
        self.headers.insert(key, value);
        Ok(self)
    }

    /// Sends a user name and a password with each call, by HTTP Basic authentication, in place of
    /// those in the URL. Neither appears in `Debug` output or errors. Default: those in the URL, if
    /// any.
    ///
    /// # Errors
    /// If the user name contains a colon, or either a control character, which the scheme does not
    /// allow.
    pub fn basic_auth(mut self, user: &str, password: &str) -> Result<Self, InvalidHeader> {
        let value =
            basic(user.as_bytes(), password.as_bytes()).map_err(InvalidHeader::Credentials)?;
        self.headers.insert(AUTHORIZATION, value);
        Ok(self)
    }

    /// Sends a token with each call (`Authorization: Bearer`, RFC 6750), in place of the
    /// credentials in the URL. It does not appear in `Debug` output or errors. Default: none.
    ///
    /// # Errors
    /// If the token is empty, or has characters that a bearer token cannot have: white space, for
    /// example. [`header`](Self::header) can set a header that differs from the RFC.
    pub fn bearer_auth(self, token: &str) -> Result<Self, InvalidHeader> {
        InvalidCredentials::check_token(token).map_err(InvalidHeader::Credentials)?;
        self.header("authorization", &format!("Bearer {token}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type ClientOptions = super::ClientOptions<()>;

    #[test]
    fn headers_are_checked_at_once() {
        let header = |name, value| ClientOptions::default().header(name, value).err();
        assert_eq!(header("X-Any", "value"), None);
        let invalid = Some(InvalidHeader::Name("a b".to_owned()));
        assert_eq!(header("a b", ""), invalid);
        let invalid = Some(InvalidHeader::Value("X-Any".to_owned()));
        assert_eq!(header("X-Any", "a\r\nb: c"), invalid);
        let invalid = Some(InvalidHeader::Reserved("content-LENGTH".to_owned()));
        assert_eq!(header("content-LENGTH", "3"), invalid);
    }

    #[test]
    fn credentials_become_a_header() {
        let options = ClientOptions::default()
            .basic_auth("us@er", "se:cret")
            .unwrap();
        let value = options.headers.get(AUTHORIZATION).unwrap();
        assert_eq!(value, "Basic dXNAZXI6c2U6Y3JldA==");
        assert!(!format!("{options:?}").contains("dXNA"));
        for (user, password, problem) in [
            ("us:er", "secret", InvalidCredentials::Colon),
            ("user", "secret\n", InvalidCredentials::ControlCharacter),
        ] {
            let error = ClientOptions::default()
                .basic_auth(user, password)
                .unwrap_err();
            assert_eq!(error, InvalidHeader::Credentials(problem));
        }
        for (token, problem) in [
            ("", InvalidCredentials::EmptyToken),
            ("secret ", InvalidCredentials::Token),
            (" secret", InvalidCredentials::Token),
            ("secret\t", InvalidCredentials::Token),
            ("secreté", InvalidCredentials::Token),
        ] {
            let error = ClientOptions::default().bearer_auth(token).unwrap_err();
            assert_eq!(error, InvalidHeader::Credentials(problem), "{token}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let options = ClientOptions::default().bearer_auth("secret");
        let options = options.unwrap().proxy("http://u:hidden@h:1").unwrap();
        let shown = format!("{options:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("hidden") && shown.contains("timeout")
        );
    }
}
