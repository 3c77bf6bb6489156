//! The command on many hosts, against servers that answer, or fail, in their own ways.
#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

mod hostile;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use farcall::Registry;
use farcall::http::ServerOptions;
use farcall::jsonrpc::{self, Framing, Service, SocketServer};
use farcall::rpc::{self, Stream};
use serde_json::Value;
use tests::{PythonServer, newest_python};

/// Hosts with their fates, in one process: see `tests/peers/python/fleet.py`.
struct Fleet {
    server: PythonServer,
    folder: tempfile::TempDir,
}

impl Fleet {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger");
        let server = newest_python().serve("fleet.py", &[ledger.to_str().unwrap()]);
        Self { server, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of hosts `NAME=FATE`, and returns the argument for it.
    fn hosts(&self, hosts: &[(&str, &str)]) -> String {
        let port = self.server.port;
        let line = |(name, fate): &(&str, &str)| match *fate {
            // Nobody listens at this port.
            "refuse" => format!("{name} http://127.0.0.1:1/\n"),
            fate => format!("{name} http://127.0.0.1:{port}/{fate}/{name}\n"),
        };
        let file = self.path("hosts");
        fs::write(&file, hosts.iter().map(line).collect::<String>()).unwrap();
        format!("@{}", file.display())
    }

    /// Hosts that all answer: `node1` and so on.
    fn good_hosts(&self, count: usize) -> String {
        let names: Vec<String> = (1..=count).map(|number| format!("node{number}")).collect();
        let hosts: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "ok")).collect();
        self.hosts(&hosts)
    }

    /// The calls that ran, sorted, as `NAME TOKEN`.
    fn ran(&self) -> Vec<String> {
        let ledger = fs::read_to_string(self.path("ledger")).unwrap_or_default();
        let mut lines: Vec<String> = ledger.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farcall"));
        command
            .args(args)
            .env_remove("FARCALL_AUTHKEY")
            // No configuration of the user.
            .env("HOME", self.folder.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("FARCALL_CONFIG");
        command
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        parts(self.command(args).output().unwrap())
    }

    fn run_with_input(&self, args: &[&str], input: &str) -> (i32, String, String) {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        parts(child.wait_with_output().unwrap())
    }
}

fn parts(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Reads lines of JSON, sorted by host, and the summary.
fn jsonl(out: &str) -> (Vec<Value>, Value) {
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
    let (mut hosts, mut summaries): (Vec<Value>, Vec<Value>) =
        lines.partition(|line: &Value| line.get("host").is_some());
    hosts.sort_by_key(|line| line["host"].as_str().unwrap().to_owned());
    let summary = summaries.pop().unwrap();
    assert!(summaries.is_empty(), "{out}");
    (hosts, summary["summary"].clone())
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn each_outcome_is_told_with_what_ran() {
    let fleet = Fleet::start();
    let fates = [
        ("a-ok", "ok", "ok"),
        ("b-slow", "slow", "maybe"),
        ("c-refuse", "refuse", "never"),
        ("d-blackhole", "blackhole", "maybe"),
        ("e-before", "cut_before", "maybe"),
        ("f-after", "cut_after", "maybe"),
        ("g-within", "cut_within", "maybe"),
        ("h-fault", "fault", "maybe"),
        ("i-busy", "busy", "never"),
        ("j-unknown", "unknown", "never"),
        ("k-garbage", "garbage", "maybe"),
    ];
    let hosts: Vec<(&str, &str)> = fates.iter().map(|(name, fate, _)| (*name, *fate)).collect();
    let hosts = fleet.hosts(&hosts);
    let call = [
        "-w",
        &hosts,
        "--timeout",
        "1",
        "-o",
        "jsonl",
        "call",
        "run",
        "{host}",
    ];
    let (status, out, err) = fleet.run(&call);
    let (lines, summary) = jsonl(&out);
    assert_eq!(lines.len(), fates.len(), "{out}");
    let ran = fleet.ran();
    for (line, (name, _, expected)) in lines.iter().zip(fates) {
        assert_eq!(line["host"], name);
        let claim = line["execution"].as_str().unwrap_or("ok");
        assert_eq!(claim, expected, "{line}");
        let runs = ran
            .iter()
            .filter(|run| **run == format!("{name} {name}"))
            .count();
        assert!(
            runs <= 1 && (claim != "never" || runs == 0),
            "{line}: {runs}"
        );
        assert_eq!(line["attempts"], 1, "{line}");
        assert!(line["ms"].as_f64().unwrap() < 3000.0, "{line}");
    }
    assert_eq!(lines[0]["result"], "a-ok");
    assert_eq!(lines[7]["error"], "fault 42: on purpose");
    assert_eq!(status, 3, "{err}");
    assert_eq!(summary["status"], 3);
    assert_eq!((&summary["ok"], &summary["fault"]), (&1.into(), &1.into()));
    assert_eq!(
        (&summary["refused"], &summary["never"]),
        (&2.into(), &1.into())
    );
    assert_eq!(
        (&summary["maybe"], &summary["timed_out"]),
        (&6.into(), &2.into())
    );
    assert!(err.contains("2 of these timed out"), "{err}");
    assert!(err.contains("timed out: b-slow,d-blackhole"), "{err}");
    assert!(err.contains("never ran: c-refuse"), "{err}");
}

#[test]
fn the_exit_status_is_that_of_the_worst_outcome() {
    let fleet = Fleet::start();
    for (fates, expected) in [
        (&["ok", "ok"][..], 0),
        (&["ok", "fault"], 1),
        (&["unknown", "busy"], 1),
        (&["fault", "refuse", "ok"], 2),
        (&["fault", "refuse", "cut_after", "ok"], 3),
    ] {
        let names: Vec<String> = (0..fates.len())
            .map(|number| format!("n{number}"))
            .collect();
        let pairs = names
            .iter()
            .zip(fates)
            .map(|(name, fate)| (name.as_str(), *fate));
        let hosts = fleet.hosts(&pairs.collect::<Vec<_>>());
        let (status, _, err) = fleet.run(&["-w", &hosts, "call", "echo", "1"]);
        assert_eq!(status, expected, "{fates:?}: {err}");
    }
    let (status, _, err) = fleet.run(&["-w", "@nowhere", "call", "echo", "1"]);
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("no such file of hosts"), "{err}");
}

#[test]
fn outcomes_are_shown_as_lines_gathered_and_as_a_table() {
    let fleet = Fleet::start();
    let hosts = fleet.hosts(&[
        ("node1", "ok"),
        ("node2", "ok"),
        ("node3", "fault"),
        ("node4", "ok"),
    ]);
    let run = |args: &[&str]| {
        let all = [&["-w", &hosts, "--quiet"], args].concat();
        let (status, out, err) = fleet.run(&all);
        assert_eq!(status, 1, "{args:?}: {err}");
        (out, err)
    };
    let (out, err) = run(&["call", "echo", "[1]"]);
    assert_eq!(sorted(&out), ["node1: [1]", "node2: [1]", "node4: [1]"]);
    assert_eq!(err, "node3: fault 42: on purpose\n");
    let (out, _) = run(&["call", "text"]);
    assert_eq!(sorted(&out)[0], r#"node1: "one\ntwo""#);
    let (out, _) = run(&["call", "text", "--raw"]);
    assert_eq!(sorted(&out)[..2], ["node1: one", "node1: two"]);

    let (out, err) = run(&["call", "echo", "7", "-o", "gathered"]);
    assert_eq!(out, "node[1-2,4] (3): 7\nnode3 (1): fault 42: on purpose\n");
    assert_eq!(err, "");
    let (out, _) = run(&["call", "text", "-o", "gathered", "--raw"]);
    assert!(
        out.starts_with("node[1-2,4] (3):\n  one\n  two\nnode3 (1): "),
        "{out}"
    );
    // Of batches, one after another.
    let (out, _) = run(&["call", "echo", "7", "-o", "gathered", "--serial", "2"]);
    let expected = "node[1-2] (2): 7\nnode4 (1): 7\nnode3 (1): fault 42: on purpose\n";
    assert_eq!(out, expected);
    let (out, _) = run(&["call", "echo", "7", "-o", "both"]);
    assert!(
        out.contains("node1: 7\n") && out.contains("node[1-2,4] (3): 7\n"),
        "{out}"
    );

    let (out, _) = run(&["call", "echo", "7", "-o", "table"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("HOST   OUTCOME"), "{out}");
    assert!(
        lines[1].starts_with("node1  ok ") && lines[1].ends_with(" 7"),
        "{out}"
    );
    assert!(lines[3].starts_with("node3  fault "), "{out}");

    let (_, _, err) = fleet.run(&["-w", &hosts, "call", "echo", "7"]);
    assert!(err.contains("3 ok, 1 fault\n  fault: node3\n"), "{err}");
}

#[test]
fn hosts_are_named_by_sets_files_and_urls() {
    let fleet = Fleet::start();
    let port = fleet.server.port;
    let file = fleet.good_hosts(5);
    let names = |args: &[&str]| {
        let (status, out, err) =
            fleet.run(&[args, &["--quiet", "call", "echo", "{host}"]].concat());
        assert_eq!(status, 0, "{args:?}: {err}");
        let names = sorted(&out)
            .into_iter()
            .map(|line| line.split_once(": ").unwrap().0.to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&["-w", &file, "-x", "node[2-4]"]), "node1 node5");
    assert_eq!(
        names(&["-w", &file, "-x", "node2", "-x", "node4"]),
        "node1 node3 node5"
    );
    let template = format!("http://127.0.0.1:{port}/ok/{{host}}");
    assert_eq!(
        names(&["-w", "a[01-03]", "--url", &template]),
        "a01 a02 a03"
    );
    let url = format!("http://127.0.0.1:{port}/ok/x");
    assert_eq!(names(&["-w", &url]), url);

    let (status, out, _) = fleet.run(&["-w", "a[01-03],b", "--url", &template, "hosts", "--fold"]);
    assert_eq!((status, out.as_str()), (0, "a[01-03],b\n"));
    let (_, out, _) = fleet.run(&["-w", "a1,long2", "--url", &template, "hosts"]);
    let columns: Vec<_> = out.lines().map(|line| line.find("no protection")).collect();
    assert!(columns[0].is_some() && columns[0] == columns[1], "{out}");
    let (status, out, _) = fleet.run(&["-w", "a01", "--url", &template, "hosts"]);
    assert!(
        status == 0 && out.starts_with("a01  http://127.0.0.1:"),
        "{out}"
    );
}

#[test]
fn arguments_come_from_files_and_standard_input_and_results_go_to_files() {
    let fleet = Fleet::start();
    let hosts = fleet.good_hosts(2);
    let file = fleet.path("argument");
    let argument = format!("@{}", file.display());
    let run = |args: &[&str], input: &str| {
        let all = [&["-w", &hosts, "--quiet", "-x", "node2"], args].concat();
        let (status, out, err) = fleet.run_with_input(&all, input);
        assert_eq!((status, err.as_str()), (0, ""), "{args:?}");
        out
    };
    fs::write(&file, "{\"a\": [1, 2]}\n").unwrap();
    assert_eq!(
        run(&["call", "echo", &argument], ""),
        "node1: {\"a\":[1,2]}\n"
    );
    assert_eq!(
        run(&["call", "measure", "--bytes", &argument], ""),
        "node1: 14\n"
    );
    fs::write(&file, b"\xff\0\xfe").unwrap();
    assert_eq!(run(&["call", "measure", &argument], ""), "node1: 3\n");
    assert_eq!(
        run(&["call", "echo", "-"], "some text"),
        "node1: \"some text\"\n"
    );
    assert_eq!(run(&["call", "echo", "@@x"], ""), "node1: \"@x\"\n");

    let folder = fleet.path("out");
    let template = folder.join("{host}.bin");
    let out = run(
        &[
            "call",
            "blob",
            "4",
            "--output-file",
            template.to_str().unwrap(),
        ],
        "",
    );
    assert!(out.ends_with("node1.bin\n"), "{out}");
    assert_eq!(fs::read(folder.join("node1.bin")).unwrap(), [0, 1, 2, 3]);
    let (status, _, err) =
        fleet.run(&["-w", &hosts, "--max-result", "200", "call", "blob", "4000"]);
    let text = "node1: ran, but the result cannot be read: ";
    assert!(status == 1 && err.contains(text), "{err}");
    let (status, _, err) = fleet.run(&[
        "-w",
        &hosts,
        "call",
        "blob",
        "4",
        "--output-file",
        "/tmp/one",
    ]);
    assert!(status == 2 && err.contains("{host}"), "{err}");
    let alike = fleet.hosts(&[("a/b", "ok"), ("a_b", "ok")]);
    let files = ["--output-file", template.to_str().unwrap()];
    let (status, _, err) = fleet.run(&[&["-w", &alike, "call", "run", "x"], &files[..]].concat());
    assert!(status == 2 && err.contains("the same file"), "{err}");
    assert_eq!(fleet.ran(), [""; 0]);
}

#[test]
fn jobs_are_shared_out_over_the_hosts() {
    let fleet = Fleet::start();
    let hosts = fleet.hosts(&[("a", "ok"), ("b", "refuse"), ("c", "ok")]);
    let inputs: String = (0..40).map(|number| format!("job{number:02}\n")).collect();
    let map = ["-w", &hosts, "-o", "jsonl", "--retries", "3", "map", "run"];
    let (status, out, err) = fleet.run_with_input(&map, &inputs);
    assert_eq!(status, 0, "{err}");
    let (lines, summary) = jsonl(&out);
    assert_eq!((lines.len(), &summary["ok"]), (40, &40.into()));
    let mut inputs: Vec<&str> = lines
        .iter()
        .map(|line| line["input"].as_str().unwrap())
        .collect();
    inputs.sort_unstable();
    inputs.dedup();
    assert_eq!(inputs.len(), 40);
    let ran = fleet.ran();
    assert_eq!(ran.len(), 40, "{ran:?}");

    let map = ["-w", &hosts, "-x", "b", "--quiet", "map", "echo", "x-{}"];
    let (status, out, err) = fleet.run_with_input(&map, "1\n\n2\n");
    assert_eq!((status, err.as_str()), (0, ""));
    let results = out.lines().map(|line| line.split_once(": ").unwrap().1);
    let mut results: Vec<&str> = results.collect();
    results.sort_unstable();
    assert_eq!(results, [r#""x-1""#, r#""x-2""#]);
}

#[test]
fn methods_help_and_ping_act_on_all_hosts() {
    let fleet = Fleet::start();
    let hosts = fleet.hosts(&[("node1", "ok"), ("node2", "ok"), ("node3", "refuse")]);
    let run = |args: &[&str]| fleet.run(&[&["-w", &hosts, "--quiet"], args].concat());
    let (status, out, _) = run(&["methods"]);
    assert_eq!(status, 2);
    assert!(
        out.starts_with("node[1-2] (2):\n  add\n  echo\n  run\nnode3 (1): never ran: "),
        "{out}"
    );
    let (_, out, _) = run(&["help", "add"]);
    assert!(
        out.starts_with("node[1-2] (2):\n  add(string) -> string\n  \n  What"),
        "{out}"
    );
    let (status, out, err) = run(&["ping"]);
    assert_eq!((status, out.lines().count()), (2, 2), "{out}");
    assert!(
        sorted(&out)[0].starts_with("node1: ") && out.contains(" ms\n"),
        "{out}"
    );
    assert!(err.starts_with("node3: never ran: "), "{err}");
    // It makes no difference if a ping ran.
    let silent = fleet.hosts(&[("node1", "ok"), ("node2", "cut_after")]);
    let (status, out, _) = fleet.run(&["-w", &silent, "-o", "jsonl", "ping"]);
    let (lines, summary) = jsonl(&out);
    assert_eq!((status, lines[1]["class"].as_str()), (2, Some("silent")));
    assert_eq!(summary["hosts"]["silent"], "node2");

    let hosts = fleet.hosts(&[("node1", "ok"), ("node2", "ok"), ("node3", "refuse")]);
    let run = |args: &[&str]| fleet.run(&[&["-w", &hosts, "--quiet"], args].concat());
    let top = [
        "-x",
        "node3",
        "top",
        "--rounds",
        "2",
        "--interval",
        "0.1",
        "-o",
        "jsonl",
        "echo",
        "1",
    ];
    let (status, out, err) = run(&top);
    assert_eq!(status, 0, "{err}");
    let last: Value = serde_json::from_str(out.lines().next_back().unwrap()).unwrap();
    assert_eq!(
        (&last["calls"], &last["errors"]),
        (&2.into(), &0.into()),
        "{out}"
    );
}

#[test]
fn a_call_that_cannot_have_run_is_repeated() {
    let fleet = Fleet::start();
    let hosts = fleet.hosts(&[("a", "recovering"), ("b", "cut_after"), ("c", "refuse")]);
    let call = [
        "-w",
        &hosts,
        "-o",
        "jsonl",
        "--retries",
        "2",
        "call",
        "run",
        "x",
    ];
    let (status, out, _) = fleet.run(&call);
    let (lines, _) = jsonl(&out);
    let attempts: Vec<&Value> = lines.iter().map(|line| &line["attempts"]).collect();
    assert_eq!(
        (status, attempts),
        (3, vec![&3.into(), &1.into(), &3.into()]),
        "{out}"
    );
    assert_eq!(fleet.ran(), ["a x", "b x"]);
    // As many times as it takes, if the caller says so.
    let call = [
        "-w",
        &hosts,
        "-x",
        "a,c",
        "--retries",
        "1",
        "--idempotent",
        "call",
        "run",
        "y",
    ];
    let (status, _, _) = fleet.run(&call);
    assert_eq!(status, 3);
    assert_eq!(fleet.ran(), ["a x", "b x", "b y", "b y"]);
}

#[test]
fn batches_and_the_limit_of_failures_bound_the_damage() {
    let fleet = Fleet::start();
    let hosts = fleet.hosts(&[
        ("node1", "fault"),
        ("node2", "ok"),
        ("node3", "ok"),
        ("node4", "ok"),
    ]);
    let call = |args: &[&str]| {
        let call = ["call", "run", "x"];
        let (status, out, _) = fleet.run(&[&["-w", &hosts, "-o", "jsonl"], args, &call].concat());
        let (lines, _) = jsonl(&out);
        let tried = lines.iter().filter(|line| line["attempts"] != 0).count();
        assert_eq!(lines.len(), 4, "{out}");
        (status, tried)
    };
    assert_eq!(call(&["--serial", "1", "--max-fail", "0"]), (2, 1));
    assert_eq!(call(&["--serial", "2,100%", "--max-fail", "40%"]), (2, 2));
    assert_eq!(call(&["--serial", "1,2", "--max-fail", "1"]), (1, 4));
    // One of four is not more than a quarter, though it is the first.
    assert_eq!(call(&["--window", "1", "--max-fail", "25%"]), (1, 4));
    let stopped = ["-w", &hosts, "--quiet", "--window", "1", "--max-fail", "0"];
    let (_, out, err) = fleet.run(&[&stopped[..], &["call", "run", "x"]].concat());
    assert_eq!((out.as_str(), err.lines().count()), ("", 2), "{err}");
    assert!(err.contains("\nnode[2-4] (3): never ran: "), "{err}");
    for bad in [
        ["--serial", "0"],
        ["--serial", "x"],
        ["--max-fail", "x"],
        ["--max-fail", "101%"],
    ] {
        let (status, _, err) = fleet.run(&[&["-w", &hosts], &bad[..], &["call", "run"]].concat());
        assert!(status == 2 && err.contains(bad[0]), "{bad:?}: {err}");
    }
}

#[test]
fn the_time_for_all_hosts_ends_the_run() {
    let fleet = Fleet::start();
    let hosts = fleet.hosts(&[("a", "slow"), ("b", "slow"), ("c", "ok")]);
    let begin = Instant::now();
    let call = [
        "-w",
        &hosts,
        "--window",
        "1",
        "--total-timeout",
        "1",
        "-o",
        "jsonl",
        "call",
        "run",
        "x",
    ];
    let (status, out, err) = fleet.run(&call);
    assert!(begin.elapsed() < Duration::from_secs(10));
    let (lines, _) = jsonl(&out);
    let executions: Vec<&str> = lines
        .iter()
        .map(|line| line["execution"].as_str().unwrap())
        .collect();
    assert_eq!(
        (status, executions),
        (3, vec!["maybe", "never", "never"]),
        "{err}"
    );
}

#[test]
fn a_dry_run_calls_nothing() {
    let fleet = Fleet::start();
    let hosts = fleet.good_hosts(3);
    let call = [
        "-w",
        &hosts,
        "--dry-run",
        "--serial",
        "1,rest",
        "call",
        "run",
        "{host}",
    ];
    let (status, out, err) = fleet.run(&call);
    assert_eq!(status, 0, "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        (lines[0], lines[2]),
        ("batch 1: node1", "batch 2: node[2-3]")
    );
    assert!(
        lines[1].starts_with("node1: run \"node1\" at http://127.0.0.1:"),
        "{out}"
    );
    assert_eq!(fleet.ran(), [""; 0]);
}

#[test]
fn a_log_resumes_what_did_not_run() {
    let fleet = Fleet::start();
    let log = fleet.path("log");
    let log = log.to_str().unwrap();
    let fates = [
        ("a", "ok"),
        ("b", "refuse"),
        ("c", "cut_after"),
        ("d", "cut_before"),
    ];
    let hosts = fleet.hosts(&fates);
    let run = |args: &[&str]| {
        let call = [
            "-w", &hosts, "-o", "jsonl", "--joblog", log, "call", "run", "x",
        ];
        let (status, out, err) = fleet.run(&[&call, args].concat());
        let (lines, _) = jsonl(&out);
        let names = lines
            .iter()
            .map(|line| line["host"].as_str().unwrap().to_owned());
        (status, names.collect::<Vec<_>>().join(" "), err)
    };
    assert_eq!(run(&[]).1, "a b c d");
    assert_eq!(fleet.ran(), ["a x", "c x"]);
    // The hosts that are down come up.
    fleet.hosts(&[("a", "ok"), ("b", "ok"), ("c", "ok"), ("d", "ok")]);

    let (status, out, err) = fleet.run(&["-w", &hosts, "--joblog", log, "call", "run", "x"]);
    assert_eq!((status, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("--resume continues it"), "{err}");
    let (status, names, err) = run(&["--resume"]);
    assert_eq!((status, names.as_str()), (3, "b"), "{err}");
    assert!(err.contains("1 succeeded before"), "{err}");
    assert!(
        err.contains("--resume-maybe makes them again: c,d\n"),
        "{err}"
    );
    assert_eq!(fleet.ran(), ["a x", "b x", "c x"]);
    let (status, names, _) = run(&["--resume", "--resume-maybe=d"]);
    assert_eq!((status, names.as_str()), (3, "d"));
    let (status, names, _) = run(&["--resume", "--resume-maybe"]);
    assert_eq!((status, names.as_str()), (0, "c"));
    let (status, names, _) = run(&["--resume", "--idempotent"]);
    assert_eq!((status, names.as_str()), (0, ""));
    assert_eq!(fleet.ran(), ["a x", "b x", "c x", "c x", "d x"]);
    // Another call is another line of work.
    let call = [
        "-w", &hosts, "--joblog", log, "--resume", "--quiet", "call", "run", "y",
    ];
    assert_eq!(fleet.run(&call).1.lines().count(), 4);
}

#[test]
fn a_run_that_is_killed_resumes_without_running_twice() {
    let fleet = Fleet::start();
    let log = fleet.path("log");
    let log = log.to_str().unwrap();
    let inputs: String = (0..60).map(|number| format!("job{number:02}\n")).collect();
    let fates = [("a", "ok"), ("b", "late")];
    let hosts = fleet.hosts(&fates);
    let map = |options: &[&str]| {
        let all = [
            "-w", &hosts, "--window", "2", "-o", "jsonl", "--joblog", log,
        ];
        fleet.command(&[&all, options, &["map", "run"]].concat())
    };
    let spawn = |mut command: Command| {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(inputs.as_bytes())
            .unwrap();
        child
    };
    let mut child = spawn(map(&[]));
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..10 {
        reader.read_line(&mut String::new()).unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (_, out, err) = parts(spawn(map(&["--resume"])).wait_with_output().unwrap());
    let (lines, summary) = jsonl(&out);
    assert!(!lines.is_empty() && lines.len() < 60, "{err}");
    let left = summary["maybe_before"].as_u64().unwrap();
    assert!(left <= 2, "{err}");
    let done = summary["done_before"].as_u64().unwrap() + summary["ok"].as_u64().unwrap();
    assert_eq!(done + left, 60, "{err}");
    let mut tokens: Vec<String> = fleet.ran();
    tokens.iter_mut().for_each(|line| *line = line.split_off(2));
    tokens.sort();
    let count = tokens.len();
    tokens.dedup();
    assert_eq!(tokens.len(), count, "a job ran twice");
    assert!(count as u64 >= done, "{count} ran, {done} done");
}

#[test]
fn ctrl_c_once_begins_no_more_and_waits_twice_leaves() {
    for times in [1, 2] {
        let fleet = Fleet::start();
        let hosts = fleet.hosts(&[
            ("a", "ok"),
            ("b", if times == 1 { "late" } else { "slow" }),
            ("c", "ok"),
        ]);
        let call = [
            "-w", &hosts, "--window", "1", "-o", "jsonl", "call", "run", "x",
        ];
        let mut command = fleet.command(&call);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        while fleet.ran().len() < 2 {
            thread::sleep(Duration::from_millis(10));
            assert!(child.try_wait().unwrap().is_none());
        }
        interrupt(&child);
        if times == 2 {
            let mut line = String::new();
            let mut err = BufReader::new(child.stderr.take().unwrap());
            err.read_line(&mut line).unwrap();
            assert!(
                line.contains("under way: b;") && line.contains("Ctrl-C again"),
                "{line}"
            );
            interrupt(&child);
        }
        let (status, out, err) = parts(child.wait_with_output().unwrap());
        let (lines, summary) = jsonl(&out);
        let ok: Vec<bool> = lines
            .iter()
            .map(|line| line["ok"].as_bool().unwrap())
            .collect();
        assert_eq!(ok, [true, times == 1, false], "{out}{err}");
        assert_eq!(lines[2]["execution"], "never");
        assert_eq!(status, if times == 1 { 2 } else { 3 }, "{out}{err}");
        assert_eq!(summary["status"], status);
        assert_eq!(fleet.ran().len(), 2);
    }
}

#[test]
fn silent_hosts_are_left_out_of_the_rest_of_a_script() {
    let fleet = Fleet::start();
    let hosts = fleet.hosts(&[("a", "ok"), ("b", "refuse"), ("c", "fault")]);
    let file = fleet.path("silent");
    let run = || {
        let silent = ["--exclude-silent", file.to_str().unwrap()];
        let call = ["-w", &hosts, "-o", "jsonl", "call", "run", "x"];
        jsonl(&fleet.run(&[&call, &silent[..]].concat()).1).0.len()
    };
    assert_eq!((run(), run()), (3, 2));
    assert_eq!(fs::read_to_string(file).unwrap(), "b\n");
}

#[test]
fn the_password_of_a_url_is_not_shown() {
    let fleet = Fleet::start();
    for url in [
        "http://user:correct-horse@127.0.0.1:1/RPC2",
        "htp://user:correct-horse@127.0.0.1:1/RPC2",
        "conn+rpc://user:correct-horse@127.0.0.1:1",
    ] {
        for form in ["lines", "gathered", "table", "jsonl"] {
            let (status, out, err) = fleet.run(&["-w", url, "-o", form, "call", "echo", "{url}"]);
            assert_eq!(status, 2, "{url}");
            assert!(
                !(out + &err).contains("correct-horse"),
                "{url} {form}: {err}"
            );
        }
    }
}

#[test]
fn without_hosts_the_options_for_many_are_refused() {
    let fleet = Fleet::start();
    let url = format!("http://127.0.0.1:{}/ok/a", fleet.server.port);
    for options in [
        &["--retries", "1"][..],
        &["-o", "jsonl"],
        &["-x", "a"],
        &["--dry-run"],
    ] {
        let (status, out, err) = fleet.run(&[&["call", &url, "echo", "1"], options].concat());
        assert_eq!((status, out.as_str()), (2, ""), "{options:?}");
        assert!(err.contains("needs -w"), "{err}");
    }
    let (status, _, err) = fleet.run(&["-w", "a", "send", "conn://127.0.0.1:1", "1"]);
    assert!(status == 2 && err.contains("-w is for"), "{err}");
    let (status, _, err) = fleet.run(&["-w", "a", "send", "conn://127.0.0.1:1"]);
    assert!(status == 2 && err.contains("-w is for"), "{err}");
    let (status, _, err) = fleet.run(&["-w", "a", "call"]);
    assert_eq!(status, 2, "{err}");
    let (status, _, err) = fleet.run(&["run", "uptime"]);
    assert!(
        status == 2 && err.contains("the URL or the PROGRAM is missing"),
        "{err}"
    );
    for command in [&["top"][..], &["tail", "/x"], &["subscribe", "x"]] {
        let (status, _, err) = fleet.run(&[&["-w", &url, "--dry-run"], command].concat());
        assert!(status == 2 && err.contains("--dry-run is not for"), "{err}");
    }
    let (status, _, err) = fleet.run(&["-w", "@nowhere.txt", "ping"]);
    assert!(
        status == 2 && err.contains("no such file of hosts"),
        "{err}"
    );
    let (status, out, _) = fleet.run(&["ping", &url]);
    assert!(status == 0 && out.contains(" ms"), "{out}");
}

#[test]
fn streams_of_every_protocol_are_shown() {
    let fleet = Fleet::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let count = |end: u32| {
        let (sender, stream) = Stream::channel(1);
        tokio::spawn(async move {
            for number in 0..end {
                if sender.send(number).await.is_err() {
                    return;
                }
            }
        });
        stream
    };
    let (connection, http, lines) = runtime.block_on(async {
        let server = rpc::Server::new();
        server.register_function("count", count).unwrap();
        let connection = server.bind("127.0.0.1:0").await.unwrap();
        let registry = Registry::new();
        registry.register_function("count", count).unwrap();
        let service = Service::new(registry);
        let server = jsonrpc::Server::of(ServerOptions::default(), service.clone());
        let http = server.bind("127.0.0.1:0").await.unwrap();
        let server = SocketServer::new(service, Framing::Lines);
        let lines = server.bind("127.0.0.1:0").await.unwrap();
        let urls = (connection.url(), http.url(), lines.url());
        tokio::spawn(connection.serve());
        tokio::spawn(http.serve());
        tokio::spawn(lines.serve());
        urls
    });
    let web = http.replace("http://", "ws://");
    for url in [&connection, &lines, &web] {
        let (status, out, err) = fleet.run(&["subscribe", url, "count", "3"]);
        assert_eq!(status, 0, "{url}: {err}");
        assert_eq!(out, format!("{url}: 0\n{url}: 1\n{url}: 2\n"));
    }
    let file = fleet.path("streams");
    fs::write(&file, format!("a {connection}\nb {lines}\nc {web}\n")).unwrap();
    let hosts = format!("@{}", file.display());
    let (status, out, err) = fleet.run(&["-w", &hosts, "subscribe", "count", "2"]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(
        sorted(&out),
        ["a: 0", "a: 1", "b: 0", "b: 1", "c: 0", "c: 1"]
    );
    let (status, _, err) = fleet.run(&["subscribe", &format!("json+{http}"), "count", "3"]);
    assert!(status == 2 && err.contains("(`ws://…`)"), "{err}");
}

#[test]
fn long_results_of_some_hosts_do_not_delay_the_time_limits_of_others() {
    let fleet = Fleet::start();
    let names: Vec<String> = (0..8).map(|number| format!("long{number}")).collect();
    let mut hosts: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "long")).collect();
    hosts.push(("silent", "blackhole"));
    let hosts = fleet.hosts(&hosts);
    let (_, out, err) = fleet.run(&["-w", &hosts, "--timeout", "2", "-o", "jsonl", "ping"]);
    let (lines, _) = jsonl(&out);
    let silent = lines.iter().find(|line| line["host"] == "silent").unwrap();
    let ms = silent["ms"].as_f64().unwrap();
    assert!(ms < 3000.0, "{ms}: {err}");
}
