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

/// The environment variable that selects the [`Allocator`] of all victims: `returning`, or unset
/// for the system's.
const ALLOCATOR: &str = "VICTIM_ALLOCATOR";

/// The settings of the victim's allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allocator {
    /// The settings of the system, as users have them. Memory that the program freed may stay in
    /// its process.
    System,
    /// Returns freed memory to the system at once, so that only the memory in use remains. The
    /// settings are for glibc.
    Returning,
}

impl Allocator {
    /// Returns the allocator that the environment selects.
    fn chosen() -> Self {
        match std::env::var_os(ALLOCATOR) {
            None => Self::System,
            Some(name) if name == "returning" => Self::Returning,
            Some(name) => panic!("{ALLOCATOR} is {}: no such allocator", name.display()),
        }
    }

    /// Returns the number of bytes by which the memory may exceed that at the start, for a process
    /// with a limit of `max_memory`.
    const fn kept(self, max_memory: u64) -> u64 {
        match self {
            // The whole limit: an allocator may keep all of it.
            Self::System => max_memory,
            Self::Returning => 48 << 20,
        }
    }

    const fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::System => &[],
            Self::Returning => &[
                ("MALLOC_MMAP_THRESHOLD_", "65536"),
                ("MALLOC_TRIM_THRESHOLD_", "65536"),
                (
                    "GLIBC_TUNABLES",
                    "glibc.malloc.arena_max=1:glibc.malloc.mxfast=0:glibc.malloc.tcache_count=0",
                ),
            ],
        }
    }
}

/// The victim's process, killed on drop.
#[derive(Debug)]
pub struct Victim {
    /// The address of its XML-RPC server, at `/RPC2`: the demo methods and `ledger.*`.
    pub xmlrpc: SocketAddr,
    /// The address of the same over TLS, if it has a certificate.
    pub https: Option<SocketAddr>,
    /// The address of its RPC server, with the same methods.
    pub rpc: SocketAddr,
    /// The address that echoes pickled messages.
    pub connections: SocketAddr,
    child: Child,
    log: Arc<Mutex<String>>,
    descriptors: usize,
    allocator: Allocator,
    memory: u64,
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
        let allocator = Allocator::chosen();
        let mut child = Command::new(program)
            .args(arguments)
            // Backtraces would cost more memory than the errors themselves.
            .env_remove("RUST_BACKTRACE")
            .envs(allocator.settings().iter().copied())
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
            child,
            log,
            descriptors: 0,
            allocator,
            memory: 0,
            max_memory: MEMORY,
        };
        // One-time allocations are made before the first measurement.
        victim.assert_serves().await;
        victim.settle().await;
        victim.descriptors = victim.descriptors();
        victim.memory = victim.memory();
        victim
    }

    /// Accepts the peak so far as the memory to compare with. An allocator may be unable to return
    /// the memory of very many small allocations with others between them. It reuses that memory,
    /// however, so repeating the attack must not need more.
    pub fn allow_peak(&mut self) {
        self.memory = self.peak();
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

            let connection = Connection::connect(self.connections).authkey(KEY);
            let connection = connection.timeout(limit).await;
            let mut connection: Connection<(String, i64, i64), i64, Pickle> =
                connection.expect("it lets honest clients in");
            let question = ("add".to_owned(), 3, 5);
            connection.send(&question).await.expect("it reads");
            assert_eq!(connection.recv().await.expect("it answers"), 8);
        };
        let honest = tokio::time::timeout(Duration::from_secs(60), honest);
        honest.await.expect("honest calls are answered in time");
    }

    /// Checks that it is as healthy as at the start: it answers, has no more descriptors and hardly
    /// more memory than before, never exceeded its memory limit, and did not panic.
    ///
    /// # Panics
    /// If a check fails; the message begins with `after`.
    pub async fn assert_well(&self, after: &str) {
        self.assert_released(after).await;
        let (memory, before) = (self.memory(), self.memory);
        assert!(
            memory <= before + self.allocator.kept(self.max_memory),
            "after {after}: {memory} bytes, {before} before"
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
            let now = self.descriptors();
            if now <= self.descriptors
                && self.memory() <= self.memory + self.allocator.kept(self.max_memory)
            {
                return;
            }
            let rests = self.descriptors == 0 && now == last;
            same = if rests { same + 1 } else { 0 };
            last = now;
            tokio::time::sleep(Duration::from_millis(20)).await;
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
