//! Records without data.
//!
//! rustls refuses more than 32 empty records, or 32 updates of keys, one after another. A client
//! accepts any number of session tickets.

use std::io;

/// The maximum number of bytes that a peer may send in records without data, one after another:
/// 128 KiB. A whole handshake takes less, and the tickets and updates of keys after it far less.
const MAX_WITHOUT_DATA: usize = 128 * 1024;

/// The bytes that a peer has sent since the last ones with data, such as session tickets, with
/// which it could keep a connection busy for ever. For authors of protocols.
#[derive(Debug, Default)]
pub struct BytesWithoutData(usize);

impl BytesWithoutData {
    /// Counts received bytes, encrypted.
    ///
    /// # Errors
    /// If they are more than 128 KiB since the last data.
    pub fn add(&mut self, received: usize) -> io::Result<()> {
        self.0 = self.0.saturating_add(received);
        if self.0 <= MAX_WITHOUT_DATA {
            return Ok(());
        }
        let text = "the peer sends too many TLS records without data";
        Err(io::Error::new(io::ErrorKind::InvalidData, text))
    }

    /// Begins to count again, after data was decrypted.
    pub const fn reset(&mut self) {
        self.0 = 0;
    }
}
