//! Samples of the server's resources, and the check that they do not grow.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use farcall::CallError;

use super::Run;

/// The part by which a value in the last quarter of the run may exceed that of the second quarter.
const TOLERANCE: f64 = 0.05;
/// The number of bytes that memory may grow in addition to [`TOLERANCE`].
const MORE_MEMORY: f64 = 4.0 * 1024.0 * 1024.0;
/// The number of descriptors or tasks that may exist in addition to [`TOLERANCE`]: their number
/// depends on the faults in progress.
const MORE: f64 = 10.0;

/// The resources of the server at one moment, and the load up to then.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The time since the start of the run.
    pub at: Duration,
    /// The number of honest calls that succeeded.
    pub honest: u64,
    /// The number of calls through the relay.
    pub faulty: u64,
    /// The number of faults injected into them.
    pub faults: u64,
    /// The number of peers that sent random bytes.
    pub hostile: u64,
    /// Its memory in bytes.
    pub memory: u64,
    /// Its open files and sockets.
    pub descriptors: usize,
    /// Its tasks.
    pub tasks: usize,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:6.0} s: {} honest calls, {} with {} faults, {} hostile peers; {} KiB, {} descriptors, {} tasks",
            self.at.as_secs_f64(),
            self.honest,
            self.faulty,
            self.faults,
            self.hostile,
            self.memory >> 10,
            self.descriptors,
            self.tasks,
        )
    }
}

/// Takes a sample.
pub(super) async fn take_sample(run: &Run, begin: Instant) -> Result<Sample, CallError> {
    let victim = &run.site.victim;
    let client = farcall::xmlrpc::Client::new(&victim.url()).expect("a URL");
    let tasks = client.call("ledger.tasks", ()).await?;
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    Ok(Sample {
        at: begin.elapsed(),
        honest: count(&run.counts.honest),
        faulty: count(&run.counts.faulty),
        faults: count(&run.counts.faults),
        hostile: count(&run.counts.hostile),
        memory: victim.memory(),
        descriptors: victim.descriptors(),
        tasks,
    })
}

/// Checks that no resource grew from the second quarter of the run to the last.
pub(super) fn check_flat(samples: &[Sample]) -> Result<(), String> {
    let quarter = samples.len() / 4;
    if quarter == 0 {
        return Err("the run was too short to detect growth".to_owned());
    }
    let (second, last) = (
        &samples[quarter..2 * quarter],
        &samples[samples.len() - quarter..],
    );
    let flat = |what: &str, more: f64, of: fn(&Sample) -> f64| {
        let mean = |samples: &[Sample]| samples.iter().map(of).sum::<f64>() / samples.len() as f64;
        let (before, after) = (mean(second), mean(last));
        if after <= before * (1.0 + TOLERANCE) + more {
            Ok(())
        } else {
            Err(format!("{what} grew from {before:.0} to {after:.0}"))
        }
    };
    flat("memory", MORE_MEMORY, |sample| sample.memory as f64)?;
    flat("descriptors", MORE, |sample| sample.descriptors as f64)?;
    flat("tasks", MORE, |sample| sample.tasks as f64)
}
