//! Texts of the service within HTML.

use std::fmt::{self, Display, Formatter, Write};

use farcall_core::protocol::output::is_harmless;

/// A text as the content of an element, or of an attribute in double quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

/// A name as people see it: the same, and characters that would hide or reorder others become
/// `\u{…}`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| write(f, character))
    }
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| {
            if is_harmless(character) {
                write(f, character)
            } else {
                write!(f, "{}", character.escape_unicode())
            }
        })
    }
}

fn write(f: &mut Formatter<'_>, character: char) -> fmt::Result {
    match character {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '"' => f.write_str("&quot;"),
        '\'' => f.write_str("&#39;"),
        // HTML has no NUL, and reads a carriage return as a line feed.
        '\0' => f.write_char('\u{fffd}'),
        '\r' => f.write_str("&#13;"),
        other => f.write_char(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        let text = "<a href=\"x\" title='y'>&\0\r";
        let escaped = "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;\u{fffd}&#13;";
        assert_eq!(Escaped(text).to_string(), escaped);
        assert_eq!(Shown("a\u{202e}<").to_string(), "a\\u{202e}&lt;");
    }
}
