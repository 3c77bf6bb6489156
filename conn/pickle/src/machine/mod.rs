//! The pickle machine: it runs the opcodes of a pickle.
//!
//! It only builds nodes: it records the calls that the pickle asks for, and never makes them. It
//! takes one step per opcode, without recursion, and no step takes more memory than a few times the
//! bytes of its opcode.

mod instances;
mod known_calls;
mod text_forms;

use super::error::{Error, ErrorKind};
use super::memo::Memo;
use super::nodes::{Bits, Chain, Data, Id, NONE, Node, NodeArena, Span};
use super::opcode;
use super::opcode_reader::{LengthOf, OpcodeReader, int_of, is_surrogatepass};
use super::value_counter::ValueCounter;

/// Newest supported protocol.
const NEWEST: u8 = 5;

/// Runs a pickle. Returns all nodes, and the index of the node that is its value.
pub(super) fn run(message: &[u8], max_values: usize) -> Result<(NodeArena<'_>, Id), Error> {
    if u32::try_from(message.len()).is_err() {
        let text = "the pickle is larger than 4 GiB";
        return Err(Error::new(ErrorKind::Limit, 0, text));
    }
    let mut machine = Machine {
        arena: NodeArena::new(message),
        input: OpcodeReader::new(message),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Memo::default(),
        counter: ValueCounter::new(max_values, message),
        python2_names: false,
    };
    machine.start()?;
    while machine.step()? {}
    let root = machine.finish()?;
    Ok((machine.arena, root))
}

pub(super) struct Machine<'m> {
    pub(super) arena: NodeArena<'m>,
    input: OpcodeReader<'m>,
    stack: Vec<Id>,
    /// Height of the stack at each MARK.
    marks: Vec<u32>,
    memo: Memo,
    counter: ValueCounter,
    python2_names: bool,
}

impl<'m> Machine<'m> {
    fn start(&mut self) -> Result<(), Error> {
        if !self.input.starts_with(opcode::PROTO) {
            // Protocols 0 and 1 start with the first value.
            self.python2_names = true;
            return Ok(());
        }
        self.input.byte()?;
        let protocol = self.input.byte()?;
        if protocol > NEWEST {
            let text = format!("protocol {protocol} is not supported, only 0 to {NEWEST}");
            return Err(self.error(ErrorKind::Encoding, text));
        }
        self.python2_names = protocol <= 2;
        Ok(())
    }

    /// Runs the next opcode. Returns `false` after STOP.
    fn step(&mut self) -> Result<bool, Error> {
        let opcode = self.input.opcode()?;
        match opcode {
            opcode::STOP => return Ok(false),
            opcode::FRAME => self.input.frame()?,

            opcode::NONE => self.push(Data::None)?,
            opcode::NEWTRUE => self.push(Data::Bool(true))?,
            opcode::NEWFALSE => self.push(Data::Bool(false))?,
            opcode::BININT => {
                let number = i32::from_le_bytes(self.input.array()?);
                self.int(number.into())?;
            }
            opcode::BININT1 => {
                let number = self.input.byte()?;
                self.int(number.into())?;
            }
            opcode::BININT2 => {
                let number = u16::from_le_bytes(self.input.array()?);
                self.int(number.into())?;
            }
            opcode::INT => self.decimal()?,
            opcode::LONG => self.decimal_long()?,
            opcode::FLOAT => self.decimal_float()?,
            opcode::UNICODE => self.escaped_text()?,
            opcode::LONG1 => self.long(LengthOf::U8)?,
            opcode::LONG4 => self.long(LengthOf::I32)?,
            opcode::BINFLOAT => {
                let bits = u64::from_be_bytes(self.input.array()?);
                self.push(Data::Float(Bits::of(bits)))?;
            }

            opcode::SHORT_BINUNICODE => self.text(LengthOf::U8)?,
            opcode::BINUNICODE => self.text(LengthOf::U32)?,
            opcode::BINUNICODE8 => self.text(LengthOf::U64)?,
            opcode::SHORT_BINBYTES => self.bytes(LengthOf::U8)?,
            opcode::BINBYTES => self.bytes(LengthOf::U32)?,
            opcode::BINBYTES8 => self.bytes(LengthOf::U64)?,
            opcode::BYTEARRAY8 => {
                let span = self.input.span(LengthOf::U64)?;
                self.push(Data::ByteArray(span))?;
            }
            opcode::SHORT_BINSTRING => self.python2_str(LengthOf::U8)?,
            opcode::BINSTRING => self.python2_str(LengthOf::I32)?,

            opcode::EMPTY_LIST => self.push(Data::List(Chain::EMPTY))?,
            opcode::EMPTY_DICT => self.push(Data::Dict(Chain::EMPTY))?,
            opcode::EMPTY_SET => self.push(Data::Set(Chain::EMPTY))?,
            opcode::EMPTY_TUPLE => self.push(Data::Tuple(Span::default()))?,
            opcode::TUPLE1 => self.tuple(1)?,
            opcode::TUPLE2 => self.tuple(2)?,
            opcode::TUPLE3 => self.tuple(3)?,
            opcode::TUPLE => self.collect(|arena, ids| Data::Tuple(arena.pool(ids)))?,
            opcode::FROZENSET => self.collect(|arena, ids| Data::FrozenSet(arena.pool(ids)))?,
            opcode::LIST => {
                self.collect(|arena, ids| Data::List(arena.extend(Chain::EMPTY, ids)))?;
            }
            opcode::DICT => {
                self.expect_pairs()?;
                self.collect(|arena, ids| Data::Dict(arena.extend(Chain::EMPTY, ids)))?;
            }

            opcode::APPEND => self.add(opcode, 1)?,
            opcode::SETITEM => self.add(opcode, 2)?,
            opcode::APPENDS | opcode::ADDITEMS => {
                let count = self.pop_mark()?;
                self.add(opcode, count)?;
            }
            opcode::SETITEMS => {
                self.expect_pairs()?;
                let count = self.pop_mark()?;
                self.add(opcode, count)?;
            }

            opcode::GLOBAL => self.global()?,
            opcode::STACK_GLOBAL => self.stack_global()?,
            opcode::REDUCE | opcode::NEWOBJ => {
                let args = self.pop()?;
                let callable = self.pop()?;
                self.object(callable, args, NONE, opcode == opcode::REDUCE)?;
            }
            opcode::NEWOBJ_EX => {
                let kwargs = self.pop()?;
                let args = self.pop()?;
                let class = self.pop()?;
                self.object(class, args, kwargs, false)?;
            }
            opcode::BUILD => self.build()?,

            opcode::MARK => self.marks.push(self.stack.len() as u32),
            opcode::POP => {
                if self.marks.last() == Some(&(self.stack.len() as u32)) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            opcode::POP_MARK => {
                let count = self.pop_mark()?;
                self.stack.truncate(self.stack.len() - count);
            }
            opcode::DUP => {
                self.charge(1)?;
                let id = self.top()?;
                self.arena.share(id);
                self.stack.push(id);
            }

            opcode::MEMOIZE => self.put(self.memo.count())?,
            opcode::BINPUT => {
                let number = self.input.byte()?;
                self.put(number.into())?;
            }
            opcode::LONG_BINPUT => {
                let number = u32::from_le_bytes(self.input.array()?);
                self.put(number)?;
            }
            opcode::PUT => {
                let number = self.input.number()?;
                self.put(number)?;
            }
            opcode::BINGET => {
                let number = self.input.byte()?;
                self.get(number.into())?;
            }
            opcode::LONG_BINGET => {
                let number = u32::from_le_bytes(self.input.array()?);
                self.get(number)?;
            }
            opcode::GET => {
                let number = self.input.number()?;
                self.get(number)?;
            }

            other => return Err(self.unsupported(other)),
        }
        Ok(true)
    }

    fn finish(&mut self) -> Result<Id, Error> {
        let root = self.pop()?;
        if !self.stack.is_empty() || !self.marks.is_empty() {
            return Err(self.syntax("more than one value is left at the end of the pickle"));
        }
        self.input.expect_end()?;
        Ok(root)
    }

    fn unsupported(&self, opcode: u8) -> Error {
        let (Some(name), Some(why)) = (opcode::name(opcode), opcode::unsupported_feature(opcode))
        else {
            return self.syntax(format!("there is no opcode 0x{opcode:02x}"));
        };
        let text = format!("{name} is not supported: the pickle {why}");
        self.error(ErrorKind::Structure, text)
    }
}

// Values.
impl<'m> Machine<'m> {
    pub(super) fn push(&mut self, data: Data) -> Result<(), Error> {
        let id = self.node(data)?;
        self.stack.push(id);
        Ok(())
    }

    fn node(&mut self, data: Data) -> Result<Id, Error> {
        self.charge(1)?;
        let id = self.arena.nodes.len() as Id;
        self.arena.nodes.push(Node {
            at: self.input.opcode_at() as u32,
            data,
        });
        Ok(id)
    }

    /// Counts values. Returns an error if they exceed the limit.
    pub(super) fn charge(&self, values: usize) -> Result<(), Error> {
        self.allow(self.counter.add_values(values))
    }

    /// Returns an error, unless `allowed`: the limit of values is exceeded.
    fn allow(&self, allowed: bool) -> Result<(), Error> {
        if allowed {
            return Ok(());
        }
        let max = self.counter.max_values();
        let text = format!("the pickle has more than {max} values");
        Err(self.error(ErrorKind::Limit, text))
    }

    /// Returns the text of the node, if it is a text. Its bytes are counted: a pickle can use a
    /// long text very often.
    pub(super) fn text_of(&self, id: Id) -> Result<Option<&str>, Error> {
        match self.arena.data(id) {
            Data::Str(span) => {
                self.allow(self.counter.add_bytes(span.len as usize))?;
                Ok(Some(self.arena.text(span)))
            }
            _ => Ok(None),
        }
    }

    /// Returns the text of the node, if it is a text in the message.
    pub(super) fn message_text_of(&self, id: Id) -> Result<Option<&'m str>, Error> {
        match (self.text_of(id)?, self.arena.data(id)) {
            (Some(_), Data::Str(span)) => Ok(self.arena.message_text(span)),
            _ => Ok(None),
        }
    }

    fn int(&mut self, number: i64) -> Result<(), Error> {
        self.push(Data::Int(Bits::of(number as u64)))
    }

    fn long(&mut self, length: LengthOf) -> Result<(), Error> {
        let span = self.input.span(length)?;
        let bytes = self.arena.bytes(span);
        match int_of(bytes) {
            Some(number) => self.int(number),
            None => self.push(Data::Long(span)),
        }
    }

    fn text(&mut self, length: LengthOf) -> Result<(), Error> {
        let span = self.input.span(length)?;
        let bytes = self.arena.bytes(span);
        if std::str::from_utf8(bytes).is_ok() {
            self.push(Data::Str(span))
        } else if is_surrogatepass(bytes) {
            self.push(Data::Surrogates(span))
        } else {
            Err(self.error(ErrorKind::Character, "the text is not UTF-8"))
        }
    }

    fn bytes(&mut self, length: LengthOf) -> Result<(), Error> {
        let span = self.input.span(length)?;
        self.push(Data::Bytes(span))
    }

    fn python2_str(&mut self, length: LengthOf) -> Result<(), Error> {
        let span = self.input.span(length)?;
        let is_text = std::str::from_utf8(self.arena.bytes(span)).is_ok();
        self.push(if is_text {
            Data::Str(span)
        } else {
            Data::Bytes(span)
        })
    }

    fn tuple(&mut self, len: usize) -> Result<(), Error> {
        let start = self.height_below(len)?;
        let span = self.arena.pool(&self.stack[start..]);
        self.stack.truncate(start);
        self.push(Data::Tuple(span))
    }

    /// Replaces all values since the last mark by one value that contains them.
    fn collect(&mut self, make: fn(&mut NodeArena<'m>, &[Id]) -> Data) -> Result<(), Error> {
        let start = self.stack.len() - self.pop_mark()?;
        let data = make(&mut self.arena, &self.stack[start..]);
        self.stack.truncate(start);
        self.push(data)
    }

    /// Moves `count` values from the stack into the container below them.
    fn add(&mut self, opcode: u8, count: usize) -> Result<(), Error> {
        let start = self.height_below(count)?;
        let target = match start.checked_sub(1) {
            Some(below) if below as u32 >= self.stack_floor() => self.stack[below],
            _ => return Err(self.underflow()),
        };
        let added = &self.stack[start..];
        let node = target as usize;
        match (opcode, self.arena.nodes[node].data) {
            (opcode::APPEND | opcode::APPENDS, Data::List(chain)) => {
                self.arena.nodes[node].data = Data::List(self.arena.extend(chain, added));
            }
            (opcode::SETITEM | opcode::SETITEMS, Data::Dict(chain)) => {
                self.arena.nodes[node].data = Data::Dict(self.arena.extend(chain, added));
            }
            (opcode::ADDITEMS, Data::Set(chain)) => {
                self.arena.nodes[node].data = Data::Set(self.arena.extend(chain, added));
            }
            (opcode::APPEND | opcode::APPENDS, Data::Object(index)) => {
                let chain = self.arena.objects[index as usize].items;
                self.arena.objects[index as usize].items = self.arena.extend(chain, added);
            }
            (opcode::SETITEM | opcode::SETITEMS, Data::Object(index)) => {
                let chain = self.arena.objects[index as usize].entries;
                self.arena.objects[index as usize].entries = self.arena.extend(chain, added);
            }
            _ => {
                let name = opcode::name(opcode).unwrap_or_default();
                let found = self.arena.describe(target);
                return Err(self.structure(format!("{name} cannot add to {found}")));
            }
        }
        self.stack.truncate(start);
        Ok(())
    }
}

// The stack and the memo.
impl Machine<'_> {
    /// Returns the height of the stack at the last mark. Opcodes cannot use the values below it.
    fn stack_floor(&self) -> u32 {
        self.marks.last().copied().unwrap_or(0)
    }

    /// Returns the height of the stack below its top `values`.
    fn height_below(&self, values: usize) -> Result<usize, Error> {
        match self.stack.len().checked_sub(values) {
            Some(height) if height as u32 >= self.stack_floor() => Ok(height),
            _ => Err(self.underflow()),
        }
    }

    fn top(&self) -> Result<Id, Error> {
        let top = self.height_below(1)?;
        Ok(self.stack[top])
    }

    fn pop(&mut self) -> Result<Id, Error> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Removes the last mark. Returns the number of values after it.
    fn pop_mark(&mut self) -> Result<usize, Error> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.len() - mark as usize),
            None => Err(self.syntax("the opcode needs a mark, but there is none")),
        }
    }

    /// Returns an error if the number of values after the last mark is odd.
    fn expect_pairs(&self) -> Result<(), Error> {
        if (self.stack.len() - self.stack_floor() as usize).is_multiple_of(2) {
            return Ok(());
        }
        Err(self.structure("a dict has a key without a value"))
    }

    fn put(&mut self, number: u32) -> Result<(), Error> {
        let id = self.top()?;
        self.memo.put(number, id);
        let max = self.counter.max_values();
        if self.memo.count() as usize > max {
            let text = format!("the memo has more than {max} values");
            return Err(self.error(ErrorKind::Limit, text));
        }
        Ok(())
    }

    fn get(&mut self, number: u32) -> Result<(), Error> {
        let Some(id) = self.memo.get(number) else {
            return Err(self.syntax(format!("the memo has no entry {number}")));
        };
        self.arena.share(id);
        self.stack.push(id);
        Ok(())
    }
}

// Errors.
impl Machine<'_> {
    pub(super) fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        self.input.error(kind, message)
    }

    fn syntax(&self, message: impl Into<String>) -> Error {
        self.error(ErrorKind::Syntax, message)
    }

    fn structure(&self, message: impl Into<String>) -> Error {
        self.error(ErrorKind::Structure, message)
    }

    fn underflow(&self) -> Error {
        self.syntax("the stack has fewer values than the opcode needs")
    }
}
