//! Credentials: all that a client proves to a host, and all that a host has to prove to it.

use std::fmt;
use std::sync::{Arc, LazyLock};

use farcall_conn::auth::AuthKey;
#[cfg(feature = "_tls")]
use farcall_core::transport::tls::ClientTls;
use farcall_http::client::InvalidHeader;
use farcall_xmlrpc::ClientOptions;

/// The credentials of a [`Client`](crate::Client): those of its protocol are used, the others are
/// not. Clones share one state, so that ten thousand hosts with the same credentials hold them
/// once.
///
/// No secret appears in `Debug` output or in errors.
///
/// ```
/// use farcall::cluster::Credentials;
/// use farcall::conn::auth::AuthKey;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let credentials = Credentials::new()
///     .authkey(AuthKey::new("a secret")?)
///     .bearer_auth("t0ken")?;
/// assert!(!format!("{credentials:?}").contains("t0ken"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "credentials do nothing until they are given to a client"]
pub struct Credentials(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    authkey: Option<AuthKey>,
    #[cfg(feature = "legacy-md5")]
    legacy_md5: bool,
    #[cfg(feature = "_tls")]
    tls: ClientTls,
    /// The headers of HTTP, which it keeps checked and hidden.
    http: ClientOptions,
    #[cfg(feature = "nats")]
    nats: Option<NatsProof>,
}

/// The proof for NATS servers.
#[cfg(feature = "nats")]
#[derive(Clone)]
pub(crate) enum NatsProof {
    Password {
        user: String,
        password: String,
    },
    Token(String),
    /// The seed of a key, which signs what the server asks.
    NKey(String),
    /// The text of a file of credentials: a token of JWT, and the seed of its key.
    Credentials(String),
}

/// No credentials, and for TLS the authorities that the system trusts. They are read once in a
/// process.
impl Default for Credentials {
    fn default() -> Self {
        static NONE: LazyLock<Credentials> = LazyLock::new(|| {
            Credentials(Arc::new(Inner {
                authkey: None,
                #[cfg(feature = "legacy-md5")]
                legacy_md5: false,
                #[cfg(feature = "_tls")]
                tls: ClientTls::new(),
                http: ClientOptions::default(),
                #[cfg(feature = "nats")]
                nats: None,
            }))
        });
        NONE.clone()
    }
}

impl Credentials {
    /// Creates credentials that prove nothing, and trust the authorities of the system.
    pub fn new() -> Self {
        Self::default()
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// Sets the authkey of connections (`conn+rpc` and its variants). Default: none.
    pub fn authkey(mut self, key: AuthKey) -> Self {
        self.inner().authkey = Some(key);
        self
    }

    /// Allows the handshake of connections with MD5, for peers that run CPython up to 3.11.
    /// Default: not allowed.
    #[cfg(feature = "legacy-md5")]
    #[cfg_attr(docsrs, doc(cfg(feature = "legacy-md5")))]
    pub fn legacy_md5(mut self, allowed: bool) -> Self {
        self.inner().legacy_md5 = allowed;
        self
    }

    /// Sets TLS for `https`, `json+tls`, `wss`, `conn+rpc+tls` and `nats+tls`: the authorities that
    /// are trusted, and the certificate of the client. Default: the authorities of the system, and
    /// no certificate.
    #[cfg(feature = "_tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.inner().tls = tls;
        self
    }

    fn http(
        mut self,
        set: impl FnOnce(ClientOptions) -> Result<ClientOptions, InvalidHeader>,
    ) -> Result<Self, InvalidHeader> {
        let inner = self.inner();
        inner.http = set(std::mem::take(&mut inner.http))?;
        Ok(self)
    }

    /// Sends a header with each request over HTTP, and with the handshake of each WebSocket, as the
    /// methods below do. Default: none.
    ///
    /// # Errors
    /// If the name or value is invalid in a header, or if the client must set this header itself.
    pub fn header(self, name: &str, value: &str) -> Result<Self, InvalidHeader> {
        self.http(|http| http.header(name, value))
    }

    /// Sends a token with each request over HTTP (`Authorization: Bearer`). Default: none.
    ///
    /// # Errors
    /// If the token is empty, or has characters that a bearer token cannot have.
    pub fn bearer_auth(self, token: &str) -> Result<Self, InvalidHeader> {
        self.http(|http| http.bearer_auth(token))
    }

    /// Sends a user name and a password with each request over HTTP, by HTTP Basic authentication,
    /// in place of those in the URL. Default: those in the URL, if any.
    ///
    /// # Errors
    /// If the user name contains a colon, or either a control character.
    pub fn basic_auth(self, user: &str, password: &str) -> Result<Self, InvalidHeader> {
        self.http(|http| http.basic_auth(user, password))
    }

    /// Proves a user name and a password to NATS servers, in place of those in the URL. They are
    /// sent in clear text, unless the URL is `nats+tls://`. Default: those in the URL, if any.
    #[cfg(feature = "nats")]
    #[cfg_attr(docsrs, doc(cfg(feature = "nats")))]
    pub fn nats_password(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        let (user, password) = (user.into(), password.into());
        self.nats(NatsProof::Password { user, password })
    }

    /// Proves a token to NATS servers, which is sent as [a password](Self::nats_password) is.
    #[cfg(feature = "nats")]
    #[cfg_attr(docsrs, doc(cfg(feature = "nats")))]
    pub fn nats_token(self, token: impl Into<String>) -> Self {
        self.nats(NatsProof::Token(token.into()))
    }

    /// Proves an nkey to NATS servers, by its seed (`SU…`), which is never sent.
    #[cfg(feature = "nats")]
    #[cfg_attr(docsrs, doc(cfg(feature = "nats")))]
    pub fn nats_nkey(self, seed: impl Into<String>) -> Self {
        self.nats(NatsProof::NKey(seed.into()))
    }

    /// Proves credentials to NATS servers: the text of a file `*.creds`, as `nsc` writes it. Its
    /// key is never sent.
    #[cfg(feature = "nats")]
    #[cfg_attr(docsrs, doc(cfg(feature = "nats")))]
    pub fn nats_credentials(self, text: impl Into<String>) -> Self {
        self.nats(NatsProof::Credentials(text.into()))
    }

    #[cfg(feature = "nats")]
    fn nats(mut self, proof: NatsProof) -> Self {
        self.inner().nats = Some(proof);
        self
    }

    #[cfg(feature = "nats")]
    pub(crate) fn nats_proof(&self) -> Option<&NatsProof> {
        self.0.nats.as_ref()
    }

    /// Returns `true` if these are clones of the same credentials.
    #[cfg(feature = "nats")]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the options of a client over HTTP, with the headers.
    pub(crate) fn http_options(&self) -> ClientOptions {
        let options = self.0.http.clone();
        #[cfg(feature = "_tls")]
        let options = options.tls(self.0.tls.clone());
        options
    }

    /// The headers of HTTP, which the handshake of a WebSocket has as well.
    #[cfg(feature = "jsonrpc-sockets")]
    pub(crate) fn headers(&self) -> &http::HeaderMap {
        self.0.http.headers()
    }

    pub(crate) fn key(&self) -> Option<&AuthKey> {
        self.0.authkey.as_ref()
    }

    #[cfg(feature = "legacy-md5")]
    pub(crate) fn allows_md5(&self) -> bool {
        self.0.legacy_md5
    }

    #[cfg(feature = "_tls")]
    pub(crate) fn client_tls(&self) -> ClientTls {
        self.0.tls.clone()
    }
}

/// Shows which credentials there are, and none of them.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("authkey", &self.0.authkey.is_some())
            .finish_non_exhaustive()
    }
}
