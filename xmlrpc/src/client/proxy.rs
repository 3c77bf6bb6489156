//! Which proxy calls go through.

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use super::error::InvalidUrl;
use super::url::Target;

/// What the user wants.
#[derive(Clone, Debug, Default)]
pub(super) enum Choice {
    /// What the environment says, except for this machine.
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
    /// Marked as sensitive, and so not shown by `Debug`.
    pub(super) authorization: Option<HeaderValue>,
}

impl Choice {
    /// The proxy for calls to `target`.
    pub(super) fn for_target(&self, target: &Target) -> Result<Option<Proxy>, InvalidUrl> {
        match self {
            _ if target.socket.is_some() => Ok(None),
            Self::Off => Ok(None),
            Self::To(proxy) => Ok(Some(proxy.clone())),
            Self::Environment => Proxy::matching(&Matcher::from_env(), target),
        }
    }
}

impl Proxy {
    pub(super) fn parse(url: &str) -> Result<Self, InvalidUrl> {
        let target = Target::parse(url).and_then(|target| match target.socket {
            Some(_) => Err(InvalidUrl::Scheme("http+unix".to_owned())),
            None => Ok(target),
        });
        let target = target.map_err(|error| InvalidUrl::Proxy(Box::new(error)))?;
        let (host, port) = target.host_and_port();
        Ok(Self {
            host,
            port,
            authorization: target.authorization,
        })
    }

    /// A proxy cannot reach this machine's own loopback addresses: whatever it found there would
    /// be another machine's.
    fn matching(environment: &Matcher, target: &Target) -> Result<Option<Self>, InvalidUrl> {
        if target.is_loopback() {
            return Ok(None);
        }
        let Some(found) = environment.intercept(&target.uri) else {
            return Ok(None);
        };
        let authorization = found.basic_auth().cloned();
        let (host, port) = host_and_port(found.uri())?;
        Ok(Some(Self {
            host,
            port,
            authorization,
        }))
    }
}

/// The matcher has removed user information from the URL already.
fn host_and_port(uri: &Uri) -> Result<(String, u16), InvalidUrl> {
    let error = match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(host)) => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            return Ok((host.to_owned(), uri.port_u16().unwrap_or(80)));
        }
        (Some("https"), _) => InvalidUrl::NoTls,
        (scheme, _) => InvalidUrl::Scheme(scheme.unwrap_or_default().to_owned()),
    };
    Err(InvalidUrl::Proxy(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(matcher: &Matcher, url: &str) -> Result<Option<String>, InvalidUrl> {
        let proxy = Proxy::matching(matcher, &Target::parse(url)?)?;
        Ok(proxy.map(|proxy| format!("{} {}", proxy.host, proxy.port)))
    }

    #[test]
    fn the_environment_names_a_proxy_except_for_this_machine_and_no_proxy() {
        let matcher = Matcher::builder()
            .http("http://u:secret@[::7]:3128")
            .no("example.org")
            .build();
        assert_eq!(
            proxy(&matcher, "http://example.com"),
            Ok(Some("::7 3128".to_owned()))
        );
        for url in [
            "http://localhost",
            "http://127.0.0.1:8000",
            "http://a.example.org",
        ] {
            assert_eq!(proxy(&matcher, url), Ok(None));
        }
        let target = Target::parse("http://example.com").unwrap();
        let found = Proxy::matching(&matcher, &target).unwrap().unwrap();
        assert_eq!(found.authorization.as_ref().unwrap(), "Basic dTpzZWNyZXQ=");
        assert!(!format!("{found:?}").contains("dTpzZWNyZXQ"));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_not_ignored() {
        let matcher = Matcher::builder().all("socks5://host:1080").build();
        let error = proxy(&matcher, "http://example.com").unwrap_err();
        assert_eq!(
            error,
            InvalidUrl::Proxy(Box::new(InvalidUrl::Scheme("socks5".to_owned())))
        );
        assert!(Proxy::parse("https://host").is_err());
        assert!(Proxy::parse("http+unix:///x").is_err());
    }
}
