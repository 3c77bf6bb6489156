//! The victim as a client: it connects where a test tells it to, and reports the result.

use std::error::Error;
use std::time::Duration;

use farcall::conn::{Connection, MessagePack};
use farcall::pickle::{self, Pickle};
use farcall::rpc::{Client, Encoding, Remote, Stream};
use farcall::{Caller as _, Value, service};
use tokio::time::timeout;

use super::KEY;
use super::objects::CounterApi;

/// A port of this machine, and the victim's timeouts in milliseconds: for the connection, and for
/// each reply.
type Visit = (u16, u64, u64);

/// Makes the victim connect to a port of this machine. Each method returns whether it succeeded,
/// and the result as text or the error with its causes.
#[derive(Debug)]
pub struct Visits;

#[service]
impl Visits {
    /// Receives one pickled value.
    pub async fn pickle(&self, visit: Visit) -> (bool, String) {
        describe(receive::<Pickle, pickle::Value>(visit).await)
    }

    /// Receives one MessagePack value.
    pub async fn message_pack(&self, visit: Visit) -> (bool, String) {
        describe(receive::<MessagePack, Value>(visit).await)
    }

    /// Receives one pickled value with the blocking API.
    pub async fn blocking(&self, visit: Visit) -> (bool, String) {
        let receive = move || -> Result<_, Box<dyn Error + Send + Sync>> {
            let (port, connect, reply) = unpacked(visit);
            let client = Connection::connect(("127.0.0.1", port)).authkey(KEY);
            let mut connection: farcall::conn::blocking::Connection<(), pickle::Value, Pickle> =
                client.timeout(connect).wait()?;
            connection.set_read_timeout(Some(reply))?;
            Ok(connection.recv()?)
        };
        let received = tokio::task::spawn_blocking(receive).await;
        describe(received.unwrap_or_else(|panic| Err(panic.into())))
    }

    /// Makes a call whose result is a number.
    pub async fn call(&self, visit: Visit) -> (bool, String) {
        describe(call(visit).await)
    }

    /// Makes a call whose result is any value.
    pub async fn value(&self, visit: Visit) -> (bool, String) {
        describe(value(visit).await)
    }

    /// Makes a call that returns an object, and a call on that object.
    pub async fn object(&self, visit: Visit) -> (bool, String) {
        describe(object(visit).await)
    }

    /// Makes a call that returns a stream, and reads the stream to its end.
    pub async fn stream(&self, visit: Visit) -> (bool, String) {
        describe(stream(visit).await)
    }

    /// Makes a call that takes a stream.
    pub async fn upload(&self, visit: Visit) -> (bool, String) {
        describe(upload(visit).await)
    }
}

type Failure = Box<dyn Error + Send + Sync>;

const fn unpacked((port, connect, reply): Visit) -> (u16, Duration, Duration) {
    let (connect, reply) = (Duration::from_millis(connect), Duration::from_millis(reply));
    (port, connect, reply)
}

async fn receive<C, R>(visit: Visit) -> Result<R, Failure>
where
    C: farcall::conn::Codec,
    R: serde::de::DeserializeOwned + 'static,
{
    let (port, connect, reply) = unpacked(visit);
    let client = Connection::connect(("127.0.0.1", port)).authkey(KEY);
    let mut connection: Connection<(), R, C> = client.timeout(connect).await?;
    Ok(timeout(reply, connection.recv()).await??)
}

/// Connects a client. Also returns the timeout of its replies.
async fn client(visit: Visit, encoding: Encoding) -> Result<(Client, Duration), Failure> {
    let (port, connect, reply) = unpacked(visit);
    let client = Client::connect(("127.0.0.1", port)).authkey(KEY);
    Ok((client.timeout(connect).encoding(encoding).await?, reply))
}

async fn call(visit: Visit) -> Result<i64, Failure> {
    let (client, reply) = client(visit, Encoding::Bincode).await?;
    Ok(client.within(reply).call("add", (3, 5)).await?)
}

async fn value(visit: Visit) -> Result<Value, Failure> {
    let (client, reply) = client(visit, Encoding::MessagePack).await?;
    Ok(client.within(reply).call("anything", ()).await?)
}

async fn object(visit: Visit) -> Result<i64, Failure> {
    let (client, reply) = client(visit, Encoding::Bincode).await?;
    let counter: Remote<dyn CounterApi> = client.within(reply).call("counter", ()).await?;
    Ok(counter.within(reply).add(1).await?)
}

async fn stream(visit: Visit) -> Result<u64, Failure> {
    let (client, reply) = client(visit, Encoding::Bincode).await?;
    let mut numbers: Stream<u64> = client.within(reply).call("numbers", ()).await?;
    let mut sum: u64 = 0;
    while let Some(number) = timeout(reply, numbers.next()).await? {
        sum = sum.wrapping_add(number?);
    }
    Ok(sum)
}

async fn upload(visit: Visit) -> Result<u64, Failure> {
    let (client, reply) = client(visit, Encoding::Bincode).await?;
    let endless = futures_util::stream::iter((0..).map(Ok));
    let numbers: Stream<u64> = Stream::new(endless);
    Ok(client.within(reply).call("sum", (numbers,)).await?)
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
