//! Cookies, for servers that use them for sessions.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cookie_store::CookieStore;
use farcall_core::protocol::output::Foreign;
use http::HeaderValue;
use url::Url;

use super::forms::Forms;
use super::response::Headers;
use super::url::HttpUrl;

/// Maximum number of cookies, as RFC 6265 (6.1) requires. A server that sets more loses the earlier
/// ones.
const MAX: usize = 50;

/// Maximum bytes of a cookie, with its name and attributes, as RFC 6265 (6.1) requires. Longer ones
/// are ignored, as by browsers.
const MAX_LENGTH: usize = 4096;

/// The cookies of a client.
pub(super) struct Cookies {
    kept: Mutex<Kept>,
    /// The cookies of the user, which are sent before those of the server.
    own: Option<HeaderValue>,
}

#[derive(Default)]
struct Kept {
    store: CookieStore,
    /// The values that errors must not show, with their forms: those that the store has, and before
    /// them the last ones that were replaced.
    secrets: VecDeque<(String, Forms)>,
    /// The forms of all these values.
    forms: Arc<Forms>,
}

impl Kept {
    /// Computes the forms of new values, and forgets old ones.
    fn update_secrets(&mut self) {
        let mut current = 0;
        let values: BTreeSet<&str> = self.store.iter_any().map(|cookie| cookie.value()).collect();
        for value in values {
            let known = self.secrets.iter().position(|(other, _)| other == value);
            let known = known.and_then(|at| self.secrets.remove(at));
            let secret = known.unwrap_or_else(|| (value.to_owned(), Forms::of_cookie(value)));
            self.secrets.push_back(secret);
            current += 1;
        }
        let excess = self.secrets.len().saturating_sub(current + MAX);
        self.secrets.drain(..excess);
        let forms = self.secrets.iter().map(|(_, forms)| forms);
        self.forms = Arc::new(Forms::merged(forms));
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
        for cookie in &headers.set_cookie {
            if kept.store.iter_any().count() >= MAX {
                kept.store.clear();
            }
            if cookie.len() <= MAX_LENGTH
                && let Ok(cookie) = cookie.to_str()
                && let Err(error) = kept.store.parse(cookie, &url)
            {
                tracing::debug!(error = %Foreign::excerpt(error), "ignored a cookie");
            }
        }
        kept.update_secrets();
    }

    /// Returns the forms of the cookies that the server has set, and of the last ones before them.
    pub(super) fn forms(&self) -> Arc<Forms> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&kept.forms)
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
    use http::HeaderMap;

    use super::super::forms::work;
    use super::super::secrets::Secrets;
    use super::super::url::Target;
    use super::*;

    fn sent(cookies: &Cookies, url: &str, set: &[&str]) -> Option<String> {
        let headers = Headers {
            set_cookie: set.iter().map(|set| set.parse().unwrap()).collect(),
            ..Headers::default()
        };
        let url = Target::parse(url, "/RPC2").unwrap().url;
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
        let kept = cookies.kept.lock().unwrap();
        assert_eq!(kept.secrets.len(), 2 + MAX);
        for value in ["constant", "999", "998", "949"] {
            let mut values = kept.secrets.iter().map(|(value, _)| value);
            assert!(values.any(|other| other == value), "{value}");
        }
    }

    #[test]
    fn the_length_of_a_cookie_is_limited() {
        let cookies = Cookies::new(true, None).unwrap();
        let of_length = |length: usize| format!("a={}", "x".repeat(length - 2));
        let longest = of_length(MAX_LENGTH);
        let line = sent(&cookies, "http://h/", &[&longest]);
        assert_eq!(line.as_ref(), Some(&longest));
        let line = sent(&cookies, "http://h/", &[&of_length(MAX_LENGTH + 1)]);
        assert_eq!(line.as_ref(), Some(&longest));
    }

    /// A server may set 50 long cookies, and send an error for each call of a large batch.
    #[test]
    fn the_forms_of_a_cookie_are_computed_once() {
        let cookies = Cookies::new(true, None).unwrap();
        let set: Vec<String> = (0..MAX)
            .map(|number| format!("c{number}={number}{}; Path=/", "x".repeat(4000)))
            .collect();
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        work::take();
        sent(&cookies, "http://h/", &set).unwrap();
        let computed = work::take();
        assert!((MAX..=5 * MAX).contains(&computed), "{computed} forms");
        let cookies = Arc::new(cookies);
        let target = Target::parse("http://h/", "/RPC2").unwrap();
        let secrets = Secrets::of(&target, &HeaderMap::new()).with_cookies(Some(cookies.clone()));
        for _ in 0..1000 {
            assert_eq!(secrets.redact(&"x".repeat(100)), "x".repeat(100));
        }
        assert_eq!(work::take(), 0);
        // Nor are they for cookies that are set again.
        sent(&cookies, "http://h/", &set).unwrap();
        assert_eq!(work::take(), 0);
        let mut one_more = set;
        one_more[7] = "c7=another; Path=/";
        sent(&cookies, "http://h/", &one_more).unwrap();
        assert!(work::take() <= 5);
        assert_eq!(secrets.redact("another"), "[hidden]");
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
