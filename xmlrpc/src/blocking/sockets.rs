//! Bytes that travel while the thread waits: the system's own sockets.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::client::pool::Pool;
use crate::client::transport::{self, Destination, Progress, Stream, Transport, timed_out};

/// How much is written at once without a look at whether the other end reads it: what fits into the
/// buffers of sockets that are not full.
const PIECE: usize = 16 << 10;

/// Connects to one place.
pub(super) struct Connector(Destination);

impl Connector {
    pub(super) const fn to(destination: Destination) -> Self {
        Self(destination)
    }
}

impl Transport for Connector {
    type Stream = Socket;

    async fn connect(&self, deadline: Option<Instant>) -> io::Result<Socket> {
        let kind = match &self.0 {
            Destination::Tcp(host, port) => Kind::Tcp(connect_tcp(host, *port, deadline)?),
            #[cfg(unix)]
            Destination::Unix(path) => Kind::Unix(connect_unix(path, deadline)?),
            #[cfg(not(unix))]
            Destination::Unix(_) => unreachable!("no URL of a unix socket is accepted"),
        };
        Ok(Socket {
            kind,
            patience: None,
            is_writing: false,
        })
    }

    /// Each call looks itself for connections whose time is over.
    fn tend(_: &Pool<Self>) {}
}

/// Tries the addresses of the host one after the other.
fn connect_tcp(host: &str, port: u16, deadline: Option<Instant>) -> io::Result<TcpStream> {
    let mut result = Err(io::Error::new(
        ErrorKind::NotFound,
        "the name has no address",
    ));
    for address in resolve(host, port, deadline)? {
        result = match left(deadline)? {
            Some(left) => TcpStream::connect_timeout(&address, left),
            None => TcpStream::connect(address),
        };
        if let Ok(socket) = &result {
            // Holding a call back to fill a packet would cost up to 40 ms against a peer that
            // delays its acknowledgements. Where the peer has left already, the first read tells
            // that better.
            let _ = socket.set_nodelay(true);
            break;
        }
    }
    result
}

/// The system has no limit of time to offer for this: a thread waits where there is one.
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
    let Some(left) = left(deadline)? else {
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

/// Waits while the backlog of the listener is full, where the system tells that from a refusal.
#[cfg(unix)]
fn connect_unix(path: &Path, deadline: Option<Instant>) -> io::Result<UnixStream> {
    use socket2::{Domain, SockAddr, Socket, Type};

    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let address = SockAddr::unix(path)?;
    loop {
        socket.set_write_timeout(left(deadline)?)?;
        match socket.connect(&address) {
            Err(error) if is_pause(&error) || error.kind() == ErrorKind::Interrupted => {}
            result => return result.map(|()| socket.into()),
        }
    }
}

/// A socket, and how long it waits.
pub(super) struct Socket {
    kind: Kind,
    /// What the system was told: how long to wait for the other end, at most.
    patience: Option<Duration>,
    /// Whether a part of the request is written already, so that the next may have to wait.
    is_writing: bool,
}

enum Kind {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream for Socket {
    async fn is_quiet(&mut self) -> bool {
        match &self.kind {
            Kind::Tcp(tcp) => transport::is_quiet(tcp),
            #[cfg(unix)]
            Kind::Unix(unix) => transport::is_quiet(unix),
        }
    }

    async fn write(
        &mut self,
        bytes: &[u8],
        space: &mut [u8],
        deadline: Option<Instant>,
    ) -> io::Result<Progress> {
        if self.is_writing && self.has_input(deadline)? {
            return self.read(space, deadline).await.map(Progress::Read);
        }
        let piece = &bytes[..bytes.len().min(PIECE)];
        let length = self.until(deadline, |socket| socket.write_once(piece))?;
        if length == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        self.is_writing = length < bytes.len();
        Ok(Progress::Written(length))
    }

    async fn read(&mut self, space: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        self.until(deadline, |socket| socket.read_once(space))
    }
}

impl Socket {
    /// Waits until something can be written, or something came: whether it did.
    fn has_input(&self, deadline: Option<Instant>) -> io::Result<bool> {
        let events = PollFlags::IN | PollFlags::OUT;
        let mut polled = [match &self.kind {
            Kind::Tcp(tcp) => PollFd::new(tcp, events),
            #[cfg(unix)]
            Kind::Unix(unix) => PollFd::new(unix, events),
        }];
        loop {
            let time = left(deadline)?.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut polled, time.as_ref()) {
                Ok(0) => return Err(timed_out()),
                Ok(_) => return Ok(polled[0].revents().contains(PollFlags::IN)),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Does what may wait, but no longer than until the deadline.
    fn until<T>(
        &mut self,
        deadline: Option<Instant>,
        mut operation: impl FnMut(&mut Self) -> io::Result<T>,
    ) -> io::Result<T> {
        // To tell the system takes as long as a tenth of a call. What it was told for an earlier
        // one holds as long as it does not make it wait for too long; where that is for too short a
        // time, it is told anew.
        if let Some(left) = left(deadline)?
            && self.patience.is_none_or(|patience| patience > left)
        {
            self.set_patience(Some(left))?;
        }
        loop {
            match operation(self) {
                // Signals that keep coming, as a profiler sends them, do not put the deadline off.
                Err(error) if error.kind() == ErrorKind::Interrupted => drop(left(deadline)?),
                Err(error) if is_pause(&error) => self.set_patience(left(deadline)?)?,
                done => return done,
            }
        }
    }

    /// Has the system wait for less than this, so that it need not be told the time that is left of
    /// the next call.
    fn set_patience(&mut self, left: Option<Duration>) -> io::Result<()> {
        const EXACT: Duration = Duration::from_millis(10);

        let patience = left.map(|left| if left > EXACT { left - left / 8 } else { left });
        match &self.kind {
            Kind::Tcp(tcp) => {
                tcp.set_read_timeout(patience)?;
                tcp.set_write_timeout(patience)?;
            }
            #[cfg(unix)]
            Kind::Unix(unix) => {
                unix.set_read_timeout(patience)?;
                unix.set_write_timeout(patience)?;
            }
        }
        self.patience = patience;
        Ok(())
    }

    fn read_once(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Tcp(tcp) => tcp.read(space),
            #[cfg(unix)]
            Kind::Unix(unix) => unix.read(space),
        }
    }

    fn write_once(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Tcp(tcp) => tcp.write(bytes),
            #[cfg(unix)]
            Kind::Unix(unix) => unix.write(bytes),
        }
    }
}

/// The time until the deadline, if there is one.
///
/// # Errors
/// If none is left.
fn left(deadline: Option<Instant>) -> io::Result<Option<Duration>> {
    match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
        Some(Duration::ZERO) => Err(timed_out()),
        left => Ok(left),
    }
}

/// Whether the system says that it has waited for as long as it was told to. Which of the two it
/// says depends on the system; a connection that timed out comes with the second as well, and says
/// what it is at the next attempt.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
