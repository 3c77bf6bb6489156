//! Large messages over plain connections, each acknowledged by one byte.

use anyhow::{Result, ensure};
use farcall::conn::{Connection, Listener, RecvError, blocking};

use super::{KEY, client_tls, server_tls, with_tls};
use crate::messages::announce;
use crate::peers::{Transport, run_on, runtime};
use crate::task::Task;

/// Serves one client after the other, since each would have a buffer of its own.
async fn serve<S: 'static, R: 'static>(
    transport: Transport,
    max_message: usize,
    mut service: impl AsyncFnMut(Connection<S, R>) -> Result<()>,
) -> Result<()> {
    let listener = Listener::bind(transport.address())
        .authkey(KEY)
        .max_message(max_message);
    let mut listener = with_tls!(listener, server_tls()?).await?;
    announce(listener.local_address())?;
    loop {
        service(listener.accept().await?).await?;
    }
}

/// Returns the message, or `None` at the end of the connection.
fn message_or_end<T>(received: Result<T, RecvError>) -> Result<Option<T>> {
    match received {
        Ok(message) => Ok(Some(message)),
        Err(RecvError::Closed) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn serve_bytes(transport: Transport, size: usize) -> Result<()> {
    let mut message = vec![0; size];
    runtime(1)?.block_on(serve(
        transport,
        size,
        async |mut connection: Connection| {
            while let Some(length) = message_or_end(connection.recv_bytes_into(&mut message).await)?
            {
                ensure!(length == size);
                connection.send_bytes(&[1]).await?;
            }
            Ok(())
        },
    ))
}

pub(crate) fn load_bytes(task: &Task, size: usize) -> Result<f64> {
    let task = task.clone();
    run_on(1, async move {
        let client = Connection::connect(task.address()?).authkey(KEY);
        let mut connection: Connection = with_tls!(client, client_tls(&task)?).await?;
        let message = vec![1; size];
        let mut acknowledgement = [0];
        let mut pace = task.pace();
        while pace.should_continue() {
            connection.send_bytes(&message).await?;
            connection.recv_bytes_into(&mut acknowledgement).await?;
        }
        Ok(pace.rate())
    })
}

pub(crate) fn serve_blocking(transport: Transport, size: usize) -> Result<()> {
    let listener = Listener::bind(transport.address()).authkey(KEY);
    let mut listener = with_tls!(listener, server_tls()?).wait()?;
    announce(listener.local_address())?;
    let mut message = vec![0; size];
    loop {
        let mut connection: blocking::Connection = listener.accept()?;
        while let Some(length) = message_or_end(connection.recv_bytes_into(&mut message))? {
            ensure!(length == size);
            connection.send_bytes(&[1])?;
        }
    }
}

pub(crate) fn load_blocking(task: &Task, size: usize) -> Result<f64> {
    let client = Connection::connect(task.address()?).authkey(KEY);
    let mut connection: blocking::Connection = with_tls!(client, client_tls(task)?).wait()?;
    let message = vec![1; size];
    let mut acknowledgement = [0];
    task.rate(|| {
        connection.send_bytes(&message)?;
        connection.recv_bytes_into(&mut acknowledgement)?;
        Ok(())
    })
}

pub(crate) fn serve_array(transport: Transport, size: usize) -> Result<()> {
    let mut numbers = vec![0.0_f64; size / size_of::<f64>()];
    runtime(1)?.block_on(serve(
        transport,
        size,
        async |mut connection: Connection| {
            while let Some(length) = message_or_end(connection.recv_array_into(&mut numbers).await)?
            {
                ensure!(length == numbers.len());
                connection.send_bytes(&[1]).await?;
            }
            Ok(())
        },
    ))
}

pub(crate) fn load_array(task: &Task, size: usize) -> Result<f64> {
    let task = task.clone();
    run_on(1, async move {
        let mut connection: Connection = Connection::connect(task.address()?).authkey(KEY).await?;
        let numbers = vec![1.5_f64; size / size_of::<f64>()];
        let mut acknowledgement = [0];
        let mut pace = task.pace();
        while pace.should_continue() {
            connection.send_array(&numbers).await?;
            connection.recv_bytes_into(&mut acknowledgement).await?;
        }
        Ok(pace.rate())
    })
}

pub(crate) fn serve_values(transport: Transport, size: usize) -> Result<()> {
    // The encoded length precedes the numbers.
    let max_message = size + 16;
    let service = async |mut connection: Connection<u8, Vec<f64>>| {
        while let Some(numbers) = message_or_end(connection.recv().await)? {
            ensure!(numbers.len() == size / size_of::<f64>() && numbers.last() == Some(&1.5));
            drop(numbers);
            connection.send(&1).await?;
        }
        Ok(())
    };
    runtime(1)?.block_on(serve(transport, max_message, service))
}

pub(crate) fn load_values(task: &Task, size: usize) -> Result<f64> {
    let task = task.clone();
    run_on(1, async move {
        let client = Connection::connect(task.address()?).authkey(KEY);
        let mut connection: Connection<Vec<f64>, u8> = client.await?;
        let numbers = vec![1.5; size / size_of::<f64>()];
        let mut pace = task.pace();
        while pace.should_continue() {
            connection.send(&numbers).await?;
            connection.recv().await?;
        }
        Ok(pace.rate())
    })
}
