//! What threads share, under one name, so that tests can put a model checker's types in their place.

pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
