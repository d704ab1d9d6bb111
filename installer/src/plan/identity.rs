//! Services that refuse to go on as what they are not: what they keep of themselves must go when that changes.

use super::{Action, FileChange, Step};
use crate::desired::DesiredHost;
use crate::facts::Facts;

/// The steps by which services that have run already begin anew, given what the plan does to files.
///
/// A Mesos agent compares what it offers (attributes, resources, host name, port) with what it has checkpointed and
/// exits when they differ: "Incompatible agent info detected", `Slave::recover` of Mesos 0.28.
pub(super) fn steps(desired: &DesiredHost, facts: &Facts, files: &[Step]) -> Vec<Step> {
    let mut steps = Vec::new();
    for unit in &desired.units {
        let Some(identity) = &unit.identity else { continue };
        // What never ran here has nothing to forget.
        if facts.units.get(&unit.name).is_none_or(|now| now.load == "not-found") {
            continue;
        }
        let says = |path: &str| {
            identity.files.iter().any(|file| path == file || file.ends_with('/') && path.starts_with(file))
        };
        let changed = files.iter().filter_map(|step| match &step.action {
            Action::WriteFile { change: FileChange::Attributes, .. } => None,
            Action::WriteFile { path, .. } | Action::RemoveFile { path, .. } => Some(path.as_str()),
            _ => None,
        });
        let changed: Vec<&str> = changed.filter(|path| says(path)).collect();
        if !changed.is_empty() {
            steps.push(Step {
                action: Action::RemoveFile { path: identity.kept_in.clone(), backup: false },
                reason: format!(
                    "with another {} the service would refuse to start: it begins anew, and what runs under it is lost",
                    changed.join(", ")
                ),
            });
        }
    }
    steps
}
