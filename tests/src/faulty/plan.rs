//! The faults and the pace of a connection.

use std::time::Duration;

/// The behaviour of the relay for one connection. Default: no fault, no delay.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// For the bytes that the client sends.
    pub up: Schedule,
    /// For the bytes that the server sends.
    pub down: Schedule,
}

impl Plan {
    /// Injects `fault` after `after` bytes in one direction.
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

    /// Forwards both directions at this pace.
    #[must_use]
    pub fn pace(pace: Pace) -> Self {
        let schedule = Schedule { pace, fault: None };
        Self {
            up: schedule.clone(),
            down: schedule,
        }
    }
}

/// A direction through the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// The behaviour for one direction. Default: no fault, no delay.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// The pace of the bytes.
    pub pace: Pace,
    /// The fault and the number of bytes before it.
    pub fault: Option<(u64, Fault)>,
}

/// A fault, injected once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Closes the connection to both peers.
    Close,
    /// Resets the connection to both peers.
    Reset,
    /// Ends the stream to the receiver, while the other direction continues.
    HalfClose,
    /// Forwards nothing more, and keeps the connection open.
    Stall,
    /// Flips this bit of the next byte; later bytes are forwarded unchanged.
    Flip(u8),
}

/// The pace of forwarding.
#[derive(Clone, Debug, Default)]
pub enum Pace {
    /// Forwards bytes as they arrive.
    #[default]
    AtOnce,
    /// Forwards at most this number of bytes at once, each time after a pause: one byte and one
    /// millisecond amount to at most 1000 bytes per second.
    Pieces(usize, Duration),
    /// Forwards pieces and pauses of random size up to these maxima, from this seed. The order and
    /// timing in which each peer receives its bytes differ with each seed.
    Random(u64, usize, Duration),
}
