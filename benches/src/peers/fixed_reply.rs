//! The limits of a manager that clients in Python use: threads, or tasks of an event loop, that
//! answer every call alike, without reading it; a lock; and an echo of bytes.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use anyhow::Result;
use farcall::conn::{Connection, Listener, blocking};

use super::farcall::KEY;
use super::{Transport, run_on};
use crate::messages::announce;

/// `('#RETURN', None)`.
const NONE: &[u8] = b"\x80\x04\x8c\x07#RETURNN\x86.";

/// `('#RETURN', True)`.
const TRUE: &[u8] = b"\x80\x04\x8c\x07#RETURN\x88\x86.";

/// `('#RETURN', ('0', ('get', 'put')))`: the id of an object, and its methods.
const CREATED: &[u8] = b"\x80\x04\x8c\x07#RETURN\x8c\x010\x8c\x03get\x8c\x03put\x86\x86\x86.";

/// Returns `('#RETURN', bytes)`.
fn item(size: usize) -> Vec<u8> {
    let length = u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
    [
        b"\x80\x04\x8c\x07#RETURNB",
        &length[..],
        &vec![0; size],
        b"\x86.",
    ]
    .concat()
}

/// Serves objects whose `get` returns this number of bytes, or `None` for 0.
pub(crate) fn serve(size: usize) -> Result<()> {
    let item = Arc::new(if size == 0 { NONE.to_vec() } else { item(size) });
    serve_threads(move |connection| answer(connection, &item))
}

/// Serves one lock, which a thread of std waits for on behalf of each client.
pub(crate) fn serve_lock() -> Result<()> {
    let lock = Arc::new((Mutex::new(false), Condvar::new()));
    serve_threads(move |connection| answer_of_lock(connection, &lock.0, &lock.1))
}

/// Serves objects whose `get` returns `None`, in tasks of an event loop.
pub(crate) fn serve_tasks() -> Result<()> {
    run_on(2, async {
        let listener = Listener::bind(Transport::Tcp.address())
            .authkey(KEY)
            .legacy_md5(true);
        let mut listener = listener.await?;
        announce(listener.local_address())?;
        loop {
            let mut connection: Connection = listener.accept().await?;
            tokio::spawn(async move {
                let mut request = [0; 1024];
                // Until the client disconnects.
                while let Ok(length) = connection.recv_bytes_into(&mut request).await {
                    let reply = reply_to(&request[..length.min(256)], NONE);
                    if connection.send_bytes(reply).await.is_err() {
                        return;
                    }
                }
            });
        }
    })
}

fn serve_threads(
    answer: impl Fn(blocking::Connection) -> Result<()> + Clone + Send + 'static,
) -> Result<()> {
    let listener = Listener::bind(Transport::Tcp.address())
        .authkey(KEY)
        .legacy_md5(true);
    let mut listener = listener.wait()?;
    announce(listener.local_address())?;
    loop {
        let connection = listener.accept()?;
        let answer = answer.clone();
        thread::spawn(move || answer(connection));
    }
}

fn answer_of_lock(
    mut connection: blocking::Connection,
    is_locked: &Mutex<bool>,
    released: &Condvar,
) -> Result<()> {
    let mut request = [0; 1024];
    loop {
        let length = connection.recv_bytes_into(&mut request)?;
        let request = &request[..length];
        let mut locked = is_locked.lock().unwrap_or_else(PoisonError::into_inner);
        let reply = if contains(request, b"acquire") {
            locked = released
                .wait_while(locked, |is_locked| *is_locked)
                .unwrap_or_else(PoisonError::into_inner);
            *locked = true;
            TRUE
        } else if contains(request, b"release") {
            *locked = false;
            released.notify_one();
            NONE
        } else if contains(request, b"create") {
            CREATED
        } else {
            NONE
        };
        drop(locked);
        connection.send_bytes(reply)?;
    }
}

/// Serves an echo of messages of up to this number of bytes, one connection after the other: what
/// remains are the sockets, the kernel, and the connection of the client.
pub(crate) fn serve_echo(size: usize) -> Result<()> {
    let listener = Listener::bind(Transport::Tcp.address())
        .authkey(KEY)
        .legacy_md5(true);
    let mut listener = listener.wait()?;
    announce(listener.local_address())?;
    let mut message = vec![0; size];
    loop {
        let mut connection: blocking::Connection = listener.accept()?;
        while let Ok(length) = connection.recv_bytes_into(&mut message) {
            connection.send_bytes(&message[..length])?;
        }
    }
}

fn answer(mut connection: blocking::Connection, item: &[u8]) -> Result<()> {
    let mut request = vec![0; item.len() + 1024];
    loop {
        let length = connection.recv_bytes_into(&mut request)?;
        connection.send_bytes(reply_to(&request[..length.min(256)], item))?;
    }
}

fn reply_to<'a>(head: &[u8], item: &'a [u8]) -> &'a [u8] {
    match () {
        () if contains(head, b"create") => CREATED,
        () if contains(head, b"\x03get") => item,
        () => NONE,
    }
}

fn contains(request: &[u8], name: &[u8]) -> bool {
    request.windows(name.len()).any(|text| text == name)
}
