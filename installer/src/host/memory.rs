//! A host in memory, for tests: packages, files and units as maps, changed by the same actions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Host, HostError, Materials, StepFailed};
use crate::desired::ManagedUnit;
use crate::facts::{
    Answer, Around, Facts, FactsQuery, FileFacts, Inquiry, InstalledPackage, Offered, PackageManager,
    Reached, SettingFacts, Survey, SurveyQuery, System, UnitFacts,
};
use crate::history::Record;
use crate::model::{Digest, HostPath, Mode, PackageName, SettingName, UnitName};
use crate::plan::{Action, PackageChange, cached_name};
use crate::receipt::Receipt;

/// A host in memory. Everything that it holds can be looked at and spoilt by a test.
#[derive(Debug, Clone, Default)]
pub struct MemoryHost {
    /// Installed packages.
    pub packages: BTreeMap<PackageName, InstalledPackage>,
    /// Files with their content.
    pub files: BTreeMap<HostPath, MemoryFile>,
    /// Units; one that is missing here is not known.
    pub units: BTreeMap<UnitName, UnitFacts>,
    /// The tool's blocks in files that others write as well.
    pub blocks: BTreeMap<HostPath, Arc<str>>,
    /// The host's own system.
    pub system: System,
    /// The upload folder.
    pub cache: BTreeMap<String, u64>,
    /// What is set in services.
    pub settings: BTreeMap<SettingName, String>,
    /// The receipt.
    pub receipt: Option<Receipt>,
    /// Units that a run marked to be restarted and did not restart.
    pub pending: BTreeSet<UnitName>,
    /// What each running unit was started with: the files that it reads and the packages that it is of.
    pub started_with: BTreeMap<UnitName, BTreeSet<String>>,
    /// How many further steps are done before everything fails, as if the connection were lost; none for ever.
    pub steps_left: Option<usize>,
    /// Units that never become healthy after a start.
    pub sick: Vec<UnitName>,
    /// Whether no service answers.
    pub deaf: bool,
    /// What runs made of it.
    pub records: Vec<Record>,
    /// What was done, as the actions' texts.
    pub done: Vec<String>,
    /// Who holds the lock.
    pub locked_by: Option<String>,
}

/// A file of a [`MemoryHost`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryFile {
    /// Its bytes.
    pub content: Arc<str>,
    /// Its owner.
    pub owner: String,
    /// Its group.
    pub group: String,
    /// Its permissions.
    pub mode: Mode,
}

impl MemoryHost {
    /// What `unit` would be started with now.
    pub fn inputs(&self, unit: &ManagedUnit) -> BTreeSet<String> {
        let files =
            unit.reads.iter().filter_map(|path| Some(format!("{path}: {}", self.files.get(path)?.content)));
        let packages = unit.packages.iter().filter_map(|name| {
            let package = self.packages.get(name)?;
            Some(format!("{} {}", package.nevra, package.header_sha1))
        });
        files.chain(packages).collect()
    }

    fn install(&mut self, change: &PackageChange, materials: &Materials<'_>) {
        if let PackageChange::Remove { from } = change {
            self.packages.remove(&from.name);
        }
        let (PackageChange::Install { to, .. }
        | PackageChange::Upgrade { to, .. }
        | PackageChange::Downgrade { to, .. }
        | PackageChange::Reinstall { to, .. }) = change
        else {
            return;
        };
        let built = materials.packages.and_then(|set| set.find(&to.name));
        let header_sha1 = built.map(|built| built.header_sha1.clone()).unwrap_or_default();
        let installed = InstalledPackage { nevra: to.clone(), header_sha1 };
        self.packages.insert(to.name.clone(), installed);
        for unit in materials.desired.units.iter().filter(|unit| unit.packages.contains(&to.name)) {
            self.unit(&unit.name);
        }
    }

    fn unit(&mut self, unit: &UnitName) -> &mut UnitFacts {
        self.units.entry(unit.clone()).or_insert_with(|| UnitFacts {
            load: "loaded".to_owned(),
            active: "inactive".to_owned(),
            sub: "dead".to_owned(),
            enabled: "disabled".to_owned(),
            needs_reload: false,
        })
    }
}

impl Host for MemoryHost {
    fn lock(&mut self, holder: &str) -> Result<(), HostError> {
        match &self.locked_by {
            Some(holder) => Err(HostError::Locked { holder: holder.clone() }),
            None => {
                self.locked_by = Some(holder.to_owned());
                Ok(())
            }
        }
    }

    fn facts(&mut self, query: &FactsQuery) -> Result<Facts, HostError> {
        let files = self.files.iter().map(|(path, file)| {
            let facts = FileFacts {
                digest: Some(Digest::of(file.content.as_bytes())),
                owner: file.owner.clone(),
                group: file.group.clone(),
                mode: file.mode,
                kind: "regular file".to_owned(),
                content: Some(file.content.as_bytes().to_vec()),
            };
            (path.clone(), facts)
        });
        let healthy = !self.deaf;
        let answer = |_| {
            if healthy { Answer::Bytes(b"HTTP/1.0 200 OK\r\n\r\nimok".to_vec()) } else { Answer::Nothing }
        };
        Ok(Facts {
            hostname: "memory".to_owned(),
            machine_id: "0".repeat(32),
            kernel: "6.0".to_owned(),
            arch: "x86_64".to_owned(),
            init: "systemd".to_owned(),
            os_id: "memory".to_owned(),
            os_like: String::new(),
            os_version: "1".to_owned(),
            os_name: "Memory 1".to_owned(),
            manager: Some(PackageManager::Dnf),
            rpm: true,
            fault: None,
            pending: self.pending.clone(),
            clock: Timestamp::UNIX_EPOCH,
            clock_end: Timestamp::UNIX_EPOCH,
            offset: None,
            memory: 1 << 30,
            free: BTreeMap::from([("/".to_owned(), 1 << 40)]),
            packages: self.packages.clone(),
            files: files.collect(),
            units: self.units.clone(),
            settings: query
                .settings
                .iter()
                .map(|setting| {
                    let value = self.settings.get(&setting.name).cloned().unwrap_or_default();
                    (setting.name.clone(), SettingFacts::Value(value))
                })
                .collect(),
            cache: self.cache.clone(),
            blocks: self.blocks.iter().map(|(path, text)| (path.clone(), text.as_bytes().to_vec())).collect(),
            system: self.system.clone(),
            receipt: self.receipt.clone(),
            around: Around::default(),
            answers: query.probes.iter().map(answer).collect(),
        })
    }

    fn survey(&mut self, query: &SurveyQuery) -> Result<Survey, HostError> {
        let ports = query.ports.iter().map(|_| Reached::Answered).collect();
        let packages = query.packages.iter().map(|name| (name.clone(), Offered::Yes)).collect();
        Ok(Survey { names: BTreeMap::new(), ports, packages })
    }

    /// No service of a host in memory says more than that it is healthy.
    fn ask(&mut self, inquiries: &[Inquiry], _: Duration) -> Result<Vec<Answer>, HostError> {
        Ok(vec![Answer::Nothing; inquiries.len()])
    }

    fn perform(
        &mut self,
        actions: &[&Action],
        materials: &Materials<'_>,
        _progress: &mut dyn FnMut(u64),
    ) -> Result<(), StepFailed> {
        if matches!(
            actions[0],
            Action::Packages { .. }
                | Action::WriteFile { .. }
                | Action::RemoveFile { .. }
                | Action::WriteBlock { .. }
                | Action::RemoveBlock { .. }
        ) {
            self.pending.extend(materials.restarts.iter().cloned());
        }
        for (done, action) in actions.iter().enumerate() {
            match &mut self.steps_left {
                Some(0) => return Err(StepFailed { done, error: HostError::Interrupted }),
                Some(left) => *left -= 1,
                None => {}
            }
            self.done.push(action.to_string());
            match action {
                Action::Upload { digest, size, .. } => {
                    self.cache.insert(cached_name(*digest), *size);
                }
                Action::Packages { changes } => {
                    changes.iter().for_each(|change| self.install(change, materials))
                }
                Action::WriteFile { path, owner, group, mode, .. } => {
                    let Some(file) = materials.desired.files.get(path) else { continue };
                    let (owner, group) = (owner.clone(), group.clone());
                    let file = MemoryFile { content: file.content.clone(), owner, group, mode: *mode };
                    self.files.insert(path.clone(), file);
                }
                Action::RemoveFile { path, .. } => {
                    self.files.remove(path);
                }
                Action::PurgeData { folder } => {
                    self.files.retain(|path, _| !path.as_str().starts_with(&format!("{folder}/")));
                }
                Action::Forget => {
                    self.receipt = None;
                    self.cache.clear();
                    self.records.clear();
                    self.pending.clear();
                }
                Action::WriteBlock { path, .. } => {
                    let Some(block) = materials.desired.blocks.get(path) else { continue };
                    self.blocks.insert(path.clone(), block.content.clone());
                }
                Action::RemoveBlock { path } => {
                    self.blocks.remove(path);
                }
                Action::SetSystem { setting } => self.system.set(setting),
                Action::UnsetSystem { setting } => self.system.unset(setting),
                Action::Reload { unit } => {
                    self.pending.remove(unit);
                }
                Action::ReloadSystemd => self.units.values_mut().for_each(|unit| unit.needs_reload = false),
                Action::Set { setting, to, .. } => drop(self.settings.insert(setting.clone(), to.clone())),
                Action::Enable { unit } => self.unit(unit).enabled = "enabled".to_owned(),
                Action::Start { unit } | Action::Restart { unit } => {
                    let wanted = materials.desired.units.iter().find(|wanted| wanted.name == *unit);
                    let inputs = wanted.map(|unit| self.inputs(unit)).unwrap_or_default();
                    self.started_with.insert(unit.clone(), inputs);
                    self.pending.remove(unit);
                    let unit = self.unit(unit);
                    unit.active = "active".to_owned();
                    unit.sub = "running".to_owned();
                }
                Action::Stop { unit } => {
                    self.started_with.remove(unit);
                    self.pending.remove(unit);
                    let unit = self.unit(unit);
                    unit.active = "inactive".to_owned();
                    unit.enabled = "disabled".to_owned();
                }
                Action::AwaitHealthy { unit } if self.sick.contains(unit) => {
                    let what = "is not healthy after 0 s: it is sick".to_owned();
                    let error =
                        HostError::Unhealthy { unit: unit.clone(), what, journal: Default::default() };
                    return Err(StepFailed { done, error });
                }
                Action::AwaitHealthy { .. } => {}
            }
        }
        Ok(())
    }

    fn keep(&mut self, receipt: &Receipt) -> Result<(), HostError> {
        self.receipt = Some(receipt.clone());
        Ok(())
    }

    fn remember(&mut self, record: &Record) -> Result<(), HostError> {
        self.records.push(record.clone());
        Ok(())
    }

    fn history(&mut self) -> Result<Vec<Record>, HostError> {
        Ok(self.records.clone())
    }

    fn journal(&mut self, _unit: &UnitName) -> Option<String> {
        None
    }
}
