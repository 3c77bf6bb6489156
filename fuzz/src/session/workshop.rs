//! The service of the tested side. It counts its live objects and calls, and checks the limits of
//! the session.

use std::any::Any;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use farcall::rpc::{Client, Remote, Stream};
use farcall::{CallError, Context, Fault, client, service};
use futures_util::stream;

use super::{LONG, Limits};

/// Maximum number of objects of the peer that are kept.
const KEPT: usize = 4;

/// A guard that counts a call or object of a workshop as alive.
#[derive(Debug)]
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Methods of all kinds.
#[derive(Clone, Debug)]
pub struct Workshop {
    limits: Limits,
    alive: Arc<AtomicUsize>,
    kept: Arc<Mutex<Vec<Remote<dyn Any>>>>,
}

impl Workshop {
    /// Creates a workshop whose sessions have these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            alive: Arc::default(),
            kept: Arc::default(),
        }
    }

    /// Checks that the session is within its limits, and counts a new call or object.
    fn begin(&self, cx: &Context) -> Alive {
        if let Some(caller) = Client::of(cx) {
            let stats = caller.stats();
            let limits = self.limits;
            assert!(
                stats.incoming_calls <= usize::from(limits.calls()),
                "{stats:?} {limits:?}"
            );
            assert!(
                stats.imported_objects <= usize::from(limits.objects()),
                "{stats:?} {limits:?}"
            );
            // The streams that the local side sends are limited by the peer.
            let sent = self.alive.load(Ordering::Relaxed);
            assert!(
                stats.streams <= usize::from(limits.streams()) + sent,
                "{stats:?} {limits:?}"
            );
        }
        self.alive.fetch_add(1, Ordering::Relaxed);
        Alive(Arc::clone(&self.alive))
    }

    /// Checks that nothing is left of sessions that have ended.
    ///
    /// # Panics
    /// If anything is left.
    pub async fn check_nothing_is_left(&self) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap());
        for object in kept {
            let closed = tokio::time::timeout(LONG, object.closed()).await;
            closed.expect("an object of a closed connection is closed");
        }
        let alive = self.alive.load(Ordering::Relaxed);
        assert_eq!(alive, 0, "something is left alive");
    }
}

/// An object that is passed by reference.
#[derive(Debug)]
struct Counter {
    _alive: Alive,
}

#[service]
impl Counter {
    pub fn add(&self, number: i64) -> i64 {
        number.wrapping_add(1)
    }
}

#[service]
impl Workshop {
    /// Returns the text.
    pub fn echo(&self, cx: &Context, text: String) -> String {
        let _alive = self.begin(cx);
        text
    }

    /// Fails with a fault.
    pub fn fail(&self, cx: &Context) -> Result<(), Fault> {
        let _alive = self.begin(cx);
        Err(Fault::new(7, "as asked"))
    }

    /// Never returns.
    pub async fn hang(&self, cx: Context) {
        let _alive = self.begin(&cx);
        drop(cx);
        pending::<()>().await;
    }

    /// Returns the number after `millis` milliseconds.
    pub async fn pause(&self, cx: Context, millis: u16) -> u16 {
        let _alive = self.begin(&cx);
        tokio::time::sleep(Duration::from_millis(millis.into())).await;
        millis
    }

    /// Returns a new object.
    pub fn make(&self, cx: &Context) -> Remote<dyn Any> {
        Remote::new(Counter {
            _alive: self.begin(cx),
        })
    }

    /// Keeps the object, and returns it.
    pub fn keep(&self, cx: &Context, object: Remote<dyn Any>) -> Remote<dyn Any> {
        let _alive = self.begin(cx);
        let mut kept = self.kept.lock().unwrap();
        // A local object would keep itself alive.
        if object.local::<Counter>().is_none() {
            kept.push(object.clone());
        }
        let removed = (kept.len() > KEPT).then(|| kept.remove(0));
        drop(kept);
        drop(removed);
        object
    }

    /// Calls the object of the peer.
    pub async fn call_back(
        &self,
        cx: Context,
        object: Remote<dyn WorkshopApi>,
    ) -> Result<String, Fault> {
        let _alive = self.begin(&cx);
        Ok(object.echo("back").await?)
    }

    /// Returns a stream of `count` items of `size` bytes.
    pub fn produce(&self, cx: &Context, count: u8, size: u8) -> Stream<Vec<u8>> {
        let alive = self.begin(cx);
        let items = (0..count).map(move |number| {
            let _alive = &alive;
            Ok(vec![number; size.into()])
        });
        Stream::new(stream::iter(items))
    }

    /// Returns the sum of the items.
    pub async fn consume(&self, cx: Context, mut items: Stream<i64>) -> Result<i64, Fault> {
        let _alive = self.begin(&cx);
        let mut sum = 0_i64;
        while let Some(item) = items.next().await {
            sum = sum.wrapping_add(item?);
        }
        Ok(sum)
    }

    /// Accepts streams, and reads none of them.
    pub async fn hold(&self, cx: Context, first: Stream<i64>, second: Option<Stream<i64>>) {
        let _alive = self.begin(&cx);
        pending::<()>().await;
        drop((first, second));
    }
}

/// The calls of a workshop.
#[client]
#[allow(missing_docs, reason = "as the methods")]
pub trait WorkshopApi {
    async fn echo(&self, text: &str) -> Result<String, CallError>;
    #[client(name = "echo", idempotent)]
    async fn echo_again(&self, text: &str) -> Result<String, CallError>;
    #[client(name = "echo", one_way)]
    async fn tell(&self, text: &str) -> Result<(), CallError>;
    async fn make(&self) -> Result<Remote<dyn WorkshopApi>, CallError>;
    async fn keep(&self, object: &Remote<dyn Any>) -> Result<Remote<dyn Any>, CallError>;
    async fn produce(&self, count: u8, size: u8) -> Result<Stream<Vec<u8>>, CallError>;
    async fn consume(&self, items: Stream<i64>) -> Result<i64, CallError>;
}
