//! XML-RPC over HTTP.
