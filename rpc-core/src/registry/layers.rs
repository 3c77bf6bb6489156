//! Tower layers around the methods of a registry.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::Registry;
use crate::call::{Call, CallReply};
use crate::fault::{Fault, FaultKind};
use crate::format::Format;
use crate::payload::Payload;

/// The layers of a [`Registry`], erased to one type. Clones share them.
///
/// A protocol in which calls can have a target other than its registry, such as an object, passes
/// them through the layers of the registry with [`dispatch`](Self::dispatch).
#[derive(Clone)]
pub struct Layers<F: Format>(Arc<dyn Stack<F>>);

/// The service that a layer wraps: the methods of a registry, with all layers that were added
/// before.
///
/// It is always ready. The layers below it wait for their own readiness within the call.
#[derive(Clone, Debug)]
pub struct Dispatch<F: Format>(Option<Layers<F>>);

/// The place that a call is for, which travels with the call through the layers.
pub(super) enum Target<F: Format> {
    /// A method of this registry, whose own layers have passed.
    Method(Registry<F>),
    /// A call of this registry, whose own layers follow.
    Registry(Registry<F>),
    Other(Box<dyn Fn(Call<F>) -> CallReply + Send + Sync>),
}

type Answer = Pin<Box<dyn Future<Output = Result<Payload, Fault>> + Send>>;

/// A service of any type, which is cloned for each call.
trait Stack<F: Format>: Send + Sync {
    fn answer(&self, call: Call<F>) -> Answer;
}

impl<F, S> Stack<F> for S
where
    F: Format,
    S: Service<Call<F>, Response = Payload, Error: Into<Fault>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    fn answer(&self, call: Call<F>) -> Answer {
        let mut service = self.clone();
        Box::pin(async move {
            let ready = poll_fn(|cx| service.poll_ready(cx)).await;
            ready.map_err(Into::into)?;
            service.call(call).await.map_err(Into::into)
        })
    }
}

impl<F: Format> Layers<F> {
    /// Puts a layer around the methods of a registry and the layers that it has.
    pub(super) fn around<L>(inner: Option<Self>, layer: &L) -> Self
    where
        L: Layer<Dispatch<F>>,
        L::Service: Service<Call<F>, Response = Payload, Error: Into<Fault>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        Self(Arc::new(layer.layer(Dispatch(inner))))
    }

    /// Passes a call through the layers. The innermost calls `target`.
    pub fn dispatch(
        &self,
        call: Call<F>,
        target: impl Fn(Call<F>) -> CallReply + Send + Sync + 'static,
    ) -> CallReply {
        self.dispatch_to(Target::Other(Box::new(target)), call)
    }

    pub(super) fn dispatch_to(&self, target: Target<F>, mut call: Call<F>) -> CallReply {
        let heritage = call.context.heritage();
        call.context = call.context.with_target(Arc::new(target));
        CallReply::guarded(heritage, || CallReply::later(self.0.answer(call)))
    }
}

impl<F: Format> fmt::Debug for Layers<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layers(..)")
    }
}

impl<F: Format> Service<Call<F>> for Dispatch<F> {
    type Response = Payload;
    type Error = Fault;
    type Future = CallReply;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call<F>) -> CallReply {
        if let Some(layers) = &self.0 {
            return CallReply::later(layers.0.answer(call));
        }
        match call.context.target::<Target<F>>().as_deref() {
            Some(Target::Method(registry)) => registry.dispatch_inside(call),
            Some(Target::Registry(registry)) => registry.dispatch_below(call),
            Some(Target::Other(target)) => target(call),
            None => {
                let lost = "a layer replaced the context of the call, instead of deriving another";
                Fault::of(FaultKind::Internal, lost).into()
            }
        }
    }
}
