//! Tunnels through SOCKS5 proxies (RFC 1928), with user name and password (RFC 1929).

use std::fmt;
use std::io;
use std::time::Instant;

use percent_encoding::percent_decode_str;

use crate::client::stream::{Stream, read_exact, write_all};
use crate::client::url::{Host, HttpUrl, InvalidUrl, UserInfo, syntax};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const CONNECT: u8 = 1;

/// The user name and the password for a proxy, each of 1 to 255 bytes.
#[derive(Clone)]
pub(in crate::client) struct Login {
    user: Vec<u8>,
    password: Vec<u8>,
}

/// The request for a tunnel to a server, by name: the proxy looks it up.
pub(in crate::client) struct SocksRequest {
    login: Option<Login>,
    host: Host,
    port: u16,
}

/// A proxy that opens no tunnel.
#[derive(Debug, thiserror::Error)]
enum NoTunnel {
    #[error("the proxy is not a SOCKS5 proxy")]
    NotSocks,
    #[error("the proxy demands credentials, or other ones than a user name and a password")]
    NoMethod,
    #[error("the credentials for the proxy are wrong")]
    Credentials,
    #[error("the name of the host has more than 255 bytes")]
    LongName,
    #[error("the proxy opens no tunnel: {}", reason(*.0))]
    Refused(u8),
}

/// Returns the meaning of the code in a reply (RFC 1928, section 6).
const fn reason(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "its rules do not allow it",
        3 => "the network is unreachable",
        4 => "the host is unreachable",
        5 => "the connection was refused",
        6 => "the time to live expired",
        7 => "it does not support connecting",
        8 => "it does not support this type of address",
        _ => "unknown reason",
    }
}

impl From<NoTunnel> for io::Error {
    fn from(error: NoTunnel) -> Self {
        Self::other(error)
    }
}

impl Login {
    /// Returns the user name and the password of a URL, if it has both or neither.
    pub(super) fn of(user_info: UserInfo<'_>) -> Result<Option<Self>, InvalidUrl> {
        if user_info == UserInfo::default() {
            return Ok(None);
        }
        let part = |text| {
            let bytes: Vec<u8> = percent_decode_str(text).collect();
            let is_valid = (1..=255).contains(&bytes.len());
            is_valid.then_some(bytes).ok_or_else(|| {
                syntax("a SOCKS5 proxy needs a user name and a password of 1 to 255 bytes each")
            })
        };
        Ok(Some(Self {
            user: part(user_info.user)?,
            password: part(user_info.password)?,
        }))
    }
}

/// Shows nothing, since both are secrets.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

impl SocksRequest {
    pub(in crate::client) fn new(url: &HttpUrl, login: Option<Login>) -> Self {
        Self {
            login,
            host: url.host().clone(),
            port: url.port(),
        }
    }

    /// Opens the tunnel: bytes that are written to the stream afterwards go to the server.
    ///
    /// # Errors
    /// If the proxy does not open it, and an error of kind `TimedOut` if the deadline passes.
    pub(in crate::client) async fn open(
        &self,
        stream: &mut impl Stream,
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        let methods = match &self.login {
            Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD][..],
            None => &[VERSION, 1, NO_AUTHENTICATION],
        };
        write_all(stream, methods, deadline).await?;
        let mut chosen = [0; 2];
        read_exact(stream, &mut chosen, deadline).await?;
        match (chosen, &self.login) {
            ([VERSION, NO_AUTHENTICATION], _) => {}
            ([VERSION, USER_AND_PASSWORD], Some(login)) => {
                write_all(stream, &login.message(), deadline).await?;
                let mut outcome = [0; 2];
                read_exact(stream, &mut outcome, deadline).await?;
                if outcome[1] != 0 {
                    return Err(NoTunnel::Credentials.into());
                }
            }
            ([VERSION, _], _) => return Err(NoTunnel::NoMethod.into()),
            _ => return Err(NoTunnel::NotSocks.into()),
        }
        write_all(stream, &self.message()?, deadline).await?;
        let mut outcome = [0; 2];
        read_exact(stream, &mut outcome, deadline).await?;
        match outcome {
            [VERSION, 0] => {}
            [VERSION, code] => return Err(NoTunnel::Refused(code).into()),
            _ => return Err(NoTunnel::NotSocks.into()),
        }
        // The address from which the proxy connects is of no use here.
        let mut address = [0; 3];
        read_exact(stream, &mut address, deadline).await?;
        let rest = match address {
            [_, 1, _] => 3,
            [_, 3, length] => usize::from(length),
            [_, 4, _] => 15,
            _ => return Err(NoTunnel::NotSocks.into()),
        };
        let port = 2;
        read_exact(stream, &mut vec![0; rest + port], deadline).await
    }

    fn message(&self) -> Result<Vec<u8>, NoTunnel> {
        let mut message = vec![VERSION, CONNECT, 0];
        match &self.host {
            Host::V4(address) => {
                message.push(1);
                message.extend(address.octets());
            }
            Host::V6(address) => {
                message.push(4);
                message.extend(address.octets());
            }
            Host::Name(name) => {
                message.push(3);
                message.push(u8::try_from(name.len()).map_err(|_| NoTunnel::LongName)?);
                message.extend(name.as_bytes());
            }
        }
        message.extend(self.port.to_be_bytes());
        Ok(message)
    }
}

impl Login {
    fn message(&self) -> Vec<u8> {
        let mut message = vec![1];
        for part in [&self.user, &self.password] {
            // `of` has checked the length.
            message.push(part.len() as u8);
            message.extend(part);
        }
        message
    }
}
