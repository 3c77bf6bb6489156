//! Tests of the protocol, without a runtime.

mod simulation;
