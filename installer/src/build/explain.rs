//! Why a package would be built: which of its inputs differ from those of the build that the repository has.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::job::ENVIRONMENT;
use crate::repository::PackageBuild;

/// One input that differs between two builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Difference {
    /// What people call it: `patch fix-build-date.patch`, `installed gcc-12`.
    pub input: String,
    /// What it was; none where the earlier build had no such input.
    pub old: Option<String>,
    /// What it is; none where there is no such input any longer.
    pub new: Option<String>,
}

/// The inputs that differ, by name. What is installed is compared package by package.
pub(super) fn differences(old: &PackageBuild, new: &PackageBuild) -> Vec<Difference> {
    let mut found: Vec<_> =
        compare("", &old.inputs, &new.inputs).filter(|difference| difference.input != ENVIRONMENT).collect();
    if old.inputs.get(ENVIRONMENT) != new.inputs.get(ENVIRONMENT) {
        found.extend(compare("installed ", &old.environment, &new.environment));
    }
    found
}

fn compare<'a>(
    prefix: &'a str,
    old: &'a BTreeMap<String, String>,
    new: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = Difference> + 'a {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names.into_iter().filter(|name| old.get(*name) != new.get(*name)).map(move |name| Difference {
        input: format!("{prefix}{name}"),
        old: old.get(name).cloned(),
        new: new.get(name).cloned(),
    })
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { input, old, new } = self;
        match (old.as_deref().map(short), new.as_deref().map(short)) {
            (Some(old), Some(new)) => write!(f, "{input}: {old} → {new}"),
            (None, Some(new)) => write!(f, "{input}: new, {new}"),
            (Some(old), None) => write!(f, "{input}: gone, was {old}"),
            (None, None) => f.write_str(input),
        }
    }
}

/// The first twelve digits of a digest, any other text as it is.
fn short(value: &str) -> &str {
    let is_digest = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest { value.get(..12).unwrap_or(value) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;

    fn build(inputs: &[(&str, &str)], environment: &[(&str, &str)]) -> PackageBuild {
        let map =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut build = PackageBuild::new("1", Digest::of(""));
        build.inputs = map(inputs);
        build.environment = map(environment);
        build
    }

    #[test]
    fn what_differs_is_named_with_both_values() {
        let digest = Digest::of("a").to_string();
        let old = build(
            &[("environment", "x"), ("patch a", &digest), ("macro m", "1")],
            &[("gcc", "12"), ("vim", "9")],
        );
        let new = build(
            &[("environment", "y"), ("patch a", "two"), ("version", "2")],
            &[("gcc", "13"), ("vim", "9")],
        );
        let text: Vec<_> = differences(&old, &new).iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(text.join("\n"), @"
        macro m: gone, was 1
        patch a: ca978112ca1b → two
        version: new, 2
        installed gcc: 12 → 13
        ");
        assert_eq!(differences(&old, &old), []);
    }
}
