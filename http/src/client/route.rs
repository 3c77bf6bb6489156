//! The way from a socket to the server: through a proxy, and by TLS.

use std::fmt;
use std::io;
use std::time::Instant;

use http::HeaderValue;
use http::header::PROXY_AUTHORIZATION;

use super::layered::Layered;
use super::options::ClientOptions;
use super::proxy::{ConnectRequest, Proxy, ProxyKind, SocksRequest};
use super::stream::Stream;
use super::tls::TlsTarget;
use super::transport::Destination;
use super::url::{HttpUrl, InvalidUrl, Scheme};

/// The steps that follow when a socket is connected.
pub(super) struct Route {
    to_proxy: Option<TlsTarget>,
    tunnel: Option<Tunnel>,
    to_server: Option<TlsTarget>,
}

/// A tunnel through a proxy.
enum Tunnel {
    Connect(ConnectRequest),
    Socks(SocksRequest),
}

impl Route {
    /// Returns the route from a socket at `proxy`, or at the server if there is none, to the server
    /// of a URL.
    pub(super) fn new<F>(
        url: &HttpUrl,
        proxy: Option<&Proxy>,
        options: &ClientOptions<F>,
    ) -> Result<Self, InvalidUrl> {
        let to_server = match url.scheme() {
            Scheme::Http => None,
            Scheme::Https => Some(TlsTarget::new(&options.tls, url.host())?),
        };
        let to_proxy = match proxy {
            Some(proxy) if proxy.is_https() => {
                Some(TlsTarget::new(&options.proxy_tls, &proxy.host)?)
            }
            _ => None,
        };
        let tunnel = proxy
            .filter(|proxy| !proxy.forwards(url))
            .map(|proxy| match &proxy.kind {
                ProxyKind::Http { authorization, .. } => {
                    let own = options.headers.get(PROXY_AUTHORIZATION);
                    let authorization: Option<&HeaderValue> = own.or(authorization.as_ref());
                    Tunnel::Connect(ConnectRequest::new(url, authorization))
                }
                ProxyKind::Socks(login) => Tunnel::Socks(SocksRequest::new(url, login.clone())),
            });
        Ok(Self {
            to_proxy,
            tunnel,
            to_server,
        })
    }

    /// Returns the destination of sockets for this route.
    pub(super) fn destination(url: &HttpUrl, proxy: Option<&Proxy>) -> Destination {
        let (host, port) = match proxy {
            Some(proxy) => (&proxy.host, proxy.port),
            None => (url.host(), url.port()),
        };
        Destination::Tcp(host.for_connecting(), port)
    }

    /// Takes the steps.
    ///
    /// # Errors
    /// Of the step that fails, and an error of kind `TimedOut` if the deadline passes.
    pub(super) async fn open<S: Stream>(
        &self,
        socket: S,
        deadline: Option<Instant>,
    ) -> io::Result<Layered<S>> {
        let mut stream = Layered::Plain(socket);
        if let Some(target) = &self.to_proxy {
            stream = stream.secure(target, deadline).await?;
        }
        match &self.tunnel {
            Some(Tunnel::Connect(request)) => request.open(&mut stream, deadline).await?,
            Some(Tunnel::Socks(request)) => request.open(&mut stream, deadline).await?,
            None => {}
        }
        if let Some(target) = &self.to_server {
            stream = stream.secure(target, deadline).await?;
        }
        Ok(stream)
    }
}

/// The peer of a connection in error messages.
pub(super) struct Place<'a>(pub(super) &'a HttpUrl, pub(super) Option<&'a Proxy>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(url, proxy) = self;
        match proxy {
            Some(proxy) if proxy.forwards(url) => write!(f, "{proxy}"),
            Some(proxy) => write!(f, "{}:{} through {proxy}", url.host(), url.port()),
            None => write!(f, "{}:{}", url.host(), url.port()),
        }
    }
}
