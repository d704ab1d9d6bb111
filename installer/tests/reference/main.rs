//! The reference pages below `docs/reference/` are made of what the tool is made of. A page that differs fails; one
//! command makes all of them again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod by_hand;
mod commands;
mod events;
mod files;

use std::path::Path;

use calico_mesos_install::data::Data;
use calico_mesos_install::roles::Catalogue;
use calico_mesos_install::schema;

/// What makes all pages again.
const REGENERATE: &str = "UPDATE=1 cargo nextest run -E 'binary(reference)'";

/// A page's beginning.
fn head(title: &str, text: &str) -> String {
    format!("<!-- Generated; made again by: {REGENERATE} -->\n\n# {title}\n\n{text}\n")
}

/// Compares a page with what it should be, or writes it with `UPDATE=1`.
fn compare(name: &str, wanted: &str) {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference")).join(name);
    if std::env::var_os("UPDATE").is_some_and(|set| !set.is_empty()) {
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(&file, wanted).unwrap();
    }
    let is = fs_err::read_to_string(&file).unwrap_or_default();
    if is != wanted {
        let first =
            wanted.lines().zip(is.lines().chain(std::iter::repeat(""))).find(|(wanted, is)| wanted != is);
        panic!(
            "docs/reference/{name} is not what the tool says now; make it again with\n\n    {REGENERATE}\n\nfirst difference: {first:?}"
        );
    }
}

/// A cell of a table: one line, in which no bar ends the cell.
fn cell(text: &str) -> String {
    let line = text.trim().replace("\n\n", "<br>").replace('\n', " ").replace('|', "\\|");
    // Inside backquotes nothing is markup, and a reference would be shown as it is written.
    let parts = line.split('`').enumerate();
    let escaped = parts.map(|(at, part)| match at % 2 {
        0 => part.replace('<', "&lt;").replace("&lt;br>", "<br>"),
        _ => part.to_owned(),
    });
    escaped.collect::<Vec<_>>().join("`")
}

#[test]
fn commands() {
    compare("commands.md", &commands::page());
}

#[test]
fn installing_by_hand() {
    compare("../manual-installation.md", &by_hand::page());
}

#[test]
fn exit_statuses() {
    compare("exit-statuses.md", &commands::exit_statuses());
}

#[test]
fn checks() {
    compare("checks.md", &commands::checks());
}

#[test]
fn inventory() {
    compare("inventory.md", &files::inventory());
}

#[test]
fn roles() {
    compare("roles.md", &files::roles());
}

#[test]
fn events() {
    compare("events.md", &events::page());
}

#[test]
fn schemas() {
    let text = |schema: &serde_json::Value| serde_json::to_string_pretty(schema).unwrap() + "\n";
    let data = Data::built_in();
    let releases: Vec<&str> = data.stems("specs/releases", ".toml").collect();
    let roles = Catalogue::load(&data).unwrap();
    compare("inventory.schema.json", &text(&schema::inventory(&roles, &releases)));
    compare("role.schema.json", &text(&schema::role()));
}
