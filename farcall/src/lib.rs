//! Remote calls and distributed objects.

#[cfg(feature = "rpc")]
pub use farcall_conn::rpc;
#[doc(hidden)]
pub use farcall_core::__private;
pub use farcall_core::*;
#[cfg(feature = "pickle")]
pub use farcall_pickle as pickle;
#[cfg(feature = "xmlrpc")]
pub use farcall_xmlrpc as xmlrpc;

#[cfg(all(doc, feature = "full"))]
pub mod guide;

/// Authenticated connections.
#[cfg(feature = "conn")]
pub mod conn {
    pub use farcall_conn::*;
}
