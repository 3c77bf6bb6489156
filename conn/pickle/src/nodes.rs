//! The values of a pickle, as nodes in an arena that refer to each other by index.
//!
//! Python writes a container before its contents, and may refer to it before it is complete.
//! Indices allow that, and dropping them is not recursive. Texts and bytes stay in the message.
//!
//! The contents of all containers are in one list of indices, the *pool*. A *run* is a range of it
//! that was appended at once. A container that never grows (a tuple) is one run; one that grows is
//! a *chain* of runs, since other containers may have appended to the pool in between.

use std::borrow::Cow;
use std::str;

use num_bigint::BigInt;

use super::error::quoted;

/// Index of a node.
pub(super) type Id = u32;

/// Marks the end of a [`Chain`], and a missing part of an object.
pub(super) const NONE: u32 = u32::MAX;

/// A node, and the offset of the opcode that created it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) at: u32,
    pub(super) data: Data,
}

/// Type and content of a node. Its size is 12 bytes, so that a node takes 16.
#[derive(Clone, Copy, Debug)]
pub(super) enum Data {
    None,
    Bool(bool),
    Int(Bits),
    /// An integer beyond 64 bits: little-endian two's complement.
    Long(Span),
    Float(Bits),
    /// Index in [`NodeArena::complexes`].
    Complex(u32),
    /// Valid UTF-8.
    Str(Span),
    /// UTF-8, except for surrogates, which are encoded as if they were characters.
    Surrogates(Span),
    Bytes(Span),
    ByteArray(Span),
    List(Chain),
    Set(Chain),
    Dict(Chain),
    Tuple(Span),
    FrozenSet(Span),
    /// Index in [`NodeArena::classes`].
    Class(u32),
    /// Index in [`NodeArena::objects`].
    Object(u32),
}

/// 64 bits with the alignment of a `u32`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits([u32; 2]);

impl Bits {
    pub(super) const fn of(bits: u64) -> Self {
        Self([bits as u32, (bits >> 32) as u32])
    }

    pub(super) const fn int(self) -> i64 {
        self.bits() as i64
    }

    pub(super) const fn float(self) -> f64 {
        f64::from_bits(self.bits())
    }

    const fn bits(self) -> u64 {
        (self.0[1] as u64) << 32 | self.0[0] as u64
    }
}

/// A range of the pool, or of the message. Beyond the end of the message, it is a range of the
/// bytes that the arena owns: see [`NodeArena::bytes`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) len: u32,
}

/// The contents of a growing container: the indices of its first and last run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    first: u32,
    last: u32,
}

impl Chain {
    pub(super) const EMPTY: Self = Self {
        first: NONE,
        last: NONE,
    };

    pub(super) const fn is_empty(self) -> bool {
        self.first == NONE
    }
}

/// A run: a range of the pool, and the index of the next run of its chain.
#[derive(Clone, Copy, Debug)]
struct Run {
    span: Span,
    next: u32,
}

/// A class or function.
#[derive(Clone, Debug)]
pub(super) struct ClassNode<'m> {
    pub(super) module: &'m str,
    pub(super) name: Cow<'m, str>,
}

/// An instance. Missing parts are [`NONE`].
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectNode {
    pub(super) callable: Id,
    /// A tuple.
    pub(super) args: Id,
    /// A dict.
    pub(super) kwargs: Id,
    pub(super) state: Id,
    pub(super) items: Chain,
    pub(super) entries: Chain,
    /// `true` if the opcode was REDUCE, `false` if it was NEWOBJ or NEWOBJ_EX.
    pub(super) reduced: bool,
}

/// All nodes of a pickle.
#[derive(Debug)]
pub(super) struct NodeArena<'m> {
    message: &'m [u8],
    /// Bytes that are not in the message. In spans, their offsets start at the length of the
    /// message.
    owned: Vec<u8>,
    pub(super) nodes: Vec<Node>,
    pool: Vec<Id>,
    runs: Vec<Run>,
    pub(super) classes: Vec<ClassNode<'m>>,
    pub(super) objects: Vec<ObjectNode>,
    pub(super) complexes: Vec<[f64; 2]>,
    /// A bit for each node, set if the pickle refers to it more than once.
    shared: Vec<u64>,
    /// `true` if a container is shared. If not, the nodes are a tree.
    pub(super) shares_containers: bool,
}

impl<'m> NodeArena<'m> {
    pub(super) const fn new(message: &'m [u8]) -> Self {
        Self {
            message,
            owned: Vec::new(),
            nodes: Vec::new(),
            pool: Vec::new(),
            runs: Vec::new(),
            classes: Vec::new(),
            objects: Vec::new(),
            complexes: Vec::new(),
            shared: Vec::new(),
            shares_containers: false,
        }
    }

    pub(super) fn data(&self, id: Id) -> Data {
        self.nodes[id as usize].data
    }

    /// Returns the offset, in the message, of the opcode that created the node.
    pub(super) fn at(&self, id: Id) -> usize {
        self.nodes[id as usize].at as usize
    }

    /// Returns the bytes of a span, in the message or among the owned bytes.
    pub(super) fn bytes(&self, span: Span) -> &[u8] {
        let (start, len) = (span.start as usize, span.len as usize);
        match start.checked_sub(self.message.len()) {
            None => &self.message[start..start + len],
            Some(start) => &self.owned[start..start + len],
        }
    }

    /// Returns the text of a [`Data::Str`].
    pub(super) fn text(&self, span: Span) -> &str {
        // The text was checked when the machine read it. Checking it again costs less than the rest
        // of its processing.
        str::from_utf8(self.bytes(span)).unwrap_or_default()
    }

    /// Returns the text of a [`Data::Str`], if it is in the message. All but those of protocol 0
    /// are, which are in another encoding there.
    pub(super) fn message_text(&self, span: Span) -> Option<&'m str> {
        let (start, len) = (span.start as usize, span.len as usize);
        str::from_utf8(self.message.get(start..start + len)?).ok()
    }

    /// Returns the big integer of a [`Data::Long`].
    pub(super) fn long(&self, span: Span) -> BigInt {
        BigInt::from_signed_bytes_le(self.bytes(span))
    }

    /// Stores bytes that are not in the message. Returns `None` if all of these together would be
    /// longer than twice the message. Only a hostile pickle encodes the same text again and again.
    pub(super) fn own(&mut self, bytes: impl ExactSizeIterator<Item = u8>) -> Option<Span> {
        let (start, len) = (self.owned.len(), bytes.len());
        if start + len > self.message.len() * 2 {
            return None;
        }
        self.owned.extend(bytes);
        Some(Span {
            start: u32::try_from(self.message.len() + start).ok()?,
            len: u32::try_from(len).ok()?,
        })
    }

    /// Appends nodes to the pool, and returns their range.
    pub(super) fn pool(&mut self, ids: &[Id]) -> Span {
        let start = self.pool.len() as u32;
        self.pool.extend_from_slice(ids);
        Span {
            start,
            len: ids.len() as u32,
        }
    }

    /// Appends nodes to a chain.
    pub(super) fn extend(&mut self, chain: Chain, ids: &[Id]) -> Chain {
        if ids.is_empty() {
            return chain;
        }
        let span = self.pool(ids);
        if let Some(last) = self.runs.get_mut(chain.last as usize)
            && last.span.start + last.span.len == span.start
        {
            last.span.len += span.len;
            return chain;
        }
        let added = self.runs.len() as u32;
        self.runs.push(Run { span, next: NONE });
        match self.runs.get_mut(chain.last as usize) {
            Some(last) => {
                last.next = added;
                Chain {
                    last: added,
                    ..chain
                }
            }
            None => Chain {
                first: added,
                last: added,
            },
        }
    }

    /// Iterates over the elements of a tuple or frozenset.
    pub(super) fn span(&self, span: Span) -> Ids<'_> {
        self.ids(self.slice(span), NONE)
    }

    /// Iterates over the elements of a list or set, or over the alternating keys and values of a
    /// dict.
    pub(super) fn chain(&self, chain: Chain) -> Ids<'_> {
        self.ids(&[], chain.first)
    }

    /// Iterates over the arguments of an instance.
    pub(super) fn args(&self, object: &ObjectNode) -> Ids<'_> {
        self.ids(self.as_tuple(object.args).unwrap_or_default(), NONE)
    }

    fn ids<'a>(&'a self, current: &'a [Id], next: u32) -> Ids<'a> {
        Ids {
            runs: &self.runs,
            pool: &self.pool,
            current,
            next,
        }
    }

    /// Returns the elements of a tuple.
    pub(super) fn slice(&self, span: Span) -> &[Id] {
        &self.pool[span.start as usize..][..span.len as usize]
    }

    /// Returns the elements of the node, if it is a tuple.
    pub(super) fn as_tuple(&self, id: Id) -> Option<&[Id]> {
        match self.data(id) {
            Data::Tuple(span) => Some(self.slice(span)),
            _ => None,
        }
    }

    /// Returns the contents of the node, if it is a dict.
    pub(super) fn as_dict(&self, id: Id) -> Option<Chain> {
        match self.data(id) {
            Data::Dict(chain) => Some(chain),
            _ => None,
        }
    }

    /// Returns the name of the node, if it is a class or function.
    pub(super) fn as_class(&self, id: Id) -> Option<&ClassNode<'m>> {
        match self.data(id) {
            Data::Class(index) => self.classes.get(index as usize),
            _ => None,
        }
    }

    /// Returns the parts of the state of an instance with slots, `(dict, slots)`, if it has this
    /// form.
    pub(super) fn as_slots(&self, state: Id) -> Option<[Id; 2]> {
        let [first, slots] = *self.as_tuple(state)? else {
            return None;
        };
        let fits = matches!(self.data(first), Data::None | Data::Dict(_))
            && matches!(self.data(slots), Data::Dict(_));
        fits.then_some([first, slots])
    }

    /// Records that the pickle refers to the node once more.
    pub(super) fn share(&mut self, id: Id) {
        self.shares_containers |= self.data(id).is_container();
        let word = id as usize / 64;
        if self.shared.len() <= word {
            self.shared.resize(word + 1, 0);
        }
        self.shared[word] |= 1 << (id % 64);
    }

    /// Returns `true` if the pickle refers to the node more than once.
    pub(super) fn is_shared(&self, id: Id) -> bool {
        let word = self.shared.get(id as usize / 64);
        word.is_some_and(|word| word & 1 << (id % 64) != 0)
    }

    /// Calls `visit` with each node that the node contains.
    pub(super) fn each_part(&self, id: Id, mut visit: impl FnMut(Id)) {
        match self.data(id) {
            Data::List(chain) | Data::Set(chain) | Data::Dict(chain) => {
                self.chain(chain).for_each(visit);
            }
            Data::Tuple(span) | Data::FrozenSet(span) => self.span(span).for_each(visit),
            Data::Object(index) => {
                let object = self.objects[index as usize];
                [object.callable, object.args, object.kwargs, object.state]
                    .into_iter()
                    .filter(|part| *part != NONE)
                    .for_each(&mut visit);
                self.chain(object.items).for_each(&mut visit);
                self.chain(object.entries).for_each(visit);
            }
            _ => {}
        }
    }

    fn class_name(&self, index: u32) -> String {
        let class = &self.classes[index as usize];
        format!("{}.{}", quoted(class.module), quoted(&class.name))
    }

    /// Returns the name of the node in Python, for error messages.
    pub(super) fn describe(&self, id: Id) -> String {
        match self.data(id) {
            Data::Class(index) => format!("the class {}", self.class_name(index)),
            Data::Object(index) => match self.data(self.objects[index as usize].callable) {
                Data::Class(class) => format!("an instance of {}", self.class_name(class)),
                _ => "an object".to_owned(),
            },
            data => data.kind().to_owned(),
        }
    }
}

impl Data {
    /// Returns the name of its type in Python.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Long(_) => "int",
            Self::Float(_) => "float",
            Self::Complex(_) => "complex",
            Self::Str(_) => "str",
            Self::Surrogates(_) => "str with lone surrogates",
            Self::Bytes(_) => "bytes",
            Self::ByteArray(_) => "bytearray",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Dict(_) => "dict",
            Self::Tuple(_) => "tuple",
            Self::FrozenSet(_) => "frozenset",
            Self::Class(_) => "class",
            Self::Object(_) => "object",
        }
    }

    /// Returns `true` if it contains other nodes.
    pub(super) const fn is_container(self) -> bool {
        matches!(
            self,
            Self::List(_)
                | Self::Set(_)
                | Self::Dict(_)
                | Self::Tuple(_)
                | Self::FrozenSet(_)
                | Self::Object(_)
        )
    }
}

/// Iterator over the contents of a container, in their order.
#[derive(Clone, Debug)]
pub(super) struct Ids<'a> {
    runs: &'a [Run],
    pool: &'a [Id],
    current: &'a [Id],
    next: u32,
}

impl Iterator for Ids<'_> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        loop {
            if let Some((first, rest)) = self.current.split_first() {
                self.current = rest;
                return Some(*first);
            }
            let run = self.runs.get(self.next as usize)?;
            self.current = &self.pool[run.span.start as usize..][..run.span.len as usize];
            self.next = run.next;
        }
    }

    /// The lower bound is the rest of the current run: following all runs would cost as much as
    /// reading them.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.current.len(), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_sixteen_bytes() {
        assert_eq!(size_of::<Node>(), 16);
    }

    #[test]
    fn chains_grow_while_others_do() {
        let mut arena = NodeArena::new(b"");
        let (mut a, mut b) = (Chain::EMPTY, Chain::EMPTY);
        a = arena.extend(a, &[1, 2]);
        a = arena.extend(a, &[3]);
        b = arena.extend(b, &[4]);
        a = arena.extend(a, &[5]);
        b = arena.extend(b, &[]);
        assert_eq!(arena.chain(a).collect::<Vec<_>>(), [1, 2, 3, 5]);
        assert_eq!(arena.chain(b).collect::<Vec<_>>(), [4]);
        assert_eq!(arena.runs.len(), 3);
    }
}
