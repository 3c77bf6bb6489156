//! Naming service, in which programs publish objects and find those of others.

mod rights;
mod table;

use std::any::Any;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use farcall_core::{CallError, Context, Fault, FaultKind, client, service};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use rights::Policy;
pub use rights::{Operation, Right};
use table::{BindRequest, NameEntry, NameTable, OnConflict, Owner, Scope};

use super::client::Client;
use super::remote::Remote;

/// Naming service, in which programs publish objects and find those of others.
///
/// It is an ordinary service. One client [`bind`](NamesApi::bind)s its object to a name. Other
/// clients [`lookup`](NamesApi::lookup) the name and get a reference, whose calls pass through the
/// server.
///
/// # Ownership and rights
///
/// A name belongs to the session that bound it. It is removed when that session ends, wherever its
/// object lives, and when the object can no longer be reached. On a server with a
/// [lease](super::ServerOptions::lease) a session outlives its connection. Only the session that
/// bound a name can unbind or rebind it. A name that the program itself binds, through its
/// [registry](super::Server::registry), stays, and no client can unbind it.
///
/// By default every caller can look up and list all names and bind free ones: that is
/// [`Right::Own`]. [`policy`](Self::policy) gives callers other rights by peer, operation and name.
///
/// # Examples
///
/// ```
/// use std::collections::BTreeMap;
///
/// use farcall::rpc::names::{Names, NamesApi as _};
/// use farcall::rpc::{Client, Remote, Server};
/// use farcall::{CallError, client, service};
///
/// struct Thermometer;
///
/// #[service]
/// impl Thermometer {
///     pub fn celsius(&self) -> f64 {
///         21.5
///     }
/// }
///
/// #[client]
/// trait ThermometerApi {
///     async fn celsius(&self) -> Result<f64, CallError>;
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// server.register_instance(Names::new())?;
/// let bound = server.bind("127.0.0.1:0").authkey("a secret").await?;
/// let address = bound.local_address().clone();
/// tokio::spawn(bound.serve());
///
/// let sensor = Client::connect(&address).authkey("a secret").await?;
/// let kitchen = BTreeMap::from([("room".to_owned(), "kitchen".to_owned())]);
/// sensor.bind("thermometer/1", &Remote::new(Thermometer), &kitchen).await?;
///
/// let display = Client::connect(&address).authkey("a secret").await?;
/// let found = display.list("thermometer/").await?;
/// assert_eq!(found[0].metadata["room"], "kitchen");
/// let thermometer: Remote<dyn ThermometerApi> = display.lookup(&found[0].name).await?.cast();
/// assert_eq!(thermometer.celsius().await?, 21.5);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Names {
    table: Arc<Mutex<NameTable>>,
    policy: Policy,
}

/// A bound name with its metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The name.
    pub name: String,
    /// The metadata that the object was bound with.
    pub metadata: BTreeMap<String, String>,
}

impl Names {
    /// Fault code for a name that is already taken.
    pub const TAKEN: i64 = 1;

    /// Fault code for a name that no object is bound to.
    pub const UNKNOWN: i64 = 2;

    /// Creates an empty registry, in which every caller has [`Right::Own`].
    #[must_use]
    pub fn new() -> Self {
        Self {
            table: Arc::default(),
            policy: Policy::own(),
        }
    }

    /// Returns a handle of the same names with another policy. The function decides the rights of a
    /// caller by the context of the call (such as its
    /// [identity](farcall_core::Context::identity)), the operation, and the name, which for
    /// [`Operation::List`] is the prefix. It runs for each call and should be fast.
    ///
    /// Clones share their names, but not their policies: each server can have its own.
    ///
    /// ```
    /// use farcall::rpc::Server;
    /// use farcall::rpc::names::{Names, Operation, Right};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let names = Names::new().policy(|cx, operation, name| {
    ///     match (cx.identity().key(), operation) {
    ///         // The label of the authkey that the services have.
    ///         (Some("services"), _) => Right::Own,
    ///         // All others find what is public.
    ///         (_, Operation::Lookup | Operation::List) if name.starts_with("public/") => Right::Own,
    ///         _ => Right::None,
    ///     }
    /// });
    /// let server = Server::new();
    /// server.register_instance(names)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn policy(
        &self,
        right: impl Fn(&Context, Operation, &str) -> Right + Send + Sync + 'static,
    ) -> Self {
        Self {
            table: Arc::clone(&self.table),
            policy: Policy::new(right),
        }
    }

    fn lock(&self) -> MutexGuard<'_, NameTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that the caller may perform the operation. Returns the names with which it may.
    fn authorize(
        &self,
        context: &Context,
        operation: Operation,
        name: &str,
    ) -> Result<Scope, Fault> {
        match self.policy.right(context, operation, name) {
            Right::None => {
                let message = "the policy does not permit this operation on this name";
                Err(Fault::of(FaultKind::Denied, message))
            }
            Right::Own => Ok(Scope::Own),
            Right::All => Ok(Scope::All),
        }
    }

    fn bind_object(
        &self,
        context: &Context,
        name: String,
        object: Remote,
        metadata: BTreeMap<String, String>,
        on_conflict: OnConflict,
    ) -> Result<(), Fault> {
        let caller = Client::of(context);
        let Some(owner) = owner_of(context, caller.as_ref()) else {
            let message = "the caller has no session that could own the name";
            return Err(Fault::of(FaultKind::Denied, message));
        };
        let ended = caller.as_ref().map(|caller| caller.session().ended_token());
        let unbound = CancellationToken::new();
        let request = BindRequest {
            name: name.clone(),
            object: object.clone(),
            metadata,
            owner,
        };
        let guard = unbound.clone().drop_guard();
        let (number, previous) = self.lock().bind(request, on_conflict, guard)?;
        // Dropped outside the lock, because destructors may run code of the program.
        drop(previous);
        // A client that the task below holds would keep the session open.
        drop(caller);
        let names = self.clone();
        tokio::spawn(async move {
            let session_ends = async {
                match ended {
                    // The session has already ended.
                    Some(None) => {}
                    Some(Some(ended)) => ended.cancelled().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = unbound.cancelled() => return,
                () = session_ends => {}
                () = object.closed() => {}
            }
            let removed = names.lock().remove_binding(&name, number);
            drop(removed);
        });
        Ok(())
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the owner of the names that a caller binds: its session, or the program if the call came
/// over no connection. Returns `None` if the session of the caller was dropped, or the call came
/// over a connection without one.
fn owner_of(context: &Context, caller: Option<&Client>) -> Option<Owner> {
    match caller {
        Some(caller) => Some(Owner::Session(Arc::downgrade(caller.session()))),
        None => (!context.has_origin()).then_some(Owner::Program),
    }
}

#[service(prefix = "names")]
impl Names {
    /// Binds an object to a free name, with metadata.
    #[service]
    fn bind(
        &self,
        context: &Context,
        name: String,
        object: Remote<dyn Any>,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        self.authorize(context, Operation::Bind, &name)?;
        self.bind_object(context, name, object, metadata, OnConflict::Reject)
    }

    /// Binds an object to a name, replacing the object that has it. Only the session that bound the
    /// name, or a caller with the right to all names, can replace it.
    #[service]
    fn rebind(
        &self,
        context: &Context,
        name: String,
        object: Remote<dyn Any>,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        let on_conflict = match self.authorize(context, Operation::Bind, &name)? {
            Scope::All => OnConflict::Replace,
            Scope::Own => OnConflict::ReplaceOwn,
        };
        self.bind_object(context, name, object, metadata, on_conflict)
    }

    /// Returns the object that is bound to a name.
    #[service]
    fn lookup(&self, context: &Context, name: &str) -> Result<Remote<dyn Any>, Fault> {
        self.authorize(context, Operation::Lookup, name)?;
        let table = self.lock();
        table.get(name).map(|bound| bound.object.clone())
    }

    /// Returns the names that begin with `prefix`, sorted, with their metadata.
    #[service]
    fn list(&self, context: &Context, prefix: &str) -> Result<Vec<Listing>, Fault> {
        self.authorize(context, Operation::List, prefix)?;
        Ok(self.lock().list(prefix))
    }

    /// Unbinds a name. Returns `true` if it was bound. Only the session that bound the name, or a
    /// caller with the right to all names, can unbind it.
    #[service]
    fn unbind(&self, context: &Context, name: &str) -> Result<bool, Fault> {
        let scope = self.authorize(context, Operation::Unbind, name)?;
        let caller = Client::of(context);
        let owner = owner_of(context, caller.as_ref());
        let removed: Option<NameEntry> = self.lock().unbind(name, owner.as_ref(), scope)?;
        Ok(removed.is_some())
    }
}

/// Client of a [`Names`] service.
#[client(prefix = "names")]
pub trait NamesApi {
    /// Binds an object to a free name, with metadata.
    async fn bind(
        &self,
        name: &str,
        object: &Remote<dyn Any>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<(), CallError>;

    /// Binds an object to a name. Replaces the object that has the name, if this session bound it.
    async fn rebind(
        &self,
        name: &str,
        object: &Remote<dyn Any>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<(), CallError>;

    /// Returns the object that is bound to a name. [`Remote::cast`] gives it its interface.
    #[client(idempotent)]
    async fn lookup(&self, name: &str) -> Result<Remote<dyn Any>, CallError>;

    /// Returns the names that begin with `prefix`, sorted, with their metadata.
    #[client(idempotent)]
    async fn list(&self, prefix: &str) -> Result<Vec<Listing>, CallError>;

    /// Unbinds a name that this session bound. Returns `true` if it was bound.
    #[client(idempotent)]
    async fn unbind(&self, name: &str) -> Result<bool, CallError>;
}
