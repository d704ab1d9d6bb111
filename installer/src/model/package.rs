//! Identities of RPM packages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::PackageName;

/// An RPM architecture, for example `x86_64` or `noarch`.
pub type Arch = String;

/// Name, epoch, version, release and architecture: what rpm calls a NEVRA.
///
/// Its text is the form that `rpm -q` prints, with the epoch only where there is one:
/// `mesos-0.28.2-1.x86_64`, `bind-32:9.16-1.noarch`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Nevra {
    /// The package's name.
    pub name: PackageName,
    /// The epoch, 0 where the package has none.
    pub epoch: u32,
    /// The upstream version.
    pub version: String,
    /// The packaging release.
    pub release: String,
    /// The architecture, `noarch` where it does not matter.
    pub arch: Arch,
}

impl Nevra {
    /// Version and release, with the epoch where there is one: what a person compares.
    pub fn evr(&self) -> String {
        let Self { epoch, version, release, .. } = self;
        if *epoch == 0 { format!("{version}-{release}") } else { format!("{epoch}:{version}-{release}") }
    }
}

/// The text is not `name-[epoch:]version-release.arch`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a package identity: `name-[epoch:]version-release.arch` is expected")]
pub struct ParseNevraError(String);

impl FromStr for Nevra {
    type Err = ParseNevraError;

    fn from_str(text: &str) -> Result<Self, ParseNevraError> {
        let parse = || {
            let (rest, arch) = text.rsplit_once('.')?;
            let (rest, release) = rest.rsplit_once('-')?;
            let (name, version) = rest.rsplit_once('-')?;
            let (epoch, version) = match version.split_once(':') {
                Some((epoch, version)) => (epoch.parse().ok()?, version),
                None => (0, version),
            };
            let filled = [version, release, arch]
                .iter()
                .all(|part| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '/'));
            filled.then_some(())?;
            Some(Self {
                name: name.parse().ok()?,
                epoch,
                version: version.to_owned(),
                release: release.to_owned(),
                arch: arch.to_owned(),
            })
        };
        parse().ok_or_else(|| ParseNevraError(text.to_owned()))
    }
}

impl TryFrom<String> for Nevra {
    type Error = ParseNevraError;

    fn try_from(text: String) -> Result<Self, ParseNevraError> {
        text.parse()
    }
}

impl From<Nevra> for String {
    fn from(nevra: Nevra) -> String {
        nevra.to_string()
    }
}

impl fmt::Display for Nevra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}.{}", self.name, self.evr(), self.arch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_identity_agree() {
        for text in ["mesos-0.28.2-1.x86_64", "net-modules-0.2.0-1.lab.x86_64", "bind-32:9.16-1.noarch"] {
            assert_eq!(text.parse::<Nevra>().unwrap().to_string(), text);
        }
        for bad in ["mesos", "mesos-0.28.2", "-1-1.x86_64", "a-1-1.", "a-x:1-1.noarch"] {
            assert!(bad.parse::<Nevra>().is_err(), "{bad}");
        }
    }
}
