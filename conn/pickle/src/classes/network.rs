//! Addresses and networks of the Internet Protocol.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::{PythonType, arguments, other_class, out_of_range};
use crate::error::Error;
use crate::value::{Object, Value};

/// An `ipaddress.IPv4Address`.
impl PythonType for Ipv4Addr {
    const CLASS: &'static str = "ipaddress.IPv4Address";

    fn to_python(&self) -> Result<Value, Error> {
        let number = self.to_bits().into();
        Ok(Object::call(Self::CLASS).with_args([number]).into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let Some([address]) = arguments(&value, "ipaddress", "IPv4Address") else {
            return Err(other_class::<Self>(&value));
        };
        let number = address
            .as_i64()
            .and_then(|number| u32::try_from(number).ok());
        let parse = || address.as_str()?.parse().ok();
        number
            .map(Self::from_bits)
            .or_else(parse)
            .ok_or_else(|| out_of_range(Self::CLASS, "it is not an address"))
    }
}

/// An `ipaddress.IPv6Address`. One with a scope is an error, which `Ipv6Addr` has no place for.
impl PythonType for Ipv6Addr {
    const CLASS: &'static str = "ipaddress.IPv6Address";

    fn to_python(&self) -> Result<Value, Error> {
        // Python writes the text since 3.9, and reads both.
        let text = self.to_string().into();
        Ok(Object::call(Self::CLASS).with_args([text]).into())
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        let Some([address]) = arguments(&value, "ipaddress", "IPv6Address") else {
            return Err(other_class::<Self>(&value));
        };
        let number = address
            .as_big_int()
            .and_then(|number| u128::try_from(number).ok());
        let parse = || address.as_str()?.parse().ok();
        number
            .map(Self::from_bits)
            .or_else(parse)
            .ok_or_else(|| out_of_range(Self::CLASS, "it is not an address without a scope"))
    }
}

/// An address of either version.
impl PythonType for IpAddr {
    const CLASS: &'static str = "an address of ipaddress";

    fn to_python(&self) -> Result<Value, Error> {
        match self {
            Self::V4(address) => address.to_python(),
            Self::V6(address) => address.to_python(),
        }
    }

    fn from_python(value: Value) -> Result<Self, Error> {
        if arguments(&value, "ipaddress", "IPv4Address").is_some() {
            return Ipv4Addr::from_python(value).map(Self::V4);
        }
        if arguments(&value, "ipaddress", "IPv6Address").is_some() {
            return Ipv6Addr::from_python(value).map(Self::V6);
        }
        Err(other_class::<Self>(&value))
    }
}

/// Defines a type of an address with the length of a prefix.
macro_rules! prefixed {
    ($($(#[$doc:meta])* $type:ident: $class:literal, [$v4:literal, $v6:literal];)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type {
            address: IpAddr,
            prefix: u8,
        }

        impl $type {
            /// Returns the address.
            #[must_use]
            pub const fn address(self) -> IpAddr {
                self.address
            }

            /// Returns the length of the prefix, in bits.
            #[must_use]
            pub const fn prefix(self) -> u8 {
                self.prefix
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.address, self.prefix)
            }
        }

        /// Parses an address and the length of a prefix: `10.0.0.0/8`.
        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let parts = text.split_once('/').and_then(|(address, prefix)| {
                    Self::new(address.parse().ok()?, prefix.parse().ok()?)
                });
                parts.ok_or_else(|| {
                    let text = crate::error::quoted(text);
                    out_of_range(Self::CLASS, format_args!("{text:?} is not one"))
                })
            }
        }

        impl PythonType for $type {
            const CLASS: &'static str = $class;

            fn to_python(&self) -> Result<Value, Error> {
                let class = match self.address {
                    IpAddr::V4(_) => concat!("ipaddress.", $v4),
                    IpAddr::V6(_) => concat!("ipaddress.", $v6),
                };
                let text = self.to_string().into();
                Ok(Object::call(class).with_args([text]).into())
            }

            fn from_python(value: Value) -> Result<Self, Error> {
                let args = arguments(&value, "ipaddress", $v4);
                let args = args.or_else(|| arguments(&value, "ipaddress", $v6));
                match args {
                    Some([text]) => text.as_str().unwrap_or_default().parse(),
                    _ => Err(other_class::<Self>(&value)),
                }
            }
        }
    )*};
}

prefixed! {
    /// An `ipaddress.IPv4Network` or `IPv6Network`: the first address, and the length of the
    /// prefix.
    IpNetwork: "a network of ipaddress", ["IPv4Network", "IPv6Network"];
    /// An `ipaddress.IPv4Interface` or `IPv6Interface`: an address, and the length of the prefix of
    /// its network.
    IpInterface: "an interface of ipaddress", ["IPv4Interface", "IPv6Interface"];
}

impl IpNetwork {
    /// Creates a network. Returns `None` if the prefix is longer than the address, or if the
    /// address has bits behind the prefix.
    #[must_use]
    pub const fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let is_network = match address {
            IpAddr::V4(address) => {
                prefix <= 32
                    && matches!(address.to_bits().checked_shl(prefix as u32), None | Some(0))
            }
            IpAddr::V6(address) => {
                prefix <= 128
                    && matches!(address.to_bits().checked_shl(prefix as u32), None | Some(0))
            }
        };
        if is_network {
            Some(Self { address, prefix })
        } else {
            None
        }
    }
}

impl IpInterface {
    /// Creates an interface. Returns `None` if the prefix is longer than the address.
    #[must_use]
    pub const fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if prefix <= longest {
            Some(Self { address, prefix })
        } else {
            None
        }
    }
}
