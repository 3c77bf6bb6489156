//! The figures of methods.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::histogram::{Distribution, Histogram};
use super::is_on;
use crate::error_type::ErrorType;
use crate::name::{Name, OTHER};

/// Maximum methods of a protocol that have figures of their own. A program that registers methods,
/// or calls methods of ever new names, would fill the memory. Further ones count as [`OTHER`].
const MAX_METHODS: usize = 1000;

/// The protocols that had calls. They and their series are kept as long as the process lives:
/// a counter that disappeared would have to begin again.
static SYSTEMS: Mutex<Vec<&'static System>> = Mutex::new(Vec::new());

/// The side of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// This process makes the calls.
    Client,
    /// This process answers the calls.
    Server,
}

/// The figures of the calls of one side of one protocol.
#[derive(Debug)]
pub(super) struct System {
    pub(super) side: Side,
    pub(super) name: &'static str,
    in_flight: AtomicUsize,
    /// Read by each call of a client, so without a lock.
    series: ArcSwap<HashMap<Name, &'static Series>>,
    /// Held while a series is added.
    growth: Mutex<()>,
}

/// The figures of the calls of one method over one protocol.
#[derive(Debug)]
pub(crate) struct Series {
    system: &'static System,
    results: Histogram,
    /// By the type of the failure, from its first.
    failures: [OnceLock<Histogram>; ErrorType::COUNT],
}

/// Returns the series of a method that a client calls, if calls are counted.
pub(crate) fn client_series(system: &'static str, method: &Name) -> Option<&'static Series> {
    is_on().then(|| System::of(Side::Client, system).series(Some(method)))
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
        is_on().then(|| {
            *self
                .0
                .get_or_init(|| System::of(Side::Server, system).series(method))
        })
    }
}

impl System {
    fn of(side: Side, name: &'static str) -> &'static Self {
        let mut systems = SYSTEMS.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |system: &&&'static Self| system.side == side && system.name == name;
        if let Some(system) = systems.iter().find(is_same) {
            return system;
        }
        let system: &'static Self = Box::leak(Box::new(Self {
            side,
            name,
            in_flight: AtomicUsize::new(0),
            series: ArcSwap::default(),
            growth: Mutex::new(()),
        }));
        systems.push(system);
        system
    }

    /// Returns all protocols that had calls as client or as server.
    pub(super) fn all(side: Side) -> Vec<&'static Self> {
        let systems = SYSTEMS.lock().unwrap_or_else(PoisonError::into_inner);
        let of_side = systems.iter().filter(|system| system.side == side);
        of_side.copied().collect()
    }

    fn series(&'static self, method: Option<&Name>) -> &'static Series {
        let name = method.map_or(OTHER, Name::as_str);
        if let Some(series) = self.series.load().get(name) {
            return series;
        }
        let _growing = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.series.load();
        let name = if old.len() < MAX_METHODS { name } else { OTHER };
        if let Some(series) = old.get(name) {
            return series;
        }
        let series: &'static Series = Box::leak(Box::new(Series {
            system: self,
            results: Histogram::new(),
            failures: Default::default(),
        }));
        let mut new = HashMap::clone(&old);
        new.insert(Name::from(name), series);
        self.series.store(Arc::new(new));
        series
    }

    /// Returns the methods, sorted, with their series.
    pub(super) fn methods(&self) -> Vec<(Name, &'static Series)> {
        let all = self.series.load();
        let mut methods: Vec<_> = all
            .iter()
            .map(|(name, series)| (name.clone(), *series))
            .collect();
        methods.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        methods
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }
}

impl Series {
    /// Counts a call, which has failed with an error of this type, or succeeded.
    pub(crate) fn record(&self, duration: Duration, error: Option<ErrorType>) {
        let failures = error.and_then(|error| self.failures.get(error.index()));
        match failures {
            None => &self.results,
            Some(failures) => failures.get_or_init(Histogram::new),
        }
        .record(duration);
    }

    /// Returns the durations by type of failure, `None` for the calls that succeeded.
    pub(super) fn durations(&self) -> Vec<(Option<ErrorType>, Distribution)> {
        let failures = ErrorType::all().zip(&self.failures);
        let failures = failures.filter_map(|(error, of)| Some((Some(error), of.get()?)));
        let all = [(None, &self.results)].into_iter().chain(failures);
        let all = all.map(|(error, histogram)| (error, histogram.read()));
        all.filter(|(_, durations)| durations.count() > 0).collect()
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
        let system = System::of(Side::Server, "test of the limit");
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
