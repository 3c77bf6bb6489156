//! Passing open files and sockets over Unix sockets.
//!
//! The form is that of CPython's `multiprocessing.reduction`: between two frames, one byte with the
//! number of descriptors, which travel beside it (`SCM_RIGHTS`). CPython from 3.14, and on macOS any,
//! waits for the byte `A` in return.
//!
//! A descriptor is taken in one place, where the program asks for it. All other reads leave no room for any, and the
//! system closes what comes beside the bytes they read. So no peer can fill this process with descriptors, or
//! keep its own end of the connection open in here.

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

mod confirmation;

pub(crate) use confirmation::{ConfirmationDecision, Confirmations};

pub(crate) const ACKNOWLEDGEMENT: u8 = b'A';

/// How long is waited for the acknowledgement of a descriptor, where the peer is said to give one
/// ([`Acknowledge::Always`]).
pub(crate) const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a peer that may wait for an acknowledgement is watched for more bytes, which would show that it does not.
pub(crate) const SILENCE_TIMEOUT: Duration = Duration::from_millis(250);

/// What becomes of descriptors that a peer sends over a Unix socket.
///
/// Default: [`Close`](Self::Close). Set it with [`ListenerBuilder::descriptors`](crate::ListenerBuilder::descriptors),
/// [`ClientBuilder::descriptors`](crate::ClientBuilder::descriptors) or
/// [`Connection::set_descriptors`](crate::Connection::set_descriptors).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Descriptors {
    /// The system closes them as the bytes beside them are read: none ever gets into this process.
    #[default]
    Close,
    /// `recv_handle` takes them, each when the program asks for it. Those that it does not ask for are closed as with
    /// [`Close`](Self::Close), and those that wait stay in the system, which counts them against
    /// the open files of the user who sent them.
    ///
    /// Messages are then read one by one, each with two system calls, since a read beyond the end of a message would
    /// drop the descriptors that stand there.
    Receive,
}

/// Whether the receiver of a descriptor confirms it. Both ends must agree: otherwise one waits in vain,
/// or takes the confirmation for a part of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledge {
    /// As Farcall's peers and CPython up to 3.13 on Linux.
    Never,
    /// As CPython from 3.14, and any on macOS. `send_handle` waits 30 seconds for the confirmation, and fails
    /// then; one that comes later does no harm.
    Always,
    /// As the peer does, where the codec is [`Pickle`](crate::Pickle); else as [`Never`](Self::Never).
    ///
    /// `send_handle` waits for nothing: a confirmation that comes is dropped, wherever it stands between the
    /// messages, and shows that the peer confirms. A received descriptor is confirmed
    ///
    /// - if the peer has confirmed one before;
    /// - not if its handshake is that of CPython up to 3.11, or it has ever sent a pickle of a protocol before 5:
    ///   CPython from 3.14 writes protocol 5, those before it 3 or 4;
    /// - if all its pickles had protocol 5, as its interpreter does, where the system (Linux) tells that the process at
    ///   the other end is a `python3.N`: older ones write protocol 5 where the program asks for it. Where nothing
    ///   tells, the peer is watched for 250 ms. More bytes show that it does not wait for
    ///   a confirmation; silence is taken for waiting.
    /// - not without any pickle from it.
    #[default]
    Auto,
}

/// Why a descriptor was not passed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// The connection is not a Unix socket, and no other can pass descriptors.
    #[error("only Unix sockets pass descriptors")]
    NotUnix,
    /// The connection was not told to receive descriptors: see [`Descriptors::Receive`].
    #[error("this connection closes descriptors: it was not told to receive them")]
    NotReceiving,
    /// The peer sent something else: a message, which can be received.
    #[error("the peer sent no descriptor")]
    NoDescriptor,
    /// The peer sent another number of descriptors than it said, or not exactly one, or this process
    /// cannot have more. They are closed.
    #[error(
        "the peer announced {announced} descriptors and {received} were taken, where one was expected"
    )]
    Count {
        /// How many the peer announced.
        announced: u8,
        /// How many were taken: the system closes those beyond the first few.
        received: usize,
    },
    /// The peer did not confirm the descriptor, but sent something else, or nothing for 30 seconds. The connection can
    /// still be used: a confirmation that comes later is dropped.
    #[error("the peer did not acknowledge the descriptor")]
    NotAcknowledged,
    /// The connection broke while sending.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The connection broke while receiving.
    #[error(transparent)]
    Recv(#[from] RecvError),
}

/// What one read gave that has no room for descriptors.
pub(crate) struct BytesRead {
    pub(crate) bytes: usize,
    /// Whether there was no more.
    pub(crate) is_drained: bool,
}

/// Reads from a socket once. The system closes descriptors that stand beside the bytes.
pub(crate) fn receive_bytes(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<BytesRead> {
    let room = buffer.len();
    let mut control = RecvAncillaryBuffer::default();
    let mut buffers = [IoSliceMut::new(buffer)];
    let flags = RecvFlags::empty();
    let received = rustix::net::recvmsg(socket, &mut buffers, &mut control, flags)?;
    // A read ends at the byte that has descriptors, whatever comes behind it.
    let is_truncated = received.flags.contains(ReturnFlags::CTRUNC);
    Ok(BytesRead {
        bytes: received.bytes,
        is_drained: (1..room).contains(&received.bytes) && !is_truncated,
    })
}

/// The next byte of a socket, which is not taken; nothing at the end. Descriptors beside it stay where they are.
pub(crate) fn peek(socket: impl AsFd, flags: RecvFlags) -> io::Result<Option<u8>> {
    let mut byte = [0];
    let flags = flags | RecvFlags::PEEK;
    let (count, _) = retry_on_intr(|| rustix::net::recv(&socket, &mut byte, flags))?;
    Ok((count > 0).then_some(byte[0]))
}

/// One byte of a socket, with what stands beside it.
pub(crate) enum DescriptorRead {
    End,
    /// It stands beside nothing.
    Byte(u8),
    Descriptors {
        announced: u8,
        descriptors: Vec<OwnedFd>,
        /// Whether there were more, or this process cannot have them.
        is_truncated: bool,
    },
}

/// Takes one byte of a socket, and the descriptors beside it.
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
    Ok(DescriptorRead::Descriptors {
        announced: byte[0],
        descriptors,
        is_truncated,
    })
}

/// The one descriptor of a byte that announced so many. Others are closed.
pub(crate) fn expect_one(
    announced: u8,
    mut descriptors: Vec<OwnedFd>,
    is_truncated: bool,
) -> Result<OwnedFd, DescriptorError> {
    let received = descriptors.len();
    match descriptors.pop() {
        Some(handle) if received == 1 && announced == 1 && !is_truncated => Ok(handle),
        _ => Err(DescriptorError::Count {
            announced,
            received,
        }),
    }
}

/// Sends a copy of a descriptor, and the byte it stands beside.
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
