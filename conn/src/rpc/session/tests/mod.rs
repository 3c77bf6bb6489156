//! Tests of sessions below their connections.

mod outbox;
mod two_states;
