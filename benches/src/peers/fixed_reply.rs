//! The limits of a manager that clients in Python use: threads that answer every call alike,
//! without reading it; and an echo of bytes.

use std::sync::Arc;
use std::thread;

use anyhow::Result;
use farcall::conn::{Listener, blocking};

use super::Transport;
use super::farcall::KEY;
use crate::messages::announce;

/// `('#RETURN', None)`.
const NONE: &[u8] = b"\x80\x04\x8c\x07#RETURNN\x86.";

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
    let listener = Listener::bind(Transport::Tcp.address())
        .authkey(KEY)
        .legacy_md5(true);
    let mut listener = listener.wait()?;
    announce(listener.local_address())?;
    let item = Arc::new(if size == 0 { NONE.to_vec() } else { item(size) });
    loop {
        let connection = listener.accept()?;
        let item = Arc::clone(&item);
        thread::spawn(move || answer(connection, &item));
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
        let names = |name: &[u8]| {
            let head = &request[..length.min(256)];
            head.windows(name.len()).any(|text| text == name)
        };
        connection.send_bytes(match () {
            () if names(b"create") => CREATED,
            () if names(b"\x03get") => item,
            () => NONE,
        })?;
    }
}
