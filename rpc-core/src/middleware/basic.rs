//! Authentication by user name and password.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{HeaderMap, HeaderValue};
use tower_layer::Layer;

use super::InvalidCredentials;
use super::auth::{Authenticated, Scheme, Secret, Unauthorized, credentials, find};

type Verify = dyn Fn(&str, &str) -> bool + Send + Sync;

/// Authentication by user name and password (RFC 7617): the header `Authorization: Basic …`, which
/// clients of all languages send for a URL such as `http://ada:secret@host/`.
///
/// It is a value for `http::ServerOptions::authorize`, which refuses a request with status 401
/// before its body is read; this is how to protect a whole server. As a layer it refuses calls with
/// a fault of kind [`Denied`](crate::FaultKind::Denied), all of them or [`only`](Scheme::only)
/// those of some methods. Calls over connections have no headers: as a layer of such a server it
/// refuses every call.
///
/// The user name is the [subject](crate::Identity::subject) of the caller's identity.
///
/// User names and passwords are compared in a time that depends on their lengths, not on their
/// content or place. An empty password permits nothing, and is an error in the configuration. The
/// password is not encrypted on its way: see `SECURITY.md`.
///
/// ```
/// use farcall::middleware::BasicAuth;
/// use farcall::http::ServerOptions;
/// use farcall::xmlrpc::{Client, ClientOptions, Server};
/// use farcall::Context;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let users = BasicAuth::new([("ada", "a-long-password")])?;
/// let server = Server::with_options(ServerOptions::default().authorize(users));
/// server.register_function("whoami", |cx: Context| {
///     cx.identity().subject().map(str::to_owned)
/// })?;
/// let listening = server.bind("127.0.0.1:0").await?;
/// # let url = listening.url();
/// # tokio::spawn(listening.serve());
///
/// let options = ClientOptions::default().basic_auth("ada", "a-long-password")?;
/// let whoami: String = Client::with_options(&url, options)?.call("whoami", ()).await?;
/// assert_eq!(whoami, "ada");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it checks nothing until it is given to a server"]
pub struct BasicAuth {
    users: Arc<Vec<Login>>,
    verify: Option<Arc<Verify>>,
    challenge: HeaderValue,
}

#[derive(Clone)]
struct Login {
    user: Arc<str>,
    /// The name of the user, which is compared as a secret.
    name: Secret,
    password: Secret,
}

impl Login {
    fn new(user: String, password: String) -> Result<Self, InvalidCredentials> {
        InvalidCredentials::check_login(user.as_bytes(), password.as_bytes())?;
        if password.is_empty() {
            return Err(InvalidCredentials::EmptyPassword);
        }
        Ok(Self {
            user: (*user).into(),
            name: Secret::new(user),
            password: Secret::new(password),
        })
    }
}

impl BasicAuth {
    /// Accepts these users and their passwords.
    ///
    /// # Errors
    /// If no client can send one of them: a user name with a colon, or control characters. Also if
    /// a password is empty, since the variable with it may not be set.
    pub fn new<U: Into<String>, P: Into<String>>(
        users: impl IntoIterator<Item = (U, P)>,
    ) -> Result<Self, InvalidCredentials> {
        let users = users
            .into_iter()
            .map(|(user, password)| Login::new(user.into(), password.into()));
        let any = Self {
            users: Arc::new(users.collect::<Result<_, _>>()?),
            verify: None,
            challenge: HeaderValue::from_static("Basic"),
        };
        Ok(any.realm("calls"))
    }

    /// Also accepts the user names and passwords for which `verify` returns `true`. It runs for
    /// each request on the event loop: a hash of a password that takes long to compute is better
    /// checked once, and exchanged for a token.
    pub fn verify(mut self, verify: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        self.verify = Some(Arc::new(verify));
        self
    }

    /// Name of what the password is for, which a program may show to its user when it asks for the
    /// password. Characters other than printable ASCII are replaced by `?`. Default: `calls`.
    pub fn realm(mut self, realm: &str) -> Self {
        let mut quoted = String::with_capacity(realm.len());
        for c in realm.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                ' '..='~' => quoted.push(c),
                _ => quoted.push('?'),
            }
        }
        let challenge = format!("Basic realm=\"{quoted}\", charset=\"UTF-8\"");
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            self.challenge = challenge;
        }
        self
    }

    fn find(&self, headers: &HeaderMap) -> Option<Arc<str>> {
        let decoded = BASE64_STANDARD
            .decode(credentials(headers, "Basic")?)
            .ok()?;
        let colon = decoded.iter().position(|&byte| byte == b':')?;
        let (user, password) = (&decoded[..colon], &decoded[colon + 1..]);
        if password.is_empty() {
            return None;
        }
        let known = find(&self.users, |login| {
            login.name.is(user) & login.password.is(password)
        });
        if let Some(login) = known {
            return Some(Arc::clone(&login.user));
        }
        let (user, password) = (str::from_utf8(user).ok()?, str::from_utf8(password).ok()?);
        let verify = self.verify.as_ref()?;
        verify(user, password).then(|| user.into())
    }
}

impl Scheme for BasicAuth {
    fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Arc<str>>, Unauthorized> {
        match self.find(headers) {
            Some(user) => Ok(Some(user)),
            None => Err(Unauthorized::new(self.challenge.clone())),
        }
    }
}

impl<S> Layer<S> for BasicAuth {
    type Service = Authenticated<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticated::all(inner, self.clone())
    }
}

/// Shows the names of the users.
impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users: Vec<_> = self.users.iter().map(|login| &*login.user).collect();
        f.debug_struct("BasicAuth")
            .field("users", &users)
            .field("challenge", &self.challenge)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;

    fn login(text: impl AsRef<[u8]>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = format!("Basic {}", BASE64_STANDARD.encode(text));
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn user_and_password_must_both_match() {
        let auth = BasicAuth::new([("ada", "secret"), ("bob", "se:cret"), ("", "x")])
            .unwrap()
            .verify(|user, password| user == "zoé" && password == "hashed");
        for (text, user) in [
            ("ada:secret", Some("ada")),
            ("bob:se:cret", Some("bob")),
            (":x", Some("")),
            ("zoé:hashed", Some("zoé")),
            ("zoé:other", None),
            ("ada:se:cret", None),
            ("bob:secret", None),
            ("ada:", None),
            ("eve:", None),
            ("ada", None),
            ("", None),
        ] {
            let found = auth.authenticate(&login(text)).ok().flatten();
            assert_eq!(found.as_deref(), user, "{text}");
        }
        assert!(auth.authenticate(&login(b"\xff:\xff")).is_err());
        let mut headers = HeaderMap::new();
        for value in ["Basic not base64", "Basic", "Bearer YWRhOnNlY3JldA=="] {
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            assert!(auth.authenticate(&headers).is_err(), "{value}");
        }
        let shown = format!("{auth:?}");
        assert!(shown.contains("ada") && !shown.contains("cret"), "{shown}");
    }

    #[test]
    fn a_realm_is_quoted() {
        let challenge = |auth: &BasicAuth| {
            let refused = auth.authenticate(&HeaderMap::new()).unwrap_err();
            refused.challenge().to_str().unwrap().to_owned()
        };
        let none: [(String, String); 0] = [];
        let auth = BasicAuth::new(none).unwrap();
        assert_eq!(challenge(&auth), "Basic realm=\"calls\", charset=\"UTF-8\"");
        assert_eq!(
            challenge(&auth.realm("a \"b\" \\ ü\r\n")),
            "Basic realm=\"a \\\"b\\\" \\\\ ???\", charset=\"UTF-8\""
        );
    }

    #[test]
    fn logins_that_can_never_match_are_errors() {
        for (user, password, expected) in [
            ("a:da", "s3cr3t", InvalidCredentials::Colon),
            ("ada", "s3cr3t\n", InvalidCredentials::ControlCharacter),
            ("ada", "", InvalidCredentials::EmptyPassword),
        ] {
            let error = BasicAuth::new([("bob", "good"), (user, password)]).unwrap_err();
            assert_eq!(error, expected);
            assert!(!format!("{error} {error:?}").contains("s3cr3t"));
        }
    }
}
