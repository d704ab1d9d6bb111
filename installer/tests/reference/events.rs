//! The page of JSON events, from the types that are written.

use std::fmt::Write as _;

use calico_mesos_install::cli::event_schemas;
use serde_json::Value as Json;

use super::{cell, head};

pub(crate) fn page() -> String {
    let mut page = head(
        "JSON events",
        "With `--json` standard output is one JSON object a line, each with a `type`; the last one is the `summary`.\n\
         `--log-file` and the journals that `report` reads have the same lines, with the `time` in front. Keys are\n\
         added, never renamed: leave out what you do not know. `calico-mesos-install schema events` prints the schema.",
    );
    for (who, schema) in event_schemas() {
        write!(page, "\n## {who}\n").unwrap();
        let all = schema["oneOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
        for one in all {
            let kind =
                one["properties"]["type"]["const"].as_str().unwrap_or_else(|| panic!("no type: {one}"));
            let text = one["description"].as_str().unwrap_or_default();
            write!(page, "\n### `{kind}`\n\n{text}\n\n| key | is | meaning |\n|---|---|---|\n").unwrap();
            rows(&one, "", &mut page);
        }
    }
    page
}

fn rows(schema: &Json, prefix: &str, page: &mut String) {
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        if prefix.is_empty() && key == "type" {
            continue;
        }
        let text = cell(inner["description"].as_str().unwrap_or_default());
        writeln!(page, "| `{prefix}{key}` | {} | {text} |", cell(&kind(inner))).unwrap();
        let (below, list) = if inner["items"].is_object() { (&inner["items"], "[]") } else { (inner, "") };
        rows(below, &format!("{prefix}{key}{list}."), page);
        variants(below, &format!("{prefix}{key}{list}."), page);
    }
    if prefix.is_empty() {
        variants(schema, "", page);
    }
}

/// What depends on a word, such as the `action` of a step.
fn variants(schema: &Json, prefix: &str, page: &mut String) {
    for one in schema["oneOf"].as_array().into_iter().flatten() {
        let tag =
            one["properties"].as_object().into_iter().flatten().find(|(_, inner)| inner["const"].is_string());
        let Some((tag, word)) = tag else { continue };
        let text = cell(one["description"].as_str().unwrap_or_default());
        writeln!(page, "| `{prefix}{tag}` | `{}` | {text} |", word["const"]).unwrap();
        let mut inner = one.clone();
        inner["properties"].as_object_mut().unwrap().remove(tag);
        if !prefix.is_empty() {
            rows(&inner, prefix, page);
        }
    }
}

fn kind(schema: &Json) -> String {
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(all) = schema["oneOf"].as_array() {
        let words: Vec<String> = all
            .iter()
            .filter(|one| one["const"].is_string())
            .map(|one| format!("`{}`", one["const"]))
            .collect();
        if !words.is_empty() {
            return words.join(", ");
        }
        return "an object".to_owned();
    }
    match schema["type"].as_str() {
        Some("array") => format!("a list of {}", many(&schema["items"])),
        Some("integer" | "number") => "a number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("object") => "an object".to_owned(),
        Some(_) => "a string".to_owned(),
        None => "any".to_owned(),
    }
}

fn many(schema: &Json) -> &'static str {
    match schema["type"].as_str() {
        Some("string") => "strings",
        Some("integer" | "number") => "numbers",
        _ => "objects",
    }
}
