//! Faults: failures of calls, as the caller receives them.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::output::{debug_error, excerpt};

type Source = Arc<dyn Error + Send + Sync>;

/// The text for a cause whose `Display` or `source` panics.
const PANICKED: &str = "a cause that panicked while it was formatted";

/// The failure of a call, as the caller receives it.
///
/// A fault has a [kind](FaultKind), a numeric code and a message. A cause can be attached with
/// [`with_source`](Self::with_source) or [`internal`](Self::internal). The cause goes to the local
/// log, and to the wire only if the server is configured to send causes.
///
/// # Errors of your own
///
/// A method may return any `Result<T, E>` whose error converts to `Fault`. The common errors of the
/// standard library convert to internal faults. For an error type of your own, define what callers
/// see:
///
/// ```
/// # use farcall::Fault;
/// #[derive(Debug)]
/// enum BankError {
///     NoSuchAccount,
///     Storage(std::io::Error),
/// }
///
/// impl From<BankError> for Fault {
///     fn from(error: BankError) -> Self {
///         match error {
///             BankError::NoSuchAccount => Fault::new(42, "no such account"),
///             BankError::Storage(cause) => Fault::internal(cause),
///         }
///     }
/// }
/// ```
///
/// `Fault` is deliberately not `Serialize`, so that the `Err(fault)` of a handler can never be sent
/// as a successful result by mistake.
///
/// ```
/// use farcall::{Fault, FaultKind};
///
/// let fault = Fault::new(42, "no such account");
/// assert_eq!(fault.kind(), FaultKind::Application);
/// assert_eq!(fault.to_string(), "fault 42: no such account");
/// ```
#[derive(Clone)]
pub struct Fault {
    kind: FaultKind,
    code: i64,
    message: String,
    source: Option<Source>,
}

/// The protocol-independent kind of a fault.
///
/// The default codes are those of the "Specification for Fault Code Interoperability" of the
/// XML-RPC community (version 20010516).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// The message is not well-formed in its format (−32700).
    Parse,
    /// The message declares an encoding that is not supported (−32701).
    UnsupportedEncoding,
    /// The message has a character that is invalid in its encoding (−32702).
    InvalidCharacter,
    /// The message is well-formed, but is not a call, or exceeds a limit (−32600).
    InvalidRequest,
    /// There is no such method (−32601).
    UnknownMethod,
    /// The parameters do not match the method (−32602).
    InvalidParams,
    /// The server failed, and does not disclose the cause (−32603).
    Internal,
    /// The method itself reports a failure (−32500, or a code of its own).
    Application,
    /// The caller is not permitted to make this call (−32400).
    Denied,
    /// The server is overloaded (−32400).
    Overloaded,
    /// The deadline of the call passed before the call completed (−32400).
    DeadlineExceeded,
    /// The call was cancelled (−32400).
    Cancelled,
    /// The called object does not exist, or no longer exists (−32400).
    Gone,
}

impl FaultKind {
    /// Returns the interoperability code of this kind.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Parse => -32700,
            Self::UnsupportedEncoding => -32701,
            Self::InvalidCharacter => -32702,
            Self::InvalidRequest => -32600,
            Self::UnknownMethod => -32601,
            Self::InvalidParams => -32602,
            Self::Internal => -32603,
            Self::Application => -32500,
            Self::Denied
            | Self::Overloaded
            | Self::DeadlineExceeded
            | Self::Cancelled
            | Self::Gone => -32400,
        }
    }

    /// Returns the name of this kind, as figures, logs and JSON-RPC's errors have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::UnsupportedEncoding => "unsupported-encoding",
            Self::InvalidCharacter => "invalid-character",
            Self::InvalidRequest => "invalid-request",
            Self::UnknownMethod => "unknown-method",
            Self::InvalidParams => "invalid-params",
            Self::Internal => "internal",
            Self::Application => "application",
            Self::Denied => "denied",
            Self::Overloaded => "overloaded",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::Cancelled => "cancelled",
            Self::Gone => "gone",
        }
    }

    /// All kinds, in the order of their discriminants.
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 13] = [
        Self::Parse,
        Self::UnsupportedEncoding,
        Self::InvalidCharacter,
        Self::InvalidRequest,
        Self::UnknownMethod,
        Self::InvalidParams,
        Self::Internal,
        Self::Application,
        Self::Denied,
        Self::Overloaded,
        Self::DeadlineExceeded,
        Self::Cancelled,
        Self::Gone,
    ];

    /// Returns the kind for a code received from a peer.
    #[must_use]
    pub const fn from_code(code: i64) -> Self {
        match code {
            -32700 => Self::Parse,
            -32701 => Self::UnsupportedEncoding,
            -32702 => Self::InvalidCharacter,
            -32600 => Self::InvalidRequest,
            -32601 => Self::UnknownMethod,
            -32602 => Self::InvalidParams,
            -32603 => Self::Internal,
            _ => Self::Application,
        }
    }

    /// Returns `true` if a call that failed with this kind was refused before its method ran.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::Parse
                | Self::UnsupportedEncoding
                | Self::InvalidCharacter
                | Self::InvalidRequest
                | Self::UnknownMethod
                | Self::InvalidParams
                | Self::Denied
                | Self::Overloaded
                | Self::Gone
        )
    }
}

impl Fault {
    /// Creates a fault that the method itself reports, with a code of the application's choice.
    #[must_use]
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Application,
            code,
            message: message.into(),
            source: None,
        }
    }

    /// Creates a fault of the given kind, with the code of that kind.
    #[must_use]
    pub fn of(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            ..Self::new(kind.code(), message)
        }
    }

    /// Creates a fault received from a peer. The kind is derived from the code.
    #[must_use]
    pub fn received(code: i64, message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::from_code(code),
            ..Self::new(code, message)
        }
    }

    /// Creates a fault that hides its cause: the caller receives "internal error", the local log
    /// has `source` in full.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of(FaultKind::Internal, "internal error").with_source(source)
    }

    /// Creates the fault for a method that does not exist.
    #[must_use]
    pub fn unknown_method(method: &str) -> Self {
        Self::of(
            FaultKind::UnknownMethod,
            format!("there is no method `{}`", excerpt(method)),
        )
    }

    /// Creates the fault for parameters that do not match the method.
    #[must_use]
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::of(FaultKind::InvalidParams, message)
    }

    /// Attaches the cause. The server that answers with this fault logs it, and sends it only if it
    /// is configured to send causes.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Replaces the code.
    #[must_use]
    pub const fn with_code(mut self, code: i64) -> Self {
        self.code = code;
        self
    }

    /// Attaches the causes that a peer sent, nearest first.
    #[must_use]
    pub fn with_remote_causes<T>(mut self, causes: T) -> Self
    where
        T: IntoIterator<Item = String, IntoIter: DoubleEndedIterator>,
    {
        let mut source: Option<Source> = None;
        for message in causes.into_iter().rev() {
            source = Some(Arc::new(RemoteCause { message, source }));
        }
        self.source = source;
        self
    }

    /// Returns the texts of the causes, nearest first. The `Display` implementations of causes are
    /// code of the program: if one panics, a text that reports the panic is the last of the list.
    pub fn causes(&self) -> impl Iterator<Item = String> {
        let mut next = self.source();
        std::iter::from_fn(move || {
            let cause = next.take()?;
            let formatted = catch_unwind(AssertUnwindSafe(|| (cause.to_string(), cause.source())));
            let (text, source) = formatted.unwrap_or_else(|_| (PANICKED.to_owned(), None));
            next = source;
            Some(text)
        })
    }

    /// The kind of the fault.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// The numeric code that the caller receives.
    #[must_use]
    pub const fn code(&self) -> i64 {
        self.code
    }

    /// The message that the caller receives.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault {}: {}", self.code, self.message)
    }
}

/// `{:?}` is the text of the fault and of its causes, `{:#?}` has its fields.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return debug_error(self, f);
        }
        let mut debug = f.debug_struct("Fault");
        debug
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("message", &self.message);
        if let Some(source) = &self.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

/// A cause that a peer sent as text.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct RemoteCause {
    message: String,
    source: Option<Source>,
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Compares kind, code and message. The cause is ignored.
impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.code == other.code && self.message == other.message
    }
}

impl Eq for Fault {}

impl From<std::convert::Infallible> for Fault {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// Converts a boxed error, such as that of a tower layer, to an internal fault. A fault that was
/// only passed on is unboxed.
impl From<Box<dyn Error + Send + Sync>> for Fault {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        match error.downcast::<Self>() {
            Ok(fault) => *fault,
            Err(error) => Self::internal(error),
        }
    }
}

/// Converts common error types to internal faults: the caller receives "internal error", the log
/// has the cause.
macro_rules! internal {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::internal(error)
            }
        }
    )*};
}

internal!(
    std::io::Error,
    fmt::Error,
    std::num::ParseIntError,
    std::num::ParseFloatError,
    std::num::TryFromIntError,
    std::str::Utf8Error,
    std::string::FromUtf8Error,
    std::time::SystemTimeError,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_fault_keeps_its_cause_off_the_wire() {
        let fault = Fault::internal("password of the database is wrong");
        assert!(!fault.to_string().contains("password"));
        assert_eq!(
            fault.source().unwrap().to_string(),
            "password of the database is wrong"
        );
    }

    #[test]
    fn the_causes_of_a_peer_are_a_chain() {
        let causes = ["the disk is full".to_owned(), "ENOSPC".to_owned()];
        let fault = Fault::new(5, "not saved").with_remote_causes(causes.clone());
        assert!(fault.causes().eq(causes));
        assert_eq!(Fault::new(5, "not saved").causes().count(), 0);
    }

    #[test]
    fn a_cause_that_panics_is_reported_as_such() {
        #[derive(Debug)]
        struct Broken;

        impl fmt::Display for Broken {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("no text")
            }
        }

        impl Error for Broken {}

        let fault = Fault::internal(Broken);
        assert!(fault.causes().eq([PANICKED.to_owned()]));
    }

    #[test]
    fn codes_and_kinds_agree() {
        for code in [-32700, -32701, -32702, -32600, -32601, -32602, -32603] {
            assert_eq!(FaultKind::from_code(code).code(), code);
        }
        assert_eq!(Fault::received(4, "x"), Fault::new(4, "x"));
    }
}
