//! What the build machine must have, looked at before anything is built.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::BuildError;
use super::backend::{Backend, Ccache, Engine};
use super::distro::SYSTEMD_MACROS;
use super::distro::{BuildRequire, Distro};
use super::release::Recipe;

/// What every build runs on this machine, by the names of the profile.
const ALWAYS: [&str; 5] = ["rpmbuild", "createrepo_c", "tar", "rpm2cpio", "cpio"];

/// What signing runs.
const SIGNING: [&str; 2] = ["gpg", "rpmsign"];

/// Everything that `recipes` and the build itself need is there.
///
/// # Errors
/// All that is missing, at once, with the command that installs it.
pub(super) fn check<'a>(
    distro: &Distro,
    backend: Backend,
    signing: bool,
    recipes: impl Iterator<Item = &'a Recipe>,
) -> Result<(), BuildError> {
    let mut names: BTreeSet<_> = ALWAYS.into_iter().collect();
    if signing {
        names.extend(SIGNING);
    }
    if backend == Backend::Host && distro.build_requires.contains_key(SYSTEMD_MACROS) {
        names.insert(SYSTEMD_MACROS);
    }
    for name in recipes.flat_map(|recipe| recipe.build_requires.iter().map(String::as_str)) {
        find_in_profile(distro, name)?;
        if backend == Backend::Host {
            names.insert(name);
        }
    }
    let mut missing = Vec::new();
    let mut packages = BTreeSet::new();
    for name in names {
        let require = find_in_profile(distro, name)?;
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

/// What a build requirement is on the distribution.
///
/// # Errors
/// The profile does not say, or says that there is none.
fn find_in_profile<'a>(distro: &'a Distro, name: &str) -> Result<&'a BuildRequire, BuildError> {
    distro.build_requires.get(name).ok_or_else(|| {
        let problem = if distro.lacks.contains(name) {
            format!(
                "{} has no package for `{name}`, which this release is built with\n\
                 build it for another distribution, or say in [build_requires] what `{name}` is if you have it",
                distro.name
            )
        } else {
            format!(
                "[build_requires] does not say what `{name}` is\n\
                 add `{name} = {{ program = …, package = … }}`, or correct the name in the release"
            )
        };
        BuildError::File { file: distro.file.clone(), problem }
    })
}

/// The engine that runs containers here.
///
/// # Errors
/// There is none.
pub(super) fn engine() -> Result<Engine, BuildError> {
    let found = Engine::ALL.into_iter().find(|engine| on_path(engine.program()));
    found.ok_or_else(|| BuildError::NoBackend {
        backend: "container",
        programs: "podman or docker",
        remedy: "Install one of them (the package is called podman almost everywhere)".to_owned(),
    })
}

/// mock is here.
///
/// # Errors
/// It is not.
pub(super) fn mock() -> Result<(), BuildError> {
    if on_path("mock") {
        return Ok(());
    }
    Err(BuildError::NoBackend {
        backend: "mock",
        programs: "mock",
        remedy: "Install it (dnf install mock, and put yourself into the group mock)".to_owned(),
    })
}

/// ccache, where it is installed with its folder of compilers.
pub(super) fn ccache(store: &Utf8Path) -> Option<Ccache> {
    let compilers = ["/usr/lib/ccache", "/usr/lib64/ccache"].into_iter().find(|path| {
        let folder = Utf8Path::new(path);
        folder.join("g++").exists() || folder.join("c++").exists()
    })?;
    let ccache = Ccache { compilers: compilers.into(), folder: store.join("ccache") };
    on_path("ccache").then_some(ccache)
}

/// Whether a program is in the search path.
pub(super) fn on_path(program: &str) -> bool {
    find(program).is_some()
}

/// Where in the search path a program is.
pub(super) fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn is_there(require: &BuildRequire) -> bool {
    match (&require.program, &require.file) {
        (Some(program), _) => on_path(program),
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
        let check = |backend| check(&distro, backend, false, std::iter::empty()).unwrap_err();
        insta::assert_snapshot!(check(Backend::Host), @"
        this machine lacks what the build needs: no-such-rpmbuild, no-such-tar
        Install it: apt-get install -y rpm tar
        ");
    }
}
