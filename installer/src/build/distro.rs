//! Distribution profiles: what one distribution calls things (`specs/distros/*.toml`).

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BuildError, definition};
use crate::data::Data;
use crate::diagnostic::{Mistake, Mistakes, suggestion};
use crate::model::{OsRelease, PackageName};
use crate::repository::HostMatch;

/// The build requirement that stands for systemd's macros for rpm: where a profile has it, scriptlets are these.
pub(super) const SYSTEMD_MACROS: &str = "systemd-macros";

/// One distribution profile.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distro {
    /// The stem of its file.
    #[serde(skip)]
    pub id: String,
    /// Its file, as people know it.
    #[serde(skip)]
    pub file: String,
    /// What people call it.
    pub name: String,
    /// The command that installs packages on a build machine, to be followed by their names.
    pub install: String,
    /// Where 64-bit libraries go: `%{_libdir}`.
    pub libdir: String,
    /// Whether the dynamic loader looks into `libdir` by itself.
    pub loader_searches_libdir: bool,
    /// Packages of releases that the distribution has itself, good enough: they are not built. What needs one has the
    /// build requirements that are named here in its place.
    #[serde(default)]
    pub has: BTreeMap<PackageName, BTreeSet<String>>,
    /// Build requirements of releases that the distribution has no package for. What prefers one is made with what its
    /// own source carries, and what cannot do without it is not built for the distribution.
    #[serde(default)]
    pub lacks: BTreeSet<String>,
    /// Who knows which packages are installed on a build machine, and in which version.
    #[serde(default)]
    pub package_manager: PackageManager,
    /// The container image that builds can be done in; without it there is no such back end.
    pub container: Option<Container>,
    /// mock's name of the distribution, without the architecture; without it there is no such back end.
    pub mock: Option<String>,
    /// What compilers are told for sources that are older than they.
    #[serde(default)]
    pub compiler: Compiler,
    /// Which hosts can install what is built with this profile.
    pub matches: HostMatch,
    /// Macros that rpm lacks there.
    #[serde(default)]
    pub macros: BTreeMap<String, String>,
    /// What stands for a requirement that is not named the same everywhere.
    pub requires: Requires,
    /// What builds ask for and the package that brings it, by the names that releases use.
    pub build_requires: BTreeMap<String, BuildRequire>,
}

/// Who knows which packages are installed on a build machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageManager {
    /// rpm.
    #[default]
    Rpm,
    /// dpkg, on Debian, where the database of rpm is empty.
    Dpkg,
}

/// A container image to build in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// The image, with its registry and tag or digest.
    pub image: String,
    /// Commands that come before the one that installs packages, for example one that adds a repository.
    #[serde(default)]
    pub prepare: Vec<String>,
}

/// Requirements of built packages, in the distribution's terms.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requires {
    /// A Java runtime.
    pub java: Vec<String>,
    /// The CRAM-MD5 plugin of Cyrus SASL, by which Mesos authenticates.
    pub sasl_md5: Vec<String>,
    /// `useradd` and `groupadd`, for scriptlets.
    pub users: Vec<String>,
}

/// Options of compilers, added to those that rpm uses on the distribution.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compiler {
    /// For C.
    #[serde(default)]
    pub c: String,
    /// For C++.
    #[serde(default)]
    pub cxx: String,
}

/// Something that a build machine must have: a program in the search path, or a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildRequire {
    /// A program that must be found in the search path.
    pub program: Option<String>,
    /// A file that must exist.
    pub file: Option<Utf8PathBuf>,
    /// The distribution's package that brings it.
    pub package: String,
}

impl Distro {
    /// Reads `specs/distros/<id>.toml`.
    ///
    /// # Errors
    /// There is no such profile (with the names of those that are), or its file has a mistake.
    pub fn load(data: &Data, id: &str) -> Result<Self, BuildError> {
        let (source, profile) = definition::read::<Self>(data, "distros", "distribution", id)?;
        let mut mistakes = Mistakes::new();
        for (name, require) in &profile.value.build_requires {
            if require.program.is_some() == require.file.is_some() {
                let place = profile.place(&["build_requires", name]);
                mistakes.push(
                    Mistake::new(place, format!("`{name}` is neither a program nor a file, or both"))
                        .help("give either `program` or `file`"),
                );
            }
        }
        for name in &profile.value.lacks {
            if profile.value.build_requires.contains_key(name) {
                let place = profile.place(&["lacks", name]);
                mistakes.push(
                    Mistake::new(place, format!("`{name}` is in `[build_requires]`, too"))
                        .help("remove it from one of them"),
                );
            }
        }
        for (package, instead) in &profile.value.has {
            for name in instead.iter().filter(|name| !profile.value.build_requires.contains_key(*name)) {
                let place = profile.place(&["has", package.as_str(), name]);
                let known = profile.value.build_requires.keys().map(String::as_str);
                mistakes.push(
                    Mistake::new(place, format!("`[build_requires]` does not say what `{name}` is"))
                        .help(suggestion(name, "build requirements", known)),
                );
            }
        }
        let file = source.name().to_owned();
        Ok(mistakes.or(Self { id: id.to_owned(), file, ..profile.value })?)
    }

    /// The profile that matches `os_release`, the text of this machine's `/etc/os-release`.
    ///
    /// # Errors
    /// No profile matches: which there are, and how one is chosen.
    pub fn recognise(data: &Data, os_release: &str) -> Result<Self, BuildError> {
        let os = OsRelease::read(os_release);
        let known: Vec<_> = data.stems("specs/distros", ".toml").collect();
        for name in &known {
            let distro = Self::load(data, name)?;
            if distro.matches.accepts(os) {
                return Ok(distro);
            }
        }
        let (id, version_id) = (os.id.to_owned(), os.version_id.to_owned());
        Err(BuildError::UnknownMachine { id, version_id, known: known.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_recognised_by_its_os_release() {
        let data = Data::built_in();
        let bookworm = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";
        assert_eq!(Distro::recognise(&data, bookworm).unwrap().id, "debian12");
        let error = Distro::recognise(&data, "ID=slackware\nVERSION_ID=15.0\n").unwrap_err();
        insta::assert_snapshot!(error, @"
        no distribution profile matches this machine (ID `slackware`, VERSION_ID `15.0` in /etc/os-release)
        Give --distro with one of: debian12, el7, el8, el9, fedora.
        ");
    }

    #[test]
    fn a_build_requirement_is_a_program_or_a_file() {
        let mut data = Data::built_in();
        let source = data.text("specs/distros/debian12.toml").unwrap();
        let broken = source.text().replace("{ program = \"make\",", "{");
        assert_ne!(source.text(), broken);
        data.insert("specs/distros/x.toml", broken);
        insta::assert_snapshot!(Distro::load(&data, "x").unwrap_err(), @"
        specs/distros/x.toml:52:8: `make` is neither a program nor a file, or both
          help: give either `program` or `file`
        ");
    }

    #[test]
    fn what_is_lacked_or_had_must_fit_the_build_requirements() {
        let mut data = Data::built_in();
        let source = data.text("specs/distros/el7.toml").unwrap();
        let broken =
            source.text().replace("\"zookeeper-c\"]", "\"tar\"]").replace("\"protoc\"]", "\"portoc\"]");
        data.insert("specs/distros/x.toml", broken);
        insta::assert_snapshot!(Distro::load(&data, "x").unwrap_err(), @"
        specs/distros/x.toml:19:80: `[build_requires]` does not say what `portoc` is
          help: did you mean `protoc`?
        specs/distros/x.toml:22:22: `tar` is in `[build_requires]`, too
          help: remove it from one of them
        ");
    }
}
