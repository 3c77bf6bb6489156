//! Objects that Python shares through `multiprocessing.managers`, hosted by Rust; and a
//! [`Client`] of managers, in Python or in Rust, with its [blocking] form.
//!
//! A [`Server`] takes the place of the manager process: Python programs connect to it with a
//! `BaseManager` or `SyncManager`, and use its queues, dicts, lists, locks and the objects of the
//! Rust program by the proxies that they know. Every CPython from 3.6 on can be a client.
//!
//! ```
//! use farcall::conn::managers::{Exception, Proxied, Queue, Server};
//! use farcall::service;
//!
//! struct Account(u64);
//!
//! #[service]
//! impl Account {
//!     /// The balance after a withdrawal.
//!     pub fn withdraw(&self, amount: u64) -> Result<u64, Exception> {
//!         let left = self.0.checked_sub(amount);
//!         left.ok_or_else(|| Exception::with_text("ValueError", "not enough"))
//!     }
//!
//!     /// An account of the same balance: Python gets a proxy.
//!     pub fn copy(&self) -> Proxied {
//!         Proxied::new("Account", Account(self.0))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new();
//! server.share("jobs", Queue::new(0))?;
//! server.register_named("Account", &["balance"], |balance: u64| Account(balance));
//! let bound = server.bind("127.0.0.1:0").authkey("a secret").await?;
//! # drop(bound);
//! # Ok(())
//! # }
//! ```
//!
//! ```python
//! Manager.register('Account', method_to_typeid={'copy': 'Account'})
//! account = manager.Account(balance=100)
//! account.withdraw(amount=30)          # 70
//! ```
//!
//! # Differences from CPython
//!
//! - Nothing of a client runs in the server: a barrier has no `action`, `sort` no `key`, `throw`
//!   of an iterator only ends it, and instances are equal if their contents are, whatever their
//!   class says.
//! - References are released when their clients have gone
//!   ([`reference_grace`](ManagerOptions::reference_grace)), waits end with their client, and an
//!   `RLock` is released when the connection of its holder ends.
//! - `iter(dict)` has the keys of the moment at which it was made. So it needs no further calls,
//!   and works for a proxy that was passed on to another process, which fails in CPython. Methods
//!   of the program return objects to such a proxy by [`Proxied::in_value`].
//! - All queues have `shutdown`, as in CPython 3.13. Older clients cannot read the exception
//!   `queue.ShutDown`.
//! - Exceptions have a cause with the object and the method that raised them.
//! - Proxies within values are released with the value.
//! - Each new proxy takes a millisecond, where a CPython manager on Linux takes 45 for each of its
//!   connections: see `TCP_QUICKACK`.
//!
//! # Security
//!
//! The [authkey](crate::auth) decides who may connect. The server executes nothing. Clients in
//! Python execute the pickles of other clients, which the server passes on: all clients of a server
//! must trust each other.

mod client;
mod object;
mod objects;
mod server;
mod wire;

/// Default maximum length of a message: 256 MiB. Values that Python programs share are larger than
/// those of calls, and the 64 MiB of a bare connection are too few for 64 MiB with a pickle around.
const MAX_MESSAGE: usize = 256 * 1024 * 1024;

pub use client::blocking;
pub use client::{
    ArrayProxy, BarrierProxy, Client, ClientConnector, ConditionGuard, ConditionProxy, DictProxy,
    EventProxy, IteratorProxy, Keywords, ListProxy, LockGuard, LockProxy, NamespaceProxy,
    PoolProxy, Proxy, ProxyFormat, QueueProxy, Serializer, StaleProxy, ValueProxy,
};
pub use objects::{
    Array, Barrier, Condition, Dict, Event, Items, List, Lock, Namespace, Queue, QueueOrder, RLock,
    Semaphore, Set, ValueCell,
};
pub use server::{BoundManager, ManagerBuilder, ManagerOptions, Proxied, Server};
pub use wire::{Exception, ProxyValue, Token, TokenAddress, WireError};
