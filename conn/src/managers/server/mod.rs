//! The server: it hosts what Python processes share, in place of a manager process.

mod bound;
mod connection;
mod format;
mod functions;
mod options;
mod pool;
mod proxied;
mod service;
mod table;
mod types;

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use farcall_core::Instance;
use farcall_core::protocol::handler::{FromCall, Function};
use farcall_core::serve::StopHandle;
use farcall_core::transport::ToTarget;
use farcall_pickle::{Class, Pickle};
use tokio::sync::Semaphore as Permits;

pub use bound::{BoundManager, ManagerBuilder};
pub use options::ManagerOptions;
pub use proxied::Proxied;

use self::format::{MakeProxy, ObjectFormat};
use self::service::ServiceObject;
use self::table::Table;
use self::types::Types;
use crate::listener::{Listener, ListenerBuilder};
use crate::managers::MAX_MESSAGE;
use crate::managers::object::SharedObject;
use crate::managers::wire::{Exception, ProxyValue, Token, TokenAddress};

/// Server that hosts what Python processes share, in place of the process of a
/// `multiprocessing.Manager`.
///
/// Python programs connect with a `BaseManager` or `SyncManager`, by `connect()`, and notice no
/// difference. The server has all types of a `SyncManager` but `Pool`, under their type ids, and
/// the objects of the program: those that it [shares](Self::share), and those that clients create
/// ([`register`](Self::register)). A `Pool` has [methods of the program](Self::register_pool) as
/// its functions.
///
/// Nothing that a client sends is executed. Values are moved without being decoded where nothing
/// has to read them: a client gets what another one has pickled.
///
/// # Examples
///
/// ```no_run
/// use farcall::conn::managers::{Queue, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let jobs = Queue::new(0);
/// let server = Server::new();
/// server.share("jobs", jobs.clone())?;
/// // CPython up to 3.11 authenticates with MD5 and nothing else.
/// let bound = server.bind(("", 5000)).authkey("abracadabra").legacy_md5(true).await?;
/// tokio::spawn(bound.serve());
/// jobs.put(&("resize", 640)).await?;
/// # Ok(())
/// # }
/// ```
///
/// ```python
/// from multiprocessing.managers import BaseManager
///
/// class Manager(BaseManager): pass
///
/// Manager.register('jobs')
/// manager = Manager(('localhost', 5000), authkey=b'abracadabra')
/// manager.connect()
/// print(manager.jobs().get())
/// ```
#[derive(Clone)]
pub struct Server {
    state: Arc<ServerState>,
}

struct ServerState {
    table: Arc<Table>,
    types: Types,
    format: ObjectFormat,
    /// The address that tokens have, once the server is bound.
    address: Arc<OnceLock<TokenAddress>>,
    /// Permits of calls that wait.
    waiting: Permits,
    options: ManagerOptions,
    stop: StopHandle,
}

/// Makes proxies of objects within results.
struct ProxyMaker {
    table: Weak<Table>,
    address: Arc<OnceLock<TokenAddress>>,
}

impl MakeProxy for ProxyMaker {
    fn proxy_of(&self, typeid: &str, object: &Arc<dyn SharedObject>) -> Result<ProxyValue, String> {
        let table = self.table.upgrade().ok_or("the server was dropped")?;
        // It lingers until its receiver has counted its own reference.
        let (ident, exposed) = table
            .insert(typeid, object, 0, None)
            .map_err(|exception| exception.to_string())?;
        Ok(ProxyValue {
            proxy_type: Class::new("multiprocessing.managers", "AutoProxy"),
            token: token(typeid, &self.address, ident),
            serializer: "pickle".to_owned(),
            exposed: Some(exposed.to_vec()),
        })
    }
}

/// Returns the token of an object.
fn token(typeid: &str, address: &OnceLock<TokenAddress>, ident: String) -> Token {
    let address = address.get().cloned();
    Token {
        typeid: typeid.to_owned(),
        address: address.unwrap_or_else(|| TokenAddress::Path(String::new())),
        ident,
    }
}

impl Server {
    /// Creates a server with the default options and the types of a `SyncManager`.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(ManagerOptions::default())
    }

    /// Creates a server with these options.
    #[must_use]
    pub fn with_options(options: ManagerOptions) -> Self {
        let table = Table::new(options.clone());
        let address = Arc::new(OnceLock::new());
        let maker = ProxyMaker {
            table: Arc::downgrade(&table),
            address: Arc::clone(&address),
        };
        let pickle = Pickle::default().max_values(options.max_values);
        let state = ServerState {
            table,
            types: Types::standard(),
            format: ObjectFormat {
                pickle,
                maker: Arc::new(maker),
            },
            address,
            waiting: Permits::new(options.max_waiting.min(Permits::MAX_PERMITS)),
            options,
            stop: StopHandle::new(),
        };
        Self {
            state: Arc::new(state),
        }
    }

    /// Offers one object under a type id: each client that creates one gets a proxy of this object.
    /// It is what Python writes as `register('jobs', callable=lambda: jobs)`.
    ///
    /// # Errors
    /// `MemoryError` if the server has its maximum number of objects; `RuntimeError` if the methods
    /// of an object of the program have the same name.
    pub fn share(
        &self,
        typeid: impl Into<String>,
        object: impl Into<Proxied>,
    ) -> Result<&Self, Exception> {
        let typeid = typeid.into();
        let object = object.into().object(&self.state.format);
        let object = object.map_err(|text| Exception::with_text("RuntimeError", text))?;
        self.state.table.insert_permanent(&typeid, &object)?;
        self.state.types.add_object(typeid, object);
        Ok(self)
    }

    /// Offers a type of the program, whose impl block is marked `#[service]`: clients create
    /// objects of it by the constructor, a function or closure whose arguments serde can
    /// deserialize.
    ///
    /// Methods take arguments by position and by name. Their faults become exceptions: an
    /// [`Exception`] as it is, wrong arguments a `TypeError`, and others a `RuntimeError`.
    ///
    /// ```
    /// use farcall::conn::managers::Server;
    /// use farcall::service;
    ///
    /// struct Calculator {
    ///     precision: u32,
    /// }
    ///
    /// #[service]
    /// impl Calculator {
    ///     pub fn divide(&self, a: f64, b: f64) -> f64 {
    ///         let scale = 10_f64.powi(self.precision as i32);
    ///         (a / b * scale).round() / scale
    ///     }
    /// }
    ///
    /// let server = Server::new();
    /// server.register("Calculator", |precision: u32| Calculator { precision });
    /// ```
    pub fn register<H, A, Cx, I>(&self, typeid: impl Into<String>, constructor: H) -> &Self
    where
        H: Function<A, Output = I>,
        A: FromCall<Cx>,
        I: Instance,
    {
        self.register_named(typeid, &[], constructor)
    }

    /// Offers a type like [`register`](Self::register), with names for the parameters of the
    /// constructor, by which Python can pass them.
    pub fn register_named<H, A, Cx, I>(
        &self,
        typeid: impl Into<String>,
        parameters: &'static [&'static str],
        constructor: H,
    ) -> &Self
    where
        H: Function<A, Output = I>,
        A: FromCall<Cx>,
        I: Instance,
    {
        let types = &self.state.types;
        types.add_service(typeid.into(), parameters, constructor);
        self
    }

    /// Offers the methods of an object of the program, whose impl block is marked `#[service]`, as
    /// those of a `Pool`: clients call them as functions by `apply`, `map`, `imap` and their
    /// relatives, in as many tasks of the server as the pool has processes.
    ///
    /// A program in Python needs a function of the same name, which it need not implement: a pool
    /// is only told its name, without that of its module. Callbacks and initializers, which are
    /// code of Python, are refused.
    ///
    /// ```
    /// use farcall::conn::managers::Server;
    /// use farcall::service;
    ///
    /// struct Images;
    ///
    /// #[service]
    /// impl Images {
    ///     pub fn brightness(&self, pixels: Vec<u8>) -> f64 {
    ///         let sum: u64 = pixels.iter().map(|pixel| u64::from(*pixel)).sum();
    ///         sum as f64 / pixels.len().max(1) as f64
    ///     }
    /// }
    ///
    /// let server = Server::new();
    /// server.register_pool("Pool", Images)?;
    /// # Ok::<(), farcall::conn::managers::Exception>(())
    /// ```
    ///
    /// ```python
    /// def brightness(pixels): ...
    ///
    /// pool = manager.Pool(4)
    /// pool.map(brightness, [b'abc', b'xyz'])
    /// ```
    ///
    /// # Errors
    /// `RuntimeError` if methods have the same name.
    pub fn register_pool(
        &self,
        typeid: impl Into<String>,
        methods: impl Instance,
    ) -> Result<&Self, Exception> {
        let methods = ServiceObject::object_of(methods, self.state.format.clone());
        let methods =
            methods.map_err(|error| Exception::with_text("RuntimeError", error.to_string()))?;
        self.state.types.add_pool(typeid.into(), methods);
        Ok(self)
    }

    /// Returns the number of objects that clients have references to.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.state.table.count()
    }

    /// Returns a builder of a server at this address; port 0 selects a free port. Call setters,
    /// such as [`authkey`](ManagerBuilder::authkey), then `.await` it for a [`BoundManager`].
    ///
    /// The [maximum length](ManagerBuilder::max_message) of a message is 256 MiB by default. A
    /// longer one, up to 4 GiB, is read past, so that its client learns of the limit: a
    /// `RemoteError` that shows a `ValueError`. The [budget](ManagerBuilder::budget) of messages
    /// that are being received, and of replies that clients have not read yet, is 256 MiB, too. If
    /// it is spent, the connection of the client that has held the most for the longest is closed,
    /// or, if that frees too little, the reply becomes a `MemoryError`.
    pub fn bind(&self, target: impl ToTarget) -> ManagerBuilder {
        self.listen(Listener::bind(target).max_message(MAX_MESSAGE))
    }

    /// Returns a builder of a server at any listener, with the limits of that.
    pub fn listen(&self, listener: ListenerBuilder) -> ManagerBuilder {
        ManagerBuilder::new(Arc::clone(&self.state), listener)
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("objects", &self.objects())
            .field("options", &self.state.options)
            .finish_non_exhaustive()
    }
}
