//! `build.json`: what a build says of the packages that it made.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::model::{Arch, Digest, Nevra, OsRelease, PackageName};

/// `build.json`: what one build produced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The release that was built, the stem of its file in `specs/releases/`.
    pub release: String,
    /// The distribution profile, the stem of its file in `specs/distros/`.
    pub distro: String,
    /// The architecture of the machine that built.
    pub arch: Arch,
    /// The packages, sorted by identity.
    pub packages: Vec<BuiltPackage>,
    /// Which hosts the packages are for, as the distribution profile says.
    #[serde(default)]
    pub hosts: Option<HostMatch>,
    /// How the packages were built, by the name of their spec template.
    #[serde(default)]
    pub builds: BTreeMap<PackageName, PackageBuild>,
    /// What built them: `host`, `mock`, `podman` or `docker`.
    #[serde(default)]
    pub backend: String,
    /// The version of the tool.
    #[serde(default)]
    pub tool: String,
    /// The time stamp of everything inside the packages, in seconds since 1970.
    #[serde(default)]
    pub source_date_epoch: u64,
    /// The digest of the keys of all builds: what identifies the whole set.
    #[serde(default)]
    pub identity: Option<Digest>,
    /// The fingerprint of the key that signed packages and metadata.
    #[serde(default)]
    pub signed_by: Option<String>,
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
    /// Its files that can be executed, and its links: what configuration may name as a command or a library. None where
    /// an earlier version of the tool built it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
    /// The packages of the same set that rpm wants beside it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub requires: BTreeSet<PackageName>,
    /// The licence, as the package says.
    #[serde(default)]
    pub license: String,
}

/// The source RPM of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRpm {
    /// Its file name, relative to the manifest.
    pub file: Utf8PathBuf,
    /// Its length in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Digest,
    /// rpm's `SHA1HEADER`.
    pub header_sha1: String,
}

/// A source or patch that a package was built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Its name in rpmbuild's `SOURCES`.
    pub name: String,
    /// Where it comes from: `git+URL@COMMIT`, an address, `deb:NAME=VERSION` or `specs/PATH`.
    pub uri: String,
    /// What identifies its content.
    pub sha256: Digest,
}

/// What rpmlint found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Lint {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

/// What one spec template was built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageBuild {
    /// The component's version.
    pub version: String,
    /// Whether it is a stand-in for the real component.
    pub stand_in: bool,
    /// The digest of its inputs: the same key, the same RPMs.
    pub key: Digest,
    /// Everything that decided what came out, by what people call it: digests of spec, files, sources and patches,
    /// versions of what was there to build with.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// The packages that were installed where it was built and that its build requirements stand on, with their
    /// versions: compilers, libraries, rpm.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The sources, in the order of the spec.
    #[serde(default)]
    pub sources: Vec<SourceRecord>,
    /// The keys of the packages that it was built with.
    pub needs: BTreeMap<PackageName, Digest>,
    /// The RPMs, as the manifest's packages name them.
    pub rpms: Vec<Utf8PathBuf>,
    /// The source RPM.
    #[serde(default)]
    pub source_rpm: Option<SourceRpm>,
    /// What rpmlint found; none where it was not installed.
    #[serde(default)]
    pub lint: Option<Lint>,
}

impl PackageBuild {
    /// A build that says no more of itself than the component's version and the digest of its inputs.
    pub fn new(version: impl Into<String>, key: Digest) -> Self {
        Self {
            version: version.into(),
            stand_in: false,
            key,
            inputs: BTreeMap::new(),
            environment: BTreeMap::new(),
            sources: Vec::new(),
            needs: BTreeMap::new(),
            rpms: Vec::new(),
            source_rpm: None,
            lint: None,
        }
    }
}

/// Which hosts packages are for, in terms of `/etc/os-release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostMatch {
    /// `ID`.
    pub id: String,
    /// What a host with another `ID` may be called instead, by its `ID` or by a word of its `ID_LIKE`: Rocky Linux is
    /// `rocky`, and like `rhel`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<String>,
    /// `VERSION_ID`, or what comes before a dot in it; any version when there are none.
    #[serde(default)]
    pub version_id: Vec<String>,
}

impl HostMatch {
    /// Whether a host that says this of itself is meant.
    pub fn accepts(&self, os: OsRelease<'_>) -> bool {
        let same_version = |wanted: &String| {
            os.version_id
                .strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let mut names = std::iter::once(os.id).chain(os.id_like.split_whitespace());
        (self.id == os.id || names.any(|name| self.like.iter().any(|like| like == name)))
            && (self.version_id.is_empty() || self.version_id.iter().any(same_version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_matches_its_minor_versions_and_no_longer_number() {
        let el8 = HostMatch {
            id: "rhel".to_owned(),
            like: vec!["rhel".to_owned()],
            version_id: vec!["8".to_owned()],
        };
        for (id, id_like, version_id, expected) in [
            ("rhel", "fedora", "8.10", true),
            ("rocky", "rhel centos fedora", "8", true),
            ("rocky", "rhel centos fedora", "88", false),
            ("rocky", "rhel centos fedora", "9.1", false),
            ("fedora", "", "8", false),
            ("amzn", "centosrhel", "8", false),
        ] {
            assert_eq!(el8.accepts(OsRelease { id, id_like, version_id }), expected, "{id} {version_id}");
        }
    }

    #[test]
    fn a_manifest_of_an_older_tool_is_read() {
        let text = r#"{"release": "lab", "distro": "d", "arch": "x86_64", "packages": []}"#;
        let manifest: Manifest = serde_json::from_str(text).unwrap();
        assert_eq!(manifest.hosts, None);
    }
}
