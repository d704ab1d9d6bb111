//! What a host is like now: one script asks for everything in one round trip, one parser reads its answer.
//!
//! This module knows nothing of what the host should be like, and nothing of how the script gets there.

mod answer;
mod around;
mod health;
mod inquiry;
mod parse;
mod query;
mod settings;
mod survey;
mod system;

pub use answer::{Answer, Health, judge};
pub use around::{Around, Listener, ModuleState, Network, Process};
pub use health::problems;
pub use inquiry::{HttpRequest, Inquiry};
pub use parse::{ParseFactsError, parse};
pub use query::FactsQuery;
pub use settings::SettingFacts;
pub use survey::{Offered, Reached, Survey, SurveyQuery};
pub use system::{Effect, Firewall, SeLinux, Sysctl, System};

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{Digest, HostPath, Mode, Nevra, OsRelease, PackageName, SettingName, UnitName};
use crate::receipt::Receipt;

/// The folder on a host to which packages are uploaded, by digest; owned by root.
pub const CACHE_DIR: &str = "/var/cache/calico-mesos-install";
/// The folder on a host that holds the receipt, the lock and the backups; owned by root.
pub const STATE_DIR: &str = "/var/lib/calico-mesos-install";

/// Tells the zone of firewalld that an address is in; for scripts that ask or change it.
pub const ZONE_SCRIPT: &str = include_str!("zone.sh");

/// The state of one host at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The kernel's host name, which is what Calico and Mesos use.
    pub hostname: String,
    /// `/etc/machine-id`.
    pub machine_id: String,
    /// The kernel's release, as `uname -r` prints it.
    pub kernel: String,
    /// The machine's architecture, as `uname -m` prints it.
    pub arch: String,
    /// The name of process 1: `systemd` on a usable host.
    pub init: String,
    /// `ID` of `/etc/os-release`.
    pub os_id: String,
    /// `ID_LIKE` of `/etc/os-release`: the `ID`s of what the distribution is made from.
    #[serde(default)]
    pub os_like: String,
    /// `VERSION_ID` of `/etc/os-release`.
    pub os_version: String,
    /// `PRETTY_NAME` of `/etc/os-release`.
    pub os_name: String,
    /// The package manager, where there is one.
    pub manager: Option<PackageManager>,
    /// Whether `rpm` is there.
    pub rpm: bool,
    /// What rpm says where its database cannot be read.
    pub fault: Option<String>,
    /// Units that a run marked to be restarted and did not restart.
    pub pending: BTreeSet<UnitName>,
    /// The host's clock when the script began, to the second.
    pub clock: Timestamp,
    /// The host's clock when the script ended.
    pub clock_end: Timestamp,
    /// How far the host's clock is ahead of the installer's, the way there and back taken out; none where that was not
    /// measured.
    pub offset: Option<SignedDuration>,
    /// Memory in bytes.
    pub memory: u64,
    /// Free bytes by mount point, for the file systems that the installer writes to.
    pub free: BTreeMap<String, u64>,
    /// Those of the packages asked for that are installed.
    pub packages: BTreeMap<PackageName, InstalledPackage>,
    /// Those of the files asked for, and of those in the receipt, that are there.
    pub files: BTreeMap<HostPath, FileFacts>,
    /// Those of the units asked for, and of those in the receipt, that systemd knows.
    pub units: BTreeMap<UnitName, UnitFacts>,
    /// The settings asked for, as they are now.
    pub settings: BTreeMap<SettingName, SettingFacts>,
    /// What is in the upload folder: bytes by file name.
    pub cache: BTreeMap<String, u64>,
    /// What is in the tool's blocks of those of the files asked for that have one, and of those in the receipt.
    pub blocks: BTreeMap<HostPath, Vec<u8>>,
    /// What the host's own system is like.
    pub system: System,
    /// What an earlier run left, if it can be read.
    pub receipt: Option<Receipt>,
    /// What else there is on the host.
    pub around: Around,
    /// The answers to the health checks, in the order of [`FactsQuery::probes`].
    pub answers: Vec<Answer>,
}

impl Facts {
    /// What the host says of its distribution.
    pub fn os(&self) -> OsRelease<'_> {
        OsRelease { id: &self.os_id, id_like: &self.os_like, version_id: &self.os_version }
    }

    /// What a host would say on which nothing was installed yet, with systemd, rpm and dnf.
    pub fn of_bare_host() -> Self {
        Self {
            hostname: String::new(),
            machine_id: String::new(),
            kernel: String::new(),
            arch: String::new(),
            init: "systemd".to_owned(),
            os_id: String::new(),
            os_like: String::new(),
            os_version: String::new(),
            os_name: String::new(),
            manager: Some(PackageManager::Dnf),
            rpm: true,
            fault: None,
            pending: BTreeSet::new(),
            clock: Timestamp::UNIX_EPOCH,
            clock_end: Timestamp::UNIX_EPOCH,
            offset: None,
            memory: 0,
            free: BTreeMap::new(),
            packages: BTreeMap::new(),
            files: BTreeMap::new(),
            units: BTreeMap::new(),
            settings: BTreeMap::new(),
            cache: BTreeMap::new(),
            blocks: BTreeMap::new(),
            system: System::default(),
            receipt: None,
            around: Around::default(),
            answers: Vec::new(),
        }
    }

    /// Works out [`Facts::offset`] from when the question was sent and the answer came, by the installer's clock: the
    /// difference at the start and the one at the end are wrong by the way there and the way back, in opposite
    /// directions.
    pub fn measure_clock(&mut self, asked: Timestamp, answered: Timestamp) {
        let (start, end) = (self.clock.duration_since(asked), self.clock_end.duration_since(answered));
        self.offset = Some((start + end) / 2);
    }

    /// Free bytes on the file system that holds `path`.
    pub fn free_at(&self, path: &str) -> Option<u64> {
        self.file_system_of(path).map(|(_, free)| free)
    }

    /// The file system that holds `path`, by its mount point, with its free bytes.
    pub fn file_system_of(&self, path: &str) -> Option<(&str, u64)> {
        self.free
            .iter()
            .filter(|(mount, _)| camino::Utf8Path::new(path).starts_with(mount.as_str()))
            .max_by_key(|(mount, _)| mount.len())
            .map(|(mount, free)| (mount.as_str(), *free))
    }
}

/// The program that installs packages together with what they require.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageManager {
    /// dnf.
    Dnf,
    /// yum, on distributions from before dnf.
    Yum,
}

impl PackageManager {
    /// The program's name.
    pub fn program(self) -> &'static str {
        match self {
            Self::Dnf => "dnf",
            Self::Yum => "yum",
        }
    }
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledPackage {
    /// Its identity.
    pub nevra: Nevra,
    /// rpm's `SHA1HEADER`: the same for the same build only.
    pub header_sha1: String,
}

/// A file on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its digest; none where it is not a regular file.
    pub digest: Option<Digest>,
    /// Its owner's name.
    pub owner: String,
    /// Its group's name.
    pub group: String,
    /// Its permissions.
    pub mode: Mode,
    /// What stat calls it: `regular file`, `directory`, …
    pub kind: String,
    /// Its bytes, where they differ from what the query expected and are no more than 256 KiB.
    pub content: Option<Vec<u8>>,
}

/// A unit as systemd sees it; the words are systemd's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitFacts {
    /// `loaded`, `not-found`, `masked`, …
    pub load: String,
    /// `active`, `inactive`, `failed`, `activating`, …
    pub active: String,
    /// `running`, `dead`, `auto-restart`, …
    pub sub: String,
    /// `enabled`, `disabled`, `static`, …; empty where there is no unit file.
    pub enabled: String,
    /// Whether the unit's file is newer than what systemd has read.
    pub needs_reload: bool,
}
