//! The work of a load, repeated for a given time.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use farcall::transport::Address;
use tokio::task::JoinHandle;

use crate::tls::Certificate;

/// The parameters of a load.
#[derive(Clone)]
pub(crate) struct Task {
    /// Its server, if it has one.
    pub(crate) server: Option<Server>,
    /// The certificate of its server, if it must use TLS.
    pub(crate) certificate: Option<Certificate>,
    /// The measured duration. A warm-up of a quarter of it comes first.
    pub(crate) time: Duration,
}

/// The server of a load.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: Address,
    pub(crate) pid: i32,
}

impl Task {
    pub(crate) fn address(&self) -> Result<&Address> {
        Ok(&self.server()?.address)
    }

    /// Returns the process id of the server.
    pub(crate) fn pid(&self) -> Result<i32> {
        Ok(self.server()?.pid)
    }

    /// Returns the certificate of a server that has one.
    pub(crate) fn certificate(&self) -> Result<&Certificate> {
        let certificate = self.certificate.as_ref();
        certificate.context("this load needs a server with TLS")
    }

    fn server(&self) -> Result<&Server> {
        self.server.as_ref().context("this load needs a server")
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace::new(self.time)
    }

    /// Returns the repetitions of `once` per second.
    pub(crate) fn rate(&self, mut once: impl FnMut() -> Result<()>) -> Result<f64> {
        let mut pace = self.pace();
        while pace.should_continue() {
            once()?;
        }
        Ok(pace.rate())
    }

    /// Returns the total repetitions per second of `tasks` tasks. `spawn` starts one with its pace.
    pub(crate) async fn rate_of(
        &self,
        tasks: usize,
        spawn: impl Fn(Pace) -> JoinHandle<Result<f64>>,
    ) -> Result<f64> {
        let tasks: Vec<_> = (0..tasks).map(|_| spawn(self.pace())).collect();
        let mut rate = 0.0;
        for task in tasks {
            rate += task.await??;
        }
        Ok(rate)
    }
}

/// Interval at which the clock is read, since reading it costs a good part of the shortest work.
const TICK: Duration = Duration::from_millis(1);

/// Counts repetitions, and stops them when the time is up.
pub(crate) struct Pace {
    time: Duration,
    begin: Instant,
    is_warm: bool,
    done: u64,
    batch: u64,
    remaining: u64,
    elapsed: Duration,
}

impl Pace {
    fn new(time: Duration) -> Self {
        Self {
            time,
            begin: Instant::now(),
            is_warm: false,
            done: 0,
            batch: 0,
            remaining: 0,
            elapsed: Duration::ZERO,
        }
    }

    /// Returns `true` if the work is to be repeated once more.
    #[inline]
    pub(crate) fn should_continue(&mut self) -> bool {
        if self.remaining == 0 && !self.start_batch() {
            return false;
        }
        self.remaining -= 1;
        true
    }

    fn start_batch(&mut self) -> bool {
        self.done += self.batch;
        self.elapsed = self.begin.elapsed();
        if self.is_warm {
            self.remaining = self.batch;
            return self.elapsed < self.time;
        }
        if self.elapsed < self.time / 4 || self.done == 0 {
            self.batch = 1;
        } else {
            let ticks = self.elapsed.as_secs_f64() / TICK.as_secs_f64();
            self.batch = ((self.done as f64 / ticks) as u64).max(1);
            self.is_warm = true;
            self.done = 0;
            self.begin = Instant::now();
        }
        self.remaining = self.batch;
        true
    }

    /// Returns the repetitions per second.
    pub(crate) fn rate(&self) -> f64 {
        self.done as f64 / self.elapsed.as_secs_f64()
    }
}
