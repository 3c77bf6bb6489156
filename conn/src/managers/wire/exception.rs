//! Exceptions of Python.

use std::error::Error;
use std::fmt;

use farcall_core::{CallError, Fault, FaultKind};
use farcall_pickle::{Class, Object, Value};

/// The attribute that names what caused an exception, and the class of its value here: Python shows
/// its text above the traceback of the exception. A client has imported the class in any case.
const CAUSE: &str = "__cause__";
const CAUSE_CLASS: (&str, &str) = ("multiprocessing.managers", "RemoteError");

/// An exception of Python: its class and arguments, and the place where it was raised.
///
/// A method of a [`Server`](super::super::Server) that returns it as its error raises it in Python.
/// A client gets the exceptions of a manager as faults, with the exception as their source.
///
/// ```
/// use farcall::conn::managers::Exception;
/// use farcall::{Fault, service};
///
/// struct Stock;
///
/// #[service]
/// impl Stock {
///     pub fn take(&self, name: &str, count: u32) -> Result<u32, Exception> {
///         match name {
///             "apple" => Ok(count),
///             name => Err(Exception::new("KeyError").with_args([name.into()])),
///         }
///     }
/// }
///
/// let fault = Fault::from(Exception::new("shop.errors.OutOfStock").with_args(["pear".into()]));
/// assert_eq!(fault.message(), "shop.errors.OutOfStock('pear')");
/// ```
#[derive(Clone, PartialEq)]
pub struct Exception {
    class: Class,
    args: Vec<Value>,
    trace: Option<String>,
}

impl Exception {
    /// Creates an exception of a class without arguments: `KeyError`, `queue.Empty`,
    /// `shop.errors.OutOfStock`. Python must be able to import the class.
    #[must_use]
    pub fn new(class: impl Into<Class>) -> Self {
        Self {
            class: class.into(),
            args: Vec::new(),
            trace: None,
        }
    }

    /// Creates an exception with a text as its only argument.
    #[must_use]
    pub fn with_text(class: impl Into<Class>, text: impl Into<String>) -> Self {
        Self::new(class).with_args([text.into().into()])
    }

    /// Sets the arguments. Default: none.
    #[must_use]
    pub fn with_args(mut self, args: impl IntoIterator<Item = Value>) -> Self {
        self.args = args.into_iter().collect();
        self
    }

    /// Sets a text that tells where and why it was raised, which Python shows above its own
    /// traceback. Default: none; a server adds the object and the method.
    #[must_use]
    pub fn with_trace(mut self, text: impl Into<String>) -> Self {
        self.trace = Some(text.into());
        self
    }

    /// Returns the exception that a call of a manager's object failed with.
    #[must_use]
    pub fn of(error: &CallError) -> Option<&Self> {
        error.fault()?.source()?.downcast_ref()
    }

    /// The class.
    #[must_use]
    pub const fn class(&self) -> &Class {
        &self.class
    }

    /// The arguments.
    #[must_use]
    pub fn args(&self) -> &[Value] {
        &self.args
    }

    /// The text that tells where it was raised.
    #[must_use]
    pub fn trace(&self) -> Option<&str> {
        self.trace.as_deref()
    }

    /// Returns `true` if it is of the class of this name: `KeyError`, `queue.Empty`.
    #[must_use]
    pub fn is(&self, class: &str) -> bool {
        let class = Class::from(class);
        // `_queue` defines the class, `queue` has it too.
        let own = self.class.module().trim_start_matches('_');
        self.class.name() == class.name() && own == class.module().trim_start_matches('_')
    }

    pub(crate) fn to_value(&self) -> Value {
        let exception = Object::call(self.class.clone()).with_args(self.args.iter().cloned());
        match &self.trace {
            None => exception.into(),
            Some(trace) => {
                let cause = Object::call(Class::new(CAUSE_CLASS.0, CAUSE_CLASS.1));
                let cause = Value::from(cause.with_args([format!("{trace}\n").into()]));
                // `BaseException.__setstate__` sets attributes.
                exception.with_state(Value::dict([(CAUSE, cause)])).into()
            }
        }
    }

    /// Returns the exception that a value is, if it looks like one.
    #[allow(dead_code, reason = "clients receive exceptions")]
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let cause = object.attribute(CAUSE).and_then(Value::as_object);
        let cause = cause.filter(|cause| {
            let class = cause.class();
            class.is_some_and(|class| (class.module(), class.name()) == CAUSE_CLASS)
        });
        let text = cause.and_then(|cause| cause.args().first()?.as_str());
        Some(Self {
            class: object.class()?.clone(),
            args: object.args().to_vec(),
            trace: text.map(|text| text.trim_end().to_owned()),
        })
    }

    /// Returns the exception that a fault becomes in Python.
    pub(crate) fn from_fault(fault: &Fault) -> Self {
        let source = fault.source();
        if let Some(exception) = source.and_then(|source| source.downcast_ref::<Self>()) {
            return exception.clone();
        }
        let text = fault.message();
        match fault.kind() {
            FaultKind::InvalidParams | FaultKind::Parse | FaultKind::InvalidRequest => {
                Self::with_text("TypeError", text)
            }
            FaultKind::UnknownMethod => Self::with_text("AttributeError", text),
            FaultKind::DeadlineExceeded => Self::with_text("TimeoutError", text),
            FaultKind::Denied => Self::with_text("PermissionError", text),
            FaultKind::Application => {
                Self::new("RuntimeError").with_args([text.into(), fault.code().into()])
            }
            _ => Self::with_text("RuntimeError", text),
        }
    }
}

/// Returns `true` for the exceptions that programs expect as a matter of course: a text about the
/// server would only make them larger.
pub(crate) fn is_control_flow(exception: &Exception) -> bool {
    let class = exception.class();
    matches!(
        (class.module(), class.name()),
        ("queue" | "_queue", _) | ("builtins", "StopIteration" | "IndexError")
    )
}

/// Formats the exception like Python's `repr`.
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = Object::call(self.class.clone()).with_args(self.args.iter().cloned());
        Value::from(object).fmt(f)
    }
}

impl fmt::Debug for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match &self.trace {
            Some(trace) => write!(f, " ({trace})"),
            None => Ok(()),
        }
    }
}

impl Error for Exception {}

impl From<Exception> for Fault {
    fn from(exception: Exception) -> Self {
        let kind = FaultKind::Application;
        Self::of(kind, exception.to_string()).with_source(exception)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_become_exceptions_and_back() {
        let exception = Exception::new("shop.OutOfStock").with_args([3.into()]);
        let fault = Fault::from(exception.clone());
        assert_eq!(Exception::from_fault(&fault), exception);
        for (fault, text) in [
            (Fault::new(42, "no"), "RuntimeError('no', 42)"),
            (Fault::invalid_params("bad"), "TypeError('bad')"),
            (Fault::internal("secret"), "RuntimeError('internal error')"),
        ] {
            assert_eq!(Exception::from_fault(&fault).to_string(), text);
        }
        assert!(Exception::new("_queue.Empty").is("queue.Empty"));
        assert!(!Exception::new("KeyError").is("queue.Empty"));
    }
}
