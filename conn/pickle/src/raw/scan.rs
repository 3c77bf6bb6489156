//! Scanner of undecoded pickles: it finds which bytes make up which value.
//!
//! Pickle is a postfix language: the code of a value is one range of the message, from the first
//! opcode of its first part to the opcode that completes it. So a stack of ranges is enough to find
//! the parts of a value, without creating any node.

use super::super::error::{Error, ErrorKind};
use super::super::opcode;
use super::super::opcode_reader::{LengthOf, OpcodeReader};

/// The height of the stack that memory is reserved for: that of most requests of managers.
const STACK: usize = 8;

/// The code of one value: a range of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawPart {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The offset of its last opcode, but for those of the memo and of frames.
    pub(super) last: usize,
}

/// An opcode that puts a value into the memo.
#[derive(Clone, Copy, Debug)]
pub(super) struct Definition {
    pub(super) at: usize,
    /// The code of the value up to then.
    pub(super) part: RawPart,
}

/// An opcode that takes a value from the memo: its offset, and the index of the definition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) at: usize,
    pub(super) definition: usize,
}

/// Effect of an opcode on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Replaces this number of values by one.
    Make(usize),
    /// Replaces all values since the last mark by one.
    Gather,
    /// Adds this number of values to the one below them.
    Add(usize),
    /// Adds all values since the last mark to the one below them.
    AddAll,
    Mark,
    Put,
    Get,
    Frame,
    Stop,
}

/// The numbers of the memo that an opcode uses.
pub(super) enum MemoNumber {
    /// The next one.
    Next,
    Given(u32),
}

/// Reader of opcodes with their arguments, which it skips.
pub(super) struct Steps<'m> {
    input: OpcodeReader<'m>,
}

impl<'m> Steps<'m> {
    pub(super) const fn new(message: &'m [u8], start: usize) -> Self {
        Self {
            input: OpcodeReader::starting_at(message, start),
        }
    }

    pub(super) const fn position(&self) -> usize {
        self.input.position()
    }

    /// Reads an opcode and its argument. Returns the opcode, and its memo number if it has one.
    pub(super) fn next(&mut self) -> Result<(u8, MemoNumber), Error> {
        let opcode = self.input.opcode()?;
        let input = &mut self.input;
        let mut number = MemoNumber::Next;
        match opcode {
            opcode::BININT1 => drop(input.byte()?),
            opcode::BININT2 => drop(input.array::<2>()?),
            opcode::BININT => drop(input.array::<4>()?),
            opcode::BINFLOAT | opcode::FRAME => drop(input.array::<8>()?),
            opcode::LONG1 | opcode::SHORT_BINUNICODE | opcode::SHORT_BINBYTES => {
                input.span(LengthOf::U8)?;
            }
            opcode::BINUNICODE | opcode::BINBYTES => drop(input.span(LengthOf::U32)?),
            opcode::BINUNICODE8 | opcode::BINBYTES8 | opcode::BYTEARRAY8 => {
                input.span(LengthOf::U64)?;
            }
            opcode::LONG4 => drop(input.span(LengthOf::I32)?),
            opcode::GLOBAL => {
                input.line()?;
                input.line()?;
            }
            opcode::INT => drop(input.line()?),
            opcode::BINPUT | opcode::BINGET => number = MemoNumber::Given(input.byte()?.into()),
            opcode::LONG_BINPUT | opcode::LONG_BINGET => {
                number = MemoNumber::Given(u32::from_le_bytes(input.array()?));
            }
            _ => {}
        }
        Ok((opcode, number))
    }

    fn error(&self, kind: ErrorKind, text: &str) -> Error {
        self.input.error(kind, text)
    }
}

/// Returns the effect of an opcode, if values with it can be taken apart.
const fn effect(opcode: u8) -> Option<Effect> {
    Some(match opcode {
        opcode::NONE
        | opcode::NEWTRUE
        | opcode::NEWFALSE
        | opcode::BININT
        | opcode::BININT1
        | opcode::BININT2
        | opcode::INT
        | opcode::LONG1
        | opcode::LONG4
        | opcode::BINFLOAT
        | opcode::SHORT_BINUNICODE
        | opcode::BINUNICODE
        | opcode::BINUNICODE8
        | opcode::SHORT_BINBYTES
        | opcode::BINBYTES
        | opcode::BINBYTES8
        | opcode::BYTEARRAY8
        | opcode::EMPTY_LIST
        | opcode::EMPTY_DICT
        | opcode::EMPTY_SET
        | opcode::EMPTY_TUPLE
        | opcode::GLOBAL => Effect::Make(0),
        opcode::TUPLE1 => Effect::Make(1),
        opcode::TUPLE2 | opcode::STACK_GLOBAL | opcode::REDUCE | opcode::NEWOBJ | opcode::BUILD => {
            Effect::Make(2)
        }
        opcode::TUPLE3 | opcode::NEWOBJ_EX => Effect::Make(3),
        opcode::TUPLE | opcode::FROZENSET | opcode::LIST | opcode::DICT => Effect::Gather,
        opcode::APPEND => Effect::Add(1),
        opcode::SETITEM => Effect::Add(2),
        opcode::APPENDS | opcode::SETITEMS | opcode::ADDITEMS => Effect::AddAll,
        opcode::MARK => Effect::Mark,
        opcode::MEMOIZE | opcode::BINPUT | opcode::LONG_BINPUT => Effect::Put,
        opcode::BINGET | opcode::LONG_BINGET => Effect::Get,
        opcode::FRAME => Effect::Frame,
        opcode::STOP => Effect::Stop,
        _ => return None,
    })
}

/// The memo, as far as taking values apart needs it.
#[derive(Debug, Default)]
pub(super) struct MemoTable {
    /// The latest definition of each number.
    numbers: Vec<Option<usize>>,
    count: u32,
    pub(super) definitions: Vec<Definition>,
    pub(super) uses: Vec<Use>,
}

impl MemoTable {
    /// Records a definition. Returns `false` if its number is far from all others, which no
    /// pickler writes.
    fn define(&mut self, number: &MemoNumber, definition: Definition) -> bool {
        let number = match number {
            MemoNumber::Next => self.count,
            MemoNumber::Given(number) => *number,
        } as usize;
        if number > self.numbers.len() + 16 {
            return false;
        }
        if number >= self.numbers.len() {
            self.numbers.resize(number + 1, None);
        }
        if self.numbers[number]
            .replace(self.definitions.len())
            .is_none()
        {
            self.count += 1;
        }
        self.definitions.push(definition);
        true
    }

    fn find(&self, number: &MemoNumber) -> Option<usize> {
        match number {
            MemoNumber::Given(number) => *self.numbers.get(*number as usize)?,
            MemoNumber::Next => None,
        }
    }
}

/// Machine over the ranges of values.
struct SpanMachine<'m, 't> {
    steps: Steps<'m>,
    stack: Vec<RawPart>,
    /// The height of the stack at each mark, and the offset of the mark.
    marks: Vec<(usize, usize)>,
    /// The memo. Without one, the opcodes of the memo were checked before.
    memo: Option<&'t mut MemoTable>,
    /// Values that the first value of the stack was given.
    added: Vec<RawPart>,
    collects: bool,
    values_left: usize,
}

/// Scans the code of one value that starts at `start` and takes up the rest of the message, or ends
/// with STOP if there is one. Returns the value, and its memo.
pub(super) fn scan(
    message: &[u8],
    start: usize,
    max_values: usize,
) -> Result<(RawPart, MemoTable), Error> {
    let mut memo = MemoTable::default();
    let mut machine = SpanMachine {
        steps: Steps::new(message, start),
        stack: Vec::with_capacity(STACK),
        marks: Vec::new(),
        memo: Some(&mut memo),
        added: Vec::new(),
        collects: false,
        values_left: max_values,
    };
    while machine.steps.position() < message.len() {
        if !machine.step()? {
            break;
        }
    }
    if machine.steps.position() < message.len() {
        let text = "bytes follow the end of the pickle";
        return Err(machine.steps.error(ErrorKind::Syntax, text));
    }
    match machine.stack[..] {
        [root] if machine.marks.is_empty() => Ok((root, memo)),
        _ => Err(machine.syntax("the pickle does not consist of one value")),
    }
}

/// Returns the elements of a tuple, list or set, or the alternating keys and values of a dict. The
/// code was scanned before.
pub(super) fn parts_of(message: &[u8], whole: RawPart) -> Result<Option<Vec<RawPart>>, Error> {
    let first = message.get(whole.start).copied();
    let last = message.get(whole.last).copied();
    let is_tuple = match last {
        Some(opcode::EMPTY_TUPLE) => return Ok(Some(Vec::new())),
        Some(opcode::TUPLE1 | opcode::TUPLE2 | opcode::TUPLE3 | opcode::TUPLE) => true,
        Some(
            opcode::EMPTY_LIST
            | opcode::EMPTY_DICT
            | opcode::EMPTY_SET
            | opcode::APPEND
            | opcode::APPENDS
            | opcode::SETITEM
            | opcode::SETITEMS
            | opcode::ADDITEMS,
        ) if matches!(
            first,
            Some(opcode::EMPTY_LIST | opcode::EMPTY_DICT | opcode::EMPTY_SET)
        ) =>
        {
            false
        }
        _ => return Ok(None),
    };
    let mut machine = SpanMachine {
        steps: Steps::new(message, whole.start),
        stack: Vec::with_capacity(STACK),
        marks: Vec::new(),
        memo: None,
        added: Vec::new(),
        collects: !is_tuple,
        values_left: usize::MAX,
    };
    if is_tuple {
        while machine.steps.position() < whole.last {
            machine.step()?;
        }
        return Ok(Some(machine.stack));
    }
    while machine.steps.position() <= whole.last {
        machine.step()?;
    }
    Ok(Some(machine.added))
}

impl SpanMachine<'_, '_> {
    /// Runs an opcode. Returns `false` after STOP.
    fn step(&mut self) -> Result<bool, Error> {
        let at = self.steps.position();
        let (opcode, number) = self.steps.next()?;
        let end = self.steps.position();
        let Some(effect) = effect(opcode) else {
            let text = "the pickle has an opcode with which values cannot be taken apart";
            return Err(self.steps.error(ErrorKind::Structure, text));
        };
        match effect {
            Effect::Stop => return Ok(false),
            Effect::Frame => {}
            Effect::Mark => {
                self.charge()?;
                self.marks.push((self.stack.len(), at));
            }
            Effect::Make(0) => {
                let part = RawPart {
                    start: at,
                    end,
                    last: at,
                };
                self.push(part)?;
            }
            Effect::Make(count) => {
                let below = self.below(count)?;
                let start = self.stack[below].start;
                self.stack.truncate(below);
                self.push(RawPart {
                    start,
                    end,
                    last: at,
                })?;
            }
            Effect::Gather => {
                let Some((height, start)) = self.marks.pop() else {
                    return Err(self.syntax("the opcode needs a mark, but there is none"));
                };
                self.stack.truncate(height);
                self.push(RawPart {
                    start,
                    end,
                    last: at,
                })?;
            }
            Effect::Add(count) => {
                let height = self.below(count)?;
                self.add(height, at, end)?;
            }
            Effect::AddAll => {
                let Some((height, _)) = self.marks.pop() else {
                    return Err(self.syntax("the opcode needs a mark, but there is none"));
                };
                self.add(height, at, end)?;
            }
            Effect::Put => self.put(at, &number)?,
            Effect::Get => self.get(at, end, &number)?,
        }
        Ok(true)
    }

    fn put(&mut self, at: usize, number: &MemoNumber) -> Result<(), Error> {
        self.charge()?;
        let top = self.below(1)?;
        let part = self.stack[top];
        let Some(memo) = &mut self.memo else {
            return Ok(());
        };
        if !memo.define(number, Definition { at, part }) {
            return Err(self.syntax("the numbers of the memo have large gaps"));
        }
        Ok(())
    }

    fn get(&mut self, at: usize, end: usize, number: &MemoNumber) -> Result<(), Error> {
        if let Some(memo) = &mut self.memo {
            let Some(definition) = memo.find(number) else {
                return Err(self.syntax("the memo has no such entry"));
            };
            memo.uses.push(Use { at, definition });
        }
        self.push(RawPart {
            start: at,
            end,
            last: at,
        })
    }

    fn push(&mut self, part: RawPart) -> Result<(), Error> {
        self.charge()?;
        self.stack.push(part);
        Ok(())
    }

    fn charge(&mut self) -> Result<(), Error> {
        match self.values_left.checked_sub(1) {
            Some(left) => {
                self.values_left = left;
                Ok(())
            }
            None => Err(self
                .steps
                .error(ErrorKind::Limit, "the pickle has too many values")),
        }
    }

    /// Moves all values above `height` into the one below.
    fn add(&mut self, height: usize, at: usize, end: usize) -> Result<(), Error> {
        let floor = self.marks.last().map_or(0, |mark| mark.0);
        let target = match height.checked_sub(1) {
            Some(target) if target >= floor => target,
            _ => return Err(self.underflow()),
        };
        if self.collects && target == 0 {
            self.added.extend_from_slice(&self.stack[height..]);
        }
        self.stack.truncate(height);
        let part = &mut self.stack[target];
        (part.end, part.last) = (end, at);
        Ok(())
    }

    /// Returns the height of the stack below its top `count` values.
    fn below(&self, count: usize) -> Result<usize, Error> {
        let floor = self.marks.last().map_or(0, |mark| mark.0);
        match self.stack.len().checked_sub(count) {
            Some(height) if height >= floor => Ok(height),
            _ => Err(self.underflow()),
        }
    }

    fn underflow(&self) -> Error {
        self.syntax("the stack has fewer values than the opcode needs")
    }

    fn syntax(&self, text: &str) -> Error {
        self.steps.error(ErrorKind::Syntax, text)
    }
}
