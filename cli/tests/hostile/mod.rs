//! Hosts that answer with terminal escapes, too much, nonsense or never, over each protocol: none
//! of them harms the terminal, the memory or the other hosts.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use farcall::protocol::output::is_harmless;

use super::{Fleet, jsonl, parts};

/// Text that a terminal would obey.
const EVIL: &str = "evil\u{9b}2J\u{7f}\u{202e}\u{2066}\u{2028}\x1b]52;c;eA==\x07\nforged: line";

static MEGABYTE: [u8; 1 << 20] = [0x41; 1 << 20];

/// Runs the command with at most 768 MiB of memory: of addresses, with one arena for all threads.
fn run_limited(fleet: &Fleet, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -v 786432 && exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_farcall"))
        .args(args)
        .env_remove("FARCALL_AUTHKEY")
        .env("HOME", fleet.folder.path())
        .env("MALLOC_ARENA_MAX", "1")
        .env_remove("XDG_CONFIG_HOME");
    parts(command.output().unwrap())
}

/// Checks what a terminal shows.
fn assert_harmless(both: &str, what: &str) {
    let harmful = |c: &char| *c != '\n' && !is_harmless(*c);
    assert_eq!(both.chars().find(harmful), None, "{what}: {both}");
    let is_forged = both.lines().any(|line| line.starts_with("forged"));
    assert!(!is_forged, "{what}: {both}");
}

/// Calls a method of hosts that are hostile but for `good`, in each form of output.
fn call_all(fleet: &Fleet, hosts: &[(&str, String)], timeout: &str) {
    let lines = hosts.iter().map(|(name, url)| format!("{name} {url}\n"));
    let file = fleet.path("hostile");
    fs::write(&file, lines.collect::<String>()).unwrap();
    let file = format!("@{}", file.display());
    for form in ["lines", "gathered", "jsonl"] {
        let options = ["-w", &file, "--timeout", timeout, "-o", form, "--raw"];
        let begin = Instant::now();
        let (status, out, err) =
            run_limited(fleet, &[&options[..], &["call", "echo", "1"]].concat());
        assert!(begin.elapsed() < Duration::from_secs(15), "{form}: {err}");
        assert_eq!(status, 3, "{form}: {out}{err}");
        if form == "jsonl" {
            let (lines, _) = jsonl(&out);
            assert_eq!(lines.len(), hosts.len(), "{out}");
            for line in &lines {
                let name = line["host"].as_str().unwrap();
                assert_eq!(line["ok"] == true, name.starts_with("good"), "{line}");
            }
        } else {
            assert!(out.contains("good"), "{form}: {out}{err}");
        }
        let both = out + &err;
        assert_harmless(&both, form);
        // An error is at most 16 KiB, before escapes.
        let limit = hosts.len() * 32 * 1024;
        assert!(both.len() < limit, "{form}: {}", both.len());
    }
}

#[test]
fn a_hostile_host_harms_neither_the_terminal_nor_the_others() {
    let fleet = Fleet::start();
    let hosts = fleet.hosts(&[
        ("a", "evil"),
        ("b", "huge"),
        ("c", "blackhole"),
        ("d", "ok"),
    ]);
    for form in ["lines", "gathered", "both", "table", "jsonl"] {
        let options = ["-w", &hosts, "--timeout", "2", "-o", form, "--raw"];
        let call = [&options[..], &["call", "echo", "1"]].concat();
        let (status, out, err) = run_limited(&fleet, &call);
        assert_eq!(status, 3, "{form}: {err}");
        let both = out + &err;
        assert_harmless(&both, form);
        assert!(both.len() < 10_000, "{form}: {}", both.len());
    }
}

/// Accepts connections, each on a thread of its own, and returns the address.
fn accept(serve: impl Fn(TcpStream) -> std::io::Result<()> + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, serve) = (stream.unwrap(), serve.clone());
            // It fails when the command has left.
            thread::spawn(move || serve(stream));
        }
    });
    address.to_string()
}

/// Keeps a connection open until the peer closes it.
fn hold(mut stream: TcpStream) -> std::io::Result<()> {
    std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
}

/// Sends these bytes to each connection, so many times.
fn hostile(bytes: &'static [u8], times: usize) -> String {
    let address = accept(move |mut stream| {
        (0..times).try_for_each(|_| stream.write_all(bytes))?;
        hold(stream)
    });
    format!("conn+rpc://{address}")
}

/// A server whose method returns a text for terminals, a fault with one, or its argument.
fn texts() -> String {
    let (sender, url) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let server = farcall::rpc::Server::new();
            let echo = move |what: String| match what.as_str() {
                "fault" => Err(farcall::Fault::new(7, EVIL)),
                "long" => Ok("x".repeat(20 << 20)),
                _ => Ok(EVIL.to_owned()),
            };
            server.register_function("echo", echo).unwrap();
            let bound = server.bind("127.0.0.1:0").await.unwrap();
            sender.send(bound.url()).unwrap();
            bound.serve().await;
        });
    });
    url.recv().unwrap()
}

#[test]
fn a_hostile_host_over_connections_harms_nobody_either() {
    let fleet = Fleet::start();
    let texts = texts();
    let hosts = [
        ("a-silent", hostile(b"", 1)),
        ("b-endless", hostile(&MEGABYTE, 1024)),
        // Lengths of frames of 2 GiB and of 2^63 bytes.
        ("c-frame", hostile(b"\x7f\xff\xff\xff\x1b[2J", 1)),
        (
            "d-frame",
            hostile(b"\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 1),
        ),
        ("e-http", hostile(b"HTTP/1.1 200 OK\r\n\x1b[2J\r\n\r\n", 1)),
        ("f-text", texts.clone()),
        ("g-fault", texts.clone()),
        ("h-long", texts),
    ];
    let lines = hosts.iter().map(|(name, url)| format!("{name} {url}\n"));
    let file = fleet.path("hostile");
    fs::write(&file, lines.collect::<String>()).unwrap();
    let file = format!("@{}", file.display());
    for form in ["lines", "gathered", "jsonl"] {
        let options = ["--timeout", "1", "-o", form, "--raw"];
        for (left_out, argument) in [("g-fault,h-long", "text"), ("@x", "fault"), ("@x", "long")] {
            let mut args = vec!["-w", &file];
            if left_out != "@x" {
                args.extend(["-x", left_out]);
            }
            args.extend(options);
            args.extend(["call", "echo", argument]);
            let begin = Instant::now();
            let (status, out, err) = run_limited(&fleet, &args);
            assert!(begin.elapsed() < Duration::from_secs(10), "{form}");
            assert!([1, 2, 3].contains(&status), "{form}: {err}");
            let both = out + &err;
            assert_harmless(&both, form);
            assert!(both.len() < 10_000, "{form}: {}", both.len());
        }
    }
}

/// A frame of a message over connections.
fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let message = parts.concat();
    let length = u32::try_from(message.len()).unwrap();
    [&length.to_be_bytes()[..], &message].concat()
}

/// A number or the length of a text, in LEB128.
fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [&number(text.len() as u64)[..], text.as_bytes()].concat()
}

fn read_frame(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    stream.read_exact(&mut vec![0; u32::from_be_bytes(length) as usize])
}

/// A peer that speaks the greeting, reads a call, whose number is 1, and then sends these frames,
/// the last of them again and again if `is_endless`, and reads nothing more.
fn greeted(frames: Vec<Vec<u8>>, is_endless: bool) -> String {
    let limits = [64 << 20, 1000, 100, 1000, 1 << 18].map(number).concat();
    let hello = frame(&[b"\0FARCALL\x02\x00", &text("messagepack"), &limits, b"\0"]);
    let address = accept(move |mut stream| {
        read_frame(&mut stream)?;
        stream.write_all(&hello)?;
        read_frame(&mut stream)?;
        frames
            .iter()
            .try_for_each(|frame| stream.write_all(frame))?;
        if is_endless {
            let last = &frames[frames.len() - 1];
            std::iter::repeat(last).try_for_each(|frame| stream.write_all(frame))?;
        }
        hold(stream)
    });
    format!("conn+rpc://{address}")
}

#[test]
fn a_peer_that_floods_after_the_greeting_harms_nobody() {
    let fleet = Fleet::start();
    let evil = EVIL.repeat(2000);
    let causes = [number(16), text(&evil).repeat(16)].concat();
    let fault = [&b"\x03\x01\x00\x0e"[..], &text(&evil), &causes].concat();
    let ok = frame(&[b"\x02\x01\x00", b"\x01"]);
    let hosts = [
        ("good", greeted(vec![ok.clone()], false)),
        // A result twice is a violation that comes too late.
        ("good-twice", greeted(vec![ok.clone(), ok], true)),
        // Arrays within arrays, and one of 2^32 elements.
        (
            "deep",
            greeted(vec![frame(&[b"\x02\x01\x00", &[0x91; 1 << 20]])], false),
        ),
        (
            "count",
            greeted(vec![frame(&[b"\x02\x01\x00\xdd\xff\xff\xff\xff"])], false),
        ),
        (
            "references",
            greeted(vec![frame(&[b"\x02\x01", &number(u64::MAX)])], false),
        ),
        ("fault", greeted(vec![frame(&[&fault])], false)),
        (
            "bye",
            greeted(vec![frame(&[b"\x0d\x00", &text(&evil)])], false),
        ),
        (
            "results",
            greeted(vec![frame(&[b"\x02\x63\x00", &MEGABYTE])], true),
        ),
        (
            "items",
            greeted(vec![frame(&[b"\x07\x05\x00", &MEGABYTE])], true),
        ),
        (
            "pings",
            greeted(vec![frame(&[b"\x0b\x07"]).repeat(1000)], true),
        ),
        ("calls", greeted(vec![calls()], false)),
        ("kind", greeted(vec![frame(&[b"\x63\x1b[2J"])], true)),
    ];
    call_all(&fleet, &hosts, "2");
}

/// Many calls of the caller.
fn calls() -> Vec<u8> {
    let call = |id| frame(&[b"\x01", &number(id), b"\0\0\0", &text(EVIL), b"\0\x90"]);
    (1..100_000).flat_map(call).collect()
}

/// A NATS server that is all of its services: it answers a call in this way.
fn nats(answer: fn(&mut TcpStream, &str, &str) -> std::io::Result<()>) -> String {
    let address = accept(move |mut stream| {
        let info = "INFO {\"server_id\":\"x\",\"server_name\":\"x\",\"version\":\"2.10.0\",\
                    \"go\":\"x\",\"host\":\"127.0.0.1\",\"port\":4222,\"proto\":1,\
                    \"headers\":true,\"max_payload\":1048576,\"client_id\":1}\r\n";
        stream.write_all(info.as_bytes())?;
        let mut lines = BufReader::new(stream.try_clone()?);
        let mut subscription = String::new();
        loop {
            let mut line = Vec::new();
            if lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["PING"] => stream.write_all(b"PONG\r\n")?,
                ["SUB", _, number] => number.clone_into(&mut subscription),
                ["HPUB", _, inbox, _, length] => {
                    lines.read_exact(&mut vec![0; length.parse::<usize>().unwrap() + 2])?;
                    answer(&mut stream, inbox, &subscription)?;
                }
                ["PUB", _, length] => {
                    lines.read_exact(&mut vec![0; length.parse::<usize>().unwrap() + 2])?;
                }
                _ => {}
            }
        }
    });
    format!("nats://{address}/service")
}

/// Sends a message with headers.
fn message(
    stream: &mut TcpStream,
    inbox: &str,
    subscription: &str,
    headers: &str,
    body: &[u8],
) -> std::io::Result<()> {
    let total = headers.len() + body.len();
    let head = format!("HMSG {inbox} {subscription} {} {total}\r\n", headers.len());
    stream.write_all(&[head.as_bytes(), headers.as_bytes(), body, b"\r\n"].concat())
}

#[test]
fn a_hostile_service_over_nats_harms_nobody() {
    let fleet = Fleet::start();
    let hosts = [
        (
            "good-twice",
            nats(|stream, inbox, number| {
                (0..1000).try_for_each(|_| message(stream, inbox, number, "NATS/1.0\r\n\r\n", b"1"))
            }),
        ),
        (
            "text",
            nats(|stream, inbox, number| {
                let line = EVIL.replace('\n', " ");
                let headers = format!(
                    "NATS/1.0\r\nNats-Service-Error: {line}\r\nFarcall-Fault: {line}\r\n\r\n"
                );
                message(stream, inbox, number, &headers, EVIL.as_bytes())
            }),
        ),
        (
            "body",
            nats(|stream, inbox, number| {
                let evil = serde_json::to_string(&EVIL.repeat(1000)).unwrap();
                let causes = vec![&*evil; 16].join(",");
                let body = format!("{{\"code\":7,\"message\":{evil},\"causes\":[{causes}]}}");
                let headers =
                    "NATS/1.0\r\nNats-Service-Error: x\r\nFarcall-Fault: Internal\r\n\r\n";
                message(stream, inbox, number, headers, body.as_bytes())
            }),
        ),
        (
            "status",
            nats(|stream, inbox, number| {
                let headers = format!("NATS/1.0 418 {}\r\n\r\n", EVIL.replace('\n', " "));
                message(stream, inbox, number, &headers, b"")
            }),
        ),
        (
            "type",
            nats(|stream, inbox, number| {
                let headers = "NATS/1.0\r\nContent-Type: application/msgpack; \x1b[2J\r\n\r\n";
                message(stream, inbox, number, headers, b"x")
            }),
        ),
        (
            "deep",
            nats(|stream, inbox, number| {
                message(stream, inbox, number, "NATS/1.0\r\n\r\n", &[b'['; 1 << 20])
            }),
        ),
        (
            // More than `--max-result`.
            "long",
            nats(|stream, inbox, number| {
                let body = format!("\"{}\"", "x".repeat(20 << 20));
                message(stream, inbox, number, "NATS/1.0\r\n\r\n", body.as_bytes())
            }),
        ),
        ("silent", nats(|_, _, _| Ok(()))),
        (
            "flood",
            nats(|stream, inbox, number| {
                let other = format!("{}.99", inbox.rsplit_once('.').unwrap().0);
                loop {
                    message(stream, &other, number, "NATS/1.0\r\n\r\n", &MEGABYTE)?;
                }
            }),
        ),
        (
            "garbage",
            nats(|stream, inbox, number| {
                message(stream, inbox, number, "\x1b[2J GARBAGE\r\n", b"x")
            }),
        ),
        (
            "error",
            nats(|stream, _, _| stream.write_all(b"-ERR '\x1b[2J\xff evil'\r\n")),
        ),
    ];
    call_all(&fleet, &hosts, "3");
}
