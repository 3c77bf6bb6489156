//! Pages of a server for people: its [`Documentation`], and the [`Operations`] of those who run it.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "documentation")]
mod documentation;
#[cfg(feature = "operations")]
mod operations;

#[cfg(feature = "documentation")]
pub use documentation::Documentation;
#[cfg(feature = "operations")]
pub use operations::{Health, HealthStatus, Operations};
