//! Authentication by tokens that somebody else knows.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use http::header::HeaderValue;
use tower_layer::Layer;
use tower_service::Service;

use super::auth::{Applies, Unauthorized, credentials};
use crate::call::Call;
use crate::context::Context;
use crate::fault::Fault;
use crate::format::Format;
use crate::name::Name;
use crate::payload::Payload;

/// The future of a lookup: the user of a token, `None` if the token is not valid.
type LookingUp = Pin<Box<dyn Future<Output = Result<Option<Arc<str>>, Fault>> + Send>>;

/// Authentication by a token (RFC 6750) about which another server is asked, such as the one that
/// has issued it (RFC 7662): a layer, whose calls wait for the answer.
///
/// A call without a token, or with one that is not valid, is refused with a fault of kind
/// [`Denied`](crate::FaultKind::Denied) before its parameters are decoded. The user of a token is
/// the [subject](crate::Identity::subject) of the caller's identity.
///
/// The wait is a part of the call: it counts in the limits of calls at once, and ends at the
/// deadline of the call, or when its caller leaves. Each call of a batch asks anew, since a token
/// may be revoked between them; a lookup that takes long should remember its answers for a while.
///
/// Tokens that can be checked without waiting are verified by
/// [`BearerAuth::verify`](super::BearerAuth::verify), which a server of HTTP can do before it reads
/// a request.
///
/// ```
/// use farcall::middleware::TokenLookup;
/// use farcall::xmlrpc::{Client, ClientOptions, Server};
/// use farcall::{Context, Fault};
///
/// /// Asks the server that has issued the token.
/// async fn user_of(token: String) -> Result<Option<String>, Fault> {
///     Ok((token == "a-long-random-token").then(|| "ada".to_owned()))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// server.register_function("whoami", |cx: Context| {
///     cx.identity().subject().unwrap_or("somebody").to_owned()
/// })?;
/// server.layer(TokenLookup::new(user_of));
/// let listening = server.bind("127.0.0.1:0").await?;
/// # let url = listening.url();
/// # tokio::spawn(listening.serve());
///
/// let options = ClientOptions::default().bearer_auth("a-long-random-token")?;
/// let whoami: String = Client::with_options(&url, options)?.call("whoami", ()).await?;
/// assert_eq!(whoami, "ada");
/// assert!(Client::new(&url)?.call::<String>("whoami", ()).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it checks nothing until it is given to a server"]
pub struct TokenLookup {
    look_up: Arc<dyn Fn(String) -> LookingUp + Send + Sync>,
    applies: Option<Arc<Applies>>,
}

impl TokenLookup {
    /// Asks `look_up` about the token of each call. It returns the user, or `None` for a token that
    /// is not valid. Its fault, such as one of kind [`Overloaded`](crate::FaultKind::Overloaded) if
    /// there is no answer, is that of the call.
    pub fn new<L, A, U>(look_up: L) -> Self
    where
        L: Fn(String) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Option<U>, Fault>> + Send + 'static,
        U: Into<Arc<str>>,
    {
        let look_up = move |token| -> LookingUp {
            let answer = look_up(token);
            Box::pin(async move { Ok(answer.await?.map(Into::into)) })
        };
        Self {
            look_up: Arc::new(look_up),
            applies: None,
        }
    }

    /// Checks only the calls of some methods. Default: all calls. What
    /// [`Scheme::only`](super::Scheme::only) says of introspection holds here, too.
    pub fn only(mut self, applies: impl Fn(&Name) -> bool + Send + Sync + 'static) -> Self {
        self.applies = Some(Arc::new(applies));
        self
    }

    /// Begins to look up the user of a call, unless its method is open to all.
    fn begin(&self, context: &Context) -> Result<Option<LookingUp>, Unauthorized> {
        let applies = self.applies.as_ref();
        if !applies.is_none_or(|applies| applies(context.method())) {
            return Ok(None);
        }
        let token = context
            .headers()
            .and_then(|headers| credentials(headers, "Bearer"));
        match token {
            Some(token) => Ok(Some((self.look_up)(token.to_owned()))),
            None => Err(no_token()),
        }
    }
}

const fn no_token() -> Unauthorized {
    Unauthorized::new(HeaderValue::from_static("Bearer"))
}

impl<S> Layer<S> for TokenLookup {
    type Service = TokenLookupService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TokenLookupService {
            inner,
            tokens: self.clone(),
        }
    }
}

impl fmt::Debug for TokenLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenLookup").finish_non_exhaustive()
    }
}

/// The service of [`TokenLookup`].
#[derive(Clone, Debug)]
pub struct TokenLookupService<S> {
    inner: S,
    tokens: TokenLookup,
}

impl<S, F> Service<Call<F>> for TokenLookupService<S>
where
    F: Format,
    S: Service<Call<F>, Response = Payload, Error: From<Fault>, Future: Send>
        + Clone
        + Send
        + 'static,
{
    type Response = Payload;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Payload, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call<F>) -> Self::Future {
        // The service that has become ready must make the call.
        let unready = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, unready);
        let begun = self.tokens.begin(&call.context).map_err(Fault::from);
        Box::pin(async move {
            if let Some(looking_up) = begun? {
                let user = looking_up.await?;
                let user = user.ok_or_else(|| Fault::from(no_token()))?;
                let mut identity = call.context.identity().clone();
                identity.set_subject(user);
                call.context = call.context.with_identity(identity);
            }
            inner.call(call).await
        })
    }
}
