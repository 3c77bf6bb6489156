//! The transport of the blocking client: blocking sockets of the standard library.

mod connect;

use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
use rustix::net::{SendFlags, send};

use self::connect::connect_tcp;
#[cfg(unix)]
use self::connect::connect_unix;
use super::Destination;
use crate::client::pool::Transport;
use crate::client::stream::{self, Progress, Stream, timed_out};

/// Maximum bytes of one write. The first write of a request is made without polling the socket
/// first: this number of bytes fits into a socket buffer that is not full.
const MAX_UNPOLLED: usize = 16 << 10;

/// Connects to the destination of a client.
#[derive(Debug)]
pub struct BlockingConnector(Destination);

impl BlockingConnector {
    /// Creates a connector to a destination.
    #[must_use]
    pub const fn to(destination: Destination) -> Self {
        Self(destination)
    }
}

impl Transport for BlockingConnector {
    type Stream = BlockingStream;

    async fn connect(&self, deadline: Option<Instant>) -> io::Result<BlockingStream> {
        let socket = match &self.0 {
            Destination::Tcp(host, port) => SystemSocket::Tcp(connect_tcp(host, *port, deadline)?),
            #[cfg(unix)]
            Destination::Unix(path) => SystemSocket::Unix(connect_unix(path, deadline)?),
            #[cfg(not(unix))]
            Destination::Unix(_) => unreachable!("no URL of a unix socket is accepted"),
        };
        Ok(BlockingStream {
            socket,
            timeout: None,
            is_partly_written: false,
        })
    }

    /// Does nothing: expired connections are closed by the next call.
    fn spawn(_: impl Future<Output = ()> + Send + 'static) {}
}

/// Evaluates an expression with the socket of either kind.
macro_rules! each {
    ($socket:expr, $io:ident => $result:expr) => {
        match $socket {
            SystemSocket::Tcp($io) => $result,
            #[cfg(unix)]
            SystemSocket::Unix($io) => $result,
        }
    };
}

/// A socket with its current timeout.
#[derive(Debug)]
pub struct BlockingStream {
    socket: SystemSocket,
    /// The read and write timeout that is set on the socket.
    timeout: Option<Duration>,
    /// `true` if part of a request is written, so that the next write may block.
    is_partly_written: bool,
}

#[derive(Debug)]
enum SystemSocket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream for BlockingStream {
    async fn try_read(&mut self, space: &mut [u8]) -> io::Result<Option<usize>> {
        if each!(&self.socket, io => stream::is_idle(io)) {
            Ok(None)
        } else {
            self.read(space, None).await.map(Some)
        }
    }

    async fn write(
        &mut self,
        bytes: &[u8],
        space: &mut [u8],
        deadline: Option<Instant>,
    ) -> io::Result<Progress> {
        if self.is_partly_written && self.has_input(deadline)? {
            return self.read(space, deadline).await.map(Progress::Read);
        }
        let piece = &bytes[..bytes.len().min(MAX_UNPOLLED)];
        let length = self.within(deadline, |socket| each!(socket, io => io.write(piece)))?;
        if length == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        self.is_partly_written = length < bytes.len();
        Ok(Progress::Written(length))
    }

    async fn read(&mut self, space: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        self.within(deadline, |socket| each!(socket, io => io.read(space)))
    }

    fn write_last(&mut self, bytes: &[u8]) {
        // An error means that the server has already closed the connection.
        let _ = each!(&self.socket, io => send_now(io, bytes));
    }
}

impl BlockingStream {
    /// Waits until the socket is writable or readable, and returns `true` if it is readable.
    fn has_input(&self, deadline: Option<Instant>) -> io::Result<bool> {
        let events = PollFlags::IN | PollFlags::OUT;
        let mut polled = [each!(&self.socket, io => PollFd::new(io, events))];
        loop {
            let time = remaining(deadline)?.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut polled, time.as_ref()) {
                Ok(0) => return Err(timed_out()),
                Ok(_) => return Ok(polled[0].revents().contains(PollFlags::IN)),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Runs a blocking operation, and fails once the deadline passes.
    fn within<T>(
        &mut self,
        deadline: Option<Instant>,
        mut operation: impl FnMut(&mut SystemSocket) -> io::Result<T>,
    ) -> io::Result<T> {
        // `setsockopt` costs a tenth of a call, so a timeout set for an earlier call is kept while
        // it does not exceed the remaining time. If it expires too early, it is set again below.
        if let Some(left) = remaining(deadline)?
            && self.timeout.is_none_or(|timeout| timeout > left)
        {
            self.set_timeout(Some(left))?;
        }
        loop {
            match operation(&mut self.socket) {
                // Frequent signals, such as those of a profiler, must not extend the deadline.
                Err(error) if error.kind() == ErrorKind::Interrupted => drop(remaining(deadline)?),
                Err(error) if is_socket_timeout(&error) => {
                    self.set_timeout(remaining(deadline)?)?;
                }
                done => return done,
            }
        }
    }

    /// Sets the socket timeout, an eighth below the remaining time if that is more than 10 ms, so
    /// that the next call can reuse it.
    fn set_timeout(&mut self, left: Option<Duration>) -> io::Result<()> {
        const EXACT: Duration = Duration::from_millis(10);

        let timeout = left.map(|left| if left > EXACT { left - left / 8 } else { left });
        each!(&self.socket, io => {
            io.set_read_timeout(timeout)?;
            io.set_write_timeout(timeout)?;
        });
        self.timeout = timeout;
        Ok(())
    }
}

/// Writes to a socket if that is possible without waiting.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn send_now(socket: &impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    Ok(send(socket, bytes, flags)?)
}

/// Other systems lack one of the flags.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn send_now(_: &impl AsFd, _: &[u8]) -> io::Result<usize> {
    Ok(0)
}

/// Returns the time until the deadline, if there is one.
///
/// # Errors
/// If the deadline has passed.
fn remaining(deadline: Option<Instant>) -> io::Result<Option<Duration>> {
    match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
        Some(Duration::ZERO) => Err(timed_out()),
        left => Ok(left),
    }
}

/// Returns `true` if the socket timeout expired. The kind of that error depends on the system. A
/// connection that timed out also fails with `TimedOut`, and fails again at the next attempt.
fn is_socket_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_an_interrupted_operation_is_repeated() {
        let mut stream = BlockingStream {
            socket: SystemSocket::Unix(UnixStream::pair().unwrap().0),
            timeout: None,
            is_partly_written: false,
        };
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut errors = [ErrorKind::BrokenPipe, ErrorKind::Interrupted].to_vec();
        let result = stream.within(Some(deadline), |_| match errors.pop() {
            Some(kind) => Err(io::Error::from(kind)),
            None => Ok("repeated after the error"),
        });
        assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}
