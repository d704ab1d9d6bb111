//! What was built of a package, kept until the repository is published: all of it or nothing.

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;

use super::BuildError;
use super::environment::Environment;
use super::rpmbuild::Built;

const LINT: &str = "rpmlint.txt";
const ENVIRONMENT: &str = "environment.json";

/// What was built of a package.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    /// The RPMs.
    pub(super) rpms: Vec<Utf8PathBuf>,
    /// The source RPM; builds of older tools have none.
    pub(super) source_rpm: Option<Utf8PathBuf>,
    /// rpmlint's report; none where it is not installed.
    pub(super) lint: Option<String>,
    /// What was installed where it was built, as far as that is known only afterwards.
    pub(super) environment: Option<Environment>,
}

impl Kept {
    /// Reads what [`keep`] wrote; `None` when there is nothing.
    pub(super) fn open(folder: &Utf8Path) -> Option<Self> {
        let entries = folder.read_dir_utf8().ok()?.filter_map(|entry| Some(entry.ok()?.into_path()));
        let mut rpms: Vec<_> = entries.filter(|path| path.extension() == Some("rpm")).collect();
        rpms.sort();
        let (sources, rpms): (Vec<_>, Vec<_>) =
            rpms.into_iter().partition(|path| path.as_str().ends_with(".src.rpm"));
        let environment = fs::read(folder.join(ENVIRONMENT)).ok();
        (!rpms.is_empty()).then(|| Self {
            rpms,
            source_rpm: sources.into_iter().next(),
            lint: fs::read_to_string(folder.join(LINT)).ok(),
            environment: environment.and_then(|text| serde_json::from_slice(&text).ok()),
        })
    }
}

/// Keeps what was built in `folder`, and takes the build's `topdir` away.
pub(super) fn keep(
    folder: &Utf8Path,
    topdir: &Utf8Path,
    built: &Built,
    lint: Option<&str>,
    environment: Option<&Environment>,
) -> Result<(), BuildError> {
    let scratch = Utf8PathBuf::from(format!("{topdir}.kept"));
    remove(&scratch)?;
    remove(folder)?;
    let keep = || -> std::io::Result<()> {
        fs::create_dir_all(&scratch)?;
        folder.parent().map(fs::create_dir_all).transpose()?;
        for rpm in built.rpms.iter().chain([&built.source_rpm]) {
            fs::rename(rpm, scratch.join(rpm.file_name().unwrap_or_default()))?;
        }
        if let Some(lint) = lint {
            fs::write(scratch.join(LINT), lint)?;
        }
        if let Some(environment) = environment {
            fs::write(scratch.join(ENVIRONMENT), serde_json::to_vec(environment)?)?;
        }
        fs::rename(&scratch, folder)
    };
    keep().map_err(|source| BuildError::io(format!("keeping what was built in {folder}"), source))?;
    remove(topdir)
}

/// What mock says was installed in its chroot; `None` where mock did not build.
pub(super) fn environment_of(topdir: &Utf8Path) -> Option<Environment> {
    let text = fs::read_to_string(topdir.join("RPMS/installed_pkgs.log")).ok()?;
    Some(read_installed(&text))
}

/// Lines that begin with `name-version-release.arch`.
fn read_installed(text: &str) -> Environment {
    let read = |line: &str| {
        let nevra: crate::model::Nevra = line.split_whitespace().next()?.parse().ok()?;
        Some((nevra.name.to_string(), format!("{}.{}", nevra.evr(), nevra.arch)))
    };
    text.lines().filter_map(read).collect()
}

/// Removes a folder, if there is one.
pub(super) fn remove(folder: &Utf8Path) -> Result<(), BuildError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BuildError::io(format!("removing {folder}"), error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mock_installed_is_read() {
        let text =
            "gcc-8.5.0-18.el8.x86_64 1674000000 12345 abcdef\nnot a package\nlibev-4.24-6.el8.x86_64 1 2 3\n";
        let found = read_installed(text);
        assert_eq!(found["gcc"], "8.5.0-18.el8.x86_64");
        assert_eq!(found.len(), 2);
    }
}
