//! The settings that the setters of a fleet collect.

use std::time::Duration;

use super::policy::{Batches, Retries, StopRule};

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) window: usize,
    pub(super) timeout: Option<Duration>,
    pub(super) total_timeout: Option<Duration>,
    pub(super) retries: Retries,
    pub(super) hedge: Option<Duration>,
    pub(super) serial: Option<Batches>,
    pub(super) stop: StopRule,
    pub(super) idempotent: bool,
    pub(super) jobs_per_host: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: 64,
            timeout: Some(Duration::from_secs(60)),
            total_timeout: None,
            retries: Retries::default(),
            hedge: None,
            serial: None,
            stop: StopRule::default(),
            idempotent: false,
            jobs_per_host: 1,
        }
    }
}
