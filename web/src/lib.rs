//! Pages of a server for people: its [`Documentation`], and the [`Operations`] of those who run it.
//! Beside them, the export of figures to a collector ([`OtlpExporter`]).

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "documentation")]
mod documentation;
#[cfg(feature = "operations")]
mod operations;
#[cfg(feature = "otlp")]
mod otlp;

#[cfg(feature = "documentation")]
pub use documentation::Documentation;
#[cfg(feature = "operations")]
pub use operations::{Health, HealthStatus, Operations};
#[cfg(feature = "otlp")]
pub use otlp::OtlpExporter;
