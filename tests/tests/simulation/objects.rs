//! Objects that one side passes to the other.

use std::sync::atomic::{AtomicU64, Ordering};

use farcall::{CallError, client, service};

use super::ledger::{Alive, Ledger};
use super::pause;

/// An object of the server, referred to by clients.
pub(crate) struct Counter {
    ledger: Ledger,
    value: AtomicU64,
    _alive: Alive,
}

impl Counter {
    pub(crate) fn new(ledger: &Ledger) -> Self {
        Self {
            ledger: ledger.clone(),
            value: AtomicU64::new(0),
            _alive: ledger.alive("counters"),
        }
    }
}

#[service]
impl Counter {
    pub fn next(&self, number: u64) -> u64 {
        self.ledger.run(number).complete();
        self.count()
    }

    #[service(skip)]
    pub(crate) fn count(&self) -> u64 {
        self.value.fetch_add(1, Ordering::Relaxed)
    }
}

#[client]
pub(crate) trait CounterApi {
    async fn next(&self, number: u64) -> Result<u64, CallError>;
}

/// An object of a client, referred to by the server.
pub(crate) struct Listener {
    ledger: Ledger,
    _alive: Alive,
}

impl Listener {
    pub(crate) fn new(ledger: &Ledger) -> Self {
        Self {
            ledger: ledger.clone(),
            _alive: ledger.alive("listeners"),
        }
    }
}

#[service]
impl Listener {
    pub async fn hear(&self, number: u64, millis: u64) {
        let running = self.ledger.run(number);
        pause(millis).await;
        running.complete();
    }
}

#[client]
pub(crate) trait ListenerApi {
    async fn hear(&self, number: u64, millis: u64) -> Result<(), CallError>;
}
