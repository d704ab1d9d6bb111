//! What is set on the host's own system, and what of it is taken back.

use super::{Action, Step};
use crate::desired::{DesiredHost, MODULES_FILE, SystemSetting};
use crate::facts::{Effect, Facts};

/// What the host must be like, without the files that are only for hosts of another kind.
pub(super) fn applicable(desired: &DesiredHost, facts: &Facts) -> DesiredHost {
    let mut desired = desired.clone();
    desired.files.retain(|path, file| {
        let runs =
            |unit| facts.units.get(unit).is_some_and(|unit: &crate::facts::UnitFacts| unit.is_running());
        let loads_modules = path.as_str() != MODULES_FILE || !facts.system.container;
        loads_modules && file.only_with.as_ref().is_none_or(runs)
    });
    desired
}

/// The units of the host's own that have to read a file of ours again.
pub(super) fn reloads(desired: &DesiredHost, facts: &Facts, files: &[Step]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (path, file) in &desired.files {
        let Some(unit) = &file.only_with else { continue };
        let written = files
            .iter()
            .any(|step| matches!(&step.action, Action::WriteFile { path: other, .. } if other == path));
        let reason = match (written, facts.pending.contains(unit)) {
            (true, _) => format!("{path} changes"),
            (false, true) => "a run that ended early did not come to it".to_owned(),
            (false, false) => continue,
        };
        let action = Action::Reload { unit: unit.clone() };
        if !steps.iter().any(|step| step.action == action) {
            steps.push(Step { action, reason });
        }
    }
    steps
}

/// The steps that set what is not in effect, and take back what an earlier run set and nobody wants any longer.
pub(super) fn steps(desired: &DesiredHost, facts: &Facts) -> Vec<Step> {
    let set = desired.system.iter().filter_map(|setting| match facts.system.effect(setting) {
        Effect::Missing(reason) => {
            Some(Step { action: Action::SetSystem { setting: setting.clone() }, reason })
        }
        Effect::InEffect | Effect::NotHere => None,
    });
    let unset = left_behind(desired, facts).map(|setting| Step {
        action: Action::UnsetSystem { setting: setting.clone() },
        reason: "no role of this host wants it any longer".to_owned(),
    });
    set.chain(unset).collect()
}

/// What an earlier run set, nobody wants any longer, and is still in effect, at least in part.
fn left_behind<'a>(desired: &'a DesiredHost, facts: &'a Facts) -> impl Iterator<Item = &'a SystemSetting> {
    let ours = facts.receipt.iter().flat_map(|receipt| &receipt.system);
    ours.filter(|setting| !desired.system.iter().any(|wanted| is_same_thing(wanted, setting)))
        .filter(|setting| facts.system.effect(setting) == Effect::InEffect)
}

/// Whether both are about one thing, perhaps with another value.
fn is_same_thing(one: &SystemSetting, other: &SystemSetting) -> bool {
    match (one, other) {
        (SystemSetting::Label { path, .. }, SystemSetting::Label { path: other, .. }) => path == other,
        _ => one == other,
    }
}

/// What the receipt says of the settings: those that are taken back one day, unless they were there before us.
pub(super) fn ours(desired: &DesiredHost, facts: &Facts) -> Vec<SystemSetting> {
    let known = |setting: &SystemSetting| {
        facts.receipt.as_ref().is_some_and(|receipt| receipt.system.contains(setting))
    };
    let missing = |setting: &SystemSetting| matches!(facts.system.effect(setting), Effect::Missing(_));
    let wanted = desired.system.iter().filter(|setting| setting.is_taken_back());
    wanted.filter(|setting| known(setting) || missing(setting)).cloned().collect()
}
