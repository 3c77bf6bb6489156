//! Sessions: the calls, objects and streams that two peers share, over one connection or several.
//!
//! One lock guards all state of a session. It is held briefly and never while code of the program
//! runs. The consequences of a change (tasks to wake, values to drop) are collected in
//! [`Deferred`](deferred::Deferred) and carried out after the lock is released.
//!
//! - The protocol is in [`SessionState`](state::SessionState) and its parts: [`outbox`],
//!   [`outgoing`] and [`incoming`] calls, [`references`], [`streams`], and the [`account`] of the
//!   memory that they hold. Each part owns its tables; the state does what needs several of them.
//! - [`Session`] is the state behind its lock. [`answering`] runs the calls of the peer, the
//!   [`driver`] moves bytes between the state and a connection.
//! - What programs hold (futures of calls, handles of objects, streams) knows the session by the
//!   trait [`SessionLink`](object::SessionLink).

mod account;
mod answering;
mod call_future;
mod call_table;
mod call_timeout;
mod clock;
mod closing;
mod decoder_memory;
mod deferred;
mod dispatch;
mod driver;
mod fault_log;
mod handle;
mod incoming;
mod item_source;
mod length;
mod object;
mod outbox;
mod outgoing;
mod pipelining;
mod producer;
mod references;
mod settings;
mod state;
mod stream_handles;
mod streams;
mod tables;
#[cfg(test)]
mod tests;
mod write_half;

pub(super) use call_future::CallFuture;
pub(super) use driver::Driver;
pub(super) use handle::{Session, SessionHandle};
pub(super) use item_source::ItemSource;
pub(super) use object::{LocalObject, ObjectHandle, random};
pub(super) use pipelining::capture_promise;
pub(super) use settings::Settings;
pub use state::SessionStats;
pub(super) use stream_handles::{IncomingStream, OutgoingStream};
