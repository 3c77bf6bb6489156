//! Sockets that a service manager has opened for this process.

use std::env;
use std::io;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use listenfd::ListenFd;

use super::socket::Socket;
use crate::output::Foreign;

/// A socket that was passed to this process.
struct PassedSocket {
    name: String,
    /// `None` if it is of another kind than the listeners of this crate.
    socket: Option<Socket>,
}

/// Returns the names of the sockets that are left, in the order of the manager. A socket without a
/// name has the empty one.
#[must_use]
pub fn socket_names() -> Vec<String> {
    passed().iter().map(|socket| socket.name.clone()).collect()
}

/// Takes a socket by its name.
///
/// # Errors
/// If there is no socket of this name, it was taken, or it is no listening stream socket.
pub(crate) fn take(name: &str) -> io::Result<Socket> {
    let mut sockets = passed();
    let is_asked_for = |socket: &PassedSocket| name.is_empty() || socket.name == name;
    match sockets.iter().position(is_asked_for) {
        Some(index) => match sockets.remove(index).socket {
            Some(socket) => Ok(socket),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the socket is no listening stream socket",
            )),
        },
        None => {
            let left: Vec<_> = sockets.iter().map(|socket| &*socket.name).collect();
            let left = Foreign::excerpt(left.join(", ")).to_string();
            let text =
                format!("the service manager has passed no such socket; it passed: [{left}]");
            Err(io::Error::new(io::ErrorKind::AddrNotAvailable, text))
        }
    }
}

/// The sockets that were passed and are not taken.
fn passed() -> MutexGuard<'static, Vec<PassedSocket>> {
    static PASSED: LazyLock<Mutex<Vec<PassedSocket>>> =
        LazyLock::new(|| Mutex::new(from_environment()));
    PASSED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes all sockets at once, so that programs that this one starts inherit none.
fn from_environment() -> Vec<PassedSocket> {
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut passed = ListenFd::from_env();
    let sockets = (0..passed.len()).map(|index| {
        // An error means that the socket is of another kind.
        let unix = passed.take_unix_listener(index).ok().flatten();
        let mut tcp = || passed.take_tcp_listener(index).ok().flatten();
        PassedSocket {
            name: names.next().unwrap_or_default().to_owned(),
            socket: match unix {
                Some(socket) => Some(Socket::Unix(socket)),
                None => tcp().map(Socket::Tcp),
            },
        }
    });
    sockets.collect()
}
