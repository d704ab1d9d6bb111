//! The inventory as a whole: its tables, each read strictly.

use std::collections::BTreeSet;

use super::settings::path;
use super::{Containerizer, Inventory, Packages, Rollout, Ssh, Surroundings, Tls, VarSetting, Vars, hosts};
use crate::diagnostic::{Mistake, Mistakes, Place, Reading, Source, Spanned, TableReader, suggestion};
use crate::model::VarName;

/// An inventory as far as it could be understood, and all mistakes in it.
///
/// Even with mistakes it can be checked further, so that one run shows those of the roles and variables too.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// What could be understood.
    pub inventory: Inventory,
    /// The mistakes.
    pub mistakes: Mistakes,
}

impl Parsed {
    /// Reads an inventory.
    pub fn new(source: &Source, around: &Surroundings) -> Self {
        let reading = Reading::new(source);
        let root = reading.root();
        let (name, release, containerizers) = cluster(&root);
        let packages = packages(&root, around);
        let ssh = root.table("ssh").map_or_else(Ssh::default, |table| Ssh::read(table, around));
        let rollout = root.table("rollout").map_or_else(Rollout::default, Rollout::read);
        let tls = root.table("tls").map_or_else(Tls::default, |table| Tls::read(table, around));
        let vars = root.table("vars").map(|table| vars(&table)).unwrap_or_default();
        let hosts = hosts::read(&root, &ssh, around);
        root.finish();
        let inventory = Inventory {
            source: source.clone(),
            name,
            release,
            containerizers,
            packages,
            ssh,
            rollout,
            tls,
            vars,
            hosts,
            incomplete: reading.is_incomplete(),
        };
        Self { inventory, mistakes: reading.into_mistakes().sorted() }
    }
}

fn cluster(root: &TableReader<'_>) -> (String, Spanned<String>, BTreeSet<Containerizer>) {
    let nothing = |place: &Place| Spanned::new(String::new(), place.clone());
    let Some(table) = root.need_table("cluster") else {
        return (String::new(), nothing(root.place()), BTreeSet::new());
    };
    let name = table.need::<String>("name", "\"demo\"").map(|name| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(allowed) {
            table.reading().push(
                Mistake::new(&name.place, format!("`{}` cannot be a cluster's name", name.value))
                    .help("use letters, digits, blanks and `._-`, beginning with a letter or digit"),
            );
        }
        name.value
    });
    let release = table.need::<String>("release", "\"0.28\"").unwrap_or_else(|| nothing(table.place()));
    let containerizers = containerizers(&table);
    table.finish();
    (name.unwrap_or_default(), release, containerizers)
}

fn containerizers(table: &TableReader<'_>) -> BTreeSet<Containerizer> {
    let key = "containerizers";
    let words = || Containerizer::WORDS.iter().map(|(word, _)| *word);
    let mut found = BTreeSet::new();
    let Some(list) = table.need::<Vec<Spanned<String>>>(key, "[\"mesos\"]") else { return found };
    if list.is_empty() && !table.reading().is_incomplete() {
        table.reading().push(
            Mistake::new(&list.place, "there is no containerizer")
                .help("write `[\"mesos\"]`, `[\"docker\"]` or `[\"mesos\", \"docker\"]`"),
        );
    }
    for word in &list.value {
        let meaning = Containerizer::WORDS.iter().find(|(known, _)| *known == word.value);
        let mistake = match meaning {
            None => Mistake::new(&word.place, format!("unknown containerizer `{}`", word.value))
                .help(suggestion(word, "containerizers", words())),
            Some((_, containerizer)) if found.insert(*containerizer) => continue,
            Some(_) => {
                Mistake::new(&word.place, format!("`{}` is there twice", word.value)).help("remove one")
            }
        };
        table.reading().push(mistake);
    }
    found
}

fn packages(root: &TableReader<'_>, around: &Surroundings) -> Packages {
    let default = || around.resolve("dist");
    let Some(table) = root.table("packages") else {
        return Packages { repo: default(), provided: Vec::new() };
    };
    let repo = path(&table, "repo", around).map_or_else(default, |repo| repo.value);
    let provided = table.get_or("provided", Vec::new());
    table.finish();
    Packages { repo, provided }
}

/// Reads a table of variables.
pub(super) fn vars(table: &TableReader<'_>) -> Vars {
    let mut vars = Vars::new();
    for entry in table.entries() {
        match entry.key.parse::<VarName>() {
            Ok(name) => {
                let setting = VarSetting { place: entry.key.place.clone(), value: entry.value.clone() };
                vars.insert(name, setting);
            }
            Err(error) => table.reading().push(
                Mistake::new(&entry.key.place, format!("`{}` is not a variable name", entry.key.value))
                    .help(error.allowed()),
            ),
        }
    }
    vars
}
