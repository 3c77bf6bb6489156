//! The settings of a client.

use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName,
    HeaderValue, TRANSFER_ENCODING,
};

use super::error::{InvalidHeader, InvalidUrl};
use super::proxy::{Choice, Proxy};
use super::url::basic;
use crate::XmlRpc;

/// The headers that depend on the body or the connection, which the client alone knows.
const RESERVED: [HeaderName; 4] = [
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONNECTION,
    CONTENT_ENCODING,
];

/// The settings of a [`Client`](crate::Client). The defaults suit calls over the internet to a
/// server that is not trusted with this program's memory.
///
/// ```
/// use std::time::Duration;
/// use xmlrpc::{Client, ClientOptions};
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
pub struct ClientOptions {
    pub(super) format: XmlRpc,
    pub(super) timeout: Option<Duration>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) idle_timeout: Duration,
    pub(super) max_body: usize,
    pub(super) gzip_over: Option<usize>,
    pub(super) cookies: bool,
    pub(super) redirects: usize,
    pub(super) proxy: Choice,
    /// All marked as sensitive, and so not shown by `Debug`.
    pub(super) headers: HeaderMap,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            format: XmlRpc::default(),
            timeout: Some(Duration::from_secs(60)),
            connect_timeout: Some(Duration::from_secs(10)),
            idle_timeout: Duration::from_secs(20),
            max_body: 16 << 20,
            gzip_over: None,
            cookies: false,
            redirects: 0,
            proxy: Choice::Environment,
            headers: HeaderMap::new(),
        }
    }
}

impl ClientOptions {
    /// How values are written, and the limits within which they are read. Default: those of
    /// [`XmlRpc`].
    #[must_use]
    pub const fn format(mut self, format: XmlRpc) -> Self {
        self.format = format;
        self
    }

    /// How long a call may take, from the first attempt to connect to the last byte of the reply;
    /// a call whose context has an earlier deadline ends then. Default: 60 s, the time after which
    /// most proxies give up too. `None` waits for as long as the connection lasts.
    #[must_use]
    pub const fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long an attempt to connect may take, finding the address included. Default: 10 s, which
    /// outlasts three lost packets. `None` leaves it to the system and to
    /// [`timeout`](Self::timeout).
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a connection is kept for the next call. Default: 20 s, less than what servers have
    /// patience for (this crate's 30 s): a server that closes a connection just as a call is sent
    /// on it leaves open whether the call ran. Zero keeps none.
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// The largest body of an answer in bytes, on the wire and after inflating. Default: 16 MiB,
    /// room for large arrays without letting a server fill the memory.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Compresses calls of more than so many bytes. Default: `None`, never, as a server cannot say
    /// beforehand that it reads gzip, and many do not.
    #[must_use]
    pub const fn gzip_over(mut self, bytes: Option<usize>) -> Self {
        self.gzip_over = bytes;
        self
    }

    /// Keeps the cookies that the server sets, until the client is dropped, and sends them with
    /// later calls. Default: false, as few servers need it.
    #[must_use]
    pub const fn cookies(mut self, keep: bool) -> Self {
        self.cookies = keep;
        self
    }

    /// Follows up to this many redirects for each call: answers with status 301, 302, 307 or 308
    /// that lead to a URL of the same scheme, host and port as the client's own. The call is made
    /// there with the same headers, and the cookies for that path. All of them have to be answered
    /// within the [`timeout`](Self::timeout) of the call.
    ///
    /// A redirect to anywhere else is an error, since it would take the call and its credentials
    /// along: whoever means to follow it makes a client for that URL. So is one to `https`, as this
    /// build has no TLS yet. Of each redirect that is not followed
    /// [`HttpError::location`](crate::HttpError::location) says where it leads; the call did not
    /// run then.
    ///
    /// Default: 0, none, as a server that moved its service is better called where it is now.
    #[must_use]
    pub const fn redirects(mut self, max: usize) -> Self {
        self.redirects = max;
        self
    }

    /// Sends all calls through the HTTP proxy at `url`, with its user information as credentials.
    ///
    /// Default: what `http_proxy`, `all_proxy` and `no_proxy` in the environment say at the time
    /// when the client is made (in capital letters first), except that calls to this machine's
    /// loopback addresses never go through a proxy of the environment. Unix sockets know no
    /// proxies. A variable that is asked and cannot be understood has
    /// [`Client::new`](crate::Client::new) fail. `HTTP_PROXY` is not asked in CGI, where a header
    /// of the request gets there.
    ///
    /// # Errors
    /// If `url` is not an `http` URL.
    pub fn proxy(mut self, url: &str) -> Result<Self, InvalidUrl> {
        self.proxy = Choice::To(Proxy::parse(url)?);
        Ok(self)
    }

    /// Sends calls to the server itself, whatever the environment says.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Choice::Off;
        self
    }

    /// Sends a header with each call, in place of the client's own of that name. Default: none but
    /// `Accept-Encoding`, `Authorization` (from the URL), `Content-Type`, `Host` and `User-Agent`.
    ///
    /// # Errors
    /// If that cannot be a header, or is one that the client has to write itself.
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

    /// Sends a user name and a password with each call, by HTTP's Basic scheme, in place of those
    /// of the URL. Neither is shown by `Debug` or in errors. Default: those of the URL, if it has
    /// any.
    ///
    /// # Errors
    /// If the user name has a colon, which the scheme cannot carry.
    pub fn basic_auth(mut self, user: &str, password: &str) -> Result<Self, InvalidHeader> {
        let value = basic(user.as_bytes(), password.as_bytes()).ok_or(InvalidHeader::User)?;
        self.headers.insert(AUTHORIZATION, value);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let colon = ClientOptions::default().basic_auth("us:er", "secret");
        assert_eq!(colon.err(), Some(InvalidHeader::User));
    }

    #[test]
    fn secrets_are_not_shown() {
        let options = ClientOptions::default().header("Authorization", "Bearer secret");
        let options = options.unwrap().proxy("http://u:hidden@h:1").unwrap();
        let shown = format!("{options:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("hidden") && shown.contains("timeout")
        );
    }
}
