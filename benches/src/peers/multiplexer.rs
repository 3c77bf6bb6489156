//! The limit of concurrent calls over one connection: a hand-written multiplexer on tokio with one
//! method.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::bare_tokio::{Stream, Use, serve};
use super::{Transport, run_on};
use crate::task::Task;
use crate::tls;

/// Bytes of a message: the number of a call, and its two arguments or its result and 0.
const MESSAGE: usize = 24;

/// Maximum number of queued messages before callers wait.
const QUEUE: usize = 64;

/// Answers all requests of one read with one write.
#[derive(Clone)]
struct Adder;

impl Use for Adder {
    type Output = ();

    async fn on(self, mut stream: impl Stream) -> Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let mut filled = 0;
        let mut replies = Vec::new();
        loop {
            match stream.read(&mut buffer[filled..]).await? {
                0 => return Ok(()),
                read => filled += read,
            }
            let (requests, rest) = buffer[..filled].as_chunks::<MESSAGE>();
            for request in requests {
                let [id, a, b] = numbers(request);
                replies.extend_from_slice(&message([id, a + b, 0]));
            }
            let (done, left) = (filled - rest.len(), rest.len());
            buffer.copy_within(done..filled, 0);
            filled = left;
            stream.write_all(&replies).await?;
            stream.flush().await?;
            replies.clear();
        }
    }
}

/// The pending calls by number.
#[derive(Default)]
struct Calls {
    last: i64,
    waiting: HashMap<i64, oneshot::Sender<i64>>,
}

#[derive(Clone)]
struct Client {
    calls: Arc<Mutex<Calls>>,
    queue: mpsc::Sender<[u8; MESSAGE]>,
}

impl Client {
    fn over(
        mut reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        let (queue, queued) = mpsc::channel(QUEUE);
        let calls = Arc::new(Mutex::new(Calls::default()));
        tokio::spawn(write(writer, queued));
        let pending = Arc::clone(&calls);
        tokio::spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            let mut filled = 0;
            while let Ok(read @ 1..) = reader.read(&mut buffer[filled..]).await {
                filled += read;
                let (replies, rest) = buffer[..filled].as_chunks::<MESSAGE>();
                for reply in replies {
                    let [id, result, _] = numbers(reply);
                    let waiting = lock(&pending).waiting.remove(&id);
                    if let Some(waiting) = waiting {
                        let _ = waiting.send(result);
                    }
                }
                let (done, left) = (filled - rest.len(), rest.len());
                buffer.copy_within(done..filled, 0);
                filled = left;
            }
        });
        Self { calls, queue }
    }

    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        let (sender, result) = oneshot::channel();
        let id = {
            let mut calls = lock(&self.calls);
            calls.last += 1;
            let id = calls.last;
            calls.waiting.insert(id, sender);
            id
        };
        self.queue.send(message([id, a, b])).await?;
        result.await.context("the connection is closed")
    }
}

/// Writes all queued messages at once.
async fn write(mut writer: impl AsyncWrite + Unpin, mut queued: mpsc::Receiver<[u8; MESSAGE]>) {
    let mut messages = Vec::with_capacity(QUEUE);
    while queued.recv_many(&mut messages, QUEUE).await > 0 {
        let written = writer.write_all(messages.as_flattened()).await;
        if written.is_err() || writer.flush().await.is_err() {
            return;
        }
        messages.clear();
    }
}

pub(crate) fn serve_add(workers: usize) -> Result<()> {
    serve(Transport::Tcp, workers, Adder)
}

pub(crate) fn load_add(task: &Task, workers: usize, in_flight: usize) -> Result<f64> {
    let task = task.clone();
    run_on(workers, async move {
        let stream = TcpStream::connect(task.address()?.to_string()).await?;
        stream.set_nodelay(true)?;
        let client = match &task.certificate {
            Some(certificate) => {
                let tls = certificate.connector(None)?;
                let (reader, writer) = split(tls.connect(tls::server_name(), stream).await?);
                Client::over(reader, writer)
            }
            None => {
                let (reader, writer) = stream.into_split();
                Client::over(reader, writer)
            }
        };
        ensure!(client.add(3, 5).await? == 8);
        task.rate_of(in_flight, |mut pace| {
            let client = client.clone();
            tokio::spawn(async move {
                while pace.should_continue() {
                    client.add(3, 5).await?;
                }
                Ok(pace.rate())
            })
        })
        .await
    })
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

fn numbers(message: &[u8; MESSAGE]) -> [i64; 3] {
    let (numbers, _) = message.as_chunks::<8>();
    std::array::from_fn(|i| i64::from_le_bytes(numbers[i]))
}

fn message(numbers: [i64; 3]) -> [u8; MESSAGE] {
    let mut message = [0; MESSAGE];
    for (bytes, number) in message.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
        *bytes = number.to_le_bytes();
    }
    message
}
