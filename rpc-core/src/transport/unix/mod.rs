//! Unix sockets, which connect processes of one machine.

mod socket_file;

use std::io;
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{UnixListener as Socket, UnixStream};
use tokio::time::sleep;

pub(crate) use self::socket_file::{SocketFile, listen_at};
use super::{Address, Connect, Credentials, Listen, Peer, SOCKET_MODE, cannot_listen};

/// The longest pause between two attempts to connect while the backlog is full.
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// Listens on a socket file, which is removed on drop, or on an abstract name.
#[derive(Debug)]
pub struct UnixListener {
    // Declared before the socket, and so removed before that closes. The open socket keeps the
    // inode number of its file taken, so that no other file can be mistaken for it.
    _file: Option<SocketFile>,
    address: Address,
    socket: Socket,
}

impl UnixListener {
    /// Listens at `path`, where only the user of this process and root may connect: the file has
    /// the permissions `0o600`, independent of the umask, so that a server without authentication
    /// is not open to all users of the machine by accident.
    /// [`bind_with_mode`](Self::bind_with_mode) lets others connect.
    ///
    /// A socket file left behind by a dead process is replaced. To detect one, this function
    /// connects to it: a live server sees a peer that connects and disconnects. Two processes that
    /// replace the same file at the same moment may both succeed while only one of them is
    /// reachable: start them from one supervisor. Systems other than Linux refuse connections while
    /// the backlog is full, so an overloaded server there may be mistaken for a dead one.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if a process already listens at `path`, or if a file
    /// there is not a socket; the file is left alone. Other errors are those of the file system: a
    /// missing directory, a lack of permission, a path longer than about 100 bytes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no socket behind; a stale file may have been removed.
    pub async fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::bind_with_mode(path, SOCKET_MODE).await
    }

    /// Listens at `path` with these permissions, such as `0o660` for the group of this process.
    /// Connecting requires the permission to write.
    ///
    /// Others cannot connect before the permissions are set: they are set while the socket is bound
    /// but does not listen yet.
    ///
    /// # Errors
    ///
    /// As with [`bind`](Self::bind).
    ///
    /// # Cancel safety
    ///
    /// As with [`bind`](Self::bind).
    pub async fn bind_with_mode(path: impl AsRef<Path>, mode: u32) -> io::Result<Self> {
        let path = path.as_ref();
        let listening = listen_at(path, mode);
        let (file, socket) = listening.map_err(|error| cannot_listen(path.display(), &error))?;
        Ok(Self {
            _file: Some(file),
            ..Self::from_std(socket)?
        })
    }

    /// Listens on a socket that was opened elsewhere, for instance by a service manager. Its file
    /// is not removed.
    ///
    /// # Errors
    ///
    /// If the socket has no name, or does not listen.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, like tokio's own listener.
    pub fn from_std(socket: StdListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            _file: None,
            address: address_of(&socket)?,
            socket: Socket::from_std(socket)?,
        })
    }

    /// Listens at an abstract name (`man 7 unix`), which is not a file: it needs no cleanup, and
    /// has no permissions, so that every process in the same network namespace may connect.
    ///
    /// The name is given without the NUL byte that marks it for the system.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if a process already listens there. Names of more
    /// than 107 bytes are too long.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn bind_abstract(name: impl AsRef<[u8]>) -> io::Result<Self> {
        Self::from_std(listen_at_abstract(name.as_ref())?)
    }
}

impl Listen for UnixListener {
    type Io = UnixStream;

    async fn accept(&mut self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = self.socket.accept().await?;
        let peer = peer(&stream);
        Ok((stream, peer))
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(self.address.clone())
    }
}

/// Opens a listening socket at an abstract name outside of any event loop.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn listen_at_abstract(name: &[u8]) -> io::Result<StdListener> {
    use socket2::{Domain, SockAddr, Socket as RawSocket, Type};

    let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(abstract_path(name))?)?;
    socket.listen(super::BACKLOG.into())?;
    Ok(socket.into())
}

/// The address at which a socket listens.
pub(super) fn address_of(socket: &StdListener) -> io::Result<Address> {
    let address = SockRef::from(socket).local_addr()?;
    if let Some(path) = address.as_pathname() {
        return Ok(Address::Unix(path.to_owned()));
    }
    if let Some(name) = address.as_abstract_namespace() {
        return Ok(Address::Abstract(name.to_vec()));
    }
    Err(io::ErrorKind::AddrNotAvailable.into())
}

/// Returns an abstract name as a path, the form that the system expects.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_path(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;

    PathBuf::from(std::ffi::OsString::from_vec([b"\0", name].concat()))
}

/// Returns the peer of a Unix socket, with its credentials if the system reports them.
pub fn peer(stream: &UnixStream) -> Peer {
    let credentials = stream.peer_cred().ok().map(|credentials| Credentials {
        uid: credentials.uid(),
        gid: credentials.gid(),
        pid: credentials.pid(),
    });
    Peer::Unix(credentials)
}

/// Connects to a socket file or an abstract name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnixConnector {
    path: PathBuf,
}

impl UnixConnector {
    /// Returns a connector to the socket file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns a connector to an [abstract name](UnixListener::bind_abstract), given without the
    /// NUL byte.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn new_abstract(name: impl AsRef<[u8]>) -> Self {
        Self {
            path: abstract_path(name.as_ref()),
        }
    }
}

/// Waits while the backlog of the listener is full, as TCP does, on systems that distinguish this
/// from a refusal (Linux does).
impl Connect for UnixConnector {
    type Io = UnixStream;

    async fn connect(&self) -> io::Result<UnixStream> {
        let mut pause = Duration::from_millis(1);
        loop {
            match UnixStream::connect(&self.path).await {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::net::UnixSocket;

    use super::socket_file::bind_at;
    use super::*;
    use crate::transport::tests::echoes;

    /// A temporary directory, removed on drop.
    struct Directory(PathBuf);

    impl Directory {
        fn new() -> io::Result<Self> {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("farcall-core-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path)?;
            Ok(Self(path))
        }

        fn socket(&self) -> PathBuf {
            self.0.join("socket")
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn kind<T>(result: io::Result<T>) -> Option<ErrorKind> {
        result.err().map(|error| error.kind())
    }

    #[tokio::test]
    async fn echo_with_credentials() -> io::Result<()> {
        let directory = Directory::new()?;
        let path = directory.socket();
        let listener = UnixListener::bind(&path).await?;
        assert_eq!(listener.local_address()?, Address::Unix(path.clone()));

        let peer = echoes(listener, UnixConnector::new(path)).await;
        let Peer::Unix(Some(credentials)) = peer else {
            panic!("{peer} has no credentials");
        };
        assert_eq!(credentials.uid, fs::metadata(&directory.0)?.uid());
        Ok(())
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[tokio::test]
    async fn an_abstract_name_is_no_file() -> io::Result<()> {
        let name = format!("farcall-core {}", std::process::id());
        let listener = UnixListener::bind_abstract(&name)?;
        let address = Address::Abstract(name.clone().into());
        assert_eq!(listener.local_address()?, address);
        assert_eq!(
            kind(UnixListener::bind_abstract(&name)),
            Some(ErrorKind::AddrInUse)
        );
        echoes(listener, UnixConnector::new_abstract(&name)).await;
        assert_eq!(
            kind(UnixConnector::new_abstract(name).connect().await),
            Some(ErrorKind::ConnectionRefused)
        );
        Ok(())
    }

    #[tokio::test]
    async fn the_file_is_removed_on_drop() -> io::Result<()> {
        let directory = Directory::new()?;
        let path = directory.socket();
        let listener = UnixListener::bind(&path).await?;
        assert!(path.exists());
        drop(listener);
        assert!(!path.exists());
        assert_eq!(
            kind(UnixConnector::new(path).connect().await),
            Some(ErrorKind::NotFound)
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_replaced_file_is_not_removed_on_drop() -> io::Result<()> {
        let directory = Directory::new()?;
        let path = directory.socket();
        let old = UnixListener::bind(&path).await?;
        fs::remove_file(&path)?;
        let new = UnixListener::bind(&path).await?;
        drop(old);
        echoes(new, UnixConnector::new(path)).await;
        Ok(())
    }

    #[tokio::test]
    async fn a_stale_file_is_replaced() -> io::Result<()> {
        let directory = Directory::new()?;
        let path = directory.socket();
        drop(std::os::unix::net::UnixListener::bind(&path)?);
        assert!(path.exists(), "std leaves the file behind");
        let listener = UnixListener::bind(&path).await?;
        echoes(listener, UnixConnector::new(path)).await;
        Ok(())
    }

    #[tokio::test]
    async fn the_file_of_a_live_listener_is_left_alone() -> io::Result<()> {
        let directory = Directory::new()?;
        let path = directory.socket();
        let mut live = UnixListener::bind(&path).await?;
        let second = UnixListener::bind(&path).await;
        assert_eq!(kind(second), Some(ErrorKind::AddrInUse));
        live.accept().await?; // the connection of the failed bind
        echoes(live, UnixConnector::new(path)).await;
        Ok(())
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() -> io::Result<()> {
        let directory = Directory::new()?;
        let file = directory.0.join("file");
        fs::write(&file, "precious")?;
        let link = directory.0.join("link");
        let socket = directory.socket();
        drop(std::os::unix::net::UnixListener::bind(&socket)?);
        std::os::unix::fs::symlink(&socket, &link)?;

        for path in [&file, &link, &directory.0] {
            let listener = UnixListener::bind(path).await;
            assert_eq!(kind(listener), Some(ErrorKind::AddrInUse));
        }
        assert_eq!(fs::read_to_string(&file)?, "precious");
        assert!(link.is_symlink() && socket.exists());
        Ok(())
    }

    #[tokio::test]
    async fn the_mode_is_set_and_excludes_other_users_by_default() -> io::Result<()> {
        let directory = Directory::new()?;
        let path = directory.socket();
        let mode = || Ok::<_, io::Error>(fs::metadata(&path)?.mode() & 0o777);
        let listener = UnixListener::bind(&path).await?;
        assert_eq!(mode()?, 0o600);
        drop(listener);
        for asked in [0o620, 0o666, 0o777] {
            let _listener = UnixListener::bind_with_mode(&path, asked).await?;
            assert_eq!(mode()?, asked, "independent of the umask");
        }
        Ok(())
    }

    #[tokio::test]
    async fn no_peer_connects_before_the_mode_is_set() -> io::Result<()> {
        let directory = Directory::new()?;
        let path = directory.socket();
        let (_file, socket) = bind_at(&path, 0o600)?;
        // Not even root can, to whom permissions do not apply.
        assert_eq!(
            kind(UnixConnector::new(&path).connect().await),
            Some(ErrorKind::ConnectionRefused)
        );
        assert_eq!(fs::metadata(&path)?.mode() & 0o777, 0o600);
        socket.listen(1)?;
        UnixConnector::new(&path).connect().await?;
        Ok(())
    }

    /// Only root can become another user to try; the test of the modes above covers other users.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_mode_decides_which_users_may_connect() -> io::Result<()> {
        use std::os::unix::process::CommandExt as _;
        use std::process::Command;

        if rustix::process::geteuid().is_root() {
            let directory = Directory::new()?;
            fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o755))?;
            let path = directory.socket();
            for (mode, connects) in [(None, false), (Some(0o660), false), (Some(0o666), true)] {
                let _listener = match mode {
                    None => UnixListener::bind(&path).await?,
                    Some(mode) => UnixListener::bind_with_mode(&path, mode).await?,
                };
                // `test -w` checks the permission that connecting requires.
                let asked = Command::new("/bin/sh")
                    .args(["-c", "test -w \"$0\""])
                    .arg(&path)
                    .uid(65534)
                    .gid(65534)
                    .status()?;
                assert_eq!(asked.success(), connects, "{mode:?}");
            }
        }
        Ok(())
    }

    #[cfg(target_os = "linux")] // other systems refuse
    #[tokio::test]
    async fn connecting_waits_while_the_backlog_is_full() -> io::Result<()> {
        let directory = Directory::new()?;
        let path = directory.socket();
        let socket = UnixSocket::new_stream()?;
        socket.bind(&path)?;
        let listener = socket.listen(1)?;
        let connector = UnixConnector::new(&path);
        let mut waiting = Vec::new();
        while let Ok(stream) = UnixStream::connect(&path).await {
            waiting.push(stream);
        }
        let accept = async {
            sleep(Duration::from_millis(20)).await;
            listener.accept().await
        };
        tokio::try_join!(connector.connect(), accept)?;
        Ok(())
    }
}
