//! Generates `docs/INTEROP.md`: a table for each direction, and notes about the peers.

use std::fmt::Write as _;

use crate::applications::{Finding, Findings};
use crate::{Capability, Cells, Outcome};

/// The results of a peer.
#[derive(Debug)]
pub struct Column {
    /// The peer and its version.
    pub title: String,
    /// The results as client of our server.
    pub client: Cells,
    /// The results as server for our client, if it has a server.
    pub server: Option<Cells>,
}

/// Generates the document. Each application and each library for JSON-RPC comes with its name and
/// version.
#[must_use]
pub fn document(
    columns: &[Column],
    applications: &[(String, Findings)],
    libraries: &[(String, Findings)],
) -> String {
    let mut notes = Notes::default();
    let clients = columns
        .iter()
        .map(|column| (&*column.title, &column.client));
    let clients = table(&clients.collect::<Vec<_>>(), &mut notes);
    let servers = columns
        .iter()
        .filter_map(|column| Some((&*column.title, column.server.as_ref()?)));
    let servers = table(&servers.collect::<Vec<_>>(), &mut notes);
    let applications: String = applications
        .iter()
        .map(|(title, findings)| application_table(title, findings, &mut notes))
        .collect();
    let libraries = library_table(libraries, &mut notes);
    let mut checked = String::new();
    for capability in Capability::ALL {
        let _ = writeln!(checked, "- **{capability}**: {}", capability.about());
    }
    format!(
        "{HEAD}\n## Peers as clients of our server\n\n{clients}\n## Peers as servers for our clients\n\n{servers}\n\
         ## Applications, driven by our client\n\n{applications}\
         ## Libraries for JSON-RPC\n\n{libraries}\n\
         ## Notes\n\n{}\n## Checks\n\n{checked}{MANAGERS}",
        notes.list()
    )
}

/// The section about managers, which have their tests in `tests/tests/conn`.
const MANAGERS: &str = include_str!("managers.md");

const HEAD: &str = "\
# Interoperability

XML-RPC and JSON-RPC with real peers: the libraries of other languages call our server, and our
clients, async and blocking, call theirs. The second command writes this document, and only if nothing failed:

```sh
interop/install          # installs missing peers from Debian, npm and PyPI
cargo run -p interop     # runs all peers and writes this document; with names of peers, runs only those
cargo test -p interop    # the same as tests, one for each peer and direction
```

- `ok`: it works.
- `–`: the peer's library lacks the feature.
- `defect`: a bug of the peer itself. The run checks that the bug is still there.

The numbers refer to the notes.
";

fn table(columns: &[(&str, &Cells)], notes: &mut Notes) -> String {
    let mut table = String::new();
    let titles = columns.iter().map(|(title, _)| *title);
    row(&mut table, "", titles.map(str::to_owned));
    row(&mut table, "---", columns.iter().map(|_| "---".to_owned()));
    for capability in Capability::ALL {
        let cells = columns
            .iter()
            .map(|(title, cells)| cell(title, cells.outcome(*capability), notes));
        row(&mut table, capability.name(), cells);
    }
    table
}

/// Generates the table of libraries, which have the same checks, with a column for each.
fn library_table(libraries: &[(String, Findings)], notes: &mut Notes) -> String {
    let mut table = String::new();
    row(
        &mut table,
        "",
        libraries.iter().map(|(title, _)| title.clone()),
    );
    row(
        &mut table,
        "---",
        libraries.iter().map(|_| "---".to_owned()),
    );
    let actions = libraries.first().map(|(_, findings)| findings.all());
    for (index, Finding { action, .. }) in actions.unwrap_or_default().iter().enumerate() {
        let cells = libraries.iter().map(|(title, findings)| {
            let finding = findings.all().get(index);
            let outcome = finding.map(|finding| finding.outcome.clone());
            cell(title, outcome.unwrap_or(Outcome::Works(None)), notes)
        });
        row(&mut table, action, cells);
    }
    table
}

/// Generates the table of an application.
fn application_table(title: &str, findings: &Findings, notes: &mut Notes) -> String {
    let mut table = String::new();
    row(&mut table, title, [String::new()].into_iter());
    row(&mut table, "---", ["---".to_owned()].into_iter());
    for finding in findings.all() {
        let cell = cell(title, finding.outcome.clone(), notes);
        row(&mut table, finding.action, [cell].into_iter());
    }
    table + "\n"
}

fn cell(title: &str, outcome: Outcome, notes: &mut Notes) -> String {
    let (word, text) = match outcome {
        Outcome::Works(note) => ("ok", note),
        Outcome::Defect(description) => ("defect", Some(description)),
        Outcome::Lacks(reason) => ("–", Some(reason)),
        Outcome::Fails(reason) => ("**fails**", Some(reason)),
    };
    let mark = text.map(|text| notes.mark(title, text));
    word.to_owned() + &mark.unwrap_or_default()
}

fn row(table: &mut String, head: &str, cells: impl Iterator<Item = String>) {
    let _ = write!(table, "| {head} |");
    for cell in cells {
        let _ = write!(table, " {cell} |");
    }
    table.push('\n');
}

/// Numbered notes, each with the peers that it applies to.
#[derive(Default)]
struct Notes(Vec<(String, Vec<String>)>);

impl Notes {
    /// Adds a note unless it exists, and returns its number in superscript.
    fn mark(&mut self, title: &str, text: String) -> String {
        let known = self.0.iter().position(|(known, _)| *known == text);
        let index = known.unwrap_or_else(|| {
            self.0.push((text, Vec::new()));
            self.0.len() - 1
        });
        let titles = &mut self.0[index].1;
        if !titles.iter().any(|known| known == title) {
            titles.push(title.to_owned());
        }
        raised(index + 1)
    }

    fn list(&self) -> String {
        let mut list = String::new();
        for (index, (text, titles)) in self.0.iter().enumerate() {
            let _ = writeln!(list, "{}. {}: {text}.", index + 1, listed(titles));
        }
        list
    }
}

/// Lists peers with their versions, each name once.
fn listed(titles: &[String]) -> String {
    let mut list = String::new();
    let mut last = "";
    for title in titles {
        let (name, version) = title.rsplit_once(' ').unwrap_or((title, ""));
        let separator = if list.is_empty() { "" } else { ", " };
        let shown = if name == last { version } else { title };
        list.extend([separator, shown]);
        last = name;
    }
    list
}

fn raised(number: usize) -> String {
    let digit = |digit: char| match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' => '⁰',
        _ => char::from_u32(digit as u32 - '4' as u32 + '⁴' as u32).unwrap_or(digit),
    };
    number.to_string().chars().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_notes_have_one_number() {
        let mut notes = Notes::default();
        let mark = |notes: &mut Notes, title, text: &str| notes.mark(title, text.to_owned());
        assert_eq!(mark(&mut notes, "A 1", "slow"), "¹");
        assert_eq!(mark(&mut notes, "A 1", "old"), "²");
        assert_eq!(mark(&mut notes, "A 2", "slow"), "¹");
        assert_eq!(mark(&mut notes, "B 2", "slow"), "¹");
        assert_eq!(notes.list(), "1. A 1, 2, B 2: slow.\n2. A 1: old.\n");
        assert_eq!(raised(1_234_567_890), "¹²³⁴⁵⁶⁷⁸⁹⁰");
    }
}
