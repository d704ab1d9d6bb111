//! The operator's TOML: which hosts there are, how they are reached, what a run may do at once.
//!
//! Parsing is pure and strict. It does not know what a role means; whether a role or a variable exists is
//! found out by [`crate::cluster`], which is why both keep their places.

mod hosts;
mod load;
mod parse;
mod range;
mod selector;
mod settings;
mod tls;

pub use load::{LoadError, check_files, load};
pub use parse::Parsed;
pub use range::{Pattern, RangeError};
pub use selector::{Selector, SelectorError};
pub use settings::{AgentsAtOnce, Become, Rollout, Ssh};
pub use tls::{Files as TlsFiles, Generate as TlsGenerate, HOST as TLS_HOST, Tls};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::diagnostic::{Mistakes, Place, Source, Spanned, Value};
use crate::model::{HostName, PackageName, RoleName, VarName};

/// An inventory whose every value is valid in itself.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// The file.
    pub source: Source,
    /// The cluster's name.
    pub name: String,
    /// The release: the stem of a file in `specs/releases/`.
    pub release: Spanned<String>,
    /// The containerizers that the agents get.
    pub containerizers: BTreeSet<Containerizer>,
    /// Where the packages are.
    pub packages: Packages,
    /// How hosts are reached, unless a host says otherwise.
    pub ssh: Ssh,
    /// What a run may do at once, and how many failures it bears.
    pub rollout: Rollout,
    /// Whether services speak TLS, and with which certificates.
    pub tls: Tls,
    /// Variables for all hosts.
    pub vars: Vars,
    /// The hosts in the order of the file, ranges written out.
    pub hosts: Vec<Host>,
    /// Whether parts may be missing because of mistakes; then nothing follows from their absence.
    pub(crate) incomplete: bool,
}

/// Where the packages come from.
#[derive(Debug, Clone)]
pub struct Packages {
    /// The folder that `build` wrote; absolute when the inventory's folder is.
    pub repo: Utf8PathBuf,
    /// Packages that the hosts' own repositories provide, in whatever version.
    pub provided: Vec<Spanned<PackageName>>,
}

/// One host.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its name, which is also the host name that Mesos and Calico use.
    pub name: HostName,
    /// Its IPv4 address: what SSH connects to and what services listen on.
    pub address: IpAddr,
    /// The roles that were asked for.
    pub roles: Vec<Spanned<RoleName>>,
    /// Mesos attributes.
    pub attributes: BTreeMap<String, String>,
    /// Variables for this host only.
    pub vars: Vars,
    /// How it is reached: the inventory's settings with its own over them.
    pub ssh: Ssh,
    /// Where it was written.
    pub place: Place,
}

/// Values for variables, by name, with the places of names and values.
pub type Vars = BTreeMap<VarName, VarSetting>;

/// A value that the inventory gives to a variable. Whether the variable exists, and takes such a value, is
/// not known here.
#[derive(Debug, Clone)]
pub struct VarSetting {
    /// Where the name is written.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// What runs the containers of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Containerizer {
    /// Mesos' own, with net-modules and calico-mesos.
    Mesos,
    /// Docker, with Calico's network driver.
    Docker,
}

impl Containerizer {
    /// The words of the inventory and what they mean.
    pub const WORDS: [(&'static str, Containerizer); 2] = [("mesos", Self::Mesos), ("docker", Self::Docker)];

    /// Its word in the inventory.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mesos => "mesos",
            Self::Docker => "docker",
        }
    }
}

impl fmt::Display for Containerizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an inventory's relative paths begin from.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The folder that the inventory lies in.
    pub folder: Utf8PathBuf,
    /// What `~` stands for, if the user has a home.
    pub home: Option<Utf8PathBuf>,
}

impl Surroundings {
    /// `path` as it is meant: `~/` from the home, relative paths from the inventory's folder.
    pub fn resolve(&self, path: &str) -> Utf8PathBuf {
        match (path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')), &self.home) {
            (Some(rest), Some(home)) => home.join(rest.trim_start_matches('/')),
            _ => self.folder.join(path),
        }
    }
}

impl Inventory {
    /// Reads an inventory; pure.
    ///
    /// # Errors
    /// All its mistakes.
    pub fn parse(source: &Source, around: &Surroundings) -> Result<Self, Mistakes> {
        let Parsed { inventory, mistakes } = Parsed::new(source, around);
        mistakes.or(inventory)
    }
}
