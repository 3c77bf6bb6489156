//! The connection of the hostile peer.

use std::time::Duration;

use farcall::conn::frame::{Decoder, Encoder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::timeout;

use super::{Message, State};

/// Simulated time after which the tested side has processed everything it received.
const MOMENT: Duration = Duration::from_millis(5);

/// The hostile peer of a connection.
#[derive(Debug)]
pub struct Peer {
    stream: DuplexStream,
    decoder: Decoder,
}

impl Peer {
    /// Creates a peer on this stream.
    #[must_use]
    pub fn new(stream: DuplexStream) -> Self {
        Self {
            stream,
            decoder: Decoder::new(),
        }
    }

    /// Sends a message, unless the tested side does not read it.
    pub async fn send(&mut self, message: &Message<'_>, state: &mut State) {
        let mut frame = Encoder::new();
        frame.push(&message.bytes(state));
        self.write(frame.unwritten()).await;
    }

    /// Sends bytes, unless the tested side does not read them.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _ = timeout(MOMENT, self.stream.write_all(bytes)).await;
    }

    /// Reads all messages received so far, and records the ids in them.
    pub async fn receive(&mut self, state: &mut State) {
        let mut buffer = [0; 4096];
        while let Ok(Ok(count @ 1..)) = timeout(MOMENT, self.stream.read(&mut buffer)).await {
            self.decoder.feed(&buffer[..count]);
            while let Some(message) = self
                .decoder
                .message(usize::MAX)
                .expect("the tested side sends valid frames")
            {
                record_ids(message, state);
            }
        }
    }
}

/// Records the object ids and the resumption token of a message.
fn record_ids(message: &[u8], state: &mut State) {
    let [kind, rest @ ..] = message else {
        panic!("an empty message");
    };
    match *kind {
        0 if rest.len() > 16 => {
            // The flags follow the name of the protocol and its version.
            state.resumed = rest[8] & 1 != 0;
            // The token, if any, is the last field.
            let (before, token) = rest.split_at(rest.len() - 16);
            state.token = before.ends_with(&[16]).then(|| token.try_into().unwrap());
        }
        // Calls, results and items: a 0 precedes the id of each object.
        1 | 2 | 7 => {
            for window in rest.windows(17).filter(|window| window[0] == 0) {
                if state.received.len() < 16 {
                    state.received.push(window[1..].try_into().unwrap());
                }
            }
        }
        _ => {}
    }
}
