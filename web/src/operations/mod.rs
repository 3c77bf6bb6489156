//! A listener for those who run a server.

mod health;

#[cfg(feature = "jsonrpc-server")]
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farcall_core::RegisterError;
#[cfg(feature = "jsonrpc-server")]
use farcall_core::Registry;
use farcall_core::metrics::Metrics;
use farcall_core::transport::ToTarget;
use farcall_http::server::{Bind, HttpServer, PageRequest, Pages, ServerOptions};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

pub use self::health::{Health, HealthStatus};

/// A listener of its own for those who run a server, whatever the protocols of that server:
///
/// | path | |
/// |---|---|
/// | `/metrics` | the [figures](farcall_core::metrics) in the text format of Prometheus |
/// | `/healthz` | 200: the event loop runs |
/// | `/readyz` | 200 if the program is [ready](Health) for calls, otherwise 503 with the reasons |
///
/// Beside them it has the method `system.health`, and no others but introspection, over those of
/// XML-RPC and JSON-RPC whose servers the program has as features.
/// Every other path is answered with 404 and these paths.
///
/// ```
/// use farcall::web::{Health, Operations};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let health = Health::new();
/// let operations = Operations::new(&health)?.bind("127.0.0.1:0").await?;
/// println!("curl {}/metrics", operations.local_address());
/// tokio::spawn(operations.serve());
///
/// let server = farcall::rpc::Server::new();
/// health.register(&server)?;
/// let bound = server.bind("127.0.0.1:0").authkey("a secret").await?;
/// health.set_ready(true);
/// # let stop = std::future::ready(());
/// bound.serve_until(stop).await;
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// It is a listener of its own since figures are not for callers: they name methods, and tell the
/// load. Let it listen at a loopback address, or one of a network of your own. The
/// [options](Self::with_options) of the server apply: with `authorize`, `/metrics` needs
/// credentials, and the other pages, which load balancers ask for, do not. A name that is not
/// `localhost` must be among the `hosts` if the address is a loopback address.
#[derive(Clone, Debug)]
#[must_use = "it answers nothing until it is bound to an address"]
pub struct Operations(HttpServer);

impl Operations {
    /// Creates the listener, with the default options but for a `header_timeout` of 5 seconds, and
    /// begins to [count calls](Metrics::start). Silent peers so keep a load balancer out for that
    /// long only, if they are as many as `max_connections` allows (1,024).
    ///
    /// # Errors
    /// None at present: the names of the methods are free.
    pub fn new(health: &Health) -> Result<Self, RegisterError> {
        let options = ServerOptions::default().header_timeout(Duration::from_secs(5));
        Self::with_options(health, options)
    }

    /// Creates the listener with options of your own, such as TLS and `authorize`.
    ///
    /// # Errors
    /// As with [`new`](Self::new).
    pub fn with_options(health: &Health, options: ServerOptions) -> Result<Self, RegisterError> {
        let pages = OperationsPages {
            health: health.clone(),
            metrics: Metrics::start(),
        };
        Self::offer(health, options.pages(pages)).map(Self)
    }

    /// Returns a server with the method `system.health` over the protocols that there are.
    fn offer(health: &Health, options: ServerOptions) -> Result<HttpServer, RegisterError> {
        #[cfg(feature = "xmlrpc-server")]
        let server = {
            let server = farcall_xmlrpc::Server::with_options(options);
            health.register(server.registry())?;
            server.as_ref().clone()
        };
        #[cfg(not(feature = "xmlrpc-server"))]
        let server = HttpServer::new(options);
        #[cfg(feature = "jsonrpc-server")]
        let server = {
            let registry = Registry::new();
            registry.register_introspection()?.register_discovery()?;
            health.register(&registry)?;
            server.with(Arc::new(farcall_jsonrpc::Service::new(registry)))
        };
        #[cfg(not(any(feature = "xmlrpc-server", feature = "jsonrpc-server")))]
        let _ = health;
        Ok(server)
    }

    /// Returns a builder of the listener at an address: see
    /// [`HttpServer::bind`].
    ///
    /// # Errors
    /// Awaiting the builder fails if the address cannot be bound.
    pub fn bind(&self, target: impl ToTarget) -> Bind {
        self.0.bind(target)
    }

    /// The server with the pages, to be mounted in another one.
    #[must_use]
    pub const fn server(&self) -> &HttpServer {
        &self.0
    }
}

#[derive(Debug)]
struct OperationsPages {
    health: Health,
    metrics: Metrics,
}

/// The page of the figures.
const METRICS: &str = "/metrics";

impl Pages for OperationsPages {
    fn page(&self, request: &PageRequest<'_>) -> Option<Response<Bytes>> {
        Some(match request.head.uri.path() {
            METRICS => {
                let kind = "text/plain; version=0.0.4; charset=utf-8";
                response(StatusCode::OK, kind, self.metrics.text())
            }
            "/healthz" => response(StatusCode::OK, PLAIN, "ok\n".to_owned()),
            "/readyz" => {
                let health = self.health.status();
                if health.is_ready() {
                    response(StatusCode::OK, PLAIN, "ready\n".to_owned())
                } else {
                    let text = health.reasons.join("\n") + "\n";
                    response(StatusCode::SERVICE_UNAVAILABLE, PLAIN, text)
                }
            }
            _ => response(StatusCode::NOT_FOUND, PLAIN, NO_PAGE.to_owned()),
        })
    }

    fn is_protected(&self, request: &PageRequest<'_>) -> bool {
        request.head.uri.path() == METRICS
    }
}

/// The text where there is no page, which helps those who type a path.
const NO_PAGE: &str = "no page at this path: there are /metrics, /healthz and /readyz\n";

/// The type of texts for people.
const PLAIN: &str = "text/plain; charset=utf-8";

fn response(status: StatusCode, kind: &'static str, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
