//! Display of texts that a peer sent, so that they mislead neither a terminal nor a reader of a
//! log.

use std::error::Error;
use std::fmt::{self, Write as _};

use super::excerpt::{LIMIT, start};

/// Displays a text that a peer could influence, and escapes every character that could control a
/// terminal or mislead a reader.
///
/// A name, a fault or a header can contain line breaks, which would forge lines in a log, or
/// sequences that a terminal obeys: they move the cursor, set the title, fill the clipboard.
/// Characters that are not [harmless](is_harmless) are displayed as `\n`, `\u{1b}` and so on. All
/// other text is unchanged, backslashes included, so an escaped character looks the same as a text
/// that contained its escape.
///
/// Farcall's logs and the `farcall` command write all foreign texts this way. Programs that log or
/// print a [`Fault`](crate::Fault) or another error of a call should do the same: their `Display`
/// contains the peer's text unchanged.
///
/// ```
/// use farcall::protocol::output::Foreign;
///
/// let name = "add\nroot logged in \u{1b}[2J";
/// assert_eq!(
///     Foreign::line(name).to_string(),
///     r"add\nroot logged in \u{1b}[2J"
/// );
/// assert_eq!(Foreign::lines("Adds.\r\n\tTwo\u{7}").to_string(), "Adds.\n\tTwo\\u{7}");
/// assert_eq!(Foreign::line("é".repeat(9)).at_most(5).to_string(), "éé…");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Foreign<T> {
    text: T,
    breaks: Breaks,
    limit: usize,
}

/// The treatment of line breaks and tabs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Breaks {
    Escaped,
    Kept,
}

impl<T: fmt::Display> Foreign<T> {
    /// The text on one line: line breaks and tabs are escaped as well.
    pub const fn line(text: T) -> Self {
        Self::new(text, Breaks::Escaped, usize::MAX)
    }

    /// The text with its line breaks and tabs. A carriage return is dropped before a line feed and
    /// escaped elsewhere.
    ///
    /// For texts that are displayed on lines of their own, such as the help of a method.
    pub const fn lines(text: T) -> Self {
        Self::new(text, Breaks::Kept, usize::MAX)
    }

    /// The start of the text on one line, for logs: at most 1,024 bytes, as a peer may send
    /// megabytes, with an ellipsis if it was longer.
    pub const fn excerpt(text: T) -> Self {
        Self::new(text, Breaks::Escaped, LIMIT)
    }

    const fn new(text: T, breaks: Breaks, limit: usize) -> Self {
        Self {
            text,
            breaks,
            limit,
        }
    }

    /// Limits the displayed text to `bytes` bytes, with an ellipsis if it was longer. Default: no
    /// limit, except for an [`excerpt`](Self::excerpt).
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }
}

impl<T: fmt::Display> fmt::Display for Foreign<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut escape = Escape {
            out: f,
            breaks: self.breaks,
            room: self.limit,
            is_full: false,
            pending_return: false,
        };
        match write!(escape, "{}", self.text).and_then(|()| escape.finish()) {
            // This error only stopped the formatting of the rest of the text.
            Err(fmt::Error) if escape.is_full => Ok(()),
            result => result,
        }
    }
}

/// Displays an error and its causes, the nearest first, separated by colons.
///
/// ```
/// use farcall::protocol::output::Causes;
/// use farcall::{CallError, Fault};
///
/// let error = CallError::Fault(Fault::new(7, "no money"));
/// assert_eq!(
///     Causes(&error).to_string(),
///     "the server answered with a fault: fault 7: no money"
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Causes<'a>(
    /// The error.
    pub &'a (dyn Error + 'a),
);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Formats an error as its `Debug` form, which `main`, `unwrap` and `expect` print.
///
/// With `{:?}`, it is the text of the error and of its [causes](Causes), escaped. With `{:#?}`, as
/// of `dbg!`, it is the text of the error and the `Debug` form of its cause, so that no field of a
/// cause is lost.
///
/// ```
/// use farcall::{CallError, Fault};
///
/// let error = CallError::Fault(Fault::new(7, "no money"));
/// assert_eq!(
///     format!("{error:?}"),
///     "the server answered with a fault: fault 7: no money"
/// );
/// assert!(format!("{error:#?}").contains("kind: Application"));
/// ```
///
/// # Errors
/// If the formatter fails.
pub fn debug_error(error: &(dyn Error + 'static), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !f.alternate() {
        return write!(f, "{}", Foreign::line(Causes(error)));
    }
    write!(f, "{}", Foreign::line(error))?;
    match error.source() {
        Some(cause) => write!(f, ": {cause:#?}"),
        None => Ok(()),
    }
}

/// Implements `Debug` for errors by [`debug_error`].
#[doc(hidden)]
#[macro_export]
macro_rules! debug_errors {
    ($($error:ty),+ $(,)?) => {$(
        impl ::std::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::protocol::output::debug_error(self, f)
            }
        }
    )+};
}

/// Returns `true` if a character shows only itself, or a space, and cannot change how the text
/// around it looks.
///
/// All characters are harmless but these:
///
/// - control characters: U+0000 to U+001F, U+007F to U+009F;
/// - the separators of lines and paragraphs, U+2028 and U+2029;
/// - characters that change the direction of the text around them: U+061C, U+200E, U+200F, U+202A
///   to U+202E, U+2066 to U+2069;
/// - invisible characters: U+00AD, U+180E, U+200B, U+2060 to U+206F, U+FEFF, U+FFF9 to U+FFFB, and
///   the tags U+E0000 to U+E007F.
///
/// The two invisible joiners U+200C and U+200D are harmless: words of several languages, and emoji,
/// are spelt with them.
#[must_use]
pub const fn is_harmless(character: char) -> bool {
    !matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

struct Escape<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    breaks: Breaks,
    room: usize,
    is_full: bool,
    /// `true` if the last character was a carriage return, which is written depending on the next.
    pending_return: bool,
}

impl Escape<'_, '_> {
    /// Writes a harmless text, or the part of it that fits and an ellipsis.
    fn push(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.room {
            self.room -= text.len();
            return self.out.write_str(text);
        }
        self.out.write_str(start(text, self.room))?;
        self.room = 0;
        self.out.write_char('…')?;
        self.is_full = true;
        Err(fmt::Error)
    }

    /// Writes the escape of a character that is not harmless.
    fn escape(&mut self, character: char) -> fmt::Result {
        let escaped = character.escape_default();
        if escaped.len() > self.room {
            // Half an escape would be misread.
            self.room = 0;
        }
        let mut buffer = [0; 10];
        let mut length = 0;
        for (slot, character) in buffer.iter_mut().zip(escaped) {
            *slot = character as u8;
            length += 1;
        }
        self.push(std::str::from_utf8(&buffer[..length]).map_err(|_| fmt::Error)?)
    }

    fn finish(&mut self) -> fmt::Result {
        if std::mem::take(&mut self.pending_return) {
            self.escape('\r')
        } else {
            Ok(())
        }
    }
}

impl fmt::Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_full {
            return Err(fmt::Error);
        }
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            if std::mem::take(&mut self.pending_return) && next != '\n' {
                self.escape('\r')?;
            }
            let breaks = self.breaks;
            let is_kept = |character| match character {
                '\n' | '\t' if breaks == Breaks::Kept => true,
                _ => is_harmless(character),
            };
            let kept = rest.find(|character| !is_kept(character));
            let (plain, after) = rest.split_at(kept.unwrap_or(rest.len()));
            self.push(plain)?;
            let mut characters = after.chars();
            match characters.next() {
                Some('\r') if breaks == Breaks::Kept => self.pending_return = true,
                Some(character) => self.escape(character)?,
                None => {}
            }
            rest = characters.as_str();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_control_characters_are_escaped() {
        let line = |text: &str| Foreign::line(text).to_string();
        assert_eq!(line("there is no `é`"), "there is no `é`");
        assert_eq!(line("a\r\n\nb\u{9b}31m"), "a\\r\\n\\nb\\u{9b}31m");
        assert_eq!(line("\n"), "\\n");
        assert_eq!(line(""), "");
        assert_eq!(line("\t\0"), "\\t\\u{0}");
    }

    #[test]
    fn the_debug_form_of_an_error_is_one_escaped_line() {
        let error = crate::CallError::Fault(crate::Fault::new(7, "no\n\u{1b}[2J"));
        let text = "the server answered with a fault: fault 7: no\\n\\u{1b}[2J";
        assert_eq!(format!("{error:?}"), text);
        let all = format!("{error:#?}");
        assert!(all.contains("code: 7") && !all.contains('\u{1b}'), "{all}");
    }

    #[test]
    fn exactly_the_harmless_characters_are_displayed_unchanged() {
        let tags = '\u{dfff0}'..'\u{e0100}';
        for character in ('\0'..'\u{3000}')
            .chain('\u{fe00}'..='\u{ffff}')
            .chain(tags)
        {
            let shown = Foreign::line(character).to_string();
            assert_eq!(shown == character.to_string(), is_harmless(character));
            assert!(shown.chars().all(is_harmless), "{character:?}");
            let shown = Foreign::lines(character).to_string();
            let is_kept = matches!(character, '\n' | '\t') || is_harmless(character);
            assert_eq!(shown == character.to_string(), is_kept, "{character:?}");
        }
        for harmful in
            "\u{1b}\u{7}\u{8}\u{7f}\u{9b}\u{2028}\u{2029}\u{202e}\u{2066}\u{200b}".chars()
        {
            assert!(!is_harmless(harmful), "{harmful:?}");
        }
        for harmless in " aé語🦀\u{301}\u{200d}\u{a0}".chars() {
            assert!(is_harmless(harmless), "{harmless:?}");
        }
    }

    #[test]
    fn lines_keep_line_breaks_and_tabs() {
        let lines = |text: &str| Foreign::lines(text).to_string();
        assert_eq!(lines("a\r\nb\n\n\tc"), "a\nb\n\n\tc");
        assert_eq!(lines("a\rb\r\r\nc\r"), "a\\rb\\r\nc\\r");
        let pieces = format_args!("{}{}{}{}", "a\r", "\nb\r", "", "c\u{1b}");
        assert_eq!(Foreign::lines(pieces).to_string(), "a\nb\\rc\\u{1b}");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let cut = |text: &str, bytes| Foreign::line(text).at_most(bytes).to_string();
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "abc…");
        assert_eq!(cut("aéé", 4), "aé…");
        assert_eq!(cut("a\nb", 2), "a…");
        assert_eq!(cut("a\nb", 3), "a\\n…");
        assert_eq!(cut("a", 0), "…");
        let long = "x".repeat(LIMIT + 1);
        assert_eq!(
            Foreign::excerpt(&long).to_string(),
            long[1..].to_owned() + "…"
        );
        // Text beyond the limit is not even formatted.
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("more\n")?;
                }
            }
        }
        assert_eq!(Foreign::line(Endless).at_most(8).to_string(), "more\\nmo…");
    }

    #[test]
    fn an_error_of_a_writer_is_passed_on() {
        struct Full;
        impl fmt::Write for Full {
            fn write_str(&mut self, _: &str) -> fmt::Result {
                Err(fmt::Error)
            }
        }
        assert!(write!(Full, "{}", Foreign::line("a")).is_err());
    }
}
