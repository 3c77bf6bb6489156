//! Tests that run the example programs for many hosts.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use demo::Demo;
use farcall::{rpc, xmlrpc};
use tempfile::NamedTempFile;

/// A file of hosts: `count` that serve, by turns over XML-RPC and over connections.
struct Hosts {
    file: NamedTempFile,
    lines: String,
}

impl Hosts {
    async fn new(count: usize, register: impl Fn(&xmlrpc::Server, &rpc::Server)) -> Self {
        let mut lines = String::new();
        for number in 1..=count {
            let (http, session) = (xmlrpc::Server::new(), rpc::Server::new());
            register(&http, &session);
            let url = if number % 2 == 0 {
                let bound = http.bind("127.0.0.1:0").await.unwrap();
                let url = bound.url();
                tokio::spawn(bound.serve());
                url
            } else {
                let bound = session.bind("127.0.0.1:0").await.unwrap();
                let url = bound.url();
                tokio::spawn(bound.serve());
                url
            };
            writeln!(lines, "node{number} {url}").unwrap();
        }
        let file = NamedTempFile::new().unwrap();
        Self { file, lines }
    }

    async fn demo(count: usize) -> Self {
        let register = |http: &xmlrpc::Server, session: &rpc::Server| {
            http.register_instance(Demo::default()).unwrap();
            session.register_instance(Demo::default()).unwrap();
        };
        Self::new(count, register).await
    }

    /// Adds a host where nobody listens.
    fn with_one_down(mut self) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        self.lines += &format!("# A comment.\n\ndown http://{address}/RPC2\n");
        self
    }

    async fn run(&self, program: &str, args: &[&str]) -> (String, Output) {
        std::fs::write(self.file.path(), &self.lines).unwrap();
        let mut command = Command::new(program);
        command.arg(self.file.path()).args(args);
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = output.await.unwrap().unwrap();
        (String::from_utf8(output.stdout.clone()).unwrap(), output)
    }
}

#[tokio::test]
async fn fleet_call_prints_a_line_for_each_host() {
    let hosts = Hosts::demo(4).await.with_one_down();
    let args = ["concat", "I am ", "{host}", "--retries", "1"];
    let (text, output) = hosts.run(env!("CARGO_BIN_EXE_fleet-call"), &args).await;
    assert!(output.status.success());
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 6, "{text}");
    for line in &lines[..5] {
        let name = line["host"].as_str().unwrap();
        if name == "down" {
            assert_eq!(line["execution"], "never");
            assert_eq!(line["attempts"], 2);
        } else {
            assert_eq!(line["result"], format!("I am {name}"));
        }
    }
}

#[tokio::test]
async fn fleet_facts_prints_csv() {
    let hosts = Hosts::demo(4).await.with_one_down();
    let (text, output) = hosts.run(env!("CARGO_BIN_EXE_fleet-facts"), &[]).await;
    assert!(output.status.success());
    let mut lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.remove(0), "host,url,time,methods,error");
    assert_eq!(lines.len(), 5, "{text}");
    for line in lines {
        let fields: Vec<_> = line.splitn(5, ',').collect();
        let is_down = fields[0] == "down";
        assert_eq!(fields[2].is_empty(), is_down, "{line}");
        assert_eq!(fields[4].contains("cannot connect"), is_down, "{line}");
    }
}

#[tokio::test]
async fn fleet_jobs_does_all_jobs_without_the_host_that_is_down() {
    let hosts = Hosts::demo(3).await.with_one_down();
    let (text, output) = hosts.run(env!("CARGO_BIN_EXE_fleet-jobs"), &[]).await;
    assert!(output.status.success(), "{output:?}");
    let sum: i64 = (0..10_000).map(|n| n + 1).sum();
    let last = format!("the sum of all results is {sum}");
    assert_eq!(text.lines().last(), Some(&*last), "{text}");
    assert!(!text.contains("down:"), "{text}");
}

#[tokio::test]
async fn fleet_restart_stops_at_the_first_bad_batch() {
    for sick in [usize::MAX, 5] {
        let restarts = Arc::new(AtomicUsize::new(0));
        let register = |http: &xmlrpc::Server, session: &rpc::Server| {
            let count = Arc::clone(&restarts);
            let restart = move || {
                count.fetch_add(1, Ordering::SeqCst);
            };
            let count = Arc::clone(&restarts);
            let is_healthy = move || count.load(Ordering::SeqCst) < sick;
            let name = "restart";
            http.register_function(name, restart.clone()).unwrap();
            session.register_function(name, restart).unwrap();
            let name = "is_healthy";
            http.register_function(name, is_healthy.clone()).unwrap();
            session.register_function(name, is_healthy).unwrap();
        };
        let hosts = Hosts::new(40, register).await;
        let (text, output) = hosts.run(env!("CARGO_BIN_EXE_fleet-restart"), &[]).await;
        let (batches, count) = (
            text.matches("batch ").count(),
            text.matches(": restarted").count(),
        );
        assert!(text.starts_with("batch 1: 1 hosts\n"), "{text}");
        if sick == 5 {
            assert_eq!(output.status.code(), Some(1), "{text}");
            assert_eq!((batches, restarts.load(Ordering::SeqCst)), (2, 5), "{text}");
        } else {
            assert!(output.status.success(), "{output:?}");
            assert_eq!((batches, count), (3, 40), "{text}");
        }
    }
}

#[test]
fn the_rolling_restart_has_40_lines() {
    let text = include_str!("../src/bin/fleet-restart.rs");
    let (_, code) = text.split_once("async fn run()").unwrap();
    assert!(code.lines().count() <= 40);
}
