//! CPU affinity.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Calls `start` with the affinity restricted to this number of CPUs, which the process it starts
/// inherits. The last CPUs are used, since the first handles most interrupts.
pub(crate) fn pinned<T>(cpus: usize, start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let all = sched_getaffinity(None)?;
    let mut some = CpuSet::new();
    let allowed = (0..CpuSet::MAX_CPU).rev().filter(|cpu| all.is_set(*cpu));
    allowed.take(cpus).for_each(|cpu| some.set(cpu));
    sched_setaffinity(None, &some)?;
    let started = start();
    sched_setaffinity(None, &all)?;
    started
}
