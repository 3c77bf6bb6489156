use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use farcall_conn::rpc::{Client, Encoding, Remote, Server, ServerOptions, SessionOptions};
use farcall_core::{CallError, Execution, Fault, FaultKind, client, service};
use tokio::time::sleep;

use crate::support::{Counter, CounterApi, Network, client, connect, serve, until};

#[derive(Default)]
struct Factory {
    alive: Arc<AtomicUsize>,
    shared: Mutex<Option<Remote<dyn CounterApi>>>,
}

#[service]
impl Factory {
    pub fn create(&self) -> Remote<dyn CounterApi> {
        Remote::new(Counter::new(0, &self.alive))
    }

    pub fn create_many(&self, count: usize) -> HashMap<String, Vec<Remote<dyn CounterApi>>> {
        let counters = (0..count).map(|_| self.create()).collect();
        HashMap::from([("counters".to_owned(), counters)])
    }

    /// Returns the value of the counter, if it is an object of this process.
    #[expect(clippy::needless_pass_by_value, reason = "arguments are owned")]
    pub fn peek(&self, counter: Remote<dyn CounterApi>) -> Option<i64> {
        let counter: Arc<Counter> = counter.local()?;
        Some(counter.value.load(Ordering::Relaxed))
    }

    pub fn share(&self, counter: Remote<dyn CounterApi>) {
        *self.shared.lock().unwrap() = Some(counter);
    }

    pub fn shared(&self) -> Option<Remote<dyn CounterApi>> {
        self.shared.lock().unwrap().clone()
    }

    /// Calls an object of the caller.
    pub async fn count_up(
        &self,
        counter: Remote<dyn CounterApi>,
        times: i64,
    ) -> Result<i64, CallError> {
        let mut value = 0;
        for _ in 0..times {
            value = counter.add(1).await?;
        }
        Ok(value)
    }
}

#[client]
trait FactoryApi {
    async fn create(&self) -> Result<Remote<dyn CounterApi>, CallError>;
    async fn create_many(
        &self,
        count: usize,
    ) -> Result<HashMap<String, Vec<Remote<dyn CounterApi>>>, CallError>;
    async fn peek(&self, counter: &Remote<dyn CounterApi>) -> Result<Option<i64>, CallError>;
    async fn share(&self, counter: &Remote<dyn CounterApi>) -> Result<(), CallError>;
    async fn shared(&self) -> Result<Option<Remote<dyn CounterApi>>, CallError>;
    async fn count_up(
        &self,
        counter: &Remote<dyn CounterApi>,
        times: i64,
    ) -> Result<i64, CallError>;
}

fn factory() -> (Server, Arc<AtomicUsize>) {
    factory_with(ServerOptions::default())
}

fn factory_with(options: ServerOptions) -> (Server, Arc<AtomicUsize>) {
    let server = Server::with_options(options);
    let factory = Factory::default();
    let alive = Arc::clone(&factory.alive);
    server.register_instance(factory).unwrap();
    (server, alive)
}

fn local_counter(alive: &Arc<AtomicUsize>) -> Remote<dyn CounterApi> {
    Remote::new(Counter::new(100, alive))
}

#[tokio::test]
async fn a_method_returns_objects_and_takes_them_back() {
    let (server, alive) = factory();
    for encoding in [Encoding::Bincode, Encoding::MessagePack] {
        let client = connect(&server).await.encoding(encoding).await.unwrap();
        let counter = client.create().await.unwrap();
        assert_eq!(counter.add(3).await.unwrap(), 3);
        assert_eq!(counter.clone().add(4).await.unwrap(), 7);
        // In the process of the object, the reference is the object itself.
        assert_eq!(client.peek(&counter).await.unwrap(), Some(7));
        let many = client.create_many(3).await.unwrap();
        for counter in &many["counters"] {
            assert_eq!(counter.add(1).await.unwrap(), 1);
        }
        assert_eq!(client.stats().imported_objects, 4, "each is passed once");
        drop((counter, many));
        until(|| alive.load(Ordering::Relaxed) == 0).await;
        assert_eq!(client.stats().imported_objects, 0);
    }
}

#[tokio::test]
async fn callbacks_are_objects_of_the_caller() {
    let (server, _) = factory();
    let alive = Arc::new(AtomicUsize::new(0));
    let client = client(&server).await;
    let counter = local_counter(&alive);
    assert_eq!(client.count_up(&counter, 5).await.unwrap(), 105);
    assert_eq!(client.peek(&counter).await.unwrap(), None);
    // Released by the server first, and then dropped locally.
    until(|| client.stats().exported_objects == 0).await;
    client.share(&counter).await.unwrap();
    drop(counter);
    assert_eq!(alive.load(Ordering::Relaxed), 1);
    let again = client.shared().await.unwrap().unwrap();
    assert!(again.local::<Counter>().is_some(), "it is the local object");
    assert_eq!(again.add(1).await.unwrap(), 106);
}

#[tokio::test]
async fn an_object_can_be_passed_to_a_third_peer() {
    let (server, _) = factory();
    let alive = Arc::new(AtomicUsize::new(0));
    let connector = serve(&server).await;
    let owner = Client::over(connector.clone()).await.unwrap();
    let user = Client::over(connector).await.unwrap();
    owner.share(&local_counter(&alive)).await.unwrap();
    let counter = user.shared().await.unwrap().unwrap();
    assert_eq!(counter.add(1).await.unwrap(), 101);
    assert_eq!(counter.add(1).await.unwrap(), 102);
    owner.close().await;
    let error = counter.add(1).await.unwrap_err();
    assert!(error.fault().is_some(), "{error:?}");
}

#[tokio::test]
async fn the_objects_of_a_client_are_released_with_its_connection() {
    let (server, alive) = factory();
    let network = Network::to(&server, Duration::ZERO).await;
    let client = Client::over(network.clone()).await.unwrap();
    let counters = client.create_many(1000).await.unwrap();
    assert_eq!(alive.load(Ordering::Relaxed), 1000);
    network.cut();
    until(|| alive.load(Ordering::Relaxed) == 0).await;
    let counter = &counters["counters"][0];
    counter.closed().await;
    assert_eq!(
        counter.add(1).await.unwrap_err().execution(),
        Execution::Never
    );
}

#[tokio::test]
async fn references_are_counted_not_flagged() {
    let (server, alive) = factory();
    let client = client(&server).await;
    let own = client.create().await.unwrap();
    client.share(&own).await.unwrap();
    // The same object is received repeatedly while references to it are dropped.
    for _ in 0..200 {
        let (one, other) = tokio::join!(client.shared(), client.shared());
        let (one, other) = (one.unwrap().unwrap(), other.unwrap().unwrap());
        assert!(one == own && other == own);
        drop(one);
        tokio::task::yield_now().await;
        assert_eq!(other.add(0).await.unwrap(), 0);
    }
    assert_eq!(client.stats().imported_objects, 1);
    drop(own);
    let last = client.shared().await.unwrap().unwrap();
    assert_eq!(last.add(1).await.unwrap(), 1);
    assert_eq!(alive.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn calls_cancelled_in_flight_leak_nothing() {
    let (server, alive) = factory();
    let network = Network::to(&server, Duration::from_millis(2)).await;
    let client = Client::over(network).await.unwrap();
    for wait in 0..40 {
        let call = tokio::time::timeout(Duration::from_micros(wait * 200), client.create());
        drop(call.await);
    }
    // Arguments that are encoded and never sent.
    let own = Arc::new(AtomicUsize::new(0));
    drop(client.peek(&local_counter(&own)));
    until(|| alive.load(Ordering::Relaxed) == 0 && own.load(Ordering::Relaxed) == 0).await;
    until(|| client.stats() == farcall_conn::rpc::SessionStats::default()).await;
}

#[tokio::test]
async fn calls_on_an_object_of_another_connection_are_relayed() {
    let (server, _) = factory();
    let connector = serve(&server).await;
    let one = Client::over(connector.clone()).await.unwrap();
    let other = Client::over(connector).await.unwrap();
    let counter = one.create().await.unwrap();
    // An object of one connection, passed over another, is relayed by the client: for the server it
    // is not a local object.
    assert_eq!(other.peek(&counter).await.unwrap(), None);
}

#[tokio::test]
async fn objects_are_limited_by_both_peers() {
    let (usual, few) = (
        SessionOptions::default(),
        SessionOptions::default().max_objects(10),
    );
    for (server, client) in [(usual.clone(), few.clone()), (few, usual)] {
        let (server, alive) = factory_with(ServerOptions::default().session(server));
        let client = connect(&server).await.session(client).await.unwrap();
        let held = client.create_many(10).await.unwrap();
        let error = client.create().await.unwrap_err();
        assert_eq!(error.fault().unwrap().kind(), FaultKind::Internal);
        drop(held);
        until(|| alive.load(Ordering::Relaxed) == 0).await;
        client.create().await.unwrap();
    }
}

#[tokio::test]
async fn remote_handles_need_a_call_to_be_serialized() {
    let registry: farcall_core::Registry<Encoding> = farcall_core::Registry::new();
    registry.register_instance(Factory::default()).unwrap();
    // Within the process they can be passed.
    let local = farcall_core::ServiceCaller::new(registry, Encoding::Bincode);
    let counter = local.create().await.unwrap();
    assert_eq!(counter.add(1).await.unwrap(), 1);
    assert!(counter.local::<Counter>().is_some());
    assert!(serde_json::to_string(&counter).is_err());
    let nothing: Result<Remote<dyn CounterApi>, _> = serde_json::from_str("0");
    assert!(nothing.is_err());
}

#[tokio::test]
async fn a_client_lives_as_long_as_its_objects() {
    let (server, _) = factory();
    let client = client(&server).await;
    let counter = client.create().await.unwrap();
    drop(client);
    sleep(Duration::from_millis(20)).await;
    assert_eq!(counter.add(1).await.unwrap(), 1);
}

#[tokio::test]
async fn an_argument_that_is_not_an_object_is_rejected() {
    let (server, _) = factory();
    let client = connect(&server)
        .await
        .encoding(Encoding::MessagePack)
        .await
        .unwrap();
    let error = client.call::<Option<i64>>("peek", (5,)).await.unwrap_err();
    let fault: &Fault = error.fault().unwrap();
    assert_eq!(fault.kind(), FaultKind::InvalidParams);
    assert!(fault.message().contains("no attachment at index 5"));
}
