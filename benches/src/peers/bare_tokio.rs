//! The limit of async code: bare sockets of tokio.

use anyhow::{Result, ensure};
use farcall::transport::Address;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::{Transport, run_on};
use crate::messages::announce;
use crate::task::Task;
use crate::tls::{self, Certificate};

/// A byte stream of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// A function of a stream of any type.
pub(crate) trait Use: Clone + Send + 'static {
    type Output: Send + 'static;

    fn on(self, stream: impl Stream) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// Serves every connection in a task of its own.
pub(crate) fn serve(transport: Transport, workers: usize, service: impl Use) -> Result<()> {
    run_on(workers, async move {
        match transport.address() {
            Address::Unix(path) => {
                let listener = UnixListener::bind(&path)?;
                announce(&Address::Unix(path))?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    tokio::spawn(service.clone().on(stream));
                }
            }
            address => {
                let listener = TcpListener::bind(address.to_string()).await?;
                let tls = match Certificate::of_part() {
                    Some(certificate) => Some(certificate.acceptor(None)?),
                    None => None,
                };
                announce(&Address::Tcp(listener.local_addr()?))?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    let service = service.clone();
                    match tls.clone() {
                        Some(tls) => {
                            tokio::spawn(async move { service.on(tls.accept(stream).await?).await })
                        }
                        None => tokio::spawn(service.on(stream)),
                    };
                }
            }
        }
    })
}

/// Opens a connection.
pub(crate) fn connect<U: Use>(task: &Task, workers: usize, client: U) -> Result<U::Output> {
    let address = task.address()?.clone();
    let certificate = task.certificate.clone();
    run_on(workers, async move {
        match address {
            Address::Unix(path) => client.on(UnixStream::connect(path).await?).await,
            address => {
                let stream = TcpStream::connect(address.to_string()).await?;
                stream.set_nodelay(true)?;
                let Some(certificate) = certificate else {
                    return client.on(stream).await;
                };
                let tls = certificate.connector(None)?;
                client
                    .on(tls.connect(tls::server_name(), stream).await?)
                    .await
            }
        }
    })
}

/// Echoes messages of this number of bytes.
#[derive(Clone)]
struct Echo(usize);

impl Use for Echo {
    type Output = ();

    async fn on(self, mut stream: impl Stream) -> Result<()> {
        let mut message = vec![0; self.0];
        while stream.read_exact(&mut message).await.is_ok() {
            stream.write_all(&message).await?;
            stream.flush().await?;
        }
        Ok(())
    }
}

pub(crate) fn serve_echo(transport: Transport, workers: usize, bytes: usize) -> Result<()> {
    serve(transport, workers, Echo(bytes))
}

#[derive(Clone)]
struct EchoLoad(Task, usize);

impl Use for EchoLoad {
    type Output = f64;

    async fn on(self, mut stream: impl Stream) -> Result<f64> {
        let Self(task, bytes) = self;
        let message: Vec<u8> = (0..bytes).map(|i| i as u8).collect();
        let mut reply = vec![0; bytes];
        let mut pace = task.pace();
        while pace.should_continue() {
            stream.write_all(&message).await?;
            stream.flush().await?;
            stream.read_exact(&mut reply).await?;
        }
        ensure!(reply == message, "the echo is another message");
        Ok(pace.rate())
    }
}

pub(crate) fn load_echo(task: &Task, workers: usize, bytes: usize) -> Result<f64> {
    connect(task, workers, EchoLoad(task.clone(), bytes))
}

/// Reads messages of one size into an existing buffer, and acknowledges each with a byte.
#[derive(Clone)]
struct Bulk(usize);

impl Use for Bulk {
    type Output = ();

    async fn on(self, mut stream: impl Stream) -> Result<()> {
        let mut message = vec![0; self.0];
        while stream.read_exact(&mut message).await.is_ok() {
            stream.write_all(&[1]).await?;
            stream.flush().await?;
        }
        Ok(())
    }
}

pub(crate) fn serve_bulk(transport: Transport, size: usize) -> Result<()> {
    serve(transport, 1, Bulk(size))
}

#[derive(Clone)]
struct BulkLoad(Task, usize);

impl Use for BulkLoad {
    type Output = f64;

    async fn on(self, mut stream: impl Stream) -> Result<f64> {
        let Self(task, size) = self;
        let message = vec![1; size];
        let mut pace = task.pace();
        while pace.should_continue() {
            stream.write_all(&message).await?;
            stream.flush().await?;
            stream.read_exact(&mut [0]).await?;
        }
        Ok(pace.rate())
    }
}

pub(crate) fn load_bulk(task: &Task, size: usize) -> Result<f64> {
    connect(task, 1, BulkLoad(task.clone(), size))
}
