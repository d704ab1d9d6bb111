//! The receipt: what the tool put on a host, kept there in `/var/lib/calico-mesos-install/receipt.json`.
//!
//! It tells a file that was changed by hand from one that an earlier run wrote, and names what a later
//! inventory no longer wants. Losing it costs only that: everything else is read from the host itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::desired::SystemSetting;
use crate::model::{Digest, HostName, HostPath, Nevra, PackageName, RoleName, SettingName, UnitName};

/// The form of receipt that this version writes.
const FORMAT: u32 = 1;

/// What a run left on a host. It holds no time, so that the same state gives the same receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The form of the receipt, for later versions.
    pub format: u32,
    /// The cluster's name in the inventory.
    pub cluster: String,
    /// The host's name in the inventory.
    pub host: HostName,
    /// The host's roles.
    pub roles: Vec<RoleName>,
    /// The packages that were wanted, with the identities that were installed.
    pub packages: BTreeMap<PackageName, Nevra>,
    /// The files that were written, with their digests.
    pub files: BTreeMap<HostPath, Digest>,
    /// The units that were enabled and started.
    pub units: Vec<UnitName>,
    /// The units that read each file: once the inventory no longer wants a file, nothing else tells whom its
    /// removal concerns. Receipts of earlier versions have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub readers: BTreeMap<HostPath, Vec<UnitName>>,
    /// Whether each package was there, as it is wanted, before a run of the tool came. Such ones stay when what the tool
    /// installed is taken away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub found: BTreeMap<PackageName, bool>,
    /// The files that were there, as they are wanted, before a run of the tool came.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub found_files: BTreeSet<HostPath>,
    /// What was set in services.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<SettingName, String>,
    /// The files in which there is a block of the tool's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<HostPath>,
    /// Settings of the system that were not there before and are taken back once they are no longer wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<SystemSetting>,
}

impl Receipt {
    /// An empty receipt for a host.
    pub fn new(cluster: &str, host: HostName) -> Self {
        Self {
            format: FORMAT,
            cluster: cluster.to_owned(),
            host,
            roles: Vec::new(),
            packages: BTreeMap::new(),
            files: BTreeMap::new(),
            units: Vec::new(),
            readers: BTreeMap::new(),
            found: BTreeMap::new(),
            found_files: BTreeSet::new(),
            settings: BTreeMap::new(),
            blocks: Vec::new(),
            system: Vec::new(),
        }
    }

    /// This receipt with everything in it that only `other` has: what a run may leave that ends half-way.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        for (path, digest) in &other.files {
            self.files.entry(path.clone()).or_insert(*digest);
        }
        for (name, nevra) in &other.packages {
            self.packages.entry(name.clone()).or_insert_with(|| nevra.clone());
        }
        // What the other receipt writes anew is no longer as it was found.
        self.found.extend(other.found.iter().map(|(name, found)| (name.clone(), *found)));
        self.found_files.retain(|path| !other.files.contains_key(path));
        self.found_files.extend(other.found_files.iter().cloned());
        for (path, units) in &other.readers {
            self.readers.entry(path.clone()).or_insert_with(|| units.clone());
        }
        for (name, value) in &other.settings {
            self.settings.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self.blocks = union(self.blocks, &other.blocks);
        self.system = union(self.system, &other.system);
        self.units.extend(
            other.units.iter().filter(|unit| !self.units.contains(unit)).cloned().collect::<Vec<_>>(),
        );
        self
    }

    /// The receipt's text: JSON with one entry a line, which the script that gathers facts relies on.
    pub fn to_text(&self) -> String {
        // A receipt is strings, numbers and maps with string keys: nothing that JSON could refuse.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a receipt's text; none where it is damaged or of a form that this version does not know.
    pub fn from_text(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|receipt: &Self| receipt.format == FORMAT)
    }
}

fn union<T: Clone + PartialEq>(mut these: Vec<T>, those: &[T]) -> Vec<T> {
    let new: Vec<T> = those.iter().filter(|item| !these.contains(item)).cloned().collect();
    these.extend(new);
    these
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_an_entry_a_line_and_reads_back() {
        let mut receipt = Receipt::new("demo", "agent-1".parse().unwrap());
        receipt.files.insert("/etc/mesos/zk".parse().unwrap(), Digest::of("x"));
        receipt.units.push("mesos-slave.service".parse().unwrap());
        let text = receipt.to_text();
        assert!(text.contains(&format!("\n    \"/etc/mesos/zk\": \"{}\"\n", Digest::of("x"))), "{text}");
        assert!(text.contains("\n    \"mesos-slave.service\"\n"), "{text}");
        assert_eq!(Receipt::from_text(text.as_bytes()), Some(receipt));
    }

    #[test]
    fn a_damaged_receipt_is_no_receipt() {
        assert_eq!(Receipt::from_text(b"{"), None);
        assert_eq!(Receipt::from_text(b"{\"format\": 999}"), None);
    }
}
