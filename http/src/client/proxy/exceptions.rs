//! The exceptions of `no_proxy`.

use std::net::IpAddr;

use farcall_core::protocol::parse_port;

use crate::client::url::{Host, HttpUrl, InvalidUrl};

/// Returns `true` if one of the exceptions of `no_proxy` matches the URL: `*`, an address, a
/// network in CIDR notation, or a domain including its subdomains, with or without a leading `.` or
/// `*.`. They are separated by commas or, as in curl, by spaces. An exception with a port matches
/// that port only. A dot at the end of a name changes nothing, and an IPv4 address may be written
/// as an IPv6 one (`::ffff:192.0.2.1`).
pub(super) fn is_excepted(exceptions: &str, url: &HttpUrl) -> Result<bool, InvalidUrl> {
    let mut is_excepted = false;
    let is_separator = |c: char| c == ',' || c.is_whitespace();
    let exceptions = exceptions.split(is_separator);
    for (index, text) in exceptions.filter(|text| !text.is_empty()).enumerate() {
        let (exception, port) = Exception::parse(text).ok_or_else(|| {
            let problem = format!("entry {} is not a host, address or network", index + 1);
            InvalidUrl::Syntax(problem)
        })?;
        let is_port = port.is_none_or(|port| port == url.port());
        is_excepted |= is_port && exception.matches(url.host());
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
