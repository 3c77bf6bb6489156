//! The sockets and pipes under a blocking connection.

use std::io::{self, IoSlice, PipeReader, PipeWriter, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{Timeout, socket_timeout};
use rustix::net::{RecvFlags, SendFlags};

/// A blocking byte stream. Each direction is used by one thread at a time.
#[derive(Debug)]
pub(super) enum BlockingStream {
    Tcp(TcpStream),
    Unix(UnixStream),
    PipeReader(PipeReader),
    PipeWriter(PipeWriter),
}

impl BlockingStream {
    pub(super) fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.set_read_timeout(time),
            Self::Unix(unix) => unix.set_read_timeout(time),
            Self::PipeReader(_) | Self::PipeWriter(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub(super) fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.set_write_timeout(time),
            Self::Unix(unix) => unix.set_write_timeout(time),
            Self::PipeReader(_) | Self::PipeWriter(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub(super) fn read_timeout(&self) -> io::Result<Option<Duration>> {
        match self {
            Self::Tcp(tcp) => tcp.read_timeout(),
            Self::Unix(unix) => unix.read_timeout(),
            Self::PipeReader(_) | Self::PipeWriter(_) => Ok(None),
        }
    }

    pub(super) fn write_timeout(&self) -> io::Result<Option<Duration>> {
        match self {
            Self::Tcp(tcp) => tcp.write_timeout(),
            Self::Unix(unix) => unix.write_timeout(),
            Self::PipeReader(_) | Self::PipeWriter(_) => Ok(None),
        }
    }

    /// Waits for at most `time` until the stream is ready for `events`. Returns `true` if it is,
    /// and `false` after a timeout or a signal.
    pub(super) fn poll_ready(&self, events: PollFlags, time: Duration) -> io::Result<bool> {
        let mut polled = [PollFd::new(self, events)];
        let time = Timespec::try_from(time).map_err(io::Error::other)?;
        match poll(&mut polled, Some(&time)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes as many bytes as possible without blocking. It is used only for sockets with a
    /// budget; pipes have none.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match self {
            Self::Tcp(tcp) => Ok(rustix::net::send(tcp, bytes, flags)?),
            Self::Unix(unix) => Ok(rustix::net::send(unix, bytes, flags)?),
            Self::PipeReader(_) | Self::PipeWriter(_) => (&mut &*self).write(bytes),
        }
    }

    /// Shuts the sending direction down.
    pub(super) fn shutdown(&self) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.shutdown(Shutdown::Write),
            Self::Unix(unix) => unix.shutdown(Shutdown::Write),
            Self::PipeReader(_) | Self::PipeWriter(_) => Ok(()),
        }
    }
}

impl BlockingStream {
    /// Makes a system call that sends, and retries it when a signal interrupts it.
    pub(super) fn retry_send<T>(&self, call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        retry_interrupted(|| self.timeout(Timeout::Send), call)
    }

    /// Makes a system call that receives, and retries it when a signal interrupts it.
    pub(super) fn retry_receive<T>(&self, call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        retry_interrupted(|| self.timeout(Timeout::Recv), call)
    }

    /// Returns the timeout of one direction. Pipes have none.
    fn timeout(&self, direction: Timeout) -> Option<Duration> {
        socket_timeout(self, direction).ok().flatten()
    }
}

/// Makes a system call, and retries it when a signal interrupts it. Each attempt restarts the
/// timeout of the socket. So that repeated signals, such as those of a profiler, do not make the
/// call endless, it fails with `TimedOut` once the timeout has elapsed since the first signal.
fn retry_interrupted<T>(
    timeout: impl Fn() -> Option<Duration>,
    mut call: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut first: Option<Instant> = None;
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
        let first = first.get_or_insert_with(Instant::now);
        if timeout().is_some_and(|timeout| first.elapsed() >= timeout) {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

// Sockets are read and written by direct system calls: in a program that has, or had, threads, the
// functions of the C library take two atomic operations each.

impl Read for &BlockingStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let none = RecvFlags::empty();
        self.retry_receive(|| match self {
            BlockingStream::Tcp(tcp) => Ok(rustix::net::recv(tcp, &mut *buffer, none)?.0),
            BlockingStream::Unix(unix) => Ok(rustix::net::recv(unix, &mut *buffer, none)?.0),
            BlockingStream::PipeReader(pipe) => (&mut &*pipe).read(buffer),
            BlockingStream::PipeWriter(_) => Err(io::ErrorKind::Unsupported.into()),
        })
    }
}

impl Write for &BlockingStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.retry_send(|| match self {
            BlockingStream::Tcp(tcp) => Ok(rustix::net::send(tcp, bytes, SendFlags::NOSIGNAL)?),
            BlockingStream::Unix(unix) => Ok(rustix::net::send(unix, bytes, SendFlags::NOSIGNAL)?),
            BlockingStream::PipeWriter(pipe) => (&mut &*pipe).write(bytes),
            BlockingStream::PipeReader(_) => Err(io::ErrorKind::Unsupported.into()),
        })
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.retry_send(|| match self {
            BlockingStream::Tcp(tcp) => (&mut &*tcp).write_vectored(slices),
            BlockingStream::Unix(unix) => (&mut &*unix).write_vectored(slices),
            BlockingStream::PipeWriter(pipe) => (&mut &*pipe).write_vectored(slices),
            BlockingStream::PipeReader(_) => Err(io::ErrorKind::Unsupported.into()),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for BlockingStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(tcp) => tcp.as_fd(),
            Self::Unix(unix) => unix.as_fd(),
            Self::PipeReader(pipe) => pipe.as_fd(),
            Self::PipeWriter(pipe) => pipe.as_fd(),
        }
    }
}
