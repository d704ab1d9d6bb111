//! Releases: which version of every component, from which source (`specs/releases/*.toml`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::compatibility::{Compatibility, Misfit, Table};
use super::{BuildError, Distro, definition};
use crate::data::Data;
use crate::diagnostic::{Mistake, Mistakes, Typed, list, suggestion};
use crate::model::PackageName;
use crate::sources::{Options, Source, Wanted, is_file_name, is_here};

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
    /// Whether it must be one of the combinations of `specs/compatibility.toml`.
    #[serde(default)]
    pub compatibility: Compatibility,
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
    /// The same, where the distribution has them. Where it lacks one, what the component's source carries is used.
    #[serde(default)]
    pub prefers: BTreeSet<String>,
    /// Where the component comes from, by a name of one's own. Packages that are made from the same thing call it
    /// the same.
    #[serde(default)]
    pub sources: BTreeMap<String, Source>,
    /// What is different on a distribution, by its profile's name.
    #[serde(default)]
    pub on: BTreeMap<String, Variant>,
}

/// What a recipe has of its own on one distribution; what is left out is the recipe's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The component's version.
    pub version: Option<String>,
    /// In addition to the recipe's `build_requires`.
    #[serde(default)]
    pub build_requires: BTreeSet<String>,
    /// Where the component comes from.
    pub sources: Option<BTreeMap<String, Source>>,
}

fn first_revision() -> String {
    "1".to_owned()
}

impl Release {
    /// Reads `specs/releases/<name>.toml`.
    ///
    /// # Errors
    /// There is no such release (with the names of those that are), or its file has a mistake.
    pub fn load(data: &Data, name: &str) -> Result<Self, BuildError> {
        let (_, release) = definition::read::<Self>(data, "releases", "release", name)?;
        let mut mistakes = release.value.mistakes(&release);
        if release.value.compatibility == Compatibility::Checked {
            for Misfit { package, problem, help } in Table::load(data)?.misfits(&release.value.packages) {
                let place = release.place(&["packages", package.as_str(), "version"]);
                mistakes.push(Mistake::new(place, problem).help(help));
            }
        }
        Ok(mistakes.or(Self { name: name.to_owned(), ..release.value })?)
    }

    /// What is wrong beyond the form; `file` is this release as it was written.
    fn mistakes(&self, file: &Typed<Self>) -> Mistakes {
        let mut mistakes = Mistakes::new();
        let preferred: BTreeSet<_> = self.packages.values().flat_map(|recipe| &recipe.prefers).collect();
        for (name, recipe) in &self.packages {
            recipe.check(|path, message, help| {
                let place = file.place(&[&["packages", name.as_str()], path].concat());
                mistakes.push(Mistake::new(place, message).help(help));
            });
            for (source, key) in recipe.left_out_with().filter(|(_, key)| !preferred.contains(*key)) {
                let path = ["packages", name.as_str(), "sources", source, "exclude_with", key];
                let message = format!("no package of this release prefers `{key}`");
                let help = "add it to the `prefers` of the package that uses it, or correct the name";
                mistakes.push(Mistake::new(file.place(&path), message).help(help));
            }
            for missing in recipe.needs.iter().filter(|need| !self.packages.contains_key(*need)) {
                let place = file.place(&["packages", name.as_str(), "needs", missing.as_str()]);
                let packages = self.packages.keys().map(PackageName::as_str);
                mistakes.push(
                    Mistake::new(place, format!("this release has no package `{missing}`")).help(suggestion(
                        missing.as_str(),
                        "packages",
                        packages,
                    )),
                );
            }
        }
        if mistakes.is_empty()
            && let Err(ring) = self.order()
            && let Some(first) = ring.first()
        {
            let place = file.place(&["packages", first.as_str(), "needs"]);
            let message = format!("{} need each other, so none can be built first", list(&ring));
            mistakes.push(Mistake::new(place, message).help("remove one of their `needs`"));
        }
        mistakes
    }

    /// The release as it is on `distro`: variants applied, without the packages that the distribution has itself, and
    /// with what its packages prefer, as far as the distribution has it.
    #[must_use]
    pub fn on(mut self, distro: &Distro) -> Self {
        self.packages.retain(|name, _| !distro.has.contains_key(name));
        for recipe in self.packages.values_mut() {
            if let Some(variant) = std::mem::take(&mut recipe.on).remove(&distro.id) {
                recipe.version = variant.version.unwrap_or_else(|| recipe.version.clone());
                recipe.build_requires.extend(variant.build_requires);
                recipe.sources = variant.sources.unwrap_or_else(|| std::mem::take(&mut recipe.sources));
            }
            for (name, instead) in &distro.has {
                if recipe.needs.remove(name) {
                    recipe.build_requires.extend(instead.iter().cloned());
                }
            }
            recipe.prefers.retain(|name| !distro.lacks.contains(name));
            recipe.build_requires.extend(recipe.prefers.iter().cloned());
            recipe.sources.values_mut().for_each(|source| source.leave_out_except(&distro.lacks));
        }
        self
    }

    /// That `--source` names sources of this release, and such as can be given.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check_overrides(&self, options: &Options) -> Result<(), BuildError> {
        let all = || self.packages.values().flat_map(|recipe| &recipe.sources);
        let can_be_given = |source: &Source| {
            matches!(source, Source::Git { .. } | Source::Download { .. } | Source::Given { .. })
        };
        for name in options.overrides.keys() {
            let mut named = all().filter(|(known, _)| *known == name).peekable();
            if named.peek().is_none() {
                let known = all().filter(|(_, source)| can_be_given(source)).map(|(known, _)| known.as_str());
                return Err(BuildError::unknown("source", name, known));
            }
            if !named.any(|(_, source)| can_be_given(source)) {
                return Err(BuildError::File {
                    file: format!("--source {name}=…"),
                    problem: format!(
                        "release {} makes `{name}` of what this program or the distribution has\n\
                         leave the option out, or take a release that builds it from upstream's source",
                        self.name
                    ),
                });
            }
        }
        Ok(())
    }

    /// The packages that are meant when `named` are: these, or all but those that are made from a file that nobody
    /// gives. With what to do to have each of these.
    pub fn meant(&self, named: &[String], options: &Options) -> (Vec<String>, Vec<String>) {
        if !named.is_empty() {
            return (named.to_vec(), Vec::new());
        }
        let (mut meant, mut left_out) = (Vec::new(), Vec::new());
        for (package, recipe) in &self.packages {
            let missing = recipe.sources.iter().find_map(|(name, source)| match source {
                Source::Given { file, how } => {
                    let wanted = Wanted { package, version: &recipe.version, name, source };
                    (!is_here(&wanted, options)).then(|| format!("{how}; then --source {name}={file}"))
                }
                _ => None,
            });
            match missing {
                None => meant.push(package.to_string()),
                Some(remedy) => left_out.push(format!(
                    "{package} is not built, since its source is not given; to have it: {remedy}"
                )),
            }
        }
        (meant, left_out)
    }

    /// The packages, each after those that it needs.
    ///
    /// # Errors
    /// Those that cannot be put into an order.
    fn order(&self) -> Result<Vec<&PackageName>, Vec<&PackageName>> {
        let mut ordered: Vec<&PackageName> = Vec::new();
        while ordered.len() < self.packages.len() {
            let ready = self.packages.iter().find(|(name, recipe)| {
                !ordered.contains(name) && recipe.needs.iter().all(|need| ordered.contains(&need))
            });
            match ready {
                Some((name, _)) => ordered.push(name),
                None => return Err(self.packages.keys().filter(|name| !ordered.contains(name)).collect()),
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
            let known = names.iter().map(String::as_str);
            let (name, _) = found.ok_or_else(|| BuildError::unknown("package", name, known))?;
            self.add_with_needs(name, &mut selected);
        }
        let mut ordered = self.order().unwrap_or_default();
        ordered.retain(|name| selected.contains(name));
        Ok(ordered)
    }

    /// The sources of `wanted` and of everything that it needs; all of the release when `wanted` is empty.
    ///
    /// # Errors
    /// A name that the release does not have, with the nearest that it has.
    pub fn sources(&self, wanted: &[String]) -> Result<Vec<Wanted<'_>>, BuildError> {
        let recipes = self.select(wanted)?.into_iter().filter_map(|name| self.packages.get_key_value(name));
        let sources = recipes.flat_map(|(package, recipe)| {
            let sources = recipe.sources.iter();
            sources.map(|(name, source)| Wanted { package, version: &recipe.version, name, source })
        });
        Ok(sources.collect())
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
    /// The names of sources, with those of build requirements that take the place of some of their files.
    fn left_out_with(&self) -> impl Iterator<Item = (&str, &String)> {
        self.sources.iter().flat_map(|(name, source)| {
            let keys = match source {
                Source::Git { exclude_with, .. } => Some(exclude_with.keys()),
                _ => None,
            };
            keys.into_iter().flatten().map(|key| (name.as_str(), key))
        })
    }

    /// Tells `wrong` what is wrong: the path of the value inside the recipe, message and help.
    fn check(&self, mut wrong: impl FnMut(&[&str], String, &str)) {
        for (key, text) in [("version", &self.version), ("revision", &self.revision)] {
            let valid = |c: char| c.is_ascii_alphanumeric() || "._+~^".contains(c);
            if text.is_empty() || !text.chars().all(valid) {
                let message = format!("{text:?} cannot be a {key} in RPM");
                wrong(&[key], message, "use letters, digits and `._+~^`");
            }
        }
        let variants = self.on.values().filter_map(|variant| variant.sources.as_ref());
        for name in std::iter::once(&self.sources).chain(variants).flat_map(BTreeMap::keys) {
            if !is_file_name(name) {
                let message = format!("{name:?} cannot be the name of a source");
                wrong(
                    &["sources", name],
                    message,
                    "use letters, digits and `-._+~`, beginning with a letter or digit",
                );
            }
        }
        for (name, source) in &self.sources {
            source.check(|key, message, help| wrong(&["sources", name, key], message, help));
        }
        for (distro, variant) in &self.on {
            for (name, source) in variant.sources.iter().flatten() {
                source.check(|key, message, help| {
                    wrong(&["on", distro, "sources", name, key], message, help);
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(packages: &str) -> Result<Release, BuildError> {
        let mut data = Data::built_in();
        let text = format!("description = \"d\"\nsource_date_epoch = 1\n{packages}");
        data.insert("specs/releases/t.toml", text);
        Release::load(&data, "t")
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
        let error = release.select(&["C".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("did you mean `c`?"), "{error}");
    }

    #[test]
    fn mistakes_are_refused_where_they_are() {
        let refused = |packages: &str| parse(packages).unwrap_err();
        let ring = format!(
            "[packages.a]\nversion = \"1\"\nneeds = [\"b\"]\n{FOLDER}[packages.b]\nversion = \"1\"\nneeds = [\"a\"]\n{FOLDER}"
        );
        insta::assert_snapshot!(refused(&ring), @"
        specs/releases/t.toml:5:9: `a` and `b` need each other, so none can be built first
          help: remove one of their `needs`
        ");
        let many = "[packages.a]\nversion = \"1-2\"\nneeds = [\n  \"z\"]\n\
                    sources.s = { kind = \"folder\", path = \"../p\" }\n\
                    sources.t = { kind = \"git\", url = \"u\", commit = \"main\" }\n\
                    sources.u = { kind = \"deb\", packages = [\"x\"], version_of = \"y\" }\n";
        insta::assert_snapshot!(refused(many), @r#"
        specs/releases/t.toml:4:11: "1-2" cannot be a version in RPM
          help: use letters, digits and `._+~^`
        specs/releases/t.toml:6:3: this release has no package `z`
          help: the packages are `a`
        specs/releases/t.toml:7:39: "../p" leaves the folder `specs`
          help: give a path relative to `specs`, without `..`
        specs/releases/t.toml:8:49: "main" is not a commit
          help: give all 40 hexadecimal digits
        specs/releases/t.toml:9:60: "y" is not among the `packages` of this source
          help: name one of them
        "#);
        let key = format!("[packages.a]\nversion = \"1\"\nnedes = []\n{FOLDER}");
        insta::assert_snapshot!(refused(&key), @"
        specs/releases/t.toml:5:1: unknown key `nedes`
          help: did you mean `needs`?
        ");
        let key = "[packages.a]\nversion = \"1\"\nsources.s = { kind = \"folder\", path = \"p\", x = 1 }";
        insta::assert_snapshot!(refused(key), @"
        specs/releases/t.toml:5:13: unknown key `x`
          help: the keys here are `path`
        ");
    }

    #[test]
    fn what_nobody_gives_is_left_out_unless_it_is_named() {
        let text = format!(
            "[packages.a]\nversion = \"1\"\n{FOLDER}\n[packages.image]\nversion = \"1\"\n\
             sources.s = {{ kind = \"given\", file = \"image.tar\", how = \"docker save -o image.tar i\" }}"
        );
        let folder = tempfile::tempdir().unwrap();
        let store = camino::Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let mut options = Options {
            store: store.clone(),
            overrides: BTreeMap::new(),
            mirrors: vec![crate::sources::Mirror::Folder(store.clone())],
            offline: true,
            lock: crate::sources::Lock::default(),
        };
        let left = |named: &[&str], options: &Options| {
            let named: Vec<_> = named.iter().map(ToString::to_string).collect();
            let (meant, left) = parse(&text).unwrap().meant(&named, options);
            assert_eq!(meant.len() + left.len(), if named.is_empty() { 2 } else { named.len() });
            left
        };
        insta::assert_snapshot!(left(&[], &options).concat(), @"image is not built, since its source is not given; to have it: docker save -o image.tar i; then --source s=image.tar");
        assert!(left(&["image"], &options).is_empty());
        fs_err::write(store.join("image.tar"), "").unwrap();
        assert!(left(&[], &options).is_empty(), "the mirror has it");
        options.mirrors.clear();
        options.overrides.insert("s".to_owned(), store.join("image.tar"));
        assert!(left(&[], &options).is_empty());

        let release = parse(&text).unwrap();
        assert!(release.check_overrides(&options).is_ok());
        options.overrides = BTreeMap::from([("t".to_owned(), store.clone())]);
        insta::assert_snapshot!(release.check_overrides(&options).unwrap_err(), @"
        there is no source `t`
        the sources are `s`
        ");
        let folder = parse(&format!("[packages.a]\nversion = \"1\"\n{FOLDER}")).unwrap();
        options.overrides = BTreeMap::from([("s".to_owned(), store.clone())]);
        insta::assert_snapshot!(folder.check_overrides(&options).unwrap_err(), @"
        --source s=…: release t makes `s` of what this program or the distribution has
        leave the option out, or take a release that builds it from upstream's source
        ");
    }

    #[test]
    fn what_is_left_out_follows_what_is_preferred() {
        let source = "sources.s = { kind = \"git\", url = \"u\", commit = \"0123456789012345678901234567890123456789\", \
                      exclude = [\"a\"], exclude_with.zookeeper-c = [\"z\"] }\n";
        let text = format!("[packages.x]\nversion = \"1\"\nprefers = [\"zookeeper-c\"]\n{source}");
        let left_out = |lacks: &[&str]| {
            let mut distro = Distro::load(&Data::built_in(), "debian12").unwrap();
            distro.lacks = lacks.iter().map(|name| (*name).to_owned()).collect();
            let release = parse(&text).unwrap().on(&distro);
            let recipe = &release.packages["x"];
            assert_eq!(recipe.build_requires.contains("zookeeper-c"), lacks.is_empty());
            match &recipe.sources["s"] {
                Source::Git { exclude, .. } => exclude.iter().map(ToString::to_string).collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(left_out(&[]), ["a", "z"]);
        assert_eq!(left_out(&["zookeeper-c"]), ["a"]);
        let misspelt = text.replace("exclude_with.zookeeper-c", "exclude_with.zookeper-c");
        insta::assert_snapshot!(parse(&misspelt).unwrap_err(), @"
        specs/releases/t.toml:6:136: no package of this release prefers `zookeper-c`
          help: add it to the `prefers` of the package that uses it, or correct the name
        ");
    }

    #[test]
    fn what_a_distribution_has_brings_requirements_in_its_place() {
        let mut distro = Distro::load(&Data::built_in(), "debian12").unwrap();
        distro.has.insert("base".parse().unwrap(), ["make".to_owned()].into());
        let text = format!(
            "[packages.base]\nversion = \"1\"\n{FOLDER}[packages.top]\nversion = \"1\"\nneeds = [\"base\"]\n{FOLDER}\
             [packages.other]\nversion = \"1\"\n{FOLDER}"
        );
        let release = parse(&text).unwrap().on(&distro);
        assert_eq!(release.packages.keys().map(PackageName::as_str).collect::<Vec<_>>(), ["other", "top"]);
        let top = &release.packages["top"];
        assert!(top.needs.is_empty() && top.build_requires.contains("make"), "{top:?}");
        assert!(
            release.packages["other"].build_requires.is_empty(),
            "it does not need what the distribution has"
        );
    }

    #[test]
    fn the_lab_release_is_well_formed() {
        let release = Release::load(&Data::built_in(), "lab").unwrap();
        assert!(release.select(&[]).unwrap().len() >= 5);
        let error = Release::load(&Data::built_in(), "lap").unwrap_err();
        assert!(error.to_string().contains("did you mean `lab`?"), "{error}");
    }
}
