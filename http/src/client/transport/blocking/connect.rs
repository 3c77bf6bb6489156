//! Opening of blocking sockets.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use farcall_core::protocol::happy_eyeballs::{DELAY, no_address, order};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use socket2::{Domain, Socket, Type};

#[cfg(unix)]
use super::is_socket_timeout;
use super::remaining;
use crate::client::stream::timed_out;

/// Connects to the first address of the host that accepts a connection.
pub(super) fn connect_tcp(
    host: &str,
    port: u16,
    deadline: Option<Instant>,
) -> io::Result<TcpStream> {
    let socket = match &order(resolve(host, port, deadline)?)[..] {
        [address] => match remaining(deadline)? {
            Some(left) => TcpStream::connect_timeout(address, left),
            None => TcpStream::connect(address),
        },
        addresses => connect_to_any(addresses, deadline),
    }?;
    // Without TCP_NODELAY a call could wait up to 40 ms for a server that delays its
    // acknowledgements. An error means that the server has already closed the connection, which
    // the first read reports better.
    let _ = socket.set_nodelay(true);
    Ok(socket)
}

/// Connects to the first address that accepts (RFC 8305). The next one is tried as soon as one has
/// failed, or [`DELAY`] after the last. The error is that of the attempt that failed last.
fn connect_to_any(addresses: &[SocketAddr], deadline: Option<Instant>) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter();
    let mut attempts: Vec<Socket> = Vec::new();
    let mut failure = no_address();
    loop {
        match waiting.next().map(begin) {
            Some(Ok(attempt)) => attempts.push(attempt),
            Some(Err(error)) => failure = error,
            None if attempts.is_empty() => return Err(failure),
            None => {}
        }
        if attempts.is_empty() {
            continue;
        }
        let delay = (waiting.len() > 0).then_some(DELAY);
        for index in completed(&attempts, delay, deadline)?.into_iter().rev() {
            let attempt = attempts.swap_remove(index);
            match attempt.take_error() {
                Ok(None) => {
                    attempt.set_nonblocking(false)?;
                    return Ok(attempt.into());
                }
                Ok(Some(error)) | Err(error) => failure = error,
            }
        }
    }
}

/// Starts to connect.
fn begin(address: &SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(*address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&(*address).into()) {
        Err(error) if !is_in_progress(&error) => Err(error),
        _ => Ok(socket),
    }
}

fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || Errno::from_io_error(error) == Some(Errno::INPROGRESS)
}

/// Waits until an attempt has completed or the delay has passed, and returns the indices of those
/// that have completed.
fn completed(
    attempts: &[Socket],
    delay: Option<Duration>,
    deadline: Option<Instant>,
) -> io::Result<Vec<usize>> {
    let left = remaining(deadline)?;
    let time = match (left, delay) {
        (Some(left), Some(delay)) => Some(left.min(delay)),
        (left, delay) => left.or(delay),
    };
    let time = time.and_then(|time| Timespec::try_from(time).ok());
    let polled = attempts.iter().map(|it| PollFd::new(it, PollFlags::OUT));
    let mut polled: Vec<_> = polled.collect();
    retry_on_intr(|| poll(&mut polled, time.as_ref()))?;
    let is_completed = |index: &usize| !polled[*index].revents().is_empty();
    Ok((0..polled.len()).filter(is_completed).collect())
}

/// Resolves the host. The system's resolver has no timeout, so with a deadline the lookup runs in a
/// thread of its own.
fn resolve(host: &str, port: u16, deadline: Option<Instant>) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![(ip, port).into()]);
    }
    let name = (host.to_owned(), port);
    let look_up = move || {
        (name.0.as_str(), name.1)
            .to_socket_addrs()
            .map(Vec::from_iter)
    };
    let Some(left) = remaining(deadline)? else {
        return look_up();
    };
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("resolver".to_owned())
        .spawn(move || sender.send(look_up()))?;
    match receiver.recv_timeout(left) {
        Ok(found) => found,
        Err(_) => Err(timed_out()),
    }
}

/// Connects to a socket file. Waits while the backlog of the listener is full, on systems that
/// distinguish this from a refusal.
#[cfg(unix)]
pub(super) fn connect_unix(path: &Path, deadline: Option<Instant>) -> io::Result<UnixStream> {
    use socket2::SockAddr;

    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let address = SockAddr::unix(path)?;
    loop {
        socket.set_write_timeout(remaining(deadline)?)?;
        match socket.connect(&address) {
            Err(error) if is_socket_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
            result => return result.map(|()| socket.into()),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Returns an address that answers no attempt to connect: its backlog is full.
    fn silent() -> (SocketAddr, Socket, Vec<Socket>) {
        let socket =
            Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket of this machine");
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        socket.bind(&any.into()).expect("a socket of this machine");
        socket.listen(0).expect("a socket of this machine");
        let address = socket
            .local_addr()
            .expect("a socket of this machine")
            .as_socket()
            .expect("an IP address");
        let waiting = (0..4)
            .map(|_| begin(&address).expect("a socket of this machine"))
            .collect();
        thread::sleep(Duration::from_millis(20));
        (address, socket, waiting)
    }

    #[test]
    fn an_address_that_does_not_answer_holds_up_no_other() {
        let (silent, _socket, _waiting) = silent();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let refusing = closed.local_addr().unwrap();
        drop(closed);
        let start = Instant::now();
        let deadline = Some(start + Duration::from_secs(30));
        let connected = connect_to_any(&[refusing, good], deadline).unwrap();
        assert_eq!(connected.peer_addr().unwrap(), good);
        assert!(start.elapsed() < DELAY, "{:?}", start.elapsed());
        let connected = connect_to_any(&[silent, good], None).unwrap();
        assert_eq!(connected.peer_addr().unwrap(), good);
        assert!(start.elapsed() >= DELAY);

        let error = connect_to_any(&[refusing, refusing], deadline).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let soon = Some(Instant::now() + Duration::from_millis(300));
        let error = connect_to_any(&[silent, silent], soon).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let error = connect_to_any(&[], None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
