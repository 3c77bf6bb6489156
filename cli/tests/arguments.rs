//! Parsing of options and arguments, and the exact round trip of numbers.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use farcall::conn::{Connection, Listener};
use farcall::pickle::{self, Pickle};
use farcall::{Value, Variadic, service};
use tokio::runtime::Runtime;

/// Runs the command, and returns its exit status, standard output and standard error.
fn farcall(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_farcall"))
        .args(args)
        .env_remove("FARCALL_AUTHKEY")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

struct Methods;

#[service]
impl Methods {
    pub fn args(&self, Variadic(args): Variadic<Value>) -> Value {
        Value::Array(args)
    }

    pub fn largest(&self, number: u64) -> (u64, [f64; 3]) {
        (number, [f64::NAN, f64::INFINITY, f64::NEG_INFINITY])
    }
}

fn over_http() -> (String, Runtime) {
    let runtime = Runtime::new().unwrap();
    let server = farcall::xmlrpc::Server::new();
    server.register_instance(Methods).unwrap();
    let listening = runtime
        .block_on(server.bind("127.0.0.1:0").into_future())
        .unwrap();
    let url = listening.url();
    runtime.spawn(listening.serve());
    (url, runtime)
}

#[test]
fn options_stand_anywhere_and_numbers_are_arguments() {
    let (url, _runtime) = over_http();
    let table: &[(&[&str], &str)] = &[
        (&["args"], "[]"),
        (&["args", "3", "5"], "[3,5]"),
        (&["args", "3", "5", "--timeout", "5"], "[3,5]"),
        (&["args", "3", "--timeout=5", "5"], "[3,5]"),
        (&["--timeout", "5", "args", "3"], "[3]"),
        (
            &["args", "--header", "a: b", "3", "--header", "c: -1"],
            "[3]",
        ),
        (&["args", "-5", "-0.5", "-1.5e3"], "[-5,-0.5,-1500.0]"),
        (
            &["args", "-1e-3", "-1E+2", "--timeout", "5"],
            "[-0.001,-100.0]",
        ),
        (
            &["args", "-inf", "-.5", "--timeout", "5", "-NaN"],
            r#"["-inf","-.5","-NaN"]"#,
        ),
        (
            &["args", "-5 bananas", "\"-\"", ""],
            r#"["-5 bananas","-",""]"#,
        ),
        (
            &["args", "--", "--timeout", "-x", "-5", "--"],
            r#"["--timeout","-x",-5,"--"]"#,
        ),
        (
            &["args", "1", "--timeout", "5", "--", "--help"],
            r#"[1,"--help"]"#,
        ),
        (
            &["args", "nan", "inf", "NaN", "Infinity"],
            r#"["nan","inf","NaN","Infinity"]"#,
        ),
        (
            &[
                "args",
                "9223372036854775807",
                "-9223372036854775808",
                "9007199254740993",
            ],
            "[9223372036854775807,-9223372036854775808,9007199254740993]",
        ),
        (
            &["args", r#""18446744073709551616""#],
            r#"["18446744073709551616"]"#,
        ),
    ];
    for (args, printed) in table {
        let found = farcall(&[&["call", url.as_str()], *args].concat());
        assert_eq!(
            found,
            (0, format!("{printed}\n"), String::new()),
            "{args:?}"
        );
    }
}

#[test]
fn unknown_options_are_refused() {
    let (url, _runtime) = over_http();
    for option in [
        "--unknown",
        "--authkey",
        "-x",
        "-info",
        "-.",
        "--codec",
        "--timeou",
    ] {
        for args in [
            ["args", "3", option],
            ["args", option, "3"],
            [option, "args", "3"],
        ] {
            let (status, out, err) = farcall(&[&["call", url.as_str()], &args[..]].concat());
            assert_eq!((status, out.as_str()), (2, ""), "{args:?}: {err}");
            assert!(err.contains("'--'"), "{args:?}: no word of `--` in {err}");
        }
        let (status, out, err) = farcall(&["send", "conn://127.0.0.1:1", "1", option]);
        assert_eq!((status, out.as_str()), (2, ""), "{option}: {err}");
    }
    for (timeout, problem) in [
        ("0", "expected a positive number of seconds"),
        ("-5", "expected a positive number of seconds"),
        ("nan", "expected a positive number of seconds"),
        ("x", "expected a positive number of seconds"),
        ("1e30", "the number of seconds is too large"),
    ] {
        let (status, out, err) = farcall(&["call", &url, "args", "--timeout", timeout]);
        assert_eq!((status, out.as_str()), (2, ""), "{timeout}: {err}");
        assert!(err.contains(timeout) && !err.contains('\0'), "{err}");
        assert!(err.contains(problem), "{err}");
    }
}

#[test]
fn numbers_that_cannot_be_sent_are_named() {
    let (url, _runtime) = over_http();
    for (args, problem) in [
        (
            ["1", "9223372036854775808"],
            "argument 2: 9223372036854775808 ",
        ),
        (
            ["-9223372036854775809", "1"],
            "argument 1: -9223372036854775809 ",
        ),
        (
            ["1", r#"{"a":[18446744073709551616]}"#],
            "argument 2: 18446744073709551616 ",
        ),
        (["1e999", "1"], "argument 1: 1e999 "),
    ] {
        let (status, out, err) = farcall(&["call", &url, "args", args[0], args[1]]);
        assert_eq!((status, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(problem), "{err}");
    }
}

/// Content that is not sent as what it is must not be sent as something else.
#[test]
fn json_that_cannot_be_sent_is_the_same_error_from_a_file() {
    let (url, _runtime) = over_http();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("argument");
    let from_file = format!("@{}", file.to_str().unwrap());
    let call = |argument: &str| farcall(&["call", &url, "args", "1", argument]);

    let deep = "[".repeat(130) + &"]".repeat(130);
    for (content, problem) in [
        (
            &*deep,
            "argument 2: this JSON cannot be sent: nested deeper than 128 levels; ",
        ),
        ("\"\\ud800\"", "argument 2: this JSON cannot be sent: "),
        (
            "1e999",
            "argument 2: 1e999 is beyond the range of a double; ",
        ),
        (
            "9223372036854775808",
            "argument 2: 9223372036854775808 is out of the range ",
        ),
    ] {
        let (status, out, err) = call(content);
        assert_eq!((status, &*out), (2, ""), "{err}");
        assert!(err.contains(problem), "{err}");
        std::fs::write(&file, content).unwrap();
        assert_eq!(call(&from_file), (status, out, err));
    }
    // Texts can begin as JSON does.
    std::fs::write(&file, "[section]\n").unwrap();
    let printed = (0, "[1,\"[section]\\n\"]\n".to_owned(), String::new());
    assert_eq!(call(&from_file), printed);
}

#[test]
fn calls_over_connections_have_unsigned_64_bit_integers() {
    let runtime = Runtime::new().unwrap();
    let server = farcall::rpc::Server::new();
    server.register_instance(Methods).unwrap();
    let binding = async { server.bind("127.0.0.1:0").authkey("a key").await };
    let bound = runtime.block_on(binding).unwrap();
    let url = bound.url();
    runtime.spawn(bound.serve());
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "a key\n").unwrap();
    let key = ["--authkey-file", key.to_str().unwrap()];

    let call = |args: &[&str]| farcall(&[&["call", url.as_str()], args, &key].concat());
    let printed = |text: &str| (0, format!("{text}\n"), String::new());
    assert_eq!(call(&["args", "3", "5"]), printed("[3,5]"));
    assert_eq!(
        call(&["largest", "18446744073709551615"]),
        printed(r#"[18446744073709551615,["nan","inf","-inf"]]"#)
    );
    let (status, _, err) = call(&["largest", "18446744073709551616"]);
    assert_eq!(status, 2);
    assert!(err.contains("argument 1: 18446744073709551616 "), "{err}");
}

#[test]
fn messages_have_numbers_of_any_size() {
    let runtime = Runtime::new().unwrap();
    let digits = "-123456789012345678901234567890";
    for codec in ["pickle", "json"] {
        let binding = async { Listener::bind("127.0.0.1:0").await };
        let mut listener = runtime.block_on(binding).unwrap();
        let url = format!("conn://{}", listener.local_address());
        runtime.spawn(async move {
            type Echo = Connection<pickle::Value, pickle::Value, Pickle>;
            let mut peer: Echo = listener.accept().await.unwrap();
            if codec == "pickle" {
                let value = peer.recv().await.unwrap();
                assert!(matches!(&value, pickle::Value::BigInt(_)), "{value}");
                peer.send(&value).await.unwrap();
            } else {
                let message = peer.recv_bytes(100).await.unwrap();
                assert_eq!(message, digits.as_bytes());
                peer.send_bytes(&message).await.unwrap();
            }
            // The peer closes first.
            let _ = peer.recv_bytes(100).await;
        });
        let found = farcall(&["send", &url, digits, "--codec", codec]);
        assert_eq!(found, (0, format!("{digits}\n"), String::new()), "{codec}");
    }
}

#[test]
fn a_reply_that_is_not_json_is_an_error() {
    let runtime = Runtime::new().unwrap();
    for (reply, error) in [
        (&b"\xff"[..], "farcall: the reply is not UTF-8: "),
        (b"[1,", "farcall: the reply is not JSON: "),
        (b"", "farcall: the reply is not JSON: "),
    ] {
        let binding = async { Listener::bind("127.0.0.1:0").await };
        let mut listener = runtime.block_on(binding).unwrap();
        let url = format!("conn://{}", listener.local_address());
        runtime.spawn(async move {
            let mut peer: Connection<(), (), farcall::Json> = listener.accept().await.unwrap();
            peer.recv_bytes(100).await.unwrap();
            peer.send_bytes(reply).await.unwrap();
            let _ = peer.recv_bytes(100).await;
        });
        let (status, out, err) = farcall(&["send", &url, "1", "--codec", "json"]);
        assert_eq!((status, out.as_str()), (2, ""), "{err}");
        assert!(err.starts_with(error), "{err}");
    }
}
