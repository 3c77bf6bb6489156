//! What the macros say about code that they cannot use: one file per diagnosis.
//!
//! `TRYBUILD=overwrite cargo test -p rpc-core --test ui` writes what is said now to the `.stderr`
//! files; read the difference before it is committed.
#![allow(clippy::unwrap_used, reason = "tests")]

/// The macros' own messages.
#[test]
fn diagnoses() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// Messages of the compiler about the traits of `handler`, ours in part. The rest of their text
/// changes with the compiler, so they are compared with one version only. That such code compiles
/// with no version is checked everywhere, by the `compile_fail` examples of `handler`.
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
        println!("not compared: the messages are those of {WRITTEN_WITH}x, this is {version}");
    }
}
