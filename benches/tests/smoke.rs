//! Every benchmark once for a moment: do they work, and are their answers right?

use std::process::Command;

#[test]
fn every_benchmark_works() {
    let status = Command::new(env!("CARGO_BIN_EXE_benches"))
        .arg("--smoke")
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}
