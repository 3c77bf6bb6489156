//! Streams of outcomes and of events.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use futures_util::Stream;

use super::host::Host;
use super::outcome::{Outcome, Stopped};
use super::run::{Event, Progress, Run};

/// The outcomes of a run, as they come: exactly one for each host.
///
/// The run makes progress while this stream is polled, and has no task of its own: dropping it
/// cancels the calls under way. A program that works for long on one outcome should give that work
/// to another task, since the other calls wait meanwhile.
///
/// ```
/// # use farcall::cluster::{Client, Fleet, Host};
/// # use farcall::xmlrpc::XmlRpc;
/// # use farcall::{Registry, ServiceCaller};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let registry: Registry<XmlRpc> = Registry::new();
/// # registry.register_function("uptime", || 5u64)?;
/// # let client = Client::of("local", ServiceCaller::new(registry, XmlRpc::default()));
/// # let fleet = Fleet::new([Host::new("node1", client)]);
/// let mut outcomes = fleet.call_all::<u64>("uptime", ());
/// while let Some((host, outcome)) = outcomes.next().await {
///     match outcome.result {
///         Ok(seconds) => println!("{host}: up for {seconds} s"),
///         Err(error) => println!("{host}: {error}, ran: {:?}", error.execution()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a run makes progress only while it is polled"]
pub struct Outcomes<'a, R>(pub(super) Box<Run<'a, R>>);

/// The events of a run, as they happen: created by [`Outcomes::events`].
#[must_use = "a run makes progress only while it is polled"]
pub struct Events<'a, R>(Box<Run<'a, R>>);

impl<'a, R: Send + 'a> Outcomes<'a, R> {
    /// Returns the next outcome, or `None` once each host has had one.
    ///
    /// # Cancel safety
    /// No outcome is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<(Host, Outcome<R>)> {
        poll_fn(|cx| self.poll_outcome(cx)).await
    }

    /// Waits for all outcomes, in the order in which they come.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the run.
    pub async fn into_vec(mut self) -> Vec<(Host, Outcome<R>)> {
        let mut all = Vec::with_capacity(self.progress().hosts);
        while let Some(outcome) = self.next().await {
            all.push(outcome);
        }
        all
    }

    /// Returns all events of the run, the outcomes among them: for the display of progress.
    pub fn events(mut self) -> Events<'a, R> {
        self.0.watch();
        Events(self.0)
    }

    fn poll_outcome(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<(Host, Outcome<R>)>> {
        loop {
            match self.0.poll_event(cx) {
                Poll::Ready(Some(Event::Finished(host, outcome))) => {
                    return Poll::Ready(Some((host, outcome)));
                }
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<'a, R: Send + 'a> Events<'a, R> {
    /// Returns the next event, or `None` at the end of the run.
    ///
    /// # Cancel safety
    /// No event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Event<R>> {
        poll_fn(|cx| self.0.poll_event(cx)).await
    }
}

/// The methods that both streams have.
macro_rules! control {
    ($stream:ident, $item:ty, $poll:expr) => {
        impl<'a, R: Send + 'a> $stream<'a, R> {
            /// Starts no more calls, and waits for those under way. Hosts that were not called have
            /// an outcome with 0 attempts, whose error is [`Stopped`].
            pub fn stop(&mut self) {
                self.0.stop(Stopped::Requested);
            }

            /// Starts no more calls, and cancels those under way: these may have run.
            pub fn cancel(&mut self) {
                self.0.cancel(Stopped::Requested);
            }

            /// The numbers of the run.
            #[must_use]
            pub fn progress(&self) -> Progress {
                self.0.progress()
            }

            /// Returns the hosts whose calls are under way.
            pub fn running(&self) -> impl Iterator<Item = &Host> {
                self.0.running()
            }
        }

        impl<'a, R: Send + 'a> Stream for $stream<'a, R> {
            type Item = $item;

            fn poll_next(
                mut self: Pin<&mut Self>,
                cx: &mut TaskContext<'_>,
            ) -> Poll<Option<Self::Item>> {
                let poll: fn(&mut Self, &mut TaskContext<'_>) -> _ = $poll;
                poll(&mut self, cx)
            }
        }

        impl<'a, R: Send + 'a> fmt::Debug for $stream<'a, R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($stream))
                    .field(&self.progress())
                    .finish()
            }
        }
    };
}

control!(Outcomes, (Host, Outcome<R>), |this, cx| this
    .poll_outcome(cx));
control!(Events, Event<R>, |this, cx| this.0.poll_event(cx));
