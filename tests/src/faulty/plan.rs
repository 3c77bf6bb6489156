//! What is to happen to a connection.

use std::time::Duration;

/// What is to happen to one connection. Default: nothing.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// To what the client sends.
    pub up: Schedule,
    /// To what the server sends.
    pub down: Schedule,
}

/// What is to happen in one direction. Default: nothing.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// How fast the bytes go.
    pub pace: Pace,
    /// A fault, and how many bytes go before it.
    pub fault: Option<(u64, Fault)>,
}

impl Schedule {
    /// This fault after so many bytes.
    #[must_use]
    pub fn fault(after: u64, fault: Fault) -> Self {
        Self {
            fault: Some((after, fault)),
            ..Self::default()
        }
    }

    /// All bytes at this pace.
    #[must_use]
    pub fn pace(pace: Pace) -> Self {
        Self { pace, fault: None }
    }
}

/// What happens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The connection is closed to both ends.
    Close,
    /// The connection is reset to both ends.
    Reset,
    /// The receiver reads an end, while the other direction goes on.
    HalfClose,
    /// Nothing more arrives, and the connection stays open.
    Stall,
    /// This bit of the next byte arrives wrong; what follows is as it was.
    Flip(u8),
}

/// How fast bytes go.
#[derive(Clone, Debug, Default)]
pub enum Pace {
    /// As they come.
    #[default]
    AtOnce,
    /// At most so many at once, each time after a pause: one byte and a pause of a millisecond are 1000 bytes
    /// a second at the most.
    Pieces(usize, Duration),
    /// In pieces and after pauses of any size up to these, which this seed decides: what one end waits for comes in
    /// an order, and wakes it at moments, that differ with each seed.
    Random(u64, usize, Duration),
}
