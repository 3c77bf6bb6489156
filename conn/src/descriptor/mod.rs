//! Passing open files and sockets over Unix sockets.
//!
//! The wire format is that of CPython's `multiprocessing.reduction`: between two frames, one byte
//! with the number of descriptors, which travel beside it (`SCM_RIGHTS`). CPython from 3.14, and
//! any CPython on macOS, waits for the byte `A` as confirmation.
//!
//! A descriptor is received in one place only, when the program asks for it. All other reads
//! provide no space for descriptors, and the system closes those beside the bytes they read. So a
//! peer cannot exhaust the descriptors of this process, or keep its own socket open by passing it
//! to this process.

mod confirmation;

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use crate::error::{RecvError, SendError};

pub(crate) use confirmation::{ConfirmationDecision, Confirmations};

pub(crate) const ACKNOWLEDGEMENT: u8 = b'A';

/// Timeout for the confirmation of a descriptor with [`Acknowledge::Always`].
pub(crate) const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Time without further bytes after which a peer is assumed to wait for a confirmation. Bytes
/// within it show that the peer does not wait.
pub(crate) const SILENCE_TIMEOUT: Duration = Duration::from_millis(250);

/// Policy for descriptors that a peer sends over a Unix socket.
///
/// Default: [`Close`](Self::Close). Set it with
/// [`ListenerBuilder::descriptors`](crate::ListenerBuilder::descriptors),
/// [`ConnectionBuilder::descriptors`](crate::ConnectionBuilder::descriptors) or
/// [`Connection::set_descriptors`](crate::Connection::set_descriptors).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Descriptors {
    /// The system closes descriptors when the bytes beside them are read. None enters this process.
    #[default]
    Close,
    /// `recv_handle` receives descriptors, one for each call. Descriptors that the program does not
    /// ask for are closed as with [`Close`](Self::Close). Until then they stay in the system, which
    /// counts them against the open files of the user who sent them.
    ///
    /// Messages are then read one by one, each with two system calls, since a read beyond the end
    /// of a message would drop descriptors that follow it.
    Receive,
}

/// Policy for confirming received descriptors. Both peers must agree: otherwise the sender waits in
/// vain, or takes the confirmation for a part of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledge {
    /// Descriptors are not confirmed, as by Farcall peers, and by CPython up to 3.13 on Linux.
    Never,
    /// Descriptors are confirmed, as by CPython from 3.14, and by any CPython on macOS.
    /// `send_handle` waits for the confirmation and fails after 30 seconds; a later confirmation is
    /// discarded.
    Always,
    /// Descriptors are confirmed if the peer expects it. With codecs other than `Pickle` this is
    /// the same as [`Never`](Self::Never).
    ///
    /// `send_handle` does not wait. A confirmation between two messages is discarded, and shows
    /// that the peer confirms. Received descriptors are handled by the first rule that applies:
    ///
    /// 1. If the peer has confirmed a descriptor, they are confirmed.
    /// 2. If its handshake was that of CPython up to 3.11, or it has ever sent a pickle of a
    ///    protocol before 5, they are not confirmed: CPython from 3.14 writes protocol 5 by
    ///    default, older versions write 3 or 4.
    /// 3. If it has sent no pickle, they are not confirmed.
    /// 4. If all its pickles had protocol 5, its version of Python decides, since older versions
    ///    write protocol 5 on request. On Linux the system reports the process of the peer, and
    ///    `python3.N` is its program. If the version is unknown, the peer is watched for 250 ms:
    ///    further bytes show that it does not wait for a confirmation, and silence counts as
    ///    waiting.
    #[default]
    Auto,
}

/// The error of sending or receiving a descriptor.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// The connection is not a Unix socket. No other transport can pass descriptors.
    #[error("only Unix sockets can pass descriptors")]
    NotUnix,
    /// The connection is not set to receive descriptors: see [`Descriptors::Receive`].
    #[error("the connection closes descriptors; set `Descriptors::Receive` to receive them")]
    NotReceiving,
    /// The peer sent a message instead, which can still be received.
    #[error("the peer sent no descriptor")]
    NoDescriptor,
    /// The peer announced or sent a number of descriptors other than one, or this process is out of
    /// descriptors. The received ones are closed.
    #[error(
        "expected one descriptor, but the peer announced {announced} and {received} were received"
    )]
    Count {
        /// The number that the peer announced.
        announced: u8,
        /// The number that was received. The system closes those that exceed the space of the read.
        received: usize,
    },
    /// The peer did not confirm the descriptor, but sent something else, or nothing for 30 seconds.
    /// The connection can still be used: a later confirmation is discarded.
    #[error("the peer did not confirm the descriptor")]
    NotAcknowledged,
    /// The connection broke while sending.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The connection broke while receiving.
    #[error(transparent)]
    Recv(#[from] RecvError),
}

farcall_core::debug_errors!(DescriptorError);

/// A received descriptor that `recv_handle` has not returned yet.
#[derive(Debug)]
pub(crate) struct PendingDescriptor {
    pub(crate) handle: OwnedFd,
    /// `true` once it is decided whether the descriptor is confirmed.
    pub(crate) is_decided: bool,
}

/// The result of a read without space for descriptors.
pub(crate) struct BytesRead {
    pub(crate) bytes: usize,
    /// `true` if the read emptied the socket.
    pub(crate) is_drained: bool,
}

/// Reads from a socket once. The system closes descriptors beside the bytes.
pub(crate) fn receive_bytes(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<BytesRead> {
    let room = buffer.len();
    let mut control = RecvAncillaryBuffer::default();
    let mut buffers = [IoSliceMut::new(buffer)];
    let flags = RecvFlags::empty();
    let received = rustix::net::recvmsg(socket, &mut buffers, &mut control, flags)?;
    // A read stops at a byte with descriptors, even if more bytes follow.
    let is_truncated = received.flags.contains(ReturnFlags::CTRUNC);
    Ok(BytesRead {
        bytes: received.bytes,
        is_drained: (1..room).contains(&received.bytes) && !is_truncated,
    })
}

/// Returns the next byte of a socket without taking it or the descriptors beside it; `None` at the
/// end of the stream.
pub(crate) fn peek(socket: impl AsFd, flags: RecvFlags) -> io::Result<Option<u8>> {
    let mut byte = [0];
    let flags = flags | RecvFlags::PEEK;
    let (count, _) = retry_on_intr(|| rustix::net::recv(&socket, &mut byte, flags))?;
    Ok((count > 0).then_some(byte[0]))
}

/// The result of reading one byte with the descriptors beside it.
pub(crate) enum DescriptorRead {
    End,
    /// A byte without descriptors.
    Byte(u8),
    Descriptors(ReceivedDescriptors),
}

/// Descriptors beside a byte, which announces their number.
pub(crate) struct ReceivedDescriptors {
    announced: u8,
    descriptors: Vec<OwnedFd>,
    /// `true` if there were more, or this process is out of descriptors.
    is_truncated: bool,
}

/// Takes one byte of a socket and the descriptors beside it.
pub(crate) fn receive_descriptor(socket: impl AsFd) -> io::Result<DescriptorRead> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut buffers = [IoSliceMut::new(&mut byte)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(socket, &mut buffers, &mut control, flags)?;
    if received.bytes == 0 {
        return Ok(DescriptorRead::End);
    }
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    let is_truncated = received.flags.contains(ReturnFlags::CTRUNC);
    if descriptors.is_empty() && !is_truncated {
        return Ok(DescriptorRead::Byte(byte[0]));
    }
    Ok(DescriptorRead::Descriptors(ReceivedDescriptors {
        announced: byte[0],
        descriptors,
        is_truncated,
    }))
}

impl ReceivedDescriptors {
    /// Returns the descriptor, if exactly one was announced and received. Otherwise all are closed.
    pub(crate) fn only(mut self) -> Result<OwnedFd, DescriptorError> {
        let (announced, received) = (self.announced, self.descriptors.len());
        match self.descriptors.pop() {
            Some(handle) if received == 1 && announced == 1 && !self.is_truncated => Ok(handle),
            _ => Err(DescriptorError::Count {
                announced,
                received,
            }),
        }
    }
}

/// Sends a copy of a descriptor, beside a byte with their number.
pub(crate) fn send_descriptor(socket: impl AsFd, handle: impl AsFd) -> io::Result<usize> {
    let handle = [handle.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&handle));
    let count = [IoSlice::new(&[1])];
    Ok(rustix::net::sendmsg(
        socket,
        &count,
        &mut control,
        SendFlags::NOSIGNAL,
    )?)
}
