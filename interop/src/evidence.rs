//! Recorded bytes that prove a defect to be the peer's and not ours.

use anyhow::{Result, ensure};

/// Bytes that a peer sent or received while it showed a defect.
///
/// A value that comes back changed from an echo may have been changed by either side. These bytes
/// decide: either the peer sent something wrong, or it received the right bytes and misread them.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    wrote: &'static [&'static str],
    never_wrote: &'static [&'static str],
    was_given: &'static [&'static str],
}

impl Evidence {
    /// Creates evidence of bytes that the peer sent, all of which must occur.
    #[must_use]
    pub const fn wrote(bytes: &'static [&'static str]) -> Self {
        Self {
            wrote: bytes,
            never_wrote: &[],
            was_given: &[],
        }
    }

    /// Adds bytes that the peer received.
    #[must_use]
    pub const fn was_given(mut self, bytes: &'static [&'static str]) -> Self {
        self.was_given = bytes;
        self
    }

    /// Adds bytes that the peer should have sent, but did not.
    #[must_use]
    pub const fn never_wrote(mut self, bytes: &'static [&'static str]) -> Self {
        self.never_wrote = bytes;
        self
    }

    /// Checks the evidence against the recorded bytes.
    ///
    /// # Errors
    /// With the first part that does not match.
    pub(crate) fn check(&self, wrote: &[u8], given: &[u8]) -> Result<()> {
        for &part in self.wrote {
            ensure!(has(wrote, part), "the peer never wrote {part:?}");
        }
        for &part in self.never_wrote {
            ensure!(!has(wrote, part), "the peer wrote {part:?}");
        }
        for &part in self.was_given {
            ensure!(has(given, part), "the peer was never given {part:?}");
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
    fn each_part_is_looked_for() {
        let evidence = Evidence::wrote(&["3.14"])
            .never_wrote(&["3.1416"])
            .was_given(&["pi"]);
        let shows = |wrote: &str, given: &str| {
            let result = evidence.check(wrote.as_bytes(), given.as_bytes());
            result.err().map(|error| error.to_string())
        };
        assert_eq!(shows("<double>3.14</double>", "pi"), None);
        for (wrote, given, why) in [
            ("3.15", "pi", "the peer never wrote \"3.14\""),
            ("3.1416", "pi", "the peer wrote \"3.1416\""),
            ("3.14", "tau", "the peer was never given \"pi\""),
        ] {
            assert_eq!(shows(wrote, given).as_deref(), Some(why));
        }
    }
}
