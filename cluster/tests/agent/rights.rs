//! Rights of callers, facts, processes, and services of a program.

use std::process::{Command, Stdio};

use farcall::cluster::agent::{
    Agent, AgentApi, AgentOptions, Allow, FactsOptions, FileOptions, FileRoot, ProcessOptions,
    RunOptions, Signal, TailOptions,
};
use farcall::conn::auth::AuthKeys;
use farcall::rpc::{Client, Stream};
use farcall::{CallError, FaultKind, service};

use super::{Node, refused};

/// The outcome of each call of the agent, by the name of its method.
async fn outcomes(agent: &Client) -> Vec<(&'static str, Result<(), CallError>)> {
    let nothing = || Stream::channel(1).1;
    let none = "0".repeat(64);
    let path = "/no/such/folder/file";
    vec![
        ("facts.all", agent.facts().await.map(drop)),
        (
            "facts.host",
            agent
                .call::<farcall::Value>("facts.host", ())
                .await
                .map(drop),
        ),
        ("processes.list", agent.processes().await.map(drop)),
        (
            "processes.signal",
            agent.signal_process(0, Signal::Cont, None).await.map(drop),
        ),
        ("run.output", agent.run(&[], None).await.map(drop)),
        ("run.start", agent.start(&[], None, None).await.map(drop)),
        ("files.stat", agent.stat_file(path).await.map(drop)),
        ("files.list", agent.list_files(path).await.map(drop)),
        ("files.checksum", agent.checksum_file(path).await.map(drop)),
        ("files.remove", agent.remove_file(path).await.map(drop)),
        ("files.get", agent.get_file(path, None).await.map(drop)),
        (
            "files.put",
            agent.put_file(path, nothing(), None).await.map(drop),
        ),
        (
            "files.partial",
            agent.partial_file(path, &none).await.map(drop),
        ),
        ("tail.follow", agent.tail_file(path, None).await.map(drop)),
    ]
}

/// Returns the names of the methods that fail as `kind` with a text that contains `text`.
async fn failed(agent: &Client, kind: FaultKind, text: &str) -> Vec<&'static str> {
    let outcomes = outcomes(agent).await.into_iter();
    let fails = |(name, result): (&'static str, Result<(), CallError>)| {
        let error = result.err()?;
        let fault = error.fault()?;
        (fault.kind() == kind && fault.message().contains(text)).then_some(name)
    };
    outcomes.filter_map(fails).collect()
}

const ALL: [&str; 14] = [
    "facts.all",
    "facts.host",
    "processes.list",
    "processes.signal",
    "run.output",
    "run.start",
    "files.stat",
    "files.list",
    "files.checksum",
    "files.remove",
    "files.get",
    "files.put",
    "files.partial",
    "tail.follow",
];

fn every_module(allow: impl Fn(&str) -> Allow) -> AgentOptions {
    AgentOptions::none()
        .facts(FactsOptions::default().allow(allow("facts")))
        .processes(
            ProcessOptions::default()
                .allow(allow("processes"))
                .signal(true),
        )
        .run(RunOptions::default().allow(allow("run")))
        .files(
            FileOptions::default()
                .allow(allow("files"))
                .roots(vec![FileRoot::write("/no/such/root")]),
        )
        .tail(
            TailOptions::default()
                .allow(allow("tail"))
                .roots(vec!["/no/such/root".into()]),
        )
}

#[tokio::test]
async fn only_facts_are_on_by_default() {
    let agent = Agent::new().unwrap();
    let bound = agent.bind("127.0.0.1:0").await.unwrap();
    let node = Node::serve(agent, bound);
    let agent = node.client().await;
    assert_eq!(failed(&agent, FaultKind::UnknownMethod, "").await, ALL[2..]);
    let facts = agent.facts().await.unwrap();
    assert!(facts.cpu.logical > 0 && facts.memory.total >= facts.memory.available);
    assert!(facts.uptime > 0 && !facts.host.kernel.is_empty() && !facts.host.name.is_empty());
    // As the command calls it.
    let command = node.command().await;
    assert_eq!(command.facts().await.unwrap().host, facts.host);
    node.stop().await;
}

#[tokio::test]
async fn each_label_has_its_own_rights() {
    let modules = ["facts", "processes", "run", "files", "tail"];
    let agent = Agent::with_options(every_module(|module| Allow::nobody().key(module))).unwrap();
    let keys = modules.map(|module| (module, format!("the key of {module}")));
    let bound = agent
        .bind("127.0.0.1:0")
        .authkeys(AuthKeys::new(keys.clone()).unwrap());
    let node = Node::serve(agent, bound.await.unwrap());
    for (module, key) in keys {
        let client = Client::connect(&node.address).authkey(key).await.unwrap();
        let denied = failed(&client, FaultKind::Denied, "this caller may not call").await;
        let others = ALL
            .iter()
            .filter(|name| name.split('.').next() != Some(module));
        assert!(denied.iter().eq(others), "{module}: {denied:?}");
    }
    node.stop().await;
}

#[tokio::test]
async fn a_caller_without_a_proof_is_nobody() {
    let node = Node::start(every_module(|_| Allow::nobody().key("deploy").user(0))).await;
    let agent = node.client().await;
    let denied = failed(&agent, FaultKind::Denied, "this caller may not call").await;
    assert_eq!(denied, ALL);
    node.stop().await;
}

#[tokio::test]
async fn users_of_the_machine_have_rights_over_unix_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let me = nix::unistd::geteuid().as_raw();
    for (user, permitted) in [(me, true), (me + 1, false)] {
        let options = every_module(|_| Allow::nobody().user(user));
        let agent = Agent::with_options(options).unwrap();
        let socket = folder.path().join(user.to_string());
        let bound = agent.bind(socket.as_path()).await.unwrap();
        let node = Node::serve(agent, bound);
        let client = node.client().await;
        assert_eq!(client.run(&["true"], None).await.is_ok(), permitted);
        node.stop().await;
    }
}

#[tokio::test]
async fn services_of_the_program_have_rights_too() {
    struct Deployer;

    #[service(prefix = "deployer")]
    impl Deployer {
        pub fn version(&self) -> u32 {
            7
        }
    }

    struct Clock;

    #[service(prefix = "clock")]
    impl Clock {
        pub fn hour(&self) -> u32 {
            12
        }
    }

    let agent = Agent::new().unwrap();
    let agent = agent
        .with_rights(&Allow::nobody().key("deploy"), Deployer)
        .unwrap();
    let agent = agent.with(Clock).unwrap();
    let keys = AuthKeys::new([("deploy", "a"), ("watch", "b")]).unwrap();
    let bound = agent.bind("127.0.0.1:0").authkeys(keys).await.unwrap();
    let node = Node::serve(agent, bound);
    let deploy = Client::connect(&node.address).authkey("a").await.unwrap();
    let watch = Client::connect(&node.address).authkey("b").await.unwrap();
    assert_eq!(deploy.call::<u32>("deployer.version", ()).await.unwrap(), 7);
    refused(
        watch.call::<u32>("deployer.version", ()).await,
        FaultKind::Denied,
    );
    for client in [deploy, watch] {
        assert_eq!(client.call::<u32>("clock.hour", ()).await.unwrap(), 12);
    }
    // A name of a module is taken.
    struct Facts;

    #[service(prefix = "facts")]
    impl Facts {
        pub fn all(&self) {}
    }

    assert!(Agent::new().unwrap().with(Facts).is_err());
    node.stop().await;
}

#[test]
fn settings_that_can_serve_nobody_are_refused() {
    let error = |options| Agent::with_options(options).unwrap_err().to_string();
    for module in ["files", "tail"] {
        let options = AgentOptions::default().enable(module).unwrap();
        assert!(error(options).contains("has no root"), "{module}");
    }
    if nix::unistd::geteuid().is_root() {
        let run = RunOptions::default().user("nobody-has-this-name".to_owned().into());
        assert!(error(AgentOptions::default().run(run)).contains("does not exist"));
        let run = RunOptions::default().users(vec!["nobody-has-this-name".to_owned()]);
        assert!(error(AgentOptions::default().run(run)).contains("does not exist"));
    }
}

#[tokio::test]
async fn the_number_of_a_signal_is_no_signal() {
    let options = ProcessOptions::default()
        .allow(Allow::everyone())
        .signal(true);
    let node = Node::start(AgentOptions::none().processes(options)).await;
    let mut child = Command::new("sleep")
        .arg("1000")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    for client in [node.command().await, node.client().await] {
        for number in [0, 1, 3, 9, 15] {
            let args = (child.id(), number);
            let sent = client.call::<bool>("processes.signal", args).await;
            refused(sent, FaultKind::InvalidParams);
        }
    }
    let client = node.command().await;
    let message = refused(
        client
            .call::<bool>("processes.signal", (child.id(), 0))
            .await,
        FaultKind::InvalidParams,
    );
    assert!(message.contains("the name of a signal: HUP"), "{message}");
    assert!(child.try_wait().unwrap().is_none(), "it lives");
    let args = (child.id(), "SigTerm");
    assert!(client.call::<bool>("processes.signal", args).await.unwrap());
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    node.stop().await;
}

#[tokio::test]
async fn processes_are_listed_and_get_signals() {
    let options = ProcessOptions::default()
        .allow(Allow::everyone())
        .signal(true);
    let node = Node::start(AgentOptions::none().processes(options)).await;
    let agent = node.client().await;
    let mut child = Command::new("sleep")
        .arg("1000")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let found = async |pid| {
        let all = agent.processes().await.unwrap();
        all.into_iter().find(|process| process.pid == pid)
    };
    let mut sleep = found(child.id()).await.expect("it runs");
    while sleep.name != "sleep" {
        sleep = found(child.id()).await.expect("it runs");
    }
    assert_eq!(sleep.command, ["sleep", "1000"]);
    assert_eq!(sleep.parent, Some(std::process::id()));
    let signal = async |started| {
        let sent = agent
            .signal_process(child.id(), Signal::Term, started)
            .await;
        sent.unwrap()
    };
    // One that was started at another time is another process.
    assert!(!signal(Some(sleep.started - 1)).await);
    assert!(signal(Some(sleep.started)).await);
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert!(
        !agent
            .signal_process(child.id(), Signal::Term, None)
            .await
            .unwrap()
    );
    // Numbers that mean groups, everything, the first process and the agent.
    for pid in [0, u32::MAX, 1 << 31] {
        let sent = agent.signal_process(pid, Signal::Cont, None).await;
        refused(sent, FaultKind::InvalidParams);
    }
    for pid in [1, std::process::id()] {
        let sent = agent.signal_process(pid, Signal::Cont, None).await;
        refused(sent, FaultKind::Denied);
    }
    node.stop().await;
    let options = ProcessOptions::default().allow(Allow::everyone());
    let node = Node::start(AgentOptions::none().processes(options)).await;
    let agent = node.client().await;
    refused(
        agent.signal_process(2, Signal::Cont, None).await,
        FaultKind::Denied,
    );
    node.stop().await;
}
