//! Pages of a server for people: its [`Documentation`].

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "documentation")]
mod documentation;

#[cfg(feature = "documentation")]
pub use documentation::Documentation;
