//! Inventory × roles: which host has which role, every variable's value, and what follows from all hosts
//! together (quorum, connection strings, server ids). Nothing of it is left to the operator.

mod check;
mod credentials;
mod derive;
mod resolve;
mod vars;

pub use check::check_release;
pub use credentials::{Certificate, Credentials};
pub use derive::{Etcd, Mesos, Server, ZooKeeper};
pub use resolve::Resolved;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use camino::Utf8PathBuf;
use serde_json::Value as Json;

use crate::diagnostic::{Mistakes, Place, Spanned};
use crate::inventory::{Containerizer, Inventory, Rollout, Selector, SelectorError, Ssh};
use crate::model::{HostName, HostPath, PackageName, RoleName, VarName};
use crate::roles::{Catalogue, PathRef};

/// The whole cluster, resolved: nothing about it is decided later.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// The release that its packages are of.
    pub release: String,
    /// The containerizers of its agents.
    pub containerizers: BTreeSet<Containerizer>,
    /// The package repository.
    pub repo: Utf8PathBuf,
    /// Packages that the hosts' own repositories provide.
    pub provided: BTreeSet<PackageName>,
    /// What a run may do at once.
    pub rollout: Rollout,
    /// Whether services speak TLS.
    pub tls: bool,
    /// The hosts in the order of the inventory.
    pub hosts: Vec<ClusterHost>,
    /// All roles.
    pub roles: Arc<Catalogue>,
    /// What follows from the hosts that run ZooKeeper.
    pub zookeeper: ZooKeeper,
    /// What follows from the hosts that run mesos-master.
    pub mesos: Mesos,
    /// What follows from the hosts that run etcd.
    pub etcd: Etcd,
}

/// One host, resolved.
#[derive(Debug, Clone)]
pub struct ClusterHost {
    /// Its name.
    pub name: HostName,
    /// Its address.
    pub address: IpAddr,
    /// All its roles, included ones too, each after those that it needs, with the place that asks for it.
    pub roles: Vec<Spanned<RoleName>>,
    /// Its Mesos attributes.
    pub attributes: BTreeMap<String, String>,
    /// The values of all variables on it: the role's default, or the inventory's `[vars]`, or its own.
    pub vars: BTreeMap<VarName, Json>,
    /// How it is reached.
    pub ssh: Ssh,
    /// Its number among the ZooKeeper servers, from 1, if it is one: its place in the inventory among them.
    pub zookeeper_id: Option<u32>,
    /// The `address:port` of the etcd that it uses, if the cluster has one (`name:port` with TLS, which Calico
    /// insists on): its own, or one of the others, spread evenly and not moved by hosts that come or go.
    pub etcd_authority: Option<String>,
    /// What it proves itself with, where the cluster has TLS; none before that was issued.
    pub credentials: Option<Credentials>,
    /// Where it is written.
    pub place: Place,
}

impl Cluster {
    /// The folders in which services of a host keep data: those that its roles name, each once. A folder that a variable
    /// sets to one of the system's own is left out.
    pub fn data_folders(&self, host: &ClusterHost) -> Vec<HostPath> {
        let roles = host.roles.iter().filter_map(|name| self.roles.get(name.as_str()));
        let folders = roles.flat_map(|role| &role.data).filter_map(|folder| match &folder.value {
            PathRef::Path(path) => Some(path.clone()),
            PathRef::Var(name) => host.vars.get(name)?.as_str()?.parse().ok(),
        });
        let mut folders: Vec<HostPath> =
            folders.filter(|path| path.as_str().split('/').count() > 2).collect();
        folders.retain(|path| !SYSTEM.contains(&path.as_str()));
        folders.sort();
        folders.dedup();
        folders
    }
}

/// Folders that are never a service's own.
const SYSTEM: [&str; 12] = [
    "/etc/default",
    "/etc/sysconfig",
    "/etc/systemd",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local",
    "/usr/sbin",
    "/usr/share",
    "/var/cache",
    "/var/lib",
    "/var/log",
];

impl ClusterHost {
    /// Whether it has the role.
    pub fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|has| has.as_str() == role)
    }
}

impl Cluster {
    /// Resolves an inventory.
    ///
    /// # Errors
    /// All mistakes that only show when inventory and roles are seen together.
    pub fn resolve(inventory: &Inventory, roles: Arc<Catalogue>) -> Result<Self, Mistakes> {
        let Resolved { cluster, mistakes } = Resolved::new(inventory, roles);
        mistakes.or(cluster)
    }

    /// The host with the name.
    pub fn host(&self, name: &str) -> Option<&ClusterHost> {
        self.hosts.iter().find(|host| host.name.as_str() == name)
    }

    /// The hosts with the role, in the order of the inventory.
    pub fn with_role(&self, role: &str) -> impl Iterator<Item = &ClusterHost> {
        self.hosts.iter().filter(move |host| host.has(role))
    }

    /// The hosts that a selector means; roles that come with others count.
    ///
    /// # Errors
    /// When a part of it means no host, or no host is left.
    pub fn select(&self, selector: &Selector) -> Result<BTreeSet<HostName>, SelectorError> {
        let roles: Vec<Vec<RoleName>> = self
            .hosts
            .iter()
            .map(|host| host.roles.iter().map(|role| role.value.clone()).collect())
            .collect();
        selector.select(self.hosts.iter().zip(&roles).map(|(host, roles)| (&host.name, roles.as_slice())))
    }
}
