//! The victim as a client: it connects where a test tells it to, and reports the result.

use std::error::Error;
use std::time::Duration;

use farcall::conn::{Connection, MessagePack};
use farcall::pickle::{self, Pickle};
use farcall::rpc::{Encoding, Remote, Stream};
use farcall::{Caller as _, Value, service};

use super::KEY;
use super::objects::CounterApi;

/// The victim's timeout for replies of a server.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Makes the victim connect to a port of this machine. Each method returns whether it succeeded,
/// and the result as text or the error with its causes.
#[derive(Debug)]
pub struct Visits;

#[service]
impl Visits {
    /// Receives one pickled value.
    pub async fn pickle(&self, port: u16) -> (bool, String) {
        describe(receive::<Pickle, pickle::Value>(port).await)
    }

    /// Receives one MessagePack value.
    pub async fn message_pack(&self, port: u16) -> (bool, String) {
        describe(receive::<MessagePack, Value>(port).await)
    }

    /// Receives one pickled value with the blocking API.
    pub async fn blocking(&self, port: u16) -> (bool, String) {
        let receive = move || -> Result<_, Box<dyn Error + Send + Sync>> {
            let client = Connection::connect(("127.0.0.1", port)).authkey(KEY);
            let mut connection: farcall::conn::blocking::Connection<(), pickle::Value, Pickle> =
                client.timeout(TIMEOUT).wait()?;
            connection.set_read_timeout(Some(TIMEOUT))?;
            Ok(connection.recv()?)
        };
        let received = tokio::task::spawn_blocking(receive).await;
        describe(received.unwrap_or_else(|panic| Err(panic.into())))
    }

    /// Makes a call whose result is a number.
    pub async fn call(&self, port: u16) -> (bool, String) {
        describe(call(port).await)
    }

    /// Makes a call whose result is any value.
    pub async fn value(&self, port: u16) -> (bool, String) {
        describe(value(port).await)
    }

    /// Makes a call that returns an object, and a call on that object.
    pub async fn object(&self, port: u16) -> (bool, String) {
        describe(object(port).await)
    }

    /// Makes a call that returns a stream, and reads the stream to its end.
    pub async fn stream(&self, port: u16) -> (bool, String) {
        describe(stream(port).await)
    }

    /// Makes a call that takes a stream.
    pub async fn upload(&self, port: u16) -> (bool, String) {
        describe(upload(port).await)
    }
}

type Failure = Box<dyn Error + Send + Sync>;

async fn receive<C, R>(port: u16) -> Result<R, Failure>
where
    C: farcall::conn::Codec,
    R: serde::de::DeserializeOwned + 'static,
{
    let client = Connection::connect(("127.0.0.1", port)).authkey(KEY);
    let mut connection: Connection<(), R, C> = client.timeout(TIMEOUT).await?;
    Ok(tokio::time::timeout(TIMEOUT, connection.recv()).await??)
}

/// Connects a client whose calls have a timeout.
async fn client(port: u16, encoding: Encoding) -> Result<farcall::rpc::Client, Failure> {
    let client = farcall::rpc::Client::connect(("127.0.0.1", port)).authkey(KEY);
    Ok(client.timeout(TIMEOUT).encoding(encoding).await?)
}

async fn call(port: u16) -> Result<i64, Failure> {
    let client = client(port, Encoding::Bincode).await?;
    Ok(client.within(TIMEOUT).call("add", (3, 5)).await?)
}

async fn value(port: u16) -> Result<Value, Failure> {
    let client = client(port, Encoding::MessagePack).await?;
    Ok(client.within(TIMEOUT).call("anything", ()).await?)
}

async fn object(port: u16) -> Result<i64, Failure> {
    let client = client(port, Encoding::Bincode).await?;
    let counter: Remote<dyn CounterApi> = client.within(TIMEOUT).call("counter", ()).await?;
    Ok(counter.within(TIMEOUT).add(1).await?)
}

async fn stream(port: u16) -> Result<u64, Failure> {
    let client = client(port, Encoding::Bincode).await?;
    let mut numbers: Stream<u64> = client.within(TIMEOUT).call("numbers", ()).await?;
    let mut sum: u64 = 0;
    while let Some(number) = tokio::time::timeout(TIMEOUT, numbers.next()).await? {
        sum = sum.wrapping_add(number?);
    }
    Ok(sum)
}

async fn upload(port: u16) -> Result<u64, Failure> {
    let client = client(port, Encoding::Bincode).await?;
    let endless = futures_util::stream::iter((0..).map(Ok));
    let numbers: Stream<u64> = Stream::new(endless);
    Ok(client.within(TIMEOUT).call("sum", (numbers,)).await?)
}

/// Returns whether the result is `Ok`, and its excerpt or the error with its causes.
fn describe<T: std::fmt::Debug>(result: Result<T, Failure>) -> (bool, String) {
    match result {
        Ok(value) => (true, format!("{value:?}").chars().take(1000).collect()),
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text += &format!(": {error}");
                cause = error.source();
            }
            (false, text)
        }
    }
}
