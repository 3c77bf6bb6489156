//! The types of objects that `SyncManager` has.

mod array;
mod async_result;
mod barrier;
mod condition;
mod dict;
mod event;
mod items;
mod list;
mod locks;
mod namespace;
mod queue;
mod set;
#[cfg(test)]
mod tests;
mod value_cell;

pub use array::Array;
pub(crate) use async_result::AsyncResult;
pub use barrier::Barrier;
pub use condition::Condition;
pub use dict::Dict;
pub use event::Event;
pub use items::Items;
pub use list::List;
pub use locks::{Lock, RLock, Semaphore};
pub use namespace::Namespace;
pub use queue::{Queue, QueueOrder};
pub use set::Set;
pub use value_cell::ValueCell;
