//! The readiness of a program for calls.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use farcall_core::protocol::Format;
use farcall_core::protocol::observe::is_draining;
use farcall_core::{Method, RegisterError, Registry};
use serde::Serialize;

/// The readiness of a program for calls. Clones share one state.
///
/// It is ready while it was [set](Self::set_ready) so, all [checks](Self::check) pass, and no
/// server of the process drains.
///
/// ```
/// use farcall::web::Health;
///
/// let health = Health::new().check("disk", || {
///     let is_full = false;
///     if is_full { Err("no space is left".to_owned()) } else { Ok(()) }
/// });
/// health.set_ready(true);
/// assert!(health.status().is_ready());
/// ```
#[derive(Clone, Default)]
pub struct Health(Arc<HealthState>);

#[derive(Default)]
struct HealthState {
    is_ready: AtomicBool,
    checks: Mutex<Vec<(String, Arc<Check>)>>,
}

type Check = dyn Fn() -> Result<(), String> + Send + Sync;

/// The health of a program, as `system.health` returns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HealthStatus {
    /// `SERVING` or `NOT_SERVING`, as in the health protocol of gRPC.
    pub status: &'static str,
    /// The reasons why it is not ready.
    pub reasons: Vec<String>,
}

impl HealthStatus {
    /// Returns `true` if the program is ready for calls.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.reasons.is_empty()
    }
}

impl Health {
    /// Creates the health of a program that is not ready yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the program is ready: to `true` once it serves, and to `false` some seconds
    /// before a graceful stop begins, so that load balancers send nothing more. Default: `false`.
    pub fn set_ready(&self, is_ready: bool) {
        self.0.is_ready.store(is_ready, Ordering::Relaxed);
    }

    /// Adds a check, which returns what is wrong. It runs on the event loop for each question about
    /// the health, so it must be quick: what takes long runs in a task, which
    /// [sets](Self::set_ready) the result. Default: none.
    #[must_use]
    pub fn check(
        self,
        name: impl Into<String>,
        check: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        let mut checks = self.0.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.push((name.into(), Arc::new(check)));
        drop(checks);
        self
    }

    /// Returns the health now.
    #[must_use]
    pub fn status(&self) -> HealthStatus {
        let mut reasons = Vec::new();
        if !self.0.is_ready.load(Ordering::Relaxed) {
            reasons.push("the program is not ready".to_owned());
        }
        if is_draining() {
            reasons.push("a server is stopping".to_owned());
        }
        // Checks do not run under the lock.
        let checks = self.0.checks.lock();
        let checks = checks.unwrap_or_else(PoisonError::into_inner).clone();
        for (name, check) in checks {
            if let Err(reason) = check() {
                reasons.push(format!("{name}: {reason}"));
            }
        }
        HealthStatus {
            status: if reasons.is_empty() {
                "SERVING"
            } else {
                "NOT_SERVING"
            },
            reasons,
        }
    }

    /// Registers `system.health`, which returns the [status](HealthStatus), for callers of any
    /// protocol.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn register<F: Format>(&self, registry: &Registry<F>) -> Result<(), RegisterError> {
        let health = self.clone();
        let method = Method::function("system.health", move || health.status());
        registry.register(method.help(
            "Tells whether the server is ready for calls: SERVING or NOT_SERVING, and the reasons.",
        ))?;
        Ok(())
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("is_ready", &self.0.is_ready)
            .finish_non_exhaustive()
    }
}
