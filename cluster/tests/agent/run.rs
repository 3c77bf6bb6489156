//! Commands.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use farcall::cluster::agent::{
    AgentApi, AgentOptions, Allow, CommandApi, CommandEvent, CommandExit, CommandOptions,
    RunOptions, Signal, StartedCommand,
};
use farcall::rpc::Stream;
use farcall::{FaultKind, Value};

use super::{Node, eventually, refused};

fn options() -> RunOptions {
    RunOptions::default()
        .allow(Allow::everyone())
        .grace(Duration::from_millis(500))
}

async fn node(options: RunOptions) -> Node {
    Node::start(AgentOptions::none().run(options)).await
}

/// Returns `true` if there is no such process, not even one that nobody has waited for.
fn is_gone(pid: &str) -> bool {
    !Path::new("/proc").join(pid.trim()).exists()
}

/// Reads the file that a command writes the ids of its processes into.
async fn pids(file: &Path, count: usize) -> Vec<String> {
    let read = || fs::read_to_string(file).unwrap_or_default();
    eventually("the processes start", || read().lines().count() == count).await;
    read().lines().map(str::to_owned).collect()
}

async fn collect(command: &mut StartedCommand) -> (Vec<u8>, Vec<u8>, Option<CommandExit>) {
    let (mut stdout, mut stderr, mut exit) = (Vec::new(), Vec::new(), None);
    while let Some(event) = command.events.next().await {
        match event.expect("the command runs") {
            CommandEvent::Stdout(bytes) => stdout.extend_from_slice(&bytes),
            CommandEvent::Stderr(bytes) => stderr.extend_from_slice(&bytes),
            CommandEvent::Exit(end) => exit = Some(end),
        }
    }
    (stdout, stderr, exit)
}

#[tokio::test]
async fn a_command_returns_its_status_and_output() {
    let node = node(options()).await;
    let agent = node.client().await;
    let script = "echo out; echo err >&2; printf '\\377'; exit 3";
    let output = agent.run(&["sh", "-c", script], None).await.unwrap();
    assert_eq!((output.status, output.signal), (Some(3), None));
    assert_eq!(output.stdout, "out\n\u{fffd}");
    assert_eq!(output.stderr, "err\n");
    assert!(!output.is_success() && !output.truncated && !output.timed_out);
    let output = agent.run(&["sh", "-c", "kill -9 $$"], None).await.unwrap();
    assert_eq!((output.status, output.signal), (None, Some(9)));
    // No shell: the argument is one, whatever is in it.
    let output = agent.run(&["echo", "$HOME; exit 1"], None).await.unwrap();
    assert_eq!(output.stdout, "$HOME; exit 1\n");
    node.stop().await;
}

#[tokio::test]
async fn the_command_line_needs_only_the_program() {
    let node = node(options()).await;
    let agent = node.command().await;
    let argv = vec!["echo", "hello"];
    let Value::Struct(output) = agent.call("run.output", (argv,)).await.unwrap() else {
        panic!("a struct");
    };
    assert_eq!(output.get("stdout"), Some(&Value::from("hello\n")));
    assert_eq!(output.get("status"), Some(&Value::from(0)));
    let options = std::collections::BTreeMap::from([("directory", "/usr"), ("input", "typed")]);
    let argv = vec!["sh", "-c", "pwd; cat"];
    let Value::Struct(output) = agent.call("run.output", (argv, options)).await.unwrap() else {
        panic!("a struct");
    };
    assert_eq!(output.get("stdout"), Some(&Value::from("/usr\ntyped")));
    // A setting that does not exist is no silent default.
    let options = std::collections::BTreeMap::from([("timeout", 5)]);
    let result = agent.call::<Value>("run.output", (vec!["true"], options));
    refused(result.await, FaultKind::InvalidParams);
    node.stop().await;
}

#[tokio::test]
async fn the_environment_is_not_that_of_the_agent() {
    let node = node(options()).await;
    let agent = node.client().await;
    // Cargo sets it for the tests.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let settings = CommandOptions::default()
        .env("COLOUR", "red and green")
        .directory("/usr");
    let script = "env; pwd";
    let output = agent
        .run(&["sh", "-c", script], Some(settings))
        .await
        .unwrap();
    let has = |line: &str| output.stdout.lines().any(|own| own == line);
    assert!(
        has("COLOUR=red and green") && has("/usr"),
        "{}",
        output.stdout
    );
    assert!(output.stdout.contains("HOME=/") && output.stdout.contains("PATH=/"));
    assert!(!output.stdout.contains("CARGO"), "{}", output.stdout);
    for name in ["", "A=B", "NUL\0"] {
        let settings = CommandOptions::default().env(name, "x");
        refused(
            agent.run(&["true"], Some(settings)).await,
            FaultKind::InvalidParams,
        );
    }
    node.stop().await;
}

#[tokio::test]
async fn a_command_that_cannot_start_did_not_run() {
    let node = node(options()).await;
    let agent = node.client().await;
    let no_such = "/no/such/program";
    for argv in [
        &[][..],
        &[""],
        &[no_such],
        &["tr\0ue"],
        &["/etc/passwd"],
        &["true", "\0"],
    ] {
        refused(agent.run(argv, None).await, FaultKind::InvalidParams);
        refused(
            agent.start(argv, None, None).await,
            FaultKind::InvalidParams,
        );
    }
    let settings = CommandOptions::default().directory("relative");
    refused(
        agent.run(&["true"], Some(settings)).await,
        FaultKind::InvalidParams,
    );
    let settings = CommandOptions::default().directory("/no/such/directory");
    let message = refused(
        agent.run(&["true"], Some(settings)).await,
        FaultKind::InvalidParams,
    );
    assert!(message.contains("/no/such/directory"), "{message}");
    node.stop().await;
}

#[tokio::test]
async fn nothing_is_left_of_a_command_whose_call_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pids");
    let node = node(options()).await;
    let agent = node.client().await;
    let script = format!(
        "sleep 1000 & echo $! > {0}; echo $$ >> {0}; wait",
        file.display()
    );
    let argv = ["sh", "-c", &script];
    let call = agent.run(&argv, None);
    let pids = tokio::select! {
        output = call => panic!("it runs for long: {output:?}"),
        pids = pids(&file, 2) => pids,
    };
    eventually("all are gone", || pids.iter().all(|pid| is_gone(pid))).await;
    node.stop().await;
}

#[tokio::test]
async fn nothing_is_left_when_the_caller_vanishes() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(options()).await;
    let (run, started) = (folder.path().join("run"), folder.path().join("start"));
    let script = |file: &Path| {
        // It does not end by TERM.
        let file = file.display();
        format!(
            "trap '' TERM; (trap '' TERM; sleep 1000) & echo $! > {file}; echo $$ >> {file}; \
                 while :; do sleep 1; done"
        )
    };
    let agent = node.client().await;
    let other = agent.clone();
    let script_of_run = script(&run);
    let call = tokio::spawn(async move { other.run(&["sh", "-c", &script_of_run], None).await });
    let command = agent
        .start(&["sh", "-c", &script(&started)], None, None)
        .await
        .unwrap();
    let mut all = pids(&run, 2).await;
    all.extend(pids(&started, 2).await);
    // The connection breaks: all of its owners are dropped at once.
    call.abort();
    drop((command, agent));
    eventually("all are gone", || all.iter().all(|pid| is_gone(pid))).await;
    node.stop().await;
}

#[tokio::test]
async fn nothing_is_left_when_the_agent_stops() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pids");
    let node = node(options()).await;
    let agent = node.client().await;
    let script = format!(
        "sleep 1000 & echo $! > {0}; echo $$ >> {0}; wait",
        file.display()
    );
    let command = agent
        .start(&["sh", "-c", &script], None, None)
        .await
        .unwrap();
    let pids = pids(&file, 2).await;
    node.stop().await;
    // The other one was not the agent's own child: the system waits for it.
    assert!(is_gone(&pids[1]));
    eventually("all are gone", || pids.iter().all(|pid| is_gone(pid))).await;
    drop(command);
}

#[test]
fn nothing_is_left_when_the_runtime_ends() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pids");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let script = format!(
        "sleep 1000 & echo $! > {0}; echo $$ >> {0}; wait",
        file.display()
    );
    let pids = runtime.block_on(async {
        let node = node(options()).await;
        let agent = node.client().await;
        let command = agent
            .start(&["sh", "-c", &script], None, None)
            .await
            .unwrap();
        let pids = pids(&file, 2).await;
        std::mem::forget(command);
        std::mem::forget(node);
        pids
    });
    drop(runtime);
    // The system reaps them some time after the parent, which is this test, ends.
    let is_dead = |pid: &String| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.is_empty() || status.contains("State:\tZ")
    };
    let begin = Instant::now();
    while !pids.iter().all(is_dead) {
        assert!(begin.elapsed() < Duration::from_secs(10), "they live on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn what_a_command_leaves_in_the_background_ends_with_it() {
    let node = node(options()).await;
    let agent = node.client().await;
    let begin = Instant::now();
    let argv = ["sh", "-c", "sleep 1000 & echo $!"];
    let output = agent.run(&argv, None).await.unwrap();
    assert_eq!(output.status, Some(0));
    eventually("it is gone", || is_gone(&output.stdout)).await;
    // One that has left the group keeps the output open, and nobody waiting.
    let argv = ["sh", "-c", "setsid sleep 15 & echo started"];
    let output = agent.run(&argv, None).await.unwrap();
    assert_eq!(output.stdout, "started\n");
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    node.stop().await;
}

#[tokio::test]
async fn a_command_ends_when_its_time_has_passed() {
    let node = node(options().timeout(Duration::from_millis(300))).await;
    let agent = node.client().await;
    // The limit of the agent, and one of the caller that is longer or shorter.
    let long = CommandOptions::default().timeout(Duration::from_secs(1000));
    let short = CommandOptions::default().timeout(Duration::from_millis(10));
    for settings in [None, Some(long), Some(short)] {
        let argv = ["sh", "-c", "echo begun; sleep 1000"];
        let output = agent.run(&argv, settings).await.unwrap();
        assert!(output.timed_out && output.signal == Some(15), "{output:?}");
    }
    // It may tidy up, within the grace.
    let argv = [
        "sh",
        "-c",
        "trap 'echo tidy; exit 7' TERM; echo begun; sleep 1000 & wait",
    ];
    let output = agent.run(&argv, None).await.unwrap();
    assert!(output.timed_out && output.status == Some(7), "{output:?}");
    assert_eq!(output.stdout, "begun\ntidy\n");
    let argv = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"];
    let output = agent.run(&argv, None).await.unwrap();
    assert!(output.timed_out && output.signal == Some(9), "{output:?}");
    node.stop().await;
}

#[tokio::test]
async fn the_deadline_of_the_call_ends_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pids");
    let node = node(options()).await;
    let agent = node.client().await;
    let script = format!("echo $$ > {}; exec sleep 1000", file.display());
    let argv = ["sh", "-c", &script];
    let hasty = agent.within(Duration::from_millis(1500));
    let error = hasty.run(&argv, None).await.unwrap_err();
    let kind = error.fault().map(farcall::Fault::kind);
    assert_eq!(kind, Some(FaultKind::DeadlineExceeded), "{error:?}");
    let pid = pids(&file, 1).await;
    eventually("it is gone", || is_gone(&pid[0])).await;
    node.stop().await;
}

#[tokio::test]
async fn more_output_than_allowed_is_discarded() {
    let node = node(options().max_output(1000)).await;
    let agent = node.client().await;
    let argv = ["sh", "-c", "yes | head -c 3000000; yes | head -c 999 >&2"];
    for (asked, got) in [(None, 1000), (Some(10), 10), (Some(u64::MAX), 1000)] {
        let settings = asked.map(|bytes| CommandOptions::default().max_output(bytes));
        let output = agent.run(&argv, settings).await.unwrap();
        assert_eq!(output.status, Some(0));
        assert_eq!(output.stdout.len(), got);
        assert!(output.truncated);
    }
    node.stop().await;
}

#[tokio::test]
async fn a_slow_reader_slows_the_command() {
    let node = node(options()).await;
    let agent = node.client().await;
    let argv = ["dd", "if=/dev/zero", "bs=65536", "count=200", "status=none"];
    let mut command = agent.start(&argv, None, None).await.unwrap();
    let pid = command.process.pid().await.unwrap();
    let written = || {
        let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
        let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
        line.unwrap().parse::<u64>().unwrap()
    };
    eventually("it begins", || written() > 0).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = written();
    // The window of the stream, the channel, and the pipe.
    assert!(before < 1 << 20, "{before}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(written(), before, "it waits");
    let (stdout, _, exit) = collect(&mut command).await;
    assert_eq!(stdout.len(), 200 * 65536);
    assert!(exit.unwrap().is_success());
    node.stop().await;
}

#[tokio::test]
async fn standard_input_is_a_stream() {
    let node = node(options()).await;
    let agent = node.client().await;
    let (sender, stdin) = Stream::channel(1);
    let settings = CommandOptions::default().input("first ");
    let mut command = agent
        .start(&["cat"], Some(settings), Some(stdin))
        .await
        .unwrap();
    for word in ["second ", "third"] {
        sender
            .send(Bytes::from_static(word.as_bytes()))
            .await
            .unwrap();
    }
    drop(sender);
    let (stdout, _, exit) = collect(&mut command).await;
    assert_eq!(stdout, b"first second third");
    assert!(exit.unwrap().is_success());
    // A command that does not read its input ends nevertheless, and the sender learns it.
    let (sender, stdin) = Stream::channel(1);
    let mut command = agent.start(&["true"], None, Some(stdin)).await.unwrap();
    let (_, _, exit) = collect(&mut command).await;
    assert!(exit.unwrap().is_success());
    sender.closed().await;
    // Without any, it is empty.
    let output = agent.run(&["cat"], None).await.unwrap();
    assert!(output.is_success() && output.stdout.is_empty());
    node.stop().await;
}

#[tokio::test]
async fn signals_reach_the_whole_group() {
    let node = node(options()).await;
    let agent = node.client().await;
    let argv = [
        "sh",
        "-c",
        "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.05; done",
    ];
    let mut command = agent.start(&argv, None, None).await.unwrap();
    let next = async |command: &mut StartedCommand| command.events.next().await.unwrap().unwrap();
    assert_eq!(
        next(&mut command).await,
        CommandEvent::Stdout("ready\n".into())
    );
    assert!(command.process.signal(Signal::Cont).await.unwrap());
    assert!(command.process.signal(Signal::Kill).await.unwrap());
    let (_, _, exit) = collect(&mut command).await;
    assert_eq!(exit.unwrap().signal, Some(9));
    // Nobody else gets it now.
    assert!(!command.process.signal(Signal::Kill).await.unwrap());
    node.stop().await;
}

#[tokio::test]
async fn commands_beyond_the_limit_are_refused() {
    let node = node(options().max_commands(2)).await;
    let agent = node.client().await;
    let first = agent.start(&["sleep", "1000"], None, None).await.unwrap();
    let second = agent.start(&["sleep", "1000"], None, None).await.unwrap();
    let message = refused(agent.run(&["true"], None).await, FaultKind::Overloaded);
    assert!(message.contains("2 commands"), "{message}");
    drop(first);
    let begin = Instant::now();
    while agent.run(&["true"], None).await.is_err() {
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "the place is free again"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(second);
    node.stop().await;
}

#[tokio::test]
async fn commands_run_as_another_user_with_its_groups() {
    if !nix::unistd::geteuid().is_root() {
        let refused = farcall::cluster::agent::Agent::with_options(
            AgentOptions::none().run(options().user(Some("root".to_owned()))),
        );
        assert!(refused.is_err(), "it cannot");
        return;
    }
    let users = vec!["daemon".to_owned()];
    let node = node(options().user(Some("nobody".to_owned())).users(users)).await;
    let agent = node.client().await;
    let argv = [
        "sh",
        "-c",
        "id -un; id -G; echo $HOME $USER; grep -E '^(Uid|Groups)' /proc/self/status",
    ];
    let output = agent.run(&argv, None).await.unwrap();
    let expected = std::process::Command::new("id")
        .args(["-G", "nobody"])
        .output()
        .unwrap();
    let groups = String::from_utf8(expected.stdout).unwrap();
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines[..2], ["nobody", groups.trim()], "{output:?}");
    assert!(lines[2].ends_with(" nobody"), "{output:?}");
    // All four ids: it cannot become root again.
    assert_eq!(
        lines[3]
            .split_whitespace()
            .skip(1)
            .filter(|id| *id == "0")
            .count(),
        0
    );
    let as_daemon = CommandOptions::default().user("daemon");
    let output = agent.run(&["id", "-un"], Some(as_daemon)).await.unwrap();
    assert_eq!(output.stdout, "daemon\n");
    for other in ["root", "0", "nobody\n", ""] {
        let settings = CommandOptions::default().user(other);
        refused(agent.run(&["id"], Some(settings)).await, FaultKind::Denied);
    }
    // The agent itself is still root.
    assert!(nix::unistd::geteuid().is_root());
    assert!(fs::read("/etc/shadow").is_ok());
    node.stop().await;
}
