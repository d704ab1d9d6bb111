//! Where a component comes from, as a release pins it.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use serde::Deserialize;

use crate::model::{Digest, PackageName};

/// Where a component comes from.
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
    /// The program that builds, with its data files: how the tool packages itself.
    #[serde(rename = "self")]
    Itself {},
    /// A commit of a git repository, which is its own checksum.
    Git {
        /// The repository.
        url: String,
        /// The commit, 40 hexadecimal digits.
        commit: String,
        /// Files and folders of it that nothing is built from, and that are left out.
        #[serde(default)]
        exclude: BTreeSet<Utf8PathBuf>,
        /// The same, where the distribution has what takes their place: by the name of the build requirement that a
        /// package of the release prefers.
        #[serde(default)]
        exclude_with: BTreeMap<String, BTreeSet<Utf8PathBuf>>,
    },
    /// An archive or any other file by its address.
    Download {
        /// Its address.
        url: String,
        /// What upstream publishes as its checksum. Without it the lock decides: none is ever invented.
        sha256: Option<Digest>,
        /// What the file is called here, where that is not the end of its address.
        file: Option<String>,
    },
    /// A file that upstream does not offer for download, and that the operator gives: with `--source`, or in a
    /// folder of `--mirror`. What is built from it is left out while nobody gives it.
    Given {
        /// What the file is called here.
        file: String,
        /// How an operator comes by it: a command that makes the file.
        how: String,
    },
}

impl Source {
    /// Decides what is left out on a distribution that has no package for the build requirements `lacks`.
    pub fn leave_out_except(&mut self, lacks: &BTreeSet<String>) {
        if let Self::Git { exclude, exclude_with, .. } = self {
            for (name, paths) in std::mem::take(exclude_with) {
                if !lacks.contains(&name) {
                    exclude.extend(paths);
                }
            }
        }
    }

    /// Tells `wrong` what cannot be used: the key of the value, message and help.
    pub fn check(&self, mut wrong: impl FnMut(&'static str, String, &str)) {
        match self {
            Self::Deb { packages, .. } if packages.iter().any(|name| !is_file_name(name)) => {
                wrong("packages", "not all of these are names of packages".to_owned(), "give names only");
            }
            Self::Deb { packages, version_of } if !packages.contains(version_of) => {
                let message = format!("{version_of:?} is not among the `packages` of this source");
                wrong("version_of", message, "name one of them");
            }
            Self::Folder { path } if !is_inside(path) => {
                let message = format!("{path:?} leaves the folder `specs`");
                wrong("path", message, "give a path relative to `specs`, without `..`");
            }
            Self::Git { commit, .. }
                if commit.len() != 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
            {
                let message = format!("{commit:?} is not a commit");
                wrong("commit", message, "give all 40 hexadecimal digits");
            }
            Self::Git { url, .. } if url.starts_with('-') => {
                wrong("url", format!("{url:?} is not an address"), "give the address of a git repository");
            }
            Self::Git { exclude, exclude_with, .. }
                if !exclude.iter().chain(exclude_with.values().flatten()).all(is_inside) =>
            {
                let key = if exclude.iter().all(is_inside) { "exclude_with" } else { "exclude" };
                let message = "not all of these are paths inside the repository".to_owned();
                wrong(key, message, "give paths relative to its top, without `..`");
            }
            Self::Download { url, .. } if !["http://", "https://"].iter().any(|s| url.starts_with(s)) => {
                let message = format!("{url:?} is not an address of a file");
                wrong(
                    "url",
                    message,
                    "begin it with `https://`; a file on this machine is given with --source",
                );
            }
            Self::Download { url, file, .. } if !is_file_name(file_name(url, file.as_deref())) => {
                let message = "the file has no name that can be used here".to_owned();
                wrong(
                    "url",
                    message,
                    "give a name in `file`: letters, digits and `-._+~`, beginning with a letter or digit",
                );
            }
            Self::Given { file, .. } if !is_file_name(file) => {
                let message = format!("{file:?} cannot be the name of a file here");
                wrong("file", message, "use letters, digits and `-._+~`, beginning with a letter or digit");
            }
            Self::Given { .. }
            | Self::Deb { .. }
            | Self::Folder { .. }
            | Self::Itself {}
            | Self::Git { .. }
            | Self::Download { .. } => {}
        }
    }
}

/// What a downloaded file is called here.
pub(super) fn file_name<'a>(url: &'a str, file: Option<&'a str>) -> &'a str {
    file.unwrap_or_else(|| {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    })
}

/// Whether a name is one of a file right inside a folder, and nothing else to a spec, a shell or git.
pub fn is_file_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._+~".contains(c))
}

fn is_inside(path: &Utf8PathBuf) -> bool {
    !path.as_str().is_empty()
        && path.components().all(|part| matches!(part, camino::Utf8Component::Normal(_)))
}

/// One source of one package.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The package that is built from it.
    pub package: &'a PackageName,
    /// The package's version.
    pub version: &'a str,
    /// The source's name in the release, by which `--source NAME=PATH` overrides it.
    pub name: &'a str,
    /// Where it comes from.
    pub source: &'a Source,
}
