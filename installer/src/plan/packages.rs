//! Which packages are uploaded and changed, and why.

use std::cmp::Ordering;

use super::{Action, HostPlan, PackageChange, PlanError, Step};
use crate::desired::{DesiredHost, DesiredPackage};
use crate::facts::{CACHE_DIR, Facts, InstalledPackage};
use crate::model::{Digest, Nevra};
use crate::repository::{BuiltPackage, PackageSet, RepositoryError};

/// Room that must stay free beside the packages, in bytes: for rpm's database and the services' first files.
const RESERVE: u64 = 64 << 20;

/// The steps that bring the packages to the versions of the repository.
pub(super) fn steps(
    desired: &DesiredHost,
    facts: &Facts,
    packages: Option<&PackageSet>,
) -> Result<Vec<Step>, PlanError> {
    let mut uploads = Vec::new();
    let mut changes = Vec::new();
    let mut reasons = Vec::new();
    for wanted in &desired.packages {
        let installed = facts.packages.get(&wanted.name);
        if wanted.provided {
            if installed.is_none() {
                changes.push(PackageChange::InstallProvided { name: wanted.name.clone() });
                reasons.push(format!("{} is not installed", wanted.name));
            }
            continue;
        }
        let built = find(wanted, packages)?;
        if let Some((change, reason)) = change(installed, built) {
            if !facts.cache.contains_key(&cached_name(built.sha256)) {
                uploads.push(built);
            }
            changes.push(change);
            reasons.push(reason);
        }
    }
    room(facts, &uploads)?;
    let mut steps: Vec<Step> = uploads
        .into_iter()
        .map(|built| Step {
            action: Action::Upload { package: built.nevra.clone(), digest: built.sha256, size: built.size },
            reason: "not uploaded yet".to_owned(),
        })
        .collect();
    if !changes.is_empty() {
        steps.push(Step { action: Action::Packages { changes }, reason: reasons.join(", ") });
    }
    Ok(steps)
}

/// The name of a package in the upload folder.
pub fn cached_name(digest: Digest) -> String {
    format!("{digest}.rpm")
}

/// Makes sure that every RPM which the plans install is what the build recorded, before any host is changed.
///
/// # Errors
/// The first RPM that is missing or differs.
pub fn verify_packages<'a>(
    plans: impl IntoIterator<Item = (&'a HostPlan, &'a PackageSet)>,
) -> Result<(), RepositoryError> {
    let mut seen = std::collections::BTreeSet::new();
    for (plan, set) in plans {
        for step in &plan.steps {
            let Action::Packages { changes } = &step.action else { continue };
            for built in changes.iter().filter_map(|change| set.find(change.name())) {
                if seen.insert(built.sha256) {
                    set.verify(built)?;
                }
            }
        }
    }
    Ok(())
}

fn find<'a>(
    wanted: &DesiredPackage,
    packages: Option<&'a PackageSet>,
) -> Result<&'a BuiltPackage, PlanError> {
    packages.and_then(|set| set.find(&wanted.name)).ok_or_else(|| PlanError::NoPackage {
        package: wanted.name.clone(),
        role: wanted.roles[0].clone(),
        repository: packages.map_or_else(|| "any repository".to_owned(), |set| set.folder.to_string()),
    })
}

fn change(installed: Option<&InstalledPackage>, built: &BuiltPackage) -> Option<(PackageChange, String)> {
    let (to, digest) = (built.nevra.clone(), built.sha256);
    let name = &built.nevra.name;
    let Some(installed) = installed else {
        return Some((PackageChange::Install { to, digest }, format!("{name} is not installed")));
    };
    let from = installed.nevra.clone();
    let reason = format!("{name} {} is installed", from.evr());
    match compare(&from, &to) {
        Ordering::Less => Some((PackageChange::Upgrade { from, to, digest }, reason)),
        Ordering::Greater => Some((PackageChange::Downgrade { from, to, digest }, reason)),
        Ordering::Equal if installed.header_sha1 != built.header_sha1 => {
            Some((PackageChange::Reinstall { to, digest }, format!("{name} is installed from another build")))
        }
        Ordering::Equal => None,
    }
}

/// rpm's order of versions.
fn compare(a: &Nevra, b: &Nevra) -> Ordering {
    let evr = |nevra: &Nevra| {
        rpm_version::Evr::new(nevra.epoch.to_string(), nevra.version.clone(), nevra.release.clone())
    };
    evr(a).cmp(&evr(b))
}

fn room(facts: &Facts, uploads: &[&BuiltPackage]) -> Result<(), PlanError> {
    let uploaded: u64 = uploads.iter().map(|built| built.size).sum();
    // An RPM unpacks to about three times its size; both end up on the same file system on most hosts.
    let needed = if uploads.is_empty() { 0 } else { uploaded * 4 + RESERVE };
    match facts.free_at(CACHE_DIR) {
        Some(free) if free < needed => Err(PlanError::NoSpace { needed, free, path: CACHE_DIR }),
        _ => Ok(()),
    }
}
