//! The diagnoses of the macros: one file for each.
//!
//! `TRYBUILD=overwrite cargo test -p farcall-macros --test ui` writes the current diagnoses to the
//! `.stderr` files; review the difference before you commit it.
#![allow(clippy::unwrap_used, reason = "tests")]

/// Messages of the macros.
#[test]
fn diagnoses() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// Messages of the compiler about the traits of `handler`, parts of which these traits define. The
/// rest of the text changes with the compiler, so they are compared with one version only. The
/// `compile_fail` examples of `handler` check with all versions that such code does not compile.
#[test]
fn trait_bounds() {
    const WRITTEN_WITH: &str = "rustc 1.95.";

    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = std::process::Command::new(rustc)
        .arg("--version")
        .output()
        .unwrap()
        .stdout;
    let version = String::from_utf8(version).unwrap();
    if version.starts_with(WRITTEN_WITH) {
        trybuild::TestCases::new().compile_fail("tests/ui/trait_bounds/*.rs");
    } else {
        println!("not compared: the messages are from {WRITTEN_WITH}x, this is {version}");
    }
}
