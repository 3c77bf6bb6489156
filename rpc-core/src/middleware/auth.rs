//! Authentication by the headers of a request.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll};

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use tower_layer::Layer;
use tower_service::Service;

use super::Refusable;
use crate::call::Call;
use crate::context::Context;
use crate::fault::{Fault, FaultKind};
use crate::format::Format;
use crate::name::Name;
use crate::payload::Payload;

/// The error of a request without valid credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call needs valid credentials")]
pub struct Unauthorized {
    challenge: HeaderValue,
}

impl Unauthorized {
    pub(super) const fn new(challenge: HeaderValue) -> Self {
        Self { challenge }
    }

    /// The value of the header `WWW-Authenticate` of the response (RFC 9110, 11.6.1).
    #[must_use]
    pub const fn challenge(&self) -> &HeaderValue {
        &self.challenge
    }
}

impl From<Unauthorized> for Fault {
    fn from(error: Unauthorized) -> Self {
        Self::of(FaultKind::Denied, error.to_string())
    }
}

/// A secret. It can only be compared in constant time, and is not shown.
#[derive(Clone)]
pub(super) struct Secret(Box<[u8]>);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(text.into_bytes().into())
    }

    /// Compares with the bytes of a peer. The time depends on the lengths, not on the content.
    pub(super) fn is(&self, given: &[u8]) -> Choice {
        self.0.ct_eq(given)
    }
}

/// Returns the entry that `matches`, in a time that does not depend on its place.
pub(super) fn find<T>(entries: &[T], matches: impl Fn(&T) -> Choice) -> Option<&T> {
    let (mut found, mut place) = (Choice::from(0), 0);
    for (index, entry) in (0_u64..).zip(entries) {
        let is_match = matches(entry);
        place.conditional_assign(&index, is_match);
        found |= is_match;
    }
    let place = usize::try_from(place).ok()?;
    bool::from(found).then(|| entries.get(place)).flatten()
}

/// Returns the credentials of a request, without their scheme. Several headers are none: which of
/// them a proxy in front has checked is unknown.
pub(super) fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (actual, credentials) = value.to_str().ok()?.split_once(' ')?;
    let credentials = credentials.trim_matches(' ');
    (actual.eq_ignore_ascii_case(scheme) && !credentials.is_empty()).then_some(credentials)
}

/// A way to authenticate a request by its headers.
pub trait Scheme: Clone + Send + Sync + 'static {
    /// Returns the user whose credentials the headers contain, as the
    /// [subject](crate::Identity::subject) of an identity; `Ok(None)` if they are valid, but belong
    /// to no user in particular.
    ///
    /// # Errors
    /// If there are no credentials, or invalid ones.
    fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Arc<str>>, Unauthorized>;

    /// Checks the request that a call is part of, as a [guard](crate::Registry::set_guard) or a
    /// handler may do. A call without the header, such as most over a connection, has no
    /// credentials.
    ///
    /// # Errors
    /// A fault of kind [`Denied`](FaultKind::Denied), if there are no credentials or invalid ones.
    fn check(&self, context: &Context) -> Result<Option<Arc<str>>, Fault> {
        let none = HeaderMap::new();
        let headers = context.headers().unwrap_or(&none);
        self.authenticate(headers).map_err(Fault::from)
    }

    /// Returns a layer that checks only the calls of some methods.
    ///
    /// The introspection methods (`system.methodHelp` and others) are methods of their own: they
    /// still describe the chosen ones to everyone, unless they are chosen, too.
    fn only(self, applies: impl Fn(&Name) -> bool + Send + Sync + 'static) -> Only<Self> {
        Only {
            scheme: self,
            applies: Arc::new(applies),
        }
    }
}

/// A layer that authenticates the calls of some methods: see [`Scheme::only`].
#[derive(Clone)]
pub struct Only<A> {
    scheme: A,
    applies: Arc<Applies>,
}

impl<S, A: Scheme> Layer<S> for Only<A> {
    type Service = Authenticated<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticated {
            inner,
            scheme: self.scheme.clone(),
            applies: Some(Arc::clone(&self.applies)),
        }
    }
}

impl<A: fmt::Debug> fmt::Debug for Only<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Only").field(&self.scheme).finish()
    }
}

/// A choice of methods by their names.
pub(super) type Applies = dyn Fn(&Name) -> bool + Send + Sync;

/// The service of [`BearerAuth`](super::BearerAuth), [`BasicAuth`](super::BasicAuth) and [`Only`].
#[derive(Clone)]
pub struct Authenticated<S, A> {
    inner: S,
    scheme: A,
    applies: Option<Arc<Applies>>,
}

impl<S, A> Authenticated<S, A> {
    pub(super) const fn all(inner: S, scheme: A) -> Self {
        Self {
            inner,
            scheme,
            applies: None,
        }
    }
}

impl<S, A, F> Service<Call<F>> for Authenticated<S, A>
where
    F: Format,
    A: Scheme,
    S: Service<Call<F>, Response = Payload, Error: From<Fault>>,
{
    type Response = Payload;
    type Error = S::Error;
    type Future = Refusable<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call<F>) -> Self::Future {
        let applies = self.applies.as_ref();
        if applies.is_none_or(|applies| applies(call.method())) {
            match self.scheme.check(&call.context) {
                Ok(None) => {}
                Ok(Some(user)) => {
                    let mut identity = call.context.identity().clone();
                    identity.set_subject(user);
                    call.context = call.context.with_identity(identity);
                }
                Err(fault) => return Refusable::refused(fault.into()),
            }
        }
        Refusable::accepted(self.inner.call(call))
    }
}

impl<S: fmt::Debug, A: fmt::Debug> fmt::Debug for Authenticated<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated")
            .field("inner", &self.inner)
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_one_header_of_the_scheme() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            credentials(&headers, "Bearer").map(str::to_owned)
        };
        assert_eq!(of(&["Bearer abc"]), Some("abc".to_owned()));
        assert_eq!(of(&["bEARER   abc "]), Some("abc".to_owned()));
        for none in [
            &[][..],
            &["Bearer"],
            &["Bearer "],
            &["Bearer   "],
            &["Basic abc"],
            &["Bearerabc"],
            &["Bearer abc", "Bearer abc"],
        ] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }

    #[test]
    fn every_entry_is_found() {
        let entries = ["one", "two", "three"].map(|text| Secret::new(text.to_owned()));
        for (index, text) in ["one", "two", "three"].iter().enumerate() {
            let found = find(&entries, |entry| entry.is(text.as_bytes()));
            assert!(std::ptr::eq(found.unwrap(), &entries[index]));
        }
        for text in ["", "on", "ones", "four"] {
            let found = find(&entries, |entry| entry.is(text.as_bytes()));
            assert!(found.is_none(), "{text}");
        }
    }
}
