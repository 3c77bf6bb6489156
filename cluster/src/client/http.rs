//! The client of a host over HTTP, whose documents are those of XML-RPC or JSON-RPC.

use std::sync::{Mutex, PoisonError};

#[cfg(feature = "jsonrpc")]
use farcall_core::Json;
use farcall_core::protocol::{Call, Payload};
use farcall_core::{CallError, Caller as _};
#[cfg(feature = "jsonrpc")]
use farcall_jsonrpc as jsonrpc;
use farcall_xmlrpc as xmlrpc;
use serde::de::DeserializeOwned;

use super::convert;
use super::format::AnyFormat;
use super::options::ConnectOptions;
use super::url::{Protocol, UrlError};
use crate::credentials::Credentials;

/// The client of one host, with its connections, which exists while these are kept: it takes more
/// memory than its URL, which counts for ten thousand hosts.
pub(super) struct HttpLink {
    protocol: Protocol,
    slot: Mutex<Option<HttpClient>>,
}

/// A client of one of the protocols.
#[derive(Clone)]
enum HttpClient {
    XmlRpc(xmlrpc::Client),
    #[cfg(feature = "jsonrpc")]
    JsonRpc(jsonrpc::Client),
}

impl HttpLink {
    /// Creates the link to the host at `url`, which is checked.
    pub(super) fn new(
        protocol: Protocol,
        url: &str,
        credentials: &Credentials,
        options: ConnectOptions,
    ) -> Result<Self, UrlError> {
        HttpClient::new(protocol, url, credentials, options)?;
        Ok(Self {
            protocol,
            slot: Mutex::default(),
        })
    }

    pub(super) const fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(super) fn format(&self) -> AnyFormat {
        match self.protocol {
            #[cfg(feature = "jsonrpc")]
            Protocol::JsonRpc => AnyFormat::Json(Json::default()),
            _ => AnyFormat::XmlRpc(xmlrpc::XmlRpc::default()),
        }
    }

    /// Closes the connections that no call uses.
    pub(super) fn disconnect(&self) {
        let client = self
            .slot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(client);
    }

    fn client(
        &self,
        url: &str,
        credentials: &Credentials,
        options: ConnectOptions,
    ) -> Result<HttpClient, CallError> {
        let mut client = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        let new = HttpClient::new(self.protocol, url, credentials, options)
            .map_err(|error| CallError::NotSent(error.into()))?;
        Ok(client.insert(new).clone())
    }

    pub(super) async fn send(
        &self,
        url: &str,
        credentials: &Credentials,
        options: ConnectOptions,
        call: Call<AnyFormat>,
    ) -> Result<Payload, CallError> {
        match self.client(url, credentials, options)? {
            HttpClient::XmlRpc(client) => client.send(convert(call)?).await,
            #[cfg(feature = "jsonrpc")]
            HttpClient::JsonRpc(client) => client.send(convert(call)?).await,
        }
    }

    /// Sends a call and decodes the result. Errors of decoding hide the secrets of the client.
    pub(super) async fn call_encoded<R: DeserializeOwned>(
        &self,
        url: &str,
        credentials: &Credentials,
        options: ConnectOptions,
        call: Call<AnyFormat>,
    ) -> Result<R, CallError> {
        match self.client(url, credentials, options)? {
            HttpClient::XmlRpc(client) => client.call_encoded(convert(call)?).await,
            #[cfg(feature = "jsonrpc")]
            HttpClient::JsonRpc(client) => client.call_encoded(convert(call)?).await,
        }
    }
}

impl HttpClient {
    fn new(
        protocol: Protocol,
        url: &str,
        credentials: &Credentials,
        options: ConnectOptions,
    ) -> Result<Self, UrlError> {
        // A call has the deadline of its context.
        let options = credentials
            .http_options()
            .timeout(None)
            .connect_timeout(Some(options.connect_timeout))
            .max_body(options.max_reply);
        match protocol {
            #[cfg(feature = "jsonrpc")]
            Protocol::JsonRpc => {
                // Its length is that of `json+`.
                let url = url.get(5..).unwrap_or_default();
                let options = options.with_format(Json::default());
                Ok(Self::JsonRpc(jsonrpc::Client::with_options(url, options)?))
            }
            #[cfg(not(feature = "jsonrpc"))]
            Protocol::JsonRpc => Err(UrlError::NoJsonRpc),
            _ => Ok(Self::XmlRpc(xmlrpc::Client::with_options(url, options)?)),
        }
    }
}
