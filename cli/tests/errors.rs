//! The errors of the command where something is missing or mistaken, and its advice.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread;

use farcall::conn::managers;
use farcall::rpc;
use tokio::runtime::Runtime;

/// Runs the command in a folder, and returns its exit status and what it writes to standard error.
fn farcall(folder: &Path, args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_farcall"))
        .args(args)
        .current_dir(folder)
        .env_remove("FARCALL_AUTHKEY")
        // No configuration of the user.
        .env("HOME", folder)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("FARCALL_CONFIG")
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), err)
}

/// Serves calls over connections.
fn serving(key: Option<&str>) -> (String, Runtime) {
    let runtime = Runtime::new().unwrap();
    let url = runtime.block_on(async {
        let server = rpc::Server::new();
        server
            .register_function("add", |a: i64, b: i64| a + b)
            .unwrap();
        let bind = server.bind("127.0.0.1:0");
        let bind = match key {
            Some(key) => bind.authkey(key),
            None => bind,
        };
        let bound = bind.await.unwrap();
        let url = bound.url();
        tokio::spawn(bound.serve());
        url
    });
    (url, runtime)
}

#[test]
fn a_url_without_a_scheme_is_answered_with_those_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["call", "localhost:8000", "add"][..],
        &["methods", "localhost:8000"],
        &["help", "localhost:8000", "add"],
    ] {
        let (status, err) = farcall(folder.path(), args);
        assert_eq!(status, 2, "{args:?}: {err}");
        for scheme in ["http://", "json+http://", "conn+rpc://"] {
            assert!(err.contains(scheme), "{args:?}: {err}");
        }
        assert!(err.contains("has no scheme"), "{args:?}: {err}");
    }
}

#[test]
fn a_missing_or_wrong_key_is_answered_with_the_option() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wrong"), "another key").unwrap();
    let (url, _runtime) = serving(Some("a key"));
    for args in [
        &["call", &url, "add", "3", "5"][..],
        &["-w", &url, "call", "add", "3", "5"],
    ] {
        let (status, err) = farcall(folder.path(), args);
        assert_eq!(status, 2, "{args:?}: {err}");
        assert!(
            err.contains("use --authkey-file or FARCALL_AUTHKEY"),
            "{args:?}: {err}"
        );
        let wrong = [args, &["--authkey-file", "wrong"]].concat();
        let (status, err) = farcall(folder.path(), &wrong);
        assert_eq!(status, 2, "{wrong:?}: {err}");
        assert!(
            err.contains("check the key of --authkey-file"),
            "{wrong:?}: {err}"
        );
    }
}

#[test]
fn a_missing_key_of_a_manager_is_answered_with_the_option() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let address = runtime.block_on(async {
        let server = managers::Server::new();
        server.share("jobs", managers::Queue::new(0)).unwrap();
        let bound = server.bind("127.0.0.1:0").authkey("a key");
        let bound = bound.await.unwrap();
        let address = bound.local_address().to_string();
        tokio::spawn(bound.serve());
        address
    });
    let url = format!("conn+manager://{address}/jobs");
    for args in [&["call", &url, "qsize"][..], &["-w", &url, "call", "qsize"]] {
        let (status, err) = farcall(folder.path(), args);
        assert_eq!(status, 2, "{args:?}: {err}");
        assert!(
            err.contains("use --authkey-file or FARCALL_AUTHKEY"),
            "{args:?}: {err}"
        );
    }
}

#[test]
fn a_file_of_hosts_without_the_sign_is_recognized() {
    let folder = tempfile::tempdir().unwrap();
    let (url, _runtime) = serving(None);
    fs::write(folder.path().join("hosts.txt"), format!("one {url}\n")).unwrap();
    let call = ["call", "add", "3", "5", "--timeout", "5"];
    let (status, err) = farcall(folder.path(), &[&["-w", "hosts.txt"], &call[..]].concat());
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("-w @hosts.txt reads the file"), "{err}");
    let (status, err) = farcall(folder.path(), &[&["-w", "@hosts.txt"], &call[..]].concat());
    assert_eq!(status, 0, "{err}");
    assert!(!err.contains("reads the file"), "{err}");
}

#[test]
fn peers_of_another_protocol_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (connection, _runtime) = serving(Some("a key"));
    let url = connection.replace("conn+rpc://", "http://");
    let (status, err) = farcall(folder.path(), &["call", &url, "add", "3", "5"]);
    assert!(
        status != 0 && err.contains("expects an authkey: its URL is `conn+rpc"),
        "{err}"
    );

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("conn+rpc://{}", listener.local_addr().unwrap());
    let http = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).unwrap();
        // Until the client closes.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let (status, err) = farcall(folder.path(), &["call", &url, "add", "3", "5"]);
    assert!(
        status != 0 && err.contains("its URL begins with `http://`"),
        "{err}"
    );
    http.join().unwrap();
}

#[test]
fn a_peer_that_needs_md5_is_answered_with_the_option() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key"), "a key").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let legacy = thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            // As CPython up to 3.11.
            let challenge = [&b"\0\0\0\x1f#CHALLENGE#"[..], &[b'x'; 20]].concat();
            stream.write_all(&challenge).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    let (rpc, conn) = (format!("conn+rpc://{address}"), format!("conn://{address}"));
    for args in [&["-w", &rpc, "call", "add"][..], &["send", &conn, "1"]] {
        let (status, err) = farcall(folder.path(), &[args, &["--authkey-file", "key"]].concat());
        assert_eq!(status, 2, "{args:?}: {err}");
        assert!(err.contains("(--legacy-md5 allows it)"), "{args:?}: {err}");
    }
    legacy.join().unwrap();
}

#[test]
fn what_cannot_be_connected_to_is_named() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens at this port.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for url in [
        format!("http://{address}/RPC2"),
        format!("json+http://{address}/"),
        format!("json+tcp://{address}"),
        format!("ws://{address}/"),
        format!("conn+rpc://{address}"),
        format!("conn+manager://{address}/dict"),
    ] {
        for args in [&["call", &url, "add"][..], &["-w", &url, "call", "add"]] {
            let (status, err) = farcall(folder.path(), args);
            assert_eq!(status, 2, "{args:?}: {err}");
            let expected = format!("cannot connect to {address}: ");
            assert!(err.contains(&expected), "{args:?}: {err}");
        }
    }
    let url = format!("conn://{address}");
    let (status, err) = farcall(folder.path(), &["send", &url, "1"]);
    let expected = format!("cannot connect to {address}: ");
    assert!(status == 2 && err.contains(&expected), "{err}");
}
