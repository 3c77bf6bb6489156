//! The command over TLS, with a server in Python.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;
use std::thread;

use farcall::conn::Listener;
use farcall::pickle::{Pickle, Value};
use farcall::rpc::Server;
use farcall::transport::tls::ServerTls;
use tests::certificates::Certificates;
use tests::newest_python;

/// Runs the command, and returns its exit status, standard output and standard error.
fn farcall(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_farcall"))
        .args(args)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn certificates_of_tls_are_verified_pinned_and_shown() {
    let made = Certificates::new();
    let file = |name: &str| made.text(name);
    let serve = |name: &str, args: &[&str]| {
        let files = ["pem", "key"].map(|ending| file(&format!("{name}.{ending}")));
        let args = [&[files[0].as_str(), &files[1]][..], args].concat();
        newest_python().serve("tls_server.py", &args)
    };
    let call = |port: u16, options: &[&str]| {
        let url = format!("https://localhost:{port}/RPC2");
        farcall(&[options, &["call", &url, "add", "3", "5"][..]].concat())
    };
    let ca = file("ca.pem");
    let server = serve("server", &[]);
    let eight = (0, "8\n".to_owned(), String::new());
    assert_eq!(call(server.port, &["--cacert", &ca]), eight);
    assert_eq!(call(server.port, &["--pin", &file("server.pem")]), eight);

    let (status, out, err) = call(server.port, &[]);
    assert_eq!((status, &*out), (2, ""));
    assert!(err.contains("that is not trusted here"), "{err}");
    assert!(
        err.contains("--cacert FILE") && err.contains("--pin FILE"),
        "{err}"
    );
    let (status, out, err) = call(server.port, &["--insecure"]);
    assert_eq!((status, &*out), (0, "8\n"));
    let warning = "farcall: warning: --insecure: whoever is on the way to the server can read and \
                   change everything\n";
    assert_eq!(err, warning);

    let cookbook = serve("cookbook", &[]);
    let (status, _, err) = call(cookbook.port, &["--cacert", &ca]);
    assert!(status == 2 && err.contains("--pin FILE"), "{err}");
    assert_eq!(
        call(cookbook.port, &["--pin", &file("cookbook.pem")]),
        eight
    );

    let demanding = serve("server", &["--clients", &ca]);
    let (status, _, err) = call(demanding.port, &["--cacert", &ca]);
    assert!(status == 2 && err.contains("--cert FILE"), "{err}");
    let (cert, key) = (file("client.pem"), file("client.key"));
    let options = ["--cacert", &ca, "--cert", &cert, "--key", &key];
    assert_eq!(call(demanding.port, &options), eight);
    // Both in one file, as curl takes them.
    let both = file("both.pem");
    let texts = [&cert, &key].map(|path| std::fs::read_to_string(path).unwrap());
    std::fs::write(&both, texts.concat()).unwrap();
    assert_eq!(
        call(demanding.port, &["--cacert", &ca, "--cert", &both]),
        eight
    );
}

#[test]
fn options_of_tls_are_checked() {
    for (args, expected) in [
        (&["--insecure"][..], "which this URL has not"),
        (&["--cacert", "x"][..], "which this URL has not"),
    ] {
        let url = ["call", "http://localhost:1", "f"];
        let (status, _, err) = farcall(&[args, &url[..]].concat());
        assert!(status == 2 && err.contains(expected), "{err}");
    }
    for (args, expected) in [
        (&["--cacert", "/missing"][..], "`/missing` cannot be read"),
        (&["--pin", "/missing"][..], "`/missing` cannot be read"),
        (&["--cert", "/missing"][..], "`/missing` cannot be read"),
        (&["--key", "/missing"][..], "--key needs --cert"),
        (&["--pin", "x", "--cacert", "x"][..], "cannot be used with"),
        (&["--pin", "x", "--insecure"][..], "cannot be used with"),
    ] {
        let url = ["call", "https://localhost:1", "f"];
        let (status, _, err) = farcall(&[args, &url[..]].concat());
        assert!(status == 2 && err.contains(expected), "{err}");
    }
}

#[test]
fn connections_over_tls() {
    let made = Certificates::new();
    let tls = ServerTls::from_files(made.path("server.pem"), made.path("server.key")).unwrap();
    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    let key = made.text("key");
    std::fs::write(&key, "a key\n").unwrap();
    let ca = made.text("ca.pem");
    let eight = (0, "8\n".to_owned(), String::new());

    let bind = server.bind("localhost:0").authkey("a key");
    let bound = bind.tls(tls.clone()).wait().unwrap();
    let (url, stop) = (bound.url(), bound.stop_handle());
    let serving = thread::spawn(|| bound.serve().unwrap());
    let call = |options: &[&str]| {
        let args = ["call", &url, "add", "3", "5", "--authkey-file", &key];
        farcall(&[&args[..], options].concat())
    };
    assert!(url.starts_with("conn+rpc+tls://"), "{url}");
    assert_eq!(call(&["--cacert", &ca]), eight);
    let (status, _, err) = call(&[]);
    assert!(status == 2 && err.contains("--cacert FILE"), "{err}");
    let (status, out, err) = call(&["--insecure"]);
    assert_eq!((status, &*out), (0, "8\n"));
    assert!(err.contains("warning"), "{err}");
    stop.stop();
    serving.join().unwrap();

    let bind = server.bind("localhost:0").authkey("a key");
    let bound = bind.encrypted().wait().unwrap();
    let (url, stop) = (bound.url(), bound.stop_handle());
    let serving = thread::spawn(|| bound.serve().unwrap());
    let args = ["call", &url, "add", "3", "5"];
    let keyed = [&args[..], &["--authkey-file", &key]].concat();
    assert_eq!(farcall(&keyed), eight);
    let (status, _, err) = farcall(&args);
    assert!(status == 2 && err.contains("needs an authkey"), "{err}");
    let (status, _, err) = farcall(&[&keyed[..], &["--cacert", &ca]].concat());
    assert!(
        status == 2 && err.contains("which this URL has not"),
        "{err}"
    );
    stop.stop();
    serving.join().unwrap();

    let mut listener = Listener::bind("localhost:0").tls(tls).wait().unwrap();
    let url = format!("conn+tls://{}", listener.local_address());
    let echoing = thread::spawn(move || {
        let mut peer = listener.accept::<Value, Value, Pickle>().unwrap();
        let value = peer.recv().unwrap();
        peer.send(&value).unwrap();
    });
    let sent = farcall(&["send", &url, "[1, 2]", "--cacert", &ca]);
    assert_eq!(sent, (0, "[1,2]\n".to_owned(), String::new()));
    echoing.join().unwrap();
}

#[test]
fn certs_refuses_options_of_calls() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("certs");
    for options in [
        &["--header", "X-A: b"][..],
        &["--authkey-file", "key"],
        &["--legacy-md5"],
        &["--cacert", "ca.pem"],
        &["--insecure"],
    ] {
        let args = [&["certs", folder.to_str().unwrap()], options].concat();
        let (status, _, err) = farcall(&args);
        assert!(
            status == 2 && err.contains("for calls"),
            "{options:?}: {err}"
        );
    }
    assert!(!folder.exists());
}
