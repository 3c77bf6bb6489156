//! Signals by name.

use serde::{Deserialize, Serialize};

/// A signal that a caller can send to a process. Its text form is the name, such as `"TERM"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Signal {
    /// The terminal was closed; for daemons: read the configuration again.
    Hup,
    /// Interrupted at the terminal.
    Int,
    /// Quit, with a core dump.
    Quit,
    /// End at once. It cannot be caught.
    Kill,
    /// For the program to define.
    Usr1,
    /// For the program to define.
    Usr2,
    /// End.
    Term,
    /// Go on after a stop.
    Cont,
    /// Stop. It cannot be caught.
    Stop,
}

impl Signal {
    pub(super) const fn raw(self) -> rustix::process::Signal {
        use rustix::process::Signal as Raw;
        match self {
            Self::Hup => Raw::HUP,
            Self::Int => Raw::INT,
            Self::Quit => Raw::QUIT,
            Self::Kill => Raw::KILL,
            Self::Usr1 => Raw::USR1,
            Self::Usr2 => Raw::USR2,
            Self::Term => Raw::TERM,
            Self::Cont => Raw::CONT,
            Self::Stop => Raw::STOP,
        }
    }
}
