//! A server for tests to attack. It is a process of its own, so that tests can observe its memory,
//! descriptors and log from outside.

pub mod objects;
pub mod visits;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use farcall::conn::Connection;
use farcall::pickle::Pickle;
use farcall::rpc::Client;
use farcall::{CallError, FaultKind};

/// The authkey of the victim's connections.
pub const KEY: &str = "the key of the victim";

/// The memory limit of the victim in bytes.
pub const MEMORY: u64 = 128 << 20;

/// The maximum number of bytes that the victim has allocated after an attack beyond those before:
/// caches, pools and buffers that are kept for the next peer. Its allocator may hold more of the
/// system's memory.
const KEPT: u64 = 2 << 20;

/// The addresses of a victim that are served over TLS by the authkey alone.
#[derive(Clone, Copy, Debug)]
pub struct Encrypted {
    /// The address of its RPC server.
    pub rpc: SocketAddr,
    /// The address that echoes pickled messages.
    pub connections: SocketAddr,
}

/// The victim's process, killed on drop.
#[derive(Debug)]
pub struct Victim {
    /// The address of its XML-RPC server, at `/RPC2`: the demo methods and `ledger.*`.
    pub xmlrpc: SocketAddr,
    /// The address of the same over TLS, if it was started with `--tls`.
    pub https: Option<SocketAddr>,
    /// The address of its RPC server, with the same methods.
    pub rpc: SocketAddr,
    /// The address that echoes pickled messages.
    pub connections: SocketAddr,
    /// The address that echoes over TLS, if it was started with `--tls`.
    pub tls: Option<SocketAddr>,
    /// The same two over TLS by the authkey alone, if it was started with `--encrypted`.
    pub encrypted: Option<Encrypted>,
    child: Child,
    log: Arc<Mutex<String>>,
    descriptors: usize,
    allocated: u64,
    max_memory: u64,
}

impl Victim {
    /// Starts the victim and makes one honest call of each protocol.
    ///
    /// `program` is `env!("CARGO_BIN_EXE_victim")`; the arguments are those of the program.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            // Backtraces would cost more memory than the errors themselves.
            .env_remove("RUST_BACKTRACE")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the victim starts");
        let log = Arc::new(Mutex::new(String::new()));
        let mut stderr = child.stderr.take().expect("it is piped");
        let copy = Arc::clone(&log);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..n]);
                copy.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&text);
            }
        });
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let lines: Vec<String> = stdout
            .lines()
            .map(|line| line.expect("it prints text"))
            .take_while(|line| line != "ready")
            .collect();
        let find = |name: &str| {
            let line = lines.iter().find_map(|line| line.strip_prefix(name))?;
            let line = line.rsplit("://").next().unwrap_or_default();
            let line = line.trim_end_matches("/RPC2").trim();
            Some(line.parse().expect("an address"))
        };
        let address =
            |name: &str| find(name).unwrap_or_else(|| panic!("no address of {name} in {lines:?}"));
        let mut victim = Self {
            xmlrpc: address("xmlrpc"),
            https: find("https"),
            rpc: address("rpc"),
            connections: address("connections"),
            tls: arguments
                .contains(&"--tls")
                .then(|| address("tls-connections")),
            encrypted: arguments.contains(&"--encrypted").then(|| Encrypted {
                rpc: address("encrypted-rpc"),
                connections: address("encrypted-connections"),
            }),
            child,
            log,
            descriptors: 0,
            allocated: 0,
            max_memory: MEMORY,
        };
        // One-time allocations are made before the first measurement.
        victim.assert_serves().await;
        victim.allocated = victim.allocated().await;
        victim.settle().await;
        victim.descriptors = victim.descriptors();
        victim
    }

    /// Raises the memory limit above [`MEMORY`] to this number of bytes, for victims whose own
    /// limits permit more.
    pub fn allow_memory(&mut self, max_memory: u64) {
        self.max_memory = max_memory;
    }

    /// Its URL for XML-RPC.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/RPC2", self.xmlrpc)
    }

    /// The id of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its current memory in bytes.
    ///
    /// # Panics
    /// If the process has exited.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The number of bytes that it has allocated and not freed.
    ///
    /// # Panics
    /// If it does not answer within a minute.
    pub async fn allocated(&self) -> u64 {
        let ask = async {
            let client = farcall::xmlrpc::Client::new(&self.url()).expect("a URL");
            once_there_is_room(|| client.call("ledger.allocated", ())).await
        };
        let allocated = tokio::time::timeout(Duration::from_secs(60), ask);
        let allocated = allocated.await.expect("it answers in time");
        allocated.expect("XML-RPC").try_into().expect("a size")
    }

    /// Its peak memory in bytes.
    ///
    /// # Panics
    /// If the process has exited.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The number of its open files and sockets.
    ///
    /// # Panics
    /// If the process has exited.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        let folder = self.folder().join("fd");
        fs::read_dir(folder).expect("the victim lives").count()
    }

    /// Its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }

    /// Tells it to stop gracefully, by SIGTERM.
    ///
    /// # Panics
    /// If `kill` cannot be run or fails.
    pub fn terminate(&self) {
        let process = self.process().to_string();
        let kill = Command::new("kill").args(["-TERM", &process]).status();
        assert!(kill.expect("kill runs").success(), "the victim lives");
    }

    /// Waits until it exits. Returns `true` if its exit code was 0.
    ///
    /// # Panics
    /// If the system does not report it.
    pub fn wait(&mut self) -> bool {
        self.child.wait().expect("it is our child").success()
    }

    /// Checks that it answers an honest call of each protocol within a minute.
    ///
    /// # Panics
    /// If it does not.
    pub async fn assert_serves(&self) {
        let honest = async {
            let client = farcall::xmlrpc::Client::new(&self.url()).expect("a URL");
            let sum = once_there_is_room(|| client.call("add", (3, 5))).await;
            assert_eq!(sum.expect("XML-RPC"), 8);

            // The default of 5 s is short on a machine that is busy with other tests.
            let limit = Duration::from_secs(30);
            let client = Client::connect(self.rpc).authkey(KEY).timeout(limit).await;
            let client = client.expect("it lets honest clients in");
            let sum = once_there_is_room(|| client.call("add", (3, 5))).await;
            assert_eq!(sum.expect("RPC"), 8);

            let plain = Connection::connect(self.connections);
            let encrypted = self
                .encrypted
                .map(|encrypted| Connection::connect(encrypted.connections).encrypted());
            for builder in [Some(plain), encrypted].into_iter().flatten() {
                let connection = builder.authkey(KEY).timeout(limit).await;
                let mut connection: Connection<(String, i64, i64), i64, Pickle> =
                    connection.expect("it lets honest clients in");
                let question = ("add".to_owned(), 3, 5);
                connection.send(&question).await.expect("it reads");
                assert_eq!(connection.recv().await.expect("it answers"), 8);
            }
        };
        let honest = tokio::time::timeout(Duration::from_secs(60), honest);
        honest.await.expect("honest calls are answered in time");
    }

    /// Checks that it is as healthy as at the start: it answers, has no more descriptors and hardly
    /// more allocated memory than before, never exceeded its memory limit, and did not panic.
    ///
    /// # Panics
    /// If a check fails; the message begins with `after`.
    pub async fn assert_well(&self, after: &str) {
        self.assert_released(after).await;
        let (allocated, before) = (self.allocated().await, self.allocated);
        assert!(
            allocated <= before + KEPT,
            "after {after}: {allocated} bytes, {before} before"
        );
        self.assert_unharmed(after);
    }

    /// Checks that it answers, and has no more descriptors than at the start.
    ///
    /// # Panics
    /// If a check fails; the message begins with `after`.
    pub async fn assert_released(&self, after: &str) {
        self.assert_serves().await;
        self.settle().await;
        let descriptors = self.descriptors();
        let before = self.descriptors;
        assert!(
            descriptors <= before,
            "after {after}: {descriptors} descriptors, {before} before"
        );
    }

    /// Checks that it never exceeded its memory limit, and did not panic.
    ///
    /// # Panics
    /// If a check fails; the message begins with `after`.
    pub fn assert_unharmed(&self, after: &str) {
        let peak = self.peak();
        assert!(
            peak <= self.max_memory,
            "after {after}: a peak of {peak} bytes"
        );
        let log = self.log();
        assert!(!log.contains("panicked at"), "after {after}: {log}");
    }

    /// Waits until previous connections and their memory are released, for at most 20 seconds.
    async fn settle(&self) {
        let begin = Instant::now();
        let mut last = 0;
        // Before the first measurement the idle level is unknown: waits until the number of
        // descriptors is stable.
        let mut same = 0;
        while begin.elapsed() < Duration::from_secs(20) && same < 5 {
            // Asked first, because the connection that asks takes descriptors.
            let allocated = if self.descriptors == 0 {
                0
            } else {
                self.allocated().await
            };
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = self.descriptors();
            if now <= self.descriptors && allocated <= self.allocated + KEPT {
                return;
            }
            let rests = self.descriptors == 0 && now == last;
            same = if rests { same + 1 } else { 0 };
            last = now;
        }
    }

    fn status(&self, field: &str) -> u64 {
        let status = fs::read_to_string(self.folder().join("status")).expect("the victim lives");
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|line| line.split_whitespace().next());
        let kib: u64 = kib.and_then(|kib| kib.parse().ok()).expect("a size in kB");
        kib << 10
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.process()))
    }
}

/// Returns the result of an honest call, retrying while the server is overloaded: calls of a peer
/// that disconnected count until the server has noticed.
async fn once_there_is_room<F>(mut call: impl FnMut() -> F) -> Result<i64, CallError>
where
    F: Future<Output = Result<i64, CallError>>,
{
    loop {
        match call().await {
            Err(CallError::Fault(fault)) if fault.kind() == FaultKind::Overloaded => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            answer => return answer,
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
