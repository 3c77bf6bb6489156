//! An endurance run. Honest clients of every protocol call a server continuously, others reach it
//! through a relay that injects faults, and some send random bytes. The honest calls must succeed,
//! and the server's memory, descriptors and tasks must not grow between the second and the last
//! quarter of the run.

mod faults;
mod honest;
mod hostile;
pub mod report;
mod samples;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::samples::Sample;
use crate::protocol::Site;

/// The number of honest clients of each kind.
const HONEST: usize = 2;

/// The number of clients behind the relay.
const FAULTY: usize = 16;

/// The number of peers that send random bytes.
const HOSTILE: usize = 4;

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program of the victim.
    pub victim: PathBuf,
    /// The duration of the run.
    pub duration: Duration,
    /// The interval between samples.
    pub interval: Duration,
    /// The seed of the faults.
    pub seed: u64,
}

/// The results of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The settings of the run.
    pub options: Options,
    /// The samples of the server's resources.
    pub samples: Vec<Sample>,
    /// The peak memory of the server in bytes.
    pub peak: u64,
}

impl Report {
    /// Checks that the server used no more of any resource in the last quarter of the run than in
    /// the second.
    ///
    /// # Errors
    /// The resource that grew, with both values.
    pub fn check_flat(&self) -> Result<(), String> {
        samples::check_flat(&self.samples)
    }
}

/// Counters of calls, faults and peers.
#[derive(Debug, Default)]
struct Counts {
    honest: AtomicU64,
    faulty: AtomicU64,
    faults: AtomicU64,
    hostile: AtomicU64,
}

/// The shared state of the clients.
struct Run {
    site: Site,
    counts: Counts,
    /// The first failure.
    failure: Mutex<Option<String>>,
    stop: CancellationToken,
}

impl Run {
    /// Records a failure and stops the run.
    fn fail(&self, failure: String) {
        let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(failure);
        self.stop.cancel();
    }

    /// Sleeps for a random time with this average. Returns `true` unless the run was stopped.
    async fn next_round(&self, random: &mut Rng, pause: Duration) -> bool {
        tokio::time::sleep(pause.mul_f64(2.0 * random.f64())).await;
        !self.stop.is_cancelled()
    }
}

/// Performs a run, and prints a line for each sample.
///
/// # Errors
/// The first failure.
///
/// # Panics
/// If the server does not start, or is not healthy at the end.
pub async fn run(options: &Options) -> Result<Report, String> {
    println!("seed {}, {:?}", options.seed, options.duration);
    let program = options
        .victim
        .to_str()
        .ok_or("the path of the victim is not UTF-8")?;
    let run = Arc::new(Run {
        site: Site::start(program, &["--lease-ms", "1000"]).await,
        counts: Counts::default(),
        failure: Mutex::default(),
        stop: CancellationToken::new(),
    });
    let mut clients = JoinSet::new();
    let mut random = Rng::with_seed(options.seed);
    for _ in 0..HONEST {
        honest::spawn(&run, &mut random, &mut clients).await;
    }
    for _ in 0..FAULTY {
        clients.spawn(faults::call_on(Arc::clone(&run), random.fork()));
    }
    for _ in 0..HOSTILE {
        clients.spawn(hostile::send_on(Arc::clone(&run), random.fork()));
    }
    let samples = watch(&run, options).await;
    run.stop.cancel();
    clients.join_all().await;
    let failure = run
        .failure
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(failure) = failure {
        return Err(failure);
    }
    let victim = &run.site.victim;
    victim.assert_released("the run").await;
    victim.assert_unharmed("the run");
    Ok(Report {
        options: options.clone(),
        samples,
        peak: victim.peak(),
    })
}

/// Samples the server until the duration is over or the run fails.
async fn watch(run: &Run, options: &Options) -> Vec<Sample> {
    let begin = Instant::now();
    let mut samples = Vec::new();
    let mut ticks = tokio::time::interval(options.interval);
    while begin.elapsed() <= options.duration && !run.stop.is_cancelled() {
        tokio::select! {
            _ = ticks.tick() => {}
            () = run.stop.cancelled() => break,
        }
        match samples::take_sample(run, begin).await {
            Ok(sample) => {
                println!("{sample}");
                samples.push(sample);
            }
            Err(error) => run.fail(format!("cannot sample the server: {error:?}")),
        }
    }
    samples
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}
