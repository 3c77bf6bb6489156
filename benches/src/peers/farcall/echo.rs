//! Messages over plain connections.

use anyhow::{Result, ensure};
use farcall::conn::{Connection, Listener, RecvError, blocking};

use super::{KEY, client_tls, server_tls, with_tls};
use crate::messages::announce;
use crate::peers::{Transport, idle, run_on, runtime};
use crate::task::{Pace, Task};

pub(crate) fn serve(transport: Transport, workers: usize, bytes: usize) -> Result<()> {
    run_on(workers, async move {
        let listener = Listener::bind(transport.address()).authkey(KEY);
        let mut listener = with_tls!(listener, server_tls()?).await?;
        announce(listener.local_address())?;
        loop {
            let connection: Connection = listener.accept().await?;
            tokio::spawn(echo(connection, bytes));
        }
    })
}

async fn echo(mut connection: Connection, bytes: usize) -> Result<()> {
    let mut message = vec![0; bytes];
    loop {
        match connection.recv_bytes_into(&mut message).await {
            Ok(length) => connection.send_bytes(&message[..length]).await?,
            Err(RecvError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

pub(crate) fn load(task: &Task, workers: usize, bytes: usize) -> Result<f64> {
    let task = task.clone();
    run_on(
        workers,
        async move { repeat(&task, bytes, task.pace()).await },
    )
}

/// Measures the echoes of this number of connections, each of which waits for its own.
pub(crate) fn load_many(task: &Task, connections: usize, bytes: usize) -> Result<f64> {
    let task = task.clone();
    run_on(connections.min(2), async move {
        let echoes = task.rate_of(connections, |pace| {
            let task = task.clone();
            tokio::spawn(async move { repeat(&task, bytes, pace).await })
        });
        echoes.await
    })
}

async fn repeat(task: &Task, bytes: usize, mut pace: Pace) -> Result<f64> {
    let client = Connection::connect(task.address()?).authkey(KEY);
    let mut connection: Connection = with_tls!(client, client_tls(task)?).await?;
    let message: Vec<u8> = (0..bytes).map(|i| i as u8).collect();
    let mut reply = vec![0; bytes];
    while pace.should_continue() {
        connection.send_bytes(&message).await?;
        connection.recv_bytes_into(&mut reply).await?;
    }
    ensure!(reply == message, "the echo is another message");
    Ok(pace.rate())
}

pub(crate) fn serve_blocking(transport: Transport, bytes: usize) -> Result<()> {
    let mut listener = Listener::bind(transport.address()).authkey(KEY).wait()?;
    announce(listener.local_address())?;
    let mut message = vec![0; bytes];
    loop {
        let mut connection: blocking::Connection = listener.accept()?;
        while let Ok(length) = connection.recv_bytes_into(&mut message) {
            connection.send_bytes(&message[..length])?;
        }
    }
}

pub(crate) fn load_blocking(task: &Task, bytes: usize) -> Result<f64> {
    let mut connection: blocking::Connection =
        Connection::connect(task.address()?).authkey(KEY).wait()?;
    let message: Vec<u8> = (0..bytes).map(|i| i as u8).collect();
    let mut reply = vec![0; bytes];
    let rate = task.rate(|| {
        connection.send_bytes(&message)?;
        connection.recv_bytes_into(&mut reply)?;
        Ok(())
    })?;
    ensure!(reply == message, "the echo is another message");
    Ok(rate)
}

/// Holds connections that echoed one message.
pub(crate) fn hold(task: &Task, count: usize) -> Result<f64> {
    let runtime = runtime(1)?;
    let tls = client_tls(task)?;
    idle::hold(task, count, |address| {
        runtime.block_on(async {
            let client = Connection::connect(address).authkey(KEY);
            let mut connection: Connection = with_tls!(client, tls.clone()).await?;
            connection.send_bytes(&[1; 64]).await?;
            connection.recv_bytes_into(&mut [0; 64]).await?;
            Ok(connection)
        })
    })
}
