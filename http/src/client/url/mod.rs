//! Parsing of server URLs.

mod error;
mod host;
mod http_url;

use std::borrow::Cow;
use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use farcall_core::protocol::InvalidCredentials;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;

pub use self::error::InvalidUrl;
pub(super) use self::error::syntax;
pub(crate) use self::host::Host;
pub(crate) use self::http_url::{HttpUrl, Scheme};
pub(super) use self::http_url::{Referred, UserInfo, parse_authority};
use super::scgi::Wire;
use crate::socket_url::EncodedSocketPath;

/// A parsed server URL.
pub(crate) struct Target {
    /// Scheme, host, port, path and query, without user information.
    pub(super) url: HttpUrl,
    /// The same as a `http::Uri`.
    pub(super) uri: Uri,
    /// The `Authorization` header made from the user information.
    pub(super) authorization: Option<HeaderValue>,
    /// The socket file, which replaces host and port.
    pub(super) socket: Option<std::path::PathBuf>,
    pub(super) wire: Wire,
}

impl Target {
    /// Parses a URL. A missing path becomes `default_path`.
    pub(crate) fn parse(text: &str, default_path: &str) -> Result<Self, InvalidUrl> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(syntax("`://` is missing: expected `http://HOST:PORT/PATH`"));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" => Self::http(Scheme::Http, rest, default_path, None),
            "https" if cfg!(feature = "_tls") => {
                Self::http(Scheme::Https, rest, default_path, None)
            }
            "https" => Err(InvalidUrl::NoTls),
            "http+unix" if cfg!(unix) => Self::unix(rest, default_path),
            "scgi" if !rest.starts_with('/') => Self::scgi(rest, default_path),
            // Clients of rtorrent write `scgi:///SOCKET`.
            "scgi" | "scgi+unix" if cfg!(unix) => Ok(Self {
                wire: Wire::Scgi,
                ..Self::unix(rest, default_path)?
            }),
            "http+unix" | "scgi" | "scgi+unix" => Err(InvalidUrl::NoUnixSockets),
            _ if is_scheme(scheme) => Err(InvalidUrl::Scheme(scheme.to_owned())),
            // Not repeated, since it may be misplaced user information.
            _ => Err(syntax("the text before `://` is not a scheme")),
        }
    }

    /// Parses the part of a URL after its scheme and `://`.
    fn http(
        scheme: Scheme,
        rest: &str,
        default_path: &str,
        socket: Option<std::path::PathBuf>,
    ) -> Result<Self, InvalidUrl> {
        // The URL standard makes parsers skip some of these silently.
        if rest.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(syntax("white space and control characters are not allowed"));
        }
        let (url, user_info) = HttpUrl::parse(scheme, rest, default_path)?;
        let target = Self::of(url, basic_authorization(user_info)?)?;
        Ok(Self { socket, ..target })
    }

    /// Parses the part of a URL after `scgi://`, which needs a port: SCGI has no usual one.
    fn scgi(rest: &str, default_path: &str) -> Result<Self, InvalidUrl> {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let port = rest[..end].rsplit(['@', ']']).next();
        if !port.is_some_and(|port| port.contains(':')) {
            return Err(syntax("the port is missing: expected `scgi://HOST:PORT`"));
        }
        Ok(Self {
            wire: Wire::Scgi,
            ..Self::http(Scheme::Http, rest, default_path, None)?
        })
    }

    /// Returns the target of a URL with these credentials.
    pub(super) fn of(url: HttpUrl, authorization: Option<HeaderValue>) -> Result<Self, InvalidUrl> {
        let uri = url
            .as_str()
            .parse()
            .map_err(|error: http::uri::InvalidUri| InvalidUrl::Syntax(error.to_string()))?;
        Ok(Self {
            url,
            uri,
            authorization,
            socket: None,
            wire: Wire::Http,
        })
    }

    /// Parses the part of a URL after `http+unix://`: `[USER[:PASSWORD]@]SOCKET[:PATH]`, where the
    /// socket's path is plain (`/run/x.sock:/RPC2`) or, as in some clients, percent-encoded in
    /// place of the host (`%2Frun%2Fx.sock/RPC2`).
    fn unix(rest: &str, default_path: &str) -> Result<Self, InvalidUrl> {
        let head = rest.find('/').map_or(rest, |i| &rest[..i]);
        let (user, rest) = match head.rfind('@') {
            Some(at) => rest.split_at(at + 1),
            None => ("", rest),
        };
        // At these characters the URL parser would end the host, before `localhost` below.
        if user.contains(['\\', '?', '#']) {
            return Err(syntax(
                "the user name or password contains `\\`, `?` or `#`: percent-encode it",
            ));
        }
        let encoded = rest.get(..3).is_some_and(|s| s.eq_ignore_ascii_case("%2f"));
        let (socket, path) = match rest.split_once(":/") {
            Some((socket, _)) => (socket, &rest[socket.len() + 1..]),
            None if encoded => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => (rest.strip_suffix(':').unwrap_or(rest), ""),
        };
        if socket.is_empty() {
            return Err(InvalidUrl::NoSocketFile);
        }
        // A query may be a secret, and the name of the file is shown.
        if socket.contains(['?', '#']) {
            return Err(syntax(
                "the socket file contains `?` or `#`: percent-encode it, or end the file with `:/` if \
                 a path and a query follow",
            ));
        }
        let socket = socket_path(percent_decode_str(socket).into());
        let rest = format!("{user}localhost{path}");
        Self::http(Scheme::Http, &rest, default_path, Some(socket))
    }

    /// Returns the host and port to connect to, an IPv6 address without brackets.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn host_and_port(&self) -> (String, u16) {
        (self.url.host().for_connecting(), self.url.port())
    }
}

/// Omits the user information, which may contain a password, and the query, which may contain a
/// token.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.path();
        match (&self.socket, self.wire) {
            (Some(socket), Wire::Http) => {
                write!(f, "http+unix://{}:{path}", EncodedSocketPath(socket))
            }
            (Some(socket), Wire::Scgi) => {
                write!(f, "scgi+unix://{}:{path}", EncodedSocketPath(socket))
            }
            (None, Wire::Http) => f.write_str(self.url.without_query()),
            (None, Wire::Scgi) => {
                write!(f, "scgi://{}:{}{path}", self.url.host(), self.url.port())
            }
        }
    }
}

/// Returns `true` if `text` is a valid scheme (RFC 3986, 3.1), and so contains no `USER:PASSWORD@`.
pub(super) fn is_scheme(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_allowed)
}

#[cfg(unix)]
fn socket_path(path: Cow<'_, [u8]>) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStringExt as _;

    std::ffi::OsString::from_vec(path.into_owned()).into()
}

#[cfg(not(unix))]
fn socket_path(path: Cow<'_, [u8]>) -> std::path::PathBuf {
    String::from_utf8_lossy(&path).into_owned().into()
}

/// Returns the `Authorization` header for the user information of a URL.
pub(super) fn basic_authorization(
    user_info: UserInfo<'_>,
) -> Result<Option<HeaderValue>, InvalidUrl> {
    if user_info == UserInfo::default() {
        return Ok(None);
    }
    let user: Cow<'_, [u8]> = percent_decode_str(user_info.user).into();
    let password: Cow<'_, [u8]> = percent_decode_str(user_info.password).into();
    basic(&user, &password)
        .map(Some)
        .map_err(InvalidUrl::Credentials)
}

/// Returns the header of HTTP Basic authentication (RFC 7617).
///
/// # Errors
/// If the scheme cannot transmit the user name or the password.
pub(super) fn basic(user: &[u8], password: &[u8]) -> Result<HeaderValue, InvalidCredentials> {
    InvalidCredentials::check_login(user, password)?;
    let pair = BASE64_STANDARD.encode([user, b":", password].concat());
    let header = HeaderValue::try_from(format!("Basic {pair}"));
    let mut header = header.expect("base64 is valid in a header");
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn uri(text: &str) -> String {
        Target::parse(text, "/RPC2")
            .map(|t| t.uri.to_string())
            .unwrap()
    }

    fn socket(text: &str) -> (String, String) {
        let target = Target::parse(text, "/RPC2").unwrap();
        let socket = target.socket.unwrap();
        (socket.to_str().unwrap().to_owned(), target.uri.to_string())
    }

    fn authorization(text: &str) -> Option<String> {
        let header = Target::parse(text, "/RPC2").unwrap().authorization?;
        let pair = header.to_str().unwrap().strip_prefix("Basic ").unwrap();
        String::from_utf8(BASE64_STANDARD.decode(pair).unwrap()).ok()
    }

    fn error(text: &str) -> InvalidUrl {
        Target::parse(text, "/RPC2").err().unwrap()
    }

    #[test]
    fn an_empty_path_is_rpc2_and_a_slash_is_a_slash() {
        assert_eq!(uri("http://host"), "http://host/RPC2");
        assert_eq!(uri("HTTP://host:80?a=b"), "http://host/RPC2?a=b");
        assert_eq!(uri("http://host#x"), "http://host/RPC2");
        assert_eq!(uri("http://host/"), "http://host/");
        assert_eq!(uri("http://u:p@host:8/é?c"), "http://host:8/%C3%A9?c");
        assert_eq!(uri("http://[::1]:8000"), "http://[::1]:8000/RPC2");
    }

    #[cfg(feature = "_tls")]
    #[test]
    fn https_has_another_port() {
        assert_eq!(uri("https://host"), "https://host/RPC2");
        assert_eq!(uri("HTTPS://host:443/x"), "https://host/x");
        assert_eq!(uri("https://u:p@host:80"), "https://host:80/RPC2");
        let parts = |text| Target::parse(text, "/RPC2").unwrap().host_and_port();
        assert_eq!(parts("https://[::1]"), ("::1".to_owned(), 443));
    }

    #[test]
    fn host_and_port_are_in_the_form_for_connecting() {
        let parts = |text| Target::parse(text, "/RPC2").unwrap().host_and_port();
        assert_eq!(parts("http://[::1]"), ("::1".to_owned(), 80));
        assert_eq!(parts("http://Host:81/"), ("host".to_owned(), 81));
        assert_eq!(parts("http://127.1"), ("127.0.0.1".to_owned(), 80));
    }

    #[test]
    fn user_information_is_decoded() {
        let pair = authorization("http://us%20er:p%40ss%3Aword@host/");
        assert_eq!(pair.as_deref(), Some("us er:p@ss:word"));
        assert_eq!(authorization("http://u@h").as_deref(), Some("u:"));
        assert_eq!(authorization("http://:p@h").as_deref(), Some(":p"));
        assert_eq!(authorization("http://h"), None);
        for (url, problem) in [
            ("http://a%3Ab:c@h", InvalidCredentials::Colon),
            ("http://a:b%0A@h", InvalidCredentials::ControlCharacter),
        ] {
            assert_eq!(error(url), InvalidUrl::Credentials(problem));
        }
    }

    #[cfg(unix)]
    #[test]
    fn socket_files() {
        let with = |path: &str| ("/run/x.sock".to_owned(), format!("http://localhost{path}"));
        assert_eq!(socket("http+unix:///run/x.sock:/RPC2"), with("/RPC2"));
        assert_eq!(socket("http+unix:///run/x.sock:/a?b"), with("/a?b"));
        assert_eq!(socket("http+unix:///run/x.sock"), with("/RPC2"));
        assert_eq!(socket("http+unix:///run/x.sock:"), with("/RPC2"));
        assert_eq!(socket("http+unix:///run/x.sock:/"), with("/"));
        assert_eq!(socket("http+unix://%2Frun%2fx.sock/RPC2"), with("/RPC2"));
        assert_eq!(socket("http+unix://%2Frun%2fx.sock"), with("/RPC2"));
        assert_eq!(socket("http+unix:///a%20b:c:/").0, "/a b:c");
        assert_eq!(socket("http+unix://relative").0, "relative");
        let user = authorization("http+unix://u:p@/run/x.sock:/RPC2");
        assert_eq!(user.as_deref(), Some("u:p"));
        assert_eq!(error("http+unix://"), InvalidUrl::NoSocketFile);
        assert_eq!(error("http+unix://u@:/RPC2"), InvalidUrl::NoSocketFile);
    }

    #[cfg(unix)]
    #[test]
    fn user_information_and_queries_are_never_taken_for_a_host_or_socket_file() {
        for rest in [
            "secret\\@run/x.sock:/RPC2",
            "secret?@run/x.sock:/RPC2",
            "u:secret#@run/x.sock:/RPC2",
            "/run/x.sock?key=secret",
            "/run/x.sock?key=secret:/RPC2",
            "/run/x.sock#secret",
            "%2Frun%2Fx.sock?key=secret",
            "%2Frun%2Fx.sock?key=secret/RPC2",
        ] {
            let error = error(&format!("http+unix://{rest}"));
            assert!(matches!(error, InvalidUrl::Syntax(_)), "{error}");
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_url_of_a_socket_file_parses_to_its_path() {
        use std::os::unix::ffi::OsStrExt as _;

        for path in [
            &b"/run/x.sock"[..],
            b"/a%41b",
            b"/a:/b",
            b"u@h/a b",
            b"%2Frun",
            b"/\xff?#\n\xc3\xa9:",
        ] {
            let path = Path::new(std::ffi::OsStr::from_bytes(path));
            let url = format!("http+unix://{}:/RPC2", EncodedSocketPath(path));
            let target = Target::parse(&url, "/RPC2").unwrap();
            assert_eq!(target.socket.as_deref(), Some(path), "{url}");
            assert_eq!(target.to_string(), url);
        }
    }

    #[test]
    fn scgi_has_a_port_or_a_socket_file() {
        let shown = |text: &str| {
            let target = Target::parse(text, "/RPC2").unwrap();
            assert_eq!(target.wire, Wire::Scgi);
            target.to_string()
        };
        assert_eq!(shown("scgi://localhost:5000"), "scgi://localhost:5000/RPC2");
        assert_eq!(shown("SCGI://[::1]:80/x?y"), "scgi://[::1]:80/x");
        if cfg!(unix) {
            let expected = "scgi+unix:///run/x.sock:/RPC2";
            assert_eq!(shown("scgi+unix:///run/x.sock"), expected);
            assert_eq!(shown("scgi:///run/x.sock"), expected);
            assert_eq!(
                shown("scgi+unix:///run/x.sock:/a"),
                "scgi+unix:///run/x.sock:/a"
            );
        }
        for text in [
            "scgi://localhost",
            "scgi://[::1]",
            "scgi://u:p@host/x:1",
            "scgi://",
        ] {
            assert!(Target::parse(text, "/RPC2").is_err(), "{text}");
        }
    }

    #[test]
    fn errors_name_the_problem_and_not_the_password() {
        if cfg!(not(feature = "_tls")) {
            assert_eq!(error("https://host"), InvalidUrl::NoTls);
        }
        assert_eq!(error("ftp://host"), InvalidUrl::Scheme("ftp".to_owned()));
        let text = error("json+http://host").to_string();
        assert!(text.contains("leave out `json+`"), "{text}");
        assert_eq!(
            error("svn+ssh://h"),
            InvalidUrl::Scheme("svn+ssh".to_owned())
        );
        for text in [
            "",
            "host",
            "http:host",
            "http://",
            "http://u:secret@",
            "http://h:99999",
        ] {
            assert!(matches!(error(text), InvalidUrl::Syntax(_)), "{text}");
        }
        for text in [
            "http://u:secret@h\n/",
            "http://u:secret@h:x",
            "http://u:secret@[::",
            "u:secret@http://h",
            "u:secret@https://h/x",
            "secret@://h",
            "u:secret@h",
            "//u:secret@h",
            "http:/u:secret@h",
            "http+unix://u:secret@",
            "http://u:secret@h:70000/",
            "http://u:secret@h%zz/",
            "http://u:secret@xn--a/",
        ] {
            let error = error(text);
            assert!(!format!("{error} {error:?}").contains("secret"), "{text}");
        }
    }

    #[test]
    fn secrets_are_not_displayed() {
        let shown = |text| Target::parse(text, "/RPC2").unwrap().to_string();
        assert_eq!(shown("http://u:secret@h/x?token=1"), "http://h/x");
    }

    #[test]
    fn local_hosts() {
        let is_local = |text: &str| Target::parse(text, "/RPC2").unwrap().url.host().is_local();
        for host in [
            "localhost",
            "a.localhost",
            "localhost.",
            "127.9.9.9",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
            "[::]",
            "[::ffff:0.0.0.0]",
        ] {
            assert!(is_local(&format!("http://{host}")), "{host}");
        }
        for host in ["example.com", "notlocalhost", "10.0.0.1", "[::2]"] {
            assert!(!is_local(&format!("http://{host}")), "{host}");
        }
    }

    /// Asserts that a URL which is accepted can be parsed from its own `Display` output.
    fn assert_display_parses(text: &str) {
        if let Ok(target) = Target::parse(text, "/RPC2") {
            let shown = target.to_string();
            let again = Target::parse(&shown, "/RPC2").unwrap();
            assert_eq!(again.to_string(), shown, "{text}");
            assert_eq!(again.host_and_port(), target.host_and_port(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(scheme in "(http(\\+unix)?://)?", rest in ".*") {
            assert_display_parses(&format!("{scheme}{rest}"));
        }

        #[cfg(unix)]
        #[test]
        fn any_socket_file_has_a_url(path in "[^\0]{1,40}") {
            let url = format!("http+unix://{}:/RPC2", EncodedSocketPath(Path::new(&path)));
            let target = Target::parse(&url, "/RPC2").unwrap();
            proptest::prop_assert_eq!(target.socket.as_deref(), Some(Path::new(&path)));
            proptest::prop_assert_eq!(target.to_string(), url);
        }

        #[test]
        fn no_error_shows_a_password(
            before in "(http|http\\+unix|ftp|)(://|:/|:|)",
            host in "[/:@%?#a\\[\\]\\\\é]{0,8}",
            after in "(@|://|/| )[/:@%?#a]{0,4}",
        ) {
            for text in [
                format!("{before}u:sEcReT@{host}{after}"),
                format!("{before}{host}u:sEcReT@{after}"),
            ] {
                if let Err(error) = Target::parse(&text, "/RPC2") {
                    let shown = format!("{error} {error:?}").to_ascii_lowercase();
                    proptest::prop_assert!(!shown.contains("secret"), "{text}: {error}");
                }
            }
        }

        #[test]
        fn any_pieces_of_a_url_are_parsed_or_refused(rest in "[/:@%2fF?#a\\[\\]\\\\é]*") {
            for scheme in ["http://", "http+unix://"] {
                assert_display_parses(&format!("{scheme}{rest}"));
            }
        }
    }
}
