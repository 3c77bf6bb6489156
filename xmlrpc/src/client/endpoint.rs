//! The client core, shared by the async and the blocking front end.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use farcall_core::protocol::{Args, Call, Format as _, Payload};
use farcall_core::{CallError, Caller, Context, FormatError};
use farcall_http::client::{
    Destination, DocumentKind, HttpClient, InvalidUrl, Request, Secrets, Transport,
};
use serde::de::DeserializeOwned;

use super::ClientOptions;
use super::reply::reply;
use crate::XmlRpc;
use crate::de::De;
use crate::document::{reply_result, write_call};

/// Bytes reserved for a call document around its parameters.
const ENVELOPE: usize = 160;

/// Bytes reserved for parameters of unknown size: most fit.
const PARAMS: usize = 256;

const KIND: DocumentKind = DocumentKind {
    system: Some(XmlRpc::SYSTEM),
    response: "an XML-RPC response",
    content_type: "text/xml",
    // As in every XML-RPC client since the first.
    path: "/RPC2",
};

/// The state that all clones of a client share.
pub(crate) struct Endpoint<T: Transport> {
    http: HttpClient<T, XmlRpc>,
    /// `true` once the server is known to lack `system.multicall`.
    lacks_multicall: AtomicBool,
}

impl<T: Transport> Endpoint<T> {
    /// Creates an endpoint that connects to the server at `url`, or to its proxy.
    pub(crate) fn new(
        url: &str,
        options: ClientOptions,
        transport: fn(Destination) -> T,
    ) -> Result<Self, InvalidUrl> {
        HttpClient::new(url, KIND, options, transport).map(Self::over)
    }

    /// Creates an endpoint for the server at `url` that connects by `transport`, whatever the host.
    pub(super) fn at(url: &str, options: ClientOptions, transport: T) -> Result<Self, InvalidUrl> {
        HttpClient::at(url, KIND, options, transport).map(Self::over)
    }

    const fn over(http: HttpClient<T, XmlRpc>) -> Self {
        Self {
            http,
            lacks_multicall: AtomicBool::new(false),
        }
    }

    pub(super) const fn secrets(&self) -> &Arc<Secrets> {
        self.http.secrets()
    }

    pub(super) fn lacks_multicall(&self) -> bool {
        self.lacks_multicall.load(Ordering::Relaxed)
    }

    pub(super) fn set_lacks_multicall(&self) {
        self.lacks_multicall.store(true, Ordering::Relaxed);
    }

    /// Builds the request for a call. `params` appends its arguments, of about `size` bytes.
    fn request(
        &self,
        context: &Context,
        size: usize,
        params: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
    ) -> Result<Request, CallError> {
        let write = |document: &mut Vec<u8>| write_call(context.method(), params, document);
        self.http.request(context, size + ENVELOPE, write)
    }

    /// Sends a call whose arguments are encoded, and returns the result that `read` decodes, with
    /// the reply document.
    pub(super) async fn send_for<R>(
        &self,
        call: Call<XmlRpc>,
        read: impl FnOnce(&mut De<'_>) -> Result<R, FormatError>,
    ) -> Result<(R, Payload), CallError> {
        let params = if call.params.is_whole() {
            Cow::Borrowed(call.params.as_slice())
        } else {
            // A relayed call: the rest of its document belongs to the request that it came with.
            Cow::Owned(
                call.format
                    .params_of(&call.params)
                    .map_err(CallError::Encode)?,
            )
        };
        let request = self.request(&call.context, params.len(), |document| {
            document.extend_from_slice(&params);
            Ok(())
        })?;
        let (format, deadline) = (call.format, call.context.deadline());
        // The parameters were copied into the request.
        drop(params);
        drop(call);
        let response = self.http.exchange(request, deadline).await?;
        reply(&self.http, response, format, read)
    }
}

/// Shows a client: the URL without secrets, and the limits.
impl<T: Transport> fmt::Debug for Endpoint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.http, f)
    }
}

impl<T: Transport> Caller for Endpoint<T> {
    type Format = XmlRpc;

    fn format(&self) -> XmlRpc {
        *self.http.format()
    }

    async fn send(&self, call: Call<XmlRpc>) -> Result<Payload, CallError> {
        let ((), document) = self.send_for(call, |_| Ok(())).await?;
        Ok(document)
    }

    /// Like the default implementation, but encodes the arguments into the request and reads the
    /// reply only once.
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let format = self.format();
        let request = self.request(&context, PARAMS, |document| {
            format.encode_args(&args, document)
        });
        let deadline = context.deadline();
        async move {
            let response = self.http.exchange(request?, deadline).await?;
            let (result, _) = reply(&self.http, response, format, reply_result)?;
            Ok(result)
        }
    }
}
