//! Taking away what earlier runs installed, and nothing else: a plan like any other, made from the receipt.

use std::collections::BTreeMap;

use super::graph::{Graph, Need, NodeId, levels};
use super::units::{is_enabled, is_unit_file, is_up};
use super::{Action, HostPlan, PackageChange, Step};
use crate::desired::{DesiredHost, ManagedUnit};
use crate::facts::{Effect, Facts};
use crate::model::{HostName, HostPath, PackageName, UnitName};
use crate::receipt::Receipt;

/// Plans to take away from a host what its receipt names; a host without a receipt is left alone.
///
/// `data` are the folders that are deleted as well. Files go before the packages, so that rpm finds none of its own
/// changed and leaves no copies in folders whose every file is a flag.
pub fn reset(host: &HostName, facts: &Facts, data: &[HostPath]) -> HostPlan {
    let mut steps = Vec::new();
    if let Some(receipt) = &facts.receipt {
        steps.extend(stops(receipt, facts));
        let files = files(receipt, facts);
        let packages = packages(receipt, facts);
        let concerns_systemd = |step: &Step| match &step.action {
            Action::RemoveFile { path, .. } => is_unit_file(path),
            _ => false,
        };
        let reload = packages.is_some() || files.iter().any(concerns_systemd);
        steps.extend(files);
        steps.extend(of_system(receipt, facts));
        steps.extend(packages);
        if reload {
            let reason = "units are gone".to_owned();
            steps.push(Step { action: Action::ReloadSystemd, reason });
        }
        steps.extend(data.iter().map(|folder| Step {
            action: Action::PurgeData { folder: folder.clone() },
            reason: "data is to go as well".to_owned(),
        }));
        steps.push(Step { action: Action::Forget, reason: "nothing of it is left".to_owned() });
    }
    HostPlan { host: host.clone(), steps, unhealthy: Vec::new() }
}

/// The units that run or would run at boot, last started first.
fn stops(receipt: &Receipt, facts: &Facts) -> Vec<Step> {
    let is_there = |unit: &&UnitName| facts.units.get(*unit).is_some_and(|now| is_up(now) || is_enabled(now));
    let stop = |unit: &UnitName| Step {
        action: Action::Stop { unit: unit.clone() },
        reason: "an earlier run started it".to_owned(),
    };
    receipt.units.iter().rev().filter(is_there).map(stop).collect()
}

fn files(receipt: &Receipt, facts: &Facts) -> Vec<Step> {
    let written = receipt.files.iter().filter(|(path, _)| !receipt.found_files.contains(*path));
    let still_there = written.filter_map(|(path, written)| Some((path, written, facts.files.get(path)?)));
    still_there
        .map(|(path, written, now)| {
            let ours = now.digest == Some(*written);
            let reason = if ours {
                "an earlier run wrote it"
            } else {
                "an earlier run wrote it, and it was changed since"
            };
            Step {
                action: Action::RemoveFile { path: path.clone(), backup: !ours },
                reason: reason.to_owned(),
            }
        })
        .collect()
}

/// The tool's blocks in files of others, and what it let through or labelled.
fn of_system(receipt: &Receipt, facts: &Facts) -> Vec<Step> {
    let step = |action: Action| Step { action, reason: "an earlier run did it".to_owned() };
    let blocks = receipt.blocks.iter().filter(|path| facts.blocks.contains_key(*path));
    let settings = receipt.system.iter().filter(|setting| facts.system.effect(setting) == Effect::InEffect);
    blocks
        .map(|path| step(Action::RemoveBlock { path: path.clone() }))
        .chain(settings.map(|setting| step(Action::UnsetSystem { setting: setting.clone() })))
        .collect()
}

/// The packages that runs of the tool installed. Those that it found as they are wanted stay.
fn packages(receipt: &Receipt, facts: &Facts) -> Option<Step> {
    let brought = |name: &&PackageName| !receipt.found.get(*name).copied().unwrap_or(false);
    let installed = receipt.packages.keys().filter(brought).filter_map(|name| facts.packages.get(name));
    let changes: Vec<PackageChange> =
        installed.map(|package| PackageChange::Remove { from: package.nevra.clone() }).collect();
    let reason = "earlier runs installed them".to_owned();
    (!changes.is_empty()).then_some(Step { action: Action::Packages { changes }, reason })
}

/// Orders the plans of [`reset`] across hosts: a unit is stopped once those that need it are, wherever they are, so that
/// agents end before masters and masters before their ZooKeeper. What failed elsewhere keeps nothing from ending.
pub fn teardown(desired: &[DesiredHost], plans: &[HostPlan]) -> Graph {
    let levels = levels(desired);
    let units: BTreeMap<&UnitName, &ManagedUnit> =
        desired.iter().flat_map(|host| &host.units).map(|unit| (&unit.name, unit)).collect();
    // What no role wants any longer is needed by nobody, and goes first.
    let level = |unit: &UnitName| {
        units.get(unit).and_then(|unit| levels.get(&unit.role)).copied().unwrap_or(usize::MAX)
    };
    let mut graph = Graph { nodes: Vec::new(), windows: Vec::new() };
    let mut stops: Vec<(NodeId, &UnitName)> = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        let stop = |step: &usize| match &plan.steps[*step].action {
            Action::Stop { unit } => Some(unit),
            _ => None,
        };
        let (mut first, rest): (Vec<usize>, Vec<usize>) =
            (0..plan.steps.len()).partition(|step| stop(step).is_some());
        first.sort_by_key(|step| std::cmp::Reverse(stop(step).map_or(0, level)));
        let mut after = None;
        for step in first {
            let id = graph.push(index, vec![step], after);
            stops.extend(stop(&step).map(|unit| (id, unit)));
            after = Some(id);
        }
        if !rest.is_empty() {
            graph.push(index, rest, after);
        }
    }
    for (id, unit) in &stops {
        let Some(role) = units.get(unit).map(|unit| &unit.role) else { continue };
        let needs_it = |other: &UnitName| units.get(other).is_some_and(|other| other.needs.contains(role));
        let before = stops.iter().filter(|(_, other)| needs_it(other));
        graph.nodes[*id].needs = before.map(|(other, _)| Need::Over(*other)).collect();
    }
    graph
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Node;

    #[test]
    fn nodes_keep_their_host() {
        let plan = HostPlan {
            host: "a".parse().unwrap(),
            steps: vec![
                Step { action: Action::Stop { unit: "x.service".parse().unwrap() }, reason: String::new() },
                Step { action: Action::Forget, reason: String::new() },
            ],
            unhealthy: Vec::new(),
        };
        let Graph { nodes, .. } = teardown(&[], &[plan]);
        let expected = [(vec![0], None), (vec![1], Some(0))];
        let found: Vec<(Vec<usize>, Option<NodeId>)> =
            nodes.into_iter().map(|Node { steps, after, .. }| (steps, after)).collect();
        assert_eq!(found, expected);
    }
}
