//! Builds the programs of compiled languages into the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::peer::programs;

/// Creates the folder for the build output of a peer, and returns its path.
///
/// # Errors
/// If it cannot be created.
pub(crate) fn folder(peer: &str) -> Result<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = workspace.join("target/interop").join(peer);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

/// Builds a program from one source file with a compiler that has the options of C compilers, and
/// returns its path.
///
/// # Errors
/// If the compiler fails.
pub(crate) fn program(compiler: &str, source: &'static str, libraries: &[&str]) -> Result<PathBuf> {
    let source = programs().join(source);
    let peer = source
        .parent()
        .and_then(Path::file_name)
        .unwrap_or_default();
    let program = source.file_stem().unwrap_or_default();
    let program = folder(&peer.to_string_lossy())?.join(program);
    let mut command = Command::new(compiler);
    command
        .args(["-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&program)
        .arg(&source);
    command.args(libraries.iter().map(|library| format!("-l{library}")));
    run(&mut command)?;
    Ok(program)
}

/// Runs a compiler.
///
/// # Errors
/// If it is missing or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("{name} cannot be started"))?;
    ensure!(
        output.status.success(),
        "{name}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
