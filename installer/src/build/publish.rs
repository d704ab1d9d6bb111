//! The result's place on disk: locked while a build writes, replaced as a whole.
//!
//! ```text
//! OUT/<release>/<distro>/<arch>/         the repository, replaced by rename
//! OUT/<release>/<distro>/logs-<arch>/    a log a package
//! OUT/<release>/<distro>/.work-<arch>/   what is being built; what was built when another package failed
//! ```

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{BuildError, rpmbuild};
use crate::model::{Digest, Nevra, PackageName};
use crate::process::{self, ProcessError};
use crate::repository::{BuiltPackage, Manifest, PackageBuild};

/// Where one release for one distribution and architecture is built and published.
pub(super) struct Place {
    /// The repository.
    pub(super) folder: Utf8PathBuf,
    logs: Utf8PathBuf,
    work: Utf8PathBuf,
    _lock: fs::File,
}

impl Place {
    /// Locks `OUT/<release>/<distro>` for `arch`; the lock ends with this value, or with the process.
    pub(super) fn lock(out: &Utf8Path, release: &str, distro: &str, arch: &str) -> Result<Self, BuildError> {
        let io = |source| BuildError::io(format!("preparing {out}"), source);
        let parent = out.join(release).join(distro);
        fs::create_dir_all(&parent).map_err(io)?;
        let parent = parent.canonicalize_utf8().map_err(io)?;
        if parent.as_str().contains(|c: char| c.is_whitespace() || "%\"'\\$`,".contains(c)) {
            return Err(BuildError::Place { folder: parent });
        }
        let file = fs::File::create(parent.join(format!(".lock-{arch}"))).map_err(io)?;
        match rustix::fs::flock(file.file(), rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(BuildError::Locked { folder: parent }),
            Err(error) => return Err(io(error.into())),
        }
        let place = Self {
            folder: parent.join(arch),
            logs: parent.join(format!("logs-{arch}")),
            work: parent.join(format!(".work-{arch}")),
            _lock: file,
        };
        fs::create_dir_all(&place.logs).map_err(io)?;
        Ok(place)
    }

    /// The log of a package.
    pub(super) fn log(&self, package: &PackageName) -> Utf8PathBuf {
        self.logs.join(format!("{package}.log"))
    }

    /// Where a package is built; empty.
    pub(super) fn topdir(&self, package: &PackageName) -> Result<Utf8PathBuf, BuildError> {
        let folder = self.work.join("build").join(package.as_str());
        remove(&folder)?;
        fs::create_dir_all(&folder).map_err(|source| BuildError::io(format!("making {folder}"), source))?;
        Ok(folder)
    }

    /// Where the finished RPMs of a package lie until they are published.
    fn kept(&self, package: &PackageName, key: &Digest) -> Utf8PathBuf {
        self.work.join("built").join(format!("{package}-{}", key.short()))
    }

    /// Keeps the RPMs of a finished package, all or none, and takes its build folder away.
    pub(super) fn keep(
        &self,
        package: &PackageName,
        key: &Digest,
        rpms: &[Utf8PathBuf],
    ) -> Result<(), BuildError> {
        let kept = self.kept(package, key);
        let scratch = self.work.join("build").join(format!("{package}.rpms"));
        remove(&scratch)?;
        remove(&kept)?;
        let keep = || -> std::io::Result<()> {
            fs::create_dir_all(&scratch)?;
            fs::create_dir_all(self.work.join("built"))?;
            for rpm in rpms {
                fs::rename(rpm, scratch.join(rpm.file_name().unwrap_or_default()))?;
            }
            fs::rename(&scratch, &kept)
        };
        keep()
            .map_err(|source| BuildError::io(format!("keeping the RPMs of {package} in {kept}"), source))?;
        remove(&self.work.join("build").join(package.as_str()))
    }

    /// The kept RPMs of a package, from this run or one that failed later on.
    pub(super) fn kept_rpms(&self, package: &PackageName, key: &Digest) -> Option<Vec<Utf8PathBuf>> {
        let entries = self.kept(package, key).read_dir_utf8().ok()?;
        let mut rpms: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.into_path())).collect();
        rpms.sort();
        (!rpms.is_empty()).then_some(rpms)
    }

    /// Replaces the repository by one of the RPMs of `builds`, and returns its manifest.
    ///
    /// The old repository is whole until the new one takes its place in one step.
    pub(super) fn publish(
        &self,
        mut manifest: Manifest,
        builds: &BTreeMap<PackageName, (PackageBuild, Vec<Utf8PathBuf>)>,
        epoch: u64,
    ) -> Result<Manifest, BuildError> {
        let stage = self.work.join("stage");
        remove(&stage)?;
        let io = |source| BuildError::io(format!("writing {stage}"), source);
        fs::create_dir_all(&stage).map_err(io)?;
        let stamp = SystemTime::UNIX_EPOCH + Duration::from_secs(epoch);
        for (package, (build, rpms)) in builds {
            let mut build = build.clone();
            build.rpms.clear();
            for rpm in rpms {
                let name = Utf8PathBuf::from(rpm.file_name().unwrap_or_default());
                let target = stage.join(&name);
                fs::copy(rpm, &target).map_err(io)?;
                let file = fs::OpenOptions::new().write(true).open(&target).map_err(io)?;
                // The metadata records it.
                file.file().set_modified(stamp).map_err(io)?;
                build.rpms.push(name);
            }
            manifest.builds.insert(package.clone(), build);
        }
        manifest.packages = describe(&stage)?;
        write_metadata(&stage, &manifest, epoch)?;
        self.swap(&stage)?;
        remove(&self.work)?;
        Ok(manifest)
    }

    /// Puts `stage` in the place of the repository.
    fn swap(&self, stage: &Utf8Path) -> Result<(), BuildError> {
        let io = |source| BuildError::io(format!("replacing {}", self.folder), source);
        if !self.folder.exists() {
            return fs::rename(stage, &self.folder).map_err(io);
        }
        match renameat_with(CWD, stage.as_std_path(), CWD, self.folder.as_std_path(), RenameFlags::EXCHANGE) {
            Ok(()) => remove(stage),
            // Some file systems cannot exchange: two renames then, and the old repository last to go.
            Err(_) => {
                let old = self.work.join("old");
                remove(&old)?;
                fs::rename(&self.folder, &old).map_err(io)?;
                fs::rename(stage, &self.folder).map_err(io)?;
                remove(&old)
            }
        }
    }
}

fn remove(folder: &Utf8Path) -> Result<(), BuildError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BuildError::io(format!("removing {folder}"), error))
        }
        _ => Ok(()),
    }
}

/// Identity and header digest of RPMs, in the order of `files`.
pub(super) fn headers(files: &[Utf8PathBuf]) -> Result<Vec<(Nevra, String)>, BuildError> {
    let mut headers = Vec::new();
    for line in rpmbuild::query(files)? {
        let parse = || {
            let (nevra, header_sha1) = line.split_once(' ')?;
            Some((nevra.parse().ok()?, header_sha1.to_owned()))
        };
        headers.push(parse().ok_or_else(|| ProcessError::Failed {
            program: "rpm".to_owned(),
            doing: "reading the headers of the built RPMs".to_owned(),
            status: "an answer that was not understood".to_owned(),
            stderr: line.clone(),
        })?);
    }
    Ok(headers)
}

/// The RPMs in a folder, as the manifest describes them.
fn describe(folder: &Utf8Path) -> Result<Vec<BuiltPackage>, BuildError> {
    let io = |source| BuildError::io(format!("reading {folder}"), source);
    let mut files = Vec::new();
    for entry in folder.read_dir_utf8().map_err(io)? {
        files.push(entry.map_err(io)?.into_path());
    }
    files.sort();
    let mut packages = Vec::new();
    for (path, (nevra, header_sha1)) in files.iter().zip(headers(&files)?) {
        let file = fs::File::open(path).map_err(io)?;
        packages.push(BuiltPackage {
            nevra,
            file: path.file_name().unwrap_or_default().into(),
            size: file.metadata().map_err(io)?.len(),
            sha256: Digest::of_reader(file).map_err(io)?,
            header_sha1,
            programs: rpmbuild::programs(path)?,
        });
    }
    packages.sort_by(|a, b| a.nevra.cmp(&b.nevra));
    Ok(packages)
}

fn write_metadata(stage: &Utf8Path, manifest: &Manifest, epoch: u64) -> Result<(), BuildError> {
    let mut createrepo = process::program("createrepo_c");
    createrepo
        .args(["--quiet", "--no-database", "--set-timestamp-to-revision", "--revision", &epoch.to_string()])
        .arg(stage);
    process::capture(&mut createrepo, "writing the repository's metadata")?;
    let sums: String =
        manifest.packages.iter().map(|package| format!("{}  {}\n", package.sha256, package.file)).collect();
    let write = || -> std::io::Result<()> {
        fs::write(stage.join("SHA256SUMS"), sums)?;
        let mut json = serde_json::to_string_pretty(manifest)?;
        json.push('\n');
        fs::write(stage.join("build.json"), json)
    };
    write().map_err(|source| BuildError::io(format!("writing {stage}"), source))
}
