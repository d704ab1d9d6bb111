//! What happens during a build, as data.

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::model::{Nevra, PackageName};

/// One thing that happened; with `--json` each is a line.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// A package is being built.
    PackageStarted {
        /// The package.
        package: PackageName,
        /// Why it is built.
        reason: Reason,
    },
    /// A package was built.
    PackageBuilt {
        /// The package.
        package: PackageName,
        /// The RPMs that it yielded.
        rpms: Vec<Nevra>,
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
}
