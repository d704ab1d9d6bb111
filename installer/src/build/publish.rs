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

use super::kept::{Kept, remove};
use super::metadata::{SOURCES, SUMS};
use super::run::lint_file;
use super::sign::Signer;
use super::{BuildError, header, metadata};
use crate::model::{Digest, PackageName};
use crate::repository::{Manifest, PackageBuild, PackageSet};

/// One package on its way into a repository.
pub(super) struct Staged {
    /// What `build.json` will say of it.
    pub(super) build: PackageBuild,
    /// Its files.
    pub(super) files: Kept,
    /// Whether it was built in this run, and so has no signature yet.
    pub(super) is_new: bool,
}

/// Where one release for one distribution and architecture is built and published.
pub(super) struct Place {
    /// The repository.
    pub(super) folder: Utf8PathBuf,
    logs: Utf8PathBuf,
    /// Where builds and what they yield lie until they are published.
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

    /// Where what was built of a package lies until it is published.
    pub(super) fn kept(&self, package: &PackageName, key: &Digest) -> Utf8PathBuf {
        self.work.join("built").join(format!("{package}-{}", key.short()))
    }

    /// The folder that builds and repository are in.
    pub(super) fn folder_above(&self) -> &Utf8Path {
        self.folder.parent().unwrap_or(&self.folder)
    }

    /// Whether every file of the repository that is no package is the one that was written.
    pub(super) fn is_whole(&self) -> bool {
        let Ok(sums) = fs::read_to_string(self.folder.join(SUMS)) else { return false };
        let whole = |line: &str| {
            let Some((digest, file)) = line.split_once("  ") else { return false };
            let open = || Digest::of_reader(fs::File::open(self.folder.join(file))?);
            // Packages are looked at one by one, with the build that they belong to.
            file.ends_with(".rpm") || open().is_ok_and(|found| found.to_string() == digest)
        };
        sums.lines().all(whole)
    }

    /// Replaces the repository by one of the files of `staged`.
    ///
    /// The old repository is whole until the new one takes its place in one step.
    pub(super) fn publish(
        &self,
        mut manifest: Manifest,
        staged: BTreeMap<PackageName, Staged>,
        signer: Option<&Signer>,
        base_url: Option<&str>,
    ) -> Result<(), BuildError> {
        let stage = self.work.join("stage");
        remove(&stage)?;
        let before = PackageSet::open(&self.folder).ok().and_then(|set| set.manifest.signed_by);
        let io = |source| BuildError::io(format!("writing {stage}"), source);
        let mut unsigned = Vec::new();
        for (package, Staged { mut build, files, is_new }) in staged {
            let placed = place(&stage, &package, &files).map_err(io)?;
            if is_new || before != manifest.signed_by {
                unsigned.extend(placed.rpms.iter().chain(&placed.source_rpm).cloned());
            }
            build.rpms = placed.rpms.iter().filter_map(|rpm| Some(rpm.file_name()?.into())).collect();
            build.source_rpm = None;
            manifest.builds.insert(package, build);
        }
        if let Some(signer) = signer {
            signer.rpms(&unsigned)?;
        }
        stamp(&stage, manifest.source_date_epoch).map_err(io)?;
        describe(&stage, &mut manifest)?;
        metadata::write(&stage, &manifest, signer, base_url)?;
        self.swap(&stage)?;
        remove(&self.work)
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

/// Copies what was built of a package to where a repository has it.
fn place(stage: &Utf8Path, package: &PackageName, files: &Kept) -> std::io::Result<Kept> {
    let sources = stage.join(SOURCES);
    fs::create_dir_all(&sources)?;
    let copy = |file: &Utf8PathBuf, folder: &Utf8Path| -> std::io::Result<Utf8PathBuf> {
        let target = folder.join(file.file_name().unwrap_or_default());
        fs::copy(file, &target)?;
        Ok(target)
    };
    if let Some(report) = &files.lint {
        let file = lint_file(stage, package);
        fs::create_dir_all(file.parent().unwrap_or(stage))?;
        fs::write(file, report)?;
    }
    Ok(Kept {
        rpms: files.rpms.iter().map(|rpm| copy(rpm, stage)).collect::<Result<_, _>>()?,
        source_rpm: files.source_rpm.as_ref().map(|rpm| copy(rpm, &sources)).transpose()?,
        ..Kept::default()
    })
}

/// Gives the RPMs the time of the release, which the repository's metadata records.
fn stamp(stage: &Utf8Path, epoch: u64) -> std::io::Result<()> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(epoch);
    for folder in [stage, &stage.join(SOURCES)] {
        for entry in folder.read_dir_utf8()? {
            let path = entry?.into_path();
            if path.extension() == Some("rpm") {
                fs::OpenOptions::new().write(true).open(&path)?.file().set_modified(time)?;
            }
        }
    }
    Ok(())
}

/// Writes down which packages there are, and which source RPM belongs to which build.
fn describe(stage: &Utf8Path, manifest: &mut Manifest) -> Result<(), BuildError> {
    manifest.packages = header::describe(stage)?;
    let sources = header::rpms(&stage.join(SOURCES))?;
    for file in sources {
        let relative = Utf8Path::new(SOURCES).join(file.file_name().unwrap_or_default());
        let source = header::describe_source(stage, &relative)?;
        let name = header::read(std::slice::from_ref(&file))?.pop().map(|header| header.nevra.name);
        if let Some(build) = name.and_then(|name| manifest.builds.get_mut(&name)) {
            build.source_rpm = Some(source);
        }
    }
    manifest.identity = Some(manifest.identify());
    Ok(())
}
