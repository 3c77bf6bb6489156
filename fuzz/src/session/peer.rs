//! The hostile end's connection.

use std::time::Duration;

use conn::frame::{Decoder, Encoder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::timeout;

use super::{Message, State};

/// How long it takes until nothing more can come of what was sent.
const MOMENT: Duration = Duration::from_millis(5);

/// The hostile end of a connection.
#[derive(Debug)]
pub struct Peer {
    stream: DuplexStream,
    decoder: Decoder,
}

impl Peer {
    /// An end of this connection.
    #[must_use]
    pub fn new(stream: DuplexStream) -> Self {
        Self {
            stream,
            decoder: Decoder::new(),
        }
    }

    /// Sends a message, unless the other end takes nothing.
    pub async fn say(&mut self, message: &Message<'_>, state: &mut State) {
        let mut frame = Encoder::new();
        frame.push(&message.bytes(state));
        self.write(frame.unwritten()).await;
    }

    /// Sends bytes, unless the other end takes nothing.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _ = timeout(MOMENT, self.stream.write_all(bytes)).await;
    }

    /// Reads what came, and takes note of what can be referred to.
    pub async fn take(&mut self, state: &mut State) {
        let mut buffer = [0; 4096];
        while let Ok(Ok(count @ 1..)) = timeout(MOMENT, self.stream.read(&mut buffer)).await {
            self.decoder.feed(&buffer[..count]);
            while let Some(message) = self
                .decoder
                .message(usize::MAX)
                .expect("it frames messages")
            {
                notice(message, state);
            }
        }
    }
}

/// Takes note of the objects, and of what the session is resumed by.
fn notice(message: &[u8], state: &mut State) {
    let [kind, rest @ ..] = message else {
        panic!("a message without a byte");
    };
    match *kind {
        0 if rest.len() > 16 => {
            // Behind the name of the protocol and its version.
            state.resumed = rest[8] & 1 != 0;
            // The token is the last field, where there is one.
            let (before, token) = rest.split_at(rest.len() - 16);
            state.token = before.ends_with(&[16]).then(|| token.try_into().unwrap());
        }
        // Calls, results and items: the ids of their objects stand behind a 0 each.
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
