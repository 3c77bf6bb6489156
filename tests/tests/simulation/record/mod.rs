//! The record of a run, and the runs of many seeds. Two simulations use it: that of servers and
//! clients beside it, and that of the protocol alone (`conn/src/rpc/session/tests/simulation`).

pub(crate) mod ledger;
pub(crate) mod seeds;
pub(crate) mod trace;
