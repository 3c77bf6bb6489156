//! Managers of every CPython, used by a client in Rust.

use std::process::Stdio;
use std::time::Duration;

use farcall::conn::managers::{
    BarrierProxy, Client, ConditionProxy, DictProxy, EventProxy, Exception, IteratorProxy,
    ListProxy, LockProxy, NamespaceProxy, Proxy, Queue, QueueProxy, Serializer, Server, StaleProxy,
    ValueProxy, blocking,
};
use farcall::pickle::Value;
use farcall::{CallError, Execution, FaultKind, client};
use tests::Python;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::peer::versions;

const KEY: &str = "secret";

/// Longer than any step takes on a busy machine.
const LONG: Duration = Duration::from_secs(120);

const SHORT: Duration = Duration::from_millis(100);

/// Starts a manager in Python. Returns its address.
async fn start(python: &Python, port: &str) -> (Child, String) {
    start_with(python, port, "pickle").await
}

async fn start_with(python: &Python, port: &str, serializer: &str) -> (Child, String) {
    let arguments = [port, KEY, serializer];
    let mut child = Command::from(python.command("manager_server.py", &arguments))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(LONG, lines.next_line()).await.unwrap().unwrap();
    let line = line.expect("the manager starts");
    let address = line.strip_prefix("listening ").unwrap().to_owned();
    (child, address)
}

async fn connect(address: &str) -> Client {
    let client = Client::connect(address).authkey(KEY).legacy_md5(true);
    client.timeout(LONG).await.unwrap()
}

#[client]
trait CounterApi {
    async fn increment(&self, by: i64) -> Result<i64, CallError>;
    async fn child(&self) -> Result<Proxy, CallError>;
    async fn numbers(&self, n: u32) -> Result<IteratorProxy, CallError>;
    async fn fail(&self, text: &str) -> Result<(), CallError>;
    async fn unpicklable(&self) -> Result<Value, CallError>;
    async fn missing(&self) -> Result<(), CallError>;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_manager_of_python_is_used_whole() {
    for python in versions() {
        let (_child, address) = start(&python, "0").await;
        let manager = connect(&address).await;
        timeout(LONG, queues(&manager)).await.unwrap();
        // Up to 3.8, CPython cannot load a proxy without a class of its own in its manager.
        if python.version >= (3, 9) {
            timeout(LONG, queue_of_queues(&manager)).await.unwrap();
        }
        timeout(LONG, containers(&manager)).await.unwrap();
        timeout(LONG, locks(&manager)).await.unwrap();
        timeout(LONG, objects(&manager)).await.unwrap();
        timeout(LONG, manager.settled()).await.unwrap();
        // `jobs` and `shared` are of the server itself, but their references are counted alike.
        assert_eq!(manager.objects().await.unwrap(), 0, "{:?}", python.version);
    }
}

async fn queues(manager: &Client) {
    let jobs: QueueProxy = manager.create("jobs", ()).await.unwrap();
    jobs.put(&("a", 1)).await.unwrap();
    assert_eq!(jobs.len().await.unwrap(), 1);
    let job: (String, i64) = jobs.get().await.unwrap();
    assert_eq!(job, ("a".to_owned(), 1));
    assert!(jobs.is_empty().await.unwrap());
    assert_eq!(jobs.try_get::<i64>().await.unwrap(), None);
    assert_eq!(jobs.get_within::<i64>(SHORT).await.unwrap(), None);
    for length in [0, 5, 300, 100_000] {
        let bytes = vec![7; length];
        jobs.put_bytes(&bytes).await.unwrap();
        assert_eq!(jobs.get_bytes().await.unwrap(), bytes);
        jobs.put(&Value::Bytes(bytes.clone())).await.unwrap();
        assert_eq!(jobs.get_bytes().await.unwrap(), bytes);
        assert!(jobs.put_bytes_within(&bytes, SHORT).await.unwrap());
        let taken = jobs.get_bytes_within(SHORT).await.unwrap();
        assert_eq!(taken.unwrap(), bytes);
    }
    assert_eq!(jobs.get_bytes_within(SHORT).await.unwrap(), None);
    jobs.put(&Value::ByteArray(vec![7; 300])).await.unwrap();
    assert_eq!(jobs.get_bytes().await.unwrap(), vec![7; 300]);
    for other in ["a text".into(), Value::List(vec![1.into(), 2.into()])] {
        jobs.put(&other).await.unwrap();
        let error = jobs.get_bytes().await.unwrap_err();
        assert!(matches!(error, CallError::Decode(_)), "{error}");
    }
    let small: QueueProxy = manager
        .create_with("Queue", (), &[("maxsize", 1)])
        .await
        .unwrap();
    assert!(small.try_put("x").await.unwrap());
    assert!(!small.try_put("y").await.unwrap());
    assert!(!small.put_within("y", SHORT).await.unwrap());
    assert!(!small.put_bytes_within(b"y", SHORT).await.unwrap());
    assert!(small.is_full().await.unwrap());
    small.task_done().await.unwrap();
    small.join().await.unwrap();
    // A call that waits holds no other up.
    let waiting = tokio::spawn({
        let jobs = jobs.clone();
        async move { jobs.get::<i64>().await }
    });
    sleep(SHORT).await;
    jobs.put(&7).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 7);
}

/// The manager finds its own object, and the result is a proxy.
async fn queue_of_queues(manager: &Client) {
    let outer: QueueProxy = manager.create("Queue", ()).await.unwrap();
    let inner: QueueProxy = manager.create("Queue", ()).await.unwrap();
    inner.put("x").await.unwrap();
    outer.put(&inner).await.unwrap();
    let found: QueueProxy = outer.get().await.unwrap();
    assert_eq!(found.get::<String>().await.unwrap(), "x");
}

async fn containers(manager: &Client) {
    let list: ListProxy = manager.create("list", (vec![3, 1, 2],)).await.unwrap();
    list.append(&9).await.unwrap();
    list.sort().await.unwrap();
    assert_eq!(list.to_vec::<i64>().await.unwrap(), [1, 2, 3, 9]);
    assert_eq!(list.get::<i64>(-1).await.unwrap(), Some(9));
    assert_eq!(list.get::<i64>(4).await.unwrap(), None);
    assert_eq!(list.position(&3).await.unwrap(), Some(2));
    assert!(!list.remove(&77).await.unwrap());
    assert_eq!(list.pop::<i64>().await.unwrap(), Some(9));
    assert_eq!(list.len().await.unwrap(), 3);
    let dict: DictProxy = manager.create_with("dict", (), &[("a", 1)]).await.unwrap();
    dict.insert(&(1, "x"), "tuple").await.unwrap();
    assert_eq!(dict.get::<i64>("a").await.unwrap(), Some(1));
    assert_eq!(dict.get::<i64>("b").await.unwrap(), None);
    assert_eq!(
        dict.get::<String>(&(1, "x")).await.unwrap().as_deref(),
        Some("tuple")
    );
    assert_eq!(dict.or_insert("c", &5).await.unwrap(), 5);
    assert_eq!(dict.remove::<i64>("c").await.unwrap(), Some(5));
    assert_eq!(dict.remove::<i64>("c").await.unwrap(), None);
    assert_eq!(dict.keys::<Value>().await.unwrap().len(), 2);
    let text = dict.as_proxy().text().await.unwrap();
    assert!(text.contains("'a': 1"), "{text}");
    let namespace: NamespaceProxy = manager.create("Namespace", ()).await.unwrap();
    namespace.set("x", &10).await.unwrap();
    assert_eq!(namespace.get::<i64>("x").await.unwrap(), Some(10));
    assert!(namespace.remove("x").await.unwrap());
    assert_eq!(namespace.get::<i64>("x").await.unwrap(), None);
    let value: ValueProxy = manager.create("Value", ("i", 3)).await.unwrap();
    value.set(&4).await.unwrap();
    assert_eq!(value.get::<i64>().await.unwrap(), 4);
    // Nested: the inner list is the same one.
    dict.insert("inner", &list).await.unwrap();
    list.append("more").await.unwrap();
    let inner: ListProxy = dict.get("inner").await.unwrap().unwrap();
    assert_eq!(inner.len().await.unwrap(), 4);
    let removed: Option<ListProxy> = dict.remove("inner").await.unwrap();
    assert!(removed.is_some());
}

async fn locks(manager: &Client) {
    for typeid in ["Lock", "RLock", "Semaphore"] {
        let lock: LockProxy = manager.create(typeid, ()).await.unwrap();
        let guard = lock.acquire().await.unwrap();
        assert!(lock.try_acquire().await.unwrap().is_none(), "{typeid}");
        assert!(lock.acquire_within(SHORT).await.unwrap().is_none());
        // An abandoned acquisition is released.
        assert!(timeout(SHORT, lock.acquire()).await.is_err());
        guard.release().await.unwrap();
        drop(lock.acquire().await.unwrap());
        lock.acquire().await.unwrap().release().await.unwrap();
    }
    let event: EventProxy = manager.create("Event", ()).await.unwrap();
    assert!(!event.wait_within(SHORT).await.unwrap());
    let waiting = tokio::spawn({
        let event = event.clone();
        async move { event.wait().await }
    });
    event.set().await.unwrap();
    waiting.await.unwrap().unwrap();
    assert!(event.is_set().await.unwrap());
    let condition: ConditionProxy = manager.create("Condition", ()).await.unwrap();
    let guard = condition.acquire().await.unwrap();
    let (guard, notified) = guard.wait_within(SHORT).await.unwrap();
    assert!(!notified);
    let notifying = tokio::spawn({
        let condition = condition.clone();
        async move {
            let mut guard = condition.acquire().await?;
            guard.notify_all().await?;
            guard.release().await
        }
    });
    let guard = guard.wait().await.unwrap();
    notifying.await.unwrap().unwrap();
    guard.release().await.unwrap();
    let barrier: BarrierProxy = manager.create("Barrier", (2,)).await.unwrap();
    let (a, b) = tokio::join!(barrier.wait(), barrier.wait());
    let mut numbers = [a.unwrap(), b.unwrap()];
    numbers.sort_unstable();
    assert_eq!(numbers, [Some(0), Some(1)]);
    assert_eq!(barrier.parties().await.unwrap(), 2);
    barrier.abort().await.unwrap();
    assert_eq!(barrier.wait().await.unwrap(), None);
}

async fn objects(manager: &Client) {
    let counter: Proxy = manager
        .create_with("Counter", (), &[("start", 40)])
        .await
        .unwrap();
    assert_eq!(counter.increment(2).await.unwrap(), 42);
    let with: i64 = counter
        .call_with("increment", (), &[("by", 8)])
        .await
        .unwrap();
    assert_eq!(with, 50);
    assert!(
        counter
            .methods()
            .await
            .unwrap()
            .contains(&"increment".to_owned())
    );
    let child = counter.child().await.unwrap();
    assert_eq!(child.increment(1).await.unwrap(), 51);
    let numbers = counter.numbers(2).await.unwrap();
    assert_eq!(numbers.next::<i64>().await.unwrap(), Some(0));
    assert_eq!(numbers.next::<i64>().await.unwrap(), Some(1));
    assert_eq!(numbers.next::<i64>().await.unwrap(), None);
    // The object of an abandoned call is released.
    let mut abandoned = Box::pin(counter.child());
    let _ = timeout(Duration::from_millis(1), &mut abandoned).await;
    drop(abandoned);
    let error = counter.fail("bad").await.unwrap_err();
    let exception = Exception::of(&error).unwrap();
    assert!(exception.is("ValueError"));
    assert_eq!(exception.args(), [Value::from("bad"), Value::from(3)]);
    assert_eq!(error.execution(), Execution::Maybe);
    let error = counter.unpicklable().await.unwrap_err();
    assert_eq!(error.execution(), Execution::Completed, "{error:?}");
    let error = counter.missing().await.unwrap_err();
    assert_eq!(
        error.fault().unwrap().kind(),
        FaultKind::UnknownMethod,
        "{error:?}"
    );
    assert!(
        Exception::of(&error)
            .unwrap()
            .trace()
            .unwrap()
            .contains("Traceback")
    );
    let error = manager.create::<Proxy>("nothing", ()).await.unwrap_err();
    assert!(Exception::of(&error).is_some(), "{error:?}");
}

/// CPython 86320, 78947, 85826.
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_manager_is_told_apart() {
    for python in versions() {
        let (mut child, address) = start(&python, "0").await;
        let manager = connect(&address).await;
        let list: ListProxy = manager.create("list", (vec![1],)).await.unwrap();
        assert_eq!(list.len().await.unwrap(), 1);
        let jobs: QueueProxy = manager.create("jobs", ()).await.unwrap();
        let waiting = tokio::spawn({
            let jobs = jobs.clone();
            async move { jobs.get::<i64>().await }
        });
        sleep(SHORT).await;
        child.kill().await.unwrap();
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(error.execution(), Execution::Maybe);
        let error = list.len().await.unwrap_err();
        assert_eq!(error.execution(), Execution::Never, "{error:?}");
        let port = address.rsplit(':').next().unwrap();
        let (_child, _) = start(&python, port).await;
        let error = list.len().await.unwrap_err();
        let CallError::NotSent(source) = &error else {
            panic!("{error:?}")
        };
        assert!(source.is::<StaleProxy>(), "{error:?}");
        let error = list.as_proxy().revive().await.unwrap_err();
        assert_eq!(error.fault().unwrap().kind(), FaultKind::Gone, "{error:?}");
        let jobs: QueueProxy = manager.create("jobs", ()).await.unwrap();
        jobs.put(&1).await.unwrap();
        assert_eq!(jobs.get::<i64>().await.unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_in_rust_is_the_same_to_a_client() {
    let server = Server::new();
    let queue = Queue::new(0);
    server.share("jobs", queue.clone()).unwrap();
    let bound = server.bind("127.0.0.1:0").authkey(KEY).await.unwrap();
    let address = bound.local_address().to_string();
    tokio::spawn(bound.serve());
    let manager = connect(&address).await;
    timeout(LONG, queues(&manager)).await.unwrap();
    timeout(LONG, queue_of_queues(&manager)).await.unwrap();
    timeout(LONG, containers(&manager)).await.unwrap();
    timeout(LONG, locks(&manager)).await.unwrap();
    // A dropped `get` takes nothing.
    let jobs: QueueProxy = manager.create("jobs", ()).await.unwrap();
    assert!(timeout(SHORT, jobs.get::<i64>()).await.is_err());
    sleep(SHORT).await;
    queue.put(&7).await.unwrap();
    sleep(SHORT).await;
    assert_eq!(jobs.len().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn managers_with_the_other_serializer_are_used() {
    for python in versions() {
        let (_child, address) = start_with(&python, "0", "xmlrpclib").await;
        let client = Client::connect(&*address).authkey(KEY).legacy_md5(true);
        let client = client.serializer(Serializer::XmlRpc).timeout(LONG);
        let manager = client.await.unwrap();
        timeout(LONG, over_xml(&manager)).await.unwrap();
    }
}

async fn over_xml(manager: &Client) {
    let jobs: QueueProxy = manager.create("jobs", ()).await.unwrap();
    jobs.put(&("a", 1, 2.5, true, None::<i64>)).await.unwrap();
    let job: (String, i64, f64, bool, Option<i64>) = jobs.get().await.unwrap();
    assert_eq!(job, ("a".to_owned(), 1, 2.5, true, None));
    jobs.put(&Value::Bytes(b"bytes".to_vec())).await.unwrap();
    let bytes: Value = jobs.get().await.unwrap();
    assert_eq!(bytes, Value::Bytes(b"bytes".to_vec()));
    jobs.put_bytes(b"bytes").await.unwrap();
    assert_eq!(jobs.get_bytes().await.unwrap(), "bytes");
    assert!(jobs.put_bytes_within(b"bytes", SHORT).await.unwrap());
    let bytes = jobs.get_bytes_within(SHORT).await.unwrap();
    assert_eq!(bytes.unwrap(), "bytes");
    let dict: DictProxy = manager.create_with("dict", (), &[("a", 1)]).await.unwrap();
    dict.insert("b", &vec![1, 2]).await.unwrap();
    assert_eq!(dict.get::<Vec<i64>>("b").await.unwrap(), Some(vec![1, 2]));
    let lock: LockProxy = manager.create("Lock", ()).await.unwrap();
    lock.acquire().await.unwrap().release().await.unwrap();
    let counter: Proxy = manager.create("Counter", (40,)).await.unwrap();
    assert_eq!(counter.increment(2).await.unwrap(), 42);
    // It has neither exceptions nor objects.
    let error = counter.fail("bad").await.unwrap_err();
    let exception = Exception::of(&error).unwrap();
    assert!(
        exception.is("multiprocessing.managers.RemoteError"),
        "{error:?}"
    );
    assert!(counter.child().await.is_err());
    assert_eq!(counter.increment(1).await.unwrap(), 43);
    let error = jobs.put(&Value::Set(vec![1.into()])).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    assert!(jobs.is_empty().await.unwrap());
}

#[client]
trait BlockingCounterApi {
    fn increment(&self, by: i64) -> Result<i64, CallError>;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_without_async_code_use_managers() {
    let server = demo::managers::server().unwrap();
    let bound = server.bind("127.0.0.1:0").authkey(KEY).await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    let connecting = Client::connect(address.clone()).authkey(KEY);
    let error = connecting.wait().unwrap_err();
    assert!(format!("{error:?}").contains("async code"), "{error:?}");
    let using = tokio::task::spawn_blocking(move || {
        let manager = Client::connect(address).authkey(KEY).wait().unwrap();
        let jobs: blocking::QueueProxy = manager.create("jobs", ()).unwrap();
        jobs.put(&("a", 1)).unwrap();
        let job: (String, i64) = jobs.get().unwrap();
        assert_eq!(job, ("a".to_owned(), 1));
        assert_eq!(jobs.get_within::<i64>(SHORT).unwrap(), None);
        let dict: blocking::DictProxy = manager.create_with("dict", (), &[("a", 1)]).unwrap();
        assert_eq!(dict.get::<i64>("a").unwrap(), Some(1));
        let lock: blocking::LockProxy = manager.create("RLock", ()).unwrap();
        let guard = lock.acquire().unwrap();
        assert!(lock.try_acquire().unwrap().is_none());
        guard.release().unwrap();
        drop(lock.acquire().unwrap());
        lock.acquire().unwrap().release().unwrap();
        let condition: blocking::ConditionProxy = manager.create("Condition", ()).unwrap();
        let (mut guard, notified) = condition.acquire().unwrap().wait_within(SHORT).unwrap();
        assert!(!notified);
        guard.notify_all().unwrap();
        guard.release().unwrap();
        let counter: blocking::Proxy = manager.create("Counter", (40,)).unwrap();
        assert_eq!(counter.increment(2).unwrap(), 42);
        // As a value in a container it stays the same object.
        dict.insert("queue", &jobs).unwrap();
        let queue: blocking::QueueProxy = dict.get("queue").unwrap().unwrap();
        queue.put_bytes(b"bytes").unwrap();
        assert_eq!(queue.get_bytes().unwrap(), "bytes");
        assert!(queue.put_bytes_within(b"bytes", SHORT).unwrap());
        assert_eq!(queue.get_bytes_within(SHORT).unwrap().unwrap(), "bytes");
        queue.put("x").unwrap();
        assert_eq!(jobs.len().unwrap(), 1);
        manager.settled().unwrap();
    });
    timeout(LONG, using).await.unwrap().unwrap();
}
