//! Excerpts of texts that a peer sent: a whole message would fill logs and replies.

use std::fmt::{self, Write as _};

/// The maximum length of an excerpt in bytes, without the ellipsis at its end.
pub(super) const LIMIT: usize = 1024;

/// Returns the first [`LIMIT`] bytes of a text. No more than these are ever written.
pub(crate) fn excerpt(text: impl fmt::Display) -> String {
    let mut excerpt = Excerpt(String::new());
    // Writing fails once the text exceeds the limit.
    let _ = write!(excerpt, "{text}");
    excerpt.0
}

/// Returns [`excerpt`] of a text that is a `String` already.
pub(crate) fn shortened(text: String) -> String {
    match text.len() {
        ..=LIMIT => text,
        _ => excerpt(text),
    }
}

/// Returns the characters that the first `length` bytes of a text contain.
pub(super) fn start(text: &str, length: usize) -> &str {
    let end = (0..=length).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

struct Excerpt(String);

impl fmt::Write for Excerpt {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // A `Display` may ignore the error of an earlier write, and go on.
        let Some(room) = LIMIT.checked_sub(self.0.len()) else {
            return Err(fmt::Error);
        };
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(start(text, room));
        self.0.push('…');
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that goes on after an error.
    struct Stubborn;

    impl fmt::Display for Stubborn {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for text in ["x".repeat(LIMIT).as_str(), "y", "z"] {
                let _ = f.write_str(text);
            }
            Ok(())
        }
    }

    #[test]
    fn a_text_above_the_limit_is_cut() {
        assert_eq!(excerpt("short"), "short");
        let fits = "x".repeat(LIMIT);
        assert_eq!(excerpt(&fits), fits);
        assert_eq!(shortened(fits.clone()), fits);
        assert_eq!(excerpt(fits.clone() + "y"), fits.clone() + "…");
        assert_eq!(shortened(fits.clone() + "y"), fits.clone() + "…");
        assert_eq!(excerpt(Stubborn), fits + "…");
        let wide = "é".repeat(LIMIT);
        assert_eq!(
            excerpt(format_args!("a{wide}{wide}")).len(),
            LIMIT - 1 + '…'.len_utf8()
        );
    }
}
