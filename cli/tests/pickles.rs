//! Short pickles that stand for long values, from peers that the command calls.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;
use std::sync::Arc;

use farcall::conn::{Listener, PyConnection};
use farcall::pickle::{Value, to_vec};
use tokio::runtime::Runtime;

/// Runs the command. Returns its exit status, what it prints, and its errors.
fn farcall(args: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_farcall"))
        .args(args)
        .current_dir(folder.path())
        .env_remove("FARCALL_AUTHKEY")
        // No configuration of the user.
        .env("HOME", folder.path())
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("FARCALL_CONFIG")
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Serves peers that answer each message with what `answer` makes of it. Returns the address.
fn serving(answer: impl Fn(&Value) -> Vec<u8> + Send + Sync + 'static) -> (String, Runtime) {
    let runtime = Runtime::new().unwrap();
    let address = runtime.block_on(async {
        let mut listener: Listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_address().to_string();
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok(peer) = listener.accept().await {
                let mut peer: PyConnection = peer;
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    while let Ok(message) = peer.recv().await {
                        peer.send_bytes(&answer(&message)).await.unwrap();
                    }
                });
            }
        });
        address
    });
    (address, runtime)
}

/// Serves a manager whose object has a method with this result.
fn manager(result: &Value) -> (String, Runtime) {
    let result = to_vec(&("#RETURN", result)).unwrap();
    let (address, runtime) = serving(move |request| {
        let [ident, method, ..] = request.elements().unwrap() else {
            panic!("{request}");
        };
        match method.as_str() {
            Some("create") => to_vec(&("#RETURN", ("1a", ["f"]))).unwrap(),
            Some("f") => result.clone(),
            _ => {
                assert!(*ident == Value::None || *method == "__repr__", "{request}");
                to_vec(&("#RETURN", ())).unwrap()
            }
        }
    });
    (format!("conn+manager://{address}/x"), runtime)
}

/// Returns lists that have the same part 2¹⁴ times, by reference.
fn doubled(part: Value) -> Value {
    let mut value = Value::Shared(part.into());
    for _ in 0..14 {
        value = Value::Shared(Value::List(vec![value.clone(), value]).into());
    }
    value
}

#[test]
fn a_text_that_a_pickle_refers_to_very_often_is_refused() {
    let text = || Value::from("A".repeat(1000));
    for part in [
        text(),
        Value::Bytes(vec![7; 1000]),
        Value::dict([(text(), Value::from(1))]),
        Value::dict([(Value::Tuple(vec![text()]), Value::from(1))]),
    ] {
        let value = doubled(part);
        let (url, _manager) = manager(&value);
        let message = to_vec(&value).unwrap();
        assert!(message.len() < 2000, "{}", message.len());
        let (address, _peer) = serving(move |_| message.clone());
        let conn = format!("conn://{address}");
        for args in [
            &["call", &url, "f"][..],
            &["-w", &url, "call", "f"],
            &["send", &conn, "1"],
        ] {
            let (status, out, err) = farcall(args);
            assert_ne!(status, 0, "{args:?}: {err}");
            assert!(out.len() + err.len() < 1000, "{args:?}");
            // A dict whose keys are no texts is refused by what reads it, for many hosts.
            let is_many = args[0] == "-w";
            assert!(
                is_many || err.contains("too many references to its texts"),
                "{args:?}: {err}"
            );
        }
    }
}

#[test]
fn references_within_the_limits_are_printed() {
    let row = Value::Shared(Value::dict([("name", "x".repeat(70))]).into());
    let value = Value::List(vec![row; 10]);
    let expected = format!(
        "[{}]\n",
        vec![format!("{{\"name\":\"{}\"}}", "x".repeat(70)); 10].join(",")
    );
    let (url, _manager) = manager(&value);
    let message = to_vec(&value).unwrap();
    let (address, _peer) = serving(move |_| message.clone());
    for args in [
        &["call", &url, "f"][..],
        &["send", &format!("conn://{address}"), "1"],
    ] {
        let (status, out, err) = farcall(args);
        assert_eq!((status, &*out), (0, &*expected), "{args:?}: {err}");
    }
}
