//! Newtypes with reserved names.

use serde::de::value::StringDeserializer;
use serde::de::{Deserialize, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::NodeDe;
use super::array::ArrayParts;
use crate::classes::{DateTime, PythonType, TimeDelta, Zone};
use crate::error::Error;
use crate::names::NewtypeKind;
use crate::nodes::Data;
use crate::value::Value;

impl NodeDe<'_, '_> {
    /// Reads a newtype of this kind.
    pub(super) fn newtype<'de, V: Visitor<'de>>(
        self,
        kind: NewtypeKind,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match kind {
            NewtypeKind::Value => {
                // Each `Value` numbers its shared values separately.
                self.reader.references.borrow_mut().clear();
                visitor.visit_newtype_struct(self)
            }
            NewtypeKind::NumpyArray | NewtypeKind::ArrayArray => {
                visitor.visit_newtype_struct(ArrayParts(self))
            }
            NewtypeKind::DateTimeText if self.is_datetime() => {
                visitor.visit_newtype_struct(self.datetime_text()?)
            }
            NewtypeKind::CoreValue => visitor.visit_newtype_struct(CoreValueDe(self)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn is_datetime(&self) -> bool {
        let Data::Object(index) = self.data() else {
            return false;
        };
        self.class_name(&self.object(index)) == Some(("datetime", "datetime"))
    }

    /// Returns the text of a `datetime.datetime`, as `farcall::DateTime` parses it.
    fn datetime_text(self) -> Result<StringDeserializer<Error>, Error> {
        let datetime = DateTime::from_python(Value::deserialize(self)?)?;
        if let (Some(zone), None) = (datetime.zone(), datetime.offset()) {
            let key = zone.key().map(crate::error::quoted).unwrap_or_default();
            let found = format!("one in the zone {key}, whose offset is not in the pickle");
            return Err(Error::mismatch(
                self.at(),
                found,
                &"a datetime with an offset",
            ));
        }
        // An offset with seconds has no form there.
        let seconds = datetime.offset().map_or(0, TimeDelta::total_seconds);
        let zone = Zone::fixed(i32::try_from(seconds).unwrap_or(0));
        if seconds % 60 != 0 {
            let found = "one whose offset is not in minutes";
            return Err(Error::mismatch(self.at(), found, &"a datetime"));
        }
        let text = match datetime.zone() {
            Some(_) => datetime.with_zone(zone).to_string(),
            None => datetime.to_string(),
        };
        Ok(text.into_deserializer())
    }
}

/// Deserializer of any value, in which a date and time is a newtype of its text.
struct CoreValueDe<'a, 'm>(NodeDe<'a, 'm>);

impl<'de> Deserializer<'de> for CoreValueDe<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_datetime() {
            return visitor.visit_newtype_struct(self.0.datetime_text()?);
        }
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}
