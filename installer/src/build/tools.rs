//! What the build machine must have, looked at before anything is built.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::BuildError;
use super::distro::{BuildRequire, Distro};
use super::release::Recipe;

/// What every build runs, by the names of the profile.
const ALWAYS: [&str; 5] = ["rpmbuild", "createrepo_c", "tar", "rpm2cpio", "cpio"];

/// Everything that `recipes` and the build itself need is there.
///
/// # Errors
/// All that is missing, at once, with the command that installs it.
pub(super) fn check<'a>(
    distro: &Distro,
    recipes: impl Iterator<Item = &'a Recipe>,
) -> Result<(), BuildError> {
    let names: BTreeSet<_> =
        ALWAYS.into_iter().chain(recipes.flat_map(|r| r.build_requires.iter().map(String::as_str))).collect();
    let mut missing = Vec::new();
    let mut packages = BTreeSet::new();
    for name in names {
        let Some(require) = distro.build_requires.get(name) else {
            return Err(BuildError::File {
                file: distro.file.clone(),
                problem: format!(
                    "[build_requires] does not say what `{name}` is\n\
                     add `{name} = {{ program = …, package = … }}`, or correct the name in the release"
                ),
            });
        };
        if !is_there(require) {
            let what = require.program.as_deref().or(require.file.as_deref().map(Utf8Path::as_str));
            missing.push(what.unwrap_or(name));
            packages.insert(require.package.as_str());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = packages.into_iter().collect();
    Err(BuildError::MissingTools {
        missing: missing.join(", "),
        command: format!("{} {}", distro.install, packages.join(" ")),
    })
}

fn is_there(require: &BuildRequire) -> bool {
    match (&require.program, &require.file) {
        (Some(program), _) => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        }
        (None, Some(file)) => file.exists(),
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Data;

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let mut data = Data::built_in();
        let source = data.text("specs/distros/debian12.toml").unwrap();
        let text = source
            .text()
            .replace("\"rpmbuild\", package", "\"no-such-rpmbuild\", package")
            .replace("\"tar\", package", "\"no-such-tar\", package");
        data.insert("specs/distros/x.toml", text);
        let distro = Distro::load(&data, "x").unwrap();
        insta::assert_snapshot!(check(&distro, std::iter::empty()).unwrap_err(), @"
        this machine lacks what the build needs: no-such-rpmbuild, no-such-tar
        Install it: apt-get install -y rpm tar
        ");
    }
}
