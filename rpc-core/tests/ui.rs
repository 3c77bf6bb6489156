//! What the macros say about code that they cannot use: one file per diagnosis.
//!
//! `TRYBUILD=overwrite cargo test -p rpc-core --test ui` writes what is said now to the `.stderr`
//! files; read the difference before it is committed.

/// The macros' own messages.
#[test]
fn diagnoses() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// Messages of the compiler about the traits of `handler`, ours in part: their text changes with
/// its version. These are of Rust 1.95; refresh them as above.
#[test]
fn trait_bounds() {
    trybuild::TestCases::new().compile_fail("tests/ui/trait_bounds/*.rs");
}
