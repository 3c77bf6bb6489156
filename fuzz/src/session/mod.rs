//! A hostile peer of a session, whose messages come from the fuzz input.

mod message;
mod peer;
mod workshop;

use std::time::Duration;

use arbitrary::Arbitrary;
use farcall::rpc::SessionOptions;

pub use message::{Message, State};
pub use peer::Peer;
pub use workshop::{Workshop, WorkshopApi};

/// An action of the hostile peer.
#[derive(Arbitrary, Debug)]
pub enum Act<'a> {
    /// Sends a message.
    Send(Message<'a>),
    /// Sends bytes without framing them.
    Bytes(&'a [u8]),
    /// Reads the bytes received so far. Until then the tested side may be blocked in writing.
    Receive,
    /// Waits this number of milliseconds.
    Wait(u16),
    /// Closes the connection, and opens another.
    Cut {
        /// `true` to resume the session.
        resume: bool,
    },
}

/// The limits of the tested side. All are small, so that they are reached.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Limits {
    calls: u8,
    streams: u8,
    objects: u8,
    window: u16,
    backlog: u16,
    causes: bool,
}

impl Limits {
    /// Returns the limits as session options.
    pub fn options(self) -> SessionOptions {
        SessionOptions::default()
            .max_calls_per_session(self.calls().into())
            .max_streams(self.streams().into())
            .max_objects(self.objects().into())
            .window(self.window.into())
            .max_backlog(self.backlog.into())
            .send_causes(self.causes)
    }

    const fn calls(self) -> u8 {
        self.calls % 8 + 1
    }

    const fn streams(self) -> u8 {
        self.streams % 8
    }

    const fn objects(self) -> u8 {
        self.objects % 8
    }
}

/// Simulated time after which everything has completed: keepalives, leases, connection attempts.
pub const LONG: Duration = Duration::from_secs(3600);
