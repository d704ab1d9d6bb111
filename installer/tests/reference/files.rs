//! The pages of the inventory and of roles: from their schemas and from the role files.

use std::fmt::Write as _;

use calico_mesos_install::data::Data;
use calico_mesos_install::roles::Catalogue;
use calico_mesos_install::schema;
use serde_json::Value as Json;

use super::{cell, head};

pub(crate) fn inventory() -> String {
    let data = Data::built_in();
    let releases: Vec<&str> = data.stems("specs/releases", ".toml").collect();
    let schema = schema::inventory(&Catalogue::load(&data).unwrap(), &releases);
    let mut page = head(
        "The inventory",
        "`calico-mesos-install init` prints a commented one, `validate` finds every mistake in one. Editors that know\n\
         TOML complete and check it with its schema, [inventory.schema.json](inventory.schema.json), which\n\
         `calico-mesos-install schema` prints, the variables of your own roles included.",
    );
    for (table, keys) in tables(&schema, "") {
        // Variables are many, and are listed with their roles.
        if table.ends_with("vars]") {
            continue;
        }
        section(&table, keys, &mut page);
    }
    page.push_str("\n## Variables\n\nWhat `[vars]` and a host's own `vars` can set is on the page of [roles](roles.md).\n");
    page
}

pub(crate) fn roles() -> String {
    let roles = Catalogue::load(&Data::built_in()).unwrap();
    let mut page = head(
        "Roles",
        "What the built-in roles are made of, then what a role file may say. [Writing a role](../writing-a-role.md) tells\n\
         how to write one. The inventory sets variables under `[vars]`, or in a host's own `vars`; those of the scope\n\
         `cluster` under `[vars]` only.",
    );
    let properties = variables();
    for role in roles.iter() {
        write!(page, "\n## `{}`\n\n{}\n\n", role.name, role.description).unwrap();
        let mut list = |what: &str, words: Vec<String>| {
            if !words.is_empty() {
                writeln!(page, "- {what}: {}", words.join(", ")).unwrap();
            }
        };
        let only = |containerizer: Option<_>| {
            containerizer
                .map(|c: calico_mesos_install::inventory::Containerizer| format!(" ({c})"))
                .unwrap_or_default()
        };
        let place = |on| match on {
            calico_mesos_install::roles::Where::Host => "on the same host",
            calico_mesos_install::roles::Where::Cluster => "in the cluster",
        };
        let code = |text: &dyn std::fmt::Display| format!("`{text}`");
        list(
            "includes",
            role.includes
                .iter()
                .map(|i| format!("[`{0}`](#{0}){1}", i.role.value, only(i.containerizer)))
                .collect(),
        );
        list(
            "needs",
            role.needs
                .iter()
                .map(|n| format!("[`{0}`](#{0}) {1}{2}", n.role.value, place(n.on), only(n.containerizer)))
                .collect(),
        );
        list("packages", role.packages.iter().map(|package| code(&package.value)).collect());
        list(
            "files",
            role.files
                .iter()
                .map(|f| format!("`{}`{}", f.path.value.as_path(), only(f.containerizer)))
                .collect(),
        );
        list(
            "units",
            role.units.iter().map(|u| format!("`{}`{}", u.name.value, only(u.containerizer))).collect(),
        );
        let port = |port: &calico_mesos_install::roles::RolePort| {
            let number = match &port.port.value {
                calico_mesos_install::roles::PortRef::Number(number) => number.to_string(),
                calico_mesos_install::roles::PortRef::Range(range) => range.to_string(),
                calico_mesos_install::roles::PortRef::Var(name) => format!("`{name}`"),
            };
            format!("{number}/{} ({})", port.protocol, port.description)
        };
        list("ports", role.ports.iter().map(port).collect());
        if !role.vars.is_empty() {
            page.push_str("\n| variable | type | default | scope | meaning |\n|---|---|---|---|---|\n");
        }
        for (name, variable) in &role.vars {
            let property = &properties[name.as_str()];
            let kind =
                calico_mesos_install::roles::VarKind::WORDS.iter().find(|(_, kind)| *kind == variable.kind);
            let scope = match variable.scope {
                calico_mesos_install::roles::Scope::Host => "host",
                calico_mesos_install::roles::Scope::Cluster => "cluster",
            };
            writeln!(
                page,
                "| `{name}` | {} | {} | {scope} | {} |",
                kind.unwrap().0,
                value(&property["default"]),
                cell(&variable.description)
            )
            .unwrap();
        }
    }
    page.push_str("\n# Keys of a role file\n");
    for (table, keys) in tables(&schema::role(), "") {
        section(&table, keys, &mut page);
    }
    page
}

fn variables() -> Json {
    let schema = schema::inventory(&Catalogue::load(&Data::built_in()).unwrap(), &[]);
    schema["properties"]["vars"]["properties"].clone()
}

fn section(table: &str, keys: &Json, page: &mut String) {
    let title = if table.is_empty() { "The file".to_owned() } else { format!("`{table}`") };
    write!(page, "\n## {title}\n\n{}\n\n", keys["description"].as_str().unwrap_or_default()).unwrap();
    if keys["properties"].as_object().is_none_or(serde_json::Map::is_empty) {
        return;
    }
    page.push_str("| key | is written | default | meaning |\n|---|---|---|---|\n");
    let required =
        |key: &str| keys["required"].as_array().is_some_and(|all| all.iter().any(|one| one == key));
    for (key, schema) in keys["properties"].as_object().unwrap() {
        let default = match &schema["default"] {
            Json::Null if required(key) => "must be given".to_owned(),
            default => value(default),
        };
        let meaning = cell(schema["description"].as_str().unwrap_or_default());
        let kind = if schema["const"].is_null() { kind(schema) } else { value(&schema["const"]) };
        writeln!(page, "| `{key}` | {kind} | {default} | {meaning} |").unwrap();
    }
}

/// The tables of a schema by the way they are written: `[ssh]`, `[[hosts]]`.
fn tables<'a>(schema: &'a Json, name: &str) -> Vec<(String, &'a Json)> {
    let mut found = Vec::new();
    if schema["properties"].is_object() {
        found.push((
            if name.is_empty() || name.starts_with('[') { name.to_owned() } else { format!("[{name}]") },
            schema,
        ));
    }
    let bare = name.trim_matches(['[', ']']);
    let below = |key: &str| if bare.is_empty() { key.to_owned() } else { format!("{bare}.{key}") };
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        if inner["items"].is_object() {
            let items = format!("[[{}]]", below(key));
            found.extend(tables(&inner["items"], &items));
            for one in inner["items"]["oneOf"].as_array().into_iter().flatten() {
                let kind = one["properties"]["kind"]["const"].as_str().unwrap_or_default();
                if !kind.is_empty() {
                    found.extend(tables(one, &items));
                }
            }
        } else if inner["additionalProperties"].is_object() {
            found.extend(tables(&inner["additionalProperties"], &format!("[{}.NAME]", below(key))));
        } else {
            found.extend(tables(inner, &below(key)));
        }
    }
    found
}

/// What may be written, in words.
fn kind(schema: &Json) -> String {
    let words = |words: &[Json]| words.iter().map(value).collect::<Vec<_>>().join(", ");
    if let Some(all) = schema["enum"].as_array().filter(|all| all.len() <= 20) {
        return words(all);
    }
    if let Some(all) = schema["oneOf"].as_array() {
        let all: Vec<Json> =
            all.iter().map(|one| one["const"].clone()).filter(|one| !one.is_null()).collect();
        if !all.is_empty() {
            return if all.len() > 6 { "a string".to_owned() } else { words(&all) };
        }
    }
    if let Some(some) = schema["anyOf"].as_array() {
        return some.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match schema["type"].as_str() {
        Some("string") => "a string".to_owned(),
        Some("integer") => match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            (Some(min), Some(max)) if min == max => min.to_string(),
            (Some(min), Some(max)) => format!("a whole number, {min} to {max}"),
            (Some(min), None) => format!("a whole number, {min} or more"),
            _ => "a whole number".to_owned(),
        },
        Some("number") => "a number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("array") if schema["items"]["properties"].is_object() => "tables".to_owned(),
        Some("array") if schema["items"]["oneOf"][0]["properties"].is_object() => "tables".to_owned(),
        Some("array") => match kind(&schema["items"]).as_str() {
            "a string" | "" => "a list of strings".to_owned(),
            words => format!("a list of {words}"),
        },
        Some("object") => "a table".to_owned(),
        _ => "any value of its type".to_owned(),
    }
}

/// A value as TOML has it.
fn value(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::Object(map) if map.is_empty() => "`{}`".to_owned(),
        value => format!("`{}`", cell(&value.to_string())),
    }
}
