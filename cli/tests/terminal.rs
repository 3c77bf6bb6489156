//! Output to the terminal: no control characters, and no passwords.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use farcall::Fault;
use farcall::Json;
use farcall::conn::{Codec, Connection, Listener, MessagePack};
use farcall::pickle::{self, Pickle};
use farcall::protocol::output::is_harmless;
use serde::Serialize;
use tokio::runtime::Runtime;

/// Line breaks, control characters, and characters that change the direction of text.
const EVIL: &str =
    "evil\nforged\r\u{1b}]52;c;eA==\u{7}\u{1b}[2J\u{9b}2J\u{8}\u{7f}\u{202e}\u{2028}\u{200b}";

/// The characters of these that XML allows.
const IN_XML: &str = "evil\nforged\u{9b}2J\u{85}\u{7f}\u{202e}\u{2066}\u{2028}\u{200b}";

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farcall"));
    command.args(args).env_remove("FARCALL_AUTHKEY");
    command
}

/// Runs the command, and returns its exit status, standard output and standard error.
fn farcall(args: &[&str]) -> (i32, String, String) {
    let output = command(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Runs the command, and asserts that it printed this number of lines to standard output and
/// standard error, with no harmful characters in them.
fn assert_harmless(args: &[&str], lines: (usize, usize)) -> String {
    let (_, out, err) = farcall(args);
    let found = (out.lines().count(), err.lines().count());
    assert_eq!(found, lines, "{args:?}: {out:?} {err:?}");
    let both = out + &err;
    let harmful = |character: &char| !matches!(character, '\n' | '\t') && !is_harmless(*character);
    assert_eq!(both.chars().find(harmful), None, "{args:?}: {both:?}");
    assert!(both.contains("evil"), "{args:?}: {both:?}");
    assert!(
        !both.lines().any(|line| line.starts_with("forged")),
        "{args:?}: {both:?}"
    );
    both
}

/// Reads a whole HTTP request, and returns its body.
fn read_request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    String::from_utf8(body).unwrap()
}

/// Starts a server that answers each request with the response that `answer` returns for its body.
/// It runs until the process exits.
fn canned(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let body = read_request(&stream);
            let _ = stream.write_all(answer(&body).as_bytes());
        }
    });
    url
}

fn respond(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

fn reply(value: &str) -> String {
    respond(&format!(
        "<?xml version=\"1.0\"?><methodResponse><params><param><value>{value}</value></param>\
         </params></methodResponse>"
    ))
}

#[test]
fn replies_of_xml_rpc_servers_cannot_control_the_terminal() {
    let url = canned(|body| match body {
        _ if body.contains("system.listMethods") => {
            let names = format!("<value>{IN_XML}</value><value>add</value>");
            reply(&format!("<array><data>{names}</data></array>"))
        }
        _ if body.contains("system.methodHelp") => reply("Adds.\u{9b}2J\r\n\tevil\u{202e}"),
        _ if body.contains("system.methodSignature") => {
            let signature = format!("<array><data><value>{IN_XML}</value></data></array>");
            reply(&format!(
                "<array><data><value>{signature}</value></data></array>"
            ))
        }
        _ if body.contains(">struct<") => {
            let member = format!("<name>{IN_XML}</name><value>{IN_XML}</value>");
            reply(&format!("<struct><member>{member}</member></struct>"))
        }
        _ if body.contains(">fault<") => {
            let code = "<member><name>faultCode</name><value><int>7</int></value></member>";
            let text = format!("<member><name>faultString</name><value>{IN_XML}</value></member>");
            let fault = format!("<value><struct>{code}{text}</struct></value>");
            respond(&format!(
                "<methodResponse><fault>{fault}</fault></methodResponse>"
            ))
        }
        _ if body.contains(">status<") => "HTTP/1.1 500 evil\u{9b}2J\r\n\r\n".to_owned(),
        _ if body.contains(">type<") => {
            format!("HTTP/1.1 200 OK\r\nContent-Type: evil/\u{9b}2J\r\n\r\n<html>{EVIL}")
        }
        _ => respond(&format!("<methodResponse><{IN_XML}>evil")),
    });
    assert_harmless(&["methods", &url], (2, 0));
    let help = assert_harmless(&["help", &url, "add"], (4, 0));
    assert!(
        help.ends_with("Adds.\\u{9b}2J\n\tevil\\u{202e}\n"),
        "{help:?}"
    );
    let result = assert_harmless(&["call", &url, "struct"], (1, 0));
    let value: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_eq!(value[IN_XML], IN_XML, "the value has changed: {result:?}");
    let fault = assert_harmless(&["call", &url, "fault"], (0, 1));
    assert!(fault.starts_with("fault 7: evil\\n"), "{fault:?}");
    for method in ["status", "type", "broken"] {
        let (status, out, err) = farcall(&["call", &url, method]);
        assert_eq!(
            (status, out.as_str(), err.lines().count()),
            (2, "", 1),
            "{err:?}"
        );
        let harmful = |character: char| character != '\n' && !is_harmless(character);
        assert!(!err.contains(harmful), "{err:?}");
    }
}

#[test]
fn replies_over_connections_cannot_control_the_terminal() {
    let runtime = Runtime::new().unwrap();
    let server = farcall::rpc::Server::new();
    server
        .register_function("fault", || Err::<(), _>(Fault::new(7, EVIL)))
        .unwrap();
    server.register_function("text", || vec![EVIL]).unwrap();
    let bound = runtime
        .block_on(async { server.bind("127.0.0.1:0").await })
        .unwrap();
    let url = bound.url();
    runtime.spawn(bound.serve());
    assert_harmless(&["call", &url, "fault"], (0, 1));
    assert_harmless(&["call", &url, EVIL], (0, 1));
    let result = assert_harmless(&["call", &url, "text"], (1, 0));
    let value: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_eq!(value[0], EVIL);

    // A server that rejects the greeting, with a reason.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("conn+rpc://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let length = u8::try_from(EVIL.len()).unwrap();
        let goodbye = [&[13, 0, length], EVIL.as_bytes()].concat();
        let header = u32::try_from(goodbye.len()).unwrap().to_be_bytes();
        stream.write_all(&[&header, &goodbye[..]].concat()).unwrap();
        let _ = stream.read(&mut [0]);
    });
    assert_harmless(&["call", &url, "add"], (0, 1));
}

#[test]
fn messages_cannot_control_the_terminal() {
    fn answer<T, C>(runtime: &Runtime, codec: &str, value: T)
    where
        T: Serialize + Send + Sync + 'static,
        C: Codec,
    {
        let mut listener = runtime
            .block_on(async { Listener::bind("127.0.0.1:0").await })
            .unwrap();
        let url = format!("conn://{}", listener.local_address());
        runtime.spawn(async move {
            let mut peer: Connection<T, (), C> = listener.accept().await.unwrap();
            peer.send(&value).await.unwrap();
            let _ = peer.recv_bytes(1000).await;
            let _ = peer.recv_bytes(1000).await;
        });
        let answer = assert_harmless(&["send", "--codec", codec, &url, "1"], (1, 0));
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert!(answer[0].as_str().unwrap().contains('\u{1b}'), "{answer}");
    }
    let runtime = Runtime::new().unwrap();
    answer::<_, Json>(&runtime, "json", vec![EVIL]);
    answer::<_, MessagePack>(&runtime, "messagepack", vec![EVIL]);
    let text = || pickle::Value::from(EVIL);
    let dict = pickle::Value::dict([(text(), text())]);
    answer::<_, Pickle>(&runtime, "pickle", pickle::Value::List(vec![text(), dict]));
}

#[test]
fn arguments_cannot_control_the_terminal() {
    let (status, _, err) = farcall(&["evil\u{1b}[2J\u{9b}", "--x\u{202e}"]);
    assert_eq!(status, 2);
    assert!(
        err.contains("evil") && !err.contains(['\u{1b}', '\u{9b}', '\u{202e}']),
        "{err:?}"
    );
    assert_harmless(
        &["call", "http://127.0.0.1:1/", "add", "--evil\u{1b}[2J"],
        (0, 8),
    );
}

#[test]
fn a_closed_output_terminates_the_command_silently() {
    let url = canned(|_| {
        // The pipe is closed by then.
        thread::sleep(Duration::from_millis(50));
        reply("a result")
    });
    for args in [
        &["call", url.as_str(), "add"][..],
        &["call", url.as_str(), "add", "--timeout", "20"],
    ] {
        let mut child = command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(141));
        assert_eq!(output.stderr, b"");
    }
    // The same for standard error.
    let mut child = command(&["call", "nonsense", "add"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_failure_to_write_the_output_is_reported() {
    let url = canned(|_| reply("a result"));
    for arguments in [&["call", &url, "add"][..], &["--help"], &["--version"]] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = command(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(
            err.starts_with("farcall: the output cannot be written: "),
            "{arguments:?}: {err}"
        );
    }
}

#[test]
fn no_password_is_shown_however_a_url_is_misspelt() {
    const SCHEMES: &[&str] = &[
        "",
        "http:",
        "http:/",
        "http://",
        "HTTP://",
        "https://",
        "http+unix://",
        "http+unix:",
        "conn+rpc://",
        "conn+rpc:/",
        "conn+rpc+unix://",
        "conn://",
        "conn+unix://",
        "ftp://",
        "//",
        "://",
        "http:// ",
        "\thttp://",
        "http//",
        "htp://",
        "conn+rpc+tls://",
    ];
    const USERS: &[&str] = &[
        "u:s3cret",
        ":s3cret",
        "u:s3cret:x",
        "u%3As3cret",
        "u:a s3cret",
        "u:a/s3cret",
        "u:s3cret/",
        "u:s3cret?",
        "u:s3cret#",
        "u:s3cret\\",
        "u:p@s3cret",
        "u::s3cret",
        "[u:s3cret",
    ];
    const ENDS: &[&str] = &[
        "@127.0.0.1:1/",
        "@[::1/",
        "@http://127.0.0.1:1/",
        "@",
        "@:99999/",
        "@@127.0.0.1:1/",
        "%40127.0.0.1:1/",
        " @127.0.0.1:1/",
        "@127.0.0.1:port/",
        "",
        "/",
        "@/nowhere:/RPC2",
    ];
    let mut state = 1_u32;
    let mut pick = |from: &'static [&'static str]| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        from[state as usize / 65_536 % from.len()]
    };
    for round in 0..160 {
        // A password of letters alone could be taken for a word of the message.
        let password = if round % 20 < 10 { "s3cret" } else { "sesame" };
        let url = [pick(SCHEMES), pick(USERS), pick(ENDS)].concat();
        let url = url.replace("s3cret", password);
        let url = url.as_str();
        let option = format!("--{url}");
        let value = format!("--timeout={url}");
        let args: &[&str] = match round % 10 {
            0 | 1 => &["call", url, "add", "--timeout", "1"],
            2 | 3 => &["send", url, "1", "--timeout", "1"],
            4 => &["methods", url, "--timeout", "1"],
            5 => &[url, "add"],
            6 => &["methods", "http://127.0.0.1:1/", url],
            7 => &["call", "http://127.0.0.1:1/", "add", &option],
            8 => &["call", "http://127.0.0.1:1/", "add", &value],
            _ => &[
                "call",
                "conn+rpc://127.0.0.1:1",
                "add",
                "--authkey-file",
                url,
            ],
        };
        let (status, out, err) = farcall(args);
        assert_ne!(status, 0, "{args:?}");
        assert!(!err.is_empty(), "{args:?}");
        assert!(!(out + &err).contains(password), "{args:?}: {err}");
    }
}

#[test]
fn a_password_that_is_a_word_of_the_message_is_not_revealed() {
    for password in ["call", "not", "was", "sent", "refused", "the"] {
        let url = format!("http://u:{password}@127.0.0.1:1");
        let (status, _, err) = farcall(&["call", &url, "add"]);
        assert_eq!(status, 2);
        assert!(err.starts_with("farcall: the call was not sent: "), "{err}");
        assert!(!err.contains('…'), "{password}: {err}");
    }
}

#[test]
fn the_key_in_the_environment_is_not_shown() {
    for args in [
        &["--help"][..],
        &["call", "--help"],
        &["send", "--help"],
        &["call"],
        &["send", "x", "1"],
    ] {
        let output = command(args)
            .env("FARCALL_AUTHKEY", "s3cret")
            .output()
            .unwrap();
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8(shown).unwrap();
        assert!(
            !shown.is_empty() && !shown.contains("s3cret"),
            "{args:?}: {shown}"
        );
    }
}
