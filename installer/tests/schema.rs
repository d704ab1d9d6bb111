//! The schemas say what the parsers do: the same keys, the same words, and every file of this repository fits.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use calico_mesos_install::data::Data;
use calico_mesos_install::roles::Catalogue;
use calico_mesos_install::schema;
use serde_json::{Value as Json, json};

fn inventory() -> Json {
    let data = Data::built_in();
    let releases: Vec<&str> = data.stems("specs/releases", ".toml").collect();
    schema::inventory(&Catalogue::load(&data).unwrap(), &releases)
}

/// What is wrong with a file according to a schema.
fn wrong(schema: &Json, text: &str) -> Vec<String> {
    let file: Json = toml::from_str(text).unwrap();
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(&file).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_example_and_all_built_in_roles_fit() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let example = fs_err::read_to_string(root.join("inventory.example.toml")).unwrap();
    assert_eq!(wrong(&inventory(), &example), [""; 0]);
    let data = Data::built_in();
    for path in data.below("roles") {
        let text = data.text(path).unwrap();
        assert_eq!(wrong(&schema::role(), text.text()), [""; 0], "{path}");
    }
}

#[test]
fn an_editor_sees_what_validate_refuses() {
    let schema = inventory();
    let good = "[cluster]\nname = \"a\"\nrelease = \"lab\"\ncontainerizers = [\"mesos\"]\n[vars]\n[[hosts]]\nname = \"a\"\naddress = \"10.0.0.1\"\nroles = [\"master\"]\n";
    assert_eq!(wrong(&schema, good), [""; 0]);
    for (from, to) in [
        ("name = \"a\"\nrelease", "nmae = \"a\"\nrelease"),
        ("\"lab\"", "\"lba\""),
        ("\"mesos\"", "\"mseos\""),
        ("\"master\"", "\"mastre\""),
        ("10.0.0.1", "ten"),
        ("[vars]", "[vars]\nip_pol = 1"),
        ("[vars]", "[vars]\nmesos_master_port = \"x\""),
        ("[vars]", "[ssh]\nconnect_timeout = \"10\""),
        ("[vars]", "[rollout]\nagents_at_once = \"120%\""),
        ("[\"master\"]\n", "[\"master\"]\nvars = { mesos_zk_path = \"/x\" }\n"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(good, bad);
        assert!(!wrong(&schema, &bad).is_empty(), "{bad}");
    }
}

#[test]
fn the_inventory_parser_knows_the_same_keys_and_words() {
    let parse = |text: &str| common::resolve(text, &Data::built_in()).1.to_string();
    compare(&inventory(), &parse);
}

#[test]
fn the_role_parser_knows_the_same_keys_and_words() {
    let parse = |text: &str| {
        let mut data = Data::built_in();
        data.insert("roles/zzz.toml", text);
        Catalogue::load(&data).map(drop).unwrap_err().to_string()
    };
    compare(&schema::role(), &parse);
}

/// A word that is like none that there is.
const NONSENSE: &str = "zzzzzz";

/// Compares all tables of a schema with what a parser says of a key and of words that it does not know.
fn compare(schema: &Json, parse: &dyn Fn(&str) -> String) {
    let mut tables = Vec::new();
    walk(schema, &mut Vec::new(), &mut tables);
    assert!(tables.len() > 4, "{tables:?}");
    for (path, table) in tables {
        let has: BTreeSet<&str> =
            table["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let told = parse(&document(&path, with(&example(table), NONSENSE, json!(1))));
        assert_eq!(offered(&told, &format!("unknown key `{NONSENSE}`")), has, "keys of {path:?}: {told}");
        for (key, value) in table["properties"].as_object().unwrap() {
            let Some(words) = value["enum"].as_array() else { continue };
            let words: BTreeSet<&str> = words.iter().map(|word| word.as_str().unwrap()).collect();
            let told = parse(&document(&path, with(&example(table), key, json!(NONSENSE))));
            assert_eq!(offered(&told, &format!("`{NONSENSE}`")), words, "words of {path:?} {key}: {told}");
        }
    }
}

/// The tables of a schema that have keys of their own, with the way to them; `[]` stands for an item of a list.
fn walk<'a>(schema: &'a Json, path: &mut Vec<String>, tables: &mut Vec<(Vec<String>, &'a Json)>) {
    for one in schema["oneOf"].as_array().into_iter().flatten() {
        walk(one, path, tables);
    }
    let vars = path.last().is_some_and(|last| last == "vars");
    if let Some(properties) = schema["properties"].as_object().filter(|_| !vars) {
        tables.push((path.clone(), schema));
        for (key, value) in properties {
            path.push(key.clone());
            walk(value, path, tables);
            path.pop();
        }
    }
    for (part, inner) in [("[]", &schema["items"]), (NONSENSE, &schema["additionalProperties"])] {
        if inner.is_object() {
            path.push(part.to_owned());
            walk(inner, path, tables);
            path.pop();
        }
    }
}

/// A table with all keys that it must have.
fn example(table: &Json) -> Json {
    let mut example = json!({});
    for key in table["required"].as_array().into_iter().flatten() {
        let key = key.as_str().unwrap();
        example[key] = value_of(&table["properties"][key]);
        assert!(!example[key].is_null(), "give the key `{key}` an example in its schema: {table}");
    }
    example
}

fn value_of(schema: &Json) -> Json {
    let given = [&schema["const"], &schema["examples"][0], &schema["enum"][0]];
    match given.into_iter().find(|value| !value.is_null()) {
        Some(value) => value.clone(),
        None if schema["properties"].is_object() => example(schema),
        None if schema["items"]["properties"].is_object() => json!([example(&schema["items"])]),
        None => Json::Null,
    }
}

fn with(table: &Json, key: &str, value: Json) -> Json {
    let mut table = table.clone();
    table[key] = value;
    table
}

/// A file with nothing but `table` at `path`.
fn document(path: &[String], table: Json) -> String {
    let whole = path.iter().rev().fold(table, |inner, part| match part.as_str() {
        "[]" => json!([inner]),
        key => json!({ key: inner }),
    });
    toml::to_string(&whole).unwrap()
}

/// The words in the remedy of the mistake whose message has `what` in it.
fn offered<'a>(told: &'a str, what: &str) -> BTreeSet<&'a str> {
    let mut lines = told.lines().skip_while(|line| !line.contains(what)).skip(1);
    let help = lines.find(|line| line.contains("help: ")).unwrap_or_else(|| panic!("no `{what}` in: {told}"));
    help.split('`').skip(1).step_by(2).collect()
}
