//! Schemas that types bring along: those of the crate `schemars`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{Content, Shape};
use crate::value::Kind;

/// The place of definitions in an OpenRPC document.
const DEFINITIONS: &str = "/components/schemas";

/// A JSON Schema of a type, for values of which more is known than their shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeSchema {
    pub(super) schema: Value,
    /// The types that the schema refers to: those that contain themselves.
    pub(super) definitions: BTreeMap<String, Value>,
}

impl Shape {
    /// Returns the shape of the values of `T` by its schema, which knows more than serde: texts,
    /// ranges, patterns.
    ///
    /// ```
    /// # use farcall::{Method, Registry, Shape};
    /// # use farcall::protocol::Format;
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Percentage(#[schemars(range(min = 0, max = 100))] u8);
    ///
    /// # fn offer<F: Format>(registry: &Registry<F>) -> Result<(), farcall::RegisterError> {
    /// let dim = Method::function("dim", |to: Percentage| to.0 > 0)
    ///     .parameter_names(["to"])
    ///     .parameter(0, Shape::by_schema::<Percentage>());
    /// registry.register(dim)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn by_schema<T: JsonSchema>() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.meta_schema = None;
            settings.inline_subschemas = true;
            settings.definitions_path = DEFINITIONS.into();
        });
        let mut generator = settings.into_generator();
        let schema = without_nulls(generator.subschema_for::<T>().to_value());
        let definitions = generator.take_definitions(true).into_iter();
        let definitions = definitions.map(|(name, schema)| (name, without_nulls(schema)));
        let kind = match schema.get("type").and_then(Value::as_str) {
            Some("null") => Kind::Nil,
            Some("boolean") => Kind::Boolean,
            Some("integer") => Kind::Int,
            Some("number") => Kind::Double,
            Some("string") => Kind::String,
            Some("array") => Kind::Array,
            Some("object") => Kind::Struct,
            _ => Kind::Any,
        };
        Self {
            kind,
            optional: false,
            content: Content::Schema(Box::new(TypeSchema {
                schema,
                definitions: definitions.collect(),
            })),
        }
    }
}

impl TypeSchema {
    /// The number of values of the schema.
    pub(super) fn len(&self) -> usize {
        let definitions = self.definitions.values().map(values).sum::<usize>();
        values(&self.schema) + definitions
    }
}

fn values(schema: &Value) -> usize {
    match schema {
        Value::Array(inner) => 1 + inner.iter().map(values).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(values).sum::<usize>(),
        _ => 1,
    }
}

/// Leaves out keywords whose values have nulls, such as defaults: not every protocol has them.
fn without_nulls(schema: Value) -> Value {
    match schema {
        Value::Object(members) => {
            let has_null = |value: &Value| match value {
                Value::Null => true,
                Value::Array(values) => values.contains(&Value::Null),
                _ => false,
            };
            let members = members.into_iter().filter(|(_, value)| !has_null(value));
            Value::Object(
                members
                    .map(|(name, value)| (name, without_nulls(value)))
                    .collect(),
            )
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
