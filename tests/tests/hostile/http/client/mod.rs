//! Hostile servers against both clients: each call completes in time, with a clear error or its own
//! reply, and the next call works as usual.

mod documents;
mod endless;
mod framing;
mod poison;
mod server;

use std::time::{Duration, Instant};

use farcall::CallError;
use farcall::xmlrpc::{ClientOptions, blocking};
use tokio::runtime::{Builder, Runtime};

use self::server::{Answer, Server};

/// A client of either kind, used in a blocking way.
trait Caller {
    fn new(url: &str, options: ClientOptions) -> Self;

    /// Makes a call whose honest result is its argument.
    fn call(&self, method: &str, number: i64) -> Result<i64, CallError>;
}

impl Caller for blocking::Client {
    fn new(url: &str, options: ClientOptions) -> Self {
        Self::with_options(url, options).unwrap()
    }

    fn call(&self, method: &str, number: i64) -> Result<i64, CallError> {
        self.call(method, (number,))
    }
}

/// The async client with an event loop of its own.
struct Async {
    client: farcall::xmlrpc::Client,
    runtime: Runtime,
}

impl Caller for Async {
    fn new(url: &str, options: ClientOptions) -> Self {
        Self {
            client: farcall::xmlrpc::Client::with_options(url, options).unwrap(),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    fn call(&self, method: &str, number: i64) -> Result<i64, CallError> {
        self.runtime.block_on(self.client.call(method, (number,)))
    }
}

/// The timeout of calls that a server does not answer, so that they are lost.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum duration of any call, including its timeout, on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// The behaviour of a server, and the expected outcome of the call.
struct Case {
    name: String,
    answer: Answer,
    expected: &'static str,
}

impl Case {
    /// Sends these bytes, then closes the connection.
    fn closed(name: impl Into<String>, bytes: impl Into<Vec<u8>>, expected: &'static str) -> Self {
        let answer = Answer::Closed(bytes.into());
        Self::new(name, answer, expected)
    }

    /// Sends these bytes, and keeps the connection open.
    fn kept(name: impl Into<String>, bytes: impl Into<Vec<u8>>, expected: &'static str) -> Self {
        let answer = Answer::Kept(bytes.into());
        Self::new(name, answer, expected)
    }

    fn new(name: impl Into<String>, answer: Answer, expected: &'static str) -> Self {
        Self {
            name: name.into(),
            answer,
            expected,
        }
    }

    /// Runs the case against one kind of client. Returns the failure, if any.
    fn run<C: Caller>(&self) -> Result<(), String> {
        let server = Server::start(self.answer.clone());
        // Everything else may take long on a busy machine.
        let timeout = if self.expected == "lost" {
            TIMEOUT
        } else {
            LIMIT
        };
        let client = C::new(&server.url, ClientOptions::default().timeout(Some(timeout)));
        let begin = Instant::now();
        let result = summary(&client.call("attack", 5));
        if result != self.expected {
            return Err(format!("{result:?} instead of {:?}", self.expected));
        }
        let time = begin.elapsed();
        if time > LIMIT {
            return Err(format!("only after {time:?}"));
        }
        for number in 6..8 {
            let next = client.call("honest", number);
            if !matches!(next, Ok(answer) if answer == number) {
                return Err(format!("the call {number} behind it: {next:?}"));
            }
        }
        match server.attacks() {
            1 => Ok(()),
            attacks => Err(format!("the call was sent {attacks} times")),
        }
    }
}

/// Runs the cases on both kinds of clients, all concurrently, as most of the time is spent waiting.
fn assert_harmless(cases: &[Case]) {
    let kinds = [
        (
            "async",
            Case::run::<Async> as fn(&Case) -> Result<(), String>,
        ),
        ("blocking", Case::run::<blocking::Client>),
    ];
    let failures: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = cases
            .iter()
            .flat_map(|case| kinds.map(|(kind, run)| (case, kind, run)))
            .map(|(case, kind, run)| (case, kind, scope.spawn(move || run(case))))
            .collect();
        let ended = running
            .into_iter()
            .map(|(case, kind, run)| (case, kind, run.join().unwrap()));
        let failed = ended.filter_map(|(case, kind, result)| Some((case, kind, result.err()?)));
        failed
            .map(|(case, kind, failure)| format!("{}, {kind}: {failure}", case.name))
            .collect()
    });
    println!("{} hostile cases for each client", cases.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Summarises the outcome of a call.
fn summary(result: &Result<i64, CallError>) -> String {
    match result {
        Ok(number) => number.to_string(),
        Err(CallError::NotSent(_)) => "not sent".to_owned(),
        Err(CallError::Lost(_)) => "lost".to_owned(),
        Err(CallError::Refused(_)) => "refused".to_owned(),
        Err(CallError::NotAReply(_)) => "not a reply".to_owned(),
        Err(CallError::Fault(fault)) => format!("fault {}", fault.code()),
        Err(CallError::Decode(_)) => "misfit".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

/// Returns the document of a reply with a number.
fn reply(number: i64) -> String {
    format!(
        "<?xml version=\"1.0\"?><methodResponse><params><param><value><int>{number}</int></value></param></params>\
         </methodResponse>"
    )
}

/// Returns a response with these header lines, correct or not.
fn with_headers(headers: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Vec<u8> {
    let start = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n";
    [start, headers.as_ref(), b"\r\n\r\n", body.as_ref()].concat()
}

/// Returns a response with this status and a correct length.
fn answer(status: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
