//! The victim as a client: it goes where it is sent, and tells what came of that.

use std::error::Error;
use std::time::Duration;

use conn::codec::pickle;
use conn::rpc::{Encoding, Remote, Stream};
use conn::{Connection, MessagePack, Pickle};
use rpc_core::{Caller as _, Value, service};

use super::KEY;
use super::objects::CounterApi;

/// How long the victim waits for what a server owes it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Has the victim connect to a port of this machine. Each method tells whether it got what it went for, and
/// that as text, or all that the error says.
#[derive(Debug)]
pub struct Visits;

#[service]
impl Visits {
    /// Receives one pickle.
    pub async fn pickle(&self, port: u16) -> (bool, String) {
        told(receive::<Pickle, pickle::Value>(port).await)
    }

    /// Receives one value in MessagePack.
    pub async fn message_pack(&self, port: u16) -> (bool, String) {
        told(receive::<MessagePack, Value>(port).await)
    }

    /// Receives one pickle, in a thread that blocks.
    pub async fn blocking(&self, port: u16) -> (bool, String) {
        let receive = move || -> Result<_, Box<dyn Error + Send + Sync>> {
            let client = conn::Client::connect(("127.0.0.1", port)).authkey(KEY);
            let mut connection: conn::blocking::Connection<(), pickle::Value, Pickle> =
                client.timeout(PATIENCE).wait()?;
            connection.set_read_timeout(Some(PATIENCE))?;
            Ok(connection.recv()?)
        };
        let received = tokio::task::spawn_blocking(receive).await;
        told(received.unwrap_or_else(|panic| Err(panic.into())))
    }

    /// Makes a call whose result is a number.
    pub async fn call(&self, port: u16) -> (bool, String) {
        told(call(port).await)
    }

    /// Makes a call whose result is any value.
    pub async fn value(&self, port: u16) -> (bool, String) {
        told(value(port).await)
    }

    /// Makes a call that returns an object, and one on that.
    pub async fn object(&self, port: u16) -> (bool, String) {
        told(object(port).await)
    }

    /// Makes a call that returns a stream, and reads that to its end.
    pub async fn stream(&self, port: u16) -> (bool, String) {
        told(stream(port).await)
    }

    /// Makes a call that takes a stream.
    pub async fn upload(&self, port: u16) -> (bool, String) {
        told(upload(port).await)
    }
}

type Failure = Box<dyn Error + Send + Sync>;

async fn receive<C, R>(port: u16) -> Result<R, Failure>
where
    C: conn::Codec,
    R: serde::de::DeserializeOwned + 'static,
{
    let client = conn::Client::connect(("127.0.0.1", port)).authkey(KEY);
    let mut connection: Connection<(), R, C> = client.timeout(PATIENCE).await?;
    Ok(tokio::time::timeout(PATIENCE, connection.recv()).await??)
}

/// A client whose calls do not wait for ever.
async fn client(port: u16, encoding: Encoding) -> Result<conn::rpc::Client, Failure> {
    let client = conn::rpc::Client::connect(("127.0.0.1", port)).authkey(KEY);
    Ok(client.timeout(PATIENCE).encoding(encoding).await?)
}

async fn call(port: u16) -> Result<i64, Failure> {
    let client = client(port, Encoding::Bincode).await?;
    Ok(client.within(PATIENCE).call("add", (3, 5)).await?)
}

async fn value(port: u16) -> Result<Value, Failure> {
    let client = client(port, Encoding::MessagePack).await?;
    Ok(client.within(PATIENCE).call("anything", ()).await?)
}

async fn object(port: u16) -> Result<i64, Failure> {
    let client = client(port, Encoding::Bincode).await?;
    let counter: Remote<dyn CounterApi> = client.within(PATIENCE).call("counter", ()).await?;
    Ok(counter.within(PATIENCE).add(1).await?)
}

async fn stream(port: u16) -> Result<u64, Failure> {
    let client = client(port, Encoding::Bincode).await?;
    let mut numbers: Stream<u64> = client.within(PATIENCE).call("numbers", ()).await?;
    let mut sum: u64 = 0;
    while let Some(number) = tokio::time::timeout(PATIENCE, numbers.next()).await? {
        sum = sum.wrapping_add(number?);
    }
    Ok(sum)
}

async fn upload(port: u16) -> Result<u64, Failure> {
    let client = client(port, Encoding::Bincode).await?;
    let endless = futures_util::stream::iter((0..).map(Ok));
    let numbers: Stream<u64> = Stream::new(endless);
    Ok(client.within(PATIENCE).call("sum", (numbers,)).await?)
}

/// Whether something came, and that, cut short, or the error with its causes.
fn told<T: std::fmt::Debug>(result: Result<T, Failure>) -> (bool, String) {
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
