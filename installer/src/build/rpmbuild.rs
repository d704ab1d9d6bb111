//! One package through rpmbuild.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use super::BuildError;
use super::distro::Distro;
use super::job::Job;
use crate::process;

/// Where one package is built.
pub(super) struct Site<'a> {
    /// rpmbuild's `_topdir`; made anew.
    pub(super) topdir: &'a Utf8Path,
    /// The log; made anew.
    pub(super) log: &'a Utf8Path,
    /// The RPMs of the packages that this one needs.
    pub(super) needed: &'a [Utf8PathBuf],
    /// The time stamp of everything inside the package.
    pub(super) epoch: u64,
}

/// Builds the package and returns its RPMs, which lie below the site's `topdir`.
pub(super) fn build(job: &Job, distro: &Distro, site: &Site<'_>) -> Result<Vec<Utf8PathBuf>, BuildError> {
    let topdir = site.topdir;
    prepare(job, site).map_err(|source| BuildError::io(format!("preparing {topdir}"), source))?;
    let sources = topdir.join("SOURCES");
    for source in &job.sources {
        source.place(&sources, site.epoch)?;
    }
    let spec = topdir.join("SPECS").join(format!("{}.spec", job.package));
    let root = unpack(site)?;
    let mut command = process::program("rpmbuild");
    for (name, value) in macros(distro, topdir, &root) {
        command.arg("--define").arg(format!("{name} {value}"));
    }
    command
        .arg("-bb")
        .arg(&spec)
        .env("SOURCE_DATE_EPOCH", site.epoch.to_string())
        // The user's own ~/.rpmmacros and ccache settings must not matter.
        .env("HOME", topdir)
        .current_dir(topdir);
    let status = process::logged(&mut command, site.log)?;
    if !status.success() {
        let text = fs_err::read(site.log).unwrap_or_default();
        return Err(BuildError::Package {
            package: job.package.clone(),
            status: status.to_string(),
            log: site.log.to_owned(),
            tail: tail(&String::from_utf8_lossy(&text), 15),
        });
    }
    collect(&topdir.join("RPMS"))
}

fn prepare(job: &Job, site: &Site<'_>) -> std::io::Result<()> {
    for folder in ["SOURCES", "SPECS", "BUILD", "RPMS", "root", "tmp"] {
        fs_err::create_dir_all(site.topdir.join(folder))?;
    }
    fs_err::write(site.log, "")?;
    fs_err::write(site.topdir.join("SPECS").join(format!("{}.spec", job.package)), &job.spec.text)?;
    for (name, bytes) in &job.spec.files {
        fs_err::write(site.topdir.join("SOURCES").join(name), bytes)?;
    }
    Ok(())
}

/// Unpacks the needed packages below `root/`, so that nothing has to be installed on the build machine.
fn unpack(site: &Site<'_>) -> Result<Utf8PathBuf, BuildError> {
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
    Ok(root)
}

fn macros<'a>(distro: &'a Distro, topdir: &Utf8Path, root: &Utf8Path) -> Vec<(&'a str, String)> {
    let mut macros = vec![
        ("_topdir", topdir.to_string()),
        ("_tmppath", format!("{topdir}/tmp")),
        ("_libdir", distro.libdir.clone()),
        // Where the packages that this one needs are unpacked: `%{needs_root}/usr/include`.
        ("needs_root", root.to_string()),
        // The same bytes wherever and whenever they are built.
        ("reproducible_flags", format!("-ffile-prefix-map={topdir}=/usr/src")),
        ("use_source_date_epoch_as_buildtime", "1".to_owned()),
        ("clamp_mtime_to_source_date_epoch", "1".to_owned()),
        ("_buildhost", "calico-mesos-install".to_owned()),
        // Every rpm since EL 5 can read it, and programs compress to nearly the same size with the others.
        ("_binary_payload", "w6.gzdio".to_owned()),
        ("_build_id_links", "none".to_owned()),
        ("debug_package", "%{nil}".to_owned()),
    ];
    macros.extend(distro.macros.iter().map(|(name, value)| (name.as_str(), value.clone())));
    macros
}

fn collect(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, BuildError> {
    let mut rpms: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_map(Result::ok)
        .filter_map(|entry| Utf8PathBuf::from_path_buf(entry.into_path()).ok())
        .filter(|path| path.extension() == Some("rpm"))
        .collect();
    rpms.sort();
    if rpms.is_empty() {
        let source = std::io::Error::other("rpmbuild succeeded, but wrote no RPM");
        return Err(BuildError::io(format!("looking for RPMs in {folder}"), source));
    }
    Ok(rpms)
}

/// The last `count` lines that have something in them.
fn tail(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(count)..).unwrap_or_default();
    last.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// What rpm says of RPM files: identity and header digest, in the order of `files`.
pub(super) fn query(files: &[Utf8PathBuf]) -> Result<Vec<String>, BuildError> {
    let mut rpm: Command = process::program("rpm");
    rpm.args(["-qp", "--nosignature", "--qf"])
        .arg("%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH} %{SHA1HEADER}\\n")
        .args(files);
    let text = process::capture(&mut rpm, "reading the headers of the built RPMs")?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The files of a built RPM that can be executed, and its links.
pub(super) fn programs(file: &Utf8Path) -> Result<Vec<String>, BuildError> {
    let mut rpm: Command = process::program("rpm");
    rpm.args(["-qp", "--nosignature", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\\n]"]).arg(file);
    let text = process::capture(&mut rpm, "reading which files the built RPMs have")?;
    let named = text.lines().filter_map(|line| {
        let (mode, path) = line.split_once(' ')?;
        let is_program = mode.starts_with('l') || (mode.starts_with('-') && mode.contains('x'));
        (is_program && path.starts_with('/')).then(|| path.to_owned())
    });
    Ok(named.collect())
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
