//! The package repository that `build` wrote: which packages it holds and what they must digest to.
//!
//! Layout: `<repo>/<release>/<distro>/<arch>/` with RPMs, `repodata/` and `build.json` ([`Manifest`]).

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::model::{Arch, Digest, Nevra, PackageName};

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
    /// Which hosts the packages are for, as the distribution profile says.
    #[serde(default)]
    pub hosts: Option<HostMatch>,
    /// How the packages were built, by the name of their spec template.
    #[serde(default)]
    pub builds: BTreeMap<PackageName, PackageBuild>,
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

/// What one spec template was built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageBuild {
    /// The component's version.
    pub version: String,
    /// Whether it is a stand-in for the real component.
    pub stand_in: bool,
    /// What identifies everything that went into it: the same key, the same RPMs.
    pub key: Digest,
    /// The sources' digests by file name.
    pub sources: BTreeMap<String, Digest>,
    /// The keys of the packages that it was built with.
    pub needs: BTreeMap<PackageName, Digest>,
    /// The RPMs, as the manifest's packages name them.
    pub rpms: Vec<Utf8PathBuf>,
}

/// Which hosts packages are for, in terms of `/etc/os-release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostMatch {
    /// `ID`.
    pub id: String,
    /// `VERSION_ID`, or what comes before a dot in it; any version when there are none.
    #[serde(default)]
    pub version_id: Vec<String>,
}

impl HostMatch {
    /// Whether a host with this `ID` and `VERSION_ID` is meant.
    pub fn accepts(&self, id: &str, version_id: &str) -> bool {
        let same = |wanted: &String| {
            version_id.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.id == id && (self.version_id.is_empty() || self.version_id.iter().any(same))
    }
}

/// Every package set of one release.
#[derive(Debug, Clone)]
pub struct Repository {
    folder: Utf8PathBuf,
    release: String,
    sets: Vec<PackageSet>,
}

/// The packages for one distribution and architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSet {
    /// What `build.json` says.
    pub manifest: Manifest,
    /// The folder that holds it.
    pub folder: Utf8PathBuf,
}

/// Why packages cannot be had from a repository. The text carries the remedy.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// Nothing was built.
    #[error(
        "{folder} has no packages of release `{release}`\n\
         Build them: calico-mesos-install build --release {release} --out {folder}"
    )]
    Empty {
        /// The repository.
        folder: Utf8PathBuf,
        /// The release.
        release: String,
    },
    /// A file cannot be read.
    #[error("reading {file} failed\nBuild the packages again if it is damaged: calico-mesos-install build")]
    Read {
        /// The file.
        file: Utf8PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A `build.json` is not one.
    #[error("{file} is not a build manifest\nDelete its folder and build the packages again.")]
    Manifest {
        /// The file.
        file: Utf8PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// An RPM is not the one that was built.
    #[error(
        "{file} is not the package that was built: its {what} is {found}, but build.json says {expected}\n\
         Build it again, or copy the repository anew from where it was built."
    )]
    Differs {
        /// The RPM.
        file: Utf8PathBuf,
        /// `size` or `SHA-256`.
        what: &'static str,
        /// What was found.
        found: String,
        /// What `build.json` says.
        expected: String,
    },
    /// No set is for this host.
    #[error(
        "release `{release}` in {folder} has no packages for {host}; there are packages for {known}\n\
         Build them on such a machine: calico-mesos-install build --release {release} --out {folder}"
    )]
    NoSet {
        /// The repository.
        folder: Utf8PathBuf,
        /// The release.
        release: String,
        /// The host's distribution and architecture.
        host: String,
        /// The sets that exist.
        known: String,
    },
}

impl Repository {
    /// Reads every `<repo>/<release>/*/*/build.json`.
    ///
    /// # Errors
    /// There is none (with the command that builds), or one of them cannot be read.
    pub fn open(repo: &Utf8Path, release: &str) -> Result<Self, RepositoryError> {
        let mut sets = Vec::new();
        for distro in folders(&repo.join(release))? {
            for arch in folders(&distro)? {
                if arch.join("build.json").is_file() {
                    sets.push(PackageSet::open(&arch)?);
                }
            }
        }
        if sets.is_empty() {
            return Err(RepositoryError::Empty { folder: repo.to_owned(), release: release.to_owned() });
        }
        Ok(Self { folder: repo.to_owned(), release: release.to_owned(), sets })
    }

    /// The sets, sorted by distribution and architecture.
    pub fn sets(&self) -> &[PackageSet] {
        &self.sets
    }

    /// The set for a host: the only one for its architecture, or the one among several that is meant for its
    /// distribution (`ID` and `VERSION_ID` of its `/etc/os-release`).
    ///
    /// # Errors
    /// No set is for such a host: which there are.
    pub fn for_host(&self, arch: &str, os_id: &str, os_version_id: &str) -> Result<&PackageSet, RepositoryError> {
        let same_arch: Vec<_> = self.sets.iter().filter(|set| set.manifest.arch == arch).collect();
        if let [only] = same_arch.as_slice() {
            return Ok(only);
        }
        let accepts = |set: &&&PackageSet| {
            set.manifest.hosts.as_ref().is_some_and(|hosts| hosts.accepts(os_id, os_version_id))
        };
        same_arch.iter().find(accepts).copied().ok_or_else(|| {
            let known = self.sets.iter().map(|set| format!("{} {}", set.manifest.distro, set.manifest.arch));
            RepositoryError::NoSet {
                folder: self.folder.clone(),
                release: self.release.clone(),
                host: format!("{os_id} {os_version_id} {arch}"),
                known: known.collect::<Vec<_>>().join(", "),
            }
        })
    }
}

impl PackageSet {
    /// Reads `<folder>/build.json`.
    ///
    /// # Errors
    /// The file cannot be read, or is not a manifest.
    pub fn open(folder: &Utf8Path) -> Result<Self, RepositoryError> {
        let file = folder.join("build.json");
        let text = fs_err::read(&file)
            .map_err(|source| RepositoryError::Read { file: file.clone(), source })?;
        let manifest =
            serde_json::from_slice(&text).map_err(|source| RepositoryError::Manifest { file, source })?;
        Ok(Self { manifest, folder: folder.to_owned() })
    }

    /// The RPM of a name.
    pub fn find(&self, name: &PackageName) -> Option<&BuiltPackage> {
        self.manifest.packages.iter().find(|package| package.nevra.name == *name)
    }

    /// Where an RPM is.
    pub fn path(&self, package: &BuiltPackage) -> Utf8PathBuf {
        self.folder.join(&package.file)
    }

    /// Compares the RPM as it is on disk with what `build.json` says of it.
    ///
    /// # Errors
    /// Its size or digest differs (both are told), or it cannot be read.
    pub fn verify(&self, package: &BuiltPackage) -> Result<(), RepositoryError> {
        let file = self.path(package);
        let read = |source| RepositoryError::Read { file: file.clone(), source };
        let differs = |what, found: String, expected: String| {
            Err(RepositoryError::Differs { file: file.clone(), what, found, expected })
        };
        let reader = fs_err::File::open(&file).map_err(read)?;
        let size = reader.metadata().map_err(read)?.len();
        if size != package.size {
            return differs("size", format!("{size} bytes"), format!("{} bytes", package.size));
        }
        let digest = Digest::of_reader(reader).map_err(read)?;
        if digest != package.sha256 {
            return differs("SHA-256", digest.to_string(), package.sha256.to_string());
        }
        Ok(())
    }
}

/// The folders in a folder, hidden ones left out, sorted; none when there is no such folder.
fn folders(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, RepositoryError> {
    let read = |source| RepositoryError::Read { file: folder.to_owned(), source };
    let entries = match folder.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read(error)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.map_err(read)?;
        if entry.file_type().map_err(read)?.is_dir() && !entry.file_name().starts_with('.') {
            folders.push(entry.into_path());
        }
    }
    folders.sort();
    Ok(folders)
}
