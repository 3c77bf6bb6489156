//! Recorded bytes that prove a defect to be the peer's and not ours.

use anyhow::{Result, ensure};

/// Bytes that a peer sent or received while it showed a defect.
///
/// An echoed value that differs may have been changed by either side. These bytes prove which one:
/// either the peer sent wrong bytes, or it received the right bytes and misread them.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    sent: &'static [&'static str],
    did_not_send: &'static [&'static str],
    received: &'static [&'static str],
}

impl Evidence {
    /// Creates evidence of bytes that the peer sent, all of which must occur.
    #[must_use]
    pub const fn sent(bytes: &'static [&'static str]) -> Self {
        Self {
            sent: bytes,
            did_not_send: &[],
            received: &[],
        }
    }

    /// Adds bytes that the peer received.
    #[must_use]
    pub const fn received(mut self, bytes: &'static [&'static str]) -> Self {
        self.received = bytes;
        self
    }

    /// Adds bytes that the peer should have sent, but did not.
    #[must_use]
    pub const fn did_not_send(mut self, bytes: &'static [&'static str]) -> Self {
        self.did_not_send = bytes;
        self
    }

    /// Checks the evidence against the recorded bytes.
    ///
    /// # Errors
    /// With the first part that does not match.
    pub(crate) fn check(&self, sent: &[u8], received: &[u8]) -> Result<()> {
        for &part in self.sent {
            ensure!(has(sent, part), "the peer did not send {part:?}");
        }
        for &part in self.did_not_send {
            ensure!(!has(sent, part), "the peer sent {part:?}");
        }
        for &part in self.received {
            ensure!(has(received, part), "the peer did not receive {part:?}");
        }
        Ok(())
    }
}

fn has(bytes: &[u8], part: &str) -> bool {
    bytes
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_checked() {
        let evidence = Evidence::sent(&["3.14"])
            .did_not_send(&["3.1416"])
            .received(&["pi"]);
        let shows = |sent: &str, received: &str| {
            let result = evidence.check(sent.as_bytes(), received.as_bytes());
            result.err().map(|error| error.to_string())
        };
        assert_eq!(shows("<double>3.14</double>", "pi"), None);
        for (sent, received, expected) in [
            ("3.15", "pi", "the peer did not send \"3.14\""),
            ("3.1416", "pi", "the peer sent \"3.1416\""),
            ("3.14", "tau", "the peer did not receive \"pi\""),
        ] {
            assert_eq!(shows(sent, received).as_deref(), Some(expected));
        }
    }
}
