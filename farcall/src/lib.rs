//! Remote calls and distributed objects.

#[cfg(feature = "conn")]
pub use farcall_conn::rpc;
#[doc(hidden)]
pub use farcall_core::__private;
pub use farcall_core::*;
#[cfg(any(feature = "xmlrpc-client", feature = "xmlrpc-server"))]
pub use farcall_xmlrpc as xmlrpc;

/// Authenticated connections.
#[cfg(feature = "conn")]
pub mod conn {
    pub use farcall_conn::*;
}
