//! Connections of clients: one request to the server itself, or calls of objects until their end.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use farcall_core::protocol::Origin;
use farcall_core::protocol::output::{Causes, Foreign};
use farcall_core::{Budget, Context};
use farcall_pickle::{Pickle, RawValue};
use futures_util::FutureExt as _;
use tokio::time::timeout;

use super::service::UNSERIALIZABLE;
use super::table::{Found, Host, UsedIds};
use super::{ServerState, functions, token};
use crate::connection::Connection;
use crate::error::RecvError;
use crate::establish::Established;
use crate::frame::FrameError;
use crate::managers::object::{Answer, Arguments, MethodCall, Outcome, Raises};
#[cfg(feature = "managers-xmlrpc")]
use crate::managers::wire::xml;
use crate::managers::wire::{Exception, RETURN, Reply, Request, WireError, is_control_flow};

/// Time in which a client must send its first request: Python sends it at once.
const FIRST_REQUEST: Duration = Duration::from_secs(30);

/// Maximum length of a message over the limit that is read to its end, and discarded: 4 GiB. A
/// client reads no reply before it has sent its whole request, and would see a broken pipe.
const MAX_DISCARDED: u64 = 4 << 30;

/// Maximum length of a request that comes while another one waits: the bytes that count in no
/// budget.
const MAX_NEXT: usize = Budget::FREE;

/// The number of the next connection, which stands for a thread of a client.
static CALLERS: AtomicU64 = AtomicU64::new(1);

/// Serves a connection until its client closes it.
pub(super) async fn serve(state: Arc<ServerState>, established: Established) {
    let connection: Connection<(), (), Pickle> = established.into_connection();
    acknowledge_at_once(&connection);
    let host = Host::from(connection.peer());
    let origin = Origin {
        identity: connection.identity().clone(),
        ..Origin::default()
    };
    let mut client = ClientConnection {
        state,
        connection,
        host,
        caller: CALLERS.fetch_add(1, Ordering::Relaxed),
        context: Context::default().with_origin(Arc::new(origin)),
        used: UsedIds::default(),
        is_accepted: false,
        next: None,
        #[cfg(feature = "managers-xmlrpc")]
        is_xml: false,
    };
    if client.first_request().await == Some(Life::Accepted) {
        client.state.table.join(host);
        client.is_accepted = true;
        while client.serve_next().await.is_some() {}
    }
    // Written bytes are sent before the connection closes.
    let _ = timeout(FIRST_REQUEST, client.connection.writer.flush()).await;
}

/// Acknowledges the end of the handshake at once. CPython sends its first request in a packet of
/// its own, and its system holds that back until then: for 40 milliseconds in each connection, of
/// which every new proxy needs three.
fn acknowledge_at_once(connection: &Connection<(), (), Pickle>) {
    #[cfg(target_os = "linux")]
    if let Some(tcp) = connection.reader.stream.tcp() {
        // Without it, the request only comes later.
        let _ = rustix::net::sockopt::set_tcp_quickack(tcp, true);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = connection;
}

/// The two lives of a connection.
#[derive(PartialEq)]
enum Life {
    /// One request, and its reply.
    OneRequest,
    /// Calls of objects.
    Accepted,
}

struct ClientConnection {
    state: Arc<ServerState>,
    connection: Connection<(), (), Pickle>,
    host: Host,
    caller: u64,
    context: Context,
    /// The objects that calls of this connection have used.
    used: UsedIds,
    is_accepted: bool,
    /// A request that came while another one was answered.
    next: Option<Bytes>,
    #[cfg(feature = "managers-xmlrpc")]
    is_xml: bool,
}

impl Drop for ClientConnection {
    fn drop(&mut self) {
        if self.is_accepted {
            self.state.table.leave(&self.used, self.host, self.caller);
        }
    }
}

impl ClientConnection {
    /// Receives the next message. The error of one that is too long is its reply.
    async fn receive(&mut self) -> Option<Result<Bytes, WireError>> {
        if let Some(next) = self.next.take() {
            return Some(Ok(next));
        }
        let max = self.connection.reader.max_message;
        let mut received = self.connection.recv_shared(max).await;
        if let Err(RecvError::Frame(FrameError::TooLarge { length, limit })) = received {
            match self.connection.reader.discard_message(MAX_DISCARDED).await {
                Ok(true) => return Some(Err(WireError::TooLarge { length, limit })),
                Ok(false) => {}
                Err(error) => received = Err(error),
            }
        }
        match received {
            Ok(message) => Some(Ok(message)),
            Err(error) => {
                if !error.is_closed() {
                    let error = Foreign::excerpt(Causes(&error));
                    let peer = self.connection.identity();
                    tracing::debug!(%error, %peer, "the connection of a manager's client failed");
                }
                None
            }
        }
    }

    /// Answers the first request. Returns the life of the connection, or `None` if it has ended.
    async fn first_request(&mut self) -> Option<Life> {
        let message = timeout(FIRST_REQUEST, self.receive()).await.ok()??;
        let (reply, life) = match message.and_then(|message| self.decode(message)) {
            Ok(request) if request.method == functions::ACCEPT => {
                (Ok(Reply::value(&())), Life::Accepted)
            }
            Ok(mut request) => {
                let reply = self.arguments(&mut request).and_then(|arguments| {
                    let call = self.method_call(request.method, arguments);
                    functions::call(&self.state, call, self.host)
                });
                (reply, Life::OneRequest)
            }
            Err(error) => (Err(unreadable(&error)), Life::OneRequest),
        };
        let reply = reply.unwrap_or_else(|exception| {
            Reply::Traceback(traceback(&exception, "a function of the manager"))
        });
        self.send(reply).await?;
        Some(life)
    }

    /// Answers the next call. Returns `None` if the connection has ended.
    async fn serve_next(&mut self) -> Option<()> {
        let message = self.receive().await?;
        let reply = match message.and_then(|message| self.decode(message)) {
            Ok(request) => self.answer(request).await?,
            Err(error) => Reply::Traceback(traceback(&unreadable(&error), "a request")),
        };
        self.send(reply).await
    }

    /// Reads a request. The replies are written as it is: pickled, or as XML.
    fn decode(&mut self, message: Bytes) -> Result<Request, WireError> {
        #[cfg(feature = "managers-xmlrpc")]
        {
            self.is_xml = xml::is_xml(&message);
            if self.is_xml {
                return xml::request(message);
            }
        }
        Request::decode(&self.state.format.pickle, message)
    }

    /// Sends a reply, which counts in the budget until its last byte is written. Returns `None` if
    /// the connection has ended.
    async fn send(&mut self, reply: Reply) -> Option<()> {
        let mut message = self.encode(reply);
        let writer = &mut self.connection.writer;
        if let Err(no_room) = writer.account.resize(message.length()) {
            let fault = no_room.of_reply();
            let exception = Exception::with_text("MemoryError", fault.message());
            message = self.encode(Reply::Error(exception));
        }
        let writer = &mut self.connection.writer;
        let period = self.state.options.write_timeout;
        let sent = writer.send_paced(&message.parts(), period).await;
        let Err(error) = sent else { return Some(()) };
        let error = Foreign::excerpt(Causes(&error));
        let peer = self.connection.identity();
        tracing::debug!(%error, %peer, "a reply to a manager's client was not sent");
        None
    }

    fn encode(&self, reply: Reply) -> EncodedReply {
        #[cfg(feature = "managers-xmlrpc")]
        if self.is_xml {
            return EncodedReply::Whole(xml::reply(&reply));
        }
        if let Reply::Return(value) = reply {
            return EncodedReply::Return(value);
        }
        let message = reply.encode().unwrap_or_else(|error| {
            let text = error.to_string();
            // A text can always be encoded.
            Reply::Unserializable(text).encode().unwrap_or_default()
        });
        EncodedReply::Whole(message)
    }

    /// Takes the arguments of a request into the budget.
    fn arguments(&self, request: &mut Request) -> Raises<Arguments> {
        let state = &self.state;
        let store = |raw| state.table.store(&state.format.pickle, raw);
        let positional = std::mem::take(&mut request.args).into_iter().map(store);
        let keywords = std::mem::take(&mut request.kwargs).into_iter();
        let keywords = keywords.map(|(name, raw)| Ok((name, store(raw)?)));
        Ok(Arguments {
            positional: positional.collect::<Raises<_>>()?,
            keywords: keywords.collect::<Raises<_>>()?,
        })
    }

    fn method_call(&self, method: String, args: Arguments) -> MethodCall {
        MethodCall {
            method,
            args,
            caller: self.caller,
            context: self.context.clone(),
        }
    }

    /// Calls a method of an object. Returns `None` if the client has gone meanwhile.
    async fn answer(&mut self, mut request: Request) -> Option<Reply> {
        let ident = request.ident.take().unwrap_or_default();
        let found = match self.state.table.find(&ident, &mut self.used) {
            Ok(found) => found,
            Err(exception) => {
                let text = traceback(&exception, "the objects of the manager");
                return Some(Reply::Traceback(text));
            }
        };
        if !found.exposed.contains(&request.method) {
            return Some(fallback(&found, &request.method));
        }
        let arguments = self.arguments(&mut request);
        let mut call = self.method_call(request.method, Arguments::default());
        let answer = arguments.and_then(|arguments| {
            call.args = arguments;
            Arc::clone(&found.object).call(&mut call)
        });
        let method = std::mem::take(&mut call.method);
        drop(call);
        let outcome = match answer {
            Ok(Answer::Now(outcome)) => Ok(outcome),
            Ok(Answer::Later(mut future)) => match (&mut future).now_or_never() {
                Some(outcome) => outcome,
                None => self.wait(future).await?,
            },
            Err(exception) => Err(exception),
        };
        Some(match outcome {
            Ok(Outcome::Value(value)) => Reply::Return(value.raw().clone()),
            Ok(Outcome::Object { typeid, object }) => {
                let host = Some(self.host);
                match self.state.table.insert(&typeid, &object, 1, host) {
                    Ok((ident, exposed)) => Reply::Proxy {
                        exposed: exposed.to_vec(),
                        token: token(&typeid, &self.state.address, ident),
                    },
                    Err(exception) => Reply::Error(exception),
                }
            }
            Err(exception) if exception.is(UNSERIALIZABLE) => {
                let text = exception.args().first().and_then(|text| text.as_str());
                Reply::Unserializable(text.unwrap_or_default().to_owned())
            }
            Err(exception) if is_control_flow(&exception) || exception.trace().is_some() => {
                Reply::Error(exception)
            }
            Err(exception) => {
                let Found { typeid, .. } = &found;
                let text =
                    format!("in {typeid}.{method}() of object {ident}, in a Farcall manager");
                Reply::Error(exception.with_trace(text))
            }
        })
    }

    /// Waits for an answer, or until the client goes. Then it returns `None`, and the wait ends.
    async fn wait(
        &mut self,
        answer: impl Future<Output = Raises<Outcome>>,
    ) -> Option<Raises<Outcome>> {
        let state = Arc::clone(&self.state);
        let Ok(_permit) = state.waiting.try_acquire() else {
            let text = "too many calls wait in this manager";
            return Some(Err(Exception::with_text("RuntimeError", text)));
        };
        let mut answer = pin!(answer);
        let max = self.connection.reader.max_message.min(MAX_NEXT);
        loop {
            tokio::select! {
                biased;
                outcome = &mut answer => return Some(outcome),
                received = self.connection.recv_shared(max) => match received {
                    // Python sends no request before the reply to the last one. A short one is
                    // kept, so that the end of the connection is noticed behind it.
                    Ok(message) if self.next.is_none() => self.next = Some(message),
                    _ => return None,
                },
            }
        }
    }
}

/// A reply as it is sent.
enum EncodedReply {
    /// `#RETURN` with this value, whose bytes are those of the object where they can be.
    Return(RawValue),
    Whole(Vec<u8>),
}

impl EncodedReply {
    fn parts(&self) -> [&[u8]; 3] {
        match self {
            Self::Return(value) => [RETURN[0], value.code(), RETURN[1]],
            Self::Whole(message) => [message, &[], &[]],
        }
    }

    fn length(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }
}

/// Returns the reply to a call of a method that is not exposed: `Server.fallback_mapping` of
/// CPython.
fn fallback(found: &Found, method: &str) -> Reply {
    match method {
        "__str__" | "__repr__" => Reply::value(&found.object.repr()),
        "#GETVALUE" => match found.object.value() {
            Ok(value) => Reply::Return(value.raw().clone()),
            Err(exception) => Reply::Unserializable(traceback(&exception, "#GETVALUE")),
        },
        method => {
            let shown: String = method.chars().take(64).collect();
            let text = format!(
                "method '{shown}' of '{}' object is not in exposed=({})",
                found.typeid,
                found.exposed.join(", ")
            );
            let exception = Exception::with_text("AttributeError", text);
            Reply::Traceback(traceback(&exception, "the objects of the manager"))
        }
    }
}

fn unreadable(error: &WireError) -> Exception {
    let text = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    Exception::with_text("ValueError", text)
}

/// Returns the text that stands for a traceback of Python.
fn traceback(exception: &Exception, place: &str) -> String {
    let class = exception.class();
    let name = if class.module() == "builtins" {
        class.name().to_owned()
    } else {
        class.to_string()
    };
    let text = match exception.args() {
        [text] => match text.as_str() {
            Some(text) if class.name() != "KeyError" => text.to_owned(),
            _ => text.to_string(),
        },
        args => args
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    };
    format!(
        "Traceback (most recent call last):\n  in {place}, in a Farcall manager\n{name}: {text}\n"
    )
}
