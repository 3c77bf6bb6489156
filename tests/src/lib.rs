//! Peers for the tests.
