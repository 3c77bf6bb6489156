//! A manager, and a client that sends anything: every reply is one of the protocol, memory is
//! bounded, and no object is left when the client has gone.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use farcall::conn::managers::{ManagerOptions, Proxied, Queue, Server};
use farcall::conn::{Connection, Listener};
use farcall::pickle::{Class, Object, Pickle, Value};
use farcall::service;
use farcall::transport::memory::{self, MemoryConnector};
use fuzz::memory::bounded;
use fuzz::methods;
use libfuzzer_sys::fuzz_target;
use tokio::time::{sleep, timeout};

const TYPEIDS: &[&str] = &[
    "Queue",
    "LifoQueue",
    "PriorityQueue",
    "dict",
    "list",
    "set",
    "Namespace",
    "Value",
    "Array",
    "Lock",
    "RLock",
    "Semaphore",
    "BoundedSemaphore",
    "Event",
    "Condition",
    "Barrier",
    "Counter",
    "Pool",
    "jobs",
];

const METHODS: &[&str] = &[
    "__add__",
    "__contains__",
    "__delattr__",
    "__delitem__",
    "__getattribute__",
    "__getitem__",
    "__iadd__",
    "__imul__",
    "__ior__",
    "__iter__",
    "__len__",
    "__mul__",
    "__next__",
    "__or__",
    "__repr__",
    "__reversed__",
    "__ror__",
    "__setattr__",
    "__setitem__",
    "#GETVALUE",
    "abort",
    "acquire",
    "add",
    "append",
    "apply",
    "apply_async",
    "child",
    "clear",
    "close",
    "copy",
    "count",
    "discard",
    "empty",
    "extend",
    "full",
    "get",
    "get_nowait",
    "imap",
    "imap_unordered",
    "increment",
    "index",
    "insert",
    "is_set",
    "items",
    "join",
    "keys",
    "map",
    "map_async",
    "notify",
    "notify_all",
    "pop",
    "popitem",
    "put",
    "put_nowait",
    "qsize",
    "ready",
    "release",
    "remove",
    "reset",
    "reverse",
    "send",
    "set",
    "setdefault",
    "shutdown",
    "sort",
    "starmap",
    "successful",
    "task_done",
    "terminate",
    "union",
    "update",
    "values",
    "wait",
];

const FUNCTIONS: &[&str] = &[
    "dummy",
    "incref",
    "decref",
    "get_methods",
    "debug_info",
    "number_of_objects",
    "shutdown",
    "accept_connection",
    "nothing",
];

#[derive(Arbitrary, Debug)]
enum Argument<'a> {
    None,
    Bool(bool),
    Number(i64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    List(Vec<Self>),
    Tuple(Vec<Self>),
    Dict(Vec<(Self, Self)>),
    Slice(Option<i8>, Option<i8>, Option<i8>),
    Range(i64, i64, i64),
    /// A proxy of an object.
    Proxy(u8),
    /// A function, by the name of a method.
    Function(u8),
}

#[derive(Arbitrary, Debug)]
enum Act<'a> {
    Create(u8, Vec<Argument<'a>>),
    Call {
        object: u8,
        method: u8,
        args: Vec<Argument<'a>>,
        kwargs: Vec<(&'a str, Argument<'a>)>,
    },
    Function(u8, Option<u8>, Vec<Argument<'a>>),
    /// A message on the connection for calls.
    Bytes(&'a [u8]),
    /// Another connection.
    Reconnect,
    Wait(u16),
}

struct Counter;

#[service]
impl Counter {
    pub fn increment(&self, by: i64) -> i64 {
        by.wrapping_add(1)
    }

    pub fn child(&self) -> Proxied {
        Proxied::new("Counter", Self)
    }
}

type Client = Connection<(), (), Pickle>;

struct Hostile {
    connector: MemoryConnector,
    accepted: Client,
    /// The ids of the objects that it knows.
    objects: Vec<String>,
}

fn named(names: &'static [&'static str], index: u8) -> &'static str {
    names[usize::from(index) % names.len()]
}

async fn connect(connector: &MemoryConnector) -> Client {
    let connecting = Connection::over(connector.clone());
    connecting.await.expect("it listens")
}

impl Hostile {
    async fn new(connector: MemoryConnector) -> Self {
        let mut accepted = connect(&connector).await;
        let none = Value::Dict(Vec::new());
        let accept = (Value::None, "accept_connection", ("fuzz",), none);
        send(&mut accepted, &accept.into()).await;
        receive(&mut accepted).await;
        Self {
            connector,
            accepted,
            objects: Vec::new(),
        }
    }

    fn object(&self, index: u8) -> &str {
        match self.objects.len() {
            0 => "0",
            known => &self.objects[usize::from(index) % known],
        }
    }

    fn value(&self, argument: &Argument<'_>) -> Value {
        let all = |values: &[Argument<'_>]| values.iter().map(|value| self.value(value)).collect();
        match argument {
            Argument::None => Value::None,
            Argument::Bool(truth) => (*truth).into(),
            Argument::Number(number) => (*number).into(),
            Argument::Float(number) => (*number).into(),
            Argument::Text(text) => (*text).into(),
            Argument::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Argument::List(values) => Value::List(all(values)),
            Argument::Tuple(values) => Value::Tuple(all(values)),
            Argument::Dict(entries) => Value::Dict(
                entries
                    .iter()
                    .map(|(key, value)| (self.value(key), self.value(value)))
                    .collect(),
            ),
            Argument::Slice(start, stop, step) => {
                let bound = |bound: &Option<i8>| Value::from(bound.map(i64::from));
                let bounds = [bound(start), bound(stop), bound(step)];
                Object::call("slice").with_args(bounds).into()
            }
            Argument::Range(start, stop, step) => {
                let bounds = [*start, *stop, *step].map(Value::from);
                Object::call("range").with_args(bounds).into()
            }
            Argument::Proxy(object) => {
                let class = |name| Class::new("multiprocessing.managers", name);
                let state = ("Queue", ("127.0.0.1", 1), self.object(*object));
                let token = Object::new(class("Token")).with_state(state);
                Object::call(class("RebuildProxy"))
                    .with_args([
                        Value::Class(class("AutoProxy")),
                        token.into(),
                        "pickle".into(),
                        Value::Dict(Vec::new()),
                    ])
                    .into()
            }
            Argument::Function(method) => Value::Class(Class::new("app", named(METHODS, *method))),
        }
    }

    fn args(&self, args: &[Argument<'_>]) -> Value {
        Value::Tuple(args.iter().map(|argument| self.value(argument)).collect())
    }

    async fn once(&mut self, function: &str, args: Value) {
        let mut client = connect(&self.connector).await;
        let request = Value::Tuple(vec![
            Value::None,
            function.into(),
            args,
            Value::Dict(Vec::new()),
        ]);
        send(&mut client, &request).await;
        if let Some(created) = receive(&mut client).await
            && let Some(ident) = created[0].as_str()
        {
            self.objects.push(ident.to_owned());
        }
    }

    async fn act(&mut self, act: &Act<'_>) {
        match act {
            Act::Create(typeid, args) => {
                let mut all = vec![named(TYPEIDS, *typeid).into()];
                all.extend(args.iter().map(|argument| self.value(argument)));
                self.once("create", Value::Tuple(all)).await;
            }
            Act::Function(function, object, args) => {
                let object = object.map(|object| Value::Tuple(vec![self.object(object).into()]));
                let args = object.unwrap_or_else(|| self.args(args));
                self.once(named(FUNCTIONS, *function), args).await;
            }
            Act::Call {
                object,
                method,
                args,
                kwargs,
            } => {
                let kwargs = kwargs.iter();
                let kwargs = kwargs.map(|(name, value)| ((*name).into(), self.value(value)));
                let request = Value::Tuple(vec![
                    self.object(*object).into(),
                    named(METHODS, *method).into(),
                    self.args(args),
                    Value::Dict(kwargs.collect()),
                ]);
                send(&mut self.accepted, &request).await;
                let result = receive(&mut self.accepted).await;
                // The token of a new object.
                let state = result
                    .as_ref()
                    .and_then(|proxy| proxy[1].as_object()?.state());
                self.objects
                    .extend(state.and_then(|state| Some(state[2].as_str()?.to_owned())));
            }
            Act::Bytes(bytes) => {
                let _ = self.accepted.send_bytes(bytes).await;
                receive(&mut self.accepted).await;
            }
            Act::Reconnect => {
                let objects = std::mem::take(&mut self.objects);
                *self = Self::new(self.connector.clone()).await;
                self.objects = objects;
            }
            Act::Wait(millis) => sleep(Duration::from_millis((*millis).into())).await,
        }
    }
}

async fn send(client: &mut Client, request: &Value) {
    if let Ok(message) = Pickle::default().to_vec(request) {
        // The server may have closed the connection.
        let _ = client.send_bytes(&message).await;
    }
}

/// Returns the result of a reply, if one comes.
async fn receive(client: &mut Client) -> Option<Value> {
    let message = timeout(Duration::from_millis(100), client.recv_bytes(1 << 24)).await;
    let message = message.ok()?.ok()?;
    // The reply to a request in the other serializer.
    if message.starts_with(b"<") {
        let document = str::from_utf8(&message).expect("a reply is UTF-8");
        assert!(document.contains("<params>"), "{document}");
        return None;
    }
    let reply: Value = Pickle::default()
        .max_depth(255)
        .decode(&message)
        .expect("a reply is a pickle");
    let kind = reply[0].as_str().expect("a reply has a kind");
    assert!(
        [
            "#RETURN",
            "#ERROR",
            "#TRACEBACK",
            "#PROXY",
            "#UNSERIALIZABLE"
        ]
        .contains(&kind),
        "{kind}"
    );
    Some(reply[1].clone())
}

async fn run(acts: &[Act<'_>]) {
    let options = ManagerOptions::default()
        .max_objects(100)
        .max_value_bytes(1 << 20)
        .max_values(10_000)
        .max_waiting(10)
        .linger(Duration::from_secs(1))
        .reference_grace(Some(Duration::from_secs(5)));
    let server = Server::with_options(options);
    server
        .register("Counter", || Counter)
        .share("jobs", Queue::new(0))
        .and_then(|server| server.register_pool("Pool", Counter))
        .expect("the server is new");
    let (listening, connector) = memory::listener("fuzz");
    let bound = server
        .listen(Listener::over(listening).max_message(64 << 10))
        .await
        .expect("a listener over memory always works");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve_until(async { drop(stopped.await) }));
    let mut client = Hostile::new(connector).await;
    for act in acts.iter().take(64) {
        client.act(act).await;
    }
    drop(client);
    sleep(Duration::from_secs(20)).await;
    assert_eq!(server.objects(), 0, "an object was left");
    drop(stop);
    let stopped = timeout(Duration::from_secs(60), serving).await;
    let stopped = stopped.expect("the server stops");
    let stopped = stopped.expect("it does not panic");
    assert_eq!(stopped.aborted, 0, "a connection was left");
}

fuzz_target!(|acts: Vec<Act<'_>>| {
    let runtime = methods::runtime();
    // Values take up to a MiB pickled, and each decoded copy some times as much.
    bounded(0, 0, 64 << 20, || runtime.block_on(run(&acts)));
});
