//! What follows from all hosts together.

use std::net::IpAddr;

use serde::Serialize;

use super::{Cluster, vars};
use crate::diagnostic::{Mistake, Mistakes};
use crate::model::{Digest, HostName};

/// One of several hosts that run a service together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Server {
    /// Its number, from 1, in the order of the inventory.
    pub id: u32,
    /// Its name.
    #[schemars(with = "String")]
    pub name: HostName,
    /// Its address.
    pub address: IpAddr,
}

/// The ZooKeeper ensemble.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ZooKeeper {
    /// Its servers.
    pub servers: Vec<Server>,
    /// Their client addresses, `address:port,address:port`.
    pub connect: String,
}

/// The Mesos masters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Mesos {
    /// The hosts that run mesos-master.
    pub masters: Vec<Server>,
    /// A majority of them: what `--quorum` must be.
    pub quorum: usize,
    /// How masters and agents find the elected master: `zk://address:port,…/path`.
    pub zk: String,
}

/// The etcd cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Etcd {
    /// Its members.
    pub members: Vec<Server>,
    /// `http`, or `https` with TLS.
    pub scheme: &'static str,
    /// The peers, `name=http://address:port,…`.
    pub initial_cluster: String,
    /// The client endpoints, `http://address:port,…`.
    pub endpoints: String,
}

/// Fills in what follows from all hosts together.
pub(super) fn all(cluster: &mut Cluster, values: &vars::Values, mistakes: &mut Mistakes) {
    let mut lookup = Lookup { cluster, values, mistakes };
    let client = lookup.port("zookeeper", "zookeeper_client_port");
    let zookeeper = lookup.servers("zookeeper");
    let path = lookup.text("mesos-master", "mesos_zk_path");
    let masters = lookup.servers("mesos-master");
    let (etcd_client, etcd_peer) =
        (lookup.port("etcd", "etcd_client_port"), lookup.port("etcd", "etcd_peer_port"));
    let members = lookup.servers("etcd");

    for server in &zookeeper {
        if let Some(host) = cluster.hosts.iter_mut().find(|host| host.name == server.name) {
            host.zookeeper_id = Some(server.id);
        }
    }
    let scheme = if cluster.tls { "https" } else { "http" };
    // libcalico refuses an address where it is to check a certificate.
    let authority = |server: &Server| match cluster.tls {
        true => format!("{}:{etcd_client}", server.name),
        false => format!("{}:{etcd_client}", server.address),
    };
    let authorities: Vec<Option<String>> = cluster
        .hosts
        .iter()
        .map(|host| {
            let own = members.iter().find(|member| member.name == host.name);
            own.or_else(|| nearest(&host.name, &members)).map(authority)
        })
        .collect();
    let endpoints = join(&members, |member| format!("{scheme}://{}", authority(member)));
    for (host, authority) in cluster.hosts.iter_mut().zip(authorities) {
        host.etcd_authority = authority;
    }
    let connect = join(&zookeeper, |server| format!("{}:{client}", server.address));
    cluster.mesos = Mesos { quorum: masters.len() / 2 + 1, zk: format!("zk://{connect}{path}"), masters };
    cluster.zookeeper = ZooKeeper { connect, servers: zookeeper };
    cluster.etcd = Etcd {
        initial_cluster: join(&members, |member| {
            format!("{}={scheme}://{}:{etcd_peer}", member.name, member.address)
        }),
        endpoints,
        scheme,
        members,
    };
}

fn join(servers: &[Server], text: impl Fn(&Server) -> String) -> String {
    servers.iter().map(text).collect::<Vec<_>>().join(",")
}

/// The member that a host without one of its own uses. Every pair of host and member has a weight, and the
/// heaviest wins: hosts are spread evenly, and one that comes or goes moves no other.
fn nearest<'a>(host: &HostName, members: &'a [Server]) -> Option<&'a Server> {
    members.iter().max_by_key(|member| Digest::of(format!("{host}\0{}", member.name)))
}

struct Lookup<'a> {
    cluster: &'a Cluster,
    values: &'a vars::Values,
    mistakes: &'a mut Mistakes,
}

impl Lookup<'_> {
    fn servers(&self, role: &str) -> Vec<Server> {
        (1..)
            .zip(self.cluster.with_role(role))
            .map(|(id, host)| Server { id, name: host.name.clone(), address: host.address })
            .collect()
    }

    fn port(&mut self, role: &str, var: &str) -> u64 {
        let port = self.values.get(var).and_then(serde_json::Value::as_u64);
        port.unwrap_or_else(|| self.undeclared(role, var))
    }

    fn text(&mut self, role: &str, var: &str) -> String {
        let text = self.values.get(var).and_then(serde_json::Value::as_str).map(ToOwned::to_owned);
        text.unwrap_or_else(|| self.undeclared(role, var))
    }

    /// Role files can be replaced by the user's own, which may have left out what others rely on.
    fn undeclared<T: Default>(&mut self, role: &str, var: &str) -> T {
        if let Some(role) = self.cluster.roles.get(role)
            && self.cluster.with_role(role.name.as_str()).next().is_some()
        {
            self.mistakes.push(
                Mistake::new(
                    &role.place,
                    format!("there is no variable `{var}`, or it has no value or another type"),
                )
                .help(format!("declare `[vars.{var}]` with a default: connection strings are made from it")),
            );
        }
        T::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_spread_over_the_members_and_stay_there() {
        let member = |id: u32| Server {
            id,
            name: format!("etcd-{id}").parse().unwrap(),
            address: IpAddr::from([10, 0, 0, u8::try_from(id).unwrap()]),
        };
        let three: Vec<Server> = (1..=3).map(member).collect();
        let five: Vec<Server> = (1..=5).map(member).collect();
        let mut counts = [0; 4];
        for number in 0..300 {
            let host: HostName = format!("agent-{number}").parse().unwrap();
            let of_three = nearest(&host, &three).unwrap();
            counts[of_three.id as usize] += 1;
            let of_five = nearest(&host, &five).unwrap();
            assert!(
                of_five == of_three || of_five.id > 3,
                "a new member takes hosts, but moves none among the old"
            );
        }
        assert!(counts[1..].iter().all(|count| (70..=130).contains(count)), "{counts:?}");
    }
}
