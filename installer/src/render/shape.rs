//! What a template may name: the shape of its context.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

/// The shape of a value in a template's context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A text, a number, a truth value.
    Scalar,
    /// A list of values of one shape.
    List(Box<Shape>),
    /// A map with any keys, whose values have one shape.
    Map(Box<Shape>),
    /// A map with these keys and no others.
    Record(BTreeMap<String, Shape>),
    /// Something about which nothing is known.
    Any,
}

impl Shape {
    /// The shape of a type as serde writes it.
    pub fn of<T: JsonSchema>() -> Self {
        let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
        Self::from_schema(settings.into_generator().into_root_schema_for::<T>().as_value())
    }

    /// The same record with another shape for `key`, or without it.
    #[must_use]
    pub fn with(mut self, key: &str, shape: Option<Shape>) -> Self {
        if let Self::Record(keys) = &mut self {
            match shape {
                Some(shape) => keys.insert(key.to_owned(), shape),
                None => keys.remove(key),
            };
        }
        self
    }

    fn from_schema(schema: &Json) -> Self {
        let kind = |name: &str| match &schema["type"] {
            Json::String(kind) => kind == name,
            Json::Array(kinds) => kinds.iter().any(|kind| kind == name),
            _ => false,
        };
        if let Some(properties) = schema["properties"].as_object() {
            let shapes = properties.iter().map(|(key, schema)| (key.clone(), Self::from_schema(schema)));
            Self::Record(shapes.collect())
        } else if kind("array") {
            Self::List(Box::new(Self::from_schema(&schema["items"])))
        } else if kind("object") {
            Self::Map(Box::new(Self::from_schema(&schema["additionalProperties"])))
        } else if ["string", "integer", "number", "boolean"].into_iter().any(kind) {
            Self::Scalar
        } else if let Some(some) = schema["anyOf"].as_array() {
            // `Option<T>`: T or null.
            let mut some = some.iter().filter(|schema| schema["type"] != "null");
            some.next().map_or(Self::Any, Self::from_schema)
        } else {
            Self::Any
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Example {
        name: String,
        parts: Vec<Part>,
        first: Option<Part>,
        free: BTreeMap<String, u32>,
        anything: Json,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Part {
        id: u32,
    }

    #[test]
    fn the_shape_of_a_type() {
        let part = Shape::Record([("id".to_owned(), Shape::Scalar)].into());
        let expected = [
            ("name", Shape::Scalar),
            ("parts", Shape::List(Box::new(part.clone()))),
            ("first", part),
            ("free", Shape::Map(Box::new(Shape::Scalar))),
            ("anything", Shape::Any),
        ];
        let expected = expected.into_iter().map(|(key, shape)| (key.to_owned(), shape)).collect();
        assert_eq!(Shape::of::<Example>(), Shape::Record(expected));
    }
}
