//! A CPython controlled by commands: `peers/python/conn_peer.py`.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tests::{Python, pythons};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// A timeout far above the duration of any command.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A CPython process.
pub(crate) struct Peer {
    pub(crate) version: (u32, u32),
    child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// Returns the versions of CPython that connections are compatible with.
pub(crate) fn versions() -> impl Iterator<Item = Python> {
    pythons()
        .into_iter()
        .filter(|python| python.version >= (3, 6))
}

impl Peer {
    pub(crate) fn start(python: &Python) -> Self {
        let mut child = Command::from(python.command("conn_peer.py", &[]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python starts");
        Self {
            version: python.version,
            commands: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    /// Sends a command.
    pub(crate) async fn tell(&mut self, command: Value) {
        let line = format!("{command}\n");
        self.commands.write_all(line.as_bytes()).await.unwrap();
    }

    /// Returns the response to the oldest command without one.
    pub(crate) async fn answer(&mut self) -> Value {
        let line = timeout(TIMEOUT, self.answers.next_line()).await;
        let line = line.expect("python answers in time").unwrap();
        let line = line.unwrap_or_else(|| panic!("CPython {:?} exited", self.version));
        serde_json::from_str(&line).unwrap()
    }

    /// Sends a command and returns its response.
    pub(crate) async fn ask(&mut self, command: Value) -> Value {
        self.tell(command).await;
        self.answer().await
    }

    /// Kills the process.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Makes Python connect to a local listener, and accepts the connection.
    pub(crate) async fn connected<C: farcall::conn::Codec>(
        &mut self,
        path: &std::path::Path,
    ) -> farcall::conn::Connection<(), (), C> {
        let mut listener = farcall::conn::Listener::bind(path).await.unwrap();
        self.tell(json!(["connect", path, null])).await;
        let mut connection: farcall::conn::Connection<(), (), C> = listener.accept().await.unwrap();
        let message = connection.recv_bytes(100).await.unwrap();
        connection.send_bytes(&message).await.unwrap();
        assert_eq!(self.answer().await, "ok");
        connection
    }
}
