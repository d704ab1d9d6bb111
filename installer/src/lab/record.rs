//! What a lab consists of: the record in its folder, and where new hosts get their addresses.

use std::net::Ipv4Addr;

use camino::Utf8Path;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::Error;
use super::names::LabId;
use crate::diagnostic::suggestion;
use crate::model::{Digest, HostName};

/// The first host's place in the subnet; the bridge has place 1.
const FIRST_HOST: u32 = 101;

/// What a lab host is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// ZooKeeper, etcd, Mesos master.
    Master,
    /// Mesos agent.
    Agent,
}

impl Role {
    /// The role's name in an inventory, and the beginning of its hosts' names.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Master => "master",
            Role::Agent => "agent",
        }
    }
}

/// A host of the lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Host {
    pub(super) name: HostName,
    pub(super) role: Role,
    pub(super) address: Ipv4Addr,
    /// Its `/etc/machine-id`.
    pub(super) machine_id: String,
    /// Its public key, once it has one: the host is prepared.
    pub(super) host_key: Option<String>,
}

/// A lab, as its folder records it (`lab.json`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) id: LabId,
    pub(super) subnet: Ipv4Net,
    pub(super) hosts: Vec<Host>,
    /// The inventory as the lab wrote it; another digest means that somebody has edited it.
    pub(super) inventory: Option<Digest>,
}

impl Record {
    /// A lab without hosts.
    pub(super) fn new(id: LabId, subnet: Ipv4Net) -> Self {
        Self { id, subnet: subnet.trunc(), hosts: Vec::new(), inventory: None }
    }

    /// Reads the record; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The file cannot be read or understood.
    pub(super) fn load(path: &Utf8Path) -> Result<Option<Self>, Error> {
        match fs_err::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|source| Error::Record { path: path.to_owned(), source }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("reading the lab's record")(error)),
        }
    }

    /// Writes the record, whole or not at all.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn save(&self, path: &Utf8Path) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|source| Error::Record { path: path.to_owned(), source })?;
        super::files::write(path, &text, 0o644)
    }

    /// The bridge's address: the subnet's first.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.subnet.network()).saturating_add(1))
    }

    /// Adds hosts until there are at least this many of each role.
    ///
    /// Hosts that are there keep their names and addresses. In a new lab the masters come first.
    ///
    /// # Errors
    ///
    /// The subnet has no room.
    pub(super) fn grow(&mut self, masters: usize, agents: usize) -> Result<(), Error> {
        for (role, wanted) in [(Role::Master, masters), (Role::Agent, agents)] {
            for number in 1..=wanted {
                let name = format!("{}-{number}", role.as_str());
                if self.hosts.iter().any(|host| host.name.as_str() == name) {
                    continue;
                }
                let address = self.next_address().ok_or_else(|| Error::SubnetTooSmall {
                    subnet: self.subnet,
                    hosts: masters + agents,
                    first: self.place(FIRST_HOST),
                })?;
                let Ok(name) = name.parse() else { continue };
                let machine_id = super::files::random_id()?;
                self.hosts.push(Host { name, role, address, machine_id, host_key: None });
            }
        }
        if self.hosts.is_empty() {
            return Err(Error::NoHosts);
        }
        Ok(())
    }

    /// The host called `name`.
    ///
    /// # Errors
    ///
    /// There is none; the error names the one that may have been meant.
    pub(super) fn host(&self, name: &str, dir: &Utf8Path) -> Result<&Host, Error> {
        self.hosts.iter().find(|host| host.name.as_str() == name).ok_or_else(|| Error::UnknownHost {
            dir: dir.to_owned(),
            name: name.to_owned(),
            help: suggestion(name, "hosts", self.hosts.iter().map(|host| host.name.as_str())),
        })
    }

    fn place(&self, place: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.subnet.network()).saturating_add(place))
    }

    /// The address after the last, if the subnet still has it.
    fn next_address(&self) -> Option<Ipv4Addr> {
        let last = self.hosts.iter().map(|host| host.address).max();
        let next = last
            .map_or_else(|| self.place(FIRST_HOST), |last| Ipv4Addr::from(u32::from(last).wrapping_add(1)));
        (self.subnet.contains(&next) && next != self.subnet.broadcast()).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(subnet: &str) -> Record {
        Record::new(LabId::of(Utf8Path::new("/lab")), subnet.parse().unwrap())
    }

    fn table(record: &Record) -> Vec<String> {
        record.hosts.iter().map(|host| format!("{} {}", host.name, host.address)).collect()
    }

    #[test]
    fn masters_come_first() {
        let mut record = record("172.24.197.0/24");
        record.grow(1, 2).unwrap();
        assert_eq!(
            table(&record),
            ["master-1 172.24.197.101", "agent-1 172.24.197.102", "agent-2 172.24.197.103"]
        );
        assert_eq!(record.gateway().to_string(), "172.24.197.1");
    }

    #[test]
    fn hosts_that_are_there_keep_their_addresses() {
        let mut record = record("172.24.197.0/24");
        record.grow(1, 1).unwrap();
        let before = record.hosts[1].machine_id.clone();
        record.grow(3, 0).unwrap();
        record.grow(1, 0).unwrap();
        assert_eq!(
            table(&record),
            [
                "master-1 172.24.197.101",
                "agent-1 172.24.197.102",
                "master-2 172.24.197.103",
                "master-3 172.24.197.104"
            ]
        );
        assert_eq!(record.hosts[1].machine_id, before);
    }

    #[test]
    fn a_subnet_has_an_end() {
        let error = record("10.1.2.0/25").grow(3, 30).unwrap_err();
        insta::assert_snapshot!(error, @"
        10.1.2.0/25 has no room for 33 hosts: the first has the address 10.1.2.101
        give a larger one with --subnet
        ");
        assert!(record("10.1.2.0/25").grow(3, 23).is_ok(), "the last usable address is 10.1.2.126");
    }

    #[test]
    fn an_unknown_name_gets_a_suggestion() {
        let mut record = record("172.24.197.0/24");
        record.grow(1, 1).unwrap();
        insta::assert_snapshot!(record.host("agnet-1", Utf8Path::new(".lab")).unwrap_err(), @"
        the lab in .lab has no host `agnet-1`
        did you mean `agent-1`?
        ");
        insta::assert_snapshot!(record.host("zk", Utf8Path::new(".lab")).unwrap_err(), @"
        the lab in .lab has no host `zk`
        the hosts are `agent-1` and `master-1`
        ");
    }
}
