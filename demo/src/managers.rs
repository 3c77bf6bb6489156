//! The objects of the demo server for managers of Python.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use farcall::conn::managers::{Dict, Exception, ManagerOptions, Proxied, Queue, Server};
use farcall::service;
use serde::{Serialize, Serializer};

/// Returns a server with the types of a `SyncManager`, two shared queues `jobs` and `results`, the
/// dict `shared`, the type `Counter`, and a `Pool`.
///
/// # Errors
/// Never: the server is new.
pub fn server() -> Result<Server, Exception> {
    server_with(ManagerOptions::default())
}

/// Returns the same server with other options.
///
/// # Errors
/// Never: the server is new.
pub fn server_with(options: ManagerOptions) -> Result<Server, Exception> {
    let server = Server::with_options(options);
    server.share("jobs", Queue::new(0))?;
    server.share("results", Queue::new(0))?;
    server.share("shared", Dict::new())?;
    server.register_named("Counter", &["start"], |start: Option<i64>| {
        Counter(AtomicI64::new(start.unwrap_or(0)))
    });
    server.register_pool("Pool", Functions)?;
    Ok(server)
}

/// A counter, and what else the methods of an object can do.
struct Counter(AtomicI64);

/// A result that cannot be sent.
struct Unpicklable;

impl Serialize for Unpicklable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("cannot pickle this object"))
    }
}

#[service]
impl Counter {
    /// Adds to the number, 1 by default, and returns it.
    pub fn increment(&self, by: Option<i64>) -> i64 {
        let by = by.unwrap_or(1);
        self.0.fetch_add(by, Ordering::Relaxed).wrapping_add(by)
    }

    /// The number.
    pub fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// A new counter, which starts at the number.
    pub fn child(&self) -> Proxied {
        Proxied::new("Made", Self(AtomicI64::new(self.value())))
    }

    /// The same, for proxies that were passed on to other processes.
    pub fn child_in_value(&self) -> Proxied {
        self.child().in_value()
    }

    /// Raises a ValueError.
    pub fn fail(&self, text: String) -> Result<(), Exception> {
        Err(Exception::new("ValueError").with_args([text.into(), 3.into()]))
    }

    /// The numbers up to `n`, one by one.
    pub fn numbers(&self, n: u32) -> Proxied {
        Proxied::items(futures_util::stream::iter((0..n).map(Ok::<_, Exception>)))
    }

    /// A result that cannot be sent.
    pub fn unpicklable(&self) -> Unpicklable {
        Unpicklable
    }
}

/// The functions of the pool.
struct Functions;

#[service]
impl Functions {
    /// Twice the number.
    pub fn double(&self, number: i64) -> i64 {
        number.wrapping_mul(2)
    }

    /// Sleeps for a time in seconds, at most for ten, and returns it.
    pub async fn slow(&self, seconds: f64) -> f64 {
        tokio::time::sleep(Duration::from_secs_f64(seconds.clamp(0.0, 10.0))).await;
        seconds
    }

    /// The quotient, rounded towards zero.
    pub fn divide(&self, a: i64, b: i64) -> Result<i64, Exception> {
        let quotient = a.checked_div(b);
        quotient.ok_or_else(|| Exception::with_text("ZeroDivisionError", "division by zero"))
    }
}
