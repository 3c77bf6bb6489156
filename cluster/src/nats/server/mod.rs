//! Servers: a registry as a micro service.

mod bound;
mod calls;
mod clocks;
mod endpoints;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use farcall_core::protocol::{CallLimit, Dispatch, Payload};
use farcall_core::{Budget, Fault, Registry};
use tower_layer::Layer;
use tower_service::Service;

pub use self::bound::BoundServer;
use self::endpoints::Instance;
use super::connection::Connection;
use super::content_type::ContentType;
use super::error::{BindError, check_name};

/// Settings of a [`Server`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to a server"]
pub struct ServerOptions {
    id: Option<String>,
    version: String,
    description: String,
    metadata: BTreeMap<String, String>,
    max_calls: usize,
    budget: Option<Budget>,
    drain_timeout: Duration,
    send_causes: bool,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            id: None,
            version: "0.0.0".to_owned(),
            description: String::new(),
            metadata: BTreeMap::new(),
            max_calls: 16_384,
            budget: Some(Budget::default()),
            drain_timeout: Duration::from_secs(30),
            send_causes: false,
        }
    }
}

impl ServerOptions {
    /// Id of the instance, such as the name of its host: 1 to 128 ASCII letters, digits, `-` and
    /// `_`. No other instance of the service may have it.
    ///
    /// Default: random.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Version of the service, as a semantic version.
    ///
    /// Default: `0.0.0`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Description of the service, for people.
    ///
    /// Default: empty.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Adds a text to the metadata that each answer of discovery has.
    ///
    /// Default: none.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Maximum number of concurrent calls. Calls beyond it are refused at once as
    /// [`Overloaded`](farcall_core::FaultKind::Overloaded). Calls that complete without waiting are
    /// not counted.
    ///
    /// Default: 16,384, as for calls over connections.
    pub const fn max_calls(mut self, max_calls: usize) -> Self {
        self.max_calls = max_calls;
        self
    }

    /// Budget for the bytes of calls that run. A call that finds no room is refused as
    /// [`Overloaded`](farcall_core::FaultKind::Overloaded), or the largest and oldest one is
    /// aborted: see [`Budget`]. Calls of up to 64 KiB are not counted.
    ///
    /// Default: one of 64 MiB for this server.
    pub fn budget(mut self, budget: Option<Budget>) -> Self {
        self.budget = budget;
        self
    }

    /// Maximum time that a graceful stop waits for running calls before it aborts them.
    ///
    /// Default: 30 seconds.
    pub const fn drain_timeout(mut self, drain_timeout: Duration) -> Self {
        self.drain_timeout = drain_timeout;
        self
    }

    /// If `true`, faults carry their causes to the caller. For callers that may see internals of
    /// the program.
    ///
    /// Default: `false`. Causes are logged locally.
    pub const fn send_causes(mut self, send_causes: bool) -> Self {
        self.send_causes = send_causes;
        self
    }
}

/// Server that offers methods as a micro service over NATS (ADR-32): one endpoint for each method,
/// `SERVICE.METHOD`, whose calls are spread over all instances. Every NATS client can discover and
/// call it, with an array of arguments in JSON.
///
/// A server is a handle of its registry: the methods of [`Registry`] register functions and objects
/// on it, clones share them, and methods can be added and removed while it serves, which takes
/// effect within a second. A method whose subject would have more than 1,024 bytes is not offered.
///
/// Besides, an instance answers at `farcall.one.SERVICE.ID.METHOD`, and all instances at
/// `farcall.all.SERVICE.METHOD`. `docs/NATS.md` specifies the subjects and headers.
///
/// NATS tells nothing of the caller, who is anonymous: the permissions of the NATS server decide
/// who may call, or a guard or layer by a header of the call.
///
/// # Examples
///
/// ```no_run
/// use farcall::cluster::nats::{Connection, Server, ServerOptions};
/// use farcall::service;
///
/// struct Calculator;
///
/// #[service]
/// impl Calculator {
///     pub fn add(&self, a: i64, b: i64) -> i64 {
///         a + b
///     }
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection::open("nats://127.0.0.1:4222").await?;
/// let server = Server::with_options("calculator", ServerOptions::default().version("1.2.0"));
/// server.register_instance(Calculator)?;
/// let bound = server.bind(&connection).await?;
/// println!("listening {}", bound.url());
/// bound.serve().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Server {
    registry: Registry<ContentType>,
    service: Arc<str>,
    options: Arc<ServerOptions>,
    calls: CallLimit,
}

impl Server {
    /// Creates a server with the default options and no methods except `system.*`. The name is
    /// checked when it is [bound](Self::bind).
    #[must_use]
    pub fn new(service: impl Into<Arc<str>>) -> Self {
        Self::with_options(service, ServerOptions::default())
    }

    /// Creates a server with these options.
    #[must_use]
    pub fn with_options(service: impl Into<Arc<str>>, options: ServerOptions) -> Self {
        let registry = Registry::new();
        // Cannot fail: a new registry has no names that could be taken.
        let _ = registry.register_introspection();
        Self {
            registry,
            service: service.into(),
            calls: CallLimit::new(options.max_calls),
            options: Arc::new(options),
        }
    }

    /// Returns the registry of the methods that the server offers.
    #[must_use]
    pub const fn registry(&self) -> &Registry<ContentType> {
        &self.registry
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Puts a tower layer around every call. See [`Registry::layer`] for the order of layers,
    /// waiting and errors.
    pub fn layer<L>(&self, layer: L) -> &Self
    where
        L: Layer<Dispatch<ContentType>>,
        L::Service: Service<
                farcall_core::protocol::Call<ContentType>,
                Response = Payload,
                Error: Into<Fault>,
                Future: Send,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        self.registry.layer(layer);
        self
    }

    /// Subscribes to the subjects of the service, as a further instance of it. Calls that arrive
    /// from then on wait until it serves.
    ///
    /// # Errors
    /// If the name of the service or its version is invalid, or the connection is closed.
    ///
    /// # Cancel safety
    /// Dropping the future ends the subscriptions.
    pub async fn bind(&self, connection: &Connection) -> Result<BoundServer, BindError> {
        check_name(&self.service)?;
        let options = &self.options;
        let id = options.id.clone().unwrap_or_else(|| {
            // The last token of an inbox is random.
            let inbox = connection.client().new_inbox();
            inbox.rsplit('.').next().unwrap_or_default().to_owned()
        });
        check_name(&id)?;
        if !is_semantic_version(&options.version) {
            return Err(BindError::Version);
        }
        let mut metadata = options.metadata.clone();
        metadata.insert("farcall".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let mut instance = Instance::new(self.service.as_ref().to_owned(), id);
        instance.version.clone_from(&options.version);
        instance.description.clone_from(&options.description);
        instance.metadata = metadata;
        BoundServer::open(self.clone(), connection.clone(), instance).await
    }
}

/// Returns `true` for `MAJOR.MINOR.PATCH`, with a pre-release or build behind it.
fn is_semantic_version(version: &str) -> bool {
    let is_identifier = |part: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !part.is_empty() && part.bytes().all(is_allowed)
    };
    let is_number = |part: &str| {
        let is_canonical = part == "0" || !part.starts_with('0');
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) && is_canonical
    };
    let (version, build) = match version.split_once('+') {
        Some((version, build)) => (version, Some(build)),
        None => (version, None),
    };
    let (core, pre_release) = match version.split_once('-') {
        Some((core, pre_release)) => (core, Some(pre_release)),
        None => (version, None),
    };
    let numbers: Vec<&str> = core.split('.').collect();
    let mut behind = [build, pre_release].into_iter().flatten();
    numbers.len() == 3
        && numbers.into_iter().all(is_number)
        && behind.all(|behind| behind.split('.').all(is_identifier))
}

/// A server is a handle of its registry, so the methods of [`Registry`] register, remove and guard
/// its methods.
impl Deref for Server {
    type Target = Registry<ContentType>;

    fn deref(&self) -> &Registry<ContentType> {
        &self.registry
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("service", &self.service)
            .field("methods", &self.registry.names().len())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_semantic() {
        for version in [
            "0.0.0",
            "1.2.3",
            "1.2.3-rc.1",
            "1.2.3+build-5",
            "10.20.30-a.b+c.d",
        ] {
            assert!(is_semantic_version(version), "{version}");
        }
        for version in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "01.2.3",
            "1.2.x",
            "v1.2.3",
            "1.2.3-",
            "1.2.3+a_b",
        ] {
            assert!(!is_semantic_version(version), "{version}");
        }
    }
}
