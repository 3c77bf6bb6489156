//! One end of a session that means no good: it says what an input says, in messages of its own making.

mod message;
mod peer;
mod workshop;

use std::time::Duration;

use arbitrary::Arbitrary;
use conn::rpc::Options;

pub use message::{Message, State};
pub use peer::Peer;
pub use workshop::{Workshop, WorkshopApi};

/// What the hostile end does.
#[derive(Arbitrary, Debug)]
pub enum Act<'a> {
    /// Sends a message.
    Say(Message<'a>),
    /// Sends bytes that are no frame.
    Bytes(&'a [u8]),
    /// Reads what came. Until then the other end may be kept from writing.
    Take,
    /// Lets so many milliseconds pass.
    Wait(u16),
    /// Breaks the connection, and makes another.
    Cut {
        /// Whether the session is to go on.
        resume: bool,
    },
}

/// The limits of the end that is tried. All are small, so that they are met.
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
    /// As the options of that end.
    pub fn options(self) -> Options {
        Options::default()
            .max_calls(self.calls().into())
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

/// Longer than anything takes that ends: keepalives, leases, attempts to connect. In simulated time.
pub const LONG: Duration = Duration::from_secs(3600);
