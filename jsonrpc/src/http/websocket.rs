//! The handshake of WebSocket (RFC 6455, 4.2), at the port of HTTP.

use std::pin::Pin;
use std::sync::Arc;

use farcall_core::TraceContext;
use farcall_core::protocol::Origin;
use farcall_http::server::{Rejection, Switch, Upgrade, UpgradedConnection};
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{Method, StatusCode, Version};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::Service;
use crate::message::websocket::accepted;
use crate::session::{Driver, Offer};

/// Characters of the key of a handshake: 16 bytes in base64.
const KEY: usize = 24;

/// Items of its own subscriptions that a server keeps for each, as a client does.
const WINDOW: usize = 1024;

/// Decides about the handshake of a WebSocket, if a request is one.
pub(super) fn upgrade(service: &Service, head: &Parts) -> Option<Result<Switch, Rejection>> {
    let headers = &head.headers;
    if head.method != Method::GET || !has_token(headers, UPGRADE, "websocket") {
        return None;
    }
    // An older peer does not know of upgrades (RFC 9110, 7.8).
    if head.version < Version::HTTP_11 {
        let text = "the handshake of a WebSocket needs HTTP/1.1";
        return Some(Err(Rejection::new(StatusCode::BAD_REQUEST, text)));
    }
    // Frames follow the handshake, which an intermediary must not take for a body.
    let is_empty = |length: &HeaderValue| length.as_bytes() == b"0";
    if headers.contains_key(TRANSFER_ENCODING)
        || !headers.get_all(CONTENT_LENGTH).iter().all(is_empty)
    {
        let text = "the handshake of a WebSocket has no body";
        return Some(Err(Rejection::new(StatusCode::BAD_REQUEST, text)));
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let key = keys.next().filter(|key| key.len() == KEY);
    let is_one = keys.next().is_none() && has_token(headers, CONNECTION, "upgrade");
    let (Some(key), true) = (key, is_one) else {
        let text = "the handshake of a WebSocket has one Sec-WebSocket-Key and Connection: upgrade";
        return Some(Err(Rejection::new(StatusCode::BAD_REQUEST, text)));
    };
    let version = headers.get(SEC_WEBSOCKET_VERSION);
    if version.is_none_or(|version| version != "13") {
        let text = "unsupported version of WebSocket: use 13";
        return Some(Err(Rejection::new(StatusCode::UPGRADE_REQUIRED, text)
            .with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
            .with_header(UPGRADE, HeaderValue::from_static("websocket"))));
    }
    // Base64 is always valid in a header.
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok()?;
    let headers = [
        (CONNECTION, HeaderValue::from_static("upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Some(Ok(Switch {
        headers: headers.into_iter().collect(),
        to: Arc::new(WebSocket(service.clone())),
    }))
}

/// Returns `true` if a list of tokens has this one.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        let value = value.to_str().unwrap_or_default();
        value
            .split(',')
            .any(|other| other.trim().eq_ignore_ascii_case(token))
    })
}

/// The sessions of a service over WebSockets.
struct WebSocket(Service);

impl Upgrade for WebSocket {
    fn run<'a>(
        &'a self,
        connection: UpgradedConnection<'a>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let UpgradedConnection {
            io,
            read,
            identity,
            headers,
            extensions,
            budget,
            calls,
            stop,
        } = connection;
        let limits = self.0.sessions;
        let offer = Offer {
            service: Some(self.0.clone()),
            origin: Origin {
                identity,
                trace: TraceContext::from_headers(&headers).map(Arc::new),
                headers,
                extensions,
                session: None,
            },
            budget,
            calls: Some(calls),
            secrets: Arc::default(),
        };
        Box::pin(async move {
            let (reader, writer) = accepted(io, read, limits.max_message).await;
            let (session, driver) = Driver::new(reader, writer, offer, limits, WINDOW);
            // Kept, so that handlers reach it.
            driver.run(stop).await;
            drop(session);
        })
    }
}
