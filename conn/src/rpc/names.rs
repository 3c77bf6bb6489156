//! Objects by name.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rpc_core::{CallError, Context, Fault, FaultKind, client, service};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

mod rights;
mod table;

use rights::Policy;
pub use rights::{Operation, Right};
use table::{Binding, Bound, Owner, Table, Taken};

use super::client::Client;
use super::remote::Remote;

/// A registry of names: where programs leave objects, and find those of others.
///
/// It is a service like any other. A server that has it is where programs meet: one
/// [`bind`](NamesApi::bind)s its object to a name, others [`lookup`](NamesApi::lookup) the name and get a
/// handle, calls on which pass through that server.
///
/// # Who may do what, and for how long
///
/// A name belongs to the session that bound it. It goes with that session, whatever its object is and wherever that
/// lives, and when the object can no longer be reached; on a server with a [lease](super::ServerOptions::lease) a session
/// outlives its connection. Only the session that bound a name can unbind or rebind it. A name that the program itself
/// binds, through its [registry](super::Server::registry), stays, and no client can unbind it.
///
/// Whoever can call the server can look up and list all names, and bind those that are free: that is [`Right::Own`].
/// [`policy`](Self::policy) gives callers other rights, by their peer, the operation and the name.
///
/// # Examples
///
/// ```
/// use std::collections::BTreeMap;
///
/// use conn::Listener;
/// use conn::rpc::names::{Names, NamesApi as _};
/// use conn::rpc::{Client, Remote, Server};
/// use rpc_core::{CallError, client, service};
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
/// let listener = Listener::bind("127.0.0.1:0").authkey("a secret").await?;
/// let address = listener.local_address().clone();
/// tokio::spawn(server.serve(listener));
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
    table: Arc<Mutex<Table>>,
    policy: Policy,
}

/// A name, and what was said about its object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The name.
    pub name: String,
    /// What was said when the object was bound.
    pub metadata: BTreeMap<String, String>,
}

impl Names {
    /// The code of the fault where a name is taken already.
    pub const TAKEN: i64 = 1;

    /// The code of the fault where there is no object of this name.
    pub const UNKNOWN: i64 = 2;

    /// A registry without names, in which every caller has the right to its own.
    #[must_use]
    pub fn new() -> Self {
        Self {
            table: Arc::default(),
            policy: Policy::own(),
        }
    }

    /// The same names, seen by callers whose rights this function decides: by their
    /// [peer](rpc_core::Context::peer), what they ask for, and the name, which for [`Operation::List`] is the prefix.
    /// It is asked at each call, and should be quick.
    ///
    /// Clones share their names, not their policies. So rights can go by key: each listener has its key, and each
    /// server its view of the names.
    ///
    /// ```
    /// use conn::rpc::Server;
    /// use conn::rpc::names::{Names, Operation, Right};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let names = Names::new();
    /// // For the listener whose key the services have.
    /// let inside = Server::new();
    /// inside.register_instance(names.clone())?;
    /// // For the listener whose key everyone has: they only find what is public.
    /// let outside = Server::new();
    /// outside.register_instance(names.policy(|_, operation, name| {
    ///     match operation {
    ///         Operation::Lookup | Operation::List if name.starts_with("public/") => Right::Own,
    ///         _ => Right::None,
    ///     }
    /// }))?;
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

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether the caller may do that, and with the names of others too.
    fn allow(&self, context: &Context, operation: Operation, name: &str) -> Result<bool, Fault> {
        match self.policy.right(context, operation, name) {
            Right::None => {
                let message = "this caller may not do that with this name";
                Err(Fault::of(FaultKind::Denied, message))
            }
            Right::Own => Ok(false),
            Right::All => Ok(true),
        }
    }

    fn bind_object(
        &self,
        context: &Context,
        name: String,
        object: Remote,
        metadata: BTreeMap<String, String>,
        taken: Taken,
    ) -> Result<(), Fault> {
        let caller = Client::of(context);
        let Some(owner) = owner(context, caller.as_ref()) else {
            let message = "the caller has no session that the name could belong to";
            return Err(Fault::of(FaultKind::Denied, message));
        };
        let ended = caller.as_ref().map(|caller| caller.session().ended_token());
        let unbound = CancellationToken::new();
        let binding = Binding {
            name: name.clone(),
            object: object.clone(),
            metadata,
            owner,
        };
        let guard = unbound.clone().drop_guard();
        let (number, before) = self.lock().bind(binding, taken, guard)?;
        // What its destructor does, it does where nothing is locked.
        drop(before);
        // The handle would keep the session open.
        drop(caller);
        let names = self.clone();
        tokio::spawn(async move {
            let session_ends = async {
                match ended {
                    // It has ended already.
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
            let gone = names.lock().forget(&name, number);
            drop(gone);
        });
        Ok(())
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

/// Whose names those are that this caller binds. One whose session is gone by now, or never was, has none.
fn owner(context: &Context, caller: Option<&Client>) -> Option<Owner> {
    match caller {
        Some(caller) => Some(Owner::Session(Arc::downgrade(caller.session()))),
        None => (!context.has_origin()).then_some(Owner::Program),
    }
}

#[service(prefix = "names")]
impl Names {
    /// Gives an object a name that nothing else has, and says something about it.
    #[service]
    fn bind(
        &self,
        context: &Context,
        name: String,
        object: Remote<dyn Any>,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        self.allow(context, Operation::Bind, &name)?;
        self.bind_object(context, name, object, metadata, Taken::Refused)
    }

    /// Gives an object a name, in place of the object that has it. Only the session that bound that, or a caller with
    /// the right to all names, can do so.
    #[service]
    fn rebind(
        &self,
        context: &Context,
        name: String,
        object: Remote<dyn Any>,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        let taken = match self.allow(context, Operation::Bind, &name)? {
            true => Taken::Replaced,
            false => Taken::ReplacedIfOwn,
        };
        self.bind_object(context, name, object, metadata, taken)
    }

    /// The object of this name.
    #[service]
    fn lookup(&self, context: &Context, name: &str) -> Result<Remote<dyn Any>, Fault> {
        self.allow(context, Operation::Lookup, name)?;
        let table = self.lock();
        table.get(name).map(|bound| bound.object.clone())
    }

    /// The names that begin with `prefix`, sorted, and what was said about their objects.
    #[service]
    fn list(&self, context: &Context, prefix: &str) -> Result<Vec<Listing>, Fault> {
        self.allow(context, Operation::List, prefix)?;
        Ok(self.lock().list(prefix))
    }

    /// Takes a name away from its object. Says whether there was one. Only the session that bound it, or a caller with
    /// the right to all names, can do so.
    #[service]
    fn unbind(&self, context: &Context, name: &str) -> Result<bool, Fault> {
        let others = self.allow(context, Operation::Unbind, name)?;
        let caller = Client::of(context);
        let owner = owner(context, caller.as_ref());
        let gone: Option<Bound> = self.lock().unbind(name, owner.as_ref(), others)?;
        Ok(gone.is_some())
    }
}

/// Calls of a registry of [`Names`].
#[client(prefix = "names")]
pub trait NamesApi {
    /// Gives an object a name that nothing else has, and says something about it.
    async fn bind(
        &self,
        name: &str,
        object: &Remote<dyn Any>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<(), CallError>;

    /// Gives an object a name, in place of the object that has it, if this session bound that.
    async fn rebind(
        &self,
        name: &str,
        object: &Remote<dyn Any>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<(), CallError>;

    /// The object of this name. [`Remote::cast`] says what it can do.
    #[client(idempotent)]
    async fn lookup(&self, name: &str) -> Result<Remote<dyn Any>, CallError>;

    /// The names that begin with `prefix`, sorted, and what was said about their objects.
    #[client(idempotent)]
    async fn list(&self, prefix: &str) -> Result<Vec<Listing>, CallError>;

    /// Takes a name away from its object, if this session bound it. Says whether there was one.
    #[client(idempotent)]
    async fn unbind(&self, name: &str) -> Result<bool, CallError>;
}
