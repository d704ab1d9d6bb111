//! The role files: what a role is made of. Data only; adding a role takes a file, not Rust.
//!
//! `docs/writing-a-role.md` describes the files for those who write them.

mod catalogue;
mod read;
mod system;
mod variable;

pub use catalogue::Catalogue;
pub(crate) use catalogue::unknown_role;
pub use system::{RoleLabel, RoleModule, RoleProtocol, RoleSysctl, RoleSystem, SysctlValue};
pub use variable::{Scope, VarKind, Variable};

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::desired::Probe;
use crate::diagnostic::{Place, Spanned};
use crate::inventory::Containerizer;
use crate::model::{
    HostPath, HostPathError, Mode, PackageName, PortRange, RoleName, SettingName, UnitName, VarName,
};

/// One role, as its file says it.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name: the stem of its file.
    pub name: RoleName,
    /// Where its file begins.
    pub place: Place,
    /// What it is, in a sentence.
    pub description: String,
    /// Roles that come with it, in the order in which they are installed.
    pub includes: Vec<Include>,
    /// Roles that it cannot do without.
    pub needs: Vec<Need>,
    /// Packages that it installs.
    pub packages: Vec<Spanned<PackageName>>,
    /// Packages that it installs where the repository has them.
    pub optional_packages: Vec<Spanned<PackageName>>,
    /// Files that it writes.
    pub files: Vec<RoleFile>,
    /// Units that it runs, in the order in which they are started.
    pub units: Vec<RoleUnit>,
    /// Ports that its services listen on.
    pub ports: Vec<RolePort>,
    /// What it wants of the host's own system.
    pub system: RoleSystem,
    /// Variables that it declares.
    pub vars: BTreeMap<VarName, Variable>,
    /// The folders that its services keep data in, which only `reset --purge-data` deletes.
    pub data: Vec<Spanned<PathRef>>,
}

impl Role {
    /// The packages that it installs, optional ones too.
    pub fn all_packages(&self) -> impl Iterator<Item = &Spanned<PackageName>> {
        self.packages.iter().chain(&self.optional_packages)
    }
}

/// A role that comes with another.
#[derive(Debug, Clone)]
pub struct Include {
    /// The role.
    pub role: Spanned<RoleName>,
    /// The containerizer that it comes for; always where there is none.
    pub containerizer: Option<Containerizer>,
}

/// A role that another cannot do without.
#[derive(Debug, Clone)]
pub struct Need {
    /// The role.
    pub role: Spanned<RoleName>,
    /// Where it must be.
    pub on: Where,
    /// The containerizer that it is needed for; always where there is none.
    pub containerizer: Option<Containerizer>,
}

/// Where a needed role must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// On the same host.
    Host,
    /// On some host of the cluster; it must be healthy on all of them before a unit that needs it starts.
    Cluster,
}

/// A file that a role writes.
#[derive(Debug, Clone)]
pub struct RoleFile {
    /// The template, relative to `templates/`.
    pub template: Spanned<String>,
    /// The path on the host.
    pub path: Spanned<PathPattern>,
    /// What it is written once for each of; once altogether where there is none.
    pub each: Option<Spanned<Each>>,
    /// The owner's name.
    pub owner: String,
    /// The group's name.
    pub group: String,
    /// The permissions.
    pub mode: Mode,
    /// Whether the content must not be shown.
    pub secret: bool,
    /// Whether it is only a block in a file that others write as well.
    pub block: bool,
    /// A unit of the host's own that must run for the file to be wanted, and is reloaded after a change.
    pub only_with: Option<UnitName>,
    /// The containerizer that it is written for; always where there is none.
    pub containerizer: Option<Containerizer>,
}

/// A map for each entry of which a file is written; the template sees the entry as `item.key` and `item.value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Each {
    /// `host.attributes`: the host's Mesos attributes.
    HostAttributes,
    /// `vars.NAME`: a variable of the type map.
    Var(VarName),
}

/// A path on a host; where a file is written for each entry of a map, with `{{ item.key }}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern(HostPath);

impl PathPattern {
    /// What stands for the entry's key.
    pub const KEY: &'static str = "{{ item.key }}";

    /// The path for an entry.
    ///
    /// # Errors
    /// When the key makes it a path that cannot be.
    pub fn with_key(&self, key: &str) -> Result<HostPath, HostPathError> {
        self.0.as_str().replace(Self::KEY, key).parse()
    }

    /// Whether there is a place for an entry's key.
    pub fn has_key(&self) -> bool {
        self.0.as_str().contains(Self::KEY)
    }

    /// The path as it is written.
    pub fn as_path(&self) -> &HostPath {
        &self.0
    }
}

/// A unit that a role runs.
#[derive(Debug, Clone)]
pub struct RoleUnit {
    /// Its name.
    pub name: Spanned<UnitName>,
    /// Whether only one host at a time may restart it.
    pub quorum: bool,
    /// Other roles whose files it reads, where they are on the same host.
    pub reads_roles: Vec<Spanned<RoleName>>,
    /// The packages a change of which restarts it, the first being that whose version is shown; those of its
    /// role and of the roles that it reads where there is no list.
    pub packages: Option<Vec<Spanned<PackageName>>>,
    /// What must be set in a service before it starts.
    pub settings: Vec<RoleSetting>,
    /// What shows that it is healthy, besides being active.
    pub health: Vec<RoleHealth>,
    /// How long it may take from its start to being healthy.
    pub patience: Duration,
    /// What it takes for its own, where it keeps that from one start to the next.
    pub identity: Option<RoleIdentity>,
    /// The containerizer that it runs for; always where there is none.
    pub containerizer: Option<Containerizer>,
}

/// What a unit's service takes for its own and keeps: started with anything else, it refuses to go on.
#[derive(Debug, Clone)]
pub struct RoleIdentity {
    /// The files that say it, and folders of them (with a `/` at their ends).
    pub files: Vec<String>,
    /// The variable of the type path with the folder below which the service keeps it.
    pub below: Spanned<VarName>,
    /// The path below that folder that must go for the service to begin anew.
    pub forgets: String,
}

/// Something that is kept in a service and not in a file.
#[derive(Debug, Clone)]
pub struct RoleSetting {
    /// Its name.
    pub name: Spanned<SettingName>,
    /// The template of what reading it prints when it is as it should be; where it renders to nothing but white
    /// space, the setting is left alone.
    pub wanted: Spanned<String>,
    /// The template of a shell script that prints what it is now.
    pub read: Spanned<String>,
    /// The template of a shell script that sets it.
    pub write: Spanned<String>,
    /// Whether each host has its own, or one host sets it for all.
    pub scope: Scope,
}

impl RoleSetting {
    /// Its templates.
    pub fn templates(&self) -> [&Spanned<String>; 3] {
        [&self.wanted, &self.read, &self.write]
    }
}

/// A health check of a unit.
#[derive(Debug, Clone)]
pub struct RoleHealth {
    /// The port that is asked.
    pub port: Spanned<PortRef>,
    /// What is asked.
    pub probe: Probe,
    /// The folder on the host of the files by which it is asked over TLS, where the role writes them.
    pub tls: Option<HostPath>,
}

/// A port that a role's services listen on.
#[derive(Debug, Clone)]
pub struct RolePort {
    /// The port.
    pub port: Spanned<PortRef>,
    /// Its protocol.
    pub protocol: Protocol,
    /// What it is for, in a few words.
    pub description: String,
}

/// A port's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// A port by number, a range of ports, or a variable of the type port or port-range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortRef {
    /// The number.
    Number(u16),
    /// The range; a health check asks no range.
    Range(PortRange),
    /// The variable.
    Var(VarName),
}

/// A folder by its path, or by a variable of the type path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathRef {
    /// The path.
    Path(HostPath),
    /// The variable.
    Var(VarName),
}

/// Whether something that is for `wanted` is wanted in a cluster with `containerizers`.
pub fn applies(
    wanted: Option<Containerizer>,
    containerizers: &std::collections::BTreeSet<Containerizer>,
) -> bool {
    wanted.is_none_or(|containerizer| containerizers.contains(&containerizer))
}
