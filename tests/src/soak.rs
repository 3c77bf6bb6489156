//! An endurance run: honest clients of every protocol call a server all the time, others reach it through a relay
//! that harms what it carries, and some send bytes that mean nothing. The honest calls succeed, and the server
//! needs no more of anything at the end than in the middle.

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

/// How many clients of each honest kind there are.
const HONEST: usize = 2;

/// How many clients reach the server through the relay.
const FAULTY: usize = 16;

/// How many send what means nothing.
const HOSTILE: usize = 4;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program that is called.
    pub victim: PathBuf,
    /// For how long.
    pub duration: Duration,
    /// How often the server is looked at.
    pub interval: Duration,
    /// What decides about the faults.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was run.
    pub options: Options,
    /// The server, from time to time.
    pub samples: Vec<Sample>,
    /// The most memory that the server ever had, in bytes.
    pub peak: u64,
}

impl Report {
    /// Checks that the server had no more of anything in the last quarter of the run than in the second.
    ///
    /// # Errors
    /// With what grew, and from what to what.
    pub fn check_flat(&self) -> Result<(), String> {
        samples::check_flat(&self.samples)
    }
}

/// How much of what there was.
#[derive(Debug, Default)]
struct Counts {
    honest: AtomicU64,
    faulty: AtomicU64,
    faults: AtomicU64,
    hostile: AtomicU64,
}

/// What the clients have in common.
struct Run {
    site: Site,
    counts: Counts,
    /// The first thing that went wrong.
    failure: Mutex<Option<String>>,
    stop: CancellationToken,
}

impl Run {
    /// Ends the run, which failed.
    fn fail(&self, failure: String) {
        let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(failure);
        self.stop.cancel();
    }

    /// Whether to go on, after a pause of random length that is this one on average.
    async fn goes_on(&self, random: &mut Rng, pause: Duration) -> bool {
        tokio::time::sleep(pause.mul_f64(2.0 * random.f64())).await;
        !self.stop.is_cancelled()
    }
}

/// Runs it, and prints a line for each look at the server.
///
/// # Errors
/// With what went wrong first.
///
/// # Panics
/// If the server does not start, or is not well at the end.
pub async fn run(options: &Options) -> Result<Report, String> {
    println!("seed {}, {:?}", options.seed, options.duration);
    let program = options
        .victim
        .to_str()
        .ok_or("the path of the victim is no text")?;
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

/// Looks at the server until the time is over, or something goes wrong.
async fn watch(run: &Run, options: &Options) -> Vec<Sample> {
    let begin = Instant::now();
    let mut samples = Vec::new();
    let mut looks = tokio::time::interval(options.interval);
    while begin.elapsed() <= options.duration && !run.stop.is_cancelled() {
        tokio::select! {
            _ = looks.tick() => {}
            () = run.stop.cancelled() => break,
        }
        match samples::look(run, begin).await {
            Ok(sample) => {
                println!("{sample}");
                samples.push(sample);
            }
            Err(error) => run.fail(format!("the server cannot be looked at: {error:?}")),
        }
    }
    samples
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}
