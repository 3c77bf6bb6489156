//! No figures: the feature `metrics` is off.

use std::time::Duration;

use crate::error_type::ErrorType;
use crate::name::Name;

pub(super) const fn is_on() -> bool {
    false
}

pub(super) const fn client_series(_: &'static str, _: &Name) -> Option<&'static Series> {
    None
}

/// The place of the figures of a method.
#[derive(Clone, Default)]
pub(crate) struct Slot;

impl Slot {
    pub(crate) const fn series(
        &self,
        _: &'static str,
        _: Option<&Name>,
    ) -> Option<&'static Series> {
        None
    }
}

/// The figures of a method: there are none.
#[derive(Debug)]
pub(crate) enum Series {}

impl Series {
    pub(super) const fn record(&self, _: Duration, _: Option<ErrorType>) {}
}

/// A call that waits.
pub(super) struct InFlight(&'static Series);

impl InFlight {
    pub(super) const fn new(series: &'static Series) -> Self {
        Self(series)
    }

    pub(super) const fn series(&self) -> &'static Series {
        self.0
    }
}
