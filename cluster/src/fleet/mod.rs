//! Fleets: calls to many hosts at once.

mod any;
mod attempt;
mod descriptors;
mod encoded;
mod host;
mod jobs;
mod outcome;
mod outcomes;
mod places;
mod policy;
mod quorum;
mod roster;
mod run;
mod settings;
mod subscription;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use farcall_core::protocol::{Args, Name};
use farcall_core::{CallError, Caller as _, Context};
use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;

pub use self::any::AnyHost;
use self::attempt::{AttemptCall, BoxFuture};
pub use self::encoded::FleetFormat;
pub use self::host::Host;
pub use self::jobs::{Job, Jobs};
pub use self::outcome::{Outcome, Stopped};
pub use self::outcomes::{Events, Outcomes};
pub use self::policy::{BatchSize, Batches, InvalidBatches, Retries, StopRule};
pub use self::quorum::NoQuorum;
use self::run::Run;
pub use self::run::{Event, Progress};
use self::settings::Settings;
pub use self::subscription::Subscription;

/// A set of hosts that are called at once, with the policy of these calls. Clones share the hosts.
///
/// Each host has its own URL, of any protocol, and its own credentials. A call to all of them gives
/// exactly one [`Outcome`] for each, as they come. An error says whether the host ran the method
/// ([`execution`](CallError::execution)), and only what did not run, or is idempotent, is retried.
///
/// ```
/// use farcall::cluster::{Client, Credentials, Fleet, Host};
/// use farcall::{CallError, client};
///
/// #[client]
/// trait Calculator {
///     async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = farcall::xmlrpc::Server::new();
/// # server.register_function("add", |a: i64, b: i64| a + b)?;
/// # let bound = server.bind("127.0.0.1:0").await?;
/// # let urls = [bound.url(), bound.url()];
/// # tokio::spawn(bound.serve());
/// let credentials = Credentials::new();
/// let mut hosts = Vec::new();
/// // Such as "http://node1:8000/RPC2" or "conn+rpc://node1:7000".
/// for (number, url) in urls.iter().enumerate() {
///     hosts.push(Host::new(format!("node{number}"), Client::open(url, &credentials)?));
/// }
/// let fleet = Fleet::new(hosts).window(64);
///
/// // By name:
/// let mut sums = fleet.call_all::<i64>("add", (3, 5));
/// while let Some((host, outcome)) = sums.next().await {
///     assert_eq!(outcome.result?, 8, "{host}");
/// }
/// // Typed, with any code around the calls:
/// let mut sums = fleet.each(async |host| host.add(3, 5).await);
/// while let Some((host, outcome)) = sums.next().await {
///     assert_eq!(outcome.result?, 8, "{host}");
/// }
/// // The first good answer:
/// assert_eq!(fleet.any().add(3, 5).await?, 8);
/// # Ok(())
/// # }
/// ```
///
/// # Memory and descriptors
///
/// A host costs a few hundred bytes, and a call under way a few thousand more. A connection is kept
/// for later calls if all hosts fit into the [window](Self::window), and otherwise closed when its
/// call has ended, so that no more connections are open than the window has places.
#[derive(Clone)]
#[must_use = "a fleet does nothing until it is called"]
pub struct Fleet {
    hosts: Arc<[Host]>,
    settings: Settings,
}

/// Policy.
impl Fleet {
    /// Creates a fleet with the default policy.
    pub fn new(hosts: impl IntoIterator<Item = Host>) -> Self {
        Self {
            hosts: hosts.into_iter().collect(),
            settings: Settings::default(),
        }
    }

    /// Maximum number of calls under way at once, and of their connections. Default: 64, as in
    /// ClusterShell: enough to hide the latency of a network, few enough for switches and name
    /// servers. The soft limit of open files is raised for it; where that is not allowed, the
    /// window is smaller.
    ///
    /// A call that timed out and may still be running keeps its place for up to the same
    /// [timeout](Self::timeout) again, if other hosts wait for one.
    pub const fn window(mut self, window: usize) -> Self {
        self.settings.window = window;
        self
    }

    /// Maximum time of one attempt at one host, with the time for the connection, which
    /// [`ConnectOptions::connect_timeout`](crate::ConnectOptions::connect_timeout) limits besides.
    /// Default: 60 s. `None` waits as long as the connection lasts: for transfers of files, for
    /// example.
    pub const fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Maximum time of a whole run. Hosts that were not reached in this time have an outcome with 0
    /// attempts. Default: no limit.
    pub const fn total_timeout(mut self, total_timeout: Option<Duration>) -> Self {
        self.settings.total_timeout = total_timeout;
        self
    }

    /// Retries of calls that cannot have run, and of idempotent calls. Default: 4 retries within
    /// two to four seconds.
    pub const fn retries(mut self, retries: Retries) -> Self {
        self.settings.retries = retries;
        self
    }

    /// Makes an idempotent call a second time if its answer takes longer than this, and takes the
    /// first answer: at the same host for a call to all, at another host for
    /// [`any`](Self::any). A second call needs a place in the window. Default: never.
    pub const fn hedge(mut self, hedge: Option<Duration>) -> Self {
        self.settings.hedge = hedge;
        self
    }

    /// Calls the hosts in batches: the next one begins when all hosts of the one before have their
    /// outcomes. To check something between batches, use [`batches`](Self::batches). Default: all
    /// hosts are one batch.
    pub fn serial(mut self, serial: Batches) -> Self {
        self.settings.serial = Some(serial);
        self
    }

    /// Stops the run after too many failures. Default: never.
    pub const fn stop_after(mut self, stop: StopRule) -> Self {
        self.settings.stop = stop;
        self
    }

    /// Marks all calls as idempotent: two runs have the effect of one, so that they are retried
    /// also if they may have run. Default: only those are whose
    /// [context](farcall_core::Context::idempotent) or `#[client]` method says so.
    pub const fn idempotent(mut self, idempotent: bool) -> Self {
        self.settings.idempotent = idempotent;
        self
    }

    /// Maximum number of [jobs](Self::map) that one host has at once. Default: 1.
    pub const fn jobs_per_host(mut self, jobs_per_host: usize) -> Self {
        self.settings.jobs_per_host = jobs_per_host;
        self
    }
}

/// Hosts.
impl Fleet {
    /// The hosts.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Returns a fleet of these hosts, with the same policy.
    pub fn with_hosts(&self, hosts: impl IntoIterator<Item = Host>) -> Self {
        Self {
            hosts: hosts.into_iter().collect(),
            settings: self.settings.clone(),
        }
    }

    /// Returns the fleet without the hosts from which the last run got no answer, for the rest of a
    /// script.
    pub fn without_failed(&self) -> Self {
        let hosts = self.hosts.iter().filter(|host| !host.has_failed());
        self.with_hosts(hosts.cloned())
    }

    /// Returns the fleets of successive batches, for a program that checks something between them.
    pub fn batches(&self, batches: &Batches) -> impl Iterator<Item = Self> + use<> {
        let fleet = self.clone();
        let mut start = 0;
        batches.sizes(self.hosts.len()).map(move |size| {
            let hosts = fleet.hosts[start..start + size].iter().cloned();
            start += size;
            fleet.with_hosts(hosts)
        })
    }
}

/// Calls.
impl Fleet {
    /// Calls a method of all hosts, with a tuple of arguments, which are encoded once for each
    /// format.
    ///
    /// # Errors
    /// Each outcome has its own: see [`Outcome`].
    pub fn call_all<R>(&self, method: impl Into<Name>, args: impl Args) -> Outcomes<'static, R>
    where
        R: DeserializeOwned + Send + 'static,
    {
        self.call_all_in(Context::new(method), args)
    }

    /// Makes a [`call_all`](Self::call_all) with a context of your choice, for example marked as
    /// [idempotent](Context::idempotent).
    pub fn call_all_in<R>(&self, context: Context, args: impl Args) -> Outcomes<'static, R>
    where
        R: DeserializeOwned + Send + 'static,
    {
        let is_idempotent = self.settings.idempotent || context.is_idempotent();
        let encoded = FleetFormat::of(&self.hosts).encode(&args);
        let call = move |host: Host| -> BoxFuture<'static, _> {
            let call = encoded.call(host.format(), context.clone());
            async move { host.call_encoded(call?).await }.boxed()
        };
        self.run(is_idempotent, Arc::new(call))
    }

    /// Runs a function once for each host: any code around the calls that it makes through the host
    /// it is given, such as typed calls of a `#[client]` trait.
    ///
    /// Its calls share the time of one attempt, and an attempt is repeated only if each of them did
    /// not run or is idempotent. An error of the function's own, such as a check that failed, is
    /// retried only if it says that nothing ran.
    ///
    /// ```
    /// # use farcall::cluster::Fleet;
    /// # use farcall::{CallError, client};
    /// #[client]
    /// trait Service {
    ///     async fn restart(&self) -> Result<(), CallError>;
    ///     #[client(idempotent)]
    ///     async fn version(&self) -> Result<String, CallError>;
    /// }
    ///
    /// # async fn example(fleet: &Fleet, wanted: String) {
    /// let mut outcomes = fleet.each(async |host| {
    ///     host.restart().await?;
    ///     host.version().await
    /// });
    /// # let _ = outcomes.next().await;
    /// // The function runs many times: each run has its own copy of what it needs.
    /// let mut outcomes = fleet.each(|host| {
    ///     let wanted = wanted.clone();
    ///     async move { Ok(host.version().await? == wanted) }
    /// });
    /// # let _ = outcomes.next().await;
    /// # }
    /// ```
    pub fn each<'a, R, F, Fut>(&self, function: F) -> Outcomes<'a, R>
    where
        R: Send + 'a,
        F: Fn(Host) -> Fut + Send + Sync + 'a,
        Fut: Future<Output = Result<R, CallError>> + Send + 'a,
    {
        let call = move |host: Host| -> BoxFuture<'a, _> { Box::pin(function(host)) };
        self.run(self.settings.idempotent, Arc::new(call))
    }

    /// Makes a one-way call to all hosts. Over connections an outcome says that the call is on its
    /// way; XML-RPC has no one-way calls, so there it says that the method completed.
    pub fn broadcast(&self, method: impl Into<Name>, args: impl Args) -> Outcomes<'static, ()> {
        let context = Context::new(method).one_way();
        let is_idempotent = self.settings.idempotent;
        let encoded = FleetFormat::of(&self.hosts).encode(&args);
        let call = move |host: Host| -> BoxFuture<'static, _> {
            let call = encoded.call(host.format(), context.clone());
            async move { host.send(call?).await.map(drop) }.boxed()
        };
        self.run(is_idempotent, Arc::new(call))
    }

    fn run<'a, R: Send + 'a>(
        &self,
        is_idempotent: bool,
        call: Arc<AttemptCall<'a, R>>,
    ) -> Outcomes<'a, R> {
        let (hosts, settings) = (Arc::clone(&self.hosts), self.settings.clone());
        Outcomes(Box::new(Run::new(hosts, settings, is_idempotent, call)))
    }
}

/// Shows the number of hosts, and the policy.
impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("hosts", &self.hosts.len())
            .field("settings", &self.settings)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_can_be_sent_to_other_threads() {
        fn is_send<T: Send>(_: &T) {}

        let fleet = Fleet::new([]);
        is_send(&fleet.call_all::<String>("x", ()));
        is_send(&fleet.each(async |_| Ok(5)).events());
    }
}
