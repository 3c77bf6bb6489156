//! The calls that wait for answers, and the subscriptions that receive items.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use farcall_core::protocol::{Name, Payload};
use farcall_core::{CallError, Fault};
use farcall_http::client::Secrets;
use tokio::sync::{mpsc, oneshot};

use super::SessionEnded;
use super::answer::{Outcome, Update};
use super::subscription::{ItemReceiver, SubscriptionError};

/// Maximum bytes of an item that is copied out of its message, so that this can be freed.
const COPIED: usize = 1024;

/// Everything that a session waits for.
pub(super) struct Pending {
    table: Mutex<Table>,
    /// The secrets that no error shows, even if the peer repeats it.
    secrets: Arc<Secrets>,
}

#[derive(Default)]
struct Table {
    calls: HashMap<u64, PendingCall>,
    /// By their ids as these are written.
    subscriptions: HashMap<Box<str>, ItemSender>,
    /// The subscriptions of calls whose caller has not seen the answer yet.
    begun: HashMap<u64, (Box<str>, Name)>,
    end: Option<SessionEnded>,
}

/// A call that waits for its answer.
pub(super) struct PendingCall {
    pub(super) reply: oneshot::Sender<Result<Payload, CallError>>,
    pub(super) sent: Arc<AtomicBool>,
    pub(super) items: Option<ItemSender>,
}

/// The sending end of a subscription within this process.
pub(crate) struct ItemSender {
    items: mpsc::Sender<Payload>,
    end: Arc<Mutex<Option<SubscriptionError>>>,
    unsubscribe: Name,
}

impl ItemSender {
    /// Creates both ends, with room for `window` items.
    pub(super) fn channel(window: usize, unsubscribe: Name) -> (Self, ItemReceiver) {
        let (items, receiver) = mpsc::channel(window.max(1));
        let end = Arc::default();
        let sender = Self {
            items,
            end: Arc::clone(&end),
            unsubscribe: unsubscribe.clone(),
        };
        (sender, ItemReceiver::new(receiver, end, unsubscribe))
    }

    fn finish(self, error: Option<SubscriptionError>) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

impl Pending {
    pub(super) fn new(secrets: Arc<Secrets>) -> Self {
        Self {
            table: Mutex::default(),
            secrets,
        }
    }

    pub(super) const fn secrets(&self) -> &Arc<Secrets> {
        &self.secrets
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, id: u64, call: PendingCall) -> Result<(), CallError> {
        let mut table = self.table();
        if let Some(end) = &table.end {
            return Err(CallError::NotSent(end.clone().into()));
        }
        table.calls.insert(id, call);
        Ok(())
    }

    /// Forgets a call that is complete.
    pub(super) fn remove(&self, id: u64) {
        let mut table = self.table();
        table.begun.remove(&id);
        table.calls.remove(&id);
    }

    /// Forgets a call whose caller no longer waits. Returns the subscription that it has begun, and
    /// the method that ends it.
    pub(super) fn abandon(&self, id: u64) -> Option<(Box<str>, Name)> {
        let mut table = self.table();
        if let Some(call) = table.calls.get_mut(&id)
            && call.items.is_some()
        {
            // The answer, when it comes, tells what to end.
            return None;
        }
        table.calls.remove(&id);
        table.begun.remove(&id)
    }

    /// Forgets a subscription.
    pub(super) fn forget(&self, id: &str) {
        self.table().subscriptions.remove(id);
    }

    /// Returns `true` if there is nothing that a message of the peer could be for.
    pub(super) fn is_empty(&self) -> bool {
        let table = self.table();
        table.calls.is_empty() && table.subscriptions.is_empty()
    }

    /// Completes a call. Returns the subscription that nobody waits for any more, if it is one, and
    /// the method that ends it.
    pub(super) fn complete(
        &self,
        id: u64,
        outcome: Result<Payload, Fault>,
    ) -> Option<(Box<str>, Name)> {
        let outcome = outcome.map_err(|fault| self.secrets.redact_fault(&fault));
        let mut table = self.table();
        let PendingCall { reply, items, .. } = table.calls.remove(&id)?;
        if let (Some(items), Ok(result)) = (items, &outcome) {
            let subscription: Box<str> = String::from_utf8_lossy(result.as_slice()).into();
            let unsubscribe = items.unsubscribe.clone();
            if reply.is_closed() {
                return Some((subscription, unsubscribe));
            }
            table.begun.insert(id, (subscription.clone(), unsubscribe));
            table.subscriptions.insert(subscription, items);
        }
        // A caller that is gone at this moment has a guard, which ends the subscription.
        let _ = reply.send(outcome.map_err(CallError::Fault));
        None
    }

    /// Completes all calls with a fault of which the peer does not say what it is for, if there is
    /// one call or one batch only. Returns `false` otherwise.
    pub(super) fn complete_only(&self, fault: &Fault) -> bool {
        let fault = self.secrets.redact_fault(fault);
        let mut table = self.table();
        let mut calls = table.calls.values();
        let Some(first) = calls.next() else {
            return true;
        };
        if !calls.all(|call| Arc::ptr_eq(&call.sent, &first.sent)) {
            return false;
        }
        for (_, call) in table.calls.drain() {
            let _ = call.reply.send(Err(CallError::Fault(fault.clone())));
        }
        true
    }

    /// Passes on what a notification tells about a subscription. Returns the method that ends it if
    /// its program takes the items too slowly.
    pub(super) fn update(&self, update: Update<'_>) -> Option<Name> {
        let mut table = self.table();
        let sender = table.subscriptions.get(update.subscription)?;
        let end = match update.outcome {
            Outcome::Item(item) => {
                let payload = match item.len() {
                    ..=COPIED => Payload::copied(item.as_bytes()),
                    _ => Payload::from(item.as_bytes().to_vec()),
                };
                match sender.items.try_send(payload) {
                    Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => return None,
                    Err(mpsc::error::TrySendError::Full(_)) => {
                        let sender = table.subscriptions.remove(update.subscription)?;
                        let unsubscribe = sender.unsubscribe.clone();
                        sender.finish(Some(SubscriptionError::Lagged));
                        return Some(unsubscribe);
                    }
                }
            }
            Outcome::End(fault) => {
                fault.map(|fault| SubscriptionError::Fault(self.secrets.redact_fault(&fault)))
            }
        };
        table.subscriptions.remove(update.subscription)?.finish(end);
        None
    }

    /// Fails everything that waits.
    pub(super) fn end(&self, end: &SessionEnded) {
        let mut table = self.table();
        table.end = Some(end.clone());
        let Table {
            calls,
            subscriptions,
            ..
        } = std::mem::take(&mut *table);
        table.end = Some(end.clone());
        drop(table);
        for (_, call) in calls {
            let error = error(end, &call.sent);
            let _ = call.reply.send(Err(error));
        }
        for (_, sender) in subscriptions {
            sender.finish(Some(SubscriptionError::Ended(end.clone())));
        }
    }

    /// The error of a call whose session has ended.
    pub(super) fn failure(&self, sent: &AtomicBool) -> CallError {
        error(&self.reason(), sent)
    }

    /// The error of a call that was never queued.
    pub(super) fn not_sent(&self) -> CallError {
        CallError::NotSent(self.reason().into())
    }

    fn reason(&self) -> SessionEnded {
        let end = self.table().end.clone();
        end.unwrap_or_else(|| SessionEnded("it was closed".into()))
    }
}

fn error(end: &SessionEnded, sent: &AtomicBool) -> CallError {
    if sent.load(Ordering::Acquire) {
        CallError::Lost(end.clone().into())
    } else {
        CallError::NotSent(end.clone().into())
    }
}
