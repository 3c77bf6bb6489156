//! Instances of classes.

use super::{Class, Value};

/// An instance, as its pickle describes it: what Python would call to make it, and what it would
/// then add to it. Nothing is ever called here.
///
/// ```
/// use conn::codec::pickle::{Object, Value};
///
/// let error = Object::call("builtins.ValueError").with_args(["no such colour".into()]);
/// assert_eq!(error.class().map(|class| class.name()), Some("ValueError"));
/// assert_eq!(Value::from(error).to_string(), "ValueError('no such colour')");
///
/// let point = Object::new("app.Point").with_state(Value::dict([("x", 1), ("y", 2)]));
/// assert_eq!(point.attribute("y").and_then(Value::as_i64), Some(2));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub(super) construction: Construction,
    pub(super) callable: Value,
    pub(super) args: Vec<Value>,
    pub(super) kwargs: Vec<(Value, Value)>,
    pub(super) items: Vec<Value>,
    pub(super) entries: Vec<(Value, Value)>,
    pub(super) state: Option<Value>,
}

/// How Python makes an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Construction {
    /// By calling the class or function with the arguments: the opcode REDUCE.
    Call,
    /// By the `__new__` of the class with the arguments, without `__init__`: the opcodes NEWOBJ
    /// and NEWOBJ_EX. That is how instances of plain classes are pickled.
    New,
}

impl Object {
    /// An instance made by `class.__new__()`, as those of plain classes are.
    #[must_use]
    pub fn new(class: impl Into<Class>) -> Self {
        Self::of(Construction::New, Value::Class(class.into()))
    }

    /// An instance made by calling a class or function, as exceptions are.
    #[must_use]
    pub fn call(callable: impl Into<Class>) -> Self {
        Self::of(Construction::Call, Value::Class(callable.into()))
    }

    pub(super) const fn of(construction: Construction, callable: Value) -> Self {
        Self {
            construction,
            callable,
            args: Vec::new(),
            kwargs: Vec::new(),
            items: Vec::new(),
            entries: Vec::new(),
            state: None,
        }
    }

    /// The arguments that it is made with. Default: none.
    #[must_use]
    pub fn with_args(mut self, args: impl IntoIterator<Item = Value>) -> Self {
        self.args = args.into_iter().collect();
        self
    }

    /// The keyword arguments that it is made with. Default: none. Only `__new__` can have them.
    #[must_use]
    pub fn with_kwargs(mut self, kwargs: impl IntoIterator<Item = (Value, Value)>) -> Self {
        self.kwargs = kwargs.into_iter().collect();
        self
    }

    /// What is appended to it, if it is a kind of list. Default: nothing.
    #[must_use]
    pub fn with_items(mut self, items: impl IntoIterator<Item = Value>) -> Self {
        self.items = items.into_iter().collect();
        self
    }

    /// What is set in it, if it is a kind of dict. Default: nothing.
    #[must_use]
    pub fn with_entries(mut self, entries: impl IntoIterator<Item = (Value, Value)>) -> Self {
        self.entries = entries.into_iter().collect();
        self
    }

    /// What is given to its `__setstate__`, or is put into its `__dict__`. Default: nothing.
    #[must_use]
    pub fn with_state(mut self, state: impl Into<Value>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// The class or function that makes it. `None` if that is itself an object, such as a
    /// `functools.partial`.
    #[must_use]
    pub fn class(&self) -> Option<&Class> {
        self.callable.as_class()
    }

    /// What makes it.
    #[must_use]
    pub const fn callable(&self) -> &Value {
        &self.callable
    }

    /// How it is made.
    #[must_use]
    pub const fn construction(&self) -> Construction {
        self.construction
    }

    /// The arguments that it is made with.
    #[must_use]
    pub fn args(&self) -> &[Value] {
        &self.args
    }

    /// The keyword arguments that it is made with.
    #[must_use]
    pub fn kwargs(&self) -> &[(Value, Value)] {
        &self.kwargs
    }

    /// What is appended to it: the elements of a `deque`.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// What is set in it: the entries of an `OrderedDict` or `defaultdict`.
    #[must_use]
    pub fn entries(&self) -> &[(Value, Value)] {
        &self.entries
    }

    /// Its state: most often a dict of its attributes.
    #[must_use]
    pub const fn state(&self) -> Option<&Value> {
        self.state.as_ref()
    }

    /// An attribute of this name in its state, also one in `__slots__`.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        let state = self.state.as_ref()?;
        match state.as_tuple() {
            Some([dict, slots]) => slots.get(name).or_else(|| dict.get(name)),
            _ => state.get(name),
        }
    }
}
