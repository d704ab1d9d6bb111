//! The steps of a plan: a closed set of actions, each with the reason for it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::desired::SystemSetting;
use crate::model::{Digest, HostName, HostPath, Mode, Nevra, PackageName, RoleName, SettingName, UnitName};

/// What one host needs, in order. No steps: the host is as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostPlan {
    /// The host.
    pub host: HostName,
    /// The steps: what is stopped, then packages, then files, then units in the order in which they start.
    pub steps: Vec<Step>,
    /// Units that are not healthy now: what a quorum can spare depends on them.
    #[serde(skip)]
    pub unhealthy: Vec<UnitName>,
}

impl HostPlan {
    /// The running units that the plan restarts or reloads.
    pub fn restarts(&self) -> impl Iterator<Item = &UnitName> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Restart { unit } | Action::Reload { unit } => Some(unit),
            _ => None,
        })
    }

    /// How many steps change the host; waiting for health does not.
    pub fn changes(&self) -> usize {
        self.steps.iter().filter(|step| step.action.changes_host()).count()
    }
}

/// One action and why it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
    /// Why, as a clause for people: `not installed`, `the file was changed by hand`.
    pub reason: String,
}

/// Everything that the tool ever does to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Sends an RPM to the host's upload folder.
    Upload {
        /// The package.
        package: Nevra,
        /// What the RPM digests to, before and after the journey.
        digest: Digest,
        /// The RPM's length in bytes.
        size: u64,
    },
    /// Changes packages, all in one transaction.
    Packages {
        /// The changes, by package name.
        changes: Vec<PackageChange>,
    },
    /// Puts a file in place, atomically.
    WriteFile {
        /// The file.
        path: HostPath,
        /// The digest of the content, which stays with the inventory and is not part of the plan.
        digest: Digest,
        /// Its owner.
        owner: String,
        /// Its group.
        group: String,
        /// Its permissions.
        mode: Mode,
        /// What becomes of what is there now.
        change: FileChange,
        /// Whether what is there now is kept as a backup.
        backup: bool,
        /// What changes, as a unified diff; none for a secret or for bytes that are not text.
        diff: Option<String>,
    },
    /// Takes away a file that an earlier run wrote and the inventory no longer wants.
    RemoveFile {
        /// The file.
        path: HostPath,
        /// Whether it is kept as a backup.
        backup: bool,
    },
    /// Deletes a folder in which a service kept its data.
    PurgeData {
        /// The folder.
        folder: HostPath,
    },
    /// Takes away what the tool kept for itself: its receipt, what earlier runs left for going back, uploads.
    Forget,
    /// Puts the tool's block into a file that others write as well, or changes it there.
    WriteBlock {
        /// The file.
        path: HostPath,
        /// The digest of the block, which stays with the inventory and is not part of the plan.
        digest: Digest,
        /// What changes in the block, as a unified diff.
        diff: Option<String>,
    },
    /// Takes the tool's block out of a file.
    RemoveBlock {
        /// The file.
        path: HostPath,
    },
    /// Sets something of the host's own system, now and for later.
    SetSystem {
        /// The setting.
        setting: SystemSetting,
    },
    /// Takes a setting back that an earlier run made and the inventory no longer wants.
    UnsetSystem {
        /// The setting.
        setting: SystemSetting,
    },
    /// Has a unit of the host's own read its files again.
    Reload {
        /// The unit.
        unit: UnitName,
    },
    /// Has systemd read its unit files again.
    ReloadSystemd,
    /// Sets something in a service that the unit finds there.
    Set {
        /// The unit.
        unit: UnitName,
        /// The setting.
        setting: SettingName,
        /// What an earlier run set, where that was something else.
        before: Option<String>,
        /// What it becomes.
        to: String,
    },
    /// Has a unit started at boot.
    Enable {
        /// The unit.
        unit: UnitName,
    },
    /// Starts a unit that is not running.
    Start {
        /// The unit.
        unit: UnitName,
    },
    /// Restarts a running unit, because something that it reads has changed.
    Restart {
        /// The unit.
        unit: UnitName,
    },
    /// Stops and disables a unit that an earlier run started and the inventory no longer wants.
    Stop {
        /// The unit.
        unit: UnitName,
    },
    /// Waits until a unit is healthy.
    AwaitHealthy {
        /// The unit.
        unit: UnitName,
    },
}

impl Action {
    /// Whether the action changes the host, as opposed to looking at it.
    pub fn changes_host(&self) -> bool {
        !matches!(self, Self::AwaitHealthy { .. })
    }

    /// The unit that the action brings up. Stopping one is not part of bringing units up, and comes before.
    pub fn starts(&self) -> Option<&UnitName> {
        match self {
            Self::Set { unit, .. }
            | Self::Enable { unit }
            | Self::Start { unit }
            | Self::Restart { unit }
            | Self::AwaitHealthy { unit } => Some(unit),
            _ => None,
        }
    }
}

/// The action as an order: `restart mesos-slave.service`.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload { package, .. } => write!(f, "upload {package}"),
            Self::Packages { changes } => {
                for (i, change) in changes.iter().enumerate() {
                    let separator = if i == 0 { "" } else { ", " };
                    write!(f, "{separator}{change}")?;
                }
                Ok(())
            }
            Self::WriteFile { path, change: FileChange::Create, .. } => write!(f, "create {path}"),
            Self::WriteFile { path, change: FileChange::Replace, .. } => write!(f, "replace {path}"),
            Self::WriteFile { path, change: FileChange::Attributes, owner, group, mode, .. } => {
                write!(f, "set {path} to {owner}:{group} {mode}")
            }
            Self::RemoveFile { path, .. } => write!(f, "remove {path}"),
            Self::PurgeData { folder } => write!(f, "delete {folder} with all that is in it"),
            Self::Forget => write!(f, "forget the receipt, the runs and the uploads"),
            Self::WriteBlock { path, .. } => write!(f, "write the tool's block in {path}"),
            Self::RemoveBlock { path } => write!(f, "remove the tool's block from {path}"),
            Self::SetSystem { setting } => write!(f, "set {setting}"),
            Self::UnsetSystem { setting } => write!(f, "take back {setting}"),
            Self::Reload { unit } => write!(f, "reload {unit}"),
            Self::ReloadSystemd => write!(f, "reload systemd"),
            Self::Set { setting, to, .. } => write!(f, "set {setting} to `{to}`"),
            Self::Enable { unit } => write!(f, "enable {unit}"),
            Self::Start { unit } => write!(f, "start {unit}"),
            Self::Restart { unit } => write!(f, "restart {unit}"),
            Self::Stop { unit } => write!(f, "stop and disable {unit}"),
            Self::AwaitHealthy { unit } => write!(f, "wait for {unit} to be healthy"),
        }
    }
}

/// What becomes of what is at a path now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileChange {
    /// There is nothing yet.
    Create,
    /// The content is another.
    Replace,
    /// Only owner, group or mode differ.
    Attributes,
}

/// One package's part in a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum PackageChange {
    /// Installs a package of the repository that is not there.
    Install {
        /// What is installed.
        to: Nevra,
        /// The uploaded RPM.
        digest: Digest,
    },
    /// Installs a package, in whatever version, from the host's own repositories.
    InstallProvided {
        /// The package.
        name: PackageName,
    },
    /// Replaces a version by a later one.
    Upgrade {
        /// What is there now.
        from: Nevra,
        /// What is installed.
        to: Nevra,
        /// The uploaded RPM.
        digest: Digest,
    },
    /// Replaces a version by an earlier one.
    Downgrade {
        /// What is there now.
        from: Nevra,
        /// What is installed.
        to: Nevra,
        /// The uploaded RPM.
        digest: Digest,
    },
    /// Replaces a package by another build of the same version.
    Reinstall {
        /// What is there now and is there afterwards, from another build.
        to: Nevra,
        /// The uploaded RPM.
        digest: Digest,
    },
    /// Takes a package away that an earlier run installed.
    Remove {
        /// What is there now.
        from: Nevra,
    },
}

impl PackageChange {
    /// The package's name.
    pub fn name(&self) -> &PackageName {
        match self {
            Self::InstallProvided { name } => name,
            Self::Remove { from } => &from.name,
            Self::Install { to, .. }
            | Self::Upgrade { to, .. }
            | Self::Downgrade { to, .. }
            | Self::Reinstall { to, .. } => &to.name,
        }
    }
}

impl PackageChange {
    /// What is there afterwards, where the plan knows it.
    pub fn to(&self) -> Option<&Nevra> {
        match self {
            Self::InstallProvided { .. } | Self::Remove { .. } => None,
            Self::Install { to, .. }
            | Self::Upgrade { to, .. }
            | Self::Downgrade { to, .. }
            | Self::Reinstall { to, .. } => Some(to),
        }
    }

    /// The RPM that it is done with.
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::InstallProvided { .. } | Self::Remove { .. } => None,
            Self::Install { digest, .. }
            | Self::Upgrade { digest, .. }
            | Self::Downgrade { digest, .. }
            | Self::Reinstall { digest, .. } => Some(digest),
        }
    }
}

impl fmt::Display for PackageChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Install { to, .. } => write!(f, "install {to}"),
            Self::InstallProvided { name } => write!(f, "install {name} from the host's repositories"),
            Self::Upgrade { from, to, .. } => write!(f, "upgrade {} {} → {}", to.name, from.evr(), to.evr()),
            Self::Downgrade { from, to, .. } => {
                write!(f, "downgrade {} {} → {}", to.name, from.evr(), to.evr())
            }
            Self::Reinstall { to, .. } => write!(f, "reinstall {to}"),
            Self::Remove { from } => write!(f, "remove {from}"),
        }
    }
}

/// Why a host cannot be planned. Nothing was changed there; the remedy is part of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Process 1 is something else.
    #[error(
        "the host is not run by systemd (process 1 is `{init}`)\n\
         Take a host whose init system is systemd, or take this one out of the inventory."
    )]
    NotSystemd {
        /// The name of process 1.
        init: String,
    },
    /// rpm cannot read its database.
    #[error(
        "rpm cannot read the host's package database: {fault}\n\
         Run `rpm --rebuilddb` on the host and run again."
    )]
    BrokenDatabase {
        /// What rpm said.
        fault: String,
    },
    /// The receipt is another host's or another cluster's.
    #[error(
        "it was installed as host `{host}` of cluster `{cluster}`\n\
         Check its address in the inventory. If it is to change its name or its cluster, add `--adopt`."
    )]
    NotOurs {
        /// The cluster in the receipt.
        cluster: String,
        /// The host in the receipt.
        host: HostName,
    },
    /// Neither dnf nor yum, or no rpm.
    #[error(
        "the host ({os}) has no usable package manager: neither dnf nor yum with rpm was found\n\
         Install dnf and rpm there, or take the host out of the inventory."
    )]
    NoPackageManager {
        /// The distribution as it names itself.
        os: String,
    },
    /// The repository lacks a package.
    #[error(
        "package `{package}`, which role `{role}` needs, is not in {repository}\n\
         Build the release that the inventory names (`calico-mesos-install build --release …`) and point `[packages] repo` \
         at the outcome, or name the package in `[packages] provided` if the hosts' own repositories have it."
    )]
    NoPackage {
        /// The package.
        package: PackageName,
        /// A role that asks for it.
        role: RoleName,
        /// The repository, for people.
        repository: String,
    },
    /// Something that is not a file is where a file must go.
    #[error("{path} is a {kind}, and a file must be put there\nMove it away and run again.")]
    NotAFile {
        /// The path.
        path: HostPath,
        /// What is there.
        kind: String,
    },
    /// A unit was masked by someone.
    #[error(
        "{unit} is masked, so it cannot be started\nRun `systemctl unmask {unit}` on the host and run again."
    )]
    Masked {
        /// The unit.
        unit: UnitName,
    },
}
