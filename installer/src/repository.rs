//! The package repository that `build` wrote: which packages it holds and what they must digest to.
//!
//! Layout: `<repo>/<release>/<distro>/<arch>/` with RPMs, `repodata/` and `build.json` ([`Manifest`]).

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::model::{Arch, Digest, Nevra};

/// `build.json`: what one build produced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The release that was built, the stem of its file in `specs/releases/`.
    pub release: String,
    /// The distribution profile, the stem of its file in `specs/distros/`.
    pub distro: String,
    /// The architecture of the machine that built.
    pub arch: Arch,
    /// The packages, sorted by identity.
    pub packages: Vec<BuiltPackage>,
}

/// One RPM of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltPackage {
    /// What rpm calls the package.
    pub nevra: Nevra,
    /// The RPM's file name, relative to the manifest.
    pub file: Utf8PathBuf,
    /// The RPM's length in bytes.
    pub size: u64,
    /// The RPM's digest.
    pub sha256: Digest,
    /// rpm's `SHA1HEADER`, which an installed package keeps: it tells two builds of one NEVRA apart,
    /// on every rpm since 4.0.
    pub header_sha1: String,
}
