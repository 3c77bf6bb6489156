//! Calls to many machines at once.
//!
//! - [`Client`]: one host of any protocol, by its URL, with [`Credentials`]. It connects when it is
//!   called, and again after a loss.
//! - [`Fleet`]: many hosts, called in a window. Each has exactly one [`Outcome`], as it comes,
//!   which says whether the method ran.
//!
//! ```
//! use farcall::cluster::{Client, Credentials, Fleet, Host};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = farcall::rpc::Server::new();
//! # server.register_function("hostname", || "node1")?;
//! # let bound = server.bind("127.0.0.1:0").await?;
//! # let url = bound.url();
//! # tokio::spawn(bound.serve());
//! // Such as "conn+rpc://node1:7000" or "https://node2/RPC2".
//! let node1 = Host::new("node1", Client::open(&url, &Credentials::new())?);
//! let fleet = Fleet::new([node1]);
//! let mut names = fleet.call_all::<String>("hostname", ());
//! while let Some((host, outcome)) = names.next().await {
//!     println!("{host}: {:?}, ran: {:?}", outcome.result, outcome.execution());
//! }
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(unix, feature = "agent"))]
#[cfg_attr(docsrs, doc(cfg(feature = "agent")))]
pub mod agent;
mod client;
mod credentials;
mod fault_kinds;
mod fleet;
mod hosts;
#[cfg(feature = "nats")]
#[cfg_attr(docsrs, doc(cfg(feature = "nats")))]
pub mod nats;

#[cfg(feature = "managers")]
#[cfg_attr(docsrs, doc(cfg(feature = "managers")))]
pub use client::ManagerFormat;
pub use client::{
    AnyFormat, Client, ClientFormat, ConnectOptions, ConnectionUrl, HostStream, Protection,
    Protocol, SessionFailed, Update, UrlError, Via,
};
pub use credentials::Credentials;
pub use fleet::{
    AnyHost, BatchSize, Batches, Event, Events, Fleet, FleetFormat, Host, InvalidBatches, Job,
    Jobs, NoQuorum, Outcome, Outcomes, Progress, Retries, StopRule, Stopped, Subscription,
};
#[cfg(feature = "nats")]
#[cfg_attr(docsrs, doc(cfg(feature = "nats")))]
pub use hosts::ServiceGroups;
pub use hosts::{
    CommandGroups, Config, ConfigError, ConfigFinding, FileError, GroupError, GroupMembers,
    GroupSource, GroupTable, HostEntry, HostGroups, HostLimits, HostSet, HostSetError,
    HostSetProblem, HostSettings, Inventory, LineError, ResolveError, Severity, TlsFiles,
    UrlTemplate, UrlTemplateError, WithheldSecret,
};
#[cfg(feature = "dns")]
#[cfg_attr(docsrs, doc(cfg(feature = "dns")))]
pub use hosts::{DnsGroups, DnsRecord};
