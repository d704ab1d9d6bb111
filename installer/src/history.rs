//! What earlier runs left on a host, whole: what it takes to go back to one of them.
//!
//! Every run that changes a host keeps a [`Record`] there. Going back is an ordinary plan, made against what the record
//! says instead of the inventory; its packages are in the host's upload folder still, by digest.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::desired::DesiredHost;
use crate::model::{Digest, PackageName};
use crate::receipt::Receipt;
use crate::repository::{BuiltPackage, Manifest, PackageSet, Repository};

/// The form of record that this version writes.
const FORMAT: u32 = 1;

/// What one run made of a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The form of the record, for later versions.
    pub format: u32,
    /// The run, by the time at which it began.
    pub run: String,
    /// The release that the packages are of.
    pub release: String,
    /// The packages' architecture.
    pub arch: String,
    /// What the host was made to be like.
    pub desired: DesiredHost,
    /// The packages of the repository that it got.
    pub packages: Vec<BuiltPackage>,
    /// The receipt that was left.
    pub receipt: Receipt,
}

impl Record {
    /// What `run` made of a host.
    pub fn new(run: &str, desired: &DesiredHost, receipt: &Receipt, set: Option<&PackageSet>) -> Self {
        let built = |name: &PackageName| set.and_then(|set| set.find(name)).cloned();
        let wanted = desired.packages.iter().filter(|package| !package.provided);
        Self {
            format: FORMAT,
            run: run.to_owned(),
            release: set.map(|set| set.manifest.release.clone()).unwrap_or_default(),
            arch: set.map(|set| set.manifest.arch.clone()).unwrap_or_default(),
            desired: desired.clone(),
            packages: wanted.filter_map(|package| built(&package.name)).collect(),
            receipt: receipt.clone(),
        }
    }

    /// The record's text.
    pub fn to_text(&self) -> String {
        // Strings, numbers and maps with string keys: nothing that JSON could refuse.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a record's text; none where it is damaged or of a form that this version does not know.
    pub fn from_text(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|record: &Self| record.format == FORMAT)
    }

    /// The packages of the record as a set to plan with. An RPM that is gone from the host can be sent again only if
    /// `repository` still has the very same one.
    pub fn package_set(&self, repository: Option<&Repository>) -> PackageSet {
        let here: BTreeMap<Digest, Utf8PathBuf> = repository
            .iter()
            .flat_map(|repository| repository.sets())
            .flat_map(|set| set.manifest.packages.iter().map(|built| (built.sha256, set.path(built))))
            .collect();
        let mut packages = self.packages.clone();
        for built in &mut packages {
            if let Some(path) = here.get(&built.sha256) {
                built.file.clone_from(path);
            }
        }
        let manifest = Manifest {
            release: self.release.clone(),
            arch: self.arch.clone(),
            packages,
            ..Manifest::default()
        };
        PackageSet { manifest, folder: "the packages of an earlier run".into() }
    }
}

/// The record to which a host goes back for `run`: the last one that is not later. Runs are in the order of their names.
pub fn as_of<'a>(records: &'a [Record], run: &str) -> Option<&'a Record> {
    records.iter().filter(|record| record.run.as_str() <= run).max_by(|a, b| a.run.cmp(&b.run))
}
