//! Authentication by tokens.

use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue};
use tower_layer::Layer;

use super::InvalidCredentials;
use super::auth::{Authenticated, Scheme, Secret, Unauthorized, credentials, find};

/// A check of tokens that have their content in them, such as JSON Web Tokens, or that another part
/// of the program knows.
///
/// Implemented for closures that take `&str` (written out) and return the user, and for [`Arc`]s of
/// these. The guide has an implementation with the keys of an issuer (`guide::middleware`).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not verify tokens",
    label = "use a closure `|token: &str| -> Option<String>`",
    note = "the type of the argument must be written out"
)]
pub trait VerifyToken: Send + Sync + 'static {
    /// Returns the user of a token: its [subject](crate::Identity::subject). `None` if the token is
    /// not valid.
    ///
    /// It runs for each request on the event loop, before anything else is known of the peer, so it
    /// must be quick, and cannot wait: keys are fetched by a task. A check that has to ask another
    /// server about each token is a layer: [`TokenLookup`](super::TokenLookup). An implementation
    /// that knows the tokens themselves should compare them in constant time.
    fn verify(&self, token: &str) -> Option<Arc<str>>;
}

impl<F, U> VerifyToken for F
where
    F: Fn(&str) -> Option<U> + Send + Sync + 'static,
    U: Into<Arc<str>>,
{
    fn verify(&self, token: &str) -> Option<Arc<str>> {
        self(token).map(Into::into)
    }
}

impl<V: VerifyToken + ?Sized> VerifyToken for Arc<V> {
    fn verify(&self, token: &str) -> Option<Arc<str>> {
        (**self).verify(token)
    }
}

/// Authentication by a token (RFC 6750): the header `Authorization: Bearer TOKEN`.
///
/// It is a value for `http::ServerOptions::authorize`, which refuses a request with status 401
/// before its body is read; this is how to protect a whole server. As a layer it refuses calls with
/// a fault of kind [`Denied`](crate::FaultKind::Denied), all of them or [`only`](Scheme::only)
/// those of some methods.
///
/// The user of a token is the [subject](crate::Identity::subject) of the caller's identity.
///
/// Over connections, where the authkey decides who may connect, a call has a token only if its
/// client sends the header with it ([`Context::with_header`](crate::Context::with_header)): as a
/// layer of such a server it refuses all others.
///
/// Tokens are compared in a time that depends on their lengths, not on their content or place. A
/// token that no client can send, such as an empty one of a variable that was not set, is an error.
///
/// ```
/// use farcall::Context;
/// use farcall::middleware::BearerAuth;
/// use farcall::http::ServerOptions;
/// use farcall::xmlrpc::{Client, ClientOptions, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tokens = BearerAuth::new(["a-long-random-token"])?
///     .user("ada", "another-long-random-token")?;
/// let server = Server::with_options(ServerOptions::default().authorize(tokens));
/// server.register_function("whoami", |cx: Context| {
///     cx.identity().subject().unwrap_or("somebody").to_owned()
/// })?;
/// let listening = server.bind("127.0.0.1:0").await?;
/// # let url = listening.url();
/// # tokio::spawn(listening.serve());
///
/// let options = ClientOptions::default().bearer_auth("another-long-random-token")?;
/// let whoami: String = Client::with_options(&url, options)?.call("whoami", ()).await?;
/// assert_eq!(whoami, "ada");
/// assert!(Client::new(&url)?.call::<String>("whoami", ()).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "it checks nothing until it is given to a server"]
pub struct BearerAuth {
    tokens: Arc<Vec<(Secret, Option<Arc<str>>)>>,
    verify: Option<Arc<dyn VerifyToken>>,
}

impl BearerAuth {
    /// Accepts these tokens, which belong to no user in particular.
    ///
    /// # Errors
    /// If one of them is empty, or has characters that a bearer token cannot have.
    pub fn new<T: Into<String>>(
        tokens: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidCredentials> {
        let tokens = tokens.into_iter().map(|token| Ok((secret(token)?, None)));
        Ok(Self {
            tokens: Arc::new(tokens.collect::<Result<_, _>>()?),
            verify: None,
        })
    }

    /// Also accepts the token of this user.
    ///
    /// # Errors
    /// As with [`new`](Self::new).
    pub fn user(
        mut self,
        name: impl Into<Arc<str>>,
        token: impl Into<String>,
    ) -> Result<Self, InvalidCredentials> {
        let entry = (secret(token)?, Some(name.into()));
        Arc::make_mut(&mut self.tokens).push(entry);
        Ok(self)
    }

    /// Also accepts the tokens for which `verify` returns a user.
    pub fn verify(mut self, verify: impl VerifyToken) -> Self {
        self.verify = Some(Arc::new(verify));
        self
    }
}

fn secret(token: impl Into<String>) -> Result<Secret, InvalidCredentials> {
    let token = token.into();
    InvalidCredentials::check_token(&token)?;
    Ok(Secret::new(token))
}

impl Scheme for BearerAuth {
    fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Arc<str>>, Unauthorized> {
        let Some(token) = credentials(headers, "Bearer") else {
            return Err(Unauthorized::new(HeaderValue::from_static("Bearer")));
        };
        if let Some((_, user)) = find(&self.tokens, |(known, _)| known.is(token.as_bytes())) {
            return Ok(user.clone());
        }
        match self.verify.as_ref().and_then(|verify| verify.verify(token)) {
            Some(user) => Ok(Some(user)),
            None => {
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                Err(Unauthorized::new(challenge))
            }
        }
    }
}

impl<S> Layer<S> for BearerAuth {
    type Service = Authenticated<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticated::all(inner, self.clone())
    }
}

/// Shows the number of tokens, and the names of their users.
impl fmt::Debug for BearerAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users = self.tokens.iter().filter_map(|(_, user)| user.as_deref());
        f.debug_struct("BearerAuth")
            .field("tokens", &format_args!("{} hidden", self.tokens.len()))
            .field("users", &users.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;

    fn with(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn tokens_of_three_kinds() {
        let auth = BearerAuth::new(["plain"])
            .and_then(|auth| auth.user("ada", "hers"))
            .unwrap()
            .verify(|token: &str| token.strip_prefix("signed:").map(str::to_owned));
        let user = |value: &str| auth.authenticate(&with(value));
        assert_eq!(user("Bearer plain"), Ok(None));
        assert_eq!(user("Bearer hers"), Ok(Some("ada".into())));
        assert_eq!(user("Bearer signed:bob"), Ok(Some("bob".into())));
        for wrong in ["Bearer other", "Bearer hersx", "Bearer her"] {
            let refused = user(wrong).unwrap_err();
            assert_eq!(refused.challenge(), "Bearer error=\"invalid_token\"");
        }
        for none in ["Bearer ", "Basic plain", "plain", "hers"] {
            assert_eq!(user(none).unwrap_err().challenge(), "Bearer", "{none}");
        }
        let shown = format!("{auth:?}");
        assert!(shown.contains("ada") && !shown.contains("hers") && !shown.contains("plain"));
    }

    #[test]
    fn tokens_that_can_never_match_are_errors() {
        for token in ["s3cr3t ", " s3cr3t", "s3cr3t\n", "s3cr3té", "s3cr3t:"] {
            for auth in [
                BearerAuth::new([token]),
                BearerAuth::default().user("ada", token),
            ] {
                let error = auth.unwrap_err();
                assert_eq!(error, InvalidCredentials::Token);
                assert!(!format!("{error} {error:?}").contains("s3cr3t"));
            }
        }
        let empty = BearerAuth::new(["good", ""]).unwrap_err();
        assert_eq!(empty, InvalidCredentials::EmptyToken);
    }
}
