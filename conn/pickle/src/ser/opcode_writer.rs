//! Writer of opcodes.

use crate::error::Error;
use crate::opcode;
use crate::opcode_reader::is_surrogatepass;

/// Appends opcodes and their arguments to a pickle.
pub(super) struct OpcodeWriter<'p>(pub(super) &'p mut Vec<u8>);

impl OpcodeWriter<'_> {
    pub(super) fn push(&mut self, opcode: u8) {
        self.0.push(opcode);
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn since(&self, start: usize) -> &[u8] {
        &self.0[start..]
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    pub(super) fn int(&mut self, number: i64) {
        if let Ok(small) = u8::try_from(number) {
            self.extend(&[opcode::BININT1, small]);
        } else if let Ok(small) = u16::try_from(number) {
            self.prefixed(opcode::BININT2, small.to_le_bytes());
        } else if let Ok(medium) = i32::try_from(number) {
            self.prefixed(opcode::BININT, medium.to_le_bytes());
        } else {
            self.short_long(&number.to_le_bytes());
        }
    }

    /// Writes an integer of any size, in little-endian two's complement.
    pub(super) fn long(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match u8::try_from(bytes.len()) {
            Ok(_) => self.short_long(bytes),
            Err(_) => {
                let len = i32::try_from(bytes.len())
                    .map_err(|_| Error::unrepresentable("an integer is longer than 2 GiB"))?;
                self.prefixed(opcode::LONG4, len.to_le_bytes());
                self.extend(bytes);
            }
        }
        Ok(())
    }

    /// Writes an integer of at most 255 bytes, without redundant sign bytes.
    fn short_long(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        while let [rest @ .., before, last] = bytes {
            let sign = if before & 0x80 == 0 { 0 } else { 0xff };
            if *last != sign {
                break;
            }
            bytes = &bytes[..rest.len() + 1];
        }
        self.extend(&[opcode::LONG1, bytes.len() as u8]);
        self.extend(bytes);
    }

    pub(super) fn float(&mut self, number: f64) {
        self.prefixed(opcode::BINFLOAT, number.to_be_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.unicode(text.as_bytes());
    }

    /// Writes a text with lone surrogates.
    pub(super) fn surrogates(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if !is_surrogatepass(bytes) {
            return Err(Error::unrepresentable(
                "a SurrogateStr is not UTF-8 with surrogates",
            ));
        }
        self.unicode(bytes);
        Ok(())
    }

    fn unicode(&mut self, bytes: &[u8]) {
        self.sized(
            [
                opcode::SHORT_BINUNICODE,
                opcode::BINUNICODE,
                opcode::BINUNICODE8,
            ],
            bytes,
        );
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.sized(
            [opcode::SHORT_BINBYTES, opcode::BINBYTES, opcode::BINBYTES8],
            bytes,
        );
    }

    fn sized(&mut self, [short, medium, long]: [u8; 3], bytes: &[u8]) {
        if let Ok(len) = u8::try_from(bytes.len()) {
            self.extend(&[short, len]);
        } else if let Ok(len) = u32::try_from(bytes.len()) {
            self.prefixed(medium, len.to_le_bytes());
        } else {
            self.prefixed(long, (bytes.len() as u64).to_le_bytes());
        }
        self.extend(bytes);
    }

    /// Writes a reference to the memo entry of this number.
    pub(super) fn memoized(&mut self, number: u32) {
        match u8::try_from(number) {
            Ok(number) => self.extend(&[opcode::BINGET, number]),
            Err(_) => self.prefixed(opcode::LONG_BINGET, number.to_le_bytes()),
        }
    }

    fn prefixed<const N: usize>(&mut self, opcode: u8, bytes: [u8; N]) {
        self.push(opcode);
        self.extend(&bytes);
    }
}
