//! The ends of sessions.

use std::io;

use farcall_core::protocol::output::Causes;

use crate::message::ReadError;

/// The reason why reading has ended.
pub(super) enum Ending {
    /// The peer sends nothing more.
    Closed,
    Failed(ReadError),
    Stopped,
    Silent(&'static str),
    Evicted,
    Unwritable(io::Error),
    /// An error of which it is not known what it answers.
    Confused,
}

impl Ending {
    /// The ending of a writer, which ends with an error only.
    pub(super) fn of_write(written: io::Result<()>) -> Self {
        let error = written.err();
        Self::Unwritable(error.unwrap_or_else(|| io::ErrorKind::BrokenPipe.into()))
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Closed => "the peer closed it".to_owned(),
            Self::Failed(error) => Causes(error).to_string(),
            Self::Stopped => "it was stopped".to_owned(),
            Self::Silent(text) => (*text).to_owned(),
            Self::Evicted => "it has held the most memory for the longest".to_owned(),
            Self::Unwritable(error) => error.to_string(),
            Self::Confused => {
                "the peer could not read a request, and does not say which".to_owned()
            }
        }
    }
}
