//! One run: a server, some clients, and the failures between them, all from one seed.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::process;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use farcall::rpc::{Client, ServerOptions};
use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::host::Host;
use super::ledger::Ledger;
use super::network::{Network, Towards};
use super::service::WorkshopApi;
use super::trace::{Text, Trace};
use super::visitor::{Visitor, options};
use super::{CLEANUP_TIME, HANG_TIMEOUT};

/// The result of a run.
pub(crate) struct Report {
    pub(crate) violations: Vec<String>,
    pub(crate) hash: u64,
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) lines: Vec<String>,
}

/// The maximum duration of a run on a busy machine, in real time.
const STUCK: Duration = Duration::from_secs(60);

thread_local! {
    /// `true` if a task of this thread's run panicked, which tokio does not report.
    static PANICKED: Cell<bool> = const { Cell::new(false) };
}

/// Installs a hook that records panics of tasks.
pub(crate) fn record_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICKED.set(true);
        default(panic);
    }));
}

/// Performs the run of a seed.
pub(crate) fn run(seed: u64, text: Text) -> Report {
    let _watched = watch(seed);
    PANICKED.set(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (ledger, trace) = runtime.block_on(async {
        let trace = Trace::new(text);
        let ledger = Ledger::new(trace.clone());
        let world = World::new(Rng::with_seed(seed), &trace, &ledger);
        world.run().await;
        (ledger, trace)
    });
    drop(runtime);
    ledger.check(!PANICKED.get(), "a task panicked");
    Report {
        violations: ledger.violations(),
        hash: trace.hash(),
        counts: ledger.counts(),
        lines: trace.lines(),
    }
}

/// Aborts the test if the run has not finished after [`STUCK`], unless the result is dropped
/// before. A run that is stuck in simulated time, as in a deadlock, cannot do that itself.
fn watch(seed: u64) -> Sender<()> {
    let (watched, ended) = channel();
    thread::spawn(move || {
        if ended.recv_timeout(STUCK) == Err(RecvTimeoutError::Timeout) {
            // Unlike captured output, this is visible before the test has finished.
            let _ = writeln!(
                io::stderr(),
                "seed {seed} is stuck: FARCALL_SEED={seed} shows where"
            );
            process::exit(1);
        }
    });
    watched
}

struct World {
    random: Rng,
    network: Network,
    ledger: Ledger,
    host: Host,
    clients: usize,
    /// `true` if there are no failures: calls take their time, and succeed.
    healthy: bool,
    lease: Duration,
    /// The time until which clients make calls and failures happen.
    end: Instant,
}

impl World {
    fn new(mut random: Rng, trace: &Trace, ledger: &Ledger) -> Self {
        let clients = random.usize(1..4);
        let network = Network::new(random.fork(), clients, trace.clone());
        let lease = [0, 0, 2000][random.usize(..3)];
        let lease = Duration::from_millis(lease);
        let healthy = random.u8(..5) == 0;
        let options = ServerOptions::default()
            .session(options(&mut random, healthy))
            .lease(lease);
        let end = Instant::now() + Duration::from_millis(random.u64(1000..6000));
        Self {
            host: Host::new(network.clone(), ledger.clone(), options),
            network,
            ledger: ledger.clone(),
            clients,
            healthy,
            lease,
            end,
            random,
        }
    }

    async fn run(mut self) {
        self.host.start().await;
        let mut visits = JoinSet::new();
        for client in 0..self.clients {
            let visitor = Visitor {
                number: client,
                network: self.network.clone(),
                ledger: self.ledger.clone(),
                random: self.random.fork(),
                healthy: self.healthy,
                end: self.end,
            };
            visits.spawn(visitor.visit());
        }
        if !self.healthy {
            while Instant::now() < self.end {
                self.fail_once().await;
            }
        }
        self.host.start().await;
        let mut clients = Vec::new();
        while let Some(visited) = visits.join_next().await {
            match visited {
                Ok(client) => clients.extend(client),
                Err(error) => self.ledger.violation(error),
            }
        }
        self.check_loads(&clients).await;
        self.leave(clients).await;
        self.ledger.check_nothing_is_alive(&["workshops"]);
        let aborted = self.host.stop().await;
        self.ledger.check(
            aborted == 0,
            format_args!("{aborted} connections remained without their clients"),
        );
        drop(self.host);
        sleep(Duration::from_secs(10)).await;
        self.ledger.check_nothing_is_alive(&[]);
        self.ledger.check_calls();
    }

    async fn fail_once(&mut self) {
        let next = Instant::now() + Duration::from_millis(self.random.u64(..1500));
        sleep_until(next.min(self.end)).await;
        let client = self.random.usize(..self.clients);
        let short = Duration::from_millis(self.random.u64(1..500));
        let long = Duration::from_millis(self.random.u64(500..15_000));
        let towards = if self.random.bool() {
            Towards::Server
        } else {
            Towards::Client
        };
        match self.random.u8(..12) {
            0 | 1 => self.network.partition(client, short),
            2 => self.network.partition(client, long),
            3 => self.network.hold(client, towards, short),
            4 | 5 => self.network.half_open(client, towards),
            6..=8 => self.network.reset(client),
            9 => {
                self.host.crash().await;
                sleep(short).await;
                self.host.start().await;
            }
            10 => {
                self.host.vanish().await;
                sleep(short * 4).await;
                self.host.start().await;
            }
            _ => {
                self.host.stop().await;
                sleep(short).await;
                self.host.start().await;
            }
        }
    }

    /// Checks that neither side of a session holds anything once nothing is running.
    async fn check_loads(&self, clients: &[Client]) {
        for client in clients {
            let entry = self.ledger.idempotent_call("clear");
            let result = timeout(HANG_TIMEOUT, client.clear(entry.number())).await;
            self.ledger.check(result.is_ok(), "the last calls hang");
            if let Ok(result) = result {
                entry.ended(&result);
            }
        }
        sleep(CLEANUP_TIME).await;
        for client in clients {
            let entry = self.ledger.call("check_load");
            let result = timeout(HANG_TIMEOUT, client.check_load(entry.number())).await;
            self.ledger.check(result.is_ok(), "the last calls hang");
            if let Ok(result) = result {
                entry.ended(&result);
            }
            let stats = client.stats();
            self.ledger.check(
                stats == farcall::rpc::SessionStats::default(),
                format_args!("a client still holds {stats:?}"),
            );
        }
    }

    async fn leave(&mut self, clients: Vec<Client>) {
        for client in clients {
            if self.random.bool() {
                drop(client);
            } else {
                let closed = timeout(HANG_TIMEOUT, client.close()).await;
                self.ledger.check(closed.is_ok(), "a client does not close");
            }
        }
        sleep(CLEANUP_TIME + self.lease).await;
    }
}
