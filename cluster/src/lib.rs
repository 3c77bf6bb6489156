//! Calls to many machines at once.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "nats")]
#[cfg_attr(docsrs, doc(cfg(feature = "nats")))]
pub mod nats;
