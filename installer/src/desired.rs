//! What a host must be like: the outcome of rendering, and what a plan is made against.
//!
//! Pure data. It knows nothing of how a host is reached or what it looks like now.

mod system;

pub use system::{SystemSetting, SystemSettingError};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Digest, HostName, HostPath, Mode, PackageName, RoleName, SettingName, UnitName};

/// Everything that one host must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredHost {
    /// The host.
    pub host: HostName,
    /// Its roles, each after those that it needs.
    pub roles: Vec<RoleName>,
    /// Packages by name; which version is the repository's affair.
    pub packages: Vec<DesiredPackage>,
    /// Files by path.
    pub files: BTreeMap<HostPath, ManagedFile>,
    /// Units in the order in which they are started.
    pub units: Vec<ManagedUnit>,
    /// Its address: what its services listen on.
    pub address: std::net::IpAddr,
    /// Blocks in files that others write as well, by the paths of those files.
    pub blocks: BTreeMap<HostPath, ManagedBlock>,
    /// What its own system must be like, in the order in which it is set.
    pub system: Vec<SystemSetting>,
}

impl DesiredHost {
    /// The check, asked over TLS where the service on that port is.
    pub fn secured(&self, mut check: HealthCheck) -> HealthCheck {
        let on_port =
            self.units.iter().flat_map(|unit| &unit.health).filter(|other| other.port == check.port);
        let folder = on_port.into_iter().find_map(|other| match &other.probe {
            Probe::Https { folder, .. } => Some(folder),
            _ => None,
        });
        if let (Probe::Http { path, contains }, Some(folder)) = (&check.probe, folder) {
            let (path, contains, folder) = (path.clone(), contains.clone(), folder.clone());
            check.probe = Probe::Https { path, contains, folder };
        }
        check
    }
}

/// A package that must be installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DesiredPackage {
    /// Its name.
    pub name: PackageName,
    /// The roles that ask for it.
    pub roles: Vec<RoleName>,
    /// Whether the host's own repositories provide it (`[packages] provided`), in whatever version.
    pub provided: bool,
    /// Whether the host can do without it where the repository has none.
    pub optional: bool,
}

/// A file that the tool writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedFile {
    /// Its bytes.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub content: Arc<str>,
    /// The owner's name.
    pub owner: String,
    /// The group's name.
    pub group: String,
    /// Its permissions.
    pub mode: Mode,
    /// The roles that ask for it.
    pub roles: Vec<RoleName>,
    /// Whether its content is a secret that no plan, diff or log may show.
    pub secret: bool,
    /// What people should know of a content that says nothing to them, such as a certificate's fingerprint and end;
    /// it is shown in the place of a diff.
    pub note: Option<String>,
    /// A unit of the host's own: only where it runs is the file wanted, and after a change it is reloaded.
    pub only_with: Option<UnitName>,
}

impl ManagedFile {
    /// The content's digest.
    pub fn digest(&self) -> Digest {
        Digest::of(self.content.as_bytes())
    }
}

/// A block in a file that others write as well, between two lines that say whose it is. What is around it stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedBlock {
    /// Its lines.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub content: Arc<str>,
    /// The roles that ask for it.
    pub roles: Vec<RoleName>,
}

/// The file by which kernel modules are loaded at boot; a container has no use for it.
pub const MODULES_FILE: &str = "/etc/modules-load.d/calico-mesos-install.conf";
/// The file by which kernel parameters are set at boot.
pub const SYSCTL_FILE: &str = "/etc/sysctl.d/90-calico-mesos-install.conf";

fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn from_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    String::deserialize(deserializer).map(Arc::from)
}

/// A unit that must be enabled, running and healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedUnit {
    /// Its name.
    pub name: UnitName,
    /// The role that it belongs to.
    pub role: RoleName,
    /// The package whose version is shown as the service's, and a change of which restarts it.
    pub packages: Vec<PackageName>,
    /// The managed files that it reads: a change of one of them restarts it.
    pub reads: Vec<HostPath>,
    /// Roles that must be healthy wherever they are placed in the cluster before this unit starts.
    pub needs: Vec<RoleName>,
    /// Whether only one host at a time may restart it, because it forms a quorum with its peers.
    pub quorum: bool,
    /// What must be set in a service before it starts; with a setting of the whole cluster on one host only.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// What shows that it is healthy, besides being active.
    pub health: Vec<HealthCheck>,
    /// How long it may take from its start to being healthy.
    pub patience: Duration,
    /// What its service takes for its own and keeps, where it does.
    #[serde(default)]
    pub identity: Option<Identity>,
}

/// What a service takes for its own and keeps from one start to the next: started with anything else, it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The files that say it, and folders of them, which have a `/` at their ends.
    pub files: Vec<String>,
    /// What must go for the service to begin anew, as another one.
    pub kept_in: HostPath,
}

/// Something that is kept in a service and not in a file of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name.
    pub name: SettingName,
    /// What reading it prints when it is as it should be, without white space around it.
    pub wanted: String,
    /// A shell script that prints what it is now, and fails where that cannot be told.
    pub read: String,
    /// A shell script that sets it. Its first argument is what an earlier run set, or nothing.
    pub write: String,
}

/// One question whose answer tells whether a unit is healthy; asked from the host itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// The address that is asked.
    pub address: std::net::IpAddr,
    /// The TCP port that is asked.
    pub port: u16,
    /// What is asked.
    pub probe: Probe,
}

/// What a health check asks, and what a healthy unit answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Probe {
    /// The port accepts a connection.
    Tcp,
    /// `GET path` answers with status 200 and, where `contains` is given, a body that contains it.
    Http {
        /// The path, beginning with `/`.
        path: String,
        /// Text that the body must contain.
        contains: Option<String>,
    },
    /// The same over TLS, with the host's own certificate.
    Https {
        /// The path, beginning with `/`.
        path: String,
        /// Text that the body must contain.
        contains: Option<String>,
        /// The folder on the host of `ca.pem`, `cert.pem` and `key.pem`.
        folder: HostPath,
    },
    /// A line sent as it is, and text that the answer must contain (ZooKeeper's four-letter words).
    Line {
        /// The text that is sent.
        send: String,
        /// Text that the answer must contain.
        contains: String,
    },
}
