//! URLs of hosts, by template.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use farcall_core::protocol::output::is_harmless;

/// The place of the name in a template.
const HOST: &str = "{host}";

/// URL with `{host}` in place of the name of the host: `conn+rpc://{host}:7000`.
///
/// The name may bring its own port, `node1:7001`, which then replaces the one behind `{host}`. An
/// IPv6 address gets its brackets. A name that is a URL is used as it is.
///
/// ```
/// use farcall::cluster::UrlTemplate;
///
/// let template: UrlTemplate = "conn+rpc://{host}:7000".parse()?;
/// assert_eq!(template.url("node1"), "conn+rpc://node1:7000");
/// assert_eq!(template.url("node1:7001"), "conn+rpc://node1:7001");
/// assert_eq!(template.url("fe80::1"), "conn+rpc://[fe80::1]:7000");
/// assert_eq!(template.url("http://node1/RPC2"), "http://node1/RPC2");
/// # Ok::<(), farcall::cluster::UrlTemplateError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct UrlTemplate(String);

impl Default for UrlTemplate {
    /// Creates `conn+rpc://{host}:7000`, where the examples of Farcall listen.
    fn default() -> Self {
        Self("conn+rpc://{host}:7000".to_owned())
    }
}

impl UrlTemplate {
    /// Returns the URL of a host.
    #[must_use]
    pub fn url(&self, host: &str) -> String {
        if host.contains("://") {
            return host.to_owned();
        }
        let is_address = host.parse::<Ipv6Addr>().is_ok();
        let has_port = || match host.rsplit_once(':') {
            Some((name, port)) => (!name.contains(':') || name.ends_with(']')) && is_port(port),
            None => false,
        };
        let mut pieces = self.0.split(HOST);
        let mut url = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            if is_address {
                url.push('[');
                url.push_str(host);
                url.push(']');
                url.push_str(piece);
            } else if has_port() {
                url.push_str(host);
                url.push_str(without_port(piece));
            } else {
                url.push_str(host);
                url.push_str(piece);
            }
        }
        url
    }

    /// Returns `true` if the name of the host is a part of the URL.
    pub(super) fn has_host(&self) -> bool {
        self.0.contains(HOST)
    }

    /// The scheme of the URLs.
    pub(super) fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns what follows a port at the beginning of a text.
fn without_port(text: &str) -> &str {
    let Some(rest) = text.strip_prefix(':') else {
        return text;
    };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.is_empty() || rest.starts_with(['/', '?']) {
        rest
    } else {
        text
    }
}

impl FromStr for UrlTemplate {
    type Err = UrlTemplateError;

    fn from_str(text: &str) -> Result<Self, UrlTemplateError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlTemplateError::NoScheme)?;
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        if scheme.is_empty() || !scheme.chars().all(is_scheme) {
            return Err(UrlTemplateError::NoScheme);
        }
        if rest.is_empty() {
            return Err(UrlTemplateError::NoAddress);
        }
        if rest.replace(HOST, "").contains(['{', '}']) {
            return Err(UrlTemplateError::UnknownPlaceholder);
        }
        if let Some(character) = rest.chars().find(|c| c.is_whitespace() || !is_harmless(*c)) {
            return Err(UrlTemplateError::InvalidCharacter(character));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shows the URL without user information and query, which may be secret.
impl fmt::Debug for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UrlTemplate({})", public_part(&self.0))
    }
}

/// Returns a URL without user information and query.
pub(super) fn public_part(url: &str) -> String {
    let url = url.split_once('?').map_or(url, |(start, _)| start);
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    let secret = authority.rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[secret..])
}

/// Error in a template of URLs. It does not show the text, which may have a password.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlTemplateError {
    /// There is no scheme.
    #[error("no URL: one is SCHEME://ADDRESS, such as conn+rpc://{{host}}:7000")]
    NoScheme,
    /// There is nothing behind the scheme.
    #[error("the URL has no address")]
    NoAddress,
    /// There are braces around anything but `host`.
    #[error("braces other than {{host}} in a URL")]
    UnknownPlaceholder,
    /// A character cannot be part of a URL.
    #[error("{0:?} cannot be part of a URL")]
    InvalidCharacter(char),
}

farcall_core::debug_errors!(UrlTemplateError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let url = |template: &str, host: &str| template.parse::<UrlTemplate>().unwrap().url(host);
        assert_eq!(url("http://{host}/RPC2", "n1"), "http://n1/RPC2");
        assert_eq!(url("http://{host}/RPC2", "n1:81"), "http://n1:81/RPC2");
        assert_eq!(url("http://{host}:80/RPC2", "n1:81"), "http://n1:81/RPC2");
        assert_eq!(url("http://{host}:80x/", "n1:81"), "http://n1:81:80x/");
        assert_eq!(
            url("https://proxy/{host}/{host}", "n1"),
            "https://proxy/n1/n1"
        );
        assert_eq!(url("http://{host}", "::1"), "http://[::1]");
        assert_eq!(url("http://{host}:80", "[::1]"), "http://[::1]:80");
        assert_eq!(url("http://{host}:80", "[::1]:81"), "http://[::1]:81");
        assert_eq!(url("http://one/", "n1"), "http://one/");
        assert_eq!(
            UrlTemplate::default().url("10.0.0.1"),
            "conn+rpc://10.0.0.1:7000"
        );
    }

    #[test]
    fn mistakes() {
        for (text, message) in [
            (
                "{host}:7000",
                "no URL: one is SCHEME://ADDRESS, such as conn+rpc://{host}:7000",
            ),
            (
                "a b://x",
                "no URL: one is SCHEME://ADDRESS, such as conn+rpc://{host}:7000",
            ),
            ("http://", "the URL has no address"),
            ("http://{name}", "braces other than {host} in a URL"),
            ("http://a b", "' ' cannot be part of a URL"),
        ] {
            let error = text.parse::<UrlTemplate>().expect_err(text);
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn no_secret_is_shown() {
        for text in ["http://user:secret@{host}/", "http://{host}/?key=secret"] {
            let shown = format!("{:?}", text.parse::<UrlTemplate>().unwrap());
            assert_eq!(shown, "UrlTemplate(http://{host}/)");
        }
    }
}
