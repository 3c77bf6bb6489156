//! The methods of a server, as the protocol XML-RPC of a server of HTTP.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use bytes::Bytes;
use farcall_core::protocol::output::Foreign;
use farcall_core::protocol::{Call, Catalog, Name, Payload, time};
use farcall_core::{Budget, Fault, FaultKind, FormatError, Registry};
use farcall_http::coding::charset;
use farcall_http::server::{Answer, Exchange, HttpServer, Protocol};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::time::sleep_until;
use tracing::level_filters::LevelFilter;

use super::faults::text_within;
use super::multicall::{self, Limits};
use super::options::DocumentOptions;
use crate::XmlRpc;
use crate::document::{call_head, write_fault};
use crate::xml::encoding::decode_document;

/// The methods at the default paths, and the services at other paths.
pub(super) struct Service {
    pub(super) registry: Registry<XmlRpc>,
    options: DocumentOptions,
    budget: Budget,
    max_reply: usize,
    /// Services at paths of their own. Most servers have none, and then take no lock.
    others: OnceLock<RwLock<HashMap<String, Arc<Self>>>>,
}

impl Service {
    /// Creates the service of a server, with no methods except `system.*`.
    pub(super) fn new(mut options: DocumentOptions, http: &HttpServer) -> Self {
        // The encoder stops at the limit instead of writing a reply that is not sent.
        options.format = options.format.max_reply(http.max_reply());
        Self::within(options, http.budget().clone(), http.max_reply())
    }

    fn within(options: DocumentOptions, budget: Budget, max_reply: usize) -> Self {
        let registry = Registry::new();
        let limits = Limits {
            calls: options.max_multicall,
            reply: max_reply,
            policy: options.fault_policy,
        };
        multicall::register_system(&registry, limits, &budget)
            .expect("the names are distinct, and the registry is empty");
        Self {
            registry,
            options,
            budget,
            max_reply,
            others: OnceLock::new(),
        }
    }

    pub(super) const fn options(&self) -> DocumentOptions {
        self.options
    }

    /// Returns the methods at a path of their own, which are created at first.
    pub(super) fn registry_at(&self, path: &str) -> Registry<XmlRpc> {
        let others = self.others.get_or_init(RwLock::default);
        let mut others = others.write().unwrap_or_else(PoisonError::into_inner);
        let other = others.entry(path.to_owned()).or_insert_with(|| {
            let service = Self::within(self.options, self.budget.clone(), self.max_reply);
            service.registry.set_outer_layers(self.registry.layers());
            Arc::new(service)
        });
        other.registry.clone()
    }

    /// Returns the methods at paths of their own.
    pub(super) fn others(&self) -> Vec<(String, Registry<XmlRpc>)> {
        let Some(others) = self.others.get() else {
            return Vec::new();
        };
        let others = others.read().unwrap_or_else(PoisonError::into_inner);
        let registry =
            |(path, other): (&String, &Arc<Self>)| (path.clone(), other.registry.clone());
        others.iter().map(registry).collect()
    }

    /// Makes the call that a document holds. Most calls complete before this returns.
    fn answer_call<'a>(&'a self, mut exchange: Exchange<'a>) -> Answer<'a> {
        // Only the lines about failed calls have it.
        let is_logged = LevelFilter::current() != LevelFilter::OFF;
        let started = is_logged.then(Instant::now);
        let document = std::mem::take(&mut exchange.document);
        let (method, params) = match read_call(document, self.options.format) {
            Ok(call) => call,
            Err(error) => {
                let (peer, shown) = (exchange.context.identity(), Foreign::excerpt(&error));
                tracing::debug!(%peer, error = %shown, "a request is not a call");
                let document = self.write_fault(&error.into(), "", exchange.max_reply);
                return Answer::ready(Some(document));
            }
        };
        let context = exchange.context.for_method(method.clone());
        let deadline = context.deadline();
        let call = Call {
            params,
            format: self.options.format,
            context,
        };
        match self.registry.dispatch(call).into_ready() {
            Ok(result) => Answer::ready(Some(self.reply(&exchange, &method, started, result))),
            Err(reply) => Answer::later(async move {
                let result = match deadline {
                    None => reply.await,
                    Some(deadline) => time::within(reply, || Some(sleep_until(deadline.into())))
                        .await
                        .unwrap_or_else(|| {
                            Err(Fault::of(FaultKind::DeadlineExceeded, "the call timed out"))
                        }),
                };
                Some(self.reply(&exchange, &method, started, result))
            }),
        }
    }

    /// Returns the reply document of a call that has completed.
    fn reply(
        &self,
        exchange: &Exchange<'_>,
        method: &str,
        started: Option<Instant>,
        result: Result<Payload, Fault>,
    ) -> Bytes {
        let result = result
            .and_then(|reply| {
                let document = self.options.format.reply_document(reply);
                document.map_err(Fault::internal)
            })
            .and_then(|document| check_reply(document, exchange.max_reply));
        if let (Some(started), Err(fault)) = (started, &result) {
            exchange.log(method, started, Some(fault));
        }
        result.unwrap_or_else(|fault| self.write_fault(&fault, method, exchange.max_reply))
    }

    fn write_fault(&self, fault: &Fault, method: &str, max_reply: usize) -> Bytes {
        let (code, text) = self.options.fault_policy.apply(fault, method);
        let mut out = Vec::new();
        write_fault(code, text_within(&text, max_reply), &mut out);
        out.into()
    }
}

impl Protocol for Service {
    fn name(&self) -> &'static str {
        "XML-RPC"
    }

    fn paths(&self) -> &'static [&'static str] {
        &["/", "/RPC2"]
    }

    fn at(&self, path: &str) -> Option<Arc<dyn Protocol>> {
        let others = self.others.get()?;
        let others = others.read().unwrap_or_else(PoisonError::into_inner);
        others.get(path).map(|other| Arc::clone(other) as _)
    }

    fn is_content_type(&self, content_type: &str) -> bool {
        let has_suffix = |suffix: &str| {
            let start = content_type.len().checked_sub(suffix.len());
            start
                .and_then(|start| content_type.get(start..))
                .is_some_and(|actual| actual.eq_ignore_ascii_case(suffix))
        };
        content_type.eq_ignore_ascii_case("text/xml")
            || content_type.eq_ignore_ascii_case("application/xml")
            || has_suffix("+xml")
    }

    fn is_document(&self, document: &[u8]) -> bool {
        document.trim_ascii_start().starts_with(b"<")
    }

    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/xml")
    }

    fn methods(&self) -> &dyn Catalog {
        &self.registry
    }

    fn decode(&self, document: &mut Bytes, headers: &HeaderMap) -> Result<(), FormatError> {
        decode_document(document, charset(headers.get(CONTENT_TYPE)))
    }

    fn answer<'a>(&'a self, exchange: Exchange<'a>) -> Answer<'a> {
        self.answer_call(exchange)
    }

    fn fault(&self, fault: &Fault, max_reply: usize) -> Bytes {
        self.write_fault(fault, "", max_reply)
    }
}

/// Returns the method that a document calls, and its parameters.
fn read_call(document: Bytes, format: XmlRpc) -> Result<(Name, Payload), FormatError> {
    let (method, params_start) = call_head(&document, format)?;
    let end = document.len();
    Ok((method, Payload::part(document, params_start..end)))
}

/// Checks the reply against the limit. The encoder enforces it; raw methods may not.
fn check_reply(document: Bytes, limit: usize) -> Result<Bytes, Fault> {
    if document.len() <= limit {
        return Ok(document);
    }
    let text = format!("the call ran, but the reply is over the limit of {limit} bytes");
    Err(Fault::of(FaultKind::Internal, text))
}
