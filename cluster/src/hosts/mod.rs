//! Hosts: sets in the notation of clush and pdsh, groups, inventories and configuration.
//!
//! The crate `nodeset` would be an alternative to a notation of our own, but it brings a parser of
//! command lines and a logger into every program, has no limits, and its errors have no places.

mod config;
mod fold;
mod groups;
mod inventory;
mod limits;
mod lines;
mod notation;
mod secrets;
mod set;
mod settings;
mod template;
mod texts;

pub use config::{Config, ConfigError, ConfigFinding, Severity};
#[cfg(feature = "nats")]
pub use groups::ServiceGroups;
pub use groups::{
    CommandGroups, GroupError, GroupMembers, GroupSource, GroupTable, HostGroups, ResolveError,
};
#[cfg(feature = "dns")]
pub use groups::{DnsGroups, DnsRecord};
pub use inventory::{HostEntry, Inventory};
pub use limits::HostLimits;
pub use lines::{FileError, LineError};
pub use notation::{HostSetError, HostSetProblem};
pub use secrets::WithheldSecret;
pub use set::HostSet;
pub use settings::{HostSettings, TlsFiles};
pub use template::{UrlTemplate, UrlTemplateError};
