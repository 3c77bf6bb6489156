//! Calls to many machines at once.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod fleet;
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
