use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farcall::workers::Workers;

use crate::http::{call, exchange};

/// The environment variable with the address of the test program.
const ADDRESS: &str = "WORKERS_TEST_ADDRESS";
/// The environment variable with the path of a file whose existence keeps new workers of the test
/// program from serving.
const BROKEN: &str = "WORKERS_TEST_BROKEN";

/// The program that the other tests start. Its workers are started with its own arguments.
#[test]
#[ignore = "the other tests start it, as a process of its own: cargo test -p tests --test workers"]
fn program() {
    let Ok(address) = std::env::var(ADDRESS) else {
        return;
    };
    let short = Duration::from_millis(50);
    let workers = Workers::new().count(2).restart_pause(short, short * 4);
    let processes = workers.processes(&address.parse().unwrap(), async |worker| {
        if let Ok(file) = std::env::var(BROKEN).map(PathBuf::from)
            && file.exists()
        {
            std::fs::write(file.with_file_name("tried"), "")?;
            return Err("this program is broken".into());
        }
        let server = farcall::xmlrpc::Server::new();
        server.register_function("process", |_: i64| std::process::id())?;
        server.register_function("sleep", async |milliseconds: u64| {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            1
        })?;
        server.serve_worker(worker).await
    });
    let processes = processes.unwrap();
    println!("\nlistening {}", processes.local_address());
    processes.run().unwrap();
}

/// A supervisor process with two workers.
struct Supervisor {
    child: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Supervisor {
    fn new(address: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::program", "--ignored", "--nocapture"])
            .env(ADDRESS, address)
            .env(BROKEN, folder.path().join("broken"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some(address) = line.strip_prefix("listening ") {
                break address.to_owned();
            }
        };
        // The workers print to the same pipe, which must be read.
        thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            address,
            folder,
        }
    }

    fn port(&self) -> SocketAddr {
        self.address.parse().unwrap()
    }

    /// The process ids that answer.
    fn workers(&self) -> BTreeSet<i64> {
        let port = self.port();
        (0..40).map(|_| call(port, "process", 1).unwrap()).collect()
    }

    fn signal(&self, signal: &str) {
        kill(signal, i64::from(self.child.id()));
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kill(signal: &str, process: i64) {
    let process = process.to_string();
    let kill = Command::new("kill").args([signal, &process]).status();
    assert!(kill.unwrap().success());
}

/// Returns `true` if the process exists and is not a zombie.
fn is_running(process: i64) -> bool {
    let process = process.to_string();
    let output = Command::new("ps")
        .args(["-o", "stat=", "-p", &process])
        .output();
    let state = output.unwrap().stdout;
    state.first().is_some_and(|&state| state != b'Z')
}

fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Makes calls continuously, each over a new connection, until it is stopped.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<()>>,
}

impl Load {
    fn new(port: SocketAddr) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let callers = (0..4).map(|_| {
            let (stop, done) = (Arc::clone(&stop), Arc::<AtomicUsize>::clone(&done));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    call(port, "sleep", 2).unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        Self {
            callers: callers.collect(),
            stop,
            done,
        }
    }

    fn assert_progress(&self) {
        let until = self.done.load(Ordering::Relaxed) + 50;
        eventually("calls go on", || self.done.load(Ordering::Relaxed) >= until);
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.join().unwrap();
        }
    }
}

#[test]
fn a_killed_worker_is_restarted() {
    let supervisor = Supervisor::new("127.0.0.1:0");
    let before = supervisor.workers();
    assert!(before.len() == 2 || cfg!(not(target_os = "linux")));
    assert!(!before.contains(&i64::from(supervisor.child.id())));
    let killed = *before.first().unwrap();
    kill("-KILL", killed);
    // None of these calls is refused, even while the worker is not running.
    let after = supervisor.workers();
    assert!(!after.contains(&killed), "{before:?} {after:?}");
    assert!(after.len() == 2 || cfg!(not(target_os = "linux")));
}

#[test]
fn a_reload_replaces_all_workers_and_loses_no_call() {
    let supervisor = Supervisor::new("127.0.0.1:0");
    let mut before = supervisor.workers();
    let load = Load::new(supervisor.port());
    for _ in 0..3 {
        load.assert_progress();
        supervisor.signal("-HUP");
        eventually("all workers are replaced", || {
            supervisor.workers().is_disjoint(&before)
        });
        load.assert_progress();
        before = supervisor.workers();
    }
    load.stop();
}

#[test]
fn a_reload_with_a_broken_program_changes_nothing() {
    let supervisor = Supervisor::new("127.0.0.1:0");
    let before = supervisor.workers();
    let load = Load::new(supervisor.port());
    std::fs::write(supervisor.folder.path().join("broken"), "").unwrap();
    supervisor.signal("-HUP");
    eventually("the new program was tried", || {
        supervisor.folder.path().join("tried").exists()
    });
    thread::sleep(Duration::from_millis(500));
    load.assert_progress();
    load.stop();
    assert_eq!(supervisor.workers(), before);
}

#[test]
fn a_worker_that_receives_sigterm_finishes_and_is_restarted() {
    let supervisor = Supervisor::new("127.0.0.1:0");
    let load = Load::new(supervisor.port());
    let before = supervisor.workers();
    for &worker in &before {
        kill("-TERM", worker);
    }
    eventually("each worker has stopped", || {
        before.iter().all(|&worker| !is_running(worker))
    });
    load.assert_progress();
    let after = supervisor.workers();
    assert!(after.is_disjoint(&before), "{before:?} {after:?}");
    load.stop();
}

#[test]
fn a_stop_finishes_running_calls() {
    for signal in ["-TERM", "-INT"] {
        let mut supervisor = Supervisor::new(&tests::port_of_its_own().to_string());
        let port = supervisor.port();
        supervisor.workers();
        let calls: Vec<_> = (0..8)
            .map(|_| thread::spawn(move || call(port, "sleep", 500)))
            .collect();
        thread::sleep(Duration::from_millis(200));
        supervisor.signal(signal);
        for call in calls {
            assert_eq!(call.join().unwrap().unwrap(), 1);
        }
        assert!(supervisor.child.wait().unwrap().success());
        assert!(
            TcpStream::connect(port).is_err(),
            "every duplicate is closed"
        );
    }
}

#[test]
fn workers_exit_when_their_supervisor_dies() {
    let mut supervisor = Supervisor::new(&tests::port_of_its_own().to_string());
    let port = supervisor.port();
    supervisor.workers();
    let sleeping = thread::spawn(move || call(port, "sleep", 500));
    thread::sleep(Duration::from_millis(200));
    supervisor.child.kill().unwrap();
    assert_eq!(sleeping.join().unwrap().unwrap(), 1, "the call completes");
    eventually("the port is free", || TcpStream::connect(port).is_err());
}

#[test]
fn processes_share_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let mut supervisor = Supervisor::new(&format!("unix:{}", path.display()));
    let ask = || exchange(UnixStream::connect(&path).unwrap(), "process", 1).unwrap();
    let before = ask();
    kill("-KILL", before);
    assert!((0..20).all(|_| ask() != before));
    supervisor.signal("-TERM");
    assert!(supervisor.child.wait().unwrap().success());
    assert!(!path.exists());
}
