//! What to ask a host.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::desired::{DesiredHost, HealthCheck, Probe, Setting, SystemSetting};
use crate::model::{Digest, HostPath, PackageName, UnitName};
use crate::transport::Command;

use super::ZONE_SCRIPT;

const PROBE_SCRIPT: &str = include_str!("probe.sh");
const AROUND: &str = include_str!("around.sh");
const SYSTEM_SCRIPT: &str = include_str!("system.sh");
const GATHER: &str = include_str!("gather.sh");

/// Packages that are looked at whether or not they are wanted: what is installed already must go with the rest.
const LOOKED_AT: &[&str] =
    &["mesos", "net-modules", "marathon", "docker", "docker-ce", "docker-engine", "moby-engine"];

/// Everything that one host is asked in one round trip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FactsQuery {
    /// Packages whose installed versions matter.
    pub packages: Vec<PackageName>,
    /// Files, with the digests that they should have: only of the others is the content sent back.
    pub files: BTreeMap<HostPath, Option<Digest>>,
    /// Units whose states matter.
    pub units: Vec<UnitName>,
    /// Files whose blocks matter.
    pub blocks: Vec<HostPath>,
    /// Settings of the system that matter, and the host's address, by which its zone of a firewall is known.
    pub system: Option<(std::net::IpAddr, Vec<SystemSetting>)>,
    /// Health checks to be asked.
    pub probes: Vec<HealthCheck>,
    /// Settings to be read.
    pub settings: Vec<Setting>,
    /// How long the host waits before it looks.
    pub pause: Duration,
    /// Whether to look at what an earlier run left as well: its receipt, and what is named there.
    pub with_receipt: bool,
}

impl FactsQuery {
    /// The questions whose answers a plan for `desired` needs.
    pub fn about(desired: &DesiredHost) -> Self {
        let mut packages: Vec<PackageName> =
            desired.packages.iter().map(|package| package.name.clone()).collect();
        let others = LOOKED_AT.iter().filter_map(|name| name.parse().ok());
        packages.extend(others.filter(|name| !packages.contains(name)).collect::<Vec<_>>());
        let own = desired.units.iter().map(|unit| &unit.name);
        let units = own.chain(desired.files.values().filter_map(|file| file.only_with.as_ref()));
        Self {
            packages,
            files: desired.files.iter().map(|(path, file)| (path.clone(), Some(file.digest()))).collect(),
            units: units.cloned().collect(),
            blocks: desired.blocks.keys().cloned().collect(),
            system: Some((desired.address, desired.system.clone())),
            probes: desired.units.iter().flat_map(|unit| unit.health.iter().cloned()).collect(),
            settings: desired.units.iter().flat_map(|unit| unit.settings.iter().cloned()).collect(),
            pause: Duration::ZERO,
            with_receipt: true,
        }
    }

    /// The command that asks.
    pub fn command(&self) -> Command {
        let pause = self.pause.as_secs_f32().to_string();
        let extent = if self.with_receipt { "all" } else { "only" };
        Command::script(
            &format!("{PROBE_SCRIPT}\n{ZONE_SCRIPT}\n{SYSTEM_SCRIPT}\n{AROUND}\n{GATHER}"),
            [pause.as_str(), extent],
        )
        .stdin(self.records())
    }

    fn records(&self) -> String {
        let mut text = String::new();
        for package in &self.packages {
            let _ = writeln!(text, "package\t{package}");
        }
        for unit in &self.units {
            let _ = writeln!(text, "unit\t{unit}");
        }
        for (path, digest) in &self.files {
            let digest = digest.map_or_else(|| "-".to_owned(), |digest| digest.to_string());
            let _ = writeln!(text, "file\t{digest}\t{path}");
        }
        for Setting { name, read, .. } in &self.settings {
            let _ = writeln!(text, "setting\t{name}\t{}", BASE64_STANDARD.encode(read.as_bytes()));
        }
        for path in &self.blocks {
            let _ = writeln!(text, "block\t{path}");
        }
        if let Some((address, settings)) = &self.system {
            text.push_str(&system_records(*address, settings));
        }
        text.push_str(&probe_records(&self.probes));
        text
    }
}

/// The records that ask about settings; each with a word before it that no record of another kind begins with.
fn system_records(address: std::net::IpAddr, settings: &[SystemSetting]) -> String {
    // What earlier runs let through is looked at as well, so firewalls are always asked about.
    let mut text = format!("system\taddress\t{address}\n");
    for setting in settings {
        let _ = match setting {
            SystemSetting::Module { name } => writeln!(text, "system\tmodule\t{name}"),
            SystemSetting::Sysctl { key, .. } => writeln!(text, "system\tsysctl\t{key}"),
            SystemSetting::Label { path, kind } => writeln!(text, "system\tlabel\t{kind} {path}"),
            SystemSetting::Port { .. } | SystemSetting::Protocol { .. } | SystemSetting::Permissive => Ok(()),
        };
    }
    text
}

/// The records that ask `checks`, numbered from 0.
fn probe_records(checks: &[HealthCheck]) -> String {
    let mut text = String::new();
    for (id, check) in checks.iter().enumerate() {
        let HealthCheck { address, port, probe } = check;
        let _ = match probe {
            Probe::Tcp => writeln!(text, "probe\t{id}\t{address}\t{port}\ttcp"),
            Probe::Http { path, .. } => writeln!(text, "probe\t{id}\t{address}\t{port}\thttp\t{path}"),
            Probe::Https { path, folder, .. } => {
                writeln!(text, "probe\t{id}\t{address}\t{port}\thttps\t{path}\t{folder}")
            }
            Probe::Line { send, .. } => writeln!(text, "probe\t{id}\t{address}\t{port}\tline\t{send}"),
        };
    }
    text
}
