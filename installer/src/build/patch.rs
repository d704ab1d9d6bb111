//! Patches: `specs/patches/<package>/*.patch`, each of which says itself why it is there and for which versions.
//!
//! ```text
//! Why: what breaks without it
//! Versions: 0.26.0 to 0.28.3
//! With: the build requirement that the package prefers, and without which the patch is not wanted; may be left out
//!
//! --- a/file
//! +++ b/file
//! ```

use rpm_version::Evr;

use super::{BuildError, Recipe};
use crate::data::Data;
use crate::model::PackageName;

/// A patch that applies to a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patch {
    /// Its file name.
    pub(super) name: String,
    /// The file.
    pub(super) text: String,
}

/// The patches of `package` as `recipe` makes it, in the order of their names.
///
/// # Errors
/// A patch does not say why it is there or for which versions.
pub(super) fn patches(data: &Data, package: &PackageName, recipe: &Recipe) -> Result<Vec<Patch>, BuildError> {
    let folder = format!("specs/patches/{package}");
    let mut patches = Vec::new();
    for name in data.stems(&folder, ".patch") {
        let source = data.text(format!("{folder}/{name}.patch"))?;
        let fail = |problem: &str| BuildError::File {
            file: source.name().to_owned(),
            problem: format!("{problem}\nBegin it with `Why: …` and `Versions: FIRST to LAST`."),
        };
        let (head, _) = source.text().split_once("\n--- ").ok_or_else(|| fail("is not a patch"))?;
        if !head.starts_with("Why: ") {
            return Err(fail("does not say why it is there"));
        }
        let range = head.lines().find_map(|line| line.strip_prefix("Versions: ")?.split_once(" to "));
        let (first, last) = range.ok_or_else(|| fail("does not say for which versions it is"))?;
        let [first, version, last] = [first, &recipe.version, last].map(|text| Evr::new("", text, ""));
        let with = head.lines().find_map(|line| line.strip_prefix("With: "));
        let wanted = with.is_none_or(|name| recipe.prefers.contains(name));
        if wanted && first <= version && version <= last {
            patches.push(Patch { name: format!("{name}.patch"), text: source.text().to_owned() });
        }
    }
    Ok(patches)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(version: &str, prefers: &[&str]) -> Recipe {
        toml::from_str(&format!("version = {version:?}\nprefers = {prefers:?}")).unwrap()
    }

    fn names(text: &str, recipe: &Recipe) -> Result<Vec<String>, String> {
        let mut data = Data::built_in();
        data.insert("specs/patches/x/a.patch", text);
        let found = patches(&data, &"x".parse().unwrap(), recipe).map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(|patch| patch.name).collect())
    }

    #[test]
    fn a_patch_is_for_the_versions_that_it_names() {
        let patch = "Why: it breaks\nVersions: 0.26.0 to 0.28.3\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
        for (version, expected) in
            [("0.25.9", 0), ("0.26.0", 1), ("0.28.2", 1), ("0.28.3", 1), ("0.28.10", 0), ("1.0", 0)]
        {
            assert_eq!(names(patch, &recipe(version, &[])).unwrap().len(), expected, "{version}");
        }
    }

    #[test]
    fn a_patch_may_be_for_what_a_distribution_has() {
        let patch =
            "Why: it breaks\nVersions: 1 to 2\nWith: zookeeper-c\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
        assert_eq!(names(patch, &recipe("1", &["zookeeper-c", "other"])).unwrap().len(), 1);
        assert_eq!(names(patch, &recipe("1", &["other"])).unwrap().len(), 0);
        assert_eq!(names(patch, &recipe("3", &["zookeeper-c"])).unwrap().len(), 0);
    }

    #[test]
    fn a_patch_that_says_nothing_of_itself_is_refused() {
        let refused = |text| names(text, &recipe("1", &[])).unwrap_err();
        insta::assert_snapshot!(refused("Versions: 1 to 2\n\n--- a/x\n"), @"
        specs/patches/x/a.patch: does not say why it is there
        Begin it with `Why: …` and `Versions: FIRST to LAST`.
        ");
        assert!(refused("Why: x\n\n--- a/x\n").contains("does not say for which versions"));
        assert!(refused("Why: x\n").contains("is not a patch"));
    }

    /// Every patch of ours says why, and is for a version of a release of ours.
    #[test]
    fn every_built_in_patch_is_used() {
        let data = Data::built_in();
        let releases: Vec<_> = data
            .stems("specs/releases", ".toml")
            .map(|name| super::super::Release::load(&data, name).unwrap())
            .collect();
        for path in data.below("specs/patches").filter(|path| path.extension() == Some("patch")) {
            let package = path.parent().and_then(|parent| parent.file_name()).unwrap().parse().unwrap();
            let used = releases.iter().filter_map(|release| release.packages.get(&package)).any(|recipe| {
                let found = patches(&data, &package, recipe).unwrap();
                found.iter().any(|patch| Some(patch.name.as_str()) == path.file_name())
            });
            assert!(used, "{path} is for no version of any release");
        }
    }
}
