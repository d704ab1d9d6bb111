//! Saved plans: written by `plan --out`, executed by `apply --plan` if every host is still as it was then.
//!
//! A saved plan is never executed from the file. It is what the operator agreed to: `apply` plans anew and
//! goes on only if the outcome is the same.

use std::io::Write as _;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::{Exit, Failure};
use crate::event::HostReport;
use crate::inventory::Inventory;
use crate::plan::{Action, HostPlan};

/// The form of saved plan that this version writes.
const FORMAT: u32 = 1;

/// A plan in a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedPlan {
    format: u32,
    cluster: String,
    hosts: Vec<HostPlan>,
}

/// Saves the plans; refused where a host is missing, since a plan must be whole to be agreed to.
pub(super) fn write(
    file: &Utf8Path,
    inventory: &Inventory,
    plans: &[HostPlan],
    reports: &[HostReport],
) -> Result<(), Failure> {
    if let Some(broken) = reports.iter().find(|report| report.error.is_some()) {
        let why = broken.error.as_deref().unwrap_or_default();
        return Err(Failure::new(
            Exit::HostFailed,
            format!(
                "the plan was not saved, because {} cannot be planned: {why}\n\
                 Mend the host, or leave it out with `--limit '!{}'`.",
                broken.name, broken.name
            ),
        ));
    }
    let saved = SavedPlan { format: FORMAT, cluster: inventory.name.clone(), hosts: plans.to_vec() };
    let text = serde_json::to_string_pretty(&saved).map_err(Failure::usage)?;
    // Diffs may show what only root may read on the hosts.
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    std::os::unix::fs::OpenOptionsExt::mode(options.options_mut(), 0o600);
    let mut out = options.open(file).map_err(Failure::usage)?;
    out.write_all((text + "\n").as_bytes()).map_err(Failure::usage)
}

/// Reads a saved plan.
pub(super) fn read(file: &Utf8Path) -> Result<SavedPlan, Failure> {
    let text = fs_err::read_to_string(file).map_err(Failure::usage)?;
    let saved: SavedPlan = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("{file} is not a saved plan: {error}\nName a file that `plan --out` wrote."))
    })?;
    if saved.format != FORMAT {
        return Err(Failure::usage(format!(
            "{file} was saved by another version of the tool (form {}, this one reads {FORMAT})\n\
             Make it again with `plan --out {file}`.",
            saved.format
        )));
    }
    Ok(saved)
}

/// Refuses unless the new plans change what the saved ones would.
pub(super) fn same(saved: &SavedPlan, inventory: &Inventory, plans: &[HostPlan]) -> Result<(), Failure> {
    let mut drifted: Vec<String> = Vec::new();
    if saved.cluster != inventory.name {
        drifted.push(format!(
            "it is for cluster `{}`, and the inventory is `{}`",
            saved.cluster, inventory.name
        ));
    }
    for was in &saved.hosts {
        match plans.iter().find(|plan| plan.host == was.host) {
            Some(now) if changes(now) == changes(was) => {}
            Some(_) => drifted.push(format!("{} needs other changes than those that were saved", was.host)),
            None => drifted.push(format!("{} can no longer be planned", was.host)),
        }
    }
    let is_new = |plan: &&HostPlan| saved.hosts.iter().all(|was| was.host != plan.host);
    drifted.extend(plans.iter().filter(is_new).map(|plan| format!("{} is not in the saved plan", plan.host)));
    if drifted.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Refused,
        format!(
            "the saved plan no longer fits, and nothing was changed:\n    {}\n\
             Look at what changed with `plan`, save it again and apply that.",
            drifted.join("\n    ")
        ),
    ))
}

/// What a plan changes. Waiting is no change, and neither is an upload: it may have been begun by another run.
fn changes(plan: &HostPlan) -> Vec<&Action> {
    plan.steps
        .iter()
        .map(|step| &step.action)
        .filter(|action| action.changes_host() && !matches!(action, Action::Upload { .. }))
        .collect()
}
