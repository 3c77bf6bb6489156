//! Objects that Python shares through `multiprocessing.managers`.

mod object;
mod objects;
mod server;
mod wire;

pub use objects::{
    Array, Barrier, Condition, Dict, Event, Items, List, Lock, Namespace, Queue, QueueOrder, RLock,
    Semaphore, Set, ValueCell,
};
pub use server::{BoundManager, ManagerBuilder, ManagerOptions, Proxied, Server};
pub use wire::{Exception, ProxyValue, Token, TokenAddress, WireError};
