//! Host sets beside ClusterShell's node sets: what one folds or expands, the other reads alike.
//!
//! `interop/install` installs ClusterShell from PyPI.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use farcall::cluster::HostSet;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// The process of ClusterShell, killed on drop.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start() -> Self {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let python = peers.join("venv/bin/python");
        let mut command = Command::new(python);
        command.arg(peers.join("clustershell/nodeset.py"));
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.expect("ClusterShell is missing: run interop/install");
        Self {
            input: child.stdin.take().expect("it is piped"),
            output: BufReader::new(child.stdout.take().expect("it is piped")),
            child,
        }
    }

    fn ask(&mut self, question: &str) -> Result<String, String> {
        assert!(!question.contains('\n'));
        writeln!(self.input, "{question}").expect("the peer reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the peer answers");
        match line.trim_end().split_once(' ') {
            Some(("error", message)) => Err(message.to_owned()),
            Some(("ok", answer)) => Ok(answer.to_owned()),
            None if line.trim_end() == "ok" => Ok(String::new()),
            _ => panic!("ClusterShell is missing, or broken: run interop/install"),
        }
    }

    fn expand(&mut self, text: &str) -> Result<BTreeSet<String>, String> {
        let names = self.ask(&format!("expand {text}"))?;
        Ok(names.split_whitespace().map(ToOwned::to_owned).collect())
    }

    fn fold(&mut self, names: &[String]) -> String {
        let names = names.join(" ");
        self.ask(&format!("fold {names}"))
            .expect("names are node sets")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn expand(text: &str) -> Result<BTreeSet<String>, String> {
    let hosts = HostSet::parse(text).map_err(|error| error.to_string())?;
    Ok(hosts.iter().map(ToOwned::to_owned).collect())
}

/// Runs a property with many values, and one process of ClusterShell.
fn check<S: Strategy>(
    values: &S,
    property: impl Fn(&mut Peer, S::Value) -> Result<(), TestCaseError>,
) {
    let peer = std::cell::RefCell::new(Peer::start());
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(1000)
    };
    let mut runner = TestRunner::new(config);
    runner
        .run(values, |value| property(&mut peer.borrow_mut(), value))
        .unwrap_or_else(|error| panic!("{error}"));
}

/// Ranges of numbers between brackets.
fn range() -> impl Strategy<Value = String> {
    let number = (0_u32..130, 0_usize..4).prop_map(|(number, width)| format!("{number:0width$}"));
    let range =
        (0_u32..110, 0_u32..25, 0_usize..4, 1_u32..5).prop_map(|(first, more, width, step)| {
            // With zeros, both ends have the same length.
            let width = if width > 0 {
                (first + more).to_string().len().max(width)
            } else {
                0
            };
            let step = if step > 1 {
                format!("/{step}")
            } else {
                String::new()
            };
            format!("{first:0width$}-{:0width$}{step}", first + more)
        });
    prop_oneof![number, range]
}

fn numbers() -> impl Strategy<Value = String> {
    let bracket = prop::collection::vec(range(), 1..4).prop_map(|ranges| ranges.join(","));
    prop_oneof![
        2 => bracket.prop_map(|ranges| format!("[{ranges}]")),
        1 => "[0-9]{1,3}",
        // Digits beside a bracket belong to its numbers.
        1 => "[0-9]{1,2}\\[[1-4]-[5-9](,[0-9])?\\]",
        1 => "\\[[0-9]{1,2},1[0-5]-[2-3][0-9]\\][0-9]{1,2}",
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let text = prop_oneof!["[a-b]", "n-", "x\\."];
    let parts = prop::collection::vec((text, numbers()), 0..3);
    (parts, prop_oneof!["", "c", "\\.d"]).prop_map(|(parts, end)| {
        let parts: String = parts
            .into_iter()
            .map(|(text, numbers)| text + &numbers)
            .collect();
        if parts.is_empty() {
            format!("n{end}")
        } else {
            parts + &end
        }
    })
}

fn expression() -> impl Strategy<Value = String> {
    let operator = prop_oneof!["[,!&^]", " [,!&^] "];
    let terms = prop::collection::vec((operator, pattern()), 0..5);
    (pattern(), terms).prop_map(|(first, terms)| {
        terms
            .into_iter()
            .fold(first, |text, (operator, term)| text + &operator + &term)
    })
}

/// Names of several shapes, close enough to fold in part.
fn names() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof![
        (0_u32..40, 0_usize..4).prop_map(|(n, width)| format!("n{n:0width$}")),
        (0_u32..5, 0_u32..5).prop_map(|(a, b)| format!("r{a}n{b}")),
        (0_u32..4, 8_u32..12, 0_usize..3)
            .prop_map(|(a, b, width)| format!("a-{a}-b-{b:0width$}-c")),
        (0_u32..3, 0_u32..3, 0_u32..3).prop_map(|(a, b, c)| format!("{a}.{b}.{c}")),
        "(gw|[a-c]{1,2})",
    ];
    prop::collection::vec(name, 1..60)
}

#[test]
fn texts_mean_the_same_hosts() {
    check(&expression(), |peer, text| {
        let theirs = peer.expand(&text);
        prop_assert_eq!(
            expand(&text).map_err(drop),
            theirs.map_err(drop),
            "{}",
            text
        );
        Ok(())
    });
}

#[test]
fn folded_hosts_are_read_alike() {
    check(&names(), |peer, names| {
        let all: BTreeSet<String> = names.iter().cloned().collect();
        let ours = HostSet::from_iter(names.iter().map(String::as_str)).to_string();
        let theirs = peer.fold(&names);
        prop_assert_eq!(peer.expand(&ours), Ok(all.clone()), "{}", ours);
        prop_assert_eq!(expand(&ours), Ok(all.clone()), "{}", ours);
        prop_assert_eq!(expand(&theirs), Ok(all), "{}", theirs);
        Ok(())
    });
}

#[test]
fn names_with_one_number_are_folded_alike() {
    let name =
        (0_u32..40, 0_usize..4, "[ab]?").prop_map(|(n, width, end)| format!("n{n:0width$}{end}"));
    let names = prop::collection::vec(name, 1..60);
    check(&names, |peer, names| {
        let ours = HostSet::from_iter(names.iter().map(String::as_str)).to_string();
        prop_assert_eq!(ours, peer.fold(&names));
        Ok(())
    });
}

#[test]
fn full_products_are_folded_alike() {
    let bound = || (1_u32..4, 1_u32..4);
    check(
        &(bound(), bound(), bound()),
        |peer, ((a, b), (c, d), (e, f))| {
            let text = format!("r[{a}-{}]n[{c}-{}]x[{e}-{}]", a + b, c + d, e + f);
            let hosts =
                HostSet::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let names: Vec<String> = hosts.iter().map(ToOwned::to_owned).collect();
            prop_assert_eq!(hosts.to_string(), peer.fold(&names));
            prop_assert_eq!(hosts.to_string(), text);
            Ok(())
        },
    );
}

#[test]
fn folded_texts_are_not_longer_by_more_than_a_tenth() {
    let totals = std::cell::Cell::new((0, 0));
    check(&names(), |peer, names| {
        let folded = HostSet::from_iter(names.iter().map(String::as_str)).to_string();
        let (one, other) = totals.get();
        totals.set((one + folded.len(), other + peer.fold(&names).len()));
        Ok(())
    });
    let (ours, theirs): (usize, usize) = totals.get();
    println!("{ours} bytes, ClusterShell {theirs}");
    assert!(
        ours * 10 <= theirs * 11,
        "{ours} bytes, ClusterShell {theirs}"
    );
}

/// Texts that ClusterShell refuses as well, and those that it reads in another way, which are
/// errors.
#[test]
fn mistakes_are_errors() {
    let mut peer = Peer::start();
    for text in [
        "a,",
        "a,,b",
        ",a",
        "!a",
        "a!",
        "a!!b",
        "n[1-2",
        "n1-2]",
        "n[]",
        "n[1,,2]",
        "n[2-1]",
        "n[1-5/0]",
        "n[1-5/x]",
        "n[x]",
        "n[01-100]",
        "n[1-010]",
        "n[[1-2]]",
        "n[5/2]",
    ] {
        assert!(peer.expand(text).is_err(), "{text}");
        assert!(expand(text).is_err(), "{text}");
    }
    // 92 nodes, where pdsh has 2.
    assert_eq!(peer.expand("n1[9-10]").map(|hosts| hosts.len()), Ok(92));
    assert!(expand("n1[9-10]").is_err());
}
