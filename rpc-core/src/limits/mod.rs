//! Limits of all codecs, for decoders that have none of their own.
//!
//! The depth is limited since decoding recurses. The number of values is limited since a value
//! takes more memory than its bytes in the message. The number of elements is limited since an
//! element may take no byte at all.
//!
//! [`Limited`] wraps the deserializer that a type reads from. It also reads strings and byte
//! strings as slices of the message, so that no decoder allocates the length that a message
//! announces.

mod limited;

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::Error;

pub use self::limited::Limited;
use crate::error::{FormatError, FormatErrorKind};

/// Name of the enum as which `farcall_pickle::Value` is serialised: its `VALUE_NAME`. A program can
/// send these values without the feature `pickle`, by another codec.
pub const PICKLE_VALUE: &str = "$farcall::pickle::Value";

/// Maximum elements of a message beyond one for each of its bytes, for elements that take no bytes.
const MAX_EMPTY: usize = 1 << 16;

/// Bytes of a message that allow one more value of a known type. The memory of these values is then
/// proportional to the length of the message, and no long list of real data is rejected.
const BYTES_OF_VALUE: usize = 8;

/// Limits of a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecLimits {
    /// Maximum depth of nested values. Every level takes stack: as much as the type's own code
    /// needs.
    pub max_depth: u8,
    /// Maximum number of values in a message.
    pub max_values: usize,
}

impl CodecLimits {
    /// The default of every codec with these limits, and the limits of calls over connections.
    pub const DEFAULT: Self = Self {
        max_depth: 128,
        max_values: 1_000_000,
    };

    /// Returns the limiter for decoding `message`.
    pub fn limiter(self, message: &[u8]) -> DecodeLimiter {
        let values = self
            .max_values
            .saturating_add(message.len() / BYTES_OF_VALUE);
        DecodeLimiter {
            limits: self,
            max_typed: values,
            depth: Cell::new(self.max_depth),
            elements: Cell::new(message.len() + MAX_EMPTY),
            values: Cell::new(values),
            any: Cell::new(self.max_values),
            reservable: Cell::new(message.len()),
            exceeded: Cell::new(false),
            lacks_integer: Cell::new(false),
            names_only: false,
            #[cfg(feature = "json")]
            bytes_in_base64: false,
        }
    }
}

impl Default for CodecLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Defines a codec that has [`CodecLimits`](crate::protocol::limits::CodecLimits), with their
/// setters.
#[doc(hidden)]
#[macro_export]
macro_rules! limited_codec {
    ($(#[$doc:meta])* $codec:ident) => {
        $(#[$doc])*
        ///
        /// [Depth](Self::max_depth) and [number of values](Self::max_values) are limited, and the
        /// memory for decoding is proportional to the length of the message.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $codec {
            limits: $crate::protocol::limits::CodecLimits,
        }

        impl $codec {
            /// Maximum depth of nested values in a decoded message. Default: 128, which is more
            /// than programs nest their data. At most 255, since every level takes stack. Lists,
            /// maps, structs, options and newtypes are one level each, also within a `Value`.
            #[must_use]
            pub const fn max_depth(mut self, max_depth: usize) -> Self {
                self.limits.max_depth = $crate::protocol::limits::depth(max_depth);
                self
            }

            /// Maximum number of values in a decoded message. Default: 1,000,000, as in XML-RPC and
            /// in pickles.
            ///
            /// The limit applies to values whose type is known from the message only, such as those
            /// of a `Value` or of an `untagged` enum. For values of known types, it is raised by
            /// one for every 8 bytes of the message, so that their memory is proportional to its
            /// length. Numbers, booleans, characters and tuples are not counted among these: none
            /// of them takes more than 16 bytes.
            #[must_use]
            pub const fn max_values(mut self, max_values: usize) -> Self {
                self.limits.max_values = max_values;
                self
            }
        }
    };
}

/// Limits a depth to the maximum setting, which fits the stack of a thread.
pub const fn depth(max_depth: usize) -> u8 {
    if max_depth < 255 {
        max_depth as u8
    } else {
        255
    }
}

/// Applies [`CodecLimits`] while one message is decoded: counts down what is left of each limit.
#[derive(Debug)]
pub struct DecodeLimiter {
    limits: CodecLimits,
    max_typed: usize,
    depth: Cell<u8>,
    elements: Cell<usize>,
    values: Cell<usize>,
    /// The part of `values` whose type may be known from the message only.
    any: Cell<usize>,
    /// Elements for which memory may still be reserved before they are read. Types reserve the
    /// announced length, up to a megabyte for each list, and lists may be nested.
    reservable: Cell<usize>,
    /// `true` once a limit was exceeded.
    exceeded: Cell<bool>,
    /// `true` if the last number that was not found was an integer.
    lacks_integer: Cell<bool>,
    /// `true` if fields and variants have their names and nothing else.
    names_only: bool,
    /// `true` if bytes are texts in base64.
    #[cfg(feature = "json")]
    bytes_in_base64: bool,
}

impl DecodeLimiter {
    /// Creates the error of a failed decoding. Its kind is `Limit` if a limit was exceeded, or else
    /// `kind`.
    pub fn error(&self, kind: FormatErrorKind, message: impl fmt::Display) -> FormatError {
        let kind = if self.exceeded.get() {
            FormatErrorKind::Limit
        } else {
            kind
        };
        FormatError::new(kind, message.to_string())
    }

    /// Refuses the position of a field or variant in the place of its name: for formats that
    /// describe themselves, where an integer is a number that the caller means. The types of serde
    /// accept both, for formats such as bincode.
    #[must_use]
    pub const fn names_only(mut self) -> Self {
        self.names_only = true;
        self
    }

    /// Reads texts in base64 (RFC 4648, 4) where a type expects bytes: for formats without
    /// bytes, such as JSON. Lists of numbers are bytes, too.
    #[cfg(feature = "json")]
    #[must_use]
    pub const fn bytes_in_base64(mut self) -> Self {
        self.bytes_in_base64 = true;
        self
    }

    /// Returns the seed of a type that is decoded within these limits.
    pub const fn seed<T>(&self) -> Limited<'_, PhantomData<T>> {
        Limited::new(PhantomData, self)
    }

    /// Returns `true` if the last number that was expected and not found was an integer.
    pub const fn lacks_integer(&self) -> bool {
        self.lacks_integer.get()
    }

    /// Runs `decode` one level deeper.
    fn nested<T, E: Error>(&self, decode: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let depth = self.depth.get();
        let Some(deeper) = depth.checked_sub(1) else {
            let max = self.limits.max_depth;
            return Err(self.exceed(format_args!("values are nested deeper than {max} levels")));
        };
        self.depth.set(deeper);
        let result = decode();
        self.depth.set(depth);
        result
    }

    /// Caps the announced length of a list to the elements that may still be reserved.
    fn cap_size_hint(&self, length: Option<usize>) -> Option<usize> {
        let left = self.reservable.get();
        let length = length?.min(left);
        self.reservable.set(left - length);
        Some(length)
    }

    /// Counts an element of any type.
    fn count_element<E: Error>(&self) -> Result<(), E> {
        if take_one(&self.elements) {
            return Ok(());
        }
        Err(self.exceed(format_args!("the message has more elements than bytes")))
    }

    /// Counts a value of a known type that may take much more memory than its bytes in the message.
    pub fn count_value<E: Error>(&self) -> Result<(), E> {
        if take_one(&self.values) {
            return Ok(());
        }
        let max = self.max_typed;
        Err(self.exceed(format_args!("the message has more than {max} values")))
    }

    /// Counts a value whose type is known from the message only.
    pub fn count_any<E: Error>(&self) -> Result<(), E> {
        self.count_value()?;
        if take_one(&self.any) {
            return Ok(());
        }
        let max = self.limits.max_values;
        Err(self.exceed(format_args!(
            "the message has more than {max} values of any type"
        )))
    }

    #[cold]
    fn exceed<E: Error>(&self, message: fmt::Arguments<'_>) -> E {
        self.exceeded.set(true);
        E::custom(message)
    }
}

/// Decrements `left`. Returns `false` if it was zero.
#[inline]
fn take_one(left: &Cell<usize>) -> bool {
    match left.get().checked_sub(1) {
        Some(less) => {
            left.set(less);
            true
        }
        None => false,
    }
}
