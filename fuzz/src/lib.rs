//! Code shared by the fuzz targets. `docs/FUZZING.md` lists the assertions of each target.

#[cfg(not(fuzzing))]
compile_error!("the targets are built by `fuzz/run`, with flags that this build lacks");

pub mod edit;
pub mod memory;
pub mod methods;
pub mod record;
pub mod session;
pub mod tally;
pub mod value;
