//! Which files are written or taken away, and why.

use super::{Action, FileChange, PlanError, Step, unified_diff};
use crate::desired::{DesiredHost, ManagedFile};
use crate::facts::{Facts, FileFacts};
use crate::model::{Digest, HostPath};

/// The steps that make the managed files what they should be.
pub(super) fn steps(desired: &DesiredHost, facts: &Facts) -> Result<Vec<Step>, PlanError> {
    let mut steps = Vec::new();
    for (path, file) in &desired.files {
        let receipt = facts.receipt.as_ref().and_then(|receipt| receipt.files.get(path)).copied();
        steps.extend(write(path, file, facts.files.get(path), receipt)?);
    }
    let left_behind = facts.receipt.iter().flat_map(|receipt| &receipt.files);
    for (path, written) in left_behind.filter(|(path, _)| !desired.files.contains_key(*path)) {
        if let Some(now) = facts.files.get(path) {
            steps.push(Step {
                action: Action::RemoveFile { path: path.clone(), backup: now.digest != Some(*written) },
                reason: "no role of this host wants it any longer".to_owned(),
            });
        }
    }
    for (path, block) in &desired.blocks {
        let now = facts.blocks.get(path);
        if now.is_some_and(|now| now.as_slice() == block.content.as_bytes()) {
            continue;
        }
        let ours = facts.receipt.iter().any(|receipt| receipt.blocks.contains(path));
        let reason = match now {
            None if ours => "it was taken out since the last run".to_owned(),
            None => format!("wanted by {}", list(&block.roles)),
            Some(_) => "the inventory, a role or a template changed, or somebody did".to_owned(),
        };
        let digest = Digest::of(block.content.as_bytes());
        let diff = unified_diff(path, now.map(Vec::as_slice), &block.content);
        steps.push(Step { action: Action::WriteBlock { path: path.clone(), digest, diff }, reason });
    }
    let left_behind = facts.receipt.iter().flat_map(|receipt| &receipt.blocks);
    for path in
        left_behind.filter(|path| !desired.blocks.contains_key(*path) && facts.blocks.contains_key(*path))
    {
        let reason = "no role of this host wants it any longer".to_owned();
        steps.push(Step { action: Action::RemoveBlock { path: path.clone() }, reason });
    }
    Ok(steps)
}

fn write(
    path: &HostPath,
    file: &ManagedFile,
    now: Option<&FileFacts>,
    receipt: Option<Digest>,
) -> Result<Option<Step>, PlanError> {
    let digest = file.digest();
    let (change, backup, reason) = match now {
        None if receipt.is_some() => {
            (FileChange::Create, false, "it was deleted since the last run".to_owned())
        }
        None => (FileChange::Create, false, format!("wanted by {}", list(&file.roles))),
        Some(now) if now.kind == "symbolic link" => {
            (FileChange::Replace, true, "it is a link, which may lead to a file that others own".to_owned())
        }
        Some(now) if now.digest.is_none() => {
            return Err(PlanError::NotAFile { path: path.clone(), kind: now.kind.clone() });
        }
        Some(now) if now.digest != Some(digest) => {
            let ours = receipt.is_some() && now.digest == receipt;
            let reason = match receipt {
                _ if ours => "the inventory, a role or a template changed".to_owned(),
                Some(_) => "it was changed by hand since the last run".to_owned(),
                None => "something else put it there".to_owned(),
            };
            (FileChange::Replace, !ours, reason)
        }
        Some(now) => match attributes(file, now) {
            None => return Ok(None),
            Some(reason) => (FileChange::Attributes, false, reason),
        },
    };
    let diff = match change {
        _ if file.secret || file.note.is_some() => None,
        FileChange::Create => unified_diff(path, None, &file.content),
        FileChange::Replace => now
            .and_then(|now| now.content.as_deref())
            .and_then(|old| unified_diff(path, Some(old), &file.content)),
        FileChange::Attributes => None,
    };
    let ManagedFile { owner, group, mode, .. } = file;
    let action = Action::WriteFile {
        path: path.clone(),
        digest,
        owner: owner.clone(),
        group: group.clone(),
        mode: *mode,
        change,
        backup,
        diff,
    };
    let reason = match &file.note {
        Some(note) => format!("{reason}; {note}"),
        None => reason,
    };
    Ok(Some(Step { action, reason }))
}

/// What differs between the attributes, or nothing.
fn attributes(file: &ManagedFile, now: &FileFacts) -> Option<String> {
    let mut differ = Vec::new();
    if file.mode != now.mode {
        differ.push(format!("mode is {}", now.mode));
    }
    if file.owner != now.owner {
        differ.push(format!("owner is {}", now.owner));
    }
    if file.group != now.group {
        differ.push(format!("group is {}", now.group));
    }
    (!differ.is_empty()).then(|| differ.join(", "))
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
