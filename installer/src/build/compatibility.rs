//! Which versions of components go together (`specs/compatibility.toml`), and whether a release's do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::BuildError;
use super::release::Recipe;
use crate::data::Data;
use crate::diagnostic::Typed;
use crate::model::PackageName;

const FILE: &str = "specs/compatibility.toml";

/// Whether a release must be one of the known combinations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compatibility {
    /// It must.
    #[default]
    Checked,
    /// Its author answers for it.
    Unchecked,
}

/// The known combinations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// Versions of Mesos.
    mesos: Vec<String>,
    /// Where this is known from.
    source: String,
    /// Versions of other components.
    with: BTreeMap<PackageName, Vec<String>>,
}

/// A package whose version does not go with the release's Mesos, and what would.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// The package.
    pub(super) package: PackageName,
    /// What is wrong.
    pub(super) problem: String,
    /// The rows that would work.
    pub(super) help: String,
}

impl Table {
    /// Reads the table.
    ///
    /// # Errors
    /// It is missing, or has a mistake in it.
    pub(super) fn load(data: &Data) -> Result<Self, BuildError> {
        Ok(Typed::read(&data.text(FILE)?)?.value)
    }

    /// What does not fit among `packages`; nothing when Mesos is not among them.
    pub(super) fn misfits(&self, packages: &BTreeMap<PackageName, Recipe>) -> Vec<Misfit> {
        let Some((name, mesos)) = packages.get_key_value("mesos") else { return Vec::new() };
        let rows: Vec<_> = self.rows.iter().filter(|row| among(&mesos.version, &row.mesos)).collect();
        if rows.is_empty() {
            return vec![Misfit {
                package: name.clone(),
                problem: format!("Mesos {} is in no known combination", mesos.version),
                help: help(&self.rows.iter().collect::<Vec<_>>()),
            }];
        }
        let fits = |row: &Row| {
            row.with.iter().all(|(name, versions)| {
                packages.get(name).is_none_or(|recipe| among(&recipe.version, versions))
            })
        };
        if rows.iter().any(|row| fits(row)) {
            return Vec::new();
        }
        let wrong = packages.iter().filter(|(name, recipe)| {
            rows.iter().all(|row| row.with.get(*name).is_some_and(|known| !among(&recipe.version, known)))
        });
        wrong
            .map(|(name, recipe)| Misfit {
                package: name.clone(),
                problem: format!("{name} {} is not known to go with Mesos {}", recipe.version, mesos.version),
                help: help(&rows),
            })
            .collect()
    }
}

/// Whether `version` is one of `known`, or a later part of one.
fn among(version: &str, known: &[String]) -> bool {
    let same = |known: &String| {
        version.strip_prefix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    known.iter().any(same)
}

fn help(rows: &[&Row]) -> String {
    let mut text = format!("these are known ({FILE}):");
    for row in rows {
        let _ = write!(text, "\n    mesos {}", row.mesos.join(" or "));
        for (name, versions) in &row.with {
            let _ = write!(text, ", {name} {}", versions.join(" or "));
        }
        let _ = write!(text, "\n      ({})", row.source);
    }
    text.push_str("\n  say `compatibility = \"unchecked\"` in a release of your own if you know better");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Release;

    fn release(versions: &[(&str, &str)], more: &str) -> Result<Release, BuildError> {
        let mut data = Data::built_in();
        let mut text = format!("description = \"d\"\nsource_date_epoch = 1\n{more}\n");
        for (name, version) in versions {
            text.push_str(&format!("[packages.{name}]\nversion = \"{version}\"\n"));
        }
        data.insert("specs/releases/t.toml", text);
        Release::load(&data, "t")
    }

    #[test]
    fn a_combination_outside_of_the_table_is_refused_with_the_rows_that_would_work() {
        let refused = release(&[("mesos", "0.28.2"), ("net-modules", "0.1.0"), ("zookeeper", "3")], "");
        insta::assert_snapshot!(refused.unwrap_err());
        let refused = release(&[("mesos", "0.28.9")], "").unwrap_err().to_string();
        assert!(refused.contains("Mesos 0.28.9 is in no known combination"), "{refused}");
        assert!(refused.contains("mesos 0.26") && refused.contains("mesos 0.28.0"), "all rows: {refused}");
    }

    #[test]
    fn what_the_table_has_or_does_not_speak_of_is_accepted() {
        release(&[("mesos", "0.28.2"), ("net-modules", "0.2.0"), ("calico-mesos", "0.1.6")], "").unwrap();
        release(&[("mesos", "0.28.2"), ("zookeeper", "3.8.0")], "").unwrap();
        release(&[("net-modules", "7")], "").unwrap();
    }

    #[test]
    fn an_author_can_answer_for_a_release() {
        let versions = [("mesos", "1.11.0"), ("net-modules", "9")];
        release(&versions, "compatibility = \"unchecked\"").unwrap();
        assert!(release(&versions, "compatibility = \"never\"").is_err());
    }

    /// 0.28.10 is not a part of 0.28.1.
    #[test]
    fn versions_are_compared_by_their_parts() {
        let known = ["0.28.1".to_owned()];
        assert!(among("0.28.1", &known) && among("0.28.1.1", &known) && !among("0.28.10", &known));
    }
}
