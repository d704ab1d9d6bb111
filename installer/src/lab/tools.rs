//! What this machine must have for a lab; everything that is missing is named at once.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;

use super::Error;

/// A program that a lab needs, and the packages that bring it.
struct Tool {
    program: &'static str,
    debian: &'static str,
    fedora: &'static str,
}

const fn tool(program: &'static str, debian: &'static str, fedora: &'static str) -> Tool {
    Tool { program, debian, fedora }
}

/// Needed to boot hosts.
const TO_BOOT: &[Tool] = &[
    tool("systemd-nspawn", "systemd-container", "systemd-container"),
    tool("ip", "iproute2", "iproute"),
    tool("ssh-keygen", "openssh-client", "openssh"),
    tool("mount", "mount", "util-linux"),
    tool("chroot", "coreutils", "coreutils"),
    tool("unshare", "util-linux", "util-linux"),
    tool("nsenter", "util-linux", "util-linux-core"),
    tool("setsid", "util-linux", "util-linux"),
    tool("setpriv", "util-linux", "util-linux"),
];

/// Needed to make the base image, besides [`TO_BOOT`].
const TO_BUILD: &[Tool] = &[tool("debootstrap", "debootstrap", "debootstrap")];

/// Debian's keys, without which the packages of the image cannot be verified.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Needed to log in.
const TO_LOG_IN: &[Tool] = &[tool("ssh", "openssh-client", "openssh-clients")];

/// What is to be done, so what is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Make the base image, then boot hosts.
    BuildAndBoot,
    /// Boot, reboot, cut, look at or stop hosts.
    Boot,
    /// Log in.
    LogIn,
}

/// What this machine lacks, and how to get it.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    root: bool,
    programs: Vec<&'static str>,
    install: Option<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a lab cannot be run here:")?;
        if !self.programs.is_empty() {
            write!(f, "\n  missing: {}", self.programs.join(", "))?;
        }
        if self.root {
            write!(f, "\n  not root: booting hosts needs namespaces, mounts and a bridge")?;
        }
        if let Some(install) = &self.install {
            write!(f, "\ninstall what is missing: {install}")?;
        }
        if self.root {
            write!(f, "\nrun the same command as root, for example with sudo")?;
        }
        Ok(())
    }
}

/// Checks that this machine has what the work needs.
///
/// # Errors
///
/// [`Error::Missing`] with everything that is missing.
pub(super) fn check(work: Work) -> Result<(), Error> {
    let mut tools: Vec<&Tool> = Vec::new();
    match work {
        Work::BuildAndBoot => tools.extend(TO_BOOT.iter().chain(TO_BUILD)),
        Work::Boot => tools.extend(TO_BOOT),
        Work::LogIn => tools.extend(TO_LOG_IN),
    }
    let keyring = Tool { program: KEYRING, debian: "debian-archive-keyring", fedora: "debian-keyring" };
    if work == Work::BuildAndBoot {
        tools.push(&keyring);
    }
    let root = work == Work::LogIn || rustix::process::geteuid().is_root();
    match missing(&tools, root, is_there, is_there("apt-get")) {
        None => Ok(()),
        Some(missing) => Err(Error::Missing(missing)),
    }
}

fn missing(tools: &[&Tool], root: bool, is_there: impl Fn(&str) -> bool, has_apt: bool) -> Option<Missing> {
    let lacking: Vec<&&Tool> = tools.iter().filter(|tool| !is_there(tool.program)).collect();
    if root && lacking.is_empty() {
        return None;
    }
    let mut packages: Vec<&str> =
        lacking.iter().map(|tool| if has_apt { tool.debian } else { tool.fedora }).collect();
    packages.sort_unstable();
    packages.dedup();
    let command = if has_apt { "apt-get install -y" } else { "dnf install -y" };
    Some(Missing {
        root: !root,
        programs: lacking.iter().map(|tool| tool.program).collect(),
        install: (!packages.is_empty()).then(|| format!("{command} {}", packages.join(" "))),
    })
}

/// Whether a program is in a folder of `PATH`; or,
/// given an absolute path, whether the file is there.
fn is_there(program: &str) -> bool {
    if program.starts_with('/') {
        return fs_err::metadata(program).is_ok();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| {
        fs_err::metadata(folder.join(program))
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_named_at_once() {
        let tools: Vec<&Tool> = TO_BOOT.iter().chain(TO_BUILD).collect();
        let some = |program: &str| !["systemd-nspawn", "debootstrap", "unshare", "setsid"].contains(&program);
        insta::assert_snapshot!(missing(&tools, false, some, true).unwrap(), @"
        a lab cannot be run here:
          missing: systemd-nspawn, unshare, setsid, debootstrap
          not root: booting hosts needs namespaces, mounts and a bridge
        install what is missing: apt-get install -y debootstrap systemd-container util-linux
        run the same command as root, for example with sudo
        ");
        insta::assert_snapshot!(missing(&tools, true, some, false).unwrap(), @"
        a lab cannot be run here:
          missing: systemd-nspawn, unshare, setsid, debootstrap
        install what is missing: dnf install -y debootstrap systemd-container util-linux
        ");
    }

    #[test]
    fn nothing_missing_is_fine() {
        assert_eq!(missing(&TO_BOOT.iter().collect::<Vec<_>>(), true, |_| true, true), None);
    }

    #[test]
    fn programs_are_looked_for_in_path() {
        assert!(is_there("sh"));
        assert!(!is_there("no-such-program"));
        assert!(!is_there("/no/such/file"));
    }
}
