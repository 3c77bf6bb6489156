//! Calls to many machines at once.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(unix, feature = "agent"))]
#[cfg_attr(docsrs, doc(cfg(feature = "agent")))]
pub mod agent;
mod client;
mod fleet;
mod hosts;
#[cfg(feature = "nats")]
#[cfg_attr(docsrs, doc(cfg(feature = "nats")))]
pub mod nats;

pub use client::{
    AnyFormat, Client, ClientFormat, ConnectOptions, ConnectionUrl, Credentials, Protection,
    Protocol, SessionFailed, UrlError,
};
pub use fleet::{
    AnyHost, BatchSize, Batches, Event, Events, Fleet, FleetFormat, Host, InvalidBatches, Job,
    Jobs, NoQuorum, Outcome, Outcomes, Progress, Retries, StopRule, Stopped, Subscription, Update,
};
pub use hosts::{
    CommandGroups, Config, ConfigError, ConfigFinding, FileError, GroupError, GroupMembers,
    GroupSource, GroupTable, HostEntry, HostGroups, HostLimits, HostSet, HostSetError,
    HostSetProblem, HostSettings, Inventory, LineError, ResolveError, Severity, TlsFiles,
    UrlTemplate, UrlTemplateError,
};
#[cfg(feature = "dns")]
#[cfg_attr(docsrs, doc(cfg(feature = "dns")))]
pub use hosts::{DnsGroups, DnsRecord};
