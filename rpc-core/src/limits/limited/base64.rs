//! Bytes from texts in base64.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::SeqDeserializer;
use serde::de::{Error, SeqAccess, Visitor};

/// Visitor of bytes, which are a text in base64 or a list of numbers.
pub(super) struct Base64Visitor<V> {
    inner: V,
    /// `true` if the type takes a list of numbers, as serde's vectors do.
    is_list: bool,
}

impl<V> Base64Visitor<V> {
    /// Creates the visitor of a type that serde calls bytes.
    pub(super) const fn new(inner: V) -> Self {
        Self {
            inner,
            is_list: false,
        }
    }

    /// Creates the visitor of a vector of bytes.
    pub(super) const fn of_list(inner: V) -> Self {
        Self {
            inner,
            is_list: true,
        }
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Base64Visitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes, as a text in base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        let bytes = STANDARD
            .decode(text)
            .map_err(|error| E::custom(format_args!("the text is not base64: {error}")))?;
        if self.is_list {
            self.inner
                .visit_seq(SeqDeserializer::new(bytes.into_iter()))
        } else {
            self.inner.visit_byte_buf(bytes)
        }
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<V::Value, E> {
        self.inner.visit_bytes(bytes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, numbers: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(numbers)
    }
}
