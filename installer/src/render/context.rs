//! What the templates of roles see: one context for built-in roles and the user's own alike.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::Value as Json;

use super::Shape;
use crate::cluster::{Cluster, ClusterHost, Etcd, Mesos, ZooKeeper};
use crate::model::{HostName, VarName};
use crate::roles::{Catalogue, Role, VarKind};

/// The context of a role's template. Beside it there is `cluster`, a [`ClusterContext`], which is made once for
/// all of them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RoleContext<'a> {
    /// The host that the file is for.
    pub host: HostContext<'a>,
    /// What the host proves itself with.
    pub tls: TlsContext<'a>,
    /// The variables of the file's role and of the roles that it includes, needs or reads.
    pub vars: BTreeMap<&'a str, &'a Json>,
    /// The entry of the map that the file is written for, where its role says `each`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<Item<'a>>,
}

/// `tls`: what a host proves itself with. All is empty without TLS, and as long as nothing was issued.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct TlsContext<'a> {
    /// Whether services speak TLS.
    pub enabled: bool,
    /// The authority's certificate.
    pub ca: &'a str,
    /// The host's certificate, with what lies between it and the authority.
    pub certificate: &'a str,
    /// The host's key; only a file that is a secret may have it in it.
    pub key: &'a str,
}

/// `cluster`: what is the same for all hosts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ClusterContext<'a> {
    /// The cluster's name.
    pub name: &'a str,
    /// The release.
    pub release: &'a str,
    /// The containerizers, `mesos` or `docker` or both.
    pub containerizers: Vec<String>,
    /// All hosts, in the order of the inventory.
    pub hosts: Vec<HostContext<'a>>,
    /// The ZooKeeper servers.
    pub zookeeper: &'a ZooKeeper,
    /// The Mesos masters.
    pub mesos: &'a Mesos,
    /// The etcd members.
    pub etcd: &'a Etcd,
}

/// `host`, and every one of `cluster.hosts`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HostContext<'a> {
    /// Its name.
    #[schemars(with = "String")]
    pub name: &'a HostName,
    /// Its name up to the first dot.
    pub short_name: &'a str,
    /// Its IPv4 address.
    pub address: IpAddr,
    /// All its roles, included ones too.
    pub roles: Vec<&'a str>,
    /// Its Mesos attributes.
    pub attributes: &'a BTreeMap<String, String>,
    /// Its number among the ZooKeeper servers, 0 where it is none.
    pub zookeeper_id: u32,
    /// The `address:port` of the etcd that it uses, with TLS `name:port`; empty where the cluster has none.
    pub etcd_authority: &'a str,
}

/// `item`: an entry of a map.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Item<'a> {
    /// The entry's key.
    pub key: &'a str,
    /// The entry's value.
    pub value: &'a str,
}

impl<'a> ClusterContext<'a> {
    /// The context of a cluster.
    pub fn new(cluster: &'a Cluster) -> Self {
        Self {
            name: &cluster.name,
            release: &cluster.release,
            containerizers: cluster.containerizers.iter().map(ToString::to_string).collect(),
            hosts: cluster.hosts.iter().map(HostContext::new).collect(),
            zookeeper: &cluster.zookeeper,
            mesos: &cluster.mesos,
            etcd: &cluster.etcd,
        }
    }
}

impl<'a> TlsContext<'a> {
    /// The context of a host.
    pub fn new(host: &'a ClusterHost, enabled: bool) -> Self {
        let Some(credentials) = &host.credentials else {
            return Self { enabled, ca: "", certificate: "", key: "" };
        };
        Self {
            enabled,
            ca: &credentials.ca.pem,
            certificate: &credentials.certificate.pem,
            key: credentials.key.expose_secret(),
        }
    }
}

impl<'a> HostContext<'a> {
    /// The context of a host.
    pub fn new(host: &'a ClusterHost) -> Self {
        Self {
            name: &host.name,
            short_name: host.name.as_str().split('.').next().unwrap_or_default(),
            address: host.address,
            roles: host.roles.iter().map(|role| role.as_str()).collect(),
            attributes: &host.attributes,
            zookeeper_id: host.zookeeper_id.unwrap_or(0),
            etcd_authority: host.etcd_authority.as_deref().unwrap_or_default(),
        }
    }
}

/// The values of the variables that the templates of `role` may use.
pub(super) fn visible_vars<'a>(
    role: &'a Role,
    roles: &'a Catalogue,
    host: &'a ClusterHost,
) -> BTreeMap<&'a str, &'a Json> {
    let names = roles.visible(role).flat_map(|role| role.vars.keys());
    names.filter_map(|name| Some((name.as_str(), host.vars.get(name)?))).collect()
}

/// What the templates of `role` may name.
pub(super) fn shape(role: &Role, roles: &Catalogue, has_item: bool) -> Shape {
    let vars = roles.visible(role).flat_map(|role| &role.vars).map(|(name, variable)| {
        let shape = match variable.kind {
            VarKind::List => Shape::List(Box::new(Shape::Scalar)),
            VarKind::Map => Shape::Map(Box::new(Shape::Scalar)),
            _ => Shape::Scalar,
        };
        (VarName::to_string(name), shape)
    });
    let shape = Shape::of::<RoleContext<'_>>()
        .with("cluster", Some(Shape::of::<ClusterContext<'_>>()))
        .with("vars", Some(Shape::Record(vars.collect())));
    if has_item { shape } else { shape.with("item", None) }
}
