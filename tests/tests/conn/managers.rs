//! Managers of Python: every CPython as a client of a server in Rust.

use std::process::Stdio;
use std::time::{Duration, Instant};

use farcall::Budget;
use farcall::conn::frame::FrameError;
use farcall::conn::managers::{ManagerOptions, Queue, Server};
use farcall::conn::{Connection, RecvError};
use farcall::pickle::{Class, Object, Pickle, Value};
use farcall::serve::StopHandle;
use farcall::transport::Address;
use futures_util::StreamExt as _;
use tests::Python;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::peer::versions;

const KEY: &str = "secret";

/// Longer than any step takes on a busy machine.
const LONG: Duration = Duration::from_secs(120);

/// Serves at a free port until the runtime ends.
async fn serve(server: &Server) -> Address {
    serve_at(server, "127.0.0.1:0").await.0
}

async fn serve_at(server: &Server, address: &str) -> (Address, tokio::task::JoinHandle<()>) {
    let bound = server
        .bind(address)
        .authkey(KEY)
        .legacy_md5(true)
        .timeout(LONG);
    let bound = bound.await.unwrap();
    let address = bound.local_address().clone();
    (address, tokio::spawn(bound.serve()))
}

/// Runs a script to its end. Returns its output.
async fn run(python: &Python, script: &str, arguments: &[&str]) -> String {
    let mut command = Command::from(python.command(script, arguments));
    let output = timeout(LONG, command.kill_on_drop(true).output()).await;
    let output = output.expect("the script ends in time").unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{:?}: {text}{errors}",
        python.version
    );
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn every_python_works_with_all_objects() {
    for python in versions() {
        let server = demo::managers::server().unwrap();
        let address = serve(&server).await.to_string();
        let arguments = [&*address, KEY, "--processes", "8"];
        let output = run(&python, "manager_client.py", &arguments).await;
        assert!(output.ends_with("15 passed, 0 failed\n"), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_users_of_cpython_report_does_not_happen() {
    for python in versions() {
        let options = ManagerOptions::default().linger(Duration::from_secs(2));
        let server = demo::managers::server_with(options.clone()).unwrap();
        let (address, serving) = serve_at(&server, "127.0.0.1:0").await;
        let address = address.to_string();
        let mut child = Command::from(python.command("manager_reports.py", &[&address, KEY]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for expected in ["nested", "late", "passed_on", "trace", "restart"] {
            let line = timeout(LONG, lines.next_line()).await.unwrap().unwrap();
            assert_eq!(line.as_deref(), Some(expected), "{:?}", python.version);
        }
        serving.abort();
        assert!(serving.await.is_err());
        drop(server);
        let server = demo::managers::server_with(options).unwrap();
        let (_, serving) = serve_at(&server, &address).await;
        child.stdin.take().unwrap().write_all(b"\n").await.unwrap();
        let line = timeout(LONG, lines.next_line()).await.unwrap().unwrap();
        assert_eq!(line.as_deref(), Some("restart"), "{:?}", python.version);
        serving.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_functions_of_a_pool_are_methods() {
    for python in versions() {
        let server = demo::managers::server().unwrap();
        let address = serve(&server).await.to_string();
        let output = run(&python, "manager_pool.py", &[&address, KEY]).await;
        assert_eq!(output, "passed\n", "{:?}", python.version);
    }
}

/// CPython 86035, and a wait that would take an item for nobody.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_client_that_was_killed() {
    let script = "import sys
from multiprocessing.managers import SyncManager
host, port = sys.argv[1].rsplit(':', 1)
SyncManager.register('jobs')
m = SyncManager((host, int(port)), authkey=b'secret'); m.connect()
kept = [m.dict() for _ in range(20)], m.Lock()
jobs = m.jobs()
jobs.put(1); assert jobs.get() == 1
print('waits', flush=True)
jobs.get()
";
    for python in versions() {
        let grace = Some(Duration::from_secs(5));
        let options = ManagerOptions::default().reference_grace(grace);
        let server = Server::with_options(options.linger(Duration::ZERO));
        let jobs = Queue::new(0);
        server.share("jobs", jobs.clone()).unwrap();
        let address = serve(&server).await.to_string();
        let mut child = Command::from(python.command_text(script, &[&address]))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(LONG, lines.next_line()).await.unwrap().unwrap();
        assert_eq!(line.as_deref(), Some("waits"), "{:?}", python.version);
        assert_eq!(server.objects(), 22);
        sleep(Duration::from_millis(200)).await;
        child.kill().await.unwrap();
        let begin = Instant::now();
        while server.objects() > 0 {
            assert!(begin.elapsed() < LONG, "{} are left", server.objects());
            sleep(Duration::from_millis(50)).await;
        }
        jobs.put(&7).await.unwrap();
        assert_eq!(jobs.try_get::<i64>().unwrap(), Some(7));
    }
}

type Client = Connection<(), (), Pickle>;

async fn connect(address: &Address) -> Client {
    let connecting = Connection::connect(address.clone()).authkey(KEY);
    connecting.await.unwrap()
}

/// Sends a request. Returns the kind of the reply, and its result.
async fn ask(
    client: &mut Client,
    ident: Option<&str>,
    method: &str,
    args: &Value,
) -> (String, Value) {
    let request = (ident, method, args, Value::Dict(vec![]));
    client.send_as(&request).await.unwrap();
    timeout(LONG, client.recv_as()).await.unwrap().unwrap()
}

/// Calls a function of the server, over a connection of its own.
async fn once(address: &Address, method: &str, args: &Value) -> (String, Value) {
    ask(&mut connect(address).await, None, method, args).await
}

fn tuple<const N: usize>(values: [Value; N]) -> Value {
    Value::Tuple(values.into())
}

async fn accepted(address: &Address) -> Client {
    let mut client = connect(address).await;
    let (kind, _) = ask(&mut client, None, "accept_connection", &tuple(["x".into()])).await;
    assert_eq!(kind, "#RETURN");
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_requests_reach_nothing() {
    let server = Server::new();
    let address = serve(&server).await;
    let call = |ident: &'static str, method: &'static str| {
        let address = address.clone();
        async move {
            let mut client = accepted(&address).await;
            ask(&mut client, Some(ident), method, &tuple([])).await
        }
    };
    for (ident, method) in [("0", "get"), ("", "get"), ("ffffffffffffffff", "__class__")] {
        let (kind, text) = call(ident, method).await;
        assert_eq!(kind, "#TRACEBACK");
        assert!(text.as_str().unwrap().contains("KeyError"), "{text}");
    }
    for (method, args) in [
        ("__init__", tuple([])),
        ("serve_forever", tuple([])),
        ("shutdown", tuple([])),
        ("create", tuple([])),
        ("create", tuple(["Pool".into(), 4.into()])),
        ("create", tuple(["Queue".into(), "x".into()])),
        (
            "create",
            tuple([Object::call("os.system").with_args(["true".into()]).into()]),
        ),
        ("incref", tuple(["1a2b".into()])),
        ("decref", tuple(["1a2b".into()])),
        ("get_methods", tuple([1.into()])),
    ] {
        let (kind, _) = once(&address, method, &args).await;
        assert_eq!(kind, "#TRACEBACK", "{method} {args}");
    }
    // A storm of decrefs beyond the only reference.
    let (_, created) = once(&address, "create", &tuple(["dict".into()])).await;
    let ident = created[0].clone();
    for round in 0..200 {
        let (kind, _) = once(&address, "decref", &tuple([ident.clone()])).await;
        assert_eq!(kind == "#RETURN", round == 0);
    }
    let (_, count) = once(&address, "number_of_objects", &tuple([])).await;
    assert_eq!(count, Value::from(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_refused() {
    let options = ManagerOptions::default()
        .max_value_bytes(1 << 20)
        .max_waiting(2);
    let server = Server::with_options(options);
    let address = serve(&server).await;
    let (_, created) = once(&address, "create", &tuple(["list".into()])).await;
    let ident = created[0].as_str().unwrap().to_owned();
    let mut client = accepted(&address).await;
    // Nested too deep to be decoded, references without end, and no pickle at all.
    let mut deep = b"\x80\x04(\x8c\x02".to_vec();
    deep.extend(b"xx\x8c\x06append");
    deep.extend(b"]".repeat(100_000));
    deep.extend(b"a".repeat(99_999));
    deep.extend(b"\x85}t.");
    let mut doubled = b"\x80\x04(N\x8c\x01f]".to_vec();
    for number in 0..30_u8 {
        doubled.extend([b'q', number, b']', b'h', number, b'a', b'h', number, b'a']);
    }
    doubled.extend(b"\x85}t.");
    for message in [&b"no pickle"[..], b"\x80\x04N.", b"", &doubled] {
        client.send_bytes(message).await.unwrap();
        let (kind, _): (String, Value) = timeout(LONG, client.recv_as()).await.unwrap().unwrap();
        assert_eq!(kind, "#TRACEBACK");
    }
    client.send_bytes(&deep).await.unwrap();
    let (kind, _): (String, Value) = timeout(LONG, client.recv_as()).await.unwrap().unwrap();
    assert_eq!(kind, "#TRACEBACK");
    // More bytes than the budget has, in one value and in many.
    let large = tuple([Value::Bytes(vec![7; 2 << 20])]);
    let (kind, error) = ask(&mut client, Some(&ident), "append", &large).await;
    assert_eq!(
        (&*kind, error.to_string().contains("MemoryError")),
        ("#ERROR", true)
    );
    let mut refused = 0;
    for _ in 0..20_000 {
        let (kind, _) = ask(&mut client, Some(&ident), "append", &tuple([1.into()])).await;
        refused += usize::from(kind == "#ERROR");
        if refused > 10 {
            break;
        }
    }
    assert!(refused > 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_beyond_the_limit_are_refused() {
    let options = ManagerOptions::default().max_objects(3);
    let server = Server::with_options(options.linger(Duration::ZERO));
    let address = serve(&server).await;
    let event = tuple(["Event".into()]);
    let mut idents = Vec::new();
    for _ in 0..3 {
        let (kind, created) = once(&address, "create", &event).await;
        assert_eq!(kind, "#RETURN");
        idents.push(created[0].clone());
    }
    let (kind, text) = once(&address, "create", &event).await;
    assert_eq!(kind, "#TRACEBACK");
    assert!(text.as_str().unwrap().contains("MemoryError"), "{text}");
    once(&address, "decref", &tuple([idents.remove(0)])).await;
    let begin = Instant::now();
    while once(&address, "create", &event).await.0 != "#RETURN" {
        assert!(begin.elapsed() < LONG, "there is no room again");
        sleep(Duration::from_millis(100)).await;
    }
}

/// A request whose argument is a tuple of two equal tuples of two equal ones, and so on: a pickle
/// of some hundred bytes. Further arguments are pickled in `rest`.
fn doubled(ident: &str, method: &str, rest: &[u8]) -> Vec<u8> {
    let mut message = b"\x80\x04(".to_vec();
    for text in [ident, method] {
        message.extend([0x8c, text.len() as u8]);
        message.extend(text.as_bytes());
    }
    message.extend(b"(K\x01\x85\x94");
    for number in 0..60 {
        message.extend([b'h', number, 0x86, 0x94]);
    }
    [&message, rest, b"t}t."].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_requests_make_of_little_is_counted() {
    const BUDGET: usize = 4 << 20;
    let server = Server::with_options(ManagerOptions::default().max_value_bytes(BUDGET));
    let address = serve(&server).await;
    let mut client = accepted(&address).await;
    let mut idents = std::collections::HashMap::new();
    for typeid in ["dict", "list", "PriorityQueue"] {
        let (_, created) = once(&address, "create", &tuple([typeid.into()])).await;
        idents.insert(typeid, created[0].as_str().unwrap().to_owned());
    }
    // Keys share nothing; comparisons take no longer than the values are.
    for (typeid, method, rest, kind) in [
        ("dict", "__setitem__", &b"N"[..], "#ERROR"),
        ("dict", "__contains__", b"", "#ERROR"),
        ("list", "append", b"", "#RETURN"),
        ("list", "count", b"", "#RETURN"),
        ("list", "index", b"", "#RETURN"),
        ("PriorityQueue", "put", b"", "#RETURN"),
        ("PriorityQueue", "put", b"", "#RETURN"),
    ] {
        let message = doubled(&idents[typeid], method, rest);
        client.send_bytes(&message).await.unwrap();
        let reply: (String, Value) = timeout(LONG, client.recv_as()).await.unwrap().unwrap();
        assert_eq!(reply.0, kind, "{method}: {}", reply.1);
    }
    // Lists that are added to themselves, or multiplied, and elements that are larger than theirs.
    let (_, created) = once(&address, "create", &tuple(["list".into(), "ab".into()])).await;
    let ident = created[0].as_str().unwrap().to_owned();
    let own = Object::call("multiprocessing.managers.RebuildProxy").with_args([
        Class::new("multiprocessing.managers", "ListProxy").into(),
        Object::new("multiprocessing.managers.Token")
            .with_state(("list", ("127.0.0.1", 1), &*ident))
            .into(),
        "pickle".into(),
        Value::Dict(vec![]),
    ]);
    let mut doubled = 0;
    while ask(
        &mut client,
        Some(&ident),
        "extend",
        &tuple([own.clone().into()]),
    )
    .await
    .0 == "#RETURN"
    {
        doubled += 1;
    }
    assert!((10..20).contains(&doubled), "{doubled}");
    let times = tuple([1_000.into()]);
    let (kind, _) = ask(&mut client, Some(&ident), "__imul__", &times).await;
    assert_eq!(kind, "#ERROR");
    let bytes = Value::Bytes(vec![7; 1 << 20]);
    for args in [
        tuple(["Array".into(), "B".into(), bytes.clone()]),
        tuple(["list".into(), bytes]),
        tuple(["list".into(), "x".repeat(1 << 20).into()]),
        tuple([
            "list".into(),
            Object::call("range")
                .with_args([0.into(), 9_000_000.into(), 1.into()])
                .into(),
        ]),
    ] {
        let (kind, text) = once(&address, "create", &args).await;
        assert!(
            text.as_str().unwrap().contains("MemoryError"),
            "{kind} {text}"
        );
    }
    // Nothing is left of the refused ones in the budget.
    let (kind, _) = ask(&mut client, Some(&ident), "clear", &tuple([])).await;
    assert_eq!(kind, "#RETURN");
    let large = tuple([Value::Bytes(vec![7; 3 << 20])]);
    let (kind, text) = ask(&mut client, Some(&ident), "append", &large).await;
    assert_eq!(kind, "#RETURN", "{text}");
    // One element is 20 in the result, however little holds them.
    for method in ["__mul__", "__imul__"] {
        let (kind, text) = ask(&mut client, Some(&ident), method, &tuple([20.into()])).await;
        assert_eq!(kind, "#ERROR", "{method}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_create_and_vanish_leave_nothing() {
    const CLIENTS: usize = 10_000;
    let options = ManagerOptions::default()
        .linger(Duration::ZERO)
        .reference_grace(Some(Duration::ZERO));
    let server = Server::with_options(options);
    let address = serve(&server).await;
    // They vanish without reading the reply.
    let vanish = async |round: usize| {
        let mut client = connect(&address).await;
        let args = tuple(["list".into(), Value::List(vec![(round as i64).into(); 100])]);
        let request = (None::<String>, "create", &args, Value::Dict(vec![]));
        client.send_as(&request).await.unwrap();
    };
    let numbers = futures_util::stream::iter(0..CLIENTS);
    numbers.for_each_concurrent(16, vanish).await;
    let begin = Instant::now();
    while server.objects() > 0 {
        assert!(begin.elapsed() < LONG, "{} are left", server.objects());
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_its_client() {
    let server = Server::new();
    let jobs = Queue::new(0);
    server.share("jobs", jobs.clone()).unwrap();
    let address = serve(&server).await;
    let (_, created) = once(&address, "create", &tuple(["jobs".into()])).await;
    let ident = created[0].as_str().unwrap().to_owned();
    for _ in 0..20 {
        let mut client = accepted(&address).await;
        let request = (Some(&*ident), "get", tuple([]), Value::Dict(vec![]));
        client.send_as(&request).await.unwrap();
    }
    sleep(Duration::from_millis(500)).await;
    jobs.put(&7).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(jobs.try_get::<i64>().unwrap(), Some(7));
    // A second request behind one that waits is answered; a third one, or a long one, which would
    // count in no budget, ends the connection.
    let get = (Some(&*ident), "get", tuple([]), Value::Dict(vec![]));
    let args = tuple([Value::Bytes(vec![7; 100_000])]);
    let long = (Some(&*ident), "put", args, Value::Dict(vec![]));
    for behind in [&[&get, &get][..], &[&long]] {
        let mut client = accepted(&address).await;
        client.send_as(&get).await.unwrap();
        for request in behind {
            // The connection may have ended.
            let _ = client.send_as(request).await;
        }
        let end = timeout(LONG, client.recv_as::<Value>()).await.unwrap();
        assert!(
            matches!(end, Err(RecvError::Closed | RecvError::Io(_))),
            "{end:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn further_clients_and_waits_are_limited() {
    let options = ManagerOptions::default()
        .max_connections(2)
        .max_waiting(1)
        .max_values(20);
    let server = Server::with_options(options);
    let jobs = Queue::new(0);
    server.share("jobs", jobs.clone()).unwrap();
    let address = serve(&server).await;
    let (_, created) = once(&address, "create", &tuple(["jobs".into()])).await;
    let ident = created[0].as_str().unwrap().to_owned();
    let mut waiting = accepted(&address).await;
    let get = (Some(&*ident), "get", tuple([]), Value::Dict(vec![]));
    waiting.send_as(&get).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    let mut second = accepted(&address).await;
    let (kind, error) = ask(&mut second, Some(&ident), "get", &tuple([])).await;
    assert_eq!(kind, "#ERROR");
    assert!(error.to_string().contains("RuntimeError"), "{error}");
    for (count, expected) in [(10, "#RETURN"), (20, "#TRACEBACK")] {
        let list = Value::List(vec!["x".into(); count]);
        let (kind, text) = ask(&mut second, Some(&ident), "put", &tuple([list])).await;
        assert_eq!(kind, expected, "{count}: {text}");
    }
    // A third client waits until one of the others goes.
    let nothing = tuple([]);
    let third = once(&address, "dummy", &nothing);
    let mut third = std::pin::pin!(third);
    let waits = timeout(Duration::from_millis(300), &mut third).await;
    assert!(waits.is_err());
    drop(second);
    let (kind, _) = timeout(LONG, third).await.unwrap();
    assert_eq!(kind, "#RETURN");
}

/// Bytes of a value that no socket buffers.
const LARGE: usize = 16 << 20;

/// Serves with a budget of two and a half large values. Returns the id of a list of one.
async fn serve_large(options: ManagerOptions) -> (Address, Budget, String) {
    let budget = Budget::new(LARGE * 5 / 2);
    let server = Server::with_options(options);
    let bound = server.bind("127.0.0.1:0").authkey(KEY).timeout(LONG);
    let bound = bound.budget(budget.clone()).await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    let (_, created) = once(&address, "create", &tuple(["list".into()])).await;
    let ident = created[0].as_str().unwrap().to_owned();
    let mut client = accepted(&address).await;
    append_large(&mut client, &ident).await;
    (address, budget, ident)
}

async fn append_large(client: &mut Client, ident: &str) {
    let value = tuple([Value::Bytes(vec![7; LARGE])]);
    let (kind, text) = ask(client, Some(ident), "append", &value).await;
    assert_eq!(kind, "#RETURN", "{text}");
}

/// Asks for the value of a list, and reads nothing but the length of the reply.
async fn deaf(address: &Address, ident: &str) -> Client {
    let mut client = accepted(address).await;
    let request = (Some(ident), "#GETVALUE", tuple([]), Value::Dict(vec![]));
    client.send_as(&request).await.unwrap();
    let begun = timeout(LONG, client.recv_bytes(1000)).await.unwrap();
    let length = match begun {
        Err(RecvError::Frame(FrameError::TooLarge { length, .. })) => length,
        other => panic!("{other:?}"),
    };
    assert!(length > LARGE as u64, "{length}");
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_that_clients_do_not_read_are_within_the_budget() {
    let (address, budget, ident) = serve_large(ManagerOptions::default()).await;
    let mut client = accepted(&address).await;
    let mut oldest = deaf(&address, &ident).await;
    let _second = deaf(&address, &ident).await;
    assert!(budget.held() > LARGE * 3 / 2, "{}", budget.held());
    // There is no room for a third one, until the oldest has been there for long enough.
    let begin = Instant::now();
    loop {
        let (kind, value) = ask(&mut client, Some(&ident), "#GETVALUE", &tuple([])).await;
        assert!(budget.held() <= budget.bytes());
        if kind == "#RETURN" {
            assert_eq!(value[0].as_bytes().unwrap().len(), LARGE);
            break;
        }
        assert_eq!(kind, "#ERROR");
        assert!(value.to_string().contains("MemoryError"), "{value}");
        assert!(begin.elapsed() < LONG);
    }
    let rest = timeout(LONG, oldest.recv_bytes(2 * LARGE)).await.unwrap();
    assert!(rest.is_err(), "it is evicted");
    // A reply that can never fit is refused, and the connection goes on.
    append_large(&mut client, &ident).await;
    append_large(&mut client, &ident).await;
    let (kind, value) = ask(&mut client, Some(&ident), "#GETVALUE", &tuple([])).await;
    assert_eq!(kind, "#ERROR");
    assert!(value.to_string().contains("MemoryError"), "{value}");
    let (_, length) = ask(&mut client, Some(&ident), "__len__", &tuple([])).await;
    assert_eq!(length, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_its_reply_too_slowly_is_disconnected() {
    let options = ManagerOptions::default().write_timeout(Duration::from_millis(100));
    let (address, budget, ident) = serve_large(options).await;
    let mut client = deaf(&address, &ident).await;
    let begin = Instant::now();
    while budget.held() > 0 {
        assert!(begin.elapsed() < LONG, "{} are held", budget.held());
        sleep(Duration::from_millis(20)).await;
    }
    let rest = timeout(LONG, client.recv_bytes(2 * LARGE)).await.unwrap();
    assert!(rest.is_err(), "only a part of it was sent");
    let mut other = accepted(&address).await;
    let (kind, _) = ask(&mut other, Some(&ident), "__len__", &tuple([])).await;
    assert_eq!(kind, "#RETURN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_the_limit_is_answered_to_every_python() {
    let script = "import sys
from multiprocessing.managers import RemoteError, SyncManager
host, port = sys.argv[1].rsplit(':', 1)
m = SyncManager((host, int(port)), authkey=b'secret'); m.connect()
d = m.dict()
for attempt in range(2):
    for call in lambda: d.update(x=bytes(9 << 20)), lambda: m.list(bytes(9 << 20)):
        try: call()
        except RemoteError as error:
            assert 'ValueError: the message has 94' in str(error), error
            assert 'at most 1048576 are accepted' in str(error), error
        else: raise AssertionError
    d['y'] = bytes(1 << 19)
assert d.keys() == ['y']
";
    for python in versions() {
        let server = Server::new();
        let bound = server.bind("127.0.0.1:0").max_message(1 << 20);
        let bound = bound.authkey(KEY).legacy_md5(true).await.unwrap();
        let address = bound.local_address().to_string();
        let serving = tokio::spawn(bound.serve());
        let mut command = Command::from(python.command_text(script, &[&address]));
        let output = timeout(LONG, command.output()).await.unwrap().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}: {errors}", python.version);
        serving.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_closes_connections_at_the_drain_timeout() {
    let options = ManagerOptions::default().drain_timeout(Duration::from_millis(100));
    let server = Server::with_options(options);
    let bound = server.bind("127.0.0.1:0").authkey(KEY).await.unwrap();
    let address = bound.local_address().clone();
    let stop = StopHandle::new();
    let serving = tokio::spawn(bound.serve_until(stop.stopped()));
    let mut client = accepted(&address).await;
    stop.stop();
    let report = timeout(LONG, serving).await.unwrap().unwrap();
    assert_eq!((report.finished, report.aborted), (0, 1));
    assert!(client.recv_as::<Value>().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_python_works_with_xml() {
    let script = "import sys
from multiprocessing.managers import BaseManager, RemoteError
class Manager(BaseManager): pass
Manager.register('jobs'); Manager.register('Queue')
host, port = sys.argv[1].rsplit(':', 1)
m = Manager((host, int(port)), authkey=b'secret', serializer='xmlrpclib'); m.connect()
values = ['hall\\xe5', None, True, 2.25, {'x': [1, -5]}]
jobs = m.jobs(); jobs.put(values); assert jobs.qsize() == 1 and jobs.get() == values
own = m.Queue(1); own.put(1); assert own.full()
try: own.put_nowait(2)
except RemoteError as error: assert 'queue.Full' in str(error), error
else: raise AssertionError
";
    for python in versions() {
        let server = demo::managers::server().unwrap();
        let address = serve(&server).await.to_string();
        let mut command = Command::from(python.command_text(script, &[&address]));
        let output = timeout(LONG, command.output()).await.unwrap().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}: {errors}", python.version);
    }
}

/// CPython's own tests of these objects. Two fail, since the server runs no code of Python and
/// since iterators have all keys at once.
#[tokio::test(flavor = "multi_thread")]
async fn the_tests_of_cpython_pass() {
    let python = tests::newest_python();
    let server = Server::new();
    let address = serve(&server).await.to_string();
    let mut command = Command::from(python.command("manager_tests.py", &[&address, KEY]));
    let output = timeout(LONG, command.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let summary = text.lines().last().unwrap_or_default();
    assert!(summary.contains(" passed, 2 failed, 4 skipped"), "{text}");
    for known in ["test_dict_iter", "test_action"] {
        assert!(text.lines().any(|line| line.starts_with(known)), "{text}");
    }
}
