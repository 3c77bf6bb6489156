//! Listening sockets with a file: its permissions, its removal, and the files of dead processes.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf, absolute};

use socket2::{Domain, SockAddr, Socket as RawSocket, Type};

use crate::transport::BACKLOG;

/// Opens a listening socket at `path` outside of any event loop, like
/// [`UnixListener::bind_with_mode`](super::UnixListener::bind_with_mode).
pub(crate) fn listen_at(path: &Path, mode: u32) -> io::Result<(SocketFile, StdListener)> {
    let (file, socket) = bind_at(path, mode)?;
    socket.listen(BACKLOG.into())?;
    Ok((file, socket.into()))
}

/// Binds a socket and sets the permissions of its file. It does not listen yet: the system refuses
/// connections.
pub(super) fn bind_at(path: &Path, mode: u32) -> io::Result<(SocketFile, RawSocket)> {
    // The path is made absolute, so that drop finds the file if the working directory changes.
    let path = absolute(path)?;
    let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    let name = SockAddr::unix(&path)?;
    match socket.bind(&name) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_stale(&path)?;
            socket.bind(&name)?;
        }
        other => other?,
    }
    let file = SocketFile::at(path)?;
    fs::set_permissions(&file.path, fs::Permissions::from_mode(mode))?;
    Ok((file, socket))
}

/// Removes the socket file of a dead process from `path`.
fn remove_stale(path: &Path) -> io::Result<()> {
    match try_remove_stale(path) {
        // The owner removed the file meanwhile, as in a restart.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn try_remove_stale(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if !found.file_type().is_socket() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    let probe = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    // Non-blocking, so as not to wait for a server too busy to accept.
    probe.set_nonblocking(true)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
        // A server accepted, is too busy to accept, or may not be contacted.
        _ => return Err(io::ErrorKind::AddrInUse.into()),
    }
    if identity(&found) != identity(&fs::symlink_metadata(path)?) {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    fs::remove_file(path)
}

/// The file of a listening socket, removed on drop unless another has replaced it.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn at(path: PathBuf) -> io::Result<Self> {
        let identity = identity(&fs::symlink_metadata(&path)?);
        Ok(Self { path, identity })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A missing file is not a failure. Any other failure leaves a stale file, which the next
        // bind replaces.
        if let Ok(found) = fs::symlink_metadata(&self.path)
            && identity(&found) == self.identity
        {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The device and inode numbers, which identify a file.
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
