//! Tests that run the example programs.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use farcall::xmlrpc::blocking::Client;
use tests::{newest_python, pythons};

/// A program that runs until it is dropped or stopped, and the lines that it prints.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    fn new(program: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        let child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        Self::of(child)
    }

    fn of(mut child: Child) -> Self {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("it prints one more line").unwrap()
    }

    #[cfg(unix)]
    fn signal(&mut self, signal: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(kill.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn demo_server(args: &[&str]) -> Running {
    Running::new(env!("CARGO_BIN_EXE_demo-server"), args)
}

#[test]
fn the_demo_server_shows_its_figures() {
    let mut server = demo_server(&["--xmlrpc", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let line = server.line();
    let url = line.strip_prefix("listening metrics http://").unwrap();
    let address = url.strip_suffix("/metrics").unwrap();
    let line = server.line();
    let client = Client::new(line.strip_prefix("listening xmlrpc ").unwrap()).unwrap();
    client.call::<i64>("add", (3, 5)).unwrap();
    let get = |path: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        std::io::read_to_string(stream).unwrap()
    };
    assert!(get("/readyz").ends_with("ready\n"));
    let figures = get("/metrics");
    let calls = "{rpc_system_name=\"xmlrpc\",rpc_method=\"add\"} 1\n";
    assert!(figures.contains(calls), "{figures}");
}

#[test]
fn quickstart_prints_calls_from_rust_and_python() {
    let _python = newest_python();
    let text = printed(env!("CARGO_BIN_EXE_quickstart"));
    for line in [
        "  add(3, 5)  →  8",
        "  greet(\"Ada\",)  →  \"Hello, Ada!\"",
        "  divide(1, 0)  →  fault 1: division by zero",
        "  client.increment(2)  →  2   (a typed client)",
        "  two calls in one request  →  42, \"Hello, Grace!\"",
        "  >>> server.add(3, 5)",
        "  'Hello, Guido!'",
        "  <Fault 1: 'division by zero'>",
        "  [3, 5]  →  8",
        "  with another key  →  the peer rejected the authkey",
        "  >>> c.send([20, 22]); c.recv()",
        "  AuthenticationError('digest sent was rejected')",
        "  client.increment(1)  →  43   (the counter that XML-RPC calls)",
        "  client.countdown(3)  →  3 2 1 0   (a stream)",
        "  client.new_counter()  →  an object of the server; own.increment(5)  →  5",
    ] {
        assert_line(&text, line);
    }
}

fn assert_line(text: &str, line: &str) {
    assert!(
        text.lines().any(|printed| printed == line),
        "{line} is not in\n{text}"
    );
}

/// Runs a program until it exits, and returns its output.
fn printed(program: &str) -> String {
    let output = Command::new(program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    text
}

#[test]
fn the_demo_server_answers_the_one_liner() {
    let mut server = demo_server(&["--xmlrpc", "127.0.0.1:0"]);
    let line = server.line();
    let url = line.strip_prefix("listening xmlrpc ").unwrap();
    assert!(
        url.starts_with("http://127.0.0.1:") && url.ends_with("/RPC2"),
        "{line}"
    );
    let program = "import sys, xmlrpc.client as x; s=x.ServerProxy(sys.argv[1]); \
                   print(s.add(3,5), s.system.listMethods(), s.system.methodSignature('add'))";
    let printed = newest_python().run_text(program, &[url.strip_suffix("/RPC2").unwrap()]);
    assert!(
        printed.starts_with("8 ['add', 'blob', 'concat', 'counter.increment', "),
        "{printed}"
    );
    assert!(
        printed.ends_with("] [['int', 'int', 'int']]\n"),
        "{printed}"
    );
}

#[cfg(unix)]
#[test]
fn the_demo_server_stops_cleanly_and_finishes_running_calls() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["-INT", "-TERM"] {
        let socket = folder.path().join("rpc.sock");
        let path = socket.to_str().unwrap();
        let mut server = demo_server(&["--xmlrpc", "127.0.0.1:0", "--xmlrpc-unix", path]);
        let line = server.line();
        let url = line.strip_prefix("listening xmlrpc ").unwrap().to_owned();
        assert_eq!(server.line(), format!("listening xmlrpc-unix {path}"));
        let unix = Client::new(&format!("http+unix://{path}:/RPC2")).unwrap();
        assert_eq!(unix.call::<i64>("counter.increment", (1,)).unwrap(), 1);
        drop(unix);

        let client = Client::new(&url).unwrap();
        let sleeper = client.clone();
        let sleeping = std::thread::spawn(move || {
            sleeper.call::<bool>("counter.increment", (1,)).is_err()
                && sleeper.call::<bool>("sleep", (1.0,)).unwrap()
        });
        // The counter shows that the thread has reached the call that must be finished.
        while client.call::<i64>("counter.value", ()).unwrap() < 2 {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        server.signal(signal);
        assert!(sleeping.join().unwrap(), "the call in flight is answered");
        assert!(
            server.child.wait().unwrap().success(),
            "exit status 0 after {signal}"
        );
        assert!(!socket.exists(), "the socket file goes with the server");
    }
}

const PEER: &str = "
import sys
from multiprocessing.connection import Client

for address in sys.argv[1:]:
    host, colon, port = address.rpartition(':')
    c = Client((host, int(port)) if colon else address, authkey=b'12345')
    c.send(('add', 3, 5))
    assert c.recv() == 8
    c.send(('add', 0.5, 1))
    assert c.recv() == 1.5
    x = {'a': [1, 2.5, None, True], ('b', 2): {b'bytes', 10**30}, 'c': bytearray(b'x')}
    c.send(('roundtrip', x))
    y = c.recv()
    assert y == x and type(y['c']) is bytearray, y
    for same in (['add', 'a', 'b'], ('other', 1), 'quitting', {}):
        c.send(same)
        assert c.recv() == same
    for same in (b'no pickle', b'x' * 100000):
        c.send_bytes(same)
        assert c.recv_bytes() == same
    c.send('quit')
    try:
        c.recv()
    except EOFError:
        print('bye')
";

#[cfg(unix)]
#[test]
fn the_demo_server_answers_over_connections() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "12345\n").unwrap();
    let socket = folder.path().join("conn.sock");
    let (key, path) = (key.to_str().unwrap(), socket.to_str().unwrap());
    let mode = || {
        let file = std::fs::metadata(&socket).unwrap();
        std::os::unix::fs::MetadataExt::mode(&file) & 0o777
    };
    for (asked, expected) in [(&[][..], 0o600), (&["--unix-mode", "660"], 0o660)] {
        let mut server = demo_server(&[&["--conn-unix", path], asked].concat());
        server.line();
        assert_eq!(mode(), expected);
        server.signal("-TERM");
        server.child.wait().unwrap();
    }
    let mut server = demo_server(&[
        "--conn",
        "127.0.0.1:0",
        "--conn-unix",
        path,
        "--authkey-file",
        key,
        "--legacy-md5",
    ]);
    let line = server.line();
    let address = line.strip_prefix("listening conn ").unwrap();
    assert_eq!(server.line(), format!("listening conn-unix {path}"));
    let printed = newest_python().run_text(PEER, &[address, path]);
    assert_eq!(printed, "bye\nbye\n");

    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success());
    assert!(!socket.exists(), "the socket file goes with the server");
}

#[cfg(unix)]
#[test]
fn the_demo_server_offers_one_object_over_both_protocols() {
    use std::path::Path;

    use farcall::rpc::Client as Calls;

    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "12345\n").unwrap();
    for signal in ["-INT", "-TERM"] {
        let socket = folder.path().join("rpc.sock");
        let path = socket.to_str().unwrap();
        let mut server = demo_server(&[
            "--xmlrpc",
            "127.0.0.1:0",
            "--rpc",
            "127.0.0.1:0",
            "--rpc-unix",
            path,
            "--authkey-file",
            key.to_str().unwrap(),
        ]);
        let line = server.line();
        let url = line.strip_prefix("listening xmlrpc ").unwrap().to_owned();
        let line = server.line();
        let address = line.strip_prefix("listening rpc conn+rpc://").unwrap();
        assert_eq!(server.line(), format!("listening rpc-unix {path}"));
        let over_http = Client::new(&url).unwrap();
        assert_eq!(over_http.call::<i64>("counter.increment", (1,)).unwrap(), 1);

        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let tcp = Calls::connect(address).authkey("12345").await.unwrap();
            let unix = Calls::connect(Path::new(path)).authkey("12345");
            let unix = unix.await.unwrap();
            for (calls, value) in [(&tcp, 2), (&unix, 3)] {
                let counted: i64 = calls.call("counter.increment", (1,)).await.unwrap();
                assert_eq!(counted, value);
            }
            let sleeper = tcp.clone();
            let sleeping = tokio::spawn(async move { sleeper.call::<bool>("sleep", (1.0,)).await });
            // Calls of one connection start in order, so that call runs once this one is answered.
            let _: i64 = tcp.call("counter.value", ()).await.unwrap();
            server.signal(signal);
            assert!(sleeping.await.unwrap().unwrap(), "it is answered");
            tcp.closed().await;
        });
        assert!(
            server.child.wait().unwrap().success(),
            "exit status 0 after {signal}"
        );
        assert!(!socket.exists(), "the socket file goes with the server");
    }
}

#[cfg(unix)]
#[test]
fn workers_are_replaced_while_calls_continue() {
    use std::collections::BTreeSet;

    let workers = env!("CARGO_BIN_EXE_workers");
    let mut supervisor = Running::new(workers, &["127.0.0.1:0", "2"]);
    let id = supervisor.line();
    let line = supervisor.line();
    let url = format!("http://{}", line.strip_prefix("listening ").unwrap());
    // A connection stays with its worker. One that stops serves the second call too.
    let ask = || {
        let client = Client::new(&url).unwrap();
        assert_eq!(client.call::<i64>("add", (3, 5)).unwrap(), 8);
        client.call::<u32>("process", ()).unwrap()
    };
    let all = || -> BTreeSet<u32> { (0..30).map(|_| ask()).collect() };
    let first = all();
    assert!(first.iter().all(|worker| id != format!("process {worker}")));
    supervisor.signal("-HUP");
    while !all().is_disjoint(&first) {}
    supervisor.signal("-TERM");
    assert!(supervisor.child.wait().unwrap().success());
}

#[test]
fn socket_servers_answer_cpython() {
    let echoes = "b'Hello\\n'\nb'World\\n'\nb''\n";
    for program in [
        env!("CARGO_BIN_EXE_echo-server"),
        env!("CARGO_BIN_EXE_echo-threads"),
    ] {
        let mut server = Running::new(program, &["127.0.0.1:0"]);
        let line = server.line();
        let address = line.strip_prefix("listening on ").unwrap();
        // Sockets of CPython 2 are no context managers.
        for python in pythons().iter().filter(|python| python.version >= (3, 6)) {
            let client = include_str!("../python/echo_client.py");
            assert_eq!(python.run_text(client, &[address]), echoes);
        }
    }
    let mut server = Running::new(env!("CARGO_BIN_EXE_time-server"), &["127.0.0.1:0"]);
    let line = server.line();
    let address = line.strip_prefix("listening on ").unwrap();
    let client = include_str!("../python/time_client.py");
    let printed = newest_python().run_text(client, &[address]);
    let seconds: u64 = printed.trim().parse().unwrap();
    assert!(seconds > 1_700_000_000, "{printed}");
}

#[test]
fn static_files_stand_beside_the_service() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("www")).unwrap();
    std::fs::write(folder.path().join("www/index.html"), "<p>a page").unwrap();
    std::fs::write(folder.path().join("secret"), "secret").unwrap();
    let www = folder.path().join("www");
    let args = [www.to_str().unwrap(), "127.0.0.1:0"];
    let mut server = Running::new(env!("CARGO_BIN_EXE_static-files"), &args);
    let line = server.line();
    let url = line.strip_prefix("listening on ").unwrap();
    let program = "
import http.client, json, sys, xmlrpc.client
url = sys.argv[1]
c = http.client.HTTPConnection(url.split('//')[1])
def ask(method, path, body=None, **headers):
    c.request(method, path, body, headers)
    r = c.getresponse()
    return r.status, r.read(), r.getheader('x-content-type-options')
assert ask('GET', '/') == (200, b'<p>a page', 'nosniff'), ask('GET', '/')
for path in '/../secret', '/%2e%2e/secret', '//secret', '/missing':
    assert ask('GET', path)[0] == 404, path
assert xmlrpc.client.ServerProxy(url + '/RPC2').add(3, 5) == 8
call = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'add', 'params': [3, 5]})
headers = {'content-type': 'application/json'}
assert json.loads(ask('POST', '/RPC2', call, **headers)[1])['result'] == 8
assert ask('POST', '/RPC2', call, host='evil.example', **headers)[0] == 403
print('fine')
";
    assert_eq!(newest_python().run_text(program, &[url]), "fine\n");
}

#[cfg(unix)]
#[test]
fn the_demo_server_speaks_scgi() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("scgi.sock");
    let path = socket.to_str().unwrap();
    let mut server = demo_server(&["--scgi", "127.0.0.1:0", "--scgi-unix", path]);
    let line = server.line();
    let url = line.strip_prefix("listening scgi ").unwrap();
    assert_eq!(server.line(), format!("listening scgi-unix {path}"));
    for url in [
        url,
        &format!("scgi+unix://{path}"),
        &format!("scgi://{path}"),
    ] {
        let client = Client::new(url).unwrap();
        assert_eq!(client.call::<i64>("add", (3, 5)).unwrap(), 8);
    }
}

#[test]
fn one_calculator_answers_python_and_rust() {
    let _python = newest_python();
    let text = printed(env!("CARGO_BIN_EXE_calculator"));
    assert_eq!(text, "Python adds 3: 3\nRust adds 5: 8\n");
}

#[test]
fn the_chat_room_calls_its_members() {
    let text = printed(env!("CARGO_BIN_EXE_chat"));
    assert_eq!(
        text,
        "Ada enters.\n  Ada hears  Ada has joined.\n\
         Grace enters, over a connection of her own.\n\
         \x20 Ada hears  Grace has joined.\n  Grace hears  Grace has joined.\n\
         Grace says something.\n\
         \x20 Ada hears  Grace: Hello, Ada!\n  Grace hears  Grace: Hello, Ada!\n\
         Grace's connection closes.\n  Ada hears  Grace has left.\n"
    );
}

/// A member whose process is killed leaves the room as well.
#[test]
fn the_chat_room_notices_a_member_that_is_killed() {
    let chat = env!("CARGO_BIN_EXE_chat");
    let mut room = Running::new(chat, &["serve", "127.0.0.1:0"]);
    let line = room.line();
    let address = line.strip_prefix("The room is open at ").unwrap();
    let address = address.strip_suffix('.').unwrap();
    let join = |name| {
        let mut command = Command::new(chat);
        command.args(["join", address, name]);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Running::of(pipes.spawn().unwrap())
    };
    let mut ada = join("Ada");
    assert_eq!(ada.line(), "Ada has joined.");
    let mut grace = join("Grace");
    assert_eq!(grace.line(), "Grace has joined.");
    let mut typed = grace.child.stdin.take().unwrap();
    typed.write_all(b"Hello, Ada!\n").unwrap();
    assert_eq!(grace.line(), "Grace: Hello, Ada!");
    grace.child.kill().unwrap();
    let heard: Vec<String> = (0..3).map(|_| ada.line()).collect();
    assert_eq!(
        heard,
        ["Grace has joined.", "Grace: Hello, Ada!", "Grace has left."]
    );
}

#[test]
fn jobs_report_their_progress_and_can_be_cancelled() {
    let text = printed(env!("CARGO_BIN_EXE_jobs"));
    for line in [
        "  job 1: 25 %",
        "  job 1: 148933 primes",
        "  job 2: 25 %, which is enough",
        "  job 2 is cancelled",
        "  job 3: 100 %",
        "  job 3: 1229 primes",
    ] {
        assert_line(&text, line);
    }
    let position = |line: &str| text.find(line).unwrap();
    assert!(
        position("which is enough") < position("job 3 has a worker"),
        "there are two workers:\n{text}"
    );
}

#[cfg(unix)]
#[test]
fn a_node_agent_serves_callers_by_their_rights() {
    let text = printed(env!("CARGO_BIN_EXE_node-agent"));
    for line in [
        "Deployed before: 1.0",
        "The command says: restarted",
        "Deployed now: 2.0",
        "The node has a memory: true",
        "The watcher is refused: this caller may not call `app.deploy`",
        "The watcher is refused: this caller may not call `run.output`",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}: {text}");
    }
}

#[cfg(unix)]
#[test]
fn logs_of_two_hosts_are_followed() {
    use farcall::cluster::agent::{Agent, AgentOptions, Allow, TailOptions};

    let folder = tempfile::tempdir().unwrap();
    let (key, log) = (folder.path().join("key"), folder.path().join("log"));
    std::fs::write(&key, "a secret of those who read logs").unwrap();
    std::fs::write(&log, "first\n").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let hosts = [(), ()].map(|()| {
        runtime.block_on(async {
            let tail = TailOptions::default()
                .allow(Allow::everyone())
                .roots(vec![folder.path().to_owned()]);
            let agent = Agent::with_options(AgentOptions::default().tail(tail)).unwrap();
            let bound = agent.bind("127.0.0.1:0").encrypted();
            let bound = bound
                .authkey("a secret of those who read logs")
                .await
                .unwrap();
            let address = bound.local_address().to_string();
            tokio::spawn(bound.serve());
            address
        })
    });
    let mut tail = Running::new(
        env!("CARGO_BIN_EXE_tail-logs"),
        &[
            "--authkey-file",
            key.to_str().unwrap(),
            log.to_str().unwrap(),
            &hosts[0],
            &hosts[1],
        ],
    );
    let mut two_lines = || {
        let mut lines = [tail.line(), tail.line()];
        lines.sort();
        lines
    };
    let expected = |text: &str| {
        let mut lines = [0, 1].map(|host| format!("{}: {text}", hosts[host]));
        lines.sort();
        lines
    };
    assert_eq!(two_lines(), expected("first"));
    let mut file = std::fs::File::options().append(true).open(&log).unwrap();
    file.write_all(b"\x1b[2Jsecond\n").unwrap();
    assert_eq!(two_lines(), expected("\\u{1b}[2Jsecond"));
}

#[test]
fn counters_are_dropped_with_their_clients() {
    let text = printed(env!("CARGO_BIN_EXE_counters"));
    for line in [
        "  Ada counts    1, 2",
        "  Grace counts  10",
        "  The server has 2 counters.",
        "  Grace's counter is dropped",
        "  Ada's counter is dropped",
    ] {
        assert_line(&text, line);
    }
    let milliseconds = |begin: &str| -> u64 {
        let line = text.lines().find(|line| line.contains(begin)).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        words[words.len() - 2].parse().unwrap()
    };
    let (separate, pipelined) = (milliseconds("one call after"), milliseconds("pipelined"));
    assert!(
        separate >= 200 && (100..separate).contains(&pipelined),
        "{text}"
    );

    for lease in [0, 2] {
        let counters = env!("CARGO_BIN_EXE_counters");
        let leased = ["serve", "127.0.0.1:0", "--lease", &lease.to_string()];
        let mut server = Running::new(counters, &leased);
        let line = server.line();
        let address = line.strip_prefix("Counters are made at ").unwrap();
        let address = address.strip_suffix('.').unwrap();
        let mut killed = {
            let mut command = Command::new(counters);
            command.args(["count", address, "Ada"]);
            let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
            Running::of(pipes.spawn().unwrap())
        };
        assert_eq!(killed.line(), "Counters in all: 1");
        let begin = std::time::Instant::now();
        killed.child.kill().unwrap();
        assert_eq!(server.line(), "  Ada's counter is dropped");
        assert!(begin.elapsed() >= std::time::Duration::from_secs(lease));
    }
}

#[test]
fn errors_of_the_programs_name_the_address_or_the_file() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let demo_server = env!("CARGO_BIN_EXE_demo-server");
    for option in ["--xmlrpc", "--rpc", "--conn"] {
        let text = error(demo_server, &[option, &address]);
        let expected = format!("cannot listen on {address}: ");
        assert!(text.contains(&expected), "{option}: {text}");
    }
    let key = ["--conn", "127.0.0.1:0", "--authkey-file", "/nowhere/key"];
    let text = error(demo_server, &key);
    assert!(text.contains("the key file /nowhere/key: "), "{text}");

    drop(taken);
    let text = error(env!("CARGO_BIN_EXE_chat"), &["join", &address, "Ada"]);
    let expected = format!("chat: cannot connect to {address}: Connection refused");
    assert!(text.starts_with(&expected), "{text}");
}

/// One test, since both pairs use the same port.
#[test]
fn the_adders_add_for_each_other() {
    let script = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/python/");
        format!("exec(open({folder:?} + {name:?}).read())")
    };
    let sums = "3 + 5 = 8\n20 + 22 = 42\n-1 + 1 = 0\n";
    let mut server = Running::new(env!("CARGO_BIN_EXE_adder-server"), &[]);
    assert_eq!(server.line(), "listening on 127.0.0.1:16000");
    for python in pythons().iter().filter(|python| python.version >= (3, 6)) {
        assert_eq!(python.run_text(&script("adder_client.py"), &[]), sums);
    }
    drop(server);

    for python in pythons().iter().filter(|python| python.version >= (3, 6)) {
        let mut command = python.command_text(&script("adder_server.py"), &[]);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut server = Running::of(child);
        assert!(server.line().starts_with("listening on "));
        // Peers that disconnect, or have another key, do not stop the server.
        drop(TcpStream::connect("127.0.0.1:16000").unwrap());
        let stranger = farcall::conn::Connection::connect("127.0.0.1:16000").authkey("another");
        let stranger: Result<
            farcall::conn::blocking::Connection<i64, i64, farcall::pickle::Pickle>,
            _,
        > = stranger.legacy_md5(true).wait();
        assert!(stranger.is_err());
        let client = Command::new(env!("CARGO_BIN_EXE_adder-client"))
            .output()
            .unwrap();
        let printed = String::from_utf8(client.stdout).unwrap();
        let errors = String::from_utf8_lossy(&client.stderr);
        assert_eq!(printed, sums, "CPython {:?}: {errors}", python.version);
    }
}

#[test]
fn python_works_on_a_queue_of_jobs() {
    let mut server = Running::new(
        env!("CARGO_BIN_EXE_job-queue"),
        &["--address", "127.0.0.1:0"],
    );
    let line = server.line();
    let address = line.strip_prefix("listening on ").unwrap();
    let script = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/python/");
        format!("exec(open({folder:?} + {name:?}).read())")
    };
    for python in pythons().iter().filter(|python| python.version >= (3, 6)) {
        let workers: Vec<Running> = (0..2)
            .map(|_| {
                let mut command = python.command_text(&script("job_worker.py"), &[address]);
                Running::of(command.stdout(Stdio::piped()).spawn().unwrap())
            })
            .collect();
        let printed = python.run_text(&script("job_producer.py"), &[address]);
        assert_eq!(printed, "10 jobs, the sum of their squares is 285\n");
        drop(workers);
    }
    assert_eq!(server.line(), "10 jobs were done");
}

#[test]
fn rust_works_on_a_queue_of_python() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/job_server.py");
    let script = format!("exec(open({script:?}).read())");
    for python in pythons().iter().filter(|python| python.version >= (3, 6)) {
        let mut command = python.command_text(&script, &["0"]);
        let mut server = Running::of(command.stdout(Stdio::piped()).spawn().unwrap());
        let line = server.line();
        let address = line.strip_prefix("listening on ").unwrap();
        let _worker = Running::new(env!("CARGO_BIN_EXE_job-worker"), &["--address", address]);
        assert_eq!(server.line(), "10 jobs, the sum of their squares is 285");
    }
}

#[test]
fn values_are_kept_over_tls_in_a_server_in_python() {
    let made = tests::certificates::Certificates::new();
    let [certificate, key] = ["cookbook.pem", "cookbook.key"].map(|name| made.text(name));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/key_value_server.py");
    let mut command = newest_python().command_at(script.as_ref());
    let command = command.args([&certificate, &key]).stdout(Stdio::piped());
    let mut server = Running::of(command.spawn().unwrap());
    assert_eq!(server.line(), "listening on https://localhost:15000");
    let client = Command::new(env!("CARGO_BIN_EXE_key-value-client"))
        .arg(&certificate)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&client.stderr), "");
    let expected = "foo is bar\nthe keys are [\"foo\"]\nfoo exists: false\n";
    assert_eq!(String::from_utf8_lossy(&client.stdout), expected);
}

#[test]
fn the_blocking_programs_call_each_other() {
    let mut server = Running::new(env!("CARGO_BIN_EXE_blocking-server"), &[]);
    let line = server.line();
    assert!(
        line.starts_with("listening on http://127.0.0.1:16002/RPC2 and "),
        "{line}"
    );
    let text = printed(env!("CARGO_BIN_EXE_blocking-client"));
    assert_eq!(text, "over HTTP: 3\nover a connection: 8\n");
    let sources = [
        include_str!("../src/bin/blocking-server.rs"),
        include_str!("../src/bin/blocking-client.rs"),
    ];
    for program in sources {
        let lines = program.lines().count();
        assert!(lines <= 25, "{lines} lines");
    }
}

/// Measures the peak memory under hostile requests from outside, since tests in one process share
/// memory.
#[cfg(target_os = "linux")]
#[test]
fn hostile_requests_take_little_memory() {
    use std::io::Read;
    use std::net::TcpStream;

    let mut server = demo_server(&["--xmlrpc", "127.0.0.1:0"]);
    let line = server.line();
    let url = line.strip_prefix("listening xmlrpc ").unwrap();
    let address = url
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix("/RPC2")
        .unwrap();
    let ask = |headers: &str, length: usize, body: &[u8]| {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    };
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        bomb.write_all(&blanks).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let nested = format!(
        "<methodCall><methodName>echo</methodName><params><param>{}{}</param></params></methodCall>",
        "<value><array><data>".repeat(10_000),
        "</data></array></value>".repeat(10_000)
    );
    // Chunks of one byte each: the server must keep the bytes only, not an allocation per chunk.
    let tiny = b"1\r\n \r\n".repeat(2 << 20);
    let mut stream = TcpStream::connect(address).unwrap();
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream
        .write_all(&[head.as_bytes(), &tiny, b"0\r\n\r\n"].concat())
        .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.contains("-32700"), "{reply}");
    for _ in 0..3 {
        let reply = ask("Content-Encoding: gzip\r\n", bomb.len(), &bomb);
        assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
        let reply = ask("", 1 << 30, b"");
        assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
        let reply = ask("", nested.len(), nested.as_bytes());
        assert!(reply.contains("nested more than 64 deep"), "{reply}");
        assert_eq!(
            Client::new(url)
                .unwrap()
                .call::<i64>("add", (3, 5))
                .unwrap(),
            8
        );
    }
    let mebibytes = peak_memory(&server);
    assert!(mebibytes < 100, "{mebibytes} MiB at the peak");
}

/// Returns the peak memory in MiB.
#[cfg(target_os = "linux")]
fn peak_memory(process: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = peak.unwrap().split_whitespace().nth(1).unwrap();
    kibibytes.parse::<u64>().unwrap() / 1024
}

/// Pickles that would exhaust the memory or the stack, or never end, are not commands: they are
/// sent back unchanged, and quickly.
#[cfg(target_os = "linux")]
#[test]
fn hostile_pickles_take_little_memory_and_time() {
    use std::io::Read;
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    let mut server = demo_server(&["--conn", "127.0.0.1:0"]);
    let line = server.line();
    let address = line.strip_prefix("listening conn ").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let doubled = |times: usize, pair: &[u8]| [b"N".as_slice(), &pair.repeat(times)].concat();
    let bombs: [(&str, Vec<u8>); 10] = [
        ("marks", b"(".repeat(1 << 20)),
        (
            "tuples in tuples",
            [b"N".as_slice(), &b"\x85".repeat(1 << 20)].concat(),
        ),
        ("lists in lists", b"]".repeat(1 << 20)),
        ("a pair of a pair of …", doubled(1000, b"2\x86")),
        ("the same, through the memo", doubled(250, b"\x94h\x00\x86")),
        (
            "many duplicates",
            [b"N".as_slice(), &b"2".repeat(1 << 20)].concat(),
        ),
        ("a memo with a far place", b"Nr\xff\xff\xff\xff".to_vec()),
        ("a text that is not there", b"X\xff\xff\xff\x7f".to_vec()),
        (
            "a text larger than memory",
            b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
        ),
        ("a list that contains itself", b"]\x94h\x00a".to_vec()),
    ];
    let begin = Instant::now();
    for (name, bomb) in &bombs {
        let message = [b"\x80\x04", bomb.as_slice(), b"."].concat();
        let length = u32::try_from(message.len()).unwrap();
        stream.write_all(&length.to_be_bytes()).unwrap();
        stream.write_all(&message).unwrap();
        let mut answer = vec![0; message.len() + 4];
        stream.read_exact(&mut answer).unwrap();
        assert!(answer[4..] == message, "{name}");
    }
    // Declared, but never sent.
    let mut silent = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&(64_u32 << 20).to_be_bytes()).unwrap();
        silent.push(stream);
    }
    stream.write_all(b"\0\0\0\x01\x00").unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
    let time = begin.elapsed();
    let mebibytes = peak_memory(&server);
    println!(
        "{} bombs: {time:?}, {mebibytes} MiB at the peak",
        bombs.len()
    );
    assert!(mebibytes < 150, "{mebibytes} MiB at the peak");
    assert!(time < Duration::from_secs(20), "{time:?}");
}

#[test]
fn the_cgi_program_answers_one_request() {
    let call = "<?xml version='1.0'?><methodCall><methodName>add</methodName><params>\
                <param><value><int>3</int></value></param>\
                <param><value><int>5</int></value></param></params></methodCall>";
    let Output { status, stdout, .. } = {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cgi"))
            .env("REQUEST_METHOD", "POST")
            .env("CONTENT_TYPE", "text/xml")
            .env("CONTENT_LENGTH", call.len().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(call.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };
    let text = String::from_utf8(stdout).unwrap();
    assert!(status.success());
    assert!(text.starts_with("Status: 200 OK\r\n"), "{text}");
    assert!(text.contains("<value><int>8</int></value>"), "{text}");
}

/// Web servers pass on the headers of a request unchanged.
#[cfg(unix)]
#[test]
fn the_cgi_program_takes_an_environment_that_is_no_utf_8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let call = "<methodCall><methodName>add</methodName><params>\
                <param><value><int>3</int></value></param>\
                <param><value><int>5</int></value></param></params></methodCall>";
    for (name, value, status) in [
        (&b"HTTP_X_NAME"[..], &b"caf\xe9 \xff"[..], "200 OK"),
        (b"HTTP_COOKIE", b"\xff", "200 OK"),
        (b"HTTP_\xff", b"x", "200 OK"),
        (b"\xff\xfe", b"\xff", "200 OK"),
        (b"QUERY_STRING", b"\xff", "200 OK"),
        (b"REMOTE_ADDR", b"\xff", "200 OK"),
        (b"PATH_INFO", b"/caf\xe9", "404 Not Found"),
        (b"REQUEST_METHOD", b"\xff", "405 Method Not Allowed"),
        (b"CONTENT_TYPE", b"\xff", "415 Unsupported Media Type"),
        (b"CONTENT_LENGTH", b"\xff", "411 Length Required"),
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cgi"))
            .env("REQUEST_METHOD", "POST")
            .env("CONTENT_TYPE", "text/xml")
            .env("CONTENT_LENGTH", call.len().to_string())
            .env(OsStr::from_bytes(name), OsStr::from_bytes(value))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Without a content length, the program reads nothing.
        let _ = child.stdin.take().unwrap().write_all(call.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", name.escape_ascii());
        let start = format!("Status: {status}\r\n");
        assert!(text.starts_with(&start), "{}: {text}", name.escape_ascii());
    }
}

/// Checks that the program of the README is the one compiled here, and that it is short.
#[test]
fn the_program_of_the_readme_is_an_example() {
    let readme = include_str!("../../README.md");
    let hello = include_str!("../src/bin/hello.rs");
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let blocks = readme.split("```rust").skip(1);
    let mut blocks = blocks.filter_map(|block| block.split_once('\n')?.1.split("```").next());
    let block = blocks
        .find(|block| block.contains("struct Counter("))
        .unwrap();
    let code = hello.lines().filter(|line| !line.starts_with("//!"));
    let code: Vec<&str> = code.collect();
    assert_eq!(squeezed(block), squeezed(&code.join("\n")));
    let lines = hello.lines().count();
    assert!(lines <= 25, "{lines} lines");
    let lines = include_str!("../src/bin/calculator.rs").lines().count();
    assert!(lines <= 45, "{lines} lines");
}

#[test]
fn the_key_value_server_serves_python_with_a_self_signed_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // An authority without names, as `openssl req -x509 -subj /CN=localhost` makes it.
    let made_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    let common_name = rcgen::DnType::CommonName;
    params.distinguished_name.push(common_name, "localhost");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let (cert, key) = (path("server_cert.pem"), path("server_key.pem"));
    std::fs::write(&cert, params.self_signed(&made_key).unwrap().pem()).unwrap();
    std::fs::write(&key, made_key.serialize_pem()).unwrap();
    let program = env!("CARGO_BIN_EXE_key-value-server");
    let mut server = Running::new(program, &[&cert, &key, "--address", "localhost:0"]);
    let line = server.line();
    let port = line
        .strip_prefix("listening on https://127.0.0.1:")
        .unwrap();
    let url = format!("https://localhost:{port}");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/key_value_client.py");
    for python in pythons() {
        if python.version < (3, 6) {
            continue;
        }
        let output = python
            .command_at(script.as_ref())
            .args([&cert, &url])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let expected = "['foo', 'spam']\nbar [1, 2, 3]\nFalse\nno such key: spam\n";
        assert_eq!(text, expected, "{errors}");
    }
}
