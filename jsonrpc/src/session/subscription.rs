//! Subscriptions of a client.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use farcall_core::protocol::{Name, Payload};
use farcall_core::{CallError, Fault, FormatError};
use futures_util::Stream;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::{Session, SessionEnded};

/// The items of a subscription, as they arrive. It implements the `Stream` trait of futures-core;
/// [`next`](Self::next) reads items without it.
///
/// Dropping it ends the subscription. JSON-RPC has no way to slow the server down for one
/// subscription, so a program that takes items too slowly loses it: as many items are kept as
/// [set](crate::SocketClientOptions::subscription_window) for the client, then it ends as
/// [`Lagged`](SubscriptionError::Lagged), and other calls go on.
pub struct Subscription<T> {
    session: Session,
    id: String,
    receiver: ItemReceiver,
    is_over: bool,
    item: PhantomData<fn() -> T>,
}

/// The receiving end of a subscription.
pub(crate) struct ItemReceiver {
    items: mpsc::Receiver<Payload>,
    end: Arc<Mutex<Option<SubscriptionError>>>,
    unsubscribe: Name,
}

impl ItemReceiver {
    pub(crate) const fn new(
        items: mpsc::Receiver<Payload>,
        end: Arc<Mutex<Option<SubscriptionError>>>,
        unsubscribe: Name,
    ) -> Self {
        Self {
            items,
            end,
            unsubscribe,
        }
    }
}

/// The error of a subscription. All but [`Decode`](Self::Decode) end it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// The server ended it with a fault.
    #[error("the server ended the subscription with a fault")]
    Fault(#[source] Fault),
    /// The program took the items too slowly, and some are lost.
    #[error("items arrived faster than the program took them")]
    Lagged,
    /// The connection ended.
    #[error("the connection of the subscription ended")]
    Ended(#[source] SessionEnded),
    /// An item does not match the type.
    #[error("an item does not match the requested type")]
    Decode(#[source] FormatError),
}

farcall_core::debug_errors!(SubscriptionError);

/// Lets `?` pass on the errors of a call and of the subscription that it began. A refusal ended the
/// subscription, not the call, which ran.
impl From<SubscriptionError> for CallError {
    fn from(error: SubscriptionError) -> Self {
        match error {
            SubscriptionError::Fault(fault) if !fault.kind().is_refusal() => Self::Fault(fault),
            error => Self::Lost(Box::new(error)),
        }
    }
}

impl<T> Subscription<T> {
    pub(crate) const fn new(session: Session, id: String, receiver: ItemReceiver) -> Self {
        Self {
            session,
            id,
            receiver,
            is_over: false,
            item: PhantomData,
        }
    }

    /// The id that the server chose, as JSON.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl<T: DeserializeOwned> Subscription<T> {
    /// Returns the next item, or `None` at the end.
    ///
    /// # Cancel safety
    /// No item is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<T, SubscriptionError>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, SubscriptionError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        self.receiver.items.poll_recv(cx).map(|item| match item {
            Some(item) => Some(
                self.session
                    .decode(&item)
                    .map_err(SubscriptionError::Decode),
            ),
            None => {
                self.is_over = true;
                let mut end = self
                    .receiver
                    .end
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                end.take().map(Err)
            }
        })
    }
}

impl<T: DeserializeOwned> Stream for Subscription<T> {
    type Item = Result<T, SubscriptionError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        let is_ended = self.receiver.items.is_closed();
        if !is_ended && !self.session.is_ended() {
            self.session
                .unsubscribe(&self.id, &self.receiver.unsubscribe);
        }
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

/// Returns the name of the method that ends a subscription, from the one that begins it.
pub(crate) fn unsubscribe_name(method: &str) -> Name {
    match method.rfind("subscribe") {
        Some(at) => format!("{}un{}", &method[..at], &method[at..]).into(),
        None => "unsubscribe".into(),
    }
}

#[cfg(test)]
mod tests {
    use farcall_core::{Execution, FaultKind};

    use super::*;

    #[test]
    fn a_subscription_that_was_refused_does_not_mean_that_its_call_never_ran() {
        for kind in [
            FaultKind::Overloaded,
            FaultKind::Gone,
            FaultKind::Application,
        ] {
            let ended = SubscriptionError::Fault(Fault::of(kind, "it ended"));
            let of_call = CallError::from(ended);
            assert_eq!(of_call.execution(), Execution::Maybe, "{of_call}");
        }
        let of_call = CallError::from(SubscriptionError::Lagged);
        assert_eq!(of_call.execution(), Execution::Maybe, "{of_call}");
    }

    #[test]
    fn names_of_methods_that_end_subscriptions() {
        for (method, expected) in [
            ("eth_subscribe", "eth_unsubscribe"),
            ("subscribeFoo", "unsubscribeFoo"),
            ("state_subscribeStorage", "state_unsubscribeStorage"),
            ("ticks", "unsubscribe"),
        ] {
            assert_eq!(&*unsubscribe_name(method), expected);
        }
    }
}
