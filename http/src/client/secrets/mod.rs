//! Secrets of a client, which its errors must not show even if a server repeats them.

mod escaped;

use std::fmt;
use std::sync::Arc;

use farcall_core::{Fault, FormatError};
use http::HeaderMap;
use http::header::{
    ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, DATE,
    FROM, HOST, HeaderName, ORIGIN, PRAGMA, USER_AGENT,
};
use percent_encoding::percent_decode;

use self::escaped::Place;
use super::cookies::Cookies;
use super::forms::Forms;
use super::url::Target;

/// Replaces each secret.
const HIDDEN: &str = "[hidden]";

/// Maximum number of comparisons for each byte of a text, on average. A server knows the secrets,
/// and sets the cookies: nearly all of a repetitive one may match at each place of a text of
/// megabytes.
const WORK_PER_BYTE: usize = 16;

/// Maximum number of further comparisons, so that short texts are always shown. The texts may be as
/// many as the calls of a batch.
const FREE_WORK: usize = 1 << 14;

/// Headers whose values are not secret. All others may be.
const PUBLIC_HEADERS: [HeaderName; 12] = [
    ACCEPT,
    ACCEPT_CHARSET,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CACHE_CONTROL,
    CONTENT_TYPE,
    DATE,
    FROM,
    HOST,
    ORIGIN,
    PRAGMA,
    USER_AGENT,
];

/// The secrets that a client sends: credentials, values of the query, values of its own headers and
/// cookies; and the parts of these that are secret on their own.
#[derive(Clone, Default)]
pub struct Secrets {
    forms: Forms,
    /// The cookies that the server has set so far.
    cookies: Option<Arc<Cookies>>,
}

impl Secrets {
    /// Collects the secrets of a URL and of the headers that are sent with each request.
    pub(super) fn of(target: &Target, headers: &HeaderMap) -> Self {
        Self::new(target.url.query(), headers)
    }

    /// Collects the secrets of the query of a URL, and of the headers that are sent. Clients that
    /// are not ones of HTTP hide theirs with it, too.
    #[must_use]
    pub fn new(query: &str, headers: &HeaderMap) -> Self {
        let mut forms = Forms::default();
        for part in query.split('&') {
            let value = part.split_once('=').map_or(part, |(_, value)| value);
            let mut decoded = percent_decode(value.as_bytes()).collect::<Vec<u8>>();
            forms.add(&decoded);
            // A server that decodes a form takes a `+` for a space.
            if value.contains('+') {
                decoded = percent_decode(value.replace('+', " ").as_bytes()).collect();
                forms.add(&decoded);
            }
        }
        for (name, value) in headers {
            if !PUBLIC_HEADERS.contains(name) {
                forms.add_header(value.as_bytes());
            }
        }
        Self {
            forms,
            cookies: None,
        }
    }

    /// Also hides another text, such as a password, a token or the value of a header. One with
    /// fewer than four bytes would match in ordinary text, and is not hidden.
    #[must_use]
    pub fn and(mut self, secret: &str) -> Self {
        self.forms.add_header(secret.as_bytes());
        self
    }

    /// Also hides the cookies that are kept for the server.
    pub(super) fn with_cookies(mut self, cookies: Option<Arc<Cookies>>) -> Self {
        self.cookies = cookies;
        self
    }

    /// Returns a text of the server with all secrets replaced. The text may have been cut: the
    /// start of a secret at its end is replaced, too. What follows after too many comparisons is
    /// hidden as a whole.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let cookies = self.cookies.as_ref().map(|cookies| cookies.forms());
        let cookies = cookies.unwrap_or_default();
        let max_work = FREE_WORK + WORK_PER_BYTE * text.len();
        let mut work = 0;
        let mut shown = String::with_capacity(text.len());
        // Secrets may overlap: all that is part of any of them is hidden.
        let mut hidden = 0;
        for (start, character) in text.char_indices() {
            let place = Place::new(&text.as_bytes()[start..]);
            let possible = place.first_bytes().flat_map(|byte| {
                let own = self.forms.beginning_with(byte);
                own.iter().chain(cookies.beginning_with(byte))
            });
            let lengths = possible.map(|secret| place.length_of(secret, &mut work));
            let mut length = lengths.max().unwrap_or_default();
            if work > max_work {
                length = text.len() - start;
            }
            if start >= hidden {
                match length {
                    0 => shown.push(character),
                    _ => shown.push_str(HIDDEN),
                }
            }
            if length > 0 {
                hidden = hidden.max(start + length);
            }
            if hidden >= text.len() {
                break;
            }
        }
        shown
    }

    /// Hides the secrets in an error about what the server sent.
    #[must_use]
    pub fn redact_error(&self, error: FormatError) -> FormatError {
        error.map_texts(|text| self.redact(&text))
    }

    /// Hides the secrets in a fault. A handler may pass it on to its own caller, who must not see
    /// the secrets of this client: so they are not in the message either. Causes that were sent
    /// along stay as texts.
    #[must_use]
    pub fn redact_fault(&self, fault: &Fault) -> Fault {
        let causes: Vec<_> = fault.causes().map(|cause| self.redact(&cause)).collect();
        let fault = Fault::of(fault.kind(), self.redact(fault.message())).with_code(fault.code());
        if causes.is_empty() {
            fault
        } else {
            fault.with_remote_causes(causes)
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::{AUTHORIZATION, COOKIE};

    use super::*;

    fn secrets(url: &str, headers: &[(&str, &str)]) -> Secrets {
        let headers = headers.iter().map(|(name, value)| {
            let name = HeaderName::try_from(*name).unwrap();
            (name, HeaderValue::try_from(*value).unwrap())
        });
        let target = Target::parse(url, "/RPC2").unwrap();
        let mut headers: HeaderMap = headers.collect();
        if let Some(authorization) = &target.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        Secrets::of(&target, &headers)
    }

    #[test]
    fn secrets_that_a_server_repeats_are_redacted() {
        let url = "http://user:pass%20word@host/RPC2?token=S3cr3t&v=1&key=a%2Fb%2Fc";
        let headers = [("x-key", "of-my-own"), ("user-agent", "farcall")];
        let secrets = secrets(url, &headers);
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
            ("dXNlcjpwYXNzIHdvcmQ", "[hidden]"),
            (
                "pass word, pass%20word, pass+word",
                "[hidden], [hidden], [hidden]",
            ),
            ("a/b/c a%2Fb%2Fc", "[hidden] [hidden]"),
            ("of-my-own by farcall", "[hidden] by farcall"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(secrets.redact(text), shown, "{text}");
        }
        assert_eq!(format!("{secrets:?}"), "Secrets(..)");
    }

    #[test]
    fn parts_of_headers_are_redacted() {
        let secrets = secrets(
            "http://tokenalone@host",
            &[
                ("cookie", "a=s3cr3t; b=\"two words\"; c=1; base=QUJDREVG=="),
                (
                    "proxy-authorization",
                    "Digest username=\"ada\", realm=\"my realm\", response=\"0123abcd\", qop=auth",
                ),
                ("x-auth", "Token t0ken"),
                ("x-note", "this word is public, thiswordisnot"),
                ("accept-language", "en-GB"),
            ],
        );
        for secret in [
            "s3cr3t",
            "two words",
            "QUJDREVG",
            "0123abcd",
            "t0ken",
            "thiswordisnot",
            "tokenalone",
            "dG9rZW5hbG9uZTo",
        ] {
            assert_eq!(secrets.redact(&format!("<{secret}>")), "<[hidden]>");
        }
        let public = "this word is public: ada at my realm, by digest auth, 1, en-GB";
        assert_eq!(secrets.redact(public), public);
    }

    #[test]
    fn secrets_are_redacted_in_other_encodings() {
        let secrets = secrets(
            "http://h/?a=b%26c%3Cd%22%2F~%3E%3Fé",
            &[("x-latin", "k\u{e9}y-1")],
        );
        for text in [
            "b&c<d\"/~>?é",
            "b&amp;c&lt;d&quot;/~&gt;?&#xe9;",
            "b&#38;c&#x3C;d&#34;/~&GT;?&#233;",
            "b%26c%3cd%22%2f%7E%3e%3f%c3%A9",
            "b\\u0026c\\u003cd\\\"\\/~\\u003E?\\u00e9",
            "b\\x26c<d\\u{22}/~>?\\xc3\\xa9",
            // In base64, with and without padding, in both alphabets and percent-encoded.
            "YiZjPGQiL34+P8Op",
            "YiZjPGQiL34-P8Op",
            "YiZjPGQiL34%2bP8Op",
            "k\u{e9}y-1",
            "a2XDqXktMQ".get(..0).unwrap(),
        ] {
            let shown = secrets.redact(&format!("({text})"));
            assert!(["([hidden])", "()"].contains(&&*shown), "{text}: {shown}");
        }
    }

    #[test]
    fn parts_at_a_cut_and_overlapping_secrets_are_redacted() {
        let secrets = secrets("http://h/?a=abcdefgh&b=defghijk&c=%25%25", &[]);
        for (text, shown) in [
            ("-abcdefghijk-", "-[hidden]-"),
            ("-abcdefg", "-[hidden]"),
            ("`abcdefg…`, not", "`[hidden]…`, not"),
            ("-abcd%6", "-[hidden]"),
            ("`abcd%6…`, not more", "`[hidden]…`, not more"),
            ("-abc", "-abc"),
            ("-abcdefg-", "-abcdefg-"),
            ("%%%25", "%%%25"),
        ] {
            assert_eq!(secrets.redact(text), shown, "{text}");
        }
    }

    #[test]
    fn a_plus_in_the_query_is_a_plus_or_a_space() {
        let secrets = secrets("http://h/?key=ab+cd/ef", &[]);
        for text in [
            "ab+cd/ef",
            "ab%2Bcd%2fef",
            "ab&#43;cd/ef",
            "ab cd/ef",
            "ab%20cd/ef",
        ] {
            assert_eq!(secrets.redact(text), "[hidden]", "{text}");
        }
    }

    /// The server chooses the text, and its cookies.
    #[test]
    fn repetitive_secrets_take_linear_time() {
        let header = "a".repeat(30_000) + "b";
        let secrets = secrets("http://h/", &[("x-key", &header)]);
        let begin = std::time::Instant::now();
        let shown = secrets.redact(&format!("- {} -", "a".repeat(1_000_000)));
        assert!(shown.starts_with("- a") && shown.ends_with(HIDDEN));
        assert!(begin.elapsed().as_secs() < 30);
        let shown = secrets.redact(&("é ".repeat(1_000_000) + &header));
        assert!(shown.starts_with("é é ") && shown.ends_with(" [hidden]"));
    }

    #[cfg(feature = "cookies")]
    #[test]
    fn cookies_of_the_server_are_redacted() {
        use super::super::response::Headers;

        let own = HeaderValue::from_static("mine=myc00kie");
        let cookies = Arc::new(Cookies::new(true, Some(own.clone())).unwrap());
        let target = Target::parse("http://h/", "/RPC2").unwrap();
        let headers = HeaderMap::from_iter([(COOKIE, own)]);
        let secrets = Secrets::of(&target, &headers).with_cookies(Some(Arc::clone(&cookies)));
        assert_eq!(secrets.redact("myc00kie s3ss10n"), "[hidden] s3ss10n");
        let set = Headers {
            set_cookie: vec![HeaderValue::from_static("id=s3ss10n; Path=/")],
            ..Headers::default()
        };
        cookies.keep(&target.url, &set);
        assert_eq!(secrets.redact("myc00kie s3ss10n"), "[hidden] [hidden]");
        // An error that comes with a new cookie may name the one that was sent.
        let set = Headers {
            set_cookie: vec![HeaderValue::from_static("id=\"n3w one\"; Path=/")],
            ..Headers::default()
        };
        cookies.keep(&target.url, &set);
        assert_eq!(secrets.redact("n3w one, s3ss10n"), "[hidden], [hidden]");
    }

    #[test]
    fn faults_keep_their_kind_and_code() {
        let secrets = secrets("http://h/?a=s3cr3t", &[]);
        let fault = secrets.redact_fault(&Fault::received(4, "no s3cr3t"));
        assert_eq!(fault, Fault::received(4, "no [hidden]"));
    }
}
