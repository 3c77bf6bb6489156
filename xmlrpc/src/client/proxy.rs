//! HTTP proxies: explicit ones and those set in the environment.

use std::ffi::OsString;
use std::net::IpAddr;

use farcall_core::protocol::parse_port;
use http::HeaderValue;

use super::url::{Host, InvalidUrl, Target, syntax};

/// The proxy setting of a client.
#[derive(Clone, Debug, Default)]
pub(super) enum ProxyChoice {
    /// The proxy of the environment, except for loopback addresses.
    #[default]
    Environment,
    Off,
    To(Proxy),
}

/// A proxy that forwards plain HTTP requests.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// Marked as sensitive, so that `Debug` does not show it.
    pub(super) authorization: Option<HeaderValue>,
}

impl ProxyChoice {
    /// Returns the proxy for calls to `target`, if there is one.
    pub(super) fn for_target(&self, target: &Target) -> Result<Option<Proxy>, InvalidUrl> {
        match self {
            _ if target.socket.is_some() => Ok(None),
            Self::Off => Ok(None),
            Self::To(proxy) => Ok(Some(proxy.clone())),
            Self::Environment => Proxy::of_environment(std::env::var_os, target),
        }
    }
}

impl Proxy {
    pub(super) fn parse(url: &str) -> Result<Self, InvalidUrl> {
        Self::read(url).map_err(|error| InvalidUrl::Proxy(Box::new(error)))
    }

    /// Parses `http://[USER[:PASSWORD]@]HOST[:PORT][/]`. What follows is refused: to a proxy it would
    /// mean nothing, and it may be a password with a `/` that is not percent-encoded.
    fn read(url: &str) -> Result<Self, InvalidUrl> {
        let target = Target::parse(url).map_err(|error| match error {
            InvalidUrl::Scheme(scheme) => InvalidUrl::ProxyScheme(scheme),
            InvalidUrl::NoTls => proxy_scheme("https"),
            InvalidUrl::NoUnixSockets | InvalidUrl::NoSocketFile => proxy_scheme("http+unix"),
            error => error,
        })?;
        if target.socket.is_some() {
            return Err(proxy_scheme("http+unix"));
        }
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
        if !matches!(&rest[end..], "" | "/") {
            return Err(syntax(
                "a proxy has no path, query or fragment: percent-encode `/`, `\\`, `?` and `#` in \
                 its user name and password",
            ));
        }
        let (host, port) = target.host_and_port();
        Ok(Self {
            host,
            port,
            authorization: target.authorization,
        })
    }

    /// Parses the value of a variable: a URL, or `[USER[:PASSWORD]@]HOST:PORT` as in curl and
    /// CPython. These also take `HOST` alone, but at different ports (1080 and 80). It is refused,
    /// since it may be anything, such as a password.
    fn of_variable(value: &str) -> Result<Self, InvalidUrl> {
        if value.contains("://") {
            return Self::read(value);
        }
        let place = value.strip_suffix('/').unwrap_or(value);
        let port = place
            .rsplit_once(':')
            .and_then(|(_, port)| parse_port(port));
        match port {
            Some(_) => Self::read(&format!("http://{value}")),
            None => Err(syntax("expected `http://HOST:PORT` or `HOST:PORT`")),
        }
    }

    /// Reads the proxy from the environment variables that curl and most others use. A malformed
    /// variable is an error: ignoring it would bypass the proxy.
    ///
    /// Loopback addresses never use a proxy: to the proxy they are addresses of its own machine.
    /// The same holds for the unspecified address, to which the system connects in the same way.
    fn of_environment(
        variable: impl Fn(&'static str) -> Option<OsString>,
        target: &Target,
    ) -> Result<Option<Self>, InvalidUrl> {
        if target.is_local() {
            return Ok(None);
        }
        // In a CGI program `HTTP_PROXY` holds the `Proxy` header of the request, and so does
        // `http_proxy` on systems with case-insensitive names (CVE-2016-5385 and others).
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let is_of_request =
            |name| is_cgi && (name == "HTTP_PROXY" || cfg!(windows) && name == "http_proxy");
        let first = |names: &[&'static str]| {
            let trusted = names.iter().copied().filter(|name| !is_of_request(*name));
            let mut set = trusted.filter_map(|name| Some((name, variable(name)?)));
            set.find(|(_, value)| !value.is_empty())
        };
        let Some((name, url)) = first(&["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
        else {
            return Ok(None);
        };
        if let Some((name, exceptions)) = first(&["NO_PROXY", "no_proxy"]) {
            let exceptions = text(name, &exceptions)?;
            let is_excepted = is_excepted(exceptions, target);
            if is_excepted.map_err(|problem| in_variable(name, problem))? {
                return Ok(None);
            }
        }
        Self::of_variable(text(name, &url)?.trim())
            .map(Some)
            .map_err(|problem| in_variable(name, problem))
    }
}

fn proxy_scheme(scheme: &str) -> InvalidUrl {
    InvalidUrl::ProxyScheme(scheme.to_owned())
}

fn text<'a>(name: &'static str, value: &'a OsString) -> Result<&'a str, InvalidUrl> {
    value
        .to_str()
        .ok_or_else(|| in_variable(name, syntax("not UTF-8")))
}

fn in_variable(variable: &'static str, problem: InvalidUrl) -> InvalidUrl {
    let problem = Box::new(problem);
    InvalidUrl::Proxy(Box::new(InvalidUrl::Environment { variable, problem }))
}

/// Returns `true` if one of the comma-separated exceptions of `no_proxy` matches the target: `*`,
/// an address, a network in CIDR notation, or a domain including its subdomains, with or without a
/// leading `.` or `*.`. An exception with a port matches that port only. A dot at the end of a name
/// changes nothing, and an IPv4 address may be written as an IPv6 one (`::ffff:192.0.2.1`).
fn is_excepted(exceptions: &str, target: &Target) -> Result<bool, InvalidUrl> {
    let mut is_excepted = false;
    for (index, text) in exceptions.split(',').map(str::trim).enumerate() {
        if text.is_empty() {
            continue;
        }
        let (exception, port) = Exception::parse(text).ok_or_else(|| {
            let problem = format!("entry {} is not a host, address or network", index + 1);
            InvalidUrl::Syntax(problem)
        })?;
        let is_port = port.is_none_or(|port| port == target.url.port());
        is_excepted |= is_port && exception.matches(target.url.host());
    }
    Ok(is_excepted)
}

/// The hosts of one exception.
enum Exception<'a> {
    All,
    /// The addresses that have this number of leading bits in common with the given one.
    Network(IpAddr, u8),
    /// A domain and its subdomains.
    Domain(&'a str),
}

impl<'a> Exception<'a> {
    /// Returns the hosts and the port of an exception.
    fn parse(text: &'a str) -> Option<(Self, Option<u16>)> {
        if text == "*" {
            return Some((Self::All, None));
        }
        if let Ok(address) = text.parse() {
            return Some((Self::address(address), None));
        }
        if let Some((address, length)) = text.split_once('/') {
            let address = address.parse().ok()?;
            let length = length.parse().ok()?;
            let is_valid = length <= bits(address);
            return is_valid.then(|| (Self::network(address, length), None));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                address.parse::<IpAddr>().ok()?;
                (address, port)
            }
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if port.is_empty() => None,
            None => return None,
        };
        if let Ok(address) = host.parse() {
            return Some((Self::address(address), port));
        }
        let domain = host.strip_prefix('*').filter(|rest| rest.starts_with('.'));
        let domain = domain.unwrap_or(host);
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        let is_domain =
            domain.contains(|c: char| c.is_ascii_alphanumeric()) && domain.bytes().all(is_plain);
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        is_domain.then_some((Self::Domain(domain), port))
    }

    fn address(address: IpAddr) -> Self {
        Self::network(address, bits(address))
    }

    /// Returns a network. One of IPv4 that is written as IPv6 becomes one of IPv4.
    fn network(address: IpAddr, length: u8) -> Self {
        match (address.to_canonical(), length.checked_sub(96)) {
            (mapped @ IpAddr::V4(_), Some(length)) if address.is_ipv6() => {
                Self::Network(mapped, length)
            }
            _ => Self::Network(address, length),
        }
    }

    fn matches(&self, host: &Host) -> bool {
        let address = match host {
            Host::Name(name) => return self.has_name(name.strip_suffix('.').unwrap_or(name)),
            Host::V4(address) => IpAddr::V4(*address),
            Host::V6(address) => address.to_canonical(),
        };
        let (common, length) = match (self, address) {
            (Self::All, _) => return true,
            (Self::Network(IpAddr::V4(network), length), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                (differing.leading_zeros(), length)
            }
            (Self::Network(IpAddr::V6(network), length), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                (differing.leading_zeros(), length)
            }
            _ => return false,
        };
        u32::from(*length) <= common
    }

    fn has_name(&self, name: &str) -> bool {
        let domain = match self {
            Self::All => return true,
            Self::Network(..) => return false,
            Self::Domain(domain) => domain,
        };
        let start = name.len().checked_sub(domain.len());
        let split = start.and_then(|start| name.split_at_checked(start));
        split.is_some_and(|(before, end)| {
            end.eq_ignore_ascii_case(domain) && (before.is_empty() || before.ends_with('.'))
        })
    }
}

/// Returns the number of bits of an address.
const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    type Variables<'a> = &'a [(&'a str, &'a str)];

    fn found(variables: Variables<'_>, url: &str) -> Result<Option<Proxy>, InvalidUrl> {
        let variable = |name| {
            let mut set = variables.iter().filter(|(set, _)| *set == name);
            set.next().map(|(_, value)| OsString::from(value))
        };
        Proxy::of_environment(variable, &Target::parse(url)?)
    }

    fn proxy(variables: Variables<'_>, url: &str) -> Result<Option<String>, InvalidUrl> {
        let proxy = found(variables, url)?;
        Ok(proxy.map(|proxy| format!("{} {}", proxy.host, proxy.port)))
    }

    #[test]
    fn the_proxy_of_the_environment_is_used_except_for_loopback_and_no_proxy() {
        let variables = [
            ("http_proxy", "http://u:secret@[::7]:3128"),
            (
                "no_proxy",
                " example.org, *.example.net , 192.0.2.0/24,h.example:81,2001:db8::/32,[::9]:80,\
                 dot.example.,::ffff:198.51.100.0/120,::ffff:203.0.113.7",
            ),
        ];
        for (url, uses_it) in [
            ("http://example.com", true),
            ("http://notexample.org", true),
            ("http://192.0.3.1", true),
            ("http://h.example", true),
            ("http://localhost", false),
            ("http://127.0.0.1:8000", false),
            ("http://a.example.org", false),
            ("http://a.example.net", false),
            ("http://192.0.2.7", false),
            ("http://h.example:81", false),
            ("http://[2001:db8:1::]", false),
            ("http://[2001:db9::]", true),
            ("http://[::9]", false),
            ("http://[::9]:81", true),
            ("http://example.org.", false),
            ("http://a.dot.example", false),
            ("http://a.dot.example.", false),
            ("http://[::ffff:192.0.2.7]", false),
            ("http://[::ffff:192.0.3.7]", true),
            ("http://198.51.100.9", false),
            ("http://198.51.101.9", true),
            ("http://[::ffff:203.0.113.7]", false),
            ("http://203.0.113.7", false),
            ("http://203.0.113.8", true),
            ("http://0.0.0.0:8000", false),
            ("http://0", false),
            ("http://[::]", false),
            ("http://[::ffff:0.0.0.0]", false),
            ("http://0.0.0.1", true),
        ] {
            let expected = uses_it.then(|| "::7 3128".to_owned());
            assert_eq!(proxy(&variables, url), Ok(expected), "{url}");
        }
        let found = found(&variables, "http://example.com").unwrap().unwrap();
        assert_eq!(found.authorization.as_ref().unwrap(), "Basic dTpzZWNyZXQ=");
        assert!(!format!("{found:?}").contains("dTpzZWNyZXQ"));
    }

    #[test]
    fn the_first_non_empty_variable_is_used() {
        let url = "http://example.com";
        for (variables, expected) in [
            (&[][..], None),
            (&[("http_proxy", "")][..], None),
            (&[("https_proxy", "http://p:1")], None),
            (&[("all_proxy", "http://p:1")], Some("p 1")),
            (&[("ALL_PROXY", "p:1"), ("all_proxy", "x:2")], Some("p 1")),
            (&[("http_proxy", "p:1"), ("ALL_PROXY", "%")], Some("p 1")),
            (
                &[("HTTP_PROXY", ""), ("http_proxy", " p:81 ")],
                Some("p 81"),
            ),
            (&[("http_proxy", "u:pw@p:81/")], Some("p 81")),
            (&[("http_proxy", "http://p/")], Some("p 80")),
            (&[("http_proxy", "p:1"), ("no_proxy", "*")], None),
            (&[("http_proxy", "p:1"), ("NO_PROXY", "EXAMPLE.com")], None),
            (&[("http_proxy", "%"), ("no_proxy", "*")], None),
            (
                &[("http_proxy", "p:1"), ("no_proxy", "0.0.0.0/0")],
                Some("p 1"),
            ),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(proxy(variables, url), Ok(expected), "{variables:?}");
        }
    }

    #[test]
    fn http_proxy_is_ignored_in_a_cgi_program() {
        let cgi = ("REQUEST_METHOD", "POST");
        let url = "http://example.com";
        assert_eq!(proxy(&[cgi, ("HTTP_PROXY", "evil:1")], url), Ok(None));
        assert_eq!(proxy(&[cgi, ("HTTP_PROXY", "u:%@")], url), Ok(None));
        let own = [cgi, ("HTTP_PROXY", "evil:1"), ("ALL_PROXY", "p:1")];
        assert_eq!(proxy(&own, url), Ok(Some("p 1".to_owned())));
    }

    #[test]
    fn a_malformed_variable_is_an_error_that_names_it_and_shows_no_password() {
        for (variable, value) in [
            ("http_proxy", "http://u:secret@h:99999"),
            ("HTTP_PROXY", "u:secret@h:x"),
            ("http_proxy", "u:secret@http://h"),
            ("http_proxy", "http://u:secret@"),
            ("http_proxy", "http://u:sec ret@h"),
            ("http_proxy", "https://u:secret@h"),
            ("http_proxy", "http+unix://u:secret@/run/x"),
            ("all_proxy", "socks5://u:secret@h:1080"),
            ("ALL_PROXY", "://secret"),
            ("http_proxy", "%"),
            ("http_proxy", " "),
            ("http_proxy", "secret"),
            ("http_proxy", "secret.and.dots"),
            ("http_proxy", "http//u:secret@h"),
            ("http_proxy", "http//u:secret@h:80"),
            ("http_proxy", "http:/secret@h"),
            ("http_proxy", "u:12/secret@h:80"),
            ("http_proxy", "http://u:12/secret@h:80"),
            ("http_proxy", "http://u:12?secret@h:80"),
            ("http_proxy", "http://h:80/?key=secret"),
            ("http_proxy", "http://h:80/#secret"),
            ("http_proxy", "http:///secret"),
        ] {
            let error = proxy(&[(variable, value)], "http://example.com").unwrap_err();
            let InvalidUrl::Proxy(inner) = &error else {
                panic!("{error:?}");
            };
            let InvalidUrl::Environment {
                variable: named,
                problem,
            } = &**inner
            else {
                panic!("{error:?}");
            };
            assert_eq!(*named, variable);
            assert!(inner.to_string().contains(variable) && inner.source().is_some());
            let shown = format!("{error} {error:?} {inner} {problem}");
            assert!(!shown.contains("secret"), "{shown}");
        }
        for exception in [
            "10.0.0.0/33",
            "10.0.0/8",
            "http://h",
            "h:x",
            "a b",
            "[::1",
            "-",
            "*a",
        ] {
            let variables = [("http_proxy", "p:1"), ("no_proxy", exception)];
            let error = proxy(&variables, "http://example.com").unwrap_err();
            let InvalidUrl::Proxy(inner) = error else {
                panic!("{error:?}");
            };
            assert!(inner.to_string().contains("`no_proxy`"), "{inner}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_utf_8_is_an_error() {
        use std::os::unix::ffi::OsStringExt as _;

        let target = Target::parse("http://example.com").unwrap();
        let broken = |name| (name == "http_proxy").then(|| OsString::from_vec(vec![b'h', 0xff]));
        assert!(Proxy::of_environment(broken, &target).is_err());
    }

    #[test]
    fn an_unsupported_proxy_is_an_error() {
        for scheme in ["https", "http+unix", "socks5"] {
            for rest in ["", "host", "/x"] {
                let InvalidUrl::Proxy(error) =
                    Proxy::parse(&format!("{scheme}://{rest}")).unwrap_err()
                else {
                    panic!("not of the proxy");
                };
                let expected =
                    format!("the scheme `{scheme}` is not supported for proxies: expected `http`");
                assert_eq!(error.to_string(), expected);
            }
        }
    }
}
