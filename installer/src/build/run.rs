//! One run: which packages must be built and why, and what becomes of them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};

use super::backend::Builder;
use super::budget::{self, Budget};
use super::distro::Distro;
use super::explain::{Difference, differences};
use super::job::Job;
use super::kept::Kept;
use super::publish::{Place, Staged};
use super::release::Release;
use super::rpmbuild::{self, Site};
use super::sign::Signer;
use super::{BuildError, Event, Reason, Request, Summary, header, kept, lint, schedule, space, tools};
use crate::diagnostic::with_causes;
use crate::model::{Nevra, PackageName};
use crate::repository::{Manifest, PackageSet};

/// What a run knows before it looks at any package.
pub(super) struct Setting<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) place: &'a Place,
    pub(super) release: &'a Release,
    pub(super) distro: &'a Distro,
    pub(super) builder: &'a Builder,
    pub(super) signer: Option<&'a Signer>,
    /// The repository as it is.
    pub(super) old: Option<&'a PackageSet>,
}

/// The packages of a run, sorted into those that the repository has and those that must be built.
pub(super) struct Run<'a> {
    setting: Setting<'a>,
    jobs: &'a [Job],
    todo: BTreeMap<&'a PackageName, Due<'a>>,
}

/// A package that must be built.
struct Due<'a> {
    job: &'a Job,
    reason: Reason,
    differences: Vec<Difference>,
}

impl<'a> Run<'a> {
    /// Compares what the packages are built from with what the repository was built from.
    pub(super) fn new(setting: Setting<'a>, jobs: &'a [Job]) -> Self {
        let todo = jobs.iter().filter_map(|job| {
            let (reason, differences) = reason(job, setting.old)?;
            Some((&job.package, Due { job, reason, differences }))
        });
        let todo = todo.collect();
        Self { setting, jobs, todo }
    }

    /// Tells why each of the packages that were named would be built.
    pub(super) fn explain(&self, names: &[String], observe: &(dyn Fn(Event) + Sync)) {
        let named = |job: &&Job| names.iter().any(|name| *name == job.package.as_str());
        for job in self.jobs.iter().filter(named) {
            let due = self.todo.get(&job.package);
            observe(Event::Explained {
                package: job.package.clone(),
                reason: due.map(|due| due.reason),
                differences: due.map(|due| due.differences.clone()).unwrap_or_default(),
            });
        }
    }

    /// The packages that the repository has already.
    pub(super) fn unchanged(&self) -> impl Iterator<Item = &PackageName> {
        self.jobs.iter().map(|job| &job.package).filter(|package| !self.todo.contains_key(package))
    }

    /// Whether any package must be built.
    pub(super) fn must_build(&self) -> bool {
        !self.todo.is_empty()
    }

    /// Whether the repository must be written anew: for packages, signatures, or files of it that are damaged.
    pub(super) fn must_publish(&self) -> bool {
        let signed_by = self.setting.signer.map(|signer| &signer.fingerprint);
        let old = self.setting.old.map(|set| &set.manifest);
        self.must_build()
            || (signed_by.is_some() && old.map(|manifest| manifest.signed_by.as_ref()) != Some(signed_by))
            || !self.setting.place.is_whole()
    }

    /// The numbers of this run.
    pub(super) fn summary(&self) -> Summary {
        Summary {
            release: self.setting.release.name.clone(),
            distro: self.setting.distro.id.clone(),
            folder: self.setting.place.folder.clone(),
            built: self.todo.len(),
            unchanged: self.unchanged().count(),
            different: 0,
        }
    }

    /// Builds what must be built, as many packages at once as the budget has room for.
    ///
    /// # Errors
    /// There is no room on the disk, or at least one package failed; each was told to `observe`.
    pub(super) fn build(&self, observe: &(dyn Fn(Event) + Sync)) -> Result<(), BuildError> {
        let request = self.setting.request;
        let fresh = self.todo.values().map(|due| due.job).filter(|job| self.kept(job).is_none());
        space::check(self.setting.place.folder_above(), fresh)?;
        let compiling = self.todo.values().filter(|due| due.job.compiles).count();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let memory = request.memory.unwrap_or_else(budget::available_memory);
        let budget = Budget::new(request.jobs, cores, memory, compiling);
        let tasks = self.todo.iter().map(|(package, due)| schedule::Task {
            package,
            needs: (due.job.needs.iter().map(|(need, _)| need))
                .filter(|need| self.todo.contains_key(need))
                .collect(),
            work: due,
        });
        let build = |due: &Due<'_>| self.build_and_tell(due, budget.make_jobs, observe);
        let skipped = |package: &PackageName, failed: &PackageName| {
            observe(Event::PackageSkipped { package: package.clone(), failed: failed.clone() });
        };
        let ended = schedule::run(tasks.collect(), budget.packages, build, skipped);
        match ended.failed.len() {
            _ if request.cancel.load(Ordering::SeqCst) => Err(BuildError::Interrupted),
            0 => Ok(()),
            failed => Err(BuildError::Failed { failed, total: self.todo.len() }),
        }
    }

    fn build_and_tell(&self, due: &Due<'_>, make_jobs: usize, observe: &(dyn Fn(Event) + Sync)) -> bool {
        if self.setting.request.cancel.load(Ordering::SeqCst) {
            return false;
        }
        let package = due.job.package.clone();
        let (reason, differences) = (due.reason, due.differences.clone());
        observe(Event::PackageStarted { package: package.clone(), reason, differences });
        let started = Instant::now();
        match self.build_one(due.job, make_jobs, observe) {
            Ok((rpms, report)) => {
                let (lint, duration_ms) = (report.as_deref().map(lint::count), started.elapsed().as_millis());
                observe(Event::PackageBuilt { package, rpms, lint, duration_ms });
                true
            }
            Err(error) => {
                let log = matches!(error, BuildError::Package(_));
                let log = log.then(|| self.setting.place.log(&package));
                let (error, duration_ms) = (with_causes(&error), started.elapsed().as_millis());
                observe(Event::PackageFailed { package, error, log, duration_ms });
                false
            }
        }
    }

    /// Builds one package, unless an earlier run has that failed later on; what it yielded, and rpmlint's report.
    fn build_one(
        &self,
        job: &Job,
        make_jobs: usize,
        observe: &(dyn Fn(Event) + Sync),
    ) -> Result<(Vec<Nevra>, Option<String>), BuildError> {
        let Setting { request, place, release, distro, builder, .. } = &self.setting;
        if self.kept(job).is_none() {
            let needed: Vec<_> = job.needs.iter().flat_map(|(need, _)| self.rpms(need)).collect();
            let topdir = place.topdir(&job.package)?;
            let ccache = tools::ccache(&request.sources.store).filter(|_| job.compiles);
            let site = Site {
                topdir: &topdir,
                log: &place.log(&job.package),
                needed: &needed,
                epoch: release.source_date_epoch,
                builder,
                make_jobs,
                ccache: ccache.as_ref(),
                cancel: request.cancel,
            };
            let built = rpmbuild::build(job, distro, &site, |progress| {
                observe(Event::PackageProgress { package: job.package.clone(), progress });
            })?;
            let report = lint::lint(request.data, &built.rpms, &topdir)?;
            let environment = kept::environment_of(&topdir);
            kept::keep(&self.kept_folder(job), &topdir, &built, report.as_deref(), environment.as_ref())?;
        }
        let kept = self.kept(job).unwrap_or_default();
        let headers = header::read(&kept.rpms)?;
        Ok((headers.into_iter().map(|header| header.nevra).collect(), kept.lint))
    }

    fn kept_folder(&self, job: &Job) -> Utf8PathBuf {
        self.setting.place.kept(&job.package, &job.key)
    }

    /// What was built of a package already, in this run or one that failed later on.
    fn kept(&self, job: &Job) -> Option<Kept> {
        Kept::open(&self.kept_folder(job))
    }

    /// The RPMs of a package: built in this run, or those of the repository.
    fn rpms(&self, package: &PackageName) -> Vec<Utf8PathBuf> {
        let due = self.todo.get(package).and_then(|due| self.kept(due.job));
        due.or_else(|| self.published(package)).unwrap_or_default().rpms
    }

    /// What the repository has of a package.
    fn published(&self, package: &PackageName) -> Option<Kept> {
        let set = self.setting.old?;
        let build = set.manifest.builds.get(package)?;
        let path = |file: &Utf8PathBuf| set.folder.join(file);
        Some(Kept {
            rpms: build.rpms.iter().map(path).collect(),
            source_rpm: build.source_rpm.as_ref().map(|source| path(&source.file)),
            lint: fs_err::read_to_string(lint_file(&set.folder, package)).ok(),
            environment: None,
        })
    }

    /// Replaces the repository by one with the packages of this run and those others that it had before.
    pub(super) fn publish(&self) -> Result<(), BuildError> {
        let Setting { request, place, release, distro, builder, signer, old } = &self.setting;
        let mut staged = BTreeMap::new();
        for (package, build) in old.iter().flat_map(|set| &set.manifest.builds) {
            if let (true, Some(files)) = (release.packages.contains_key(package), self.published(package)) {
                staged.insert(package.clone(), Staged { build: build.clone(), files, is_new: false });
            }
        }
        for due in self.todo.values() {
            let files = self.kept(due.job).unwrap_or_default();
            let mut build = due.job.record();
            build.environment.extend(files.environment.clone().unwrap_or_default());
            build.lint = files.lint.as_deref().map(lint::count);
            staged.insert(due.job.package.clone(), Staged { build, files, is_new: true });
        }
        let manifest = Manifest {
            release: release.name.clone(),
            distro: distro.id.clone(),
            arch: std::env::consts::ARCH.to_owned(),
            packages: Vec::new(),
            hosts: Some(distro.matches.clone()),
            builds: BTreeMap::new(),
            backend: builder.name().to_owned(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            source_date_epoch: release.source_date_epoch,
            identity: None,
            signed_by: signer.map(|signer| signer.fingerprint.clone()),
        };
        place.publish(manifest, staged, *signer, request.base_url)
    }
}

/// Where a repository keeps rpmlint's report of a package.
pub(super) fn lint_file(folder: &Utf8Path, package: &PackageName) -> Utf8PathBuf {
    folder.join("rpmlint").join(format!("{package}.txt"))
}

/// Why a package must be built, and what differs; `None` when the repository has it already.
fn reason(job: &Job, old: Option<&PackageSet>) -> Option<(Reason, Vec<Difference>)> {
    let Some((set, build)) = old.and_then(|set| Some((set, set.manifest.builds.get(&job.package)?))) else {
        return Some((Reason::New, Vec::new()));
    };
    if build.key != job.key {
        return Some((Reason::Changed, differences(build, &job.record())));
    }
    let mut damage = Vec::new();
    let mut look = |file: &Utf8Path, problem: Option<String>| {
        let (input, old) = (format!("file {file}"), Some("as it was built".to_owned()));
        damage.extend(problem.map(|problem| Difference { input, old, new: Some(problem) }));
    };
    for file in &build.rpms {
        let package = set.manifest.packages.iter().find(|package| package.file == *file);
        let missing = || Some("not in build.json".to_owned());
        look(file, package.map_or_else(missing, |package| Some(set.verify(package).err()?.to_string())));
    }
    match &build.source_rpm {
        Some(source) => {
            let verified = set.verify_file(&source.file, source.size, source.sha256);
            look(&source.file, verified.err().map(|error| error.to_string()));
        }
        None => look(Utf8Path::new("SRPMS"), Some("not there".to_owned())),
    }
    for difference in &mut damage {
        let first = difference.new.as_deref().and_then(|text| text.lines().next()).map(str::to_owned);
        difference.new = first;
    }
    (build.rpms.is_empty() || !damage.is_empty()).then_some((Reason::Damaged, damage))
}
