//! Cookies, for servers that use them for sessions.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use cookie_store::CookieStore;
use farcall_core::protocol::output::Foreign;
use http::HeaderValue;
use url::Url;

use super::response::Headers;
use super::url::HttpUrl;

/// Maximum number of cookies, as RFC 6265 (6.1) requires. A server that sets more loses the earlier
/// ones.
const MAX: usize = 50;

/// The cookies of a client.
pub(super) struct Cookies {
    kept: Mutex<Kept>,
    /// The cookies of the user, which are sent before those of the server.
    own: Option<HeaderValue>,
}

#[derive(Default)]
struct Kept {
    store: CookieStore,
    /// The last values that were replaced, which errors must not show either.
    former: VecDeque<String>,
}

impl Kept {
    fn values(&self) -> impl Iterator<Item = &str> {
        self.store.iter_any().map(|cookie| cookie.value())
    }
}

impl Cookies {
    /// Creates the store, if the program wants one, with a cookie of the user.
    pub(super) fn new(is_wanted: bool, own: Option<HeaderValue>) -> Option<Self> {
        is_wanted.then(|| Self {
            kept: Mutex::default(),
            own,
        })
    }

    /// Stores the cookies of a response, except those that RFC 6265 requires to be ignored.
    pub(super) fn keep(&self, url: &HttpUrl, headers: &Headers) {
        if headers.set_cookie.is_empty() {
            return;
        }
        let Some(url) = of_store(url) else {
            return;
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let before: Vec<String> = kept.values().map(str::to_owned).collect();
        for cookie in &headers.set_cookie {
            if kept.store.iter_any().count() >= MAX {
                kept.store.clear();
            }
            if let Ok(cookie) = cookie.to_str()
                && let Err(error) = kept.store.parse(cookie, &url)
            {
                tracing::debug!(error = %Foreign::excerpt(error), "ignored a cookie");
            }
        }
        for value in before {
            if !kept.values().any(|other| other == value) && !kept.former.contains(&value) {
                kept.former.push_back(value);
            }
        }
        let excess = kept.former.len().saturating_sub(MAX);
        kept.former.drain(..excess);
    }

    /// Returns the values of the cookies that the server has set, and of the last ones before them.
    pub(super) fn values(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let former = kept.former.iter().map(String::as_str);
        kept.values().chain(former).map(str::to_owned).collect()
    }

    /// Returns the value of the `Cookie` header for a request, if it needs one.
    pub(super) fn line(&self, url: &HttpUrl) -> Option<Vec<u8>> {
        let url = of_store(url)?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let own = self.own.as_ref().map(HeaderValue::as_bytes);
        let mut line = own.unwrap_or_default().to_vec();
        for (name, value) in kept.store.get_request_values(&url) {
            if !line.is_empty() {
                line.extend_from_slice(b"; ");
            }
            line.extend_from_slice(name.as_bytes());
            line.push(b'=');
            line.extend_from_slice(value.as_bytes());
        }
        // Omit cookies with characters that are not allowed in a header.
        (!line.is_empty() && HeaderValue::from_bytes(&line).is_ok()).then_some(line)
    }
}

/// Returns a URL as the store needs it. It parses, since its form is that of the standard.
fn of_store(url: &HttpUrl) -> Option<Url> {
    Url::parse(url.as_str()).ok()
}

/// Shows no cookies, since they are secrets.
impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookies(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::url::Target;
    use super::*;

    fn sent(cookies: &Cookies, url: &str, set: &[&str]) -> Option<String> {
        let headers = Headers {
            set_cookie: set.iter().map(|set| set.parse().unwrap()).collect(),
            ..Headers::default()
        };
        let url = Target::parse(url).unwrap().url;
        cookies.keep(&url, &headers);
        Some(String::from_utf8(cookies.line(&url)?).unwrap())
    }

    #[test]
    fn cookies_are_sent_to_their_host_and_path() {
        let cookies = Cookies::new(true, None).unwrap();
        let set = ["a=1; Path=/", "b=2; Path=/b"];
        assert_eq!(sent(&cookies, "http://h/x", &set).as_deref(), Some("a=1"));
        assert_eq!(sent(&cookies, "http://other/", &[]), None);
        let expired = ["a=1; Path=/; Max-Age=0"];
        assert_eq!(sent(&cookies, "http://h/x", &expired), None);
    }

    #[test]
    fn the_number_of_cookies_is_limited() {
        let cookies = Cookies::new(true, None).unwrap();
        for number in 0..1000 {
            let set = format!("c{number}={number}; Path=/");
            let line = sent(&cookies, "http://h/", &[&set]).unwrap();
            assert!(line.split("; ").count() <= MAX && line.contains(&format!("c{number}=")));
        }
    }

    #[test]
    fn the_number_of_values_is_limited() {
        let cookies = Cookies::new(true, None).unwrap();
        sent(&cookies, "http://h/", &["a=constant; Path=/"]);
        for number in 0..1000 {
            sent(&cookies, "http://h/", &[&format!("b={number}; Path=/")]);
        }
        let values = cookies.values();
        assert_eq!(values.len(), 2 + MAX);
        for value in ["constant", "999", "998", "949"] {
            assert!(values.iter().any(|other| other == value), "{value}");
        }
    }

    #[test]
    fn cookies_of_the_user_are_kept() {
        let cookies = Cookies::new(true, Some(HeaderValue::from_static("mine=1"))).unwrap();
        let line = sent(&cookies, "http://h/", &[]);
        assert_eq!(line.as_deref(), Some("mine=1"));
        let line = sent(&cookies, "http://h/", &["yours=2"]);
        assert_eq!(line.as_deref(), Some("mine=1; yours=2"));
    }
}
