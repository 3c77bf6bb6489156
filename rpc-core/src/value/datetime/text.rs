//! Formatting of a date and time by hand: the standard formatter takes longer than all other
//! processing of a date.

use super::DateTime;

/// A buffer for the text of a date and time.
pub(super) struct DateTimeBuffer {
    bytes: [u8; Self::LONGEST.len()],
    len: usize,
}

impl DateTimeBuffer {
    const LONGEST: &str = "9999-12-31T23:59:60.999999999+23:59";

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn two_digits(&mut self, number: u8) {
        self.push(&[b'0' + number / 10, b'0' + number % 10]);
    }

    pub(super) fn as_str(&self) -> &str {
        // The text is ASCII, so this cannot fail.
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl DateTime {
    /// Returns its text, with `dash` between the parts of the date.
    pub(super) fn text(self, dash: &str) -> DateTimeBuffer {
        let mut text = DateTimeBuffer {
            bytes: [0; DateTimeBuffer::LONGEST.len()],
            len: 0,
        };
        text.push(&[
            b'0' + (self.year / 1000) as u8,
            b'0' + (self.year / 100 % 10) as u8,
        ]);
        text.two_digits((self.year % 100) as u8);
        text.push(dash.as_bytes());
        text.two_digits(self.month);
        text.push(dash.as_bytes());
        text.two_digits(self.day);
        text.push(b"T");
        text.two_digits(self.hour);
        text.push(b":");
        text.two_digits(self.minute);
        text.push(b":");
        text.two_digits(self.second);
        if self.nanosecond != 0 {
            text.push(b".");
            let mut rest = self.nanosecond;
            let mut unit = 100_000_000;
            while rest != 0 {
                text.push(&[b'0' + (rest / unit) as u8]);
                rest %= unit;
                unit /= 10;
            }
        }
        match self.offset {
            None => {}
            Some(0) => text.push(b"Z"),
            Some(offset) => {
                let minutes = offset.unsigned_abs();
                text.push(if offset < 0 { b"-" } else { b"+" });
                text.two_digits((minutes / 60) as u8);
                text.push(b":");
                text.two_digits((minutes % 60) as u8);
            }
        }
        text
    }
}
