//! Streams in blocking code.

use std::fmt;
use std::iter::FusedIterator;

use farcall_core::CannotBlock;
use farcall_core::protocol::blocking::wait;
use serde::de::DeserializeOwned;

use crate::rpc::{Stream, StreamClosed, StreamError, StreamSender};

/// Iterator over the items of a [`Stream`], returned by [`Stream::into_blocking`]. Each step blocks
/// the thread until the next item arrives, however long that takes.
///
/// Dropping it ends the stream at its source.
///
/// ```no_run
/// # use farcall::rpc::{Client, Stream};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = Client::connect("localhost:7000").wait()?;
/// let lines: Stream<String> = client.call("lines", ("a.txt",))?;
/// for line in lines.into_blocking() {
///     println!("{}", line?);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "an iterator does nothing unless it is used"]
pub struct StreamIter<T> {
    /// `None` once the iteration has ended.
    stream: Option<Stream<T>>,
}

impl<T: DeserializeOwned> Iterator for StreamIter<T> {
    type Item = Result<T, StreamError>;

    /// Waits for the next item. In async code it returns [`StreamError::CannotBlock`], and then
    /// ends: a loop that skips errors would otherwise go on forever.
    fn next(&mut self) -> Option<Self::Item> {
        let item = wait(self.stream.as_mut()?.next());
        if let Ok(None) | Err(_) = &item {
            self.stream = None;
        }
        item.unwrap_or_else(|error| Some(Err(error.into())))
    }
}

impl<T: DeserializeOwned> FusedIterator for StreamIter<T> {}

impl<T> fmt::Debug for StreamIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamIter").finish_non_exhaustive()
    }
}

impl<T> Stream<T> {
    /// Returns a blocking iterator over the items.
    pub const fn into_blocking(self) -> StreamIter<T> {
        StreamIter { stream: Some(self) }
    }
}

impl<T> StreamSender<T> {
    /// Sends an item, and blocks until there is room for it.
    ///
    /// # Errors
    /// If the receiver dropped the stream, or its connection closed; also in async code.
    pub fn send_blocking(&self, item: T) -> Result<(), SendItemError> {
        Ok(wait(self.send(item))??)
    }
}

/// Error of [`StreamSender::send_blocking`]. The item was not sent.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SendItemError {
    /// The receiver dropped the stream, or its connection closed.
    #[error(transparent)]
    Closed(#[from] StreamClosed),
    /// The function was called in async code.
    #[error(transparent)]
    CannotBlock(#[from] CannotBlock),
}

farcall_core::debug_errors!(SendItemError);
