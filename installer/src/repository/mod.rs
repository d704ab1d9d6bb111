//! The package repository that `build` wrote: which packages it holds and what they must digest to.
//!
//! Layout: `<repo>/<release>/<distro>/<arch>/` with RPMs, `repodata/` and `build.json` ([`Manifest`]).

mod error;
mod manifest;
mod one_build;

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use crate::model::{Digest, OsRelease, PackageName};

pub use error::RepositoryError;
pub use manifest::{BuiltPackage, HostMatch, Lint, Manifest, PackageBuild, SourceRecord, SourceRpm};

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

    /// All packages of any set that rpm wants beside `names`.
    pub fn required_by<'a>(
        &'a self,
        names: impl IntoIterator<Item = &'a PackageName>,
    ) -> BTreeSet<&'a PackageName> {
        let mut todo: Vec<_> = names.into_iter().collect();
        let mut required = BTreeSet::new();
        while let Some(name) = todo.pop() {
            let built = self.sets.iter().filter_map(|set| set.find(name));
            todo.extend(built.flat_map(|built| &built.requires).filter(|name| required.insert(*name)));
        }
        required
    }

    /// The set for a host, by its architecture and what it says of its distribution. A set that does not say which
    /// hosts it is for is taken where it is the only one for the architecture.
    ///
    /// # Errors
    /// No set is for such a host: which there are.
    pub fn for_host(&self, arch: &str, os: OsRelease<'_>) -> Result<&PackageSet, RepositoryError> {
        let same_arch: Vec<_> = self.sets.iter().filter(|set| set.manifest.arch == arch).collect();
        let accepts = |set: &&&PackageSet| match &set.manifest.hosts {
            Some(hosts) => hosts.accepts(os),
            None => same_arch.len() == 1,
        };
        same_arch.iter().find(accepts).copied().ok_or_else(|| {
            let known = self.sets.iter().map(|set| format!("{} {}", set.manifest.distro, set.manifest.arch));
            RepositoryError::NoSet {
                folder: self.folder.clone(),
                release: self.release.clone(),
                host: format!("{} {} {arch}", os.id, os.version_id),
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
        let text =
            fs_err::read(&file).map_err(|source| RepositoryError::Read { file: file.clone(), source })?;
        let manifest =
            serde_json::from_slice(&text).map_err(|source| RepositoryError::Manifest { file, source })?;
        Ok(Self { manifest, folder: folder.to_owned() })
    }

    /// The RPM of a name.
    pub fn find(&self, name: &PackageName) -> Option<&BuiltPackage> {
        self.manifest.packages.iter().find(|package| package.nevra.name == *name)
    }

    /// The version of `needed` that `package` was built with; an error where that build is not in this set, and nothing
    /// where the manifest does not say.
    pub fn built_with(&self, package: &str, needed: &str) -> Option<Result<&str, ()>> {
        let key = self.manifest.builds.get(package)?.needs.get(needed)?;
        let build = self.manifest.builds.get(needed).filter(|build| build.key == *key);
        Some(build.map(|build| build.version.as_str()).ok_or(()))
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
        self.verify_file(&package.file, package.size, package.sha256)
    }

    /// Compares a file of the set with what `build.json` says of it.
    ///
    /// # Errors
    /// Its size or digest differs (both are told), or it cannot be read.
    pub fn verify_file(&self, file: &Utf8Path, size: u64, sha256: Digest) -> Result<(), RepositoryError> {
        let file = self.folder.join(file);
        let read = |source| RepositoryError::Read { file: file.clone(), source };
        let differs = |what, found: String, expected: String| {
            Err(RepositoryError::Differs { file: file.clone(), what, found, expected })
        };
        let reader = fs_err::File::open(&file).map_err(read)?;
        let found = reader.metadata().map_err(read)?.len();
        if found != size {
            return differs("size", format!("{found} bytes"), format!("{size} bytes"));
        }
        let digest = Digest::of_reader(reader).map_err(read)?;
        if digest != sha256 {
            return differs("SHA-256", digest.to_string(), sha256.to_string());
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const BYTES: &str = "not really an RPM";

    /// A repository with one package for each of `sets`: distribution, architecture, and the hosts' `ID`.
    fn repository(sets: &[(&str, &str, &str)]) -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        for (distro, arch, id) in sets {
            let set = root.join("lab").join(distro).join(arch);
            fs_err::create_dir_all(&set).unwrap();
            fs_err::create_dir_all(root.join("lab").join(distro).join(".work-x")).unwrap();
            let package = BuiltPackage {
                nevra: format!("mesos-0.28.2-1.{arch}").parse().unwrap(),
                file: "mesos.rpm".into(),
                size: BYTES.len() as u64,
                sha256: Digest::of(BYTES),
                header_sha1: "0".repeat(40),
                programs: Vec::new(),
                license: "MIT".to_owned(),
                requires: BTreeSet::new(),
            };
            let manifest = Manifest {
                release: "lab".to_owned(),
                distro: (*distro).to_owned(),
                arch: (*arch).to_owned(),
                packages: vec![package],
                hosts: Some(HostMatch { id: (*id).to_owned(), like: Vec::new(), version_id: Vec::new() }),
                builds: BTreeMap::new(),
                backend: "host".to_owned(),
                tool: "0".to_owned(),
                source_date_epoch: 1,
                identity: None,
                signed_by: None,
            };
            fs_err::write(set.join("build.json"), serde_json::to_string(&manifest).unwrap()).unwrap();
            fs_err::write(set.join("mesos.rpm"), BYTES).unwrap();
        }
        (folder, root)
    }

    #[test]
    fn what_is_required_is_followed_to_its_end() {
        let (_folder, root) = repository(&[("debian12", "x86_64", "debian")]);
        let mut repository = Repository::open(&root, "lab").unwrap();
        let set = &mut repository.sets[0].manifest.packages;
        let [mesos, glog, gflags] =
            ["mesos", "glog", "gflags"].map(|name| name.parse::<PackageName>().unwrap());
        for (name, requires) in [(&glog, &gflags), (&gflags, &glog)] {
            let nevra = format!("{name}-1-1.x86_64").parse().unwrap();
            set.push(BuiltPackage { nevra, requires: [requires.clone()].into(), ..set[0].clone() });
        }
        set[0].requires.insert(glog.clone());
        assert_eq!(repository.required_by([&mesos]), [&gflags, &glog].into());
        assert_eq!(repository.required_by([]), BTreeSet::new());
    }

    fn os<'a>(id: &'a str, id_like: &'a str, version_id: &'a str) -> OsRelease<'a> {
        OsRelease { id, id_like, version_id }
    }

    #[test]
    fn the_set_for_a_host_is_the_one_that_is_meant() {
        let (_folder, root) = repository(&[
            ("debian12", "x86_64", "debian"),
            ("el8", "x86_64", "rocky"),
            ("el8", "aarch64", "rocky"),
        ]);
        let mut repository = Repository::open(&root, "lab").unwrap();
        let distro = |repository: &Repository, arch, id| {
            repository.for_host(arch, os(id, "", "1")).map(|set| set.manifest.distro.clone())
        };
        assert_eq!(repository.sets().len(), 3);
        assert_eq!(distro(&repository, "x86_64", "rocky").unwrap(), "el8");
        assert_eq!(distro(&repository, "x86_64", "debian").unwrap(), "debian12");
        let error = distro(&repository, "aarch64", "debian").unwrap_err().to_string();
        insta::assert_snapshot!(error.replace(root.as_str(), "dist"), @"
        release `lab` in dist has no packages for debian 1 aarch64; there are packages for debian12 x86_64, el8 aarch64, el8 x86_64
        Build them with the profile of that distribution: calico-mesos-install build --release lab --distro PROFILE --out dist
        ");
        // One that was built before sets said whom they are for.
        repository.sets.iter_mut().for_each(|set| set.manifest.hosts = None);
        assert_eq!(
            distro(&repository, "aarch64", "debian").unwrap(),
            "el8",
            "the only one for its architecture"
        );
        assert!(distro(&repository, "x86_64", "debian").is_err(), "nothing says which of the two");
    }

    #[test]
    fn an_empty_repository_names_the_command_that_fills_it() {
        let (_folder, root) = repository(&[]);
        let error = Repository::open(&root, "lab").unwrap_err().to_string().replace(root.as_str(), "dist");
        insta::assert_snapshot!(error, @r"
        dist has no packages of release `lab`
        Build them: calico-mesos-install build --release lab --out dist
        ");
    }

    #[test]
    fn a_changed_package_is_refused_with_both_digests() {
        let (_folder, root) = repository(&[("debian12", "x86_64", "debian")]);
        let repository = Repository::open(&root, "lab").unwrap();
        let set = &repository.sets()[0];
        let package = set.find(&"mesos".parse().unwrap()).unwrap();
        assert!(set.find(&"mesos-devel".parse().unwrap()).is_none());
        set.verify(package).unwrap();
        let changed = BYTES.replace("really", "raelly");
        fs_err::write(set.path(package), &changed).unwrap();
        let error = set.verify(package).unwrap_err().to_string();
        assert!(error.contains(&Digest::of(BYTES).to_string()), "{error}");
        assert!(error.contains(&Digest::of(&changed).to_string()), "{error}");
        fs_err::write(set.path(package), "short").unwrap();
        let error = set.verify(package).unwrap_err().to_string().replace(root.as_str(), "dist");
        insta::assert_snapshot!(error, @r"
        dist/lab/debian12/x86_64/mesos.rpm is not the package that was built: its size is 5 bytes, but build.json says 17 bytes
        Build it again, or copy the repository anew from where it was built.
        ");
        fs_err::remove_file(set.path(package)).unwrap();
        assert!(matches!(set.verify(package), Err(RepositoryError::Read { .. })));
    }
}
