//! The example programs, run as their users run them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

use tests::{newest_python, pythons};
use xmlrpc::blocking::Client;

/// A program that runs until it is dropped or told to stop, and the lines that it prints.
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
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn demo_server(args: &[&str]) -> Running {
    Running::new(env!("CARGO_BIN_EXE_demo-server"), args)
}

#[test]
fn quickstart_prints_calls_from_rust_and_python() {
    let _python = newest_python();
    let output = Command::new(env!("CARGO_BIN_EXE_quickstart"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
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
    ] {
        assert!(
            text.lines().any(|printed| printed == line),
            "{line} is not in\n{text}"
        );
    }
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
fn the_demo_server_stops_cleanly_and_finishes_what_runs() {
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
        // The counter tells that the thread's next call is the one that is to be finished.
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

/// Both pairs meet at the same port, so they are one test.
#[test]
fn the_adders_add_for_each_other() {
    let script = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/python/");
        format!("exec(open({folder:?} + {name:?}).read())")
    };
    let sums = "3 + 5 = 8\n20 + 22 = 42\n-1 + 1 = 0\n";
    let mut server = Running::new(env!("CARGO_BIN_EXE_adder-server"), &[]);
    assert_eq!(server.line(), "listening on 0.0.0.0:16000");
    for python in pythons().iter().filter(|python| python.version >= (3, 6)) {
        assert_eq!(python.run_text(&script("adder_client.py"), &[]), sums);
    }
    drop(server);

    for python in pythons().iter().filter(|python| python.version >= (3, 6)) {
        let mut command = python.command_text(&script("adder_server.py"), &[]);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut server = Running::of(child);
        assert!(server.line().starts_with("listening on "));
        let client = Command::new(env!("CARGO_BIN_EXE_adder-client"))
            .output()
            .unwrap();
        let printed = String::from_utf8(client.stdout).unwrap();
        let errors = String::from_utf8_lossy(&client.stderr);
        assert_eq!(printed, sums, "CPython {:?}: {errors}", python.version);
    }
}

/// What hostile requests cost at the most, seen from outside: tests in one process share memory.
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
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
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
    // Chunks of one byte each: what is kept must be the bytes, not the pieces.
    let tiny = b"1\r\n \r\n".repeat(2 << 20);
    let mut stream = TcpStream::connect(address).unwrap();
    let head =
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
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

/// In mebibytes.
#[cfg(target_os = "linux")]
fn peak_memory(process: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = peak.unwrap().split_whitespace().nth(1).unwrap();
    kibibytes.parse::<u64>().unwrap() / 1024
}

/// Pickles that would fill the memory or the stack, or run for ever, are no commands: they come back as
/// they are, and quickly.
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
    // Announced, and never sent.
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

/// The README's first program is the one that is compiled here, and it is short.
#[test]
fn the_first_program_of_the_readme_is_hello() {
    let readme = include_str!("../../README.md");
    let start = readme.find("```rust").unwrap();
    let block = readme[start..]
        .split("```")
        .nth(1)
        .unwrap()
        .split_once('\n')
        .unwrap()
        .1;
    let hello = include_str!("../src/bin/hello.rs");
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let code: Vec<&str> = hello
        .lines()
        .filter(|line| !line.starts_with("//!"))
        .collect();
    assert_eq!(squeezed(block), squeezed(&code.join("\n")));
    let lines = block.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 20, "{lines} lines");
}
