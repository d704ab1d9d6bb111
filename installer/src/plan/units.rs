//! Which units are enabled, started, restarted and waited for, and why.

use super::{Action, PackageChange, PlanError, Step};
use crate::desired::{DesiredHost, ManagedUnit, Setting};
use crate::facts::{Facts, SettingFacts, UnitFacts, problems};
use crate::model::{HostPath, UnitName};

/// The steps that stop what an earlier run started and no role wants any longer. They come before all others: a
/// unit cannot be stopped in order once its file is gone.
pub(super) fn stops(desired: &DesiredHost, facts: &Facts) -> Vec<Step> {
    let left_behind = facts.receipt.iter().flat_map(|receipt| &receipt.units);
    left_behind
        .filter(|unit| !desired.units.iter().any(|wanted| wanted.name == **unit))
        .filter(|unit| facts.units.get(*unit).is_some_and(|now| is_up(now) || is_enabled(now)))
        .map(|unit| Step {
            action: Action::Stop { unit: unit.clone() },
            reason: "no role of this host wants it any longer".to_owned(),
        })
        .collect()
}

/// The units of the host that are not healthy now.
pub(super) fn unhealthy(desired: &DesiredHost, facts: &Facts) -> Vec<UnitName> {
    let sick = problems(&desired.units, facts).into_iter().filter(|(_, problem)| problem.is_some());
    sick.map(|(unit, _)| unit.name.clone()).collect()
}

/// The steps that make the units what they should be, given what the plan does to packages and files.
pub(super) fn steps(
    desired: &DesiredHost,
    facts: &Facts,
    packages: &[Step],
    files: &[Step],
) -> Result<Vec<Step>, PlanError> {
    let mut steps = Vec::new();
    steps.extend(reload(desired, facts, packages, files));
    for (unit, problem) in problems(&desired.units, facts) {
        steps.extend(of_unit(unit, desired, facts, packages, files, problem)?);
    }
    Ok(steps)
}

fn of_unit(
    unit: &ManagedUnit,
    desired: &DesiredHost,
    facts: &Facts,
    packages: &[Step],
    files: &[Step],
    problem: Option<String>,
) -> Result<Vec<Step>, PlanError> {
    let now = facts.units.get(&unit.name);
    if now.is_some_and(|now| now.load == "masked") {
        return Err(PlanError::Masked { unit: unit.name.clone() });
    }
    let mut steps = Vec::new();
    let mut step = |action: Action, reason: String| steps.push(Step { action, reason });
    let name = || unit.name.clone();
    for Setting { name, wanted, .. } in &unit.settings {
        let reason = match facts.settings.get(name) {
            Some(SettingFacts::Value(value)) if value == wanted => continue,
            Some(SettingFacts::Value(value)) if value.is_empty() => "it is not set".to_owned(),
            Some(SettingFacts::Value(value)) => format!("it is `{value}`"),
            Some(SettingFacts::Unreadable(status)) => format!("it cannot be read yet (status {status})"),
            None => "it is not known".to_owned(),
        };
        let before = facts.receipt.as_ref().and_then(|receipt| receipt.settings.get(name));
        let before = before.filter(|before| *before != wanted).cloned();
        let (setting, to) = (name.clone(), wanted.clone());
        step(Action::Set { unit: unit.name.clone(), setting, before, to }, reason);
    }
    if !now.is_some_and(is_enabled) {
        let reason = match now {
            Some(now) if now.load != "not-found" => format!("it is {}", known(&now.enabled)),
            _ => "it is new".to_owned(),
        };
        step(Action::Enable { unit: name() }, reason);
    }
    let running = now.filter(|now| now.is_running());
    let started = match running {
        None => {
            let reason = match now {
                Some(now) if now.load != "not-found" => format!("it is {}", known(&now.active)),
                _ => "it is new".to_owned(),
            };
            step(Action::Start { unit: name() }, reason);
            true
        }
        Some(_) => {
            let mut reasons = changed_by_plan(unit, facts, packages, files);
            reasons.extend(gone(unit, desired, facts));
            if reasons.is_empty() && facts.pending.contains(&unit.name) {
                reasons.push("a run that ended early did not come to it".to_owned());
            }
            if !reasons.is_empty() {
                step(Action::Restart { unit: name() }, reasons.join(", "));
            }
            !reasons.is_empty()
        }
    };
    match problem {
        _ if started => step(Action::AwaitHealthy { unit: name() }, "it is started".to_owned()),
        Some(why) => step(Action::AwaitHealthy { unit: name() }, why),
        None => {}
    }
    Ok(steps)
}

/// What the plan itself changes that the unit reads.
fn changed_by_plan(unit: &ManagedUnit, facts: &Facts, packages: &[Step], files: &[Step]) -> Vec<String> {
    let mut reasons = Vec::new();
    for step in packages {
        let Action::Packages { changes } = &step.action else { continue };
        let concerned = changes.iter().map(PackageChange::name).filter(|name| unit.packages.contains(name));
        reasons.extend(concerned.map(|name| format!("package {name} changes")));
    }
    for step in files {
        match &step.action {
            Action::WriteFile { path, .. } if reads(unit, path) => reasons.push(format!("{path} changes")),
            Action::RemoveFile { path, .. } if reads(unit, path) || did_read(unit, facts, path) => {
                reasons.push(format!("{path} goes"));
            }
            _ => {}
        }
    }
    reasons
}

/// What the unit read when an earlier run started it, that nobody wants any longer and that somebody else has already
/// taken away: no step removes it, and the unit still runs with it.
fn gone(unit: &ManagedUnit, desired: &DesiredHost, facts: &Facts) -> Vec<String> {
    let written = facts.receipt.iter().flat_map(|receipt| receipt.files.keys());
    written
        .filter(|path| !desired.files.contains_key(*path) && !facts.files.contains_key(*path))
        .filter(|path| reads(unit, path) || did_read(unit, facts, path))
        .map(|path| format!("{path} is gone"))
        .collect()
}

/// Whether systemd has to read its unit files again before units are touched.
fn reload(desired: &DesiredHost, facts: &Facts, packages: &[Step], files: &[Step]) -> Option<Step> {
    let unit_file = files.iter().find_map(|step| match &step.action {
        Action::WriteFile { path, .. } | Action::RemoveFile { path, .. } if is_unit_file(path) => Some(path),
        _ => None,
    });
    let waiting = |unit: &&ManagedUnit| facts.units.get(&unit.name).is_some_and(|now| now.needs_reload);
    let reason = if let Some(path) = unit_file {
        format!("{path} changes")
    } else if packages.iter().any(|step| matches!(step.action, Action::Packages { .. })) {
        "packages bring units".to_owned()
    } else {
        let unit = desired.units.iter().find(waiting)?;
        format!("the file of {} is newer than what systemd has read", unit.name)
    };
    Some(Step { action: Action::ReloadSystemd, reason })
}

pub(super) fn is_unit_file(path: &HostPath) -> bool {
    ["/etc/systemd/", "/usr/lib/systemd/", "/lib/systemd/"]
        .iter()
        .any(|folder| path.as_str().starts_with(folder))
}

/// Whether a change of `path` concerns the unit: it reads the file, or the file is its own definition.
fn reads(unit: &ManagedUnit, path: &HostPath) -> bool {
    unit.reads.contains(path) || defines(path, &unit.name)
}

/// Whether the unit reads a file of an earlier run that the inventory no longer wants.
fn did_read(unit: &ManagedUnit, facts: &Facts, path: &HostPath) -> bool {
    let readers = facts.receipt.as_ref().and_then(|receipt| receipt.readers.get(path));
    readers.is_some_and(|readers| readers.contains(&unit.name))
}

fn defines(path: &HostPath, unit: &UnitName) -> bool {
    is_unit_file(path)
        && path
            .as_str()
            .split('/')
            .any(|part| part == unit.as_str() || part.strip_suffix(".d") == Some(unit.as_str()))
}

/// Whether anything of the unit runs, however it does.
pub(super) fn is_up(now: &UnitFacts) -> bool {
    !["inactive", "failed", ""].contains(&now.active.as_str())
}

/// Whether the unit comes up at boot, or is of a kind that cannot be enabled.
pub(super) fn is_enabled(now: &UnitFacts) -> bool {
    ["enabled", "static", "generated", "alias"].contains(&now.enabled.as_str())
}

fn known(word: &str) -> &str {
    if word.is_empty() { "not known to systemd" } else { word }
}
