//! Check of the documents that name tests: each limit has one in which it strikes, and all of them
//! exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The tables that name tests in their last column: the file, and the headings above them.
const TABLES: [(&str, &[&str]); 2] = [
    ("SECURITY.md", &["## Limits"]),
    (
        "docs/RELIABILITY.md",
        &[
            "## Each fault has a test that fails without its mend",
            "## Limits that strike",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn every_limit_names_a_test_that_exists() {
    let mut tests = BTreeSet::new();
    collect(&root(), &mut tests);
    assert!(tests.len() > 1000, "{} tests are found", tests.len());
    let mut missing = Vec::new();
    for (file, headings) in TABLES {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        for heading in headings {
            let (_, section) = text.split_once(heading).unwrap();
            let section = section.split("\n## ").next().unwrap();
            let rows = section.lines().filter(|line| line.starts_with("| "));
            // The first row of a table has the names of its columns.
            let rows: Vec<&str> = rows
                .filter(|row| !row.ends_with("test |") && !row.contains(" test that failed"))
                .collect();
            assert!(rows.len() > 50, "{heading} has {} rows", rows.len());
            for row in rows {
                let named = named(row);
                let exist = named.iter().all(|test| tests.contains(test));
                if named.is_empty() || !exist {
                    missing.push(format!("{file}: {row}"));
                }
            }
        }
    }
    let missing = missing.join("\n");
    assert!(missing.is_empty(), "rows without tests:\n{missing}");
}

/// Returns the names in the last cell of a row, each in backquotes.
fn named(row: &str) -> Vec<String> {
    let cells = row.trim_end_matches(" |").rsplit(" | ").next();
    let parts = cells.unwrap_or_default().split(", ");
    let names = parts.map(|part| part.strip_prefix('`')?.strip_suffix('`'));
    let names: Option<Vec<&str>> = names.collect();
    names
        .unwrap_or_default()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// Adds the names of all tests in the Rust files of a folder.
fn collect(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            collect(&path, tests);
        } else if name.ends_with(".rs") {
            add_tests(&std::fs::read_to_string(&path).unwrap(), tests);
        }
    }
}

fn add_tests(text: &str, tests: &mut BTreeSet<String>) {
    let mut is_test = false;
    // Tests of both kinds of clients are functions that this macro calls.
    let mut is_list = false;
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line == "both! {" {
            is_list = true;
        } else if line == "}" {
            is_list = false;
        } else if is_list && let Some(name) = line.strip_suffix(',') {
            tests.insert(name.to_owned());
        } else if let Some(name) = name_of_function(line) {
            if is_test {
                tests.insert(name.to_owned());
            }
            is_test = false;
        }
    }
}

fn name_of_function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}
