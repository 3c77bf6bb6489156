//! Lists of networks.

use std::net::IpAddr;
use std::str::FromStr as _;

use ipnet::IpNet;

use crate::output::Foreign;

/// A list of networks: ranges of IP addresses with a common prefix.
///
/// Every server can use it: `accept_address(move |peer| peer.ip().is_some_and(|ip|
/// networks.contains(ip)))` is an option of those of XML-RPC and connections.
///
/// ```
/// use farcall::sockets::Networks;
///
/// let networks = Networks::new(["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"])?;
/// assert!(networks.contains("192.0.2.77".parse()?));
/// assert!(!networks.contains("192.0.3.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// The error of a text that is not a network.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a network: expected an address, or ADDRESS/PREFIX without bits behind the prefix"
)]
pub struct InvalidNetwork(String);

crate::debug_errors!(InvalidNetwork);

impl Networks {
    /// Parses networks, such as `"192.0.2.0/24"`, and single addresses.
    ///
    /// # Errors
    /// If one is neither, or an address has bits behind the prefix, as in `"192.0.2.1/24"`: it may
    /// have been meant as the address.
    pub fn new<N: AsRef<str>>(
        networks: impl IntoIterator<Item = N>,
    ) -> Result<Self, InvalidNetwork> {
        let parsed = networks.into_iter().map(|text| parse(text.as_ref()));
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// Returns `true` if one of the networks contains the address. An IPv4 address that is mapped
    /// to IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn parse(text: &str) -> Result<IpNet, InvalidNetwork> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address)),
        Err(_) => IpNet::from_str(text).ok(),
    };
    network
        .filter(|network| network.trunc() == *network)
        .ok_or_else(|| InvalidNetwork(Foreign::excerpt(text).to_string()))
}
