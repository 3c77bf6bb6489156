//! The machine and the versions that were measured.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::peers::wrk;

/// The packages whose versions affect the figures.
const PACKAGES: [&str; 15] = [
    "axum",
    "base64",
    "bincode",
    "capnp-rpc",
    "dxr",
    "hyper",
    "jsonrpsee",
    "quick-xml",
    "rustls",
    "serde",
    "tarpc",
    "tokio",
    "tokio-rustls",
    "tonic",
    "xmlrpc",
];

/// The lock file of the workspace that this program was built from.
const LOCK: &str = include_str!("../../Cargo.lock");

/// A machine, and the versions of the measured programs.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) versions: BTreeMap<String, String>,
}

impl Machine {
    /// Returns the machine that this program runs on.
    pub(crate) fn this() -> Result<Self> {
        let mut versions: BTreeMap<_, _> =
            PACKAGES.iter().filter_map(|name| locked(name)).collect();
        versions.insert("rustc".to_owned(), first_line("rustc", &["--version"])?);
        versions.insert(
            "CPython".to_owned(),
            first_line("python3.11", &["--version"])?,
        );
        let openssl = ["-c", "import ssl; print(ssl.OPENSSL_VERSION)"];
        versions.insert(
            "CPython's OpenSSL".to_owned(),
            first_line("python3.11", &openssl)?,
        );
        versions.insert("wrk".to_owned(), wrk::version()?);
        Ok(Self {
            cpu: cpu()?,
            cores: std::thread::available_parallelism()?.get(),
            kernel: first_line("uname", &["-sr"])?,
            versions,
        })
    }
}

/// Returns the name and version of a package in the lock file: the newest, if there are several.
fn locked(name: &str) -> Option<(String, String)> {
    let version = |package: &str| {
        let rest = package.trim_start().strip_prefix("name = \"")?;
        let rest = rest.strip_prefix(name)?.strip_prefix("\"\nversion = \"")?;
        let is_of_registry = rest.contains("\nsource = ");
        is_of_registry.then(|| rest.split('"').next().unwrap_or_default().to_owned())
    };
    // Packages of one name are sorted by version.
    let version = LOCK.split("[[package]]").filter_map(version).last()?;
    Some((name.to_owned(), version))
}

fn cpu() -> Result<String> {
    let known = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = known
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model
        .unwrap_or_default()
        .trim_start_matches(['\t', ' ', ':']);
    Ok(model.to_owned())
}

/// Returns the first line that a program prints.
fn first_line(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("{program} is missing: install it"))?;
    let output = String::from_utf8_lossy(&output.stdout);
    Ok(output.lines().next().unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_packages_are_locked() {
        for package in PACKAGES {
            assert!(locked(package).is_some(), "{package}");
        }
        assert!(locked("xmlrpc").is_some_and(|(_, version)| version != env!("CARGO_PKG_VERSION")));
    }
}
