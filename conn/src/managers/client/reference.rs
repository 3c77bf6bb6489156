//! Counted references to the objects of a manager.

use std::fmt;
use std::sync::{Arc, OnceLock};

use farcall_pickle::Class;

use super::link::Link;
use crate::managers::wire::{ProxyValue, Token};

const MODULE: &str = "multiprocessing.managers";

/// The classes of proxies that Python has, by the names under which `SyncManager` registers types.
/// Any other type has an `AutoProxy`.
const CLASSES: &[(&[&str], &str)] = &[
    (&["dict"], "DictProxy"),
    (&["list"], "ListProxy"),
    (&["Namespace"], "NamespaceProxy"),
    (&["Value"], "ValueProxy"),
    (&["Array"], "ArrayProxy"),
    (
        &["Lock", "RLock", "Semaphore", "BoundedSemaphore"],
        "AcquirerProxy",
    ),
    (&["Event"], "EventProxy"),
    (&["Condition"], "ConditionProxy"),
    (&["Barrier"], "BarrierProxy"),
    (&["Iterator"], "IteratorProxy"),
    (&["Pool"], "PoolProxy"),
];

/// A reference that the manager counts. It is released when it is dropped.
pub(super) struct Reference {
    pub(super) link: Arc<Link>,
    pub(super) generation: u64,
    pub(super) token: Token,
    /// The names of the methods, if they are known.
    pub(super) exposed: OnceLock<Vec<String>>,
    /// The class of the proxies that Python makes of it.
    pub(super) proxy_type: Class,
}

impl Reference {
    /// Creates the reference for one that the manager has counted already.
    pub(super) fn counted(
        link: &Arc<Link>,
        generation: u64,
        token: Token,
        exposed: Option<Vec<String>>,
    ) -> Arc<Self> {
        let mut classes = CLASSES.iter();
        let known = classes.find(|(names, _)| names.contains(&&*token.typeid));
        let class = known.map_or("AutoProxy", |(_, class)| class);
        Arc::new(Self {
            link: Arc::clone(link),
            generation,
            token,
            exposed: exposed.map_or_else(OnceLock::new, OnceLock::from),
            proxy_type: Class::new(MODULE, class),
        })
    }

    /// Returns the proxy that Python makes of it.
    pub(super) fn to_proxy_value(&self) -> ProxyValue {
        ProxyValue {
            proxy_type: self.proxy_type.clone(),
            token: self.token.clone(),
            serializer: "pickle".to_owned(),
            // Without the names, an `AutoProxy` asks for them.
            exposed: self.exposed.get().cloned(),
        }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.link.release(self.generation, &self.token.ident);
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Token { typeid, ident, .. } = &self.token;
        write!(f, "{typeid} {ident}")
    }
}
