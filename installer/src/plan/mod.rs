//! Desired × facts → steps with reasons. Pure: the same input gives the same plan, and nothing is decided later.
//!
//! A dry run is this plan, shown. Executing it and planning again must give an empty plan.

mod diff;
mod files;
mod graph;
mod identity;
mod packages;
mod reset;
mod step;
mod system;
mod units;

pub use diff::unified_diff;
pub use graph::{Graph, Need, Node, NodeId, Window, graph};
pub use packages::{cached_name, verify_packages, with_required};
pub use reset::{reset, teardown};
pub use step::{Action, FileChange, HostPlan, PackageChange, PlanError, Step};

use crate::desired::DesiredHost;
use crate::facts::Facts;
use crate::receipt::Receipt;
use crate::repository::PackageSet;

/// Plans one host.
///
/// `packages` is the set that the host's packages come from; none where the inventory takes none from the
/// repository.
///
/// # Errors
/// Why this host cannot be brought to what is desired, before anything was changed.
pub fn plan(
    desired: &DesiredHost,
    facts: &Facts,
    packages: Option<&PackageSet>,
) -> Result<HostPlan, PlanError> {
    usable(facts)?;
    let desired = &system::applicable(desired, facts);
    let changes = packages::steps(desired, facts, packages)?;
    let mut written = files::steps(desired, facts)?;
    // First of all: a run that ends behind it leaves nothing that would refuse to start.
    written.splice(0..0, identity::steps(desired, facts, &written));
    let restarts = units::steps(desired, facts, &changes, &written)?;
    let mut steps = units::stops(desired, facts);
    steps.extend(changes);
    let reloads = system::reloads(desired, facts, &written);
    steps.extend(written);
    steps.extend(reloads);
    steps.extend(system::steps(desired, facts));
    steps.extend(restarts);
    Ok(HostPlan { host: desired.host.clone(), steps, unhealthy: units::unhealthy(desired, facts) })
}

/// What the receipt says once the plan is executed. Keeping it is not a change of the host and so not a step.
pub fn receipt(
    desired: &DesiredHost,
    facts: &Facts,
    packages: Option<&PackageSet>,
    cluster: &str,
) -> Receipt {
    let desired = &system::applicable(desired, facts);
    let mut receipt = Receipt::new(cluster, desired.host.clone());
    receipt.blocks = desired.blocks.keys().cloned().collect();
    receipt.system = system::ours(desired, facts);
    receipt.roles = desired.roles.clone();
    receipt.files = desired.files.iter().map(|(path, file)| (path.clone(), file.digest())).collect();
    receipt.units = desired.units.iter().map(|unit| unit.name.clone()).collect();
    for (path, digest) in &receipt.files {
        let as_wanted = facts.files.get(path).is_some_and(|now| now.digest == Some(*digest));
        let ours = facts
            .receipt
            .as_ref()
            .is_some_and(|before| before.files.contains_key(path) && !before.found_files.contains(path));
        if as_wanted && !ours {
            receipt.found_files.insert(path.clone());
        }
    }
    for unit in &desired.units {
        for setting in &unit.settings {
            receipt.settings.insert(setting.name.clone(), setting.wanted.clone());
        }
        for path in &unit.reads {
            receipt.readers.entry(path.clone()).or_default().push(unit.name.clone());
        }
    }
    for package in &desired.packages {
        let built = packages.filter(|_| !package.provided).and_then(|set| set.find(&package.name));
        let nevra = built.map(|built| &built.nevra);
        let installed = facts.packages.get(&package.name).map(|installed| &installed.nevra);
        if let Some(nevra) = nevra.or(installed) {
            receipt.packages.insert(package.name.clone(), nevra.clone());
        }
        let now = facts.packages.get(&package.name);
        let as_wanted = now.is_some_and(|now| built.is_none_or(|built| built.header_sha1 == now.header_sha1));
        let before = facts.receipt.as_ref().and_then(|before| match before.found.get(&package.name) {
            Some(found) => Some(*found),
            // Receipts of earlier versions do not say it: what they name is ours.
            None => before.packages.contains_key(&package.name).then_some(false),
        });
        receipt.found.insert(package.name.clone(), as_wanted && before.unwrap_or(true));
    }
    receipt
}

/// The facts as a run that did all its steps sees them: what its receipt still names, and nobody wants, and is not there
/// any longer, is done with, since whoever read it was restarted by that run.
pub fn once_done(desired: &DesiredHost, facts: &Facts) -> Facts {
    let mut facts = facts.clone();
    if let Some(receipt) = &mut facts.receipt {
        let there = &facts.files;
        receipt.files.retain(|path, _| desired.files.contains_key(path) || there.contains_key(path));
    }
    facts
}

/// Whether the host is one that the tool can install on at all.
fn usable(facts: &Facts) -> Result<(), PlanError> {
    if facts.init != "systemd" {
        return Err(PlanError::NotSystemd { init: facts.init.clone() });
    }
    if facts.manager.is_none() || !facts.rpm {
        return Err(PlanError::NoPackageManager { os: facts.os_name.clone() });
    }
    match &facts.fault {
        Some(fault) => Err(PlanError::BrokenDatabase { fault: fault.clone() }),
        None => Ok(()),
    }
}

/// Refuses a host that another cluster's run, or a run for another host, has installed.
///
/// # Errors
/// Whose host it is.
pub fn ours(desired: &DesiredHost, facts: &Facts, cluster: &str) -> Result<(), PlanError> {
    match &facts.receipt {
        Some(receipt) if receipt.cluster != cluster || receipt.host != desired.host => {
            Err(PlanError::NotOurs { cluster: receipt.cluster.clone(), host: receipt.host.clone() })
        }
        _ => Ok(()),
    }
}
