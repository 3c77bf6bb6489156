//! Cookies, for servers that keep sessions with them.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use cookie_store::CookieStore;
use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use url::Url;

/// How many cookies are kept: what RFC 6265 (6.1) asks for. A server that sets more loses those
/// before.
const MAX: usize = 50;

/// The cookies that a server has set.
#[derive(Default)]
pub(super) struct Cookies(Mutex<CookieStore>);

impl Cookies {
    /// Keeps the cookies of an answer; those that RFC 6265 says to ignore are ignored.
    pub(super) fn keep(&self, url: &Url, headers: &HeaderMap) {
        if !headers.contains_key(SET_COOKIE) {
            return;
        }
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for cookie in headers.get_all(SET_COOKIE) {
            if store.iter_any().count() >= MAX {
                store.clear();
            }
            if let Ok(cookie) = cookie.to_str()
                && let Err(error) = store.parse(cookie, url)
            {
                tracing::debug!(%error, "ignored a cookie");
            }
        }
    }

    /// Adds the cookies for a request, to those that a custom header may hold.
    pub(super) fn add(&self, url: &Url, headers: &mut HeaderMap) {
        let store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = Vec::new();
        for (name, value) in store.get_request_values(url) {
            if line.is_empty() {
                line.extend_from_slice(headers.get(COOKIE).map_or(&[], HeaderValue::as_bytes));
            }
            if !line.is_empty() {
                line.extend_from_slice(b"; ");
            }
            line.extend_from_slice(name.as_bytes());
            line.push(b'=');
            line.extend_from_slice(value.as_bytes());
        }
        if !line.is_empty()
            && let Ok(mut line) = HeaderValue::from_bytes(&line)
        {
            line.set_sensitive(true);
            headers.insert(COOKIE, line);
        }
    }
}

/// Cookies are secrets.
impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookies(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookies: &Cookies, url: &str, headers: &[(&str, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            map.append(name, value.parse().unwrap());
        }
        let url = url.parse().unwrap();
        cookies.keep(&url, &map);
        map.remove(SET_COOKIE);
        cookies.add(&url, &mut map);
        Some(map.get(COOKIE)?.to_str().unwrap().to_owned())
    }

    #[test]
    fn cookies_come_back_where_they_belong() {
        let cookies = Cookies::default();
        let set = [
            ("set-cookie", "a=1; Path=/"),
            ("set-cookie", "b=2; Path=/b"),
        ];
        assert_eq!(sent(&cookies, "http://h/x", &set).as_deref(), Some("a=1"));
        assert_eq!(sent(&cookies, "http://other/", &[]), None);
        let gone = [("set-cookie", "a=1; Path=/; Max-Age=0")];
        assert_eq!(sent(&cookies, "http://h/x", &gone), None);
    }

    #[test]
    fn only_so_many_are_kept() {
        let cookies = Cookies::default();
        for number in 0..1000 {
            let set = format!("c{number}={number}; Path=/");
            let line = sent(&cookies, "http://h/", &[("set-cookie", &set)]).unwrap();
            assert!(line.split("; ").count() <= MAX && line.contains(&format!("c{number}=")));
        }
    }

    #[test]
    fn a_cookie_of_the_user_stays() {
        let cookies = Cookies::default();
        let headers = [("cookie", "mine=1"), ("set-cookie", "yours=2")];
        let line = sent(&cookies, "http://h/", &headers);
        assert_eq!(line.as_deref(), Some("mine=1; yours=2"));
    }
}
