//! Calls to many machines at once.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod hosts;

pub use hosts::{
    CommandGroups, Config, ConfigError, ConfigFinding, FileError, GroupError, GroupMembers,
    GroupSource, GroupTable, HostEntry, HostGroups, HostLimits, HostSet, HostSetError,
    HostSetProblem, HostSettings, Inventory, LineError, ResolveError, Severity, TlsFiles,
    UrlTemplate, UrlTemplateError,
};
#[cfg(feature = "dns")]
#[cfg_attr(docsrs, doc(cfg(feature = "dns")))]
pub use hosts::{DnsGroups, DnsRecord};
