//! Proxies: objects of a manager, as callers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farcall_core::protocol::{Args, Attachment, Call, Payload};
use farcall_core::{CallError, Caller, Fault, FaultKind, FormatError, FormatErrorKind};
use farcall_pickle::{Pickle, Value};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use tokio::time::{Instant, timeout_at};

use super::format::{self, ProxyFormat, ReplyOrigin};
use super::lease::Lease;
use super::link::{Link, empty};
use super::reference::Reference;
use super::reply::{self, Answer};
use crate::codec::{Codec, pickle_error};
use crate::managers::wire::{AsTuple, ProxyValue, Token};

/// An object of a manager.
///
/// It calls methods by name, with a tuple of arguments ([`call`](Caller::call)) or with keywords
/// ([`call_with`](Self::call_with)), and as a [`Caller`] it implements every trait marked
/// `#[client]`. The typed proxies, such as [`QueueProxy`](super::QueueProxy), are made from it.
///
/// Clones share one reference, which is released in the background when the last of them is
/// dropped. As an argument of a call, or within a value, it arrives as the object itself if the
/// manager is its own, and as a proxy elsewhere. (CPython up to 3.8 refuses that for types without
/// a class of proxies, such as queues, as it does for clients in Python.) A result that is an
/// object, or has proxies within, can be decoded as `Proxy`, or as a type that contains it.
///
/// ```no_run
/// use farcall::conn::managers::{Client, Proxy};
/// use farcall::{CallError, Caller as _, client};
///
/// #[client]
/// trait CounterApi {
///     async fn increment(&self, by: i64) -> Result<i64, CallError>;
///     async fn child(&self) -> Result<Proxy, CallError>;
/// }
///
/// # async fn example(manager: Client) -> Result<(), CallError> {
/// let counter: Proxy = manager.create("Counter", (40,)).await?;
/// assert_eq!(counter.increment(2).await?, 42);
/// let child = counter.child().await?;
/// let value: i64 = child.call_with("increment", (), &[("by", 8)]).await?;
/// assert_eq!(value, 50);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Proxy(Arc<Reference>);

impl Proxy {
    pub(super) const fn of(reference: Arc<Reference>) -> Self {
        Self(reference)
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.0.link
    }

    /// The token: the name of the type, the address of the manager, and the id of the object.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.0.token
    }

    /// Calls a method with a tuple of arguments and with keyword arguments, which are anything that
    /// serializes as a `dict`: a struct, a map, or pairs such as `&[("timeout", 1.5)]`.
    ///
    /// # Errors
    /// See [`CallError`]. An exception that the method raised is a fault, whose source is the
    /// [`Exception`](crate::managers::Exception).
    ///
    /// # Cancel safety
    /// Dropping the future abandons the call; the method may still run. An object that it returns
    /// is released.
    pub async fn call_with<R: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Args,
        kwargs: &(impl Keywords + ?Sized),
    ) -> Result<R, CallError> {
        let ident = Some(&*self.0.token.ident);
        let (request, objects) = format::encode(|| {
            let kwargs = &AsDict(kwargs);
            self.link().request(ident, method, &AsTuple(&args), kwargs)
        });
        let request = request?;
        drop(args);
        let mut lease = self.lease().await?;
        let reply = self.exchange(&mut lease, &[&request]).await;
        drop(objects);
        self.decode(&reply?)
    }

    /// Returns the object's value: `_getvalue()` of a proxy in Python, a copy of the object.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn value<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        self.call("#GETVALUE", ()).await
    }

    /// Returns the text of the object: `str(proxy)` in Python.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn text(&self) -> Result<String, CallError> {
        self.call("__repr__", ()).await
    }

    /// Returns the names of the methods that the manager exposes, sorted.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn methods(&self) -> Result<Vec<String>, CallError> {
        if let Some(known) = self.0.exposed.get() {
            return Ok(known.clone());
        }
        let mut names = methods(self.link(), &self.0.token).await?;
        names.sort_unstable();
        Ok(self.0.exposed.get_or_init(|| names).clone())
    }

    /// Returns a new proxy for the object of the same id, after the [connection was
    /// lost](super::StaleProxy): if the manager is still the same process, it is the same object.
    /// After a restart, it is an error, unless the new process happens to use the same id for an
    /// object with the same methods; create the proxy again if that may be.
    ///
    /// # Errors
    /// A fault of the kind [`Gone`](FaultKind::Gone) if there is no such object. See [`CallError`].
    ///
    /// # Cancel safety
    /// The reference may be counted and never released.
    pub async fn revive(&self) -> Result<Self, CallError> {
        let (link, token) = (self.link(), &self.0.token);
        let revived = Self(adopt(link, token.clone(), None).await?);
        let known = self.0.exposed.get();
        let mut names = methods(link, token).await?;
        names.sort_unstable();
        if known.is_some_and(|known| *known != names) {
            let text = "the manager has another object under this id";
            return Err(CallError::Fault(Fault::of(FaultKind::Gone, text)));
        }
        let _ = revived.0.exposed.set(names);
        Ok(revived)
    }

    pub(super) async fn lease(&self) -> Result<Lease, CallError> {
        Lease::open(self.link(), self.0.generation).await
    }

    /// Calls a method over a connection that the caller keeps.
    pub(super) async fn call_over<R: DeserializeOwned>(
        &self,
        lease: &mut Lease,
        method: &str,
        args: impl Args + Sync,
    ) -> Result<R, CallError> {
        let ident = Some(&*self.0.token.ident);
        let request = self
            .link()
            .request(ident, method, &AsTuple(&args), &empty())?;
        self.decode(&self.exchange(lease, &[&request]).await?)
    }

    /// Calls a method that waits, such as `get`. If the future is dropped, the connection is
    /// closed, by which a server in Rust knows that nobody waits any longer.
    pub(super) async fn wait_for<R: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Args + Send + Sync,
    ) -> Result<R, CallError> {
        let mut lease = self.lease().await?;
        lease.close_when_abandoned();
        self.call_over(&mut lease, method, args).await
    }

    /// Does what [`wait_for`](Self::wait_for) does, with bytes as the first argument, which are
    /// sent from where they are. With a time, the others are `True` and its seconds.
    pub(super) async fn wait_with_bytes(
        &self,
        method: &str,
        bytes: &[u8],
        time: Option<Duration>,
    ) -> Result<(), CallError> {
        let mut begin = self.begin(method);
        push_bytes_header(&mut begin, bytes.len());
        let mut end = Vec::new();
        match time {
            None => end.push(b'\x85'),
            Some(time) => {
                end.extend(b"\x88G");
                end.extend(time.as_secs_f64().to_be_bytes());
                end.push(b'\x87');
            }
        }
        end.extend(b"}t.");
        let mut lease = self.lease().await?;
        lease.close_when_abandoned();
        let reply = self.exchange(&mut lease, &[&begin, bytes, &end]).await?;
        self.decode(&reply)
    }

    /// Does what [`wait_for`](Self::wait_for) does. The result must be bytes, which are a part of
    /// the message if that is a pickle of protocol 4 or later.
    pub(super) async fn wait_for_bytes(
        &self,
        method: &str,
        args: impl Args + Send + Sync,
    ) -> Result<Bytes, CallError> {
        let ident = Some(&*self.0.token.ident);
        let request = self
            .link()
            .request(ident, method, &AsTuple(&args), &empty())?;
        let mut lease = self.lease().await?;
        lease.close_when_abandoned();
        let message = lease.exchange(&[&request]).await?;
        match reply::into_bytes(message) {
            Ok(bytes) => Ok(bytes),
            Err(message) => match self.decode(&self.answer(message)?)? {
                Value::Bytes(bytes) | Value::ByteArray(bytes) => Ok(bytes.into()),
                _ => Err(CallError::Decode(FormatError::new(
                    FormatErrorKind::Mismatch,
                    "the result is a value of another type, where bytes are expected",
                ))),
            },
        }
    }

    /// Returns the beginning of a request, before the tuple of the arguments. Nothing in it is in
    /// the memo.
    fn begin(&self, method: &str) -> Vec<u8> {
        let ident = &*self.0.token.ident;
        let mut begin = Vec::with_capacity(3 + 5 + ident.len() + 5 + method.len());
        begin.extend([0x80, 4, b'(']);
        push_text(&mut begin, ident);
        push_text(&mut begin, method);
        begin
    }

    pub(super) fn decode<R: DeserializeOwned>(&self, reply: &Payload) -> Result<R, CallError> {
        use farcall_core::protocol::Format as _;

        self.format().decode_reply(reply).map_err(CallError::Decode)
    }

    async fn exchange(&self, lease: &mut Lease, request: &[&[u8]]) -> Result<Payload, CallError> {
        let message = lease.exchange(request).await?;
        self.answer(message)
    }

    /// Returns the result that a reply has.
    pub(super) fn answer(&self, message: Bytes) -> Result<Payload, CallError> {
        match reply::read(&self.link().pickle, &message, Some(&self.0.token.ident)) {
            Answer::Value => Ok(self.with_origin(message)),
            Answer::Failed(error) => Err(error),
            Answer::Proxy { mut exposed, token } => {
                exposed.sort_unstable();
                let generation = self.0.generation;
                let object = Reference::counted(self.link(), generation, token, Some(exposed));
                let message = Pickle::default().to_vec(&("#RETURN", object.to_proxy_value()));
                let message = message.map_err(|error| CallError::Decode(pickle_error(&error)))?;
                Ok(Payload::from(message).with_attachments(vec![object as Attachment]))
            }
        }
    }

    /// Adds to a result that may have proxies in it where they are from.
    fn with_origin(&self, message: Bytes) -> Payload {
        let may_have_proxies = memchr::memmem::find(&message, b"RebuildProxy").is_some();
        let payload = Payload::from(message);
        if !may_have_proxies {
            return payload;
        }
        let origin = ReplyOrigin(Arc::clone(self.link()), self.0.generation);
        payload.with_attachments(vec![Arc::new(origin)])
    }
}

/// Asks for the names of the methods of an object.
async fn methods(link: &Link, token: &Token) -> Result<Vec<String>, CallError> {
    let reply = link
        .once("get_methods", &(Value::from(token),), &empty())
        .await?;
    let decoded = Codec::decode::<(String, Vec<String>)>(&link.pickle, reply.as_slice());
    Ok(decoded.map_err(CallError::Decode)?.1)
}

/// Counts a reference to an object that a value named.
pub(super) async fn adopt(
    link: &Arc<Link>,
    token: Token,
    exposed: Option<Vec<String>>,
) -> Result<Arc<Reference>, CallError> {
    let generation = link.generation().await?;
    let request = link.request(None, "incref", &(&token.ident,), &empty())?;
    link.once_about(&request, Some(&token.ident)).await?;
    Ok(Reference::counted(link, generation, token, exposed))
}

/// Returns the opcodes of a text that is not in the memo.
fn push_text(out: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(len) => out.extend([0x8c, len]),
        Err(_) => {
            out.push(b'X');
            // Names are shorter than 4 GiB: a call has been made with this one.
            out.extend((text.len() as u32).to_le_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// Appends the opcode of bytes and their length.
fn push_bytes_header(out: &mut Vec<u8>, length: usize) {
    if let Ok(length) = u32::try_from(length) {
        out.push(b'B');
        out.extend(length.to_le_bytes());
    } else {
        out.push(0x8e);
        out.extend((length as u64).to_le_bytes());
    }
}

impl Caller for Proxy {
    type Format = ProxyFormat;

    fn format(&self) -> ProxyFormat {
        ProxyFormat::new(self.link().pickle.clone())
    }

    /// # Cancel safety
    /// Dropping the future abandons the call; the method may still run. An object that it returns
    /// is released.
    async fn send(&self, call: Call<ProxyFormat>) -> Result<Payload, CallError> {
        // The pickle of the arguments, without PROTO and STOP, numbers its memo from 0; nothing
        // before it is in the memo.
        let [_, _, args @ .., _] = call.params.as_slice() else {
            let message = "the parameters are no pickle";
            let kind = FormatErrorKind::Unrepresentable;
            return Err(CallError::Encode(FormatError::new(kind, message)));
        };
        let begin = self.begin(call.context.method().as_str());
        let request = [&begin[..], args, &b"}t."[..]];
        let exchange = async {
            let mut lease = self.lease().await?;
            self.exchange(&mut lease, &request).await
        };
        match call.context.deadline() {
            None => exchange.await,
            Some(deadline) => timeout_at(Instant::from_std(deadline), exchange)
                .await
                .unwrap_or_else(|_| Err(late())),
        }
    }
}

fn late() -> CallError {
    let text = "the deadline of the call passed before its reply arrived";
    CallError::Fault(Fault::of(FaultKind::DeadlineExceeded, text))
}

/// Keyword arguments: names and values.
pub trait Keywords: Send + Sync {
    /// Serializes the names and values as a map.
    ///
    /// # Errors
    /// If the serializer cannot represent a value.
    fn serialize_keywords<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

impl<K: AsRef<str> + Send + Sync, V: Serialize + Send + Sync> Keywords for [(K, V)] {
    fn serialize_keywords<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(name, value)| (name.as_ref(), value)))
    }
}

impl<K: AsRef<str> + Send + Sync, V: Serialize + Send + Sync, const N: usize> Keywords
    for [(K, V); N]
{
    fn serialize_keywords<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self[..].serialize_keywords(serializer)
    }
}

impl<K: AsRef<str> + Send + Sync, V: Serialize + Send + Sync> Keywords for Vec<(K, V)> {
    fn serialize_keywords<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self[..].serialize_keywords(serializer)
    }
}

pub(super) struct AsDict<'a, K: ?Sized>(pub(super) &'a K);

impl<K: Keywords + ?Sized> Serialize for AsDict<'_, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_keywords(serializer)
    }
}

/// Only as an argument, or a part of one, in a call of a manager's object.
impl Serialize for Proxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        format::remember(&self.0);
        self.0.to_proxy_value().serialize(serializer)
    }
}

/// Only from the result of a call of a manager's object.
impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let proxy = ProxyValue::from_value(&value)
            .ok_or_else(|| D::Error::custom("expected a proxy of a manager's object"))?;
        match format::received(&proxy.token.ident) {
            Ok(reference) => Ok(Self(reference)),
            Err(Some((link, generation))) => {
                if !link.is_at(&proxy.token.address) {
                    let text = "the proxy is of another manager: connect a client to its address";
                    return Err(D::Error::custom(text));
                }
                link.add(generation, &proxy.token.ident);
                let ProxyValue { token, exposed, .. } = proxy;
                Ok(Self(Reference::counted(&link, generation, token, exposed)))
            }
            Err(None) => Err(D::Error::custom(
                "proxies can only be read from results of calls to managers",
            )),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.0).finish()
    }
}
