//! Calls to many machines at once.
