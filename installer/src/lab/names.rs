//! The names of everything that a lab leaves on this machine while it is up, all derived from its folder.
//!
//! So `lab down` finds it again after any accident, and two labs never meet.

use std::net::Ipv4Addr;

use camino::Utf8Path;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A lab's short name, for example `cml5d2f0a`: the prefix of all names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct LabId(String);

impl LabId {
    /// The name of the lab in `dir`, an absolute path.
    pub(super) fn of(dir: &Utf8Path) -> Self {
        let digest = hex::encode(Sha256::digest(dir.as_str()));
        Self(format!("cml{}", digest.get(..6).unwrap_or(&digest)))
    }

    /// The bridge.
    pub(super) fn bridge(&self) -> &str {
        &self.0
    }

    /// The bridge's hardware address: locally administered, the lab's number at its end.
    pub(super) fn bridge_mac(&self) -> String {
        let (a, b, c) = (self.0.get(3..5), self.0.get(5..7), self.0.get(7..9));
        format!("02:63:6d:{}:{}:{}", a.unwrap_or("00"), b.unwrap_or("00"), c.unwrap_or("00"))
    }

    /// The folder of the lab's control groups.
    pub(super) fn control_group(&self) -> &str {
        &self.0
    }

    /// What every machine and network namespace of the lab begins with.
    pub(super) fn prefix(&self) -> String {
        format!("{}-", self.0)
    }

    /// systemd-nspawn's machine, and the network namespace, of the host `name`.
    pub(super) fn machine(&self, name: &str) -> String {
        format!("{}-{name}", self.0)
    }

    /// This machine's end of the host's cable: at most 15 characters, which is the kernel's limit.
    pub(super) fn cable(&self, subnet: Ipv4Net, address: Ipv4Addr) -> String {
        let number = u32::from(address).wrapping_sub(u32::from(subnet.network()));
        format!("{}-{number}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_derived_from_the_folder() {
        let id = LabId::of(Utf8Path::new("/home/me/.lab"));
        assert_eq!(id, LabId::of(Utf8Path::new("/home/me/.lab")));
        assert_ne!(id, LabId::of(Utf8Path::new("/home/you/.lab")));
        assert_eq!(id.machine("agent-1"), format!("{}-agent-1", id.bridge()));
    }

    #[test]
    fn the_bridge_has_an_address_of_its_own() {
        assert_eq!(LabId("cml5d2f0a".to_owned()).bridge_mac(), "02:63:6d:5d:2f:0a");
    }

    #[test]
    fn devices_fit_into_the_kernels_limit() {
        let id = LabId::of(Utf8Path::new("/"));
        let subnet: Ipv4Net = "10.0.0.0/16".parse().unwrap();
        assert!(id.cable(subnet, "10.0.255.254".parse().unwrap()).len() <= 15);
        assert!(id.cable(subnet, "10.0.1.2".parse().unwrap()).ends_with("-258"));
    }
}
