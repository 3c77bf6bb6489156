//! Runs every benchmark once, briefly: each must work and return correct results.

use std::process::Command;

#[test]
fn every_benchmark_works() {
    let status = Command::new(env!("CARGO_BIN_EXE_benches"))
        .arg("--smoke")
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}
