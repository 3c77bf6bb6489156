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

impl Plan {
    /// This fault after so many bytes in one direction.
    #[must_use]
    pub fn fault(direction: Direction, after: u64, fault: Fault) -> Self {
        let schedule = Schedule {
            fault: Some((after, fault)),
            ..Schedule::default()
        };
        match direction {
            Direction::Up => Self {
                up: schedule,
                ..Self::default()
            },
            Direction::Down => Self {
                down: schedule,
                ..Self::default()
            },
        }
    }

    /// Both directions at this pace.
    #[must_use]
    pub fn pace(pace: Pace) -> Self {
        let schedule = Schedule { pace, fault: None };
        Self {
            up: schedule.clone(),
            down: schedule,
        }
    }
}

/// One of the two ways through the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What is to happen in one direction. Default: nothing.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// How fast the bytes go.
    pub pace: Pace,
    /// A fault, and how many bytes go before it.
    pub fault: Option<(u64, Fault)>,
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
