//! Releases: which version of every component, from which source (`specs/releases/*.toml`).

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use serde::Deserialize;

use super::{BuildError, SpecFiles};
use crate::model::PackageName;

/// One release file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The stem of its file.
    #[serde(skip)]
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// The time stamp of everything inside the packages, in seconds since 1970, so that two builds are equal.
    pub source_date_epoch: u64,
    /// The packages by the name of their spec template.
    pub packages: BTreeMap<PackageName, Recipe>,
}

/// What one spec template is rendered with and built from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The component's version.
    pub version: String,
    /// How often this version was packaged anew: the first part of RPM's `Release`.
    #[serde(default = "first_revision")]
    pub revision: String,
    /// Whether a stand-in is built in place of the real component.
    #[serde(default)]
    pub stand_in: bool,
    /// Packages of this release whose files the build uses; they are built before.
    #[serde(default)]
    pub needs: BTreeSet<PackageName>,
    /// What the build machine must have, by the names of the distribution profile's `[build_requires]`.
    #[serde(default)]
    pub build_requires: BTreeSet<String>,
    /// Where the component comes from, by a name of one's own.
    pub sources: BTreeMap<String, Source>,
}

fn first_revision() -> String {
    "1".to_owned()
}

/// Where a component comes from. More kinds are to come: archives by digest, git by commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// Packages of the building machine's Debian release, fetched by apt, which verifies them, and unpacked
    /// inside the build; nothing is installed.
    Deb {
        /// The packages that are unpacked.
        packages: BTreeSet<String>,
        /// The one among them whose upstream version must be the recipe's.
        version_of: String,
    },
    /// A folder below `specs/`.
    Folder {
        /// Its path, relative to `specs/`.
        path: Utf8PathBuf,
    },
}

impl Release {
    /// Reads `specs/releases/<name>.toml`.
    ///
    /// # Errors
    /// There is no such release (with the names of those that are), or its file has a mistake.
    pub fn load(files: &SpecFiles, name: &str) -> Result<Self, BuildError> {
        let file = Utf8PathBuf::from(format!("releases/{name}.toml"));
        let Some(text) = files.text(&file)? else {
            return Err(BuildError::unknown("release", name, &files.stems("releases", ".toml")));
        };
        Self::parse(name, text).map_err(|problem| BuildError::Data { file, problem })
    }

    fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut release: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        name.clone_into(&mut release.name);
        for (package, recipe) in &release.packages {
            recipe.check().map_err(|problem| format!("[packages.{package}] {problem}"))?;
            if let Some(missing) = recipe.needs.iter().find(|need| !release.packages.contains_key(*need)) {
                return Err(format!(
                    "[packages.{package}] needs `{missing}`, which this release does not have"
                ));
            }
        }
        release.order()?;
        Ok(release)
    }

    /// The packages, each after those that it needs.
    fn order(&self) -> Result<Vec<&PackageName>, String> {
        let mut ordered: Vec<&PackageName> = Vec::new();
        while ordered.len() < self.packages.len() {
            let ready = self.packages.iter().find(|(name, recipe)| {
                !ordered.contains(name) && recipe.needs.iter().all(|need| ordered.contains(&need))
            });
            match ready {
                Some((name, _)) => ordered.push(name),
                None => {
                    let rest = self.packages.keys().filter(|name| !ordered.contains(name));
                    let rest = rest.map(PackageName::as_str).collect::<Vec<_>>().join(", ");
                    return Err(format!(
                        "these packages need each other, so none can be built first: {rest}"
                    ));
                }
            }
        }
        Ok(ordered)
    }

    /// `wanted` and everything that it needs, each package after those that it needs. All packages when `wanted`
    /// is empty.
    ///
    /// # Errors
    /// A name that the release does not have, with the nearest that it has.
    pub fn select(&self, wanted: &[String]) -> Result<Vec<&PackageName>, BuildError> {
        let names: Vec<_> = self.packages.keys().map(ToString::to_string).collect();
        let mut selected = BTreeSet::new();
        for name in if wanted.is_empty() { &names } else { wanted } {
            let found = self.packages.get_key_value(name.as_str());
            let (name, _) = found.ok_or_else(|| BuildError::unknown("package", name, &names))?;
            self.add_with_needs(name, &mut selected);
        }
        let mut ordered = self.order().unwrap_or_default();
        ordered.retain(|name| selected.contains(name));
        Ok(ordered)
    }

    /// `selected` and those packages for which `present` holds that need one of them: when a package is built anew,
    /// what was built with the old one is no longer good. Each package comes after those that it needs.
    pub(super) fn with_dependents<'a>(
        &'a self,
        selected: &[&'a PackageName],
        present: impl Fn(&PackageName) -> bool,
    ) -> Vec<&'a PackageName> {
        let mut all: BTreeSet<_> = selected.iter().copied().collect();
        let ordered = self.order().unwrap_or_default();
        for name in &ordered {
            let needs = self.packages.get(*name).map(|recipe| &recipe.needs);
            if present(name) && needs.is_some_and(|needs| needs.iter().any(|need| all.contains(need))) {
                self.add_with_needs(name, &mut all);
            }
        }
        ordered.into_iter().filter(|name| all.contains(name)).collect()
    }

    fn add_with_needs<'a>(&'a self, name: &'a PackageName, selected: &mut BTreeSet<&'a PackageName>) {
        if selected.insert(name)
            && let Some(recipe) = self.packages.get(name)
        {
            recipe.needs.iter().for_each(|need| self.add_with_needs(need, selected));
        }
    }
}

impl Recipe {
    fn check(&self) -> Result<(), String> {
        for (key, text) in [("version", &self.version), ("revision", &self.revision)] {
            let valid = |c: char| c.is_ascii_alphanumeric() || "._+~^".contains(c);
            if text.is_empty() || !text.chars().all(valid) {
                return Err(format!(
                    "{key} = {text:?} cannot be a version in RPM: use letters, digits and `._+~^`"
                ));
            }
        }
        for (name, source) in &self.sources {
            match source {
                Source::Deb { packages, version_of } if !packages.contains(version_of) => {
                    return Err(format!(
                        "sources.{name}: version_of = {version_of:?} is not among its `packages`"
                    ));
                }
                Source::Folder { path } if !is_inside(path) => {
                    return Err(format!("sources.{name}: path = {path:?} leaves the folder specs/"));
                }
                Source::Deb { .. } | Source::Folder { .. } => {}
            }
        }
        Ok(())
    }
}

fn is_inside(path: &Utf8PathBuf) -> bool {
    !path.as_str().is_empty()
        && path.components().all(|part| matches!(part, camino::Utf8Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(packages: &str) -> Result<Release, String> {
        Release::parse("t", &format!("description = \"d\"\nsource_date_epoch = 1\n{packages}"))
    }

    const FOLDER: &str = "sources.s = { kind = \"folder\", path = \"p\" }\n";

    #[test]
    fn the_order_follows_the_needs() {
        let release = parse(&format!(
            "[packages.a]\nversion = \"1\"\nneeds = [\"b\"]\n{FOLDER}\n[packages.b]\nversion = \"1\"\n{FOLDER}\
             \n[packages.c]\nversion = \"1\"\n{FOLDER}"
        ))
        .unwrap();
        let names = |wanted: &[String]| {
            release.select(wanted).unwrap().into_iter().map(PackageName::as_str).collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["b", "a", "c"]);
        assert_eq!(names(&["a".to_owned()]), ["b", "a"]);
        let error = release.select(&["cc".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("did you mean `c`?"), "{error}");
    }

    #[test]
    fn mistakes_are_refused() {
        let refused = |packages: &str| parse(packages).unwrap_err();
        let ring = format!("[packages.a]\nversion = \"1\"\nneeds = [\"a\"]\n{FOLDER}");
        assert!(refused(&ring).contains("need each other"));
        let missing = format!("[packages.a]\nversion = \"1\"\nneeds = [\"z\"]\n{FOLDER}");
        insta::assert_snapshot!(refused(&missing), @"[packages.a] needs `z`, which this release does not have");
        let version = format!("[packages.a]\nversion = \"1-2\"\n{FOLDER}");
        assert!(refused(&version).contains("cannot be a version"));
        let key = format!("[packages.a]\nversion = \"1\"\nfoo = 1\n{FOLDER}");
        assert!(refused(&key).contains("unknown field `foo`"));
        let key = "[packages.a]\nversion = \"1\"\nsources.s = { kind = \"folder\", path = \"p\", x = 1 }";
        assert!(refused(key).contains("unknown field `x`"));
        let out = "[packages.a]\nversion = \"1\"\nsources.s = { kind = \"folder\", path = \"../p\" }";
        assert!(refused(out).contains("leaves the folder"));
    }

    #[test]
    fn the_lab_release_is_well_formed() {
        let release = Release::load(&SpecFiles::embedded(), "lab").unwrap();
        assert!(release.select(&[]).unwrap().len() >= 5);
        let error = Release::load(&SpecFiles::embedded(), "lap").unwrap_err();
        assert!(error.to_string().contains("did you mean `lab`?"), "{error}");
    }
}
