//! Copies of the code of a value, independent of the message around it.

use std::collections::HashMap;

use bytes::Bytes;

use super::scan::{MemoNumber, MemoTable, RawPart, Steps};
use crate::error::{Error, ErrorKind};
use crate::opcode;

/// Maximum length of a value that is copied even if its bytes could be shared with the message, so
/// that a small value does not keep a large message in memory.
const COPIED: usize = 16 * 1024;

/// Maximum nesting of references out of a value: a class refers to its names.
const MAX_INLINED: u8 = 4;

/// The code of a value.
pub(super) struct CopiedCode {
    pub(super) code: Bytes,
    /// Number of its entries in the memo.
    pub(super) memoized: u32,
    pub(super) has_classes: bool,
}

/// Returns the code of a value. Opcodes of the memo that nothing refers to, and of frames, are left
/// out; the others get explicit numbers, counted from 0.
pub(super) fn copied(
    message: &Bytes,
    memo: &MemoTable,
    part: RawPart,
) -> Result<CopiedCode, Error> {
    if let Some(code) = one_opcode(message, part) {
        return Ok(code);
    }
    let mut writer = CopyWriter {
        message,
        memo,
        // Of a value that is shared, nothing is copied unless something is left out.
        out: Vec::with_capacity((part.end - part.start).min(COPIED)),
        // A short pickle can refer to a long text very often.
        room: message.len().saturating_mul(2).saturating_add(1024),
        copied_to: part.start,
        has_gaps: false,
        numbers: HashMap::new(),
        memoized: 0,
        has_classes: false,
    };
    writer.part(part, 0)?;
    let is_shared = !writer.has_gaps && part.end - part.start > COPIED;
    let code = if is_shared {
        message.slice(part.start..part.end)
    } else {
        writer.copy_to(part.end)?;
        Bytes::from(writer.out)
    };
    Ok(CopiedCode {
        code,
        memoized: writer.memoized,
        has_classes: writer.has_classes,
    })
}

/// Returns the code of a value of one opcode: a number, a text or bytes, as most arguments are. It
/// has nothing to leave out or to replace.
fn one_opcode(message: &Bytes, part: RawPart) -> Option<CopiedCode> {
    let opcode = *message.get(part.start)?;
    if part.start != part.last || matches!(opcode, opcode::BINGET | opcode::LONG_BINGET) {
        return None;
    }
    let code = message.get(part.start..part.end)?;
    Some(CopiedCode {
        code: if code.len() > COPIED {
            message.slice_ref(code)
        } else {
            Bytes::copy_from_slice(code)
        },
        memoized: 0,
        has_classes: opcode == opcode::GLOBAL,
    })
}

struct CopyWriter<'m> {
    message: &'m Bytes,
    memo: &'m MemoTable,
    out: Vec<u8>,
    room: usize,
    /// The offset up to which the message was copied.
    copied_to: usize,
    /// `true` if anything was left out or replaced.
    has_gaps: bool,
    /// The new numbers of the definitions that were written.
    numbers: HashMap<usize, u32>,
    memoized: u32,
    has_classes: bool,
}

impl CopyWriter<'_> {
    fn part(&mut self, part: RawPart, nesting: u8) -> Result<(), Error> {
        let memo = self.memo;
        let first_use = memo.uses.partition_point(|usage| usage.at < part.start);
        let uses = memo.uses[first_use..]
            .iter()
            .take_while(|usage| usage.at < part.end);
        // The definitions within the part that are used within it, in order.
        let mut used: Vec<usize> = uses
            .clone()
            .map(|usage| usage.definition)
            .filter(|definition| memo.definitions[*definition].at >= part.start)
            .collect();
        used.sort_unstable();
        used.dedup();
        let (mut used, mut uses) = (used.into_iter().peekable(), uses);
        let mut steps = Steps::new(self.message, part.start);
        while steps.position() < part.end {
            let at = steps.position();
            let (opcode, _) = steps.next()?;
            match opcode {
                opcode::FRAME => self.replace(at, steps.position(), &[])?,
                opcode::MEMOIZE | opcode::BINPUT | opcode::LONG_BINPUT => {
                    let next = used
                        .peek()
                        .map(|definition| memo.definitions[*definition].at);
                    if next == Some(at) {
                        let number = self.memoized;
                        self.memoized += 1;
                        self.numbers.extend(used.next().map(|used| (used, number)));
                        let code = numbered(opcode::LONG_BINPUT, number);
                        self.replace(at, steps.position(), &code)?;
                    } else {
                        self.replace(at, steps.position(), &[])?;
                    }
                }
                opcode::BINGET | opcode::LONG_BINGET => {
                    let Some(usage) = uses.next() else { continue };
                    self.reference(usage.definition, at, steps.position(), nesting)?;
                }
                opcode::STACK_GLOBAL | opcode::GLOBAL => self.has_classes = true,
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes a reference to a definition within the value. One outside of it is replaced by a
    /// copy, if it is a text, a number or a class.
    fn reference(
        &mut self,
        definition: usize,
        at: usize,
        end: usize,
        nesting: u8,
    ) -> Result<(), Error> {
        if let Some(number) = self.numbers.get(&definition) {
            return self.replace(at, end, &numbered(opcode::LONG_BINGET, *number));
        }
        let outside = self.memo.definitions[definition].part;
        let last = self.message.get(outside.last).copied();
        let is_scalar = outside.start == outside.last
            && !matches!(
                last,
                Some(
                    opcode::EMPTY_LIST
                        | opcode::EMPTY_DICT
                        | opcode::EMPTY_SET
                        | opcode::BYTEARRAY8
                )
            );
        if nesting >= MAX_INLINED || !(is_scalar || last == Some(opcode::STACK_GLOBAL)) {
            let text = "values share a part, so they cannot be taken apart";
            return Err(Error::new(ErrorKind::Structure, at, text));
        }
        self.copy_to(at)?;
        self.has_gaps = true;
        self.copied_to = outside.start;
        self.part(outside, nesting + 1)?;
        self.copy_to(outside.end)?;
        self.copied_to = end;
        Ok(())
    }

    /// Writes `code` in place of a range of the message.
    fn replace(&mut self, at: usize, end: usize, code: &[u8]) -> Result<(), Error> {
        self.copy_to(at)?;
        self.has_gaps = true;
        self.copied_to = end;
        self.append(code)
    }

    fn copy_to(&mut self, end: usize) -> Result<(), Error> {
        let message = self.message;
        let start = self.copied_to;
        self.copied_to = end;
        self.append(&message[start..end])
    }

    fn append(&mut self, code: &[u8]) -> Result<(), Error> {
        let Some(room) = self.room.checked_sub(code.len()) else {
            let text = "the pickle contains too many references to its texts and bytes";
            return Err(Error::new(ErrorKind::Limit, self.copied_to, text));
        };
        self.room = room;
        self.out.extend_from_slice(code);
        Ok(())
    }
}

fn numbered(opcode: u8, number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_le_bytes();
    [opcode, a, b, c, d]
}

/// Appends code with memo numbers counted from 0, as code with numbers from `first` on. Returns the
/// number of its entries.
pub(crate) fn relocate(code: &[u8], first: u32, out: &mut Vec<u8>) -> Result<u32, Error> {
    let mut steps = Steps::new(code, 0);
    let (mut copied_to, mut count) = (0, 0);
    while steps.position() < code.len() {
        let at = steps.position();
        let (opcode, number) = steps.next()?;
        if let (opcode::LONG_BINPUT | opcode::LONG_BINGET, MemoNumber::Given(number)) =
            (opcode, number)
        {
            out.extend_from_slice(&code[copied_to..at]);
            out.extend_from_slice(&numbered(opcode, first + number));
            copied_to = steps.position();
            count += u32::from(opcode == opcode::LONG_BINPUT);
        }
    }
    out.extend_from_slice(&code[copied_to..]);
    Ok(count)
}
