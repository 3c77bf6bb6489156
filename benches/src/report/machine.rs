//! Where it was measured, and what.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::peers::wrk;

/// The packages whose versions matter to the figures.
const PACKAGES: [&str; 4] = ["bincode", "hyper", "quick-xml", "tokio"];

/// The lock file of the workspace that this program was built from.
const LOCK: &str = include_str!("../../../Cargo.lock");

/// A machine and the versions of all that was measured.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) versions: BTreeMap<String, String>,
}

impl Machine {
    /// The one that this runs on.
    pub(crate) fn this() -> Result<Self> {
        let mut versions: BTreeMap<_, _> = PACKAGES.iter().flat_map(|name| locked(name)).collect();
        versions.insert("rustc".to_owned(), said("rustc", &["--version"])?);
        versions.insert("CPython".to_owned(), said("python3.11", &["--version"])?);
        versions.insert("wrk".to_owned(), wrk::version()?);
        Ok(Self {
            cpu: cpu()?,
            cores: std::thread::available_parallelism()?.get(),
            kernel: said("uname", &["-sr"])?,
            versions,
        })
    }
}

/// A package and its version. A name stands for as many packages as there are versions of it.
fn locked(name: &str) -> Vec<(String, String)> {
    let of_registry = |package: &&str| package.contains("\nsource = ");
    let packages = LOCK.split("[[package]]").filter(of_registry);
    let version = |package: &str| {
        let rest = package.trim_start().strip_prefix("name = \"")?;
        let rest = rest.strip_prefix(name)?.strip_prefix("\"\nversion = \"")?;
        Some((name.to_owned(), rest.split('"').next()?.to_owned()))
    };
    packages.filter_map(version).collect()
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

/// The first line that a program says.
fn said(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("{program} is missing: install it"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.lines().next().unwrap_or_default().trim().to_owned())
}
