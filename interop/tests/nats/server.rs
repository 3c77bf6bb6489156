//! nats-servers on loopback, and peers in other languages.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use farcall::cluster::nats::Connection;

const MISSING: &str = "the tests of NATS need nats-server, nats-py and the npm package nats: \
                       interop/install installs them";

/// A nats-server, which is killed when this is dropped.
pub(crate) struct NatsServer {
    port: u16,
    options: Vec<String>,
    process: Option<Child>,
}

/// Returns a free port. Another process may take it before it is used, which fails the test.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

fn program() -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&paths).collect();
    // Debian's, which is not on the path of every user.
    folders.push("/usr/sbin".into());
    let programs = folders.iter().map(|folder| folder.join("nats-server"));
    programs
        .into_iter()
        .find(|path| path.exists())
        .expect(MISSING)
}

impl NatsServer {
    pub(crate) fn start() -> Self {
        Self::start_at(free_port(), &[])
    }

    pub(crate) fn start_at(port: u16, options: &[String]) -> Self {
        let mut server = Self {
            port,
            options: options.to_vec(),
            process: None,
        };
        server.restart();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(&self.url())
            .await
            .expect("it is reachable")
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it was killed");
        }
    }

    /// Starts it again, at the same port.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let process = Command::new(program())
            .args(["-a", "127.0.0.1", "-p", &self.port.to_string()])
            .args(&self.options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect(MISSING);
        self.process = Some(process);
        let address = self.address();
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "nats-server does not start"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops its process as a whole, or lets it go on.
    pub(crate) fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("it runs");
        let status = Command::new("kill")
            .args([format!("-{signal}"), process.id().to_string()])
            .status();
        assert!(status.expect("there is a shell").success());
        if signal == "STOP" {
            // A thread that runs at that moment goes on for a while.
            let tasks = format!("/proc/{}/task", process.id());
            while !all_stopped(Path::new(&tasks)) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// Returns `true` if each thread of a process is stopped by a signal: proc(5), `stat`.
fn all_stopped(tasks: &Path) -> bool {
    std::fs::read_dir(tasks).unwrap().all(|task| {
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat"));
        // A thread that is gone no longer runs.
        stat.map_or(true, |stat| stat.contains(") T "))
    })
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.signal("CONT");
        }
        self.kill();
    }
}

/// Three nats-servers that are one cluster.
pub(crate) fn cluster() -> [NatsServer; 3] {
    let ports: Vec<(u16, u16)> = (0..3).map(|_| (free_port(), free_port())).collect();
    let start = |number: usize| {
        let others = (0..3).filter(|other| *other != number);
        let routes: Vec<String> = others
            .map(|other| format!("nats://127.0.0.1:{}", ports[other].1))
            .collect();
        let options = [
            "-n".to_owned(),
            format!("n{number}"),
            "--cluster_name".to_owned(),
            "farcall".to_owned(),
            "--cluster".to_owned(),
            format!("nats://127.0.0.1:{}", ports[number].1),
            "--routes".to_owned(),
            routes.join(","),
        ];
        NatsServer::start_at(ports[number].0, &options)
    };
    [start(0), start(1), start(2)]
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/nats")
}

/// Returns the command of a script with nats-py.
pub(crate) fn python(script: &str) -> Command {
    let interpreter = peers().join("../venv/bin/python3");
    assert!(interpreter.exists(), "{MISSING}");
    let mut command = Command::new(interpreter);
    command.arg(peers().join(script));
    command
}

/// Returns the command of a script with the JavaScript client.
pub(crate) fn node(script: &str) -> Command {
    let folder = peers().join("node");
    assert!(folder.join("node_modules/nats").exists(), "{MISSING}");
    let mut command = Command::new("node");
    command.arg(peers().join(script)).current_dir(folder);
    command
}

/// A peer that runs until this is dropped.
pub(crate) struct Peer(Child);

impl Peer {
    /// Starts a peer, and waits until it says that it is ready.
    pub(crate) fn start(mut command: Command) -> Self {
        use std::io::BufRead as _;

        let mut process = command.stdout(Stdio::piped()).spawn().expect(MISSING);
        let output = process.stdout.take().expect("it is a pipe");
        let mut lines = std::io::BufReader::new(output)
            .lines()
            .map_while(Result::ok);
        assert!(
            lines.any(|line| line.starts_with("ready")),
            "the peer is not ready"
        );
        Self(process)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
