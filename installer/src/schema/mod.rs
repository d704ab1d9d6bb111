//! JSON schemas of the files that people write, so that editors complete and check them, and so that the reference
//! pages say what the parser says. `tests/schema.rs` fails where a schema and the parser differ in a key or a word.
//!
//! What role files declare (variables, roles) and which releases there are is put into the inventory's schema from
//! those files: a role of one's own is completed like a built-in one.

mod inventory;
mod role;
mod vars;

pub use inventory::inventory;
pub use role::role;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

/// The schema of a type, everything in its place and nothing that TOML cannot have.
pub(crate) fn of<T: JsonSchema>() -> Json {
    // Editors of TOML know the drafts up to this one.
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema
}

/// Takes away `null`, which TOML does not have, formats that only programs care for, and the line breaks of comments.
fn tidy(schema: &mut Json) {
    match schema {
        Json::Object(object) => {
            if let Some(Json::Array(some)) = object.remove("anyOf") {
                let mut some: Vec<Json> =
                    some.into_iter().filter(|schema| schema["type"] != "null").collect();
                match (some.len(), some.pop()) {
                    (1, Some(Json::Object(only))) => {
                        for (key, value) in only {
                            object.entry(key).or_insert(value);
                        }
                    }
                    (_, last) => {
                        some.extend(last);
                        object.insert("anyOf".to_owned(), Json::Array(some));
                    }
                }
            }
            if let Some(Json::Array(kinds)) = object.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [only] = kinds.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if object
                .get("format")
                .is_some_and(|format| format.as_str().is_some_and(|f| f.starts_with("uint")))
            {
                object.remove("format");
            }
            if object.get("default").is_some_and(Json::is_null) {
                object.remove("default");
            }
            if let Some(Json::String(text)) = object.get_mut("description") {
                *text = text.replace("\n\n", "\u{0}").replace('\n', " ").replace('\u{0}', "\n\n");
            }
            object.values_mut().for_each(tidy);
        }
        Json::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
