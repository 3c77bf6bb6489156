//! The client core, shared by the async and the blocking front end.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use farcall_core::protocol::{Args, Call, Format as _, Name, Payload};
use farcall_core::{CallError, Caller, Context, FormatError, FormatErrorKind, Json};
use farcall_http::client::{
    Destination, DocumentKind, HttpClient, InvalidUrl, Request, Response, Secrets, Transport,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ClientOptions;
use super::answer::{decode, single};

/// Bytes reserved for a request around its parameters.
const ENVELOPE: usize = 128;

/// Bytes reserved for parameters of unknown size: most fit.
const PARAMS: usize = 256;

const KIND: DocumentKind = DocumentKind {
    system: Some(Json::SYSTEM),
    response: "a JSON-RPC response",
    content_type: "application/json",
    path: "/",
};

/// The state that all clones of a client share.
pub(crate) struct Endpoint<T: Transport> {
    http: HttpClient<T, Json>,
    ids: Ids,
}

/// The ids of calls, which count up from 1.
#[derive(Clone, Debug)]
pub(crate) struct Ids(Arc<AtomicU64>);

impl Ids {
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
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

    fn over(http: HttpClient<T, Json>) -> Self {
        Self {
            http,
            ids: Ids(Arc::new(AtomicU64::new(1))),
        }
    }

    pub(super) const fn http(&self) -> &HttpClient<T, Json> {
        &self.http
    }

    pub(super) const fn secrets(&self) -> &Arc<Secrets> {
        self.http.secrets()
    }

    pub(crate) fn ids(&self) -> Ids {
        self.ids.clone()
    }

    /// Calls a method with the members of a struct or map as parameters.
    pub(crate) fn call_named<R: DeserializeOwned>(
        &self,
        method: Name,
        params: &(impl Serialize + ?Sized),
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let format = self.format();
        let context = Context::new(method);
        let prepared = self.prepare(&context, PARAMS, |out| write_named(format, params, out));
        self.complete(prepared, context)
    }

    /// Builds the request for a call, and returns it with its id, if it has one.
    fn prepare(
        &self,
        context: &Context,
        size: usize,
        params: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
    ) -> Result<(Request, Option<u64>), CallError> {
        let id = (!context.is_one_way()).then(|| self.ids.next());
        let write = |out: &mut Vec<u8>| write_request(context.method(), id, params, out);
        let request = self.http.request(context, size + ENVELOPE, write)?;
        Ok((request, id))
    }

    /// Makes a call, and returns its result as it was sent.
    async fn exchange(
        &self,
        prepared: Result<(Request, Option<u64>), CallError>,
        context: Context,
    ) -> Result<Payload, CallError> {
        let (request, id) = prepared?;
        let deadline = context.deadline();
        drop(context);
        let mut response: Response = self.http.exchange(request, deadline).await?;
        if id.is_none() && response.is_only_accepted() {
            return Ok(Payload::copied(b"null"));
        }
        single(&self.http, response, id)
    }

    async fn complete<R: DeserializeOwned>(
        &self,
        prepared: Result<(Request, Option<u64>), CallError>,
        context: Context,
    ) -> Result<R, CallError> {
        let result = self.exchange(prepared, context).await?;
        decode(self.format(), &result, self.secrets())
    }
}

impl<T: Transport> Caller for Endpoint<T> {
    type Format = Json;

    fn format(&self) -> Json {
        *self.http.format()
    }

    async fn send(&self, call: Call<Json>) -> Result<Payload, CallError> {
        let Call {
            params, context, ..
        } = call;
        let prepared = self.prepare(&context, params.as_slice().len(), |out| {
            out.extend_from_slice(match params.as_slice() {
                b"" => b"[]",
                params => params,
            });
            Ok(())
        });
        // The parameters were copied into the request.
        drop(params);
        self.exchange(prepared, context).await
    }

    /// Like the default implementation, but encodes the arguments into the request.
    fn call_in<R: DeserializeOwned>(
        &self,
        context: Context,
        args: impl Args,
    ) -> impl Future<Output = Result<R, CallError>> + Send {
        let format = self.format();
        let prepared = self.prepare(&context, PARAMS, |out| format.encode_args(&args, out));
        self.complete(prepared, context)
    }
}

/// Appends a request, or a notification if it has no id. `params` appends the parameters.
pub(super) fn write_request(
    method: &str,
    id: Option<u64>,
    params: impl FnOnce(&mut Vec<u8>) -> Result<(), FormatError>,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"#);
    Json::default().write(method, out)?;
    out.extend_from_slice(br#","params":"#);
    params(out)?;
    if let Some(id) = id {
        out.extend_from_slice(br#","id":"#);
        Json::default().write(&id, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// Appends parameters by name.
pub(crate) fn write_named(
    format: Json,
    params: &(impl Serialize + ?Sized),
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let start = out.len();
    format.write(params, out)?;
    if out[start..].starts_with(b"{") {
        return Ok(());
    }
    Err(FormatError::new(
        FormatErrorKind::Unrepresentable,
        "parameters by name are a struct or a map",
    ))
}

/// Shows a client: the URL without secrets, and the limits.
impl<T: Transport> fmt::Debug for Endpoint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.http, f)
    }
}
