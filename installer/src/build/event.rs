//! What happens during a build, as data.

use camino::Utf8PathBuf;
use serde::Serialize;

use super::explain::Difference;
use super::watch::Progress;
use crate::model::{Nevra, PackageName};
use crate::repository::Lint;

/// One thing that happened; with `--json` each is a line.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// Something that the operator should know, once.
    Warning {
        /// What it is and what to do.
        message: String,
    },
    /// What is not built because nobody gives its source, and how it would be had.
    Note {
        /// What it is and what to do.
        message: String,
    },
    /// Why a package would be built, or that it would not.
    Explained {
        /// The package.
        package: PackageName,
        /// Why it would be built; none when the repository has it.
        reason: Option<Reason>,
        /// The inputs that differ.
        differences: Vec<Difference>,
    },
    /// A package is being built.
    PackageStarted {
        /// The package.
        package: PackageName,
        /// Why it is built.
        reason: Reason,
        /// The inputs that differ from the last build's.
        differences: Vec<Difference>,
    },
    /// A package's build has come so far.
    PackageProgress {
        /// The package.
        package: PackageName,
        /// How far.
        #[serde(flatten)]
        progress: Progress,
    },
    /// A package was built.
    PackageBuilt {
        /// The package.
        package: PackageName,
        /// The RPMs that it yielded.
        rpms: Vec<Nevra>,
        /// What rpmlint found; none where it is not installed.
        lint: Option<Lint>,
        /// How long it took.
        #[schemars(with = "u64")]
        duration_ms: u128,
    },
    /// A package was built before from the same inputs.
    PackageUnchanged {
        /// The package.
        package: PackageName,
    },
    /// A package could not be built.
    PackageFailed {
        /// The package.
        package: PackageName,
        /// What is wrong and what to do.
        error: String,
        /// The log, where there is one.
        #[schemars(with = "Option<String>")]
        log: Option<Utf8PathBuf>,
        /// How long it took.
        #[schemars(with = "u64")]
        duration_ms: u128,
    },
    /// A package was not begun because one that it needs failed.
    PackageSkipped {
        /// The package.
        package: PackageName,
        /// The one that failed.
        failed: PackageName,
    },
    /// The repository was replaced by the new one.
    Published {
        /// Its folder.
        #[schemars(with = "String")]
        folder: Utf8PathBuf,
    },
    /// A file of an earlier build was compared with one that was built anew.
    Compared {
        /// The file, relative to the repository.
        #[schemars(with = "String")]
        file: Utf8PathBuf,
        /// What differs, by file inside the package or by tag; empty when nothing does.
        differences: Vec<String>,
    },
}

/// Why a package is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The repository does not have it.
    New,
    /// Its spec, a source, a package that it needs, the profile or the tool differ from the last build's.
    Changed,
    /// Its RPM is missing in the repository or is not the one that was built.
    Damaged,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::New => "not in the repository",
            Self::Changed => "changed since it was built",
            Self::Damaged => "the repository's file is missing or damaged",
        })
    }
}

/// How a build ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The release.
    pub release: String,
    /// The distribution profile.
    pub distro: String,
    /// The repository's folder.
    pub folder: Utf8PathBuf,
    /// How many packages were built.
    pub built: usize,
    /// How many were there already.
    pub unchanged: usize,
    /// How many files of an earlier build differ from what was built anew.
    pub different: usize,
}
