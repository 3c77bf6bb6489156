//! The channel between the supervisor and a worker.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;

use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use crate::transport::Socket;

/// The byte that signals readiness, and that accompanies a socket.
pub(super) const BYTE: &[u8; 1] = b"w";

/// Sends a socket over the channel, whose buffer is empty because nothing was sent before.
pub(super) fn send(channel: impl AsFd, socket: &Socket) -> io::Result<()> {
    let descriptor = [match socket {
        Socket::Tcp(socket) => socket.as_fd(),
        Socket::Unix(socket) => socket.as_fd(),
    }];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptor));
    let byte = [IoSlice::new(BYTE)];
    let flags = SendFlags::empty();
    retry_on_intr(|| rustix::net::sendmsg(&channel, &byte, &mut control, flags))?;
    Ok(())
}

/// Receives a socket from the channel.
pub(super) fn receive(channel: impl AsFd) -> io::Result<Socket> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut buffers = [IoSliceMut::new(&mut byte)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    retry_on_intr(|| rustix::net::recvmsg(&channel, &mut buffers, &mut control, flags))?;
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let descriptor: OwnedFd = descriptor.ok_or(io::ErrorKind::InvalidData)?;
    let socket = socket2::Socket::from(descriptor);
    Ok(if socket.local_addr()?.is_unix() {
        Socket::Unix(UnixListener::from(OwnedFd::from(socket)))
    } else {
        Socket::Tcp(TcpListener::from(OwnedFd::from(socket)))
    })
}
