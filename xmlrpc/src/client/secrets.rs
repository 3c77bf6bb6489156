//! Secrets of a client, which its errors must not show even if a server repeats them.

use std::fmt;

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT};
use percent_encoding::percent_decode_str;

use super::url::Target;

/// Replaces each secret.
const HIDDEN: &str = "[hidden]";

/// Minimum length of a secret in bytes: shorter ones would match in ordinary text.
const SHORTEST: usize = 4;

/// The values of a client's query, credentials and extra headers.
#[derive(Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Collects the secrets of a URL and of the headers that are sent with each request.
    pub(super) fn of(target: &Target, headers: &HeaderMap) -> Self {
        let mut all = Vec::new();
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        all.push(target.password.clone());
        all.push(decoded(&target.password));
        for part in target.url.query().split('&') {
            let value = part.split_once('=').map_or(part, |(_, value)| value);
            all.push(value.to_owned());
            all.push(decoded(&value.replace('+', " ")));
        }
        for (name, value) in headers {
            if [ACCEPT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT].contains(name) {
                continue;
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            // The credentials without their scheme, such as `Basic`.
            all.push(value.rsplit(' ').next().unwrap_or_default().to_owned());
            all.push(value.into_owned());
        }
        all.retain(|secret| secret.len() >= SHORTEST);
        // Longest first, since one secret may be part of another.
        all.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        all.dedup();
        Self(all)
    }

    /// Returns the length of the longest secret, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.0.first().map_or(0, String::len)
    }

    /// Returns a text of the server with all secrets replaced.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret) {
                text = text.replace(secret, HIDDEN);
            }
        }
        text
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn secrets_that_a_server_repeats_are_redacted() {
        let url = "http://user:pass%20word@host/RPC2?token=S3cr3t&v=1&key=a%2Fb%2Fc";
        let mut headers = HeaderMap::new();
        let basic = HeaderValue::from_static("Basic dXNlcjpwYXNzIHdvcmQ=");
        headers.insert(AUTHORIZATION, basic);
        headers.insert(USER_AGENT, HeaderValue::from_static("farcall"));
        let own = HeaderValue::from_static("of-my-own");
        headers.insert(HeaderName::from_static("x-key"), own);
        let secrets = Secrets::of(&Target::parse(url).unwrap(), &headers);
        for (text, shown) in [
            (
                "https://host/RPC2?token=S3cr3t&v=1",
                "https://host/RPC2?token=[hidden]&v=1",
            ),
            (
                "Authorization: Basic dXNlcjpwYXNzIHdvcmQ=",
                "Authorization: [hidden]",
            ),
            ("dXNlcjpwYXNzIHdvcmQ=", "[hidden]"),
            ("pass word, pass%20word", "[hidden], [hidden]"),
            ("a/b/c a%2Fb%2Fc", "[hidden] [hidden]"),
            ("of-my-own by farcall", "[hidden] by farcall"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(secrets.redact(text), shown);
        }
        assert_eq!(format!("{secrets:?}"), "Secrets(..)");
    }
}
