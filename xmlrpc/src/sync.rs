//! Synchronisation primitives that tests replace by those of a model checker.

pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
