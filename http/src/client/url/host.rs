//! Hosts of URLs.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use percent_encoding::percent_decode_str;

use super::error::{InvalidUrl, syntax};

/// The host of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// A name in lower case and ASCII.
    Name(String),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Host {
    /// Parses a host as the [URL standard](https://url.spec.whatwg.org/#host-parsing) does.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidUrl> {
        if let Some(address) = text.strip_prefix('[') {
            let address = address.strip_suffix(']').and_then(|text| text.parse().ok());
            return address
                .map(Self::V6)
                .ok_or_else(|| syntax("the host is not a valid IPv6 address"));
        }
        let name = ascii_name(percent_decode_str(text).into())?;
        if name.is_empty() {
            return Err(syntax("the host is missing"));
        }
        if !ends_in_number(&name) {
            return Ok(Self::Name(name));
        }
        ipv4(&name)
            .map(Self::V4)
            .ok_or_else(|| syntax("the host is not a valid IPv4 address"))
    }

    /// Returns the form for connecting: an IPv6 address without brackets.
    pub(in crate::client) fn for_connecting(&self) -> String {
        match self {
            Self::V6(address) => address.to_string(),
            host => host.to_string(),
        }
    }

    /// Returns `true` for a loopback address, the unspecified address, or a name for one.
    pub(in crate::client) fn is_local(&self) -> bool {
        let is_local = |address: IpAddr| address.is_loopback() || address.is_unspecified();
        match self {
            Self::V4(address) => is_local((*address).into()),
            Self::V6(address) => is_local(address.to_canonical()),
            Self::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }
}

/// Displays the form that is used in URLs.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => address.fmt(f),
            // The standard writes all of an address in hexadecimal digits, Rust's library does not.
            Self::V6(address) if address.to_ipv4_mapped().is_some() => {
                let [.., high, low] = address.segments();
                write!(f, "[::ffff:{high:x}:{low:x}]")
            }
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// Returns a name in lower case and ASCII.
fn ascii_name(name: Cow<'_, [u8]>) -> Result<String, InvalidUrl> {
    let is_encoded = |label: &[u8]| {
        let prefix = label.get(..4);
        prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"xn--"))
    };
    if !name.is_ascii() || name.split(|byte| *byte == b'.').any(is_encoded) {
        return international(name);
    }
    plain(&name)
}

/// Returns a name without letters beyond ASCII in lower case.
fn plain(name: &[u8]) -> Result<String, InvalidUrl> {
    let is_allowed = |byte: &u8| byte.is_ascii_graphic() && !b"%#/:<>?@[\\]^|".contains(byte);
    if !name.iter().all(is_allowed) {
        return Err(syntax("the host has characters that no host has"));
    }
    let name = name
        .iter()
        .map(|byte| char::from(byte.to_ascii_lowercase()));
    Ok(name.collect())
}

/// Returns the ASCII form of a name with letters beyond ASCII, or checks one that is in this form.
#[cfg(feature = "idna")]
fn international(name: Cow<'_, [u8]>) -> Result<String, InvalidUrl> {
    idna::domain_to_ascii_from_cow(name, idna::AsciiDenyList::URL)
        .map(Cow::into_owned)
        .map_err(|_| syntax("the host is not a valid international domain name"))
}

#[cfg(not(feature = "idna"))]
fn international(name: Cow<'_, [u8]>) -> Result<String, InvalidUrl> {
    if name.is_ascii() {
        plain(&name)
    } else {
        Err(InvalidUrl::NoIdna)
    }
}

/// Returns `true` if the last label is a number, so that the name can only be an IPv4 address.
fn ends_in_number(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    is_decimal || number(last).is_some()
}

/// Parses an IPv4 address in any form of the C function `inet_aton`, such as `127.1`.
fn ipv4(name: &str) -> Option<Ipv4Addr> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let parts: Option<Vec<u64>> = name.split('.').map(number).collect();
    let (last, first) = parts.as_ref()?.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    // The last number fills all bytes that are left.
    if *last > u64::from(u32::MAX >> (8 * first.len())) {
        return None;
    }
    let high = (0..).step_by(8).zip(first);
    let high: u64 = high.map(|(shift, part)| part << (24 - shift)).sum();
    u32::try_from(high + last).ok().map(Ipv4Addr::from_bits)
}

/// Parses a number: hexadecimal after `0x`, octal after `0`, otherwise decimal.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some("") => return Some(0),
        Some(digits) => (digits, 16),
        None => match text.strip_prefix('0') {
            Some("") | None => (text, 10),
            Some(digits) => (digits, 8),
        },
    };
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    match u64::from_str_radix(digits, radix) {
        Err(error) if *error.kind() == std::num::IntErrorKind::PosOverflow => Some(u64::MAX),
        number => number.ok(),
    }
}
