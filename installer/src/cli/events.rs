//! Every line that `--json` prints, as schemas: what the reference page of events and `schema events` are made of.

use schemars::JsonSchema;
use serde_json::{Value as Json, json};

use super::exit::ErrorLine;
use super::mistakes::MistakeLine;
use super::{apps, rollback, sources, status};
use crate::event::{Event, Summary};
use crate::{build, schema, verify};

/// The lines of `--json` by the commands that print them: what they are, and the schema of one.
pub fn event_schemas() -> Vec<(&'static str, Json)> {
    vec![
        ("Commands that contact hosts", schema::of::<Event>()),
        ("status", of_struct::<status::Line<'_>>()),
        ("verify", of_struct::<verify::Check>()),
        ("rollback --list", of_struct::<rollback::Line<'_>>()),
        ("build", schema::of::<build::Event>()),
        ("sources list", of_struct::<sources::SourceLine<'_>>()),
        ("sources verify", of_struct::<sources::VerdictLine<'_>>()),
        ("apps launch and remove", of_struct::<apps::OutcomeLine<'_>>()),
        ("apps list", of_struct::<apps::AppLine<'_>>()),
        ("apps render", of_struct::<apps::DefinitionLine<'_>>()),
        ("apps render --names", of_struct::<apps::SampleLine<'_>>()),
        ("apps render --policy", of_struct::<apps::PolicyLine<'_>>()),
        ("Mistakes in a file", of_struct::<MistakeLine<'_>>()),
        ("A command that cannot do its work", of_struct::<ErrorLine>()),
        ("The last line of every command", of_struct::<Summary>()),
    ]
}

/// The schema of a struct that serde writes with a `type`, of which schemars only knows the name.
fn of_struct<T: JsonSchema>() -> Json {
    let mut schema = schema::of::<T>();
    schema["properties"]["type"] = json!({"type": "string", "const": schema["title"]});
    if let Some(required) = schema["required"].as_array_mut() {
        required.insert(0, json!("type"));
    }
    schema
}

/// The schema of one line, whichever it is.
pub(super) fn schema_of_a_line() -> Json {
    let all: Vec<Json> = event_schemas().into_iter().map(|(_, schema)| schema).collect();
    json!({"$schema": "http://json-schema.org/draft-07/schema#", "title": "event", "anyOf": all})
}
