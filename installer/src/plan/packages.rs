//! Which packages are uploaded and changed, and why.

use std::cmp::Ordering;

use super::{Action, HostPlan, PackageChange, PlanError, Step};
use crate::desired::{DesiredHost, DesiredPackage};
use crate::facts::{Facts, InstalledPackage};
use crate::model::{Digest, Nevra, PackageName};
use crate::repository::{BuiltPackage, PackageSet, Repository, RepositoryError};

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
        if wanted.optional && packages.is_none_or(|set| set.find(&wanted.name).is_none()) {
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

/// Adds the packages of the repository that the wanted ones require.
pub fn with_required(desired: &mut DesiredHost, repository: &Repository) {
    let wanted = desired.packages.iter().filter(|package| !package.provided);
    let mut added = Vec::new();
    for package in wanted {
        for name in repository.required_by([&package.name]) {
            if desired.packages.iter().chain(&added).all(|known| known.name != *name) {
                let roles = package.roles.clone();
                added.push(DesiredPackage { name: name.clone(), roles, provided: false, optional: true });
            }
        }
    }
    desired.packages.extend(added);
}

/// The name of a package in the upload folder.
pub fn cached_name(digest: Digest) -> String {
    format!("{digest}.rpm")
}

/// Makes sure that every RPM which the plans install, or with `only_sent` every one that they send, is what the build recorded, before any host is changed.
///
/// # Errors
/// The first RPM that is missing or differs.
pub fn verify_packages<'a>(
    plans: impl IntoIterator<Item = (&'a HostPlan, &'a PackageSet)>,
    only_sent: bool,
) -> Result<(), RepositoryError> {
    let mut seen = std::collections::BTreeSet::new();
    for (plan, set) in plans {
        for step in &plan.steps {
            let names: Vec<&PackageName> = match &step.action {
                Action::Packages { changes } if !only_sent => {
                    changes.iter().map(PackageChange::name).collect()
                }
                Action::Upload { package, .. } => vec![&package.name],
                _ => continue,
            };
            for built in names.into_iter().filter_map(|name| set.find(name)) {
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
