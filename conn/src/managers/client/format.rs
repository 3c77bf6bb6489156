//! The format of calls to the objects of a manager: pickled arguments and results, with proxies.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use farcall_core::FormatError;
use farcall_core::protocol::{Args, Attachment, Format, FromArgs, Payload};
use farcall_pickle::Pickle;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::link::Link;
use super::reference::Reference;
use crate::codec::Codec;
use crate::managers::wire;

/// Companion of a message that is encoded or decoded: what it has besides its bytes.
#[derive(Default)]
pub(super) struct Scope {
    /// While a result is decoded: the manager, and its generation.
    origin: Option<(Arc<Link>, u64)>,
    /// The objects of the message. Arguments keep them alive until the call has ended.
    pub(super) references: Vec<Arc<Reference>>,
}

thread_local! {
    static SCOPE: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// Restores the outer scope, also after a panic.
struct ScopeGuard(Option<Scope>);

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        let outer = self.0.take();
        // Dropped outside of the borrow.
        let inner = SCOPE.replace(outer);
        drop(inner);
    }
}

fn within<T>(scope: Scope, run: impl FnOnce() -> T) -> (T, Scope) {
    let guard = ScopeGuard(SCOPE.replace(Some(scope)));
    let result = run();
    let scope = SCOPE.take().unwrap_or_default();
    drop(guard);
    (result, scope)
}

/// Remembers an object that is in the arguments of a call. `false` outside of one.
pub(super) fn remember(reference: &Arc<Reference>) {
    SCOPE.with_borrow_mut(|scope| {
        if let Some(scope) = scope {
            scope.references.push(Arc::clone(reference));
        }
    });
}

/// Returns the object of this id out of the result that is decoded, or the manager to ask for it.
pub(super) fn received(ident: &str) -> Result<Arc<Reference>, Option<(Arc<Link>, u64)>> {
    SCOPE.with_borrow(|scope| {
        let Some(scope) = scope else { return Err(None) };
        let known = scope
            .references
            .iter()
            .find(|known| known.token.ident == ident);
        known.map(Arc::clone).ok_or_else(|| scope.origin.clone())
    })
}

/// Origin of a result that has proxies in it: the manager, and its generation.
pub(super) struct ReplyOrigin(pub(super) Arc<Link>, pub(super) u64);

/// The format of calls to the objects of a manager.
#[derive(Clone)]
pub struct ProxyFormat {
    pickle: Pickle,
}

impl ProxyFormat {
    pub(super) const fn new(pickle: Pickle) -> Self {
        Self { pickle }
    }
}

/// The format of a client with the default settings.
impl Default for ProxyFormat {
    fn default() -> Self {
        // Values are written by other programs, which nest them as they like.
        Self::new(Pickle::default().max_depth(255))
    }
}

impl fmt::Debug for ProxyFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyFormat").finish_non_exhaustive()
    }
}

impl Format for ProxyFormat {
    const NAME: &'static str = "pickled calls of managers";

    fn encode_args<A: Args + ?Sized>(
        &self,
        args: &A,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        wire::encode_args(&self.pickle, args, out)
    }

    fn params<A: Args + ?Sized>(&self, args: &A) -> Result<Payload, FormatError> {
        let (encoded, scope) = encode(|| {
            let mut out = Vec::new();
            self.encode_args(args, &mut out).map(|()| out)
        });
        let attachments = scope.into_iter().map(|object| object as Attachment);
        Ok(Payload::from(encoded?).with_attachments(attachments.collect()))
    }

    fn decode_args<A: FromArgs>(&self, params: &Payload) -> Result<A, FormatError> {
        wire::decode_args(&self.pickle, params)
    }

    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        Codec::encode(&self.pickle, &("#RETURN", value), out)
    }

    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError> {
        let decode = || Codec::decode::<(IgnoredAny, T)>(&self.pickle, reply.as_slice());
        let attachments = reply.attachments();
        if attachments.is_empty() {
            return Ok(decode()?.1);
        }
        let mut scope = Scope::default();
        for attachment in attachments {
            if let Some(origin) = attachment.downcast_ref::<ReplyOrigin>() {
                scope.origin = Some((Arc::clone(&origin.0), origin.1));
            } else if let Ok(reference) = Arc::clone(attachment).downcast::<Reference>() {
                scope.references.push(reference);
            }
        }
        let (decoded, _) = within(scope, decode);
        Ok(decoded?.1)
    }
}

/// Encodes arguments. Returns the objects in them, which must live until the call has ended.
pub(super) fn encode<T>(run: impl FnOnce() -> T) -> (T, Vec<Arc<Reference>>) {
    let (result, scope) = within(Scope::default(), run);
    (result, scope.references)
}
