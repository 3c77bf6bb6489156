//! What a remote call is.
