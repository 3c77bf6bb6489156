//! Types that panic when they are serialized or deserialized: only their own call fails, and
//! nothing leaks.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use farcall_conn::rpc::{
    Client, Remote, Server, ServerOptions, SessionOptions, Stream, StreamError,
};
use farcall_core::{Fault, FaultKind};
use futures_util::stream::iter;
use serde::ser::SerializeTuple as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::support::{Counter, CounterApi, client, connect, until};

/// Number whose serialization panics half way if it is 13.
#[derive(Debug)]
struct Written(u32);

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(2)?;
        tuple.serialize_element(&self.0)?;
        assert_ne!(self.0, 13, "half way");
        tuple.serialize_element(&self.0)?;
        tuple.end()
    }
}

/// Number whose deserialization panics if it is 13.
#[derive(Debug)]
struct Read(u32);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (number, _) = <(u32, u32)>::deserialize(deserializer)?;
        assert_ne!(number, 13, "after reading");
        Ok(Self(number))
    }
}

fn internal(fault: &Fault) -> bool {
    fault.kind() == FaultKind::Internal
}

async fn assert_session_is_empty(client: &Client) {
    until(|| {
        let stats = client.stats();
        (
            stats.outgoing_calls,
            stats.incoming_calls,
            stats.exported_objects,
            stats.imported_objects,
            stats.streams,
        ) == (0, 0, 0, 0, 0)
    })
    .await;
}

#[tokio::test]
async fn a_result_that_panics_is_a_fault_of_its_call() {
    let alive = Arc::<AtomicUsize>::default();
    let server = Server::new();
    server.register_function("now", Written).unwrap();
    server
        .register_function("later", async |number| {
            tokio::task::yield_now().await;
            Written(number)
        })
        .unwrap();
    let counted = Arc::clone(&alive);
    server
        .register_function("object", move |number| {
            let object: Remote<dyn CounterApi> = Remote::new(Counter::new(0, &counted));
            (object, Written(number))
        })
        .unwrap();
    let client = client(&server).await;
    for method in ["now", "later"] {
        let (before, panicked, after) = tokio::join!(
            client.call::<(u32, u32)>(method, (1,)),
            client.call::<(u32, u32)>(method, (13,)),
            client.call::<(u32, u32)>(method, (2,)),
        );
        assert_eq!(before.unwrap(), (1, 1));
        assert!(internal(panicked.unwrap_err().fault().unwrap()));
        assert_eq!(after.unwrap(), (2, 2));
    }
    // The attachments are dropped with the bytes.
    let error = client
        .call::<(Remote<dyn CounterApi>, (u32, u32))>("object", (13,))
        .await
        .unwrap_err();
    assert!(internal(error.fault().unwrap()));
    assert_eq!(alive.load(Ordering::Relaxed), 0);
    let (object, _): (Remote<dyn CounterApi>, (u32, u32)) =
        client.call("object", (5,)).await.unwrap();
    assert_eq!(object.add(3).await.unwrap(), 3);
    drop(object);
    assert_session_is_empty(&client).await;
    until(|| alive.load(Ordering::Relaxed) == 0).await;
}

#[tokio::test]
async fn arguments_that_panic_leave_nothing_in_the_session() {
    let alive = Arc::<AtomicUsize>::default();
    let server = Server::new();
    server
        .register_function("take", |numbers: (u32, u32)| numbers.0)
        .unwrap();
    server
        .register_function("read", |number: Read| number.0)
        .unwrap();
    let client = client(&server).await;
    let (caller, counted) = (client.clone(), Arc::clone(&alive));
    let panicking = tokio::spawn(async move {
        let object: Remote<dyn CounterApi> = Remote::new(Counter::new(0, &counted));
        let stream = Stream::new(iter([Ok(1u32)]));
        let args = (object, stream, Written(13));
        caller.call::<u32>("take", args).await
    });
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(alive.load(Ordering::Relaxed), 0, "no list keeps the object");
    assert_session_is_empty(&client).await;
    assert_eq!(client.call::<u32>("take", (Written(3),)).await.unwrap(), 3);
    // A panic of the peer is a fault of its call, and the next call is decoded from its start.
    let (panicked, after) = tokio::join!(
        client.call::<u32>("read", ((13u32, 0u32),)),
        client.call::<u32>("read", ((4u32, 0u32),)),
    );
    assert!(internal(panicked.unwrap_err().fault().unwrap()));
    assert_eq!(after.unwrap(), 4);
    assert_session_is_empty(&client).await;
}

#[tokio::test]
async fn a_result_that_panics_when_it_is_read_leaves_the_connection_as_it_is() {
    let server = Server::new();
    server
        .register_function("pair", |number: u32| (number, number))
        .unwrap();
    let client = client(&server).await;
    let caller = client.clone();
    let panicking = tokio::spawn(async move { caller.call::<Read>("pair", (13,)).await.is_ok() });
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(client.call::<Read>("pair", (5,)).await.unwrap().0, 5);
    assert_session_is_empty(&client).await;
}

#[tokio::test]
async fn items_that_panic_end_their_stream_or_are_skipped() {
    let server = Server::new();
    server
        .register_function("written", || {
            Stream::new(iter([1, 13, 2].map(|number| Ok(Written(number)))))
        })
        .unwrap();
    server
        .register_function("pairs", || {
            Stream::new(iter([1u32, 13, 2].map(|number| Ok((number, number)))))
        })
        .unwrap();
    let client = client(&server).await;
    let mut written: Stream<(u32, u32)> = client.call("written", ()).await.unwrap();
    assert_eq!(written.next().await.unwrap().unwrap(), (1, 1));
    let ended = written.next().await.unwrap();
    assert!(matches!(ended, Err(StreamError::Fault(fault)) if internal(&fault)));
    assert!(written.next().await.is_none());

    let mut pairs: Stream<Read> = client.call("pairs", ()).await.unwrap();
    assert_eq!(pairs.next().await.unwrap().unwrap().0, 1);
    let (panicked, mut pairs) = {
        let pairs = Arc::new(tokio::sync::Mutex::new(pairs));
        let reading = Arc::clone(&pairs);
        let reading = tokio::spawn(async move { reading.lock().await.next().await.is_some() });
        let panicked = reading.await.is_err_and(|error| error.is_panic());
        (panicked, Arc::into_inner(pairs).unwrap().into_inner())
    };
    assert!(panicked);
    assert_eq!(pairs.next().await.unwrap().unwrap().0, 2);
    assert!(pairs.next().await.is_none());
    drop((written, pairs));
    assert_session_is_empty(&client).await;
}

/// Error whose `Display` panics.
#[derive(Debug)]
struct NoText;

impl fmt::Display for NoText {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

impl Error for NoText {}

fn not_saved() -> Fault {
    Fault::new(5, "not saved").with_source(NoText)
}

/// Causes were once formatted while the session was locked and a message half written.
#[tokio::test]
async fn a_cause_that_panics_leaves_no_half_message() {
    let options = ServerOptions::default().session(SessionOptions::default().send_causes(true));
    let server = Server::with_options(options);
    server
        .register_function("now", || Err::<(), _>(not_saved()))
        .unwrap();
    server
        .register_function("later", async || {
            tokio::task::yield_now().await;
            Err::<(), _>(not_saved())
        })
        .unwrap();
    server
        .register_function("stream", || Stream::new(iter([Ok(1u32), Err(not_saved())])))
        .unwrap();
    server
        .register_function("add", |a: u32, b: u32| a + b)
        .unwrap();
    let client = connect(&server).await.await.unwrap();
    let assert_not_saved = |fault: &Fault| {
        assert_eq!(fault, &Fault::new(5, "not saved"));
        let causes: Vec<String> = fault.causes().collect();
        assert_eq!(causes, ["a cause that panicked while it was formatted"]);
    };
    for method in ["now", "later"] {
        let (failed, after) = tokio::join!(
            client.call::<()>(method, ()),
            client.call::<u32>("add", (3, 5)),
        );
        assert_not_saved(failed.unwrap_err().fault().unwrap());
        assert_eq!(after.unwrap(), 8);
    }
    let mut stream: Stream<u32> = client.call("stream", ()).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), 1);
    match stream.next().await {
        Some(Err(StreamError::Fault(fault))) => assert_not_saved(&fault),
        other => panic!("{other:?}"),
    }
    drop(stream);
    assert_eq!(client.call::<u32>("add", (1, 2)).await.unwrap(), 3);
    assert_session_is_empty(&client).await;
}
