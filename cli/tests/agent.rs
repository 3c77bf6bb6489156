//! `farcall agent` as a service manager starts it, and as a person does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

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

/// An agent that runs until it is dropped.
struct Running {
    child: Child,
    errors: std::io::Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farcall"));
        command.arg("agent").args(args);
        Self::of(&mut command)
    }

    /// Starts it like systemd does: with a socket as descriptor 3, and a socket for notifications.
    fn activated(socket: impl Into<OwnedFd>, notify: &Path, args: &[&str]) -> Self {
        let script = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" agent \"$@\"";
        let mut command = Command::new("sh");
        command
            .args(["-c", script, env!("CARGO_BIN_EXE_farcall")])
            .args(args)
            .env("NOTIFY_SOCKET", notify)
            .env("WATCHDOG_USEC", "200000")
            .stdin(Stdio::from(socket.into()));
        Self::of(&mut command)
    }

    fn of(command: &mut Command) -> Self {
        let command = command.env_remove("FARCALL_AUTHKEY").stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, errors }
    }

    /// Waits for a line on standard error, and returns what follows `text` in it.
    fn line(&mut self, text: &str) -> String {
        loop {
            let line = self.errors.next().expect("it goes on").unwrap();
            if let Some((_, rest)) = line.split_once(text) {
                return rest.to_owned();
            }
        }
    }

    fn url(&mut self) -> String {
        self.line("farcall: agent at ")
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(kill.success());
    }

    /// Returns the exit status.
    fn end(&mut self) -> Option<i32> {
        self.signal("-TERM");
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "it ends");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with the files of two keys.
fn keys() -> (TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = folder.path().join(name);
        fs::write(&path, format!("the key {name}, which is long enough\n")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (deploy, watch) = (file("deploy"), file("watch"));
    (folder, deploy, watch)
}

#[test]
fn commands_are_run_from_the_command_line() {
    let (_folder, key, _) = keys();
    let listen = [
        "--listen",
        "conn+rpc+encrypted://127.0.0.1:0",
        "--authkey-file",
        &key,
    ];
    let mut agent = Running::start(&[&listen[..], &["--enable", "run,processes"]].concat());
    let url = agent.url();
    let run = |args: &[&str]| farcall(&[&["call", "--authkey-file", &key, &url], args].concat());
    let (status, out, err) = run(&["run.output", r#"["echo","hello"]"#]);
    assert_eq!((status, &*err), (0, ""));
    assert!(out.contains(r#""stdout":"hello\n""#), "{out}");
    assert!(out.contains(r#""status":0"#), "{out}");
    let (status, out, _) = run(&["facts.all"]);
    assert!(status == 0 && out.contains(r#""host""#), "{out}");
    let (status, _, err) = run(&["files.stat", "/etc/passwd"]);
    assert!(status == 1 && err.contains("there is no method"), "{err}");
    // The log says who ran it.
    let line = agent.line(" command ");
    assert!(
        line.contains("127.0.0.1:") && line.contains("echo"),
        "{line}"
    );
    assert_eq!(agent.end(), Some(0));
}

#[test]
fn options_of_run_end_with_the_program() {
    let folder = TempDir::new().unwrap();
    let listen = format!("conn+rpc+unix://{}/agent", folder.path().display());
    let mut agent = Running::start(&["--listen", &listen, "--enable", "run"]);
    let url = agent.url();
    for args in [
        &["run", &url, "echo", "--quiet", "-n"][..],
        &["run", &url, "--quiet", "echo", "--quiet", "-n"],
        &[
            "run",
            &url,
            "--quiet",
            "--timeout",
            "5",
            "--",
            "echo",
            "--quiet",
            "-n",
        ],
        &["run", &url, "--", "echo", "--quiet", "-n"],
        &["run", "--quiet", "--", &url, "echo", "--quiet", "-n"],
    ] {
        let (status, out, err) = farcall(args);
        assert_eq!((status, out), (0, format!("{url}: --quiet -n\n")), "{err}");
    }
    for args in [
        &["run", &url, "--no-such-option", "id"][..],
        &["run", "-w", "a", "--no-such-option", "id"],
    ] {
        let (status, _, err) = farcall(args);
        assert!(
            status == 2 && err.contains("unexpected argument '--no-such"),
            "{err}"
        );
    }
    let (status, _, err) = farcall(&["run", &url, "--timeout", "5"]);
    assert!(status == 2 && err.contains("PROGRAM"), "{err}");
    // A stream is an error: the command cannot show it.
    let (status, out, err) = farcall(&["call", &url, "run.start", "[\"true\"]"]);
    assert_eq!((status, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("a stream or an object"), "{err}");
}

#[test]
fn strangers_cannot_reach_it() {
    let (folder, key, _) = keys();
    let refused = |args: &[&str], expected: &str| {
        let (status, out, err) = farcall(&[&["agent"], args].concat());
        assert_eq!((status, &*out), (2, ""), "{err}");
        assert!(err.contains(expected), "{err}");
    };
    refused(&[], "listens nowhere");
    refused(&["--listen", "0.0.0.0:0"], "everyone could call the agent");
    refused(
        &["--listen", "conn+rpc://[::]:0"],
        "everyone could call the agent",
    );
    let modules = ["--enable", "run"];
    let loopback = ["--listen", "127.0.0.1:0"];
    refused(
        &[&modules[..], &loopback].concat(),
        "every user of this machine",
    );
    refused(&["--listen", "conn+rpc+encrypted://127.0.0.1:0"], "authkey");
    refused(&["--listen", "conn+rpc+tls://127.0.0.1:0"], "--cert");
    refused(&["--listen", "systemd"], "has opened no socket");
    refused(
        &["--listen", "127.0.0.1:0", "--enable", "shell"],
        "no module `shell`",
    );
    refused(
        &["--listen", "127.0.0.1:0", "--config", "/no/such"],
        "/no/such",
    );
    refused(&["--listen", "http://127.0.0.1:0"], "the URL is not");
    for (options, expected) in [
        ("--enable files", "`files` has no root"),
        ("--enable tail,files --write /tmp", "`tail` has no root"),
        ("--read /tmp", "--read is for"),
        ("--enable tail --write /tmp", "--write is for"),
    ] {
        let options: Vec<&str> = options.split(' ').collect();
        refused(&[&loopback[..], &options].concat(), expected);
    }
    // A certificate of the agent proves nothing about its callers.
    let certs = folder.path().join("certs");
    let certs = certs.to_str().unwrap();
    assert_eq!(farcall(&["certs", certs]).0, 0);
    let [cert, private, ca] =
        ["server.pem", "server.key", "ca.pem"].map(|name| format!("{certs}/{name}"));
    let tls = [
        "--listen",
        "conn+rpc+tls://0.0.0.0:0",
        "--cert",
        &cert,
        "--key",
        &private,
    ];
    refused(&tls, "everyone could call the agent");

    let mut agent = Running::start(&[&tls[..], &["--cacert", &ca, "--enable", "run"]].concat());
    let url = agent.url().replace("0.0.0.0", "localhost");
    let call = |options: &[&str]| {
        let call = ["call", &url, "run.output", r#"["echo","hello"]"#];
        farcall(&[&call[..], &["--cacert", &ca], options].concat())
    };
    let [client, private] = ["client.pem", "client.key"].map(|name| format!("{certs}/{name}"));
    let (status, out, _) = call(&["--cert", &client, "--key", &private]);
    assert!(status == 0 && out.contains("hello"), "{out}");
    assert_eq!(call(&[]).0, 2);
    let warned = [
        "--listen",
        "0.0.0.0:0",
        "--authkey-file",
        &key,
        "--enable",
        "run",
    ];
    Running::start(&warned).line("warning: whoever is on the way");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    Running::start(&warned).line("warning: everybody can read");
    let short = folder.path().join("short");
    fs::write(&short, "short").unwrap();
    let short = ["--authkey-file", short.to_str().unwrap()];
    Running::start(&[&loopback[..], &short].concat()).line("is short: use 32 random bytes");
    // Facts alone may be on loopback, and anything on a socket of one's own.
    let mut agent = Running::start(&loopback);
    assert_eq!(farcall(&["call", &agent.url(), "facts.uptime"]).0, 0);
    let socket = format!("conn+rpc+unix://{}/socket", folder.path().display());
    let mut agent = Running::start(&["--listen", &socket, "--enable", "run"]);
    assert_eq!(
        farcall(&["call", &agent.url(), "run.output", "[\"true\"]"]).0,
        0
    );
}

#[test]
fn a_file_gives_rights_by_label() {
    let (folder, deploy, watch) = keys();
    let config = folder.path().join("agent.toml");
    let text = format!(
        r#"
        listen = ["conn+rpc+encrypted://127.0.0.1:0"]
        [authkeys]
        deploy = "{deploy}"
        watch = "{watch}"
        [run]
        allow = ["key:deploy"]
        [tail]
        allow = ["watch"]
        roots = ["/var/log"]
        "#
    );
    fs::write(&config, &text).unwrap();
    let mut agent = Running::start(&["--config", config.to_str().unwrap()]);
    let url = agent.url();
    let run = |key: &str| {
        let call = [
            "call",
            &url,
            "run.output",
            "[\"true\"]",
            "--authkey-file",
            key,
        ];
        farcall(&call)
    };
    assert_eq!(run(&deploy).0, 0);
    let (status, _, err) = run(&watch);
    assert!(
        status == 1 && err.contains("this caller may not call `run.output`"),
        "{err}"
    );
    // A new key takes the place of the old one.
    let new = folder.path().join("new");
    let new = new.to_str().unwrap();
    fs::copy(&deploy, new).unwrap();
    fs::write(&deploy, "another key, which is long enough").unwrap();
    agent.signal("-HUP");
    agent.line("the authkeys were read again");
    assert_eq!((run(&deploy).0, run(new).0), (0, 2));
    assert_eq!(agent.end(), Some(0));
    for (more, expected) in [
        (
            "[files]\nroots = []",
            "agent.toml: `[files]` does not say who may call it",
        ),
        ("[tail2]\nallow = []", "line 12, `[tail2]`: unknown field"),
        (
            "[facts]\nallow = \"everyone\"\nfoo=1",
            "agent.toml: line 14, `foo=1`: unknown field `foo`, expected `allow`",
        ),
        (
            "[facts]\nallow = [\"key:deploi\"]",
            "`[facts]` allows `key:deploi`, which is not in [authkeys]",
        ),
        (
            "[files]\nallow = []\nroots = [\"/srv\"]",
            "line 14, `roots = [\"/srv\"]`: invalid type: string",
        ),
        ("[files]\nallow = []", "the module `files` has no root"),
    ] {
        fs::write(&config, format!("{text}\n{more}")).unwrap();
        let (status, _, err) = farcall(&["agent", "--config", config.to_str().unwrap()]);
        assert!(status == 2 && err.contains(expected), "{err}");
    }
}

#[test]
fn users_with_rights_need_no_key_at_a_unix_socket() {
    let (folder, deploy, _) = keys();
    let config = folder.path().join("agent.toml");
    let socket = folder.path().join("socket");
    let me = fs::metadata(folder.path()).unwrap().uid();
    let text = |run: &str| {
        format!(
            r#"
            listen = ["conn+rpc+encrypted://127.0.0.1:0", "conn+rpc+unix://{}"]
            [authkeys]
            deploy = "{deploy}"
            [run]
            allow = {run}
            [processes]
            allow = ["key:deploy"]
            "#,
            socket.display()
        )
    };
    fs::write(&config, text(&format!("[\"deploy\", \"user:{me}\"]"))).unwrap();
    let config = config.to_str().unwrap();
    let mut agent = Running::start(&["--config", config]);
    let (tcp, unix) = (agent.url(), agent.url());
    let run = |url: &str, options: &[&str]| {
        farcall(&[&["call", url, "run.output", "[\"true\"]"], options].concat())
    };
    assert_eq!(run(&unix, &[]).0, 0);
    // The user has the rights of the user and no others.
    let (status, _, err) = farcall(&["call", &unix, "processes.list"]);
    assert!(
        status == 1 && err.contains("this caller may not call"),
        "{err}"
    );
    assert_eq!(run(&tcp, &["--authkey-file", &deploy]).0, 0);
    assert_eq!(run(&tcp, &[]).0, 2);
    assert_eq!(agent.end(), Some(0));
    // Without users in the rights, the key is what a caller has to prove.
    fs::write(config, text("[\"deploy\"]")).unwrap();
    let mut agent = Running::start(&["--config", config]);
    let (_, unix) = (agent.url(), agent.url());
    assert_eq!(run(&unix, &[]).0, 2);
    assert_eq!(run(&unix, &["--authkey-file", &deploy]).0, 0);
    assert_eq!(agent.end(), Some(0));
    // `everyone` meant those who have a key.
    let open = text("\"everyone\"").replace("[\"key:deploy\"]", "[\"user:0\"]");
    fs::write(config, open).unwrap();
    let (status, _, err) = farcall(&["agent", "--config", config]);
    assert!(
        status == 2 && err.contains("`run` is for everyone"),
        "{err}"
    );
}

#[test]
fn a_service_manager_opens_its_socket_and_is_notified() {
    let (folder, key, _) = keys();
    let manager = folder.path().join("notify");
    let notified = UnixDatagram::bind(&manager).unwrap();
    notified
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    // Waits for a message of the agent.
    let told = |expected: &str| loop {
        let mut buffer = [0; 256];
        let length = notified.recv(&mut buffer).expect(expected);
        if String::from_utf8_lossy(&buffer[..length]).contains(expected) {
            return;
        }
    };
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    let pids = folder.path().join("pids");
    let socket = folder.path().join("socket");
    let unix = UnixListener::bind(&socket).unwrap();

    let args = [
        "--listen",
        "conn+rpc+encrypted://systemd",
        "--authkey-file",
        &key,
        "--enable",
        "run",
    ];
    let mut agent = Running::activated(tcp, &manager, &args);
    told("READY=1");
    told("WATCHDOG=1");
    let url = format!("conn+rpc+encrypted://127.0.0.1:{port}");
    assert_eq!(agent.url(), url);
    let script = format!("echo $$ > {}; sleep 1000", pids.display());
    let argv = format!("[\"sh\", \"-c\", \"{script}\"]");
    let (status, out, err) = farcall(&[
        "call",
        "--authkey-file",
        &key,
        &url,
        "run.output",
        "[\"env\"]",
    ]);
    assert_eq!(status, 0, "{err}");
    assert!(
        !out.contains("NOTIFY_SOCKET") && !out.contains("LISTEN_"),
        "{out}"
    );
    // It ends with a command that runs for a caller who has gone meanwhile.
    let mut caller = Command::new(env!("CARGO_BIN_EXE_farcall"))
        .args(["call", "--authkey-file", &key, &url, "run.output", &argv])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while fs::read_to_string(&pids).unwrap_or_default().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it starts");
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = fs::read_to_string(&pids).unwrap();
    caller.kill().unwrap();
    caller.wait().unwrap();
    agent.signal("-TERM");
    told("STOPPING=1");
    assert_eq!(agent.child.wait().unwrap().code(), Some(0));
    assert!(!Path::new("/proc").join(pid.trim()).exists());

    let mut agent = Running::activated(unix, &manager, &["--listen", "systemd", "--enable", "run"]);
    told("READY=1");
    assert_eq!(agent.url(), format!("conn+rpc+unix://{}", socket.display()));
    let url = agent_url(&socket);
    assert_eq!(farcall(&["call", &url, "run.output", "[\"true\"]"]).0, 0);
    assert_eq!(agent.end(), Some(0));
}

fn agent_url(socket: &Path) -> String {
    format!("conn+rpc+unix://{}", socket.display())
}

#[test]
fn programs_run_on_all_hosts() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("agent");
    let listen = format!("conn+rpc+unix://{}", socket.display());
    let mut agent = Running::start(&["--listen", &listen, "--enable", "run"]);
    agent.url();
    let hosts = folder.path().join("hosts");
    fs::write(&hosts, format!("node1 {listen}\nnode2 {listen}\n")).unwrap();
    let hosts = format!("@{}", hosts.display());
    let run = |options: &[&str], program: &[&str]| {
        farcall(&[&["-w", &hosts, "--quiet"], options, &["run"], program].concat())
    };
    let (status, out, err) = run(&["-o", "gathered"], &["echo", "-n", "--raw", "a  b"]);
    assert_eq!(
        (status, out.as_str()),
        (0, "node[1-2] (2): --raw a  b\n"),
        "{err}"
    );
    let (status, out, err) = run(&["-x", "node2"], &["echo", "{host}"]);
    assert_eq!((status, out.as_str()), (0, "node1: node1\n"), "{err}");
    let (status, out, err) = run(&["-x", "node2"], &["sh", "-c", "echo no >&2; exit 3"]);
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    assert_eq!(err, "node1: exit status 3\nnode1: no\n");
    let (status, out, _) = run(&["-x", "node2", "-o", "jsonl"], &["sh", "-c", "kill -9 $$"]);
    assert_eq!(status, 1);
    let expected = r#""status":null,"signal":9,"stdout":"","stderr":"","truncated":false,"#;
    assert!(out.contains(expected), "{out}");
    let expected = r#""error":"ended by signal 9","class":"fault","execution":"completed""#;
    assert!(out.contains(expected), "{out}");
    let script = "echo a; echo b >&2";
    let (status, out, err) = run(&["-x", "node2"], &["sh", "-c", script]);
    assert_eq!((status, &*out, &*err), (0, "node1: a\n", "node1: b\n"));
    let (_, out, _) = run(&["-x", "node2", "-o", "jsonl"], &["sh", "-c", script]);
    let expected =
        r#""ok":true,"status":0,"signal":null,"stdout":"a\n","stderr":"b\n","truncated":false"#;
    assert!(out.contains(expected), "{out}");
    // More output than an agent returns.
    let script = "yes | head -c 9000000";
    let file = folder.path().join("{host}.out");
    let file = ["-x", "node2", "--output-file", file.to_str().unwrap()];
    let (status, _, err) = run(&file, &["sh", "-c", script]);
    let expected = "node1: ran, but the result cannot be read: its output is longer than the agent";
    assert!(status == 1 && err.starts_with(expected), "{err}");
    let file = folder.path().join("node1.out");
    assert_eq!(fs::metadata(file).unwrap().len(), 4 << 20);
    let (_, out, _) = run(&["-x", "node2", "-o", "jsonl"], &["sh", "-c", script]);
    let expected = r#""truncated":true,"error":"its output is longer than the agent returns"#;
    assert!(out.contains(expected), "{}", &out[out.len() - 1000..]);
    let script = "head -c 9000000 /dev/zero | tr '\\0' x; exit 3";
    let (status, out, err) = run(&["-x", "node2"], &["sh", "-c", script]);
    assert_eq!((status, out.len()), (1, "node1: \n".len() + (4 << 20)));
    assert!(
        err.contains("exit status 3") && err.contains("cut off"),
        "{err}"
    );
    // A program that cannot be started has not run.
    let (status, _, err) = run(&["-x", "node2"], &["/nowhere/program"]);
    assert!(
        status == 1 && err.starts_with("node1: refused (never ran): "),
        "{err}"
    );
    assert_eq!(agent.end(), Some(0));
}

#[test]
fn files_are_copied_and_followed() {
    let (folder, key, _) = keys();
    let served = folder.path().join("served");
    fs::create_dir(&served).unwrap();
    let place = |name: &str| served.join(name).to_str().unwrap().to_owned();
    let mut agent = Running::start(&[
        "--listen",
        "conn+rpc://127.0.0.1:0",
        "--authkey-file",
        &key,
        "--enable",
        "files,tail",
        "--write",
        served.to_str().unwrap(),
        "--read",
        served.to_str().unwrap(),
    ]);
    let url = agent.url();
    let local = folder.path().join("local");
    let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&local, &content).unwrap();
    let local = local.to_str().unwrap();
    let with_key = |args: &[&str]| farcall(&[args, &["--authkey-file", &key]].concat());

    let (status, out, err) = with_key(&["put", &url, local, &place("copy"), "--mode", "600"]);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("\"size\":1200000"), "{out}");
    assert_eq!(fs::read(place("copy")).unwrap(), content);
    assert_eq!(fs::metadata(place("copy")).unwrap().mode() & 0o777, 0o600);

    // Two names of one agent.
    let inventory = folder.path().join("hosts");
    fs::write(&inventory, format!("a {url}\nb {url}\n")).unwrap();
    let hosts = format!("@{}", inventory.display());
    let into = folder.path().join("got/{host}");
    let into = into.to_str().unwrap();
    let get = ["-w", &hosts, "get", &place("copy"), into, "--partial"];
    let (status, _, err) = with_key(&get);
    assert_eq!(status, 0, "{err}");
    for host in ["a", "b"] {
        assert_eq!(fs::read(into.replace("{host}", host)).unwrap(), content);
    }
    let (status, _, err) = with_key(&["-w", &hosts, "get", &place("copy"), local]);
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("needs {host}"), "{err}");
    let (status, _, err) = with_key(&["get", &url, &place("none"), local]);
    assert_eq!(status, 1, "{err}");
    assert_eq!(fs::read(local).unwrap(), content);
    let (status, _, err) = with_key(&["put", &url, &place("none"), &place("copy")]);
    assert_eq!(status, 2, "{err}");
    let (status, _, err) = farcall(&["call", &url.replace("conn+rpc", "http"), "facts.all"]);
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("its URL is `conn+rpc:"), "{err}");

    fs::write(place("log"), "one\ntwo\n").unwrap();
    let mut tail = Command::new(env!("CARGO_BIN_EXE_farcall"))
        .args([
            "-w",
            &hosts,
            "-x",
            "b",
            "tail",
            &place("log"),
            "--lines",
            "1",
        ])
        .args(["--authkey-file", &key])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "a: two");
    fs::write(place("log"), "one\ntwo\nthree\x1b[2J\n").unwrap();
    assert_eq!(next(), "a: three\\u{1b}[2J");
    let id = tail.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(tail.wait().unwrap().code(), Some(0));
}

#[test]
fn hosts_are_called_through_agents() {
    let (folder, deploy, watch) = keys();
    let mut behind = Running::start(&["--listen", "conn+rpc://127.0.0.1:0"]);
    let inventory = folder.path().join("hosts.toml");
    let url = behind.url();
    fs::write(
        &inventory,
        format!("[hosts.\"node[1-3]\"]\nurl = \"{url}\"\n"),
    )
    .unwrap();
    let config = folder.path().join("agent.toml");
    let text = format!(
        "listen = \"conn+rpc://127.0.0.1:0\"\ninventory = \"{}\"\n\
         [authkeys]\ndeploy = \"{deploy}\"\nwatch = \"{watch}\"\n\
         [fanout]\nallow = [\"key:deploy\"]\nhosts = \"node[1-3]\"\n",
        inventory.display()
    );
    fs::write(&config, text).unwrap();
    let mut agents: Vec<Running> = (0..2)
        .map(|_| Running::start(&["--config", config.to_str().unwrap()]))
        .collect();
    let urls: Vec<String> = agents.iter_mut().map(Running::url).collect();
    let call = |hosts: &str, key: &str| {
        let agents = ["--via", &urls[0], "--via", &urls[1]];
        let call = ["-w", hosts, "-o", "gathered", "call", "facts.host"];
        farcall(&[&agents[..], &["--authkey-file", key], &call].concat())
    };
    let (status, out, err) = call("node[1-3]", &deploy);
    assert_eq!(status, 0, "{err}");
    assert!(out.starts_with("node[1-3] (3): "), "{out}");
    let (status, out, err) = call("node[3-4]", &deploy);
    assert_eq!(status, 2, "{err}");
    assert!(out.contains("node4 (1): never ran"), "{out}");
    let (status, out, err) = call("node[1-3]", &watch);
    assert_eq!(status, 2, "{err}");
    assert!(out.contains("node[1-3] (3): never ran"), "{out}");
    // One agent is left, and then none.
    assert_eq!(agents[0].end(), Some(0));
    let (status, out, err) = call("node[1-3]", &deploy);
    assert_eq!((status, out.lines().count()), (0, 1), "{out}{err}");
    behind.end();
    let (status, out, err) = call("node[1-3]", &deploy);
    assert_eq!(status, 2, "{out}{err}");
    assert!(out.contains("node[1-3] (3): never ran"), "{out}");
}
