//! Calls to many machines at once.

#[cfg(all(unix, feature = "agent"))]
#[cfg_attr(docsrs, doc(cfg(feature = "agent")))]
pub mod agent;
