//! What must hold between inventory and roles.

use super::{Cluster, ClusterHost};
use crate::data::Data;
use crate::diagnostic::{Mistake, Mistakes, list, suggestion};
use crate::inventory::Inventory;
use crate::model::{PortRange, RoleName, VarName};
use crate::roles::{Catalogue, Each, PortRef, Protocol, Role, Where, applies, unknown_role};

/// Names in the inventory that nothing goes by.
pub(super) fn names(inventory: &Inventory, roles: &Catalogue) -> Mistakes {
    let mut mistakes = Mistakes::new();
    for name in inventory.hosts.iter().flat_map(|host| &host.roles) {
        if roles.get(name.as_str()).is_none() {
            mistakes.push(unknown_role(name, roles.names()));
        }
    }
    let packages = || roles.iter().flat_map(Role::all_packages).map(|package| package.as_str());
    for name in &inventory.packages.provided {
        if !packages().any(|package| package == name.as_str()) {
            mistakes.push(
                Mistake::new(&name.place, format!("no role installs a package `{}`", name.value))
                    .help(suggestion(name.as_str(), "packages", packages())),
            );
        }
    }
    mistakes
}

/// That there is such a release. `data` has one file for each below `specs/releases/`.
pub fn check_release(inventory: &Inventory, data: &Data) -> Mistakes {
    let releases: Vec<&str> = data.stems("specs/releases", ".toml").collect();
    let release = &inventory.release;
    if releases.is_empty() || release.is_empty() || releases.contains(&release.as_str()) {
        return Mistakes::new();
    }
    let message = format!("unknown release `{}`", release.value);
    Mistake::new(&release.place, message).help(suggestion(release, "releases", releases)).into()
}

/// Whether every role finds what it needs where it is placed.
pub(super) fn placement(cluster: &Cluster, inventory: &Inventory, mistakes: &mut Mistakes) {
    // What the others need may be what a misspelt role stands for.
    let all_known = inventory
        .hosts
        .iter()
        .flat_map(|host| &host.roles)
        .all(|name| cluster.roles.get(name.as_str()).is_some());
    for (host, asked) in cluster.hosts.iter().zip(&inventory.hosts) {
        for name in &host.roles {
            if let Some(role) = cluster.roles.get(name.as_str()) {
                if all_known {
                    needs(cluster, inventory, host, name, role, mistakes);
                }
                required_vars(cluster, host, name, role, mistakes);
            }
        }
        // What a role that is not there would read is not known.
        if asked.roles.iter().all(|role| cluster.roles.get(role.as_str()).is_some()) {
            attributes(cluster, host, mistakes);
        }
        ports(cluster, host, mistakes);
    }
    if !inventory.incomplete && mistakes.is_empty() {
        quorums(cluster, mistakes);
    }
}

fn needs(
    cluster: &Cluster,
    inventory: &Inventory,
    host: &ClusterHost,
    name: &crate::diagnostic::Spanned<RoleName>,
    role: &Role,
    mistakes: &mut Mistakes,
) {
    for need in role.needs.iter().filter(|need| applies(need.containerizer, &cluster.containerizers)) {
        let needed = &need.role.value;
        let because =
            need.containerizer.map(|wanted| format!(" for the containerizer {wanted}")).unwrap_or_default();
        let mistake = match need.on {
            Where::Host if !host.has(needed.as_str()) => Mistake::new(
                &name.place,
                format!("`{}` needs `{needed}` on the same host{because}", role.name),
            )
            .help(format!("add \"{needed}\" to these roles, or use a role that includes both")),
            Where::Cluster
                if cluster.with_role(needed.as_str()).next().is_none() && !inventory.incomplete =>
            {
                let includes =
                    |role: &Role| role.includes.iter().any(|include| include.role.value == *needed);
                let bundles = cluster.roles.iter().filter(|role| role.packages.is_empty() && includes(role));
                let with: Vec<&str> = std::iter::once(needed)
                    .chain(bundles.map(|role| &role.name))
                    .map(RoleName::as_str)
                    .collect();
                let role_or_roles = if with.len() == 1 { "the role" } else { "one of the roles" };
                Mistake::new(
                    &name.place,
                    format!("`{}` needs `{needed}` on a host of the cluster{because}", role.name),
                )
                .help(format!("give a host {role_or_roles} {}", list(with)))
            }
            _ => continue,
        };
        mistakes.push(mistake);
    }
}

/// Variables without a default must be given a value.
fn required_vars(
    cluster: &Cluster,
    host: &ClusterHost,
    name: &crate::diagnostic::Spanned<RoleName>,
    role: &Role,
    mistakes: &mut Mistakes,
) {
    for (var, variable) in cluster.roles.visible(role).flat_map(|role| &role.vars) {
        if variable.default.is_none() && !host.vars.contains_key(var) {
            mistakes.push(
                Mistake::new(&name.place, format!("`{}` needs a value for the variable `{var}`", role.name))
                    .also(&variable.place, &variable.description)
                    .help(format!("add `{var} = …` under `[vars]`")),
            );
        }
    }
}

/// Attributes are for roles that write them down; elsewhere they would be without effect.
fn attributes(cluster: &Cluster, host: &ClusterHost, mistakes: &mut Mistakes) {
    let reads = |role: &Role| {
        role.files
            .iter()
            .any(|file| file.each.as_ref().is_some_and(|each| each.value == Each::HostAttributes))
    };
    let roles = || cluster.roles.iter().filter(|role| reads(role));
    if !host.attributes.is_empty() && !roles().any(|role| host.has(role.name.as_str())) {
        mistakes.push(
            Mistake::new(&host.place, "attributes are given to a host that has no use for them")
                .help(format!("remove them: they are for {}", list(roles().map(|role| role.name.as_str())))),
        );
    }
}

/// Two services cannot listen on one port of a host.
fn ports(cluster: &Cluster, host: &ClusterHost, mistakes: &mut Mistakes) {
    let mut taken: Vec<(PortRange, Protocol, &RoleName)> = Vec::new();
    for name in &host.roles {
        let Some(role) = cluster.roles.get(name.as_str()) else { continue };
        for port in &role.ports {
            let Some(ports) = host.ports(&port.port) else { continue };
            let protocol = port.protocol;
            let held = taken.iter().find(|(of, over, _)| *over == protocol && of.overlaps(ports)).copied();
            taken.push((ports, protocol, &role.name));
            if let Some((others, _, other)) = held {
                // Of a range and a port in it, the port is what both would have.
                let shared = if others.only().is_some() { others } else { ports };
                let message =
                    format!("`{}` and `{other}` would both listen on port {shared}/{protocol}", role.name);
                let mistake = Mistake::new(&name.place, message);
                mistakes.push(match free(cluster, host, [role.name.as_str(), other.as_str()], shared) {
                    vars if vars.is_empty() => {
                        mistake.help("put one of them on another host: neither can have another port")
                    }
                    vars => {
                        mistake.help(format!("give a variable another value, for example {}", list(vars)))
                    }
                });
            }
        }
    }
}

/// The variables of one of the roles that put a service on one of these ports; of the first role that has any.
fn free(cluster: &Cluster, host: &ClusterHost, roles: [&str; 2], shared: PortRange) -> Vec<String> {
    let of = |role: &str| -> Vec<String> {
        let ports = cluster.roles.get(role).into_iter().flat_map(|role| &role.ports);
        let vars = ports.filter_map(|port| match &port.port.value {
            PortRef::Var(var) if host.ports(&port.port)?.overlaps(shared) => Some(VarName::as_str(var)),
            _ => None,
        });
        vars.map(ToOwned::to_owned).collect()
    };
    roles.into_iter().map(of).find(|vars| !vars.is_empty()).unwrap_or_default()
}

impl ClusterHost {
    /// What a port of a role is on this host: one, or a range of them.
    pub(crate) fn ports(&self, port: &PortRef) -> Option<PortRange> {
        match port {
            PortRef::Number(number) => PortRange::one(*number),
            PortRef::Range(range) => Some(*range),
            PortRef::Var(var) => match self.vars.get(var)? {
                serde_json::Value::String(range) => range.parse().ok(),
                number => PortRange::one(u16::try_from(number.as_u64()?).ok()?),
            },
        }
    }
}

/// An even number of servers bears no more failures than one server less, and a tie leaves no majority.
fn quorums(cluster: &Cluster, mistakes: &mut Mistakes) {
    for (role, what) in
        [("mesos-master", "masters"), ("zookeeper", "ZooKeeper servers"), ("etcd", "etcd members")]
    {
        let hosts: Vec<&ClusterHost> = cluster.with_role(role).collect();
        let Some(last) = hosts.last().filter(|_| hosts.len().is_multiple_of(2)) else { continue };
        // `master` brings all three: one mistake is enough.
        if role != "mesos-master" && hosts.iter().all(|host| host.has("mesos-master")) {
            continue;
        }
        let place =
            last.roles.iter().find(|has| has.as_str() == role).map_or(&last.place, |role| &role.place);
        mistakes.push(Mistake::new(place, format!("there are {} {what}, an even number", hosts.len())).help(
            format!(
                "use {} or {}: {} bear no more failures than {}",
                hosts.len() - 1,
                hosts.len() + 1,
                hosts.len(),
                hosts.len() - 1
            ),
        ));
    }
}
