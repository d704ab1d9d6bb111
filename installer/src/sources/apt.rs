//! Packages of the building machine's Debian release: asked for and fetched with apt, which verifies them.
//!
//! They are kept in a cache by name and version and unpacked inside a build; none is ever installed.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::SourceError;
use crate::process::{self, ProcessError};

/// A fetched package.
#[derive(Debug, Clone)]
pub(super) struct Deb {
    /// Its name.
    pub(super) package: String,
    /// Its version, with epoch and Debian revision.
    pub(super) version: String,
    /// Where it is in the cache.
    pub(super) path: Utf8PathBuf,
}

impl Deb {
    fn new(package: &str, version: &str, folder: &Utf8Path) -> Self {
        let mut deb =
            Self { package: package.to_owned(), version: version.to_owned(), path: Utf8PathBuf::new() };
        deb.path = folder.join(deb.file_name());
        deb
    }

    /// `name_version.deb`, with nothing in it that means something in a spec.
    pub(super) fn file_name(&self) -> String {
        format!("{}_{}.deb", self.package, self.version.replace(':', "_"))
    }

    /// The version without epoch and Debian revision.
    pub(super) fn upstream_version(&self) -> &str {
        let version = self.version.split_once(':').map_or(&*self.version, |(_, version)| version);
        version.rsplit_once('-').map_or(version, |(upstream, _)| upstream)
    }
}

/// The candidates of `packages`, fetched unless the cache has them. The inner error says what is wrong with the
/// request and what to do.
pub(super) fn obtain(
    packages: &BTreeSet<String>,
    cache: &Utf8Path,
    offline: bool,
) -> Result<Result<Vec<Deb>, String>, SourceError> {
    let folder = cache.join("debs");
    fs_err::create_dir_all(&folder).map_err(|source| SourceError::io(format!("making {folder}"), source))?;
    let candidates = candidates(packages, cache)?;
    let unknown: Vec<_> = packages.iter().filter(|name| !candidates.contains_key(*name)).cloned().collect();
    if !unknown.is_empty() {
        return Ok(Err(format!(
            "apt has no package {}\nRefresh its lists: apt-get update",
            unknown.join(", ")
        )));
    }
    let debs: Vec<_> = candidates.iter().map(|(name, version)| Deb::new(name, version, &folder)).collect();
    let missing: Vec<_> = debs.iter().filter(|deb| !deb.path.exists()).collect();
    if offline && let Some(deb) = missing.first() {
        let file = deb.file_name();
        return Ok(Err(format!(
            "{file} is not in the store {folder}, and --offline keeps it from being fetched"
        )));
    }
    if !missing.is_empty()
        && let Err(error) = download(&missing, cache, &folder)
    {
        return match error {
            SourceError::Process(ProcessError::Failed { stderr, .. }) => Ok(Err(format!(
                "apt could not download it: {stderr}\nRefresh apt's lists (apt-get update), or look at the network."
            ))),
            other => Err(other),
        };
    }
    Ok(Ok(debs))
}

/// Whether the candidates of all `packages` are in the cache.
pub(super) fn is_here(packages: &BTreeSet<String>, cache: &Utf8Path) -> bool {
    let folder = cache.join("debs");
    candidates(packages, cache).is_ok_and(|found| {
        let here = |name: &String| {
            found.get(name).is_some_and(|version| Deb::new(name, version, &folder).path.exists())
        };
        packages.iter().all(here)
    })
}

/// The version that apt would install of each package; packages that it does not know are left out.
fn candidates(
    packages: &BTreeSet<String>,
    cache: &Utf8Path,
) -> Result<BTreeMap<String, String>, SourceError> {
    let folder = cache.join("apt");
    fs_err::create_dir_all(&folder).map_err(|source| SourceError::io(format!("making {folder}"), source))?;
    let mut policy = program("apt-cache", cache);
    policy.args(["policy", "--"]).args(packages);
    Ok(parse_policy(&process::capture(&mut policy, "asking for the versions of Debian packages")?))
}

fn parse_policy(text: &str) -> BTreeMap<String, String> {
    let mut candidates = BTreeMap::new();
    let mut package = "";
    for line in text.lines() {
        if !line.starts_with(' ') {
            package = line.trim_end_matches(':');
        } else if let Some(version) = line.trim().strip_prefix("Candidate: ").filter(|v| *v != "(none)") {
            candidates.insert(package.to_owned(), version.to_owned());
        }
    }
    candidates
}

/// Downloads into a folder of its own first, so that the cache never holds half a file.
fn download(debs: &[&Deb], cache: &Utf8Path, folder: &Utf8Path) -> Result<(), SourceError> {
    let io = |source| SourceError::io(format!("keeping Debian packages in {folder}"), source);
    let scratch = tempfile::Builder::new().prefix(".download-").tempdir_in(folder).map_err(io)?;
    let mut apt = program("apt-get", cache);
    // apt's own sandbox user may not write below the cache of another user.
    apt.args(["-o", "APT::Sandbox::User=root", "-qq", "download"])
        .args(debs.iter().map(|deb| format!("{}={}", deb.package, deb.version)))
        .current_dir(scratch.path());
    process::capture(&mut apt, "downloading Debian packages")?;
    for entry in fs_err::read_dir(scratch.path()).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // apt names a file `name_version_arch.deb`, and no name has a `_` in it.
        let package = name.split('_').next();
        if let Some(deb) = debs.iter().find(|deb| Some(&*deb.package) == package) {
            fs_err::rename(entry.path(), &deb.path).map_err(io)?;
        }
    }
    match debs.iter().find(|deb| !deb.path.exists()) {
        Some(deb) => Err(io(std::io::Error::other(format!("apt-get did not deliver {}", deb.package)))),
        None => Ok(()),
    }
}

/// A program of apt with an index of its own: where the system keeps none, each call would take a second.
fn program(name: &str, cache: &Utf8Path) -> std::process::Command {
    let mut command = process::program(name);
    command
        .args(["-o", &format!("Dir::Cache::pkgcache={cache}/apt/pkgcache.bin")])
        .args(["-o", &format!("Dir::Cache::srcpkgcache={cache}/apt/srcpkgcache.bin")])
        .env("LC_ALL", "C");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_read_from_the_policy() {
        let text = "etcd:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n\
                    netty:\n  Installed: (none)\n  Candidate: 1:4.1.48-7+deb12u2\n  Version table:\n     1:4.1 500\n";
        let found = parse_policy(text);
        assert_eq!(found.len(), 1);
        let deb = Deb::new("netty", &found["netty"], Utf8Path::new("/c"));
        assert_eq!(deb.upstream_version(), "4.1.48");
        assert_eq!(deb.path, "/c/netty_1_4.1.48-7+deb12u2.deb");
        assert_eq!(Deb::new("a", "2.0~rc1-1-3", Utf8Path::new("/")).upstream_version(), "2.0~rc1-1");
    }
}
