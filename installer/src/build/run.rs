//! One run: which packages must be built and why, and what becomes of them.

use std::collections::BTreeMap;
use std::time::Instant;

use camino::Utf8PathBuf;

use super::distro::Distro;
use super::job::Job;
use super::publish::{self, Place};
use super::release::Release;
use super::rpmbuild::{self, Site};
use super::{BuildError, Event, Reason, Summary, schedule};
use crate::diagnostic::with_causes;
use crate::model::{Nevra, PackageName};
use crate::repository::{Manifest, PackageSet};

/// The packages of a run, sorted into those that the repository has and those that must be built.
pub(super) struct Run<'a> {
    place: &'a Place,
    release: &'a Release,
    distro: &'a Distro,
    jobs: &'a [Job],
    todo: BTreeMap<&'a PackageName, (&'a Job, Reason)>,
    old: Option<&'a PackageSet>,
}

impl<'a> Run<'a> {
    /// Compares what the packages are built from with what `old`, the repository as it is, was built from.
    pub(super) fn new(
        place: &'a Place,
        release: &'a Release,
        distro: &'a Distro,
        jobs: &'a [Job],
        old: Option<&'a PackageSet>,
    ) -> Self {
        let todo = jobs.iter().filter_map(|job| Some((&job.package, (job, reason(job, old)?)))).collect();
        Self { place, release, distro, jobs, todo, old }
    }

    /// The packages that the repository has already.
    pub(super) fn unchanged(&self) -> impl Iterator<Item = &PackageName> {
        self.jobs.iter().map(|job| &job.package).filter(|package| !self.todo.contains_key(package))
    }

    /// Whether anything must be built.
    pub(super) fn has_work(&self) -> bool {
        !self.todo.is_empty()
    }

    /// The numbers of this run.
    pub(super) fn summary(&self) -> Summary {
        Summary {
            release: self.release.name.clone(),
            distro: self.distro.id.clone(),
            folder: self.place.folder.clone(),
            built: self.todo.len(),
            unchanged: self.unchanged().count(),
        }
    }

    /// Builds what must be built, at most `workers` packages at once.
    ///
    /// # Errors
    /// At least one package failed; each was told to `observe`.
    pub(super) fn build(&self, workers: usize, observe: &(dyn Fn(Event) + Sync)) -> Result<(), BuildError> {
        let tasks = self.todo.iter().map(|(package, (job, reason))| schedule::Task {
            package,
            needs: job
                .needs
                .iter()
                .map(|(need, _)| need)
                .filter(|need| self.todo.contains_key(need))
                .collect(),
            work: (*job, *reason),
        });
        let build = |(job, reason): (&Job, Reason)| {
            let package = job.package.clone();
            observe(Event::PackageStarted { package: package.clone(), reason });
            let started = Instant::now();
            match self.build_one(job) {
                Ok(rpms) => {
                    observe(Event::PackageBuilt {
                        package,
                        rpms,
                        duration_ms: started.elapsed().as_millis(),
                    });
                    true
                }
                Err(error) => {
                    let log = matches!(error, BuildError::Package { .. }).then(|| self.place.log(&package));
                    observe(Event::PackageFailed { package, error: with_causes(&error), log });
                    false
                }
            }
        };
        let skipped = |package: &PackageName, failed: &PackageName| {
            observe(Event::PackageSkipped { package: package.clone(), failed: failed.clone() });
        };
        let ended = schedule::run(tasks.collect(), workers, build, skipped);
        match ended.failed.len() {
            0 => Ok(()),
            failed => Err(BuildError::Failed { failed, total: self.todo.len() }),
        }
    }

    /// Builds one package, unless an earlier run has that failed later on.
    fn build_one(&self, job: &Job) -> Result<Vec<Nevra>, BuildError> {
        if self.place.kept_rpms(&job.package, &job.key).is_none() {
            let needed: Vec<_> = job.needs.iter().flat_map(|(need, _)| self.rpms(need)).collect();
            let topdir = self.place.topdir(&job.package)?;
            let log = self.place.log(&job.package);
            let epoch = self.release.source_date_epoch;
            let site = Site { topdir: &topdir, log: &log, needed: &needed, epoch };
            let rpms = rpmbuild::build(job, self.distro, &site)?;
            self.place.keep(&job.package, &job.key, &rpms)?;
        }
        let rpms = self.rpms(&job.package);
        Ok(publish::headers(&rpms)?.into_iter().map(|(nevra, _)| nevra).collect())
    }

    /// The RPMs of a package: built in this run, or those of the repository.
    fn rpms(&self, package: &PackageName) -> Vec<Utf8PathBuf> {
        if let Some((job, _)) = self.todo.get(package) {
            return self.place.kept_rpms(package, &job.key).unwrap_or_default();
        }
        let published = |set: &PackageSet| {
            let build = set.manifest.builds.get(package)?;
            Some(build.rpms.iter().map(|file| set.folder.join(file)).collect())
        };
        self.old.and_then(published).unwrap_or_default()
    }

    /// Replaces the repository by one with the packages of this run and those others that it had before.
    pub(super) fn publish(&self) -> Result<Manifest, BuildError> {
        let mut builds = BTreeMap::new();
        for (package, build) in self.old.iter().flat_map(|set| &set.manifest.builds) {
            if self.release.packages.contains_key(package) {
                builds.insert(package.clone(), (build.clone(), self.rpms(package)));
            }
        }
        for job in self.jobs {
            builds.insert(job.package.clone(), (job.record(), self.rpms(&job.package)));
        }
        let manifest = Manifest {
            release: self.release.name.clone(),
            distro: self.distro.id.clone(),
            arch: std::env::consts::ARCH.to_owned(),
            packages: Vec::new(),
            hosts: Some(self.distro.matches.clone()),
            builds: BTreeMap::new(),
        };
        self.place.publish(manifest, &builds, self.release.source_date_epoch)
    }
}

/// Why a package must be built; `None` when the repository has it already.
fn reason(job: &Job, old: Option<&PackageSet>) -> Option<Reason> {
    let Some((set, build)) = old.and_then(|set| Some((set, set.manifest.builds.get(&job.package)?))) else {
        return Some(Reason::New);
    };
    if build.key != job.key {
        return Some(Reason::Changed);
    }
    let whole = |file: &Utf8PathBuf| {
        set.manifest.packages.iter().any(|package| package.file == *file && set.verify(package).is_ok())
    };
    (build.rpms.is_empty() || !build.rpms.iter().all(whole)).then_some(Reason::Damaged)
}
