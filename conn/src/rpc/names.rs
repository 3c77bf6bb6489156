//! Objects by name.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rpc_core::{CallError, Fault, client, service};
use serde::{Deserialize, Serialize};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::remote::Remote;

/// How many names there can be.
const MAX_NAMES: usize = 65_536;

/// How many bytes a name may have.
const MAX_NAME: usize = 256;

/// How many bytes what is said about an object may have, keys and values together.
const MAX_METADATA: usize = 16 * 1024;

/// A registry of names: where programs leave objects, and find those of others.
///
/// It is a service like any other. A server that has it is where programs meet: one
/// [`bind`](NamesApi::bind)s its object to a name, others [`lookup`](NamesApi::lookup) the name and get a
/// handle, calls on which pass through that server. A name goes when the connection does over which its
/// object came.
///
/// Whoever can call the server can bind, look up and unbind every name.
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
#[derive(Clone, Debug, Default)]
pub struct Names {
    bound: Arc<Mutex<BTreeMap<String, Bound>>>,
}

#[derive(Debug)]
struct Bound {
    object: Remote,
    metadata: BTreeMap<String, String>,
    /// Ends the task that waits for the object to go, which holds the object.
    _unbound: DropGuard,
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

    /// A registry without names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bound>> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the name away from this very object.
    fn forget(&self, name: &str, object: &Remote) {
        let mut bound = self.lock();
        if bound.get(name).is_some_and(|bound| bound.object == *object) {
            let gone = bound.remove(name);
            // What its destructor does, it does where the lock is free.
            drop(bound);
            drop(gone);
        }
    }
}

#[service(prefix = "names")]
impl Names {
    /// Gives an object a name that nothing else has, and says something about it.
    #[service]
    fn bind(
        &self,
        name: String,
        object: Remote<dyn Any>,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        let said: usize = metadata
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(Fault::invalid_params(format!(
                "a name has 1 to {MAX_NAME} bytes"
            )));
        }
        if said > MAX_METADATA {
            let message = format!("{said} bytes of metadata are over the limit of {MAX_METADATA}");
            return Err(Fault::invalid_params(message));
        }
        let mut bound = self.lock();
        if bound.len() >= MAX_NAMES {
            return Err(super::session::overloaded("there are too many names"));
        }
        let unbound = CancellationToken::new();
        match bound.entry(name.clone()) {
            Entry::Occupied(_) => {
                return Err(Fault::new(
                    Self::TAKEN,
                    format!("the name `{name}` is taken"),
                ));
            }
            Entry::Vacant(vacant) => vacant.insert(Bound {
                object: object.clone(),
                metadata,
                _unbound: unbound.clone().drop_guard(),
            }),
        };
        drop(bound);
        let names = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = unbound.cancelled() => {}
                () = object.closed() => names.forget(&name, &object),
            }
        });
        Ok(())
    }

    /// The object of this name.
    #[service]
    fn lookup(&self, name: &str) -> Result<Remote<dyn Any>, Fault> {
        match self.lock().get(name) {
            Some(bound) => Ok(bound.object.clone()),
            None => Err(Fault::new(
                Self::UNKNOWN,
                format!("there is no object `{name}`"),
            )),
        }
    }

    /// The names that begin with `prefix`, sorted, and what was said about their objects.
    #[service]
    fn list(&self, prefix: &str) -> Vec<Listing> {
        self.lock()
            .range(prefix.to_owned()..)
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(name, bound)| Listing {
                name: name.clone(),
                metadata: bound.metadata.clone(),
            })
            .collect()
    }

    /// Takes a name away from its object. Says whether there was one.
    #[service]
    fn unbind(&self, name: &str) -> bool {
        let gone = self.lock().remove(name);
        gone.is_some()
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

    /// The object of this name. [`Remote::cast`] says what it can do.
    #[client(idempotent)]
    async fn lookup(&self, name: &str) -> Result<Remote<dyn Any>, CallError>;

    /// The names that begin with `prefix`, sorted, and what was said about their objects.
    #[client(idempotent)]
    async fn list(&self, prefix: &str) -> Result<Vec<Listing>, CallError>;

    /// Takes a name away from its object. Says whether there was one.
    #[client(idempotent)]
    async fn unbind(&self, name: &str) -> Result<bool, CallError>;
}
