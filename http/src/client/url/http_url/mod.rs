//! URLs with the scheme `http` or `https`.
//!
//! They are parsed as the [URL standard](https://url.spec.whatwg.org/) says. The tests compare the
//! outcome with that of the crate `url`, which is for all schemes, and has several times the
//! dependencies of the whole client.

#[cfg(test)]
mod tests;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::error::{InvalidUrl, syntax};
use super::{Host, is_scheme};
use farcall_core::protocol::parse_port;

/// The scheme of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// Returns the scheme with this name, if it is one of the two.
    pub(super) fn of(name: &str) -> Option<Self> {
        let all = [Self::Http, Self::Https];
        all.into_iter()
            .find(|scheme| name.eq_ignore_ascii_case(scheme.name()))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub(in crate::client) const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Characters that are encoded in paths.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Characters that are encoded in queries.
const IN_QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\'');

/// A URL with the scheme `http` or `https`, without user information and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpUrl {
    text: String,
    scheme: Scheme,
    host: Host,
    port: u16,
    /// Offset of the path in the text.
    path: usize,
    /// Offset of the `?` in the text, or its length.
    query: usize,
}

/// The user name and the password of a URL, both percent-encoded. Absent ones are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::client) struct UserInfo<'a> {
    pub(in crate::client) user: &'a str,
    pub(in crate::client) password: &'a str,
}

/// The URL that a reference in a document or header refers to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::client) enum Referred {
    Http(HttpUrl),
    /// A URL with another scheme than `http` and `https`.
    Other,
}

impl HttpUrl {
    /// Parses the part of a URL after its scheme and `://`. A missing path becomes `default_path`.
    pub(in crate::client) fn parse<'a>(
        scheme: Scheme,
        rest: &'a str,
        default_path: &str,
    ) -> Result<(Self, UserInfo<'a>), InvalidUrl> {
        let (authority, rest) = split_authority(rest);
        let (user_info, host, port) = parse_authority(authority)?;
        let mut url = Self {
            text: format!("{}://{host}", scheme.name()),
            scheme,
            host,
            port: port.unwrap_or_else(|| scheme.default_port()),
            path: 0,
            query: 0,
        };
        if url.port != scheme.default_port() {
            url.text.push_str(&format!(":{}", url.port));
        }
        url.path = url.text.len();
        let (path, query) = split_query(without_fragment(rest));
        match path.strip_prefix(SLASHES) {
            Some(path) => {
                url.text.push('/');
                url.push_path(path);
            }
            None => url.text.push_str(default_path),
        }
        url.push_query(query);
        Ok((url, user_info))
    }

    /// Resolves a reference that was found at this URL.
    pub(in crate::client) fn join(&self, reference: &str) -> Result<Referred, InvalidUrl> {
        let reference: String = reference
            .trim_matches(|c: char| c <= ' ')
            .chars()
            .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
            .collect();
        let relative = match split_scheme(&reference) {
            None => &reference,
            Some((name, rest)) => match Scheme::of(name) {
                // The standard takes the rest for a path, as it does without a scheme.
                Some(scheme) if scheme == self.scheme => rest,
                Some(scheme) => {
                    let (url, _) = Self::parse(scheme, rest, "/")?;
                    return Ok(Referred::Http(url));
                }
                None => return Ok(Referred::Other),
            },
        };
        if let Some(rest) = relative.strip_prefix(SLASHES)
            && let Some(rest) = rest.strip_prefix(SLASHES)
        {
            let (url, _) = Self::parse(self.scheme, rest, "/")?;
            return Ok(Referred::Http(url));
        }
        let mut url = self.clone();
        let (path, query) = split_query(without_fragment(relative));
        if let Some(path) = path.strip_prefix(SLASHES) {
            url.text.truncate(self.path + 1);
            url.push_path(path);
        } else if !path.is_empty() {
            let parent = self.path().rfind('/').unwrap_or_default();
            url.text.truncate(self.path + parent + 1);
            url.push_path(path);
        } else if query.is_some() {
            url.text.truncate(self.query);
        } else {
            return Ok(Referred::Http(url));
        }
        url.push_query(query);
        Ok(Referred::Http(url))
    }

    /// Appends path segments. The text ends with the slash before them.
    fn push_path(&mut self, path: &str) {
        let mut segments = path.split(SLASHES).peekable();
        while let Some(segment) = segments.next() {
            let is = |form: &&str| segment.eq_ignore_ascii_case(form);
            if ["..", ".%2e", "%2e.", "%2e%2e"].iter().any(is) {
                let parent = self.text[self.path..self.text.len() - 1].rfind('/');
                self.text
                    .truncate(self.path + parent.unwrap_or_default() + 1);
            } else if ![".", "%2e"].iter().any(is) {
                self.text.extend(utf8_percent_encode(segment, IN_PATH));
                if segments.peek().is_some() {
                    self.text.push('/');
                }
            }
        }
    }

    /// Appends the query after the path.
    fn push_query(&mut self, query: Option<&str>) {
        self.query = self.text.len();
        if let Some(query) = query {
            self.text.push('?');
            self.text.extend(utf8_percent_encode(query, IN_QUERY));
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn without_query(&self) -> &str {
        &self.text[..self.query]
    }

    pub(super) fn path(&self) -> &str {
        &self.text[self.path..self.query]
    }

    /// Returns the query without its `?`, empty if there is none.
    pub(in crate::client) fn query(&self) -> &str {
        self.text[self.query..]
            .strip_prefix('?')
            .unwrap_or_default()
    }

    /// Returns the request target for a server.
    pub(in crate::client) fn path_and_query(&self) -> &str {
        &self.text[self.path..]
    }

    pub(in crate::client) const fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(in crate::client) const fn host(&self) -> &Host {
        &self.host
    }

    pub(in crate::client) const fn port(&self) -> u16 {
        self.port
    }
}

/// The slashes of URLs: the standard equates both.
const SLASHES: [char; 2] = ['/', '\\'];

/// Splits the part of a URL after its scheme into the authority and the rest.
fn split_authority(rest: &str) -> (&str, &str) {
    let rest = rest.trim_start_matches(SLASHES);
    rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()))
}

/// Parses `[USER[:PASSWORD]@]HOST[:PORT]`.
pub(in crate::client) fn parse_authority(
    text: &str,
) -> Result<(UserInfo<'_>, Host, Option<u16>), InvalidUrl> {
    let (user_info, place) = match text.rsplit_once('@') {
        None => (UserInfo::default(), text),
        Some((user_info, place)) => {
            let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
            (UserInfo { user, password }, place)
        }
    };
    // The colons within brackets are those of an IPv6 address.
    let end = place.rfind(']').unwrap_or_default();
    let colon = place[end..].find(':').map_or(place.len(), |i| end + i);
    let (host, port) = place.split_at(colon);
    if host.is_empty() {
        return Err(syntax("the host is missing"));
    }
    let host = Host::parse(host)?;
    let port = match port {
        "" | ":" => None,
        port => Some(parse_port(&port[1..]).ok_or_else(|| syntax("the port is not valid"))?),
    };
    Ok((user_info, host, port))
}

fn without_fragment(text: &str) -> &str {
    text.split_once('#').map_or(text, |(text, _)| text)
}

fn split_query(text: &str) -> (&str, Option<&str>) {
    match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    }
}

/// Splits a reference that begins with a scheme after the colon.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    is_scheme(scheme).then_some((scheme, rest))
}
