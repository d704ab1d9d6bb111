//! Whether the host as such can be installed on.

use std::collections::BTreeMap;

use bytesize::ByteSize;

use super::{Input, Problem, Subject};
use crate::facts::{CACHE_DIR, ModuleState, STATE_DIR};
use crate::model::Digest;
use crate::plan::{Action, PackageChange, PlanError};

/// Room that must stay free where something is installed, in bytes: for rpm's database and the services' first files.
const RESERVE: u64 = 64 << 20;
/// Room that services need for data and logs even where nothing is installed.
const LEAST: u64 = 16 << 20;
/// How much larger than its RPM a package is on disk, at most.
const UNPACKED: u64 = 3;

/// Memory below which nothing is worth trying, and below which services are short of it.
const MEMORY: (u64, u64) = (256 << 20, 1 << 30);

/// A plan that could not be made for one of these reasons, as problems: the error has the remedy on its later lines.
fn cannot_plan(input: &Input<'_>, concerns: fn(&PlanError) -> bool) -> Vec<Problem> {
    let refused = |subject: &Subject<'_>| {
        let error = subject.plan.err().filter(|error| concerns(error))?.to_string();
        let (seen, remedy) = error.split_once('\n').unwrap_or((&error, ""));
        Some(subject.fail(seen, remedy.replace('\n', " ")))
    };
    input.hosts.iter().filter_map(refused).collect()
}

pub(super) fn ownership(input: &Input<'_>) -> Vec<Problem> {
    cannot_plan(input, |error| matches!(error, PlanError::NotOurs { .. }))
}

pub(super) fn systemd(input: &Input<'_>) -> Vec<Problem> {
    cannot_plan(input, |error| matches!(error, PlanError::NotSystemd { .. } | PlanError::Masked { .. }))
}

pub(super) fn package_manager(input: &Input<'_>) -> Vec<Problem> {
    cannot_plan(input, |error| {
        matches!(error, PlanError::NoPackageManager { .. } | PlanError::BrokenDatabase { .. })
    })
}

pub(super) fn paths(input: &Input<'_>) -> Vec<Problem> {
    cannot_plan(input, |error| matches!(error, PlanError::NotAFile { .. }))
}

pub(super) fn disk_space(input: &Input<'_>) -> Vec<Problem> {
    input.hosts.iter().flat_map(room).collect()
}

/// What the plan and the services need on each file system, against what is free there.
fn room(subject: &Subject<'_>) -> Vec<Problem> {
    let mut needs: BTreeMap<&str, (u64, Vec<&str>)> = BTreeMap::new();
    let mut need = |path: &'static str, bytes: u64, least: u64| {
        let Some((mount, _)) = subject.facts.file_system_of(path) else { return };
        let (sum, paths) = needs.entry(mount).or_insert((0, Vec::new()));
        *sum = (*sum + bytes).max(least);
        paths.push(path);
    };
    let (uploads, packages) = sizes(subject);
    let least = if packages > 0 { RESERVE } else { LEAST };
    need(CACHE_DIR, uploads, 0);
    need("/usr", packages * UNPACKED, 0);
    need("/var/lib", 0, 0);
    need(STATE_DIR, 0, least);
    need("/var/log", 0, LEAST);
    let short = |(mount, (needed, paths)): (&str, (u64, Vec<&str>))| {
        let free = subject.facts.free.get(mount).copied().filter(|free| *free < needed)?;
        let seen = format!(
            "{} are needed for {} on the file system {mount} and {} are free",
            ByteSize(needed).display().iec(),
            paths.join(", "),
            ByteSize(free).display().iec()
        );
        let uploads = if paths.contains(&CACHE_DIR) {
            format!(" Uploads of earlier runs can be deleted from {CACHE_DIR}.")
        } else {
            String::new()
        };
        Some(subject.fail(seen, format!("Free some space on {mount}.{uploads}")))
    };
    needs.into_iter().filter_map(short).collect()
}

/// Bytes that the plan uploads, and bytes of all RPMs that it installs.
fn sizes(subject: &Subject<'_>) -> (u64, u64) {
    let mut uploads = 0;
    let mut installs = 0;
    let size = |digest: &Digest| {
        let set = subject.packages.map(|set| set.manifest.packages.as_slice()).unwrap_or_default();
        set.iter().find(|built| built.sha256 == *digest).map_or(0, |built| built.size)
    };
    for step in subject.plan.iter().flat_map(|plan| &plan.steps) {
        match &step.action {
            Action::Upload { size, .. } => uploads += size,
            Action::Packages { changes } => {
                installs += changes.iter().filter_map(PackageChange::digest).map(size).sum::<u64>();
            }
            _ => {}
        }
    }
    (uploads, installs.max(uploads))
}

pub(super) fn memory(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for subject in &input.hosts {
        let memory = subject.facts.memory;
        let has = ByteSize(memory).display().iec();
        let (least, enough) = MEMORY;
        let larger = "Take a host with more memory.";
        if memory < least {
            let seen = format!(
                "it has {has} of memory, and nothing runs with less than {}",
                ByteSize(least).display().iec()
            );
            problems.push(subject.fail(seen, larger));
        } else if memory < enough {
            let seen = format!("it has {has} of memory; {} are better", ByteSize(enough).display().iec());
            problems.push(subject.warn(seen, larger));
        }
        let offered = subject.host.vars.get("mesos_agent_resources").and_then(|map| map.get("mem"));
        let offered = offered.and_then(|mem| mem.as_u64().or_else(|| mem.as_str()?.parse().ok()));
        // Mesos counts memory in MiB.
        if let Some(offered) = offered.filter(|mem| subject.host.has("mesos-agent") && mem << 20 > memory) {
            let seen = format!("its agent would offer {offered} MiB of memory, and it has {has}");
            problems.push(subject.fail(seen, "Give a smaller `mem` in `[vars] mesos_agent_resources`."));
        }
    }
    problems
}

pub(super) fn kernel(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for subject in &input.hosts {
        let kernel = &subject.facts.kernel;
        let needs =
            [(subject.has_calico(), "Calico", "2.6.24"), (subject.host.has("docker"), "Docker", "3.10")];
        for (_, program, least) in needs.iter().filter(|(here, ..)| *here) {
            if super::software::older(kernel, least) {
                let seen = format!("its kernel is {kernel}, and {program} needs {least}");
                problems.push(subject.fail(seen, "Update the kernel and reboot."));
            }
        }
    }
    problems
}

pub(super) fn kernel_modules(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for subject in input.hosts.iter().filter(|subject| subject.host.has("calico-node")) {
        let wraps = subject.host.vars.get("ip_pool_ipip").and_then(serde_json::Value::as_bool) == Some(true);
        let wanted = subject.facts.around.modules.iter().filter(|(name, _)| *name != "ipip" || wraps);
        let of = |wanted: ModuleState| {
            move |(name, state): (&String, &ModuleState)| (*state == wanted).then(|| name.clone())
        };
        let missing: Vec<String> = wanted.clone().filter_map(of(ModuleState::Missing)).collect();
        let unknown: Vec<String> = wanted.filter_map(of(ModuleState::Unknown)).collect();
        if !missing.is_empty() {
            let seen = format!("its kernel {} has no module {}", subject.facts.kernel, missing.join(", "));
            let remedy = "Install the package with the kernel's modules (on EL `kernel-modules-extra`).";
            problems.push(subject.fail(seen, remedy));
        }
        if !unknown.is_empty() {
            let seen = format!("it does not say whether there are the kernel modules {}", unknown.join(", "));
            problems.push(subject.warn(seen, "Load them where its kernel is run, with `modprobe`."));
        }
    }
    problems
}
