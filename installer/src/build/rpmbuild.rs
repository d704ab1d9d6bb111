//! One package through rpmbuild: its folder, its source RPM, its RPMs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use super::BuildError;
use super::backend::{Builder, Ccache, Task, place_macros};
use super::diagnosis::diagnose;
use super::distro::Distro;
use super::error::FailedPackage;
use super::job::Job;
use super::watch::{Progress, Watch};
use crate::process;

/// Where and how one package is built.
pub(super) struct Site<'a> {
    /// rpmbuild's `_topdir`; made anew.
    pub(super) topdir: &'a Utf8Path,
    /// The log; made anew.
    pub(super) log: &'a Utf8Path,
    /// The RPMs of the packages that this one needs.
    pub(super) needed: &'a [Utf8PathBuf],
    /// The time stamp of everything inside the package.
    pub(super) epoch: u64,
    /// What builds.
    pub(super) builder: &'a Builder,
    /// How many compilers `make` may run.
    pub(super) make_jobs: usize,
    /// ccache, where it is used.
    pub(super) ccache: Option<&'a Ccache>,
    /// What ends the build when it is set.
    pub(super) cancel: &'a AtomicBool,
}

/// What came out of a build; all of it lies below the site's `topdir`.
#[derive(Debug)]
pub(super) struct Built {
    /// The RPMs.
    pub(super) rpms: Vec<Utf8PathBuf>,
    /// The source RPM.
    pub(super) source_rpm: Utf8PathBuf,
}

/// Builds the package.
pub(super) fn build(
    job: &Job,
    distro: &Distro,
    site: &Site<'_>,
    mut observe: impl FnMut(Progress),
) -> Result<Built, BuildError> {
    let topdir = site.topdir;
    let last = fs_err::read(site.log).unwrap_or_default();
    prepare(job, site).map_err(|source| BuildError::io(format!("preparing {topdir}"), source))?;
    for source in &job.sources {
        source.place(&topdir.join("SOURCES"), site.epoch)?;
    }
    stamp(topdir, site.epoch).map_err(|source| BuildError::io(format!("preparing {topdir}"), source))?;
    unpack(site)?;
    let macros = macros(distro, site.make_jobs);
    let source_rpm = source_rpm(job, &macros, site)?;
    let task = Task {
        package: job.package.as_str(),
        topdir,
        source_rpm: &source_rpm,
        macros: &macros,
        epoch: site.epoch,
        ccache: site.ccache,
        packages: &job.packages,
    };
    let line = site.builder.command(&task);
    if let Some((path, text)) = &line.file {
        fs_err::write(path, text).map_err(|source| BuildError::io(format!("writing {path}"), source))?;
    }
    let mut watch = Watch::new(&String::from_utf8_lossy(&last));
    let mut told = |text: &str| watch.line(text).into_iter().for_each(&mut observe);
    let status = process::watched(&mut line.command(), site.log, site.cancel, &mut told)?;
    if site.cancel.load(Ordering::SeqCst) {
        return Err(BuildError::Interrupted);
    }
    if !status.success() {
        let text = fs_err::read(site.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let hints = diagnose(&text, distro);
        return Err(BuildError::Package(Box::new(FailedPackage {
            package: job.package.clone(),
            step: watch.step().map(|step| format!(" in {step}")).unwrap_or_default(),
            status: status.to_string(),
            log: site.log.to_owned(),
            tail: tail(&text, 15),
            hints: hints.iter().map(|hint| format!("\nhint: {hint}")).collect(),
        })));
    }
    Ok(Built { rpms: collect(&topdir.join("RPMS"))?, source_rpm })
}

fn prepare(job: &Job, site: &Site<'_>) -> std::io::Result<()> {
    for folder in ["SOURCES", "SPECS", "BUILD", "RPMS", "SRPMS", "root", "tmp"] {
        fs_err::create_dir_all(site.topdir.join(folder))?;
    }
    fs_err::write(site.log, "")?;
    fs_err::write(site.topdir.join("SPECS").join(format!("{}.spec", job.package)), &job.spec.text)?;
    for (name, bytes) in &job.spec.files {
        fs_err::write(site.topdir.join("SOURCES").join(name), bytes)?;
    }
    Ok(())
}

/// Gives everything that goes into the source RPM the same time and mode, whoever's umask made it.
fn stamp(topdir: &Utf8Path, epoch: u64) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(epoch);
    for folder in ["SOURCES", "SPECS"] {
        for entry in topdir.join(folder).read_dir_utf8()? {
            let path = entry?.into_path();
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
            fs_err::OpenOptions::new().write(true).open(&path)?.file().set_modified(time)?;
        }
    }
    Ok(())
}

/// Unpacks the needed packages below `root/`, so that nothing has to be installed on the build machine.
fn unpack(site: &Site<'_>) -> Result<(), BuildError> {
    let root = site.topdir.join("root");
    for rpm in site.needed {
        let mut command = process::program("sh");
        command
            .args([
                "-c",
                "set -e; rpm2cpio \"$1\" >package.cpio; cpio -idmu --quiet <package.cpio; rm package.cpio",
            ])
            .args(["sh", rpm.as_str()])
            .current_dir(&root);
        process::capture(&mut command, &format!("unpacking {rpm}"))?;
    }
    Ok(())
}

/// Writes the source RPM. It holds the spec with its macros expanded, so none of them may say where it was built:
/// every folder is relative to the current one.
fn source_rpm(job: &Job, macros: &[(String, String)], site: &Site<'_>) -> Result<Utf8PathBuf, BuildError> {
    let own = [
        ("_srcdefattr", "(-,root,root)"),
        // The number of this machine's cores is no part of the source.
        ("_smp_mflags", "-j1"),
        ("_smp_build_ncpus", "1"),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let same = macros.iter().filter(|(name, _)| !name.starts_with("_smp")).cloned();
    let mut command = process::program("rpmbuild");
    for (name, value) in place_macros(".").into_iter().chain(same).chain(own) {
        command.arg("--define").arg(format!("{name} {value}"));
    }
    command
        .args(["-bs", "--nodeps"])
        .arg(format!("SPECS/{}.spec", job.package))
        .env("SOURCE_DATE_EPOCH", site.epoch.to_string())
        .env("HOME", site.topdir)
        .current_dir(site.topdir);
    process::capture(&mut command, &format!("writing the source RPM of {}", job.package))?;
    let result = site.topdir.join("SRPMS");
    collect(&result)?.pop().ok_or_else(|| BuildError::io(format!("looking into {result}"), no_rpm()))
}

/// The macros that do not depend on where the package is built.
pub(super) fn macros(distro: &Distro, make_jobs: usize) -> Vec<(String, String)> {
    let macros = [
        ("_libdir", distro.libdir.clone()),
        ("_smp_mflags", format!("-j{make_jobs}")),
        ("_smp_build_ncpus", make_jobs.to_string()),
        ("use_source_date_epoch_as_buildtime", "1".to_owned()),
        ("clamp_mtime_to_source_date_epoch", "1".to_owned()),
        ("_buildhost", "calico-mesos-install".to_owned()),
        ("packager", "calico-mesos-install".to_owned()),
        // Every rpm since EL 5 can read it, and programs compress to nearly the same size with the others.
        ("_binary_payload", "w6.gzdio".to_owned()),
        ("_source_payload", "w6.gzdio".to_owned()),
        ("_build_id_links", "none".to_owned()),
        ("debug_package", "%{nil}".to_owned()),
    ];
    let own = distro.macros.iter().map(|(name, value)| (name.clone(), value.clone()));
    macros.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(own).collect()
}

/// The binary or source RPMs below a folder, sorted.
fn collect(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, BuildError> {
    let is_source = |path: &Utf8PathBuf| path.as_str().ends_with(".src.rpm");
    let mut rpms: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_map(Result::ok)
        .filter_map(|entry| Utf8PathBuf::from_path_buf(entry.into_path()).ok())
        .filter(|path| path.extension() == Some("rpm"))
        .collect();
    // mock writes the source RPM beside the others.
    if rpms.iter().any(|path| !is_source(path)) {
        rpms.retain(|path| !is_source(path));
    }
    rpms.sort();
    if rpms.is_empty() {
        return Err(BuildError::io(format!("looking for RPMs in {folder}"), no_rpm()));
    }
    Ok(rpms)
}

fn no_rpm() -> std::io::Error {
    std::io::Error::other("rpmbuild succeeded, but wrote no RPM")
}

/// The last `count` lines that have something in them.
fn tail(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(count)..).unwrap_or_default();
    last.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_end_of_the_log() {
        assert_eq!(tail("a\n\nb\nc\n\n", 2), "  b\n  c");
        assert_eq!(tail("a", 5), "  a");
        assert_eq!(tail("", 5), "");
    }
}
