//! The client of a host over JSON-RPC on a socket or a WebSocket.

use std::sync::{Mutex, PoisonError};

use farcall_core::protocol::{Call, Payload};
use farcall_core::{CallError, Caller as _, Json};
use farcall_jsonrpc::{SocketClient, SocketClientOptions};
use serde::de::DeserializeOwned;

use super::options::ConnectOptions;
use super::stream::HostStream;
use super::url::UrlError;
use crate::credentials::Credentials;

/// The client of one host, with its connection, which exists while that is kept.
#[derive(Default)]
pub(super) struct SocketLink(Mutex<Option<SocketClient>>);

impl SocketLink {
    /// Creates the link to the host at `url`, which is checked.
    pub(super) fn new(
        url: &str,
        credentials: &Credentials,
        options: ConnectOptions,
    ) -> Result<Self, UrlError> {
        client(url, credentials, options)?;
        Ok(Self::default())
    }

    /// Closes the connection once the calls that use it have ended.
    pub(super) fn disconnect(&self) {
        let client = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(client);
    }

    pub(super) async fn send(
        &self,
        url: &str,
        credentials: &Credentials,
        options: ConnectOptions,
        call: Call<Json>,
    ) -> Result<Payload, CallError> {
        self.client(url, credentials, options)?.send(call).await
    }

    /// Sends a call and decodes the result. Errors of decoding hide the secrets of the client.
    pub(super) async fn call_encoded<R: DeserializeOwned>(
        &self,
        url: &str,
        credentials: &Credentials,
        options: ConnectOptions,
        call: Call<Json>,
    ) -> Result<R, CallError> {
        let client = self.client(url, credentials, options)?;
        client.call_encoded(call).await
    }

    /// Makes a call that subscribes.
    pub(super) async fn subscribe<T: DeserializeOwned>(
        &self,
        url: &str,
        credentials: &Credentials,
        options: ConnectOptions,
        call: Call<Json>,
    ) -> Result<HostStream<T>, CallError> {
        let client = self.client(url, credentials, options)?;
        client.subscribe_encoded(call).await.map(Into::into)
    }

    fn client(
        &self,
        url: &str,
        credentials: &Credentials,
        options: ConnectOptions,
    ) -> Result<SocketClient, CallError> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*slot {
            return Ok(client.clone());
        }
        let new =
            client(url, credentials, options).map_err(|error| CallError::NotSent(error.into()))?;
        Ok(slot.insert(new).clone())
    }
}

fn client(
    url: &str,
    credentials: &Credentials,
    options: ConnectOptions,
) -> Result<SocketClient, UrlError> {
    // A call has the deadline of its context.
    let settings = SocketClientOptions::default()
        .connect_timeout(options.connect_timeout)
        .timeout(None)
        .max_message(options.max_reply)
        .headers(credentials.headers().clone());
    #[cfg(feature = "_tls")]
    let settings = settings.tls(credentials.client_tls());
    Ok(SocketClient::with_options(url, settings)?)
}
