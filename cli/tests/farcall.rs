//! The command against servers in Python and in Rust.
#![allow(clippy::unwrap_used, reason = "tests")]

mod generate;

use std::process::Command;

use demo::Demo;
use farcall::transport::ToTarget;
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

fn printed(args: &[&str]) -> String {
    let (status, out, err) = farcall(args);
    assert_eq!((status, err.as_str()), (0, ""), "{args:?}");
    out.trim_end().to_owned()
}

#[test]
fn calls_a_server_in_python() {
    let server = newest_python().serve("server.py", &[]);
    let url = format!("http://127.0.0.1:{}/", server.port);
    let call = |args: &[&str]| printed(&[&["call", url.as_str()], args].concat());
    assert_eq!(call(&["add", "3", "5"]), "8");
    assert_eq!(call(&["add", "-3", "-5"]), "-8");
    assert_eq!(call(&["add", "0.5", "1"]), "1.5");
    assert_eq!(call(&["add", "bare", " words"]), r#""bare words""#);
    assert_eq!(call(&["add", "\"3\"", "\"5\""]), r#""35""#);
    assert_eq!(call(&["echo", "null"]), "null");
    let json = r#"{"b":[1,-2.5,"x",true,null],"a":{}}"#;
    assert_eq!(call(&["echo", json]), json);
    assert_eq!(call(&["blob", "3"]), r#""AAEC""#);
    assert_eq!(call(&["when"]), r#""1998-07-17T14:08:55""#);

    let methods = printed(&["methods", &url]);
    assert!(methods.lines().any(|line| line == "add"), "{methods}");
    let help = printed(&["help", &url, "add"]);
    assert_eq!(help, "Adds two numbers.");

    let (status, out, err) = farcall(&["call", &url, "fail", "7", "on purpose"]);
    assert_eq!(
        (status, out.as_str(), err.as_str()),
        (1, "", "fault 7: on purpose\n")
    );
    assert_eq!(printed(&["help", &url, "nope"]), "");
}

#[test]
fn calls_the_objects_of_a_manager_in_python() {
    let mut command = newest_python().command("manager_server.py", &["0", "secret"]);
    let mut server = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut lines = std::io::BufReader::new(server.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut lines, &mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening ").unwrap();
    let run_words = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_farcall"))
            .args(words)
            .env("FARCALL_AUTHKEY", "secret")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().trim_end().to_owned();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let run = |command: &str, typeid: &str, words: &[&str]| {
        let url = format!("conn+manager://{address}/{typeid}");
        run_words(&[&["--legacy-md5", command, &url], words].concat())
    };
    let printed = |out: &str| (Some(0), out.to_owned(), String::new());
    let call = |typeid: &str, words: &[&str]| run("call", typeid, words);
    assert_eq!(call("jobs", &["put", r#"{"a":[1,2]}"#]), printed("null"));
    assert_eq!(call("jobs", &["get"]), printed(r#"{"a":[1,2]}"#));
    // As one of many hosts, too, and nothing is left of them.
    let hosts = |typeid: &str, words: &[&str]| {
        let url = format!("conn+manager://{address}/{typeid}");
        let options = ["--legacy-md5", "-w", &url, "-o", "lines", "--quiet", "call"];
        run_words(&[&options, words].concat())
    };
    assert_eq!(hosts("jobs", &["put", r#"["x",{"a":1}]"#]).0, Some(0));
    let (status, out, error) = hosts("jobs", &["get"]);
    assert_eq!((status, &*error), (Some(0), ""), "{out}");
    assert!(out.ends_with(r#"["x",{"a":1}]"#), "{out}");
    assert_eq!(hosts("Counter", &["increment", "5"]).0, Some(0));
    assert_eq!(call("Counter", &["increment", "5"]), printed("5"));
    let methods = "child\nfail\nincrement\nnumbers\nunpicklable\nvalue";
    assert_eq!(run("methods", "Counter", &[]), printed(methods));
    let (status, _, error) = call("Counter", &["fail", "bad"]);
    assert_eq!(status, Some(1), "{error}");
    assert!(error.contains("ValueError('bad', 3)"), "{error}");
    server.kill().unwrap();
    server.wait().unwrap();
}

/// Every document that `call`, `methods` and `help` need is the same in JSON-RPC.
#[test]
fn calls_a_server_over_json_rpc() {
    let (url, _runtime) = demo_jsonrpc();
    let call = |args: &[&str]| printed(&[&["call", url.as_str()], args].concat());
    assert_eq!(call(&["add", "3", "5"]), "8");
    let json = r#"{"b":[1,-2.5,"x",true,null,18446744073709551615],"a":{}}"#;
    assert_eq!(call(&["echo", json]), json);
    assert_eq!(call(&["blob", "3"]), r#""AAEC""#);
    let methods = printed(&["methods", &url]);
    assert!(methods.lines().any(|line| line == "add"), "{methods}");
    let help = printed(&["help", &url, "divide"]);
    assert!(
        help.starts_with("divide(a: double, b: double) -> double"),
        "{help}"
    );
    let (status, out, err) = farcall(&["call", &url, "fail", "7", "on purpose"]);
    assert_eq!(
        (status, out.as_str(), err.as_str()),
        (1, "", "fault 7: on purpose\n")
    );
    let (status, out, _) = farcall(&["-w", &url, "-o", "lines", "call", "add", "3", "5"]);
    assert_eq!(status, 0);
    assert!(out.contains("8"), "{out}");
    let (status, _, err) = farcall(&["call", "json+http://127.0.0.1:1/", "add", "3", "5"]);
    assert_eq!(status, 2, "{err}");
}

#[test]
fn calls_servers_over_json_sockets_one_or_many() {
    let (url, _runtime) = demo_jsonrpc();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let described = farcall::jsonrpc::Server::new();
    described
        .register_instance(std::sync::Arc::new(Demo::default()))
        .unwrap();
    let service = described.service().clone();
    let server = farcall::jsonrpc::SocketServer::new(service, farcall::jsonrpc::Framing::Lines);
    let listening = runtime
        .block_on(server.bind("127.0.0.1:0").into_future())
        .unwrap();
    let lines = listening.url();
    runtime.spawn(listening.serve());
    for url in [url.replace("json+http://", "ws://"), lines] {
        assert_eq!(printed(&["call", &url, "add", "3", "5"]), "8");
        let (status, out, err) = farcall(&["-w", &url, "-o", "lines", "call", "add", "3", "5"]);
        assert_eq!(status, 0, "{err}");
        assert!(out.contains('8'), "{out}");
        let help = printed(&["help", &url, "divide"]);
        assert!(
            help.starts_with("divide(a: double, b: double) -> double"),
            "{help}"
        );
    }
}

#[test]
fn shows_the_signature_and_documentation_of_a_method() {
    let (url, _runtime) = demo();
    assert_eq!(
        printed(&["help", &url, "divide"]),
        "divide(a: double, b: double) -> double\n\n\
         Divides one number by another. Division by zero is a fault."
    );
    let methods = printed(&["methods", &url]);
    assert!(
        methods.starts_with("add\nblob\nconcat\ncounter.increment\n"),
        "{methods}"
    );
}

#[test]
fn failures_other_than_faults_exit_with_2_and_the_causes() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://user:hunter2@{free}/RPC2");
    let (status, out, err) = farcall(&["call", &url, "add"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(err.starts_with("farcall: the call was not sent: "), "{err}");
    assert!(err.contains("refused"), "{err}");
    assert!(!err.contains("hunter2"), "{err}");

    let (url, _runtime) = demo();
    let (status, _, err) = farcall(&["call", &url.replace("/RPC2", "/nowhere"), "add"]);
    assert_eq!(status, 2);
    assert!(err.contains("404"), "{err}");
    for bad in ["ftp://x/", "nonsense", "https://localhost/"] {
        let (status, _, err) = farcall(&["call", bad, "add"]);
        assert_eq!(status, 2, "{bad}: {err}");
        assert!(err.starts_with("farcall: "), "{err}");
    }
    for call in [
        ["call", &url, "sleep", "30", "--timeout", "0.1"],
        ["--timeout", "0.1", "call", &url, "sleep", "30"],
    ] {
        let (status, _, err) = farcall(&call);
        assert_eq!(status, 2);
        assert!(err.contains("no reply arrived"), "{err}");
    }
}

#[cfg(unix)]
#[test]
fn calls_over_a_unix_socket_with_headers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rpc.sock");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = farcall::xmlrpc::Server::new();
    server
        .register_function("token", |cx: farcall::Context| {
            cx.header("x-token").map(str::to_owned)
        })
        .unwrap();
    let listening = runtime.block_on(server.bind(&path).into_future()).unwrap();
    runtime.spawn(listening.serve());
    let url = format!("http+unix://{}:/RPC2", path.display());
    assert_eq!(
        printed(&["--header", "X-Token: abc", "call", &url, "token"]),
        r#""abc""#
    );
    assert_eq!(printed(&["call", &url, "token"]), "null");
}

#[test]
fn sends_values_to_a_listener_in_python() {
    let listener = newest_python().serve("conn_echo.py", &["a key"]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, key: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, key).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (file("right", "a key\n"), file("wrong", "another"));
    let url = format!("conn://127.0.0.1:{}", listener.port);
    let send = |value: &str| {
        printed(&[
            "send",
            &url,
            value,
            "--authkey-file",
            &right,
            "--legacy-md5",
        ])
    };
    assert_eq!(send("[3, 5]"), "8");
    assert_eq!(send("-5"), "-5");
    assert_eq!(send("bare words"), r#""bare words""#);
    let json = r#"{"b":[1,-2.5,"x",true,null],"a":{}}"#;
    assert_eq!(send(json), json);

    let (status, out, err) =
        farcall(&["send", &url, "1", "--authkey-file", &wrong, "--legacy-md5"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert_eq!(
        err,
        format!(
            "farcall: cannot authenticate with 127.0.0.1:{}: the peer rejected the authkey (check \
             the key of --authkey-file or FARCALL_AUTHKEY)\n",
            listener.port
        )
    );
    let (status, _, err) = farcall(&["send", &url, "1"]);
    assert_eq!(status, 2);
    assert_eq!(
        err,
        "farcall: the peer expects an authkey, but none is set (use --authkey-file or \
         FARCALL_AUTHKEY)\n"
    );
    let (status, _, err) = farcall(&["send", "http://127.0.0.1", "1"]);
    assert_eq!(status, 2);
    assert!(
        err.contains("is not conn://") && err.contains("conn+abstract://NAME"),
        "{err}"
    );
}

#[test]
fn calls_over_connections() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, key: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, key).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (file("right", "a key\n"), file("wrong", "another"));
    let (url, _runtime) = demo_over_connections(("127.0.0.1", 0));
    let key = ["--authkey-file", right.as_str()];
    let with_key = |args: &[&str]| farcall(&[&key, args].concat());
    let call = |args: &[&str]| printed(&[&key, &["call", url.as_str()], args].concat());

    assert_eq!(call(&["add", "3", "5"]), "8");
    assert_eq!(call(&["divide", "1", "8"]), "0.125");
    assert_eq!(call(&["concat", "bare", " words"]), r#""bare words""#);
    let json = r#"{"b":[1,-2.5,"x",true,null,{"c":[[]]}],"a":{}}"#;
    assert_eq!(call(&["echo", json]), json);
    assert_eq!(call(&["sum", "[1, 2, 3]"]), "6");
    assert_eq!(call(&["counter.increment", "2"]), "2");
    assert_eq!(call(&["counter.value"]), "2");

    let methods = printed(&[&key, ["methods", &url].as_slice()].concat());
    assert!(
        methods.starts_with("add\nblob\nconcat\ncounter.increment\n"),
        "{methods}"
    );
    assert_eq!(
        printed(&[&key, ["help", &url, "divide"].as_slice()].concat()),
        "divide(a: double, b: double) -> double\n\n\
         Divides one number by another. Division by zero is a fault."
    );

    let fault = |status: i32, err: &str| (status, String::new(), format!("{err}\n"));
    assert_eq!(
        with_key(&["call", &url, "fail", "7", "on purpose"]),
        fault(1, "fault 7: on purpose")
    );
    assert_eq!(
        with_key(&["call", &url, "nope"]),
        fault(1, "fault -32601: there is no method `nope`")
    );
    let (status, out, err) = with_key(&["call", &url, "add", "3", "five"]);
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.starts_with("fault -32602: "), "{err}");

    assert_eq!(
        farcall(&["--authkey-file", &wrong, "call", &url, "add", "3", "5"]),
        fault(
            2,
            &format!(
                "farcall: cannot authenticate with {}: the peer rejected the authkey (check the key \
                 of --authkey-file or FARCALL_AUTHKEY)",
                url.trim_start_matches("conn+rpc://")
            )
        )
    );
    assert_eq!(
        farcall(&["call", &url, "add", "3", "5"]),
        fault(
            2,
            &format!(
                "farcall: cannot open a session with {}: the peer expects an authkey, but none is \
                 set (use --authkey-file or FARCALL_AUTHKEY)",
                url.trim_start_matches("conn+rpc://")
            )
        )
    );
    let (status, out, err) = with_key(&["--timeout", "0.2", "call", &url, "sleep", "30"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(
        err.starts_with("farcall: the deadline of the call passed before "),
        "{err}"
    );
    let (status, out, err) = with_key(&["call", "conn+rpc+tls://x", "add"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(err.contains("is not conn+rpc://HOST:PORT"), "{err}");
}

#[test]
fn an_unreachable_or_silent_server_exits_with_2() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("conn+rpc://{}", listener.local_addr().unwrap());
    assert_eq!(
        farcall(&["--timeout", "0.2", "call", &url, "add", "3", "5"]),
        (
            2,
            String::new(),
            format!(
                "farcall: cannot open a session with {}: the peer did not complete the greeting in \
                 time\n",
                listener.local_addr().unwrap()
            )
        )
    );
    drop(listener);
    // Nobody listens at this port. Another process could take that of the listener.
    let (status, out, err) = farcall(&["call", "conn+rpc://127.0.0.1:1", "add", "3", "5"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(
        err.starts_with("farcall: cannot connect to 127.0.0.1:1: Connection refused"),
        "{err}"
    );
}

#[test]
fn a_silent_peer_of_send_exits_with_2() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("conn://{}", listener.local_addr().unwrap());
    for (timeout, shown) in [("0.2", "200ms"), ("1e-12", "1ns")] {
        let expected = format!("farcall: no reply within {shown}\n");
        let (status, out, err) = farcall(&["--timeout", timeout, "send", &url, "1"]);
        assert_eq!((status, out.as_str()), (2, ""));
        // The shorter one may pass before the connection is made.
        let is_late = timeout == "1e-12" && err.ends_with(": timed out\n");
        assert!(err == expected || is_late, "{err}");
    }
}

#[test]
fn headers_and_keys_that_cannot_be_used_are_named() {
    for url in ["conn+rpc://127.0.0.1:1", "conn+rpc+unix:///nowhere"] {
        let (status, _, err) = farcall(&["call", url, "add", "--header", "a: b"]);
        assert_eq!(status, 2);
        assert!(err.contains("--header is for HTTP"), "{err}");
    }
    // A value without its name, which may be a secret.
    for header in ["Bearer s3cret:abc", "s3cret", ": s3cret", "X\u{e9}: s3cret"] {
        let (status, _, err) = farcall(&["call", "http://127.0.0.1:1", "add", "--header", header]);
        assert_eq!(status, 2);
        let says_how = err.contains("--header expects NAME: VALUE");
        assert!(says_how && !err.contains("s3cret"), "{err}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "\n").unwrap();
    let file = file.to_str().unwrap();
    let (status, _, err) = farcall(&["send", "conn://127.0.0.1:1", "1", "--authkey-file", file]);
    assert_eq!(status, 2);
    let named = format!("farcall: --authkey-file: the key file {file}: the authkey is empty\n");
    assert_eq!(err, named);
    let send = |key: &str| farcall(&["send", "conn://127.0.0.1:1", "1", "--authkey-file", key]).2;
    let missing = "farcall: --authkey-file: the key file /nowhere/key: No such file";
    assert!(send("/nowhere/key").starts_with(missing));
    for key in ["s3cret", "c2VjcmV0/s3cret==", "//u:s3cret@host"] {
        let err = send(key);
        assert!(
            err.contains("expected the path of a file") && !err.contains("s3cret"),
            "{err}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_password_in_the_name_of_an_abstract_socket_is_not_shown() {
    let (status, _, err) = farcall(&["send", "conn+abstract://u:pässw0rd@h", "1"]);
    assert_eq!(status, 2);
    let says_where = err.contains("unix-abstract:u:…@h");
    assert!(says_where && !err.contains("ssw0rd"), "{err}");
}

#[test]
fn a_key_in_a_url_is_refused_and_not_shown() {
    for address in [
        "unix:///nowhere?authkey=s3cret",
        "abstract://nowhere?authkey=s3cret",
        "://127.0.0.1:1?authkey=s3cret",
        "://127.0.0.1?authkey=s3cret",
        "://host?authkey=s3cret:1",
    ] {
        for scheme in ["conn", "conn+rpc"] {
            let plus = if address.starts_with(':') { "" } else { "+" };
            let url = format!("{scheme}{plus}{address}");
            let command = match scheme {
                "conn" => ["send", &url, "1"],
                _ => ["call", &url, "add"],
            };
            let (status, _, err) = farcall(&command);
            assert_eq!(status, 2, "{url}");
            let says_where = err.contains("have no query") && err.contains("--authkey-file");
            assert!(says_where && !err.contains("s3cret"), "{url}: {err}");
        }
    }
    for url in [
        "http+unix:///nowhere?authkey=s3cret",
        "http+unix://%2Fx?authkey=s3cret",
    ] {
        let (status, _, err) = farcall(&["call", url, "add"]);
        assert_eq!(status, 2);
        assert!(
            err.contains("percent-encode") && !err.contains("s3cret"),
            "{err}"
        );
    }
}

#[cfg(unix)]
#[test]
fn calls_over_connections_on_unix_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rpc.sock");
    let (url, _runtime) = demo_over_connections(&path);
    let output = Command::new(env!("CARGO_BIN_EXE_farcall"))
        .args(["call", &url, "add", "3", "5"])
        .env("FARCALL_AUTHKEY", "a key")
        .output()
        .unwrap();
    assert_eq!(
        output.stdout,
        b"8\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Starts a server with the demo methods and the authkey `a key`, which stops when the runtime is
/// dropped.
fn demo_over_connections(target: impl ToTarget) -> (String, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = farcall::rpc::Server::new();
    server.register_instance(Demo::default()).unwrap();
    let binding = async { server.bind(target).authkey("a key").await };
    let bound = runtime.block_on(binding).unwrap();
    let url = bound.url();
    runtime.spawn(bound.serve());
    (url, runtime)
}

/// Starts a server with the demo methods, which stops when the runtime is dropped.
fn demo() -> (String, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = farcall::xmlrpc::Server::new();
    server.register_instance(Demo::default()).unwrap();
    let listening = runtime
        .block_on(server.bind("127.0.0.1:0").into_future())
        .unwrap();
    let url = listening.url();
    runtime.spawn(listening.serve());
    (url, runtime)
}

/// Serves the same methods over JSON-RPC.
fn demo_jsonrpc() -> (String, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = farcall::jsonrpc::Server::new();
    server
        .register_instance(std::sync::Arc::new(Demo::default()))
        .unwrap();
    let listening = runtime
        .block_on(server.bind("127.0.0.1:0").into_future())
        .unwrap();
    let url = format!("json+{}", listening.url());
    runtime.spawn(listening.serve());
    (url, runtime)
}

#[test]
fn errors_do_not_show_the_password_of_a_url() {
    let login = "user:correct-horse";
    for url in [
        format!("http://{login}@127.0.0.1:1/RPC2"),
        format!("https://{login}@127.0.0.1:1/RPC2"),
        format!("json+http://{login}@127.0.0.1:1/"),
        format!("conn+rpc://{login}@127.0.0.1:1"),
        format!("http+unix://{login}@/nowhere:/RPC2"),
        format!("{login}@host"),
    ] {
        for command in ["call", "methods", "send"] {
            let (status, out, err) = farcall(&[command, &url, "add"]);
            assert_ne!(status, 0, "{command} {url}");
            assert!(!err.is_empty(), "{command} {url}");
            assert!(!(out + &err).contains("correct-horse"), "{command}: {err}");
        }
    }
}
