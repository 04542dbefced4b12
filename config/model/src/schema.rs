//! The JSON Schema of `system.toml`, for editors.

use serde_json::{Map, Value, json};

use crate::keys::{self, Key, Shape};

/// The schema (JSON Schema 2020-12).
pub fn schema() -> Value {
    let mut schema = table(keys::FILE);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("cofferdam system.toml");
    schema
}

fn table(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut property = value(&key.shape);
        property["description"] = json!(key.doc);
        properties.insert(key.name.to_string(), property);
    }
    let required = keys.iter().filter(|key| key.required);
    json!({
        "type": "object",
        "properties": properties,
        "required": required.map(|key| key.name).collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

fn value(shape: &Shape) -> Value {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Choice(choices) => json!({ "enum": choices }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Integer => json!({ "type": "integer", "minimum": 0 }),
        Shape::Time | Shape::LongTime => pattern("^[0-9]+(ns|us|ms|s)$"),
        Shape::Size => pattern("^[0-9]+[KM]?$"),
        Shape::Rate => pattern("^[0-9]+/(ns|us|ms|s)$"),
        Shape::Sizes => json!({ "type": "array", "items": pattern("^[0-9]+[KM]?$") }),
        Shape::Texts => texts,
        Shape::Choices(choices) => json!({ "type": "array", "items": { "enum": choices } }),
        Shape::TextOrTexts => json!({ "oneOf": [{ "type": "string" }, texts] }),
        Shape::Table(keys) => table(keys),
        Shape::Tables(keys) => json!({ "type": "array", "items": table(keys) }),
        Shape::Named(keys) => named(table(keys)),
        Shape::NamedText => named(json!({ "type": "string" })),
        Shape::NamedTexts => named(texts),
    }
}

fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

fn named(entry: Value) -> Value {
    json!({ "type": "object", "additionalProperties": entry })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_each_key_and_refuses_others() {
        let schema = schema();
        let partition = &schema["properties"]["partition"]["additionalProperties"];
        assert_eq!(partition["additionalProperties"], json!(false));
        for key in keys::PARTITION {
            assert!(!partition["properties"][key.name].is_null(), "{}", key.name);
        }
    }
}
