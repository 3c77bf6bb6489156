//! Instances of Python classes.

use super::{Class, Value};

/// An instance, as its pickle describes it: the call by which Python would create it, and the
/// contents that Python would then add. This library never makes the call.
///
/// ```
/// use farcall_pickle::{Object, Value};
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

/// The way in which Python creates an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Construction {
    /// A call of the class or function with the arguments: the opcode REDUCE.
    Call,
    /// A call of the `__new__` of the class with the arguments, without `__init__`: the opcodes
    /// NEWOBJ and NEWOBJ_EX. Instances of plain classes are pickled in this way.
    New,
}

impl Object {
    /// Creates an instance by `class.__new__()`, as for plain classes.
    #[must_use]
    pub fn new(class: impl Into<Class>) -> Self {
        Self::of(Construction::New, Value::Class(class.into()))
    }

    /// Creates an instance by a call of a class or function, as for exceptions.
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

    /// Sets the arguments of the call. Default: none.
    #[must_use]
    pub fn with_args(mut self, args: impl IntoIterator<Item = Value>) -> Self {
        self.args = args.into_iter().collect();
        self
    }

    /// Sets the keyword arguments of the call. Default: none. Only `__new__` can have them.
    #[must_use]
    pub fn with_kwargs(mut self, kwargs: impl IntoIterator<Item = (Value, Value)>) -> Self {
        self.kwargs = kwargs.into_iter().collect();
        self
    }

    /// Sets the elements that are appended to it, if it is a kind of list. Default: none.
    #[must_use]
    pub fn with_items(mut self, items: impl IntoIterator<Item = Value>) -> Self {
        self.items = items.into_iter().collect();
        self
    }

    /// Sets the entries that are set in it, if it is a kind of dict. Default: none.
    #[must_use]
    pub fn with_entries(mut self, entries: impl IntoIterator<Item = (Value, Value)>) -> Self {
        self.entries = entries.into_iter().collect();
        self
    }

    /// Sets the state that is passed to its `__setstate__`, or put into its `__dict__`. Default:
    /// none.
    #[must_use]
    pub fn with_state(mut self, state: impl Into<Value>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// Returns the class or function that creates it. `None` if the callable is itself an object,
    /// such as a `functools.partial`.
    #[must_use]
    pub fn class(&self) -> Option<&Class> {
        self.callable.as_class()
    }

    /// Returns the callable that creates it.
    #[must_use]
    pub const fn callable(&self) -> &Value {
        &self.callable
    }

    /// Returns the way in which it is created.
    #[must_use]
    pub const fn construction(&self) -> Construction {
        self.construction
    }

    /// Returns the arguments of the call.
    #[must_use]
    pub fn args(&self) -> &[Value] {
        &self.args
    }

    /// Returns the keyword arguments of the call.
    #[must_use]
    pub fn kwargs(&self) -> &[(Value, Value)] {
        &self.kwargs
    }

    /// Returns the elements that are appended to it, such as those of a `deque`.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// Returns the entries that are set in it, such as those of an `OrderedDict` or `defaultdict`.
    #[must_use]
    pub fn entries(&self) -> &[(Value, Value)] {
        &self.entries
    }

    /// Returns its state: most often a dict of its attributes.
    #[must_use]
    pub const fn state(&self) -> Option<&Value> {
        self.state.as_ref()
    }

    /// Returns the attribute of this name in its state, including `__slots__`.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        let state = self.state.as_ref()?;
        match state.as_tuple() {
            Some([dict, slots]) => slots.get(name).or_else(|| dict.get(name)),
            _ => state.get(name),
        }
    }
}
