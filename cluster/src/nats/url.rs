//! URLs of services.

use super::error::{InvalidName, check_name};

/// A URL is none of a service over NATS. The error does not repeat it, as it may contain a
/// password.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidNatsUrl {
    /// It has another form.
    #[error("the URL is not nats://HOST:PORT/SERVICE or nats://HOST:PORT/SERVICE/INSTANCE")]
    Form,
    /// The name of the service or the id of the instance is not one.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

farcall_core::debug_errors!(InvalidNatsUrl);

/// A URL of a service, or of one instance.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct NatsUrl {
    /// URLs of the servers for [`Connection::open`](super::Connection::open).
    pub(super) servers: String,
    pub(super) service: String,
    pub(super) instance: Option<String>,
}

impl NatsUrl {
    /// Parses `nats://HOST:PORT/SERVICE` or `nats+tls://…`, with user information before the host,
    /// further hosts behind a comma, and an instance behind the service.
    pub(super) fn parse(url: &str) -> Result<Self, InvalidNatsUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidNatsUrl::Form)?;
        let scheme = match scheme {
            "nats" => "nats",
            "nats+tls" => "tls",
            _ => return Err(InvalidNatsUrl::Form),
        };
        let (hosts, path) = rest.split_once('/').ok_or(InvalidNatsUrl::Form)?;
        let (service, instance) = match path.trim_end_matches('/').split_once('/') {
            None => (path.trim_end_matches('/'), None),
            Some((service, instance)) => (service, Some(instance)),
        };
        check_name(service)?;
        instance.map_or(Ok(()), check_name)?;
        if hosts.is_empty() || hosts.split(',').any(str::is_empty) {
            return Err(InvalidNatsUrl::Form);
        }
        let servers: Vec<String> = hosts
            .split(',')
            .map(|host| format!("{scheme}://{host}"))
            .collect();
        Ok(Self {
            servers: servers.join(","),
            service: service.to_owned(),
            instance: instance.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_servers_a_service_and_perhaps_an_instance() {
        for (url, servers, service, instance) in [
            ("nats://h:1/s", "nats://h:1", "s", None),
            ("nats://h:1/s/", "nats://h:1", "s", None),
            (
                "nats://u:p@h:1,[::1]:2/s/i",
                "nats://u:p@h:1,nats://[::1]:2",
                "s",
                Some("i"),
            ),
            ("nats+tls://h/s", "tls://h", "s", None),
        ] {
            let parsed = NatsUrl::parse(url).unwrap();
            assert_eq!(
                (
                    parsed.servers.as_str(),
                    parsed.service.as_str(),
                    parsed.instance.as_deref()
                ),
                (servers, service, instance)
            );
        }
        for url in [
            "nats://h:1",
            "nats:///s",
            "http://h/s",
            "h/s",
            "nats://h/a.b",
            "nats://h/a/b/c",
        ] {
            assert!(NatsUrl::parse(url).is_err(), "{url}");
        }
    }
}
