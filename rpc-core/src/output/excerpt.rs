//! The start of what a peer sent, for what is said of it: whole, one message would fill logs and
//! answers.

use std::fmt::{self, Write as _};

/// The most bytes of an excerpt, but for the dots at its end.
pub(super) const LIMIT: usize = 1024;

/// Up to [`LIMIT`] bytes of a text. No more than those are ever written.
pub(crate) fn excerpt(text: impl fmt::Display) -> String {
    let mut excerpt = Excerpt(String::new());
    // It fails where the text is longer.
    let _ = write!(excerpt, "{text}");
    excerpt.0
}

/// The same for a text that is there already.
pub(crate) fn shortened(text: String) -> String {
    match text.len() {
        ..=LIMIT => text,
        _ => excerpt(text),
    }
}

struct Excerpt(String);

impl fmt::Write for Excerpt {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LIMIT - self.0.len();
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|&end| text.is_char_boundary(end));
        self.0.push_str(&text[..end.unwrap_or(0)]);
        self.0.push('…');
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_it_is_too_long() {
        assert_eq!(excerpt("short"), "short");
        let fits = "x".repeat(LIMIT);
        assert_eq!(excerpt(&fits), fits);
        assert_eq!(shortened(fits.clone()), fits);
        assert_eq!(excerpt(fits.clone() + "y"), fits.clone() + "…");
        assert_eq!(shortened(fits.clone() + "y"), fits + "…");
        let wide = "é".repeat(LIMIT);
        assert_eq!(
            excerpt(format_args!("a{wide}{wide}")).len(),
            LIMIT - 1 + '…'.len_utf8()
        );
    }
}
