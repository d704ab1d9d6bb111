//! Which host has which role, in which order.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Cluster, ClusterHost, check, derive, vars};
use crate::diagnostic::{Mistakes, Spanned};
use crate::inventory::{Host, Inventory};
use crate::model::RoleName;
use crate::roles::{Catalogue, applies};

/// A cluster as far as it could be resolved, and all mistakes. With mistakes it is good for nothing but
/// finding more of them.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What could be resolved.
    pub cluster: Cluster,
    /// The mistakes.
    pub mistakes: Mistakes,
}

impl Resolved {
    /// Resolves an inventory.
    pub fn new(inventory: &Inventory, roles: Arc<Catalogue>) -> Self {
        let mut mistakes = check::names(inventory, &roles);
        let values = vars::Values::new(inventory, &roles, &mut mistakes);
        let hosts: Vec<ClusterHost> = inventory
            .hosts
            .iter()
            .map(|host| ClusterHost {
                name: host.name.clone(),
                address: host.address,
                roles: expand(host, inventory, &roles),
                attributes: host.attributes.clone(),
                vars: values.of(host, &roles, &mut mistakes),
                ssh: host.ssh.clone(),
                zookeeper_id: None,
                etcd_authority: None,
                credentials: None,
                place: host.place.clone(),
            })
            .collect();
        let mut cluster = Cluster {
            name: inventory.name.clone(),
            release: inventory.release.value.clone(),
            containerizers: inventory.containerizers.clone(),
            repo: inventory.packages.repo.clone(),
            provided: inventory.packages.provided.iter().map(|name| name.value.clone()).collect(),
            rollout: inventory.rollout,
            tls: inventory.tls.is_on(),
            hosts,
            roles,
            zookeeper: derive::ZooKeeper::default(),
            mesos: derive::Mesos::default(),
            etcd: derive::Etcd::default(),
        };
        derive::all(&mut cluster, &values, &mut mistakes);
        check::placement(&cluster, inventory, &mut mistakes);
        Self { cluster, mistakes: mistakes.sorted() }
    }
}

/// All roles of a host, included ones too, each after those that it needs.
fn expand(host: &Host, inventory: &Inventory, roles: &Catalogue) -> Vec<Spanned<RoleName>> {
    let mut all: Vec<Spanned<RoleName>> = Vec::new();
    for asked in &host.roles {
        for role in roles.with_included(&asked.value, &inventory.containerizers) {
            if !all.iter().any(|known| known.value == role.name) {
                all.push(Spanned::new(role.name.clone(), asked.place.clone()));
            }
        }
    }
    let mut order = Order { roles, inventory, all: &all, done: BTreeSet::new(), ordered: Vec::new() };
    for role in &all {
        order.visit(role);
    }
    order.ordered
}

struct Order<'a> {
    roles: &'a Catalogue,
    inventory: &'a Inventory,
    all: &'a [Spanned<RoleName>],
    done: BTreeSet<&'a RoleName>,
    ordered: Vec<Spanned<RoleName>>,
}

impl<'a> Order<'a> {
    fn visit(&mut self, name: &'a Spanned<RoleName>) {
        let Some(role) = self.roles.get(name.as_str()) else { return };
        if !self.done.insert(&name.value) {
            return;
        }
        let wanted = &self.inventory.containerizers;
        let includes = role.includes.iter().filter(|include| applies(include.containerizer, wanted));
        let needs = role.needs.iter().filter(|need| applies(need.containerizer, wanted));
        for before in includes.map(|include| &include.role).chain(needs.map(|need| &need.role)) {
            if let Some(before) = self.all.iter().find(|role| role.value == before.value) {
                self.visit(before);
            }
        }
        self.ordered.push(name.clone());
    }
}
