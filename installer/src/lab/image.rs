//! The base image of all hosts: made once, cached by the digest of its recipe.

use std::process::{Command, Stdio};
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};

use super::lock::Lock;
use super::program::{ProgramError, tail};
use super::tools::{self, Work};
use super::{Error, Event, Progress, files};
use crate::model::Digest;

const RELEASE: &str = "bookworm";

/// What is in the image: what makes a host a target of the installer (systemd, sshd, rpm, dnf, a shell), and what
/// the cluster's programs need from their distribution: Java for ZooKeeper; what Mesos is linked to and the method by
/// which it authenticates; iptables and the device mapper's library for Docker.
const PACKAGES: &[&str] = &[
    "bash",
    "curl",
    "dbus",
    "dnf",
    "iproute2",
    "iptables",
    "kmod",
    "libapr1",
    "libcurl4",
    "libdevmapper1.02.1",
    "libsasl2-modules",
    "libsvn1",
    "libzookeeper-mt2",
    "openjdk-17-jre-headless",
    "openssh-server",
    "procps",
    "python3",
    "rpm",
    "sudo",
    "systemd",
    "systemd-sysv",
];

const BUILD: &str = include_str!("scripts/build-image.sh");
const CUSTOMISE: &str = include_str!("scripts/customise.sh");

/// The beginning of the name of an image that is being made.
const PARTIAL: &str = "partial-";

/// Where the hosts' base image is; it is made unless it is there. To be copied or mounted, never changed: hosts
/// that are running may stand on it.
///
/// # Errors
///
/// Something that making it needs is missing, or it cannot be made.
pub fn image(cache: &Utf8Path, mirror: Option<&str>, progress: &dyn Progress) -> Result<Utf8PathBuf, Error> {
    if !is_made(cache) {
        tools::check(Work::BuildAndBoot)?;
    }
    ensure(cache, mirror, progress)
}

/// Whether the cache has the image.
pub(super) fn is_made(cache: &Utf8Path) -> bool {
    path(cache).is_dir()
}

/// Where the image of this recipe is, or will be.
fn path(cache: &Utf8Path) -> Utf8PathBuf {
    let recipe = [RELEASE, &PACKAGES.join(","), BUILD, CUSTOMISE].join("\0");
    cache.join(Digest::of(recipe).short())
}

/// Makes the image unless it is there; two runs at once make it once.
///
/// # Errors
///
/// The cache cannot be written, or [`Error::Image`].
pub(super) fn ensure(
    cache: &Utf8Path,
    mirror: Option<&str>,
    progress: &dyn Progress,
) -> Result<Utf8PathBuf, Error> {
    let cache = &camino::absolute_utf8(cache).map_err(Error::io("resolving the cache's folder"))?;
    let image = path(cache);
    if image.is_dir() {
        return Ok(image);
    }
    // Set-user-ID programs of the image, which gets no security updates, must not be within users' reach.
    files::private_folder(cache)?;
    let lock = Lock::open(&cache.join("lock"))?;
    if !lock.try_take()? {
        progress.event(Event::WaitingForImage);
        lock.take()?;
    }
    // Another run may have made it in the meantime.
    if !image.is_dir() {
        let start = Instant::now();
        progress.event(Event::BuildingImage { image: image.clone() });
        remove_partial(cache)?;
        build(cache, &image, mirror.unwrap_or_default())?;
        progress.event(Event::BuiltImage { took: start.elapsed() });
    }
    Ok(image)
}

/// Removes what an interrupted run has left; the caller holds the lock.
fn remove_partial(cache: &Utf8Path) -> Result<(), Error> {
    for entry in cache.read_dir_utf8().map_err(Error::io(format!("reading {cache}")))? {
        let entry = entry.map_err(Error::io(format!("reading {cache}")))?;
        if entry.file_name().starts_with(PARTIAL) {
            fs_err::remove_dir_all(entry.path()).map_err(Error::io("removing a half-made image"))?;
        }
    }
    Ok(())
}

fn build(cache: &Utf8Path, image: &Utf8Path, mirror: &str) -> Result<(), Error> {
    let partial = cache.join(format!("{PARTIAL}{}", std::process::id()));
    fs_err::create_dir(&partial).map_err(Error::io("making a folder for the base image"))?;
    let log = cache.join("build.log");
    let output = fs_err::File::create(&log).map_err(Error::io("making the log of the image"))?;
    let errors = output.try_clone().map_err(Error::io("making the log of the image"))?;
    // Whatever happens to this process, nothing of the build outlives it: `setpriv` passes its death on, and the
    // first process of a process namespace takes all others with it.
    let status = Command::new("setpriv")
        .args([
            "--pdeathsig",
            "KILL",
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child=KILL",
            "--mount-proc",
        ])
        .args(["sh", "-c", BUILD, "sh", RELEASE, &PACKAGES.join(","), CUSTOMISE, mirror])
        .current_dir(&partial)
        .stdin(Stdio::null())
        .stdout(output.into_file())
        .stderr(errors.into_file())
        .status()
        .map_err(|source| ProgramError::Start { command: "setpriv".to_owned(), source })?;
    if !status.success() {
        let text = fs_err::read_to_string(&log).unwrap_or_default();
        let tail = tail(&text, 12);
        return Err(Error::Image { log, tail });
    }
    fs_err::rename(partial.join("upper"), image)
        .map_err(Error::io("putting the base image into the cache"))?;
    fs_err::remove_dir(&partial).map_err(Error::io("tidying up after the base image"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_named_after_its_recipe() {
        let image = path(Utf8Path::new("/cache"));
        assert_eq!(image.parent(), Some(Utf8Path::new("/cache")));
        assert_eq!(image.file_name().map(str::len), Some(12));
    }

    #[test]
    fn a_half_made_image_is_removed_and_nothing_else() {
        let cache = tempfile::tempdir().unwrap();
        let cache = Utf8Path::from_path(cache.path()).unwrap();
        fs_err::create_dir_all(cache.join("partial-1/upper")).unwrap();
        fs_err::create_dir_all(cache.join("0123456789ab")).unwrap();
        remove_partial(cache).unwrap();
        assert!(!cache.join("partial-1").exists());
        assert!(cache.join("0123456789ab").exists());
    }
}
