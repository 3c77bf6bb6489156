//! What a server shows to people: its documentation.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "documentation")]
mod documentation;
