//! The direction of dependencies and the places where I/O may happen, as `docs/architecture.md` has them.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every module in the order of the line: what it may use beside itself, and whether it may do I/O.
const PARTS: &[(&str, &[&str], bool)] = &[
    ("model", &[], false),
    ("diagnostic", &["model"], false),
    ("data", &["diagnostic", "model"], true),
    ("desired", &["model"], false),
    ("receipt", &["desired", "model"], false),
    ("inventory", &["diagnostic", "model"], false),
    ("roles", &["data", "desired", "diagnostic", "inventory", "model"], false),
    ("schema", &["diagnostic", "inventory", "roles"], false),
    ("cluster", &["data", "desired", "diagnostic", "inventory", "model", "roles"], false),
    ("render", &["cluster", "data", "desired", "diagnostic", "inventory", "model", "roles"], false),
    ("tls", &["cluster", "diagnostic", "inventory", "model"], true),
    ("apps", &["cluster", "data", "diagnostic", "inventory", "model", "render"], false),
    ("repository", &["model"], true),
    ("history", &["desired", "model", "receipt", "repository"], false),
    ("transport", &["model"], true),
    ("facts", &["desired", "model", "receipt", "transport"], false),
    ("plan", &["desired", "facts", "inventory", "model", "receipt", "repository"], false),
    ("explain", &["desired", "diagnostic", "facts", "model", "plan", "repository"], false),
    ("verify", &["apps", "cluster", "desired", "facts", "inventory", "model"], false),
    ("checks", &["cluster", "desired", "facts", "model", "plan", "repository", "roles", "tls"], false),
    ("event", &["checks", "model", "plan"], false),
    ("host", &["desired", "facts", "history", "model", "plan", "receipt", "repository", "transport"], true),
    ("fleet", &["desired", "event", "facts", "host", "model", "transport"], true),
    ("execute", &["event", "host", "plan"], true),
    ("journal", &["checks", "diagnostic", "event", "plan"], false),
    ("process", &[], true),
    ("sources", &["data", "diagnostic", "model", "process"], true),
    (
        "report",
        &["apps", "checks", "diagnostic", "event", "journal", "model", "plan", "sources", "verify"],
        true,
    ),
    ("build", &["data", "diagnostic", "model", "process", "render", "repository", "sources"], true),
    ("lab", &["diagnostic", "model"], true),
];

/// Files of pure modules that do I/O all the same, because they are the edge of their part.
const EDGES: &[&str] = &["inventory/load.rs"];

/// What a pure module must not reach for.
const IO: &[&str] = &[
    "fs_err",
    "std::fs",
    "std::process",
    "std::env",
    "std::thread",
    "TcpStream",
    "UnixStream",
    "now()",
    "println!",
    "eprintln!",
    "print!(",
];

#[test]
fn modules_use_only_what_they_may_know() {
    let mut wrong = Vec::new();
    for (part, file, text) in sources() {
        let Some((_, may_use, _)) = PARTS.iter().find(|(name, _, _)| *name == part) else { continue };
        for used in text.match_indices("crate::").map(|(at, found)| word(&text[at + found.len()..])) {
            let is_part = used == "cli" || PARTS.iter().any(|(name, _, _)| *name == used);
            if is_part && used != part && !may_use.contains(&used) {
                wrong.push(format!("{}: `{part}` must not know `{used}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "see docs/architecture.md:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_edges_do_io() {
    let mut wrong = Vec::new();
    for (part, file, text) in sources() {
        let pure = PARTS.iter().any(|(name, _, io)| *name == part && !io);
        if pure && !EDGES.iter().any(|edge| file.ends_with(edge)) {
            let found = IO.iter().filter(|token| text.contains(**token));
            wrong.extend(found.map(|token| format!("{}: `{token}` in a pure part", file.display())));
        }
    }
    assert!(wrong.is_empty(), "see docs/architecture.md:\n{}", wrong.join("\n"));
}

#[test]
fn every_part_is_in_the_map() {
    let map = fs_err::read_to_string(root().join("docs/architecture.md")).unwrap();
    let parts: BTreeSet<String> = sources().map(|(part, _, _)| part).collect();
    for part in parts {
        assert!(map.contains(&format!("| `{part}` |")), "docs/architecture.md says nothing of `{part}`");
        let known = part == "cli" || PARTS.iter().any(|(name, _, _)| *name == part);
        assert!(known, "tests/architecture.rs does not say what `{part}` may use");
    }
}

/// The library's files without their tests: module, path, text.
fn sources() -> impl Iterator<Item = (String, PathBuf, String)> {
    let folder = root().join("installer/src");
    walkdir::WalkDir::new(&folder).into_iter().filter_map(move |entry| {
        let path = entry.unwrap().into_path();
        let inner = path.strip_prefix(&folder).unwrap();
        let part = inner.iter().next()?.to_str()?.trim_end_matches(".rs").to_owned();
        let is_code = path.extension().is_some_and(|extension| extension == "rs")
            && !["lib", "main"].contains(&part.as_str())
            && !inner.ends_with("tests.rs");
        let text = is_code.then(|| fs_err::read_to_string(&path).unwrap())?;
        let code: Vec<&str> = text
            .lines()
            .take_while(|line| *line != "#[cfg(test)]")
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        Some((part, inner.to_owned(), code.join("\n")))
    })
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
