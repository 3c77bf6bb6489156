//! The figures of methods.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::histogram::{Histogram, Snapshot};
use super::is_on;
use crate::fault::FaultKind;
use crate::name::{Name, OTHER};

/// Maximum methods of a protocol that have figures of their own. A program that registers methods
/// without end would fill the memory. Further ones count as [`OTHER`].
const MAX_METHODS: usize = 1000;

/// The protocols that had calls. They and their series are kept as long as the process lives:
/// a counter that disappeared would have to begin again.
static SYSTEMS: Mutex<Vec<&'static System>> = Mutex::new(Vec::new());

/// The figures of the calls of one protocol.
pub(super) struct System {
    pub(super) name: &'static str,
    in_flight: AtomicUsize,
    series: Mutex<HashMap<Name, &'static Series>>,
}

/// The figures of the calls of one method over one protocol.
pub(crate) struct Series {
    system: &'static System,
    results: Histogram,
    /// By the kind of the fault, from its first.
    faults: [OnceLock<Histogram>; FaultKind::ALL.len()],
}

/// The place of the series of a method, which the first counted call fills.
#[derive(Clone, Default)]
pub(crate) struct Slot(OnceLock<&'static Series>);

impl Slot {
    /// Returns the series of a method, or of none that is registered, if calls are counted.
    #[inline]
    pub(crate) fn series(
        &self,
        system: &'static str,
        method: Option<&Name>,
    ) -> Option<&'static Series> {
        is_on().then(|| *self.0.get_or_init(|| System::of(system).series(method)))
    }
}

impl System {
    fn of(name: &'static str) -> &'static Self {
        let mut systems = SYSTEMS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(system) = systems.iter().find(|system| system.name == name) {
            return system;
        }
        let system: &'static Self = Box::leak(Box::new(Self {
            name,
            in_flight: AtomicUsize::new(0),
            series: Mutex::default(),
        }));
        systems.push(system);
        system
    }

    /// Returns all protocols that had calls.
    pub(super) fn all() -> Vec<&'static Self> {
        let systems = SYSTEMS.lock().unwrap_or_else(PoisonError::into_inner);
        systems.clone()
    }

    fn series(&'static self, method: Option<&Name>) -> &'static Series {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = method.and_then(|method| all.get(method)) {
            return series;
        }
        let method = method.filter(|_| all.len() < MAX_METHODS);
        let name = method.cloned().unwrap_or_else(|| Name::from(OTHER));
        all.entry(name).or_insert_with(|| {
            Box::leak(Box::new(Series {
                system: self,
                results: Histogram::new(),
                faults: Default::default(),
            }))
        })
    }

    /// Returns the methods, sorted, with their series.
    pub(super) fn methods(&self) -> Vec<(Name, &'static Series)> {
        let all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let mut methods: Vec<_> = all
            .iter()
            .map(|(name, series)| (name.clone(), *series))
            .collect();
        drop(all);
        methods.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        methods
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }
}

impl Series {
    /// Counts a call, which has failed with a fault of this kind, or succeeded.
    pub(crate) fn record(&self, duration: Duration, fault: Option<FaultKind>) {
        let faults = fault.and_then(|kind| self.faults.get(kind as usize));
        match faults {
            None => &self.results,
            Some(faults) => faults.get_or_init(Histogram::new),
        }
        .record(duration);
    }

    /// Returns the histograms by kind of fault, `None` for the calls that succeeded.
    pub(super) fn snapshots(&self) -> Vec<(Option<FaultKind>, Snapshot)> {
        let faults = FaultKind::ALL.into_iter().zip(&self.faults);
        let faults = faults.filter_map(|(kind, faults)| Some((Some(kind), faults.get()?)));
        let all = [(None, &self.results)].into_iter().chain(faults);
        let all = all.map(|(kind, histogram)| (kind, histogram.snapshot()));
        all.filter(|(_, snapshot)| snapshot.count() > 0).collect()
    }
}

/// A call that waits, until this is dropped.
pub(crate) struct InFlight(&'static Series);

impl InFlight {
    pub(crate) fn new(series: &'static Series) -> Self {
        series.system.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(series)
    }

    /// The series of the call.
    pub(crate) const fn series(&self) -> &'static Series {
        self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.system.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_beyond_the_limit_share_a_series() {
        let system = System::of("test of the limit");
        let of = |number: usize| system.series(Some(&Name::from(format!("m{number}"))));
        let first = of(0);
        for number in 1..MAX_METHODS + 5 {
            of(number);
        }
        assert!(std::ptr::eq(of(0), first));
        assert!(std::ptr::eq(of(MAX_METHODS + 1), system.series(None)));
        assert_eq!(system.methods().len(), MAX_METHODS + 1);
    }
}
