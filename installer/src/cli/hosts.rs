//! What the commands that talk to hosts have in common: their options, and the way from the inventory to a fleet.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use super::interrupt::Interrupts;
use super::{Common, Failure, load, runs};
use crate::cluster::Cluster;
use crate::desired::DesiredHost;
use crate::diagnostic::with_causes;
use crate::event::{Event, HostReport, Outcome, RunBegun, RunHost};
use crate::facts::Facts;
use crate::fleet::{Fleet, Reach};
use crate::history::Record;
use crate::host::HostError;
use crate::inventory::{Inventory, Rollout, Selector};
use crate::model::HostName;
use crate::plan::{self, Graph, HostPlan, PlanError};
use crate::receipt::Receipt;
use crate::report::Reporter;
use crate::repository::{PackageSet, Repository, RepositoryError};
use crate::transport::ssh::SshConnector;

/// As many hosts as an inventory's `[rollout] forks` may say.
fn forks(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=Rollout::MAX_FORKS).contains(number));
    number.ok_or_else(|| format!("write a number from 1 to {}", Rollout::MAX_FORKS))
}

/// Options of the commands that talk to hosts.
#[derive(Debug, clap::Args)]
pub(super) struct HostArgs {
    /// The inventory.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub inventory: Utf8PathBuf,
    /// Only these hosts: names, globs and `@role`, separated by commas; `!` in front leaves hosts out.
    #[arg(long, value_name = "SELECTOR")]
    pub limit: Option<String>,
    /// How many hosts are worked on at once; the inventory's `[rollout] forks` unless given.
    #[arg(long, value_name = "N", value_parser = forks)]
    pub forks: Option<u32>,
    /// Record the keys of hosts that `known_hosts` does not know yet. Changed keys are refused all the same.
    #[arg(long)]
    pub accept_new_host_keys: bool,
    /// Ask once for the password that sudo wants on the hosts. It can also be in `[ssh] become_password_file` or in
    /// the environment variable CALICO_MESOS_INSTALL_BECOME_PASSWORD.
    #[arg(short = 'K', long)]
    pub ask_become_password: bool,
    /// Take over hosts that were installed under another name or for another cluster.
    #[arg(long)]
    pub adopt: bool,
    /// Ask once for the password that the hosts want at login. It can also be in the environment variable
    /// CALICO_MESOS_INSTALL_SSH_PASSWORD.
    #[arg(short = 'k', long)]
    pub ask_password: bool,
}

/// What a run brings hosts to.
pub(super) enum Goal {
    /// What the inventory says.
    Inventory,
    /// Nothing of the tool; with `purge`, no data of its services either.
    Reset {
        /// Whether data goes as well.
        purge: bool,
    },
    /// What an earlier run left, from the packages of that run.
    Rollback {
        /// The packages by host.
        packages: BTreeMap<HostName, PackageSet>,
    },
}

/// Everything that can be known without contacting a host.
pub(super) struct Prepared {
    pub(super) goal: Goal,
    pub(super) inventory: Inventory,
    pub(super) cluster: Cluster,
    /// The hosts that the command is about, rendered.
    pub(super) desired: Vec<DesiredHost>,
    pub(super) repository: Option<Repository>,
    pub(super) forks: usize,
    /// The run's name: of its journal here, and of its backups on the hosts.
    pub(super) run: String,
    inventory_path: Utf8PathBuf,
    pub(super) interrupts: Interrupts,
    pub(super) adopt: bool,
    connector: SshConnector,
}

impl Prepared {
    /// Parses, resolves and renders the inventory, and opens the repository that it names.
    pub(super) fn load(common: &Common, args: &HostArgs) -> Result<Self, Failure> {
        let mut prepared = Self::of(load::load_and_issue(common, &args.inventory)?, args)?;
        prepared.repository = open_repository(&prepared.inventory, &prepared.desired)?;
        Ok(prepared)
    }

    /// The same without insisting on packages, for commands that only look at hosts.
    pub(super) fn load_to_look(common: &Common, args: &HostArgs) -> Result<Self, Failure> {
        Self::of(load::load(common, &args.inventory)?, args)
    }

    fn of(loaded: load::Loaded, args: &HostArgs) -> Result<Self, Failure> {
        let load::Loaded { inventory, cluster, hosts: mut desired } = loaded;
        if let Some(limit) = &args.limit {
            let selector: Selector = limit.parse().map_err(Failure::usage)?;
            let picked = cluster.select(&selector).map_err(Failure::usage)?;
            desired.retain(|host| picked.contains(&host.host));
        }
        let repository = open_repository(&inventory, &desired).ok().flatten();
        for host in &mut desired {
            repository.iter().for_each(|repository| plan::with_required(host, repository));
        }
        let connector = super::ssh::connector(&cluster, &inventory.ssh, args)?;
        let forks = args.forks.unwrap_or(inventory.rollout.forks) as usize;
        let interrupts = Interrupts::listen()?;
        let run = runs::new_name();
        Ok(Self {
            goal: Goal::Inventory,
            inventory,
            cluster,
            desired,
            repository,
            forks,
            run,
            inventory_path: args.inventory.clone(),
            interrupts,
            adopt: args.adopt,
            connector,
        })
    }

    /// Begins to show the events of a run of `command`, and to keep them for `report`.
    pub(super) fn reporter(&self, common: &Common, command: &str) -> Result<Reporter, Failure> {
        let reporter = common.reporter_with(runs::journal(&self.run, &common.journal))?;
        let host = |host: &DesiredHost| {
            let of_cluster = self.cluster.host(host.host.as_str())?;
            Some(RunHost { name: host.host.clone(), address: of_cluster.address, roles: host.roles.clone() })
        };
        reporter.send(Event::Run(RunBegun {
            id: self.run.clone(),
            command: command.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            by: super::who(),
            inventory: self.inventory_path.to_string(),
            cluster: self.inventory.name.clone(),
            release: self.inventory.release.value.clone(),
            hosts: self.desired.iter().filter_map(host).collect(),
        }));
        Ok(reporter)
    }

    /// Connects to all hosts and gathers their facts, to look at them only.
    pub(super) fn look(&self, reporter: &Reporter) -> Result<Fleet<'_>, Failure> {
        self.look_under(reporter, None)
    }

    /// The same under a lock, where there is one to be taken.
    pub(super) fn look_under<'a>(
        &'a self,
        reporter: &Reporter,
        lock: Option<&'a str>,
    ) -> Result<Fleet<'a>, Failure> {
        Fleet::gather(&self.desired, &self.reach(reporter, lock)).map_err(Failure::usage)
    }

    /// What it takes to reach the hosts, under a lock where they are going to be changed.
    pub(super) fn reach<'a>(&'a self, reporter: &Reporter, lock: Option<&'a str>) -> Reach<'a> {
        Reach {
            connector: &self.connector,
            run: &self.run,
            lock,
            forks: self.forks,
            cancel: &self.interrupts.cancel,
            events: reporter.events(),
        }
    }

    /// The packages for a host with these facts; none where the run takes none from a repository.
    pub(super) fn packages(
        &self,
        host: &HostName,
        facts: &Facts,
    ) -> Result<Option<&PackageSet>, RepositoryError> {
        match &self.goal {
            Goal::Inventory => {}
            Goal::Reset { .. } => return Ok(None),
            Goal::Rollback { packages } => return Ok(packages.get(host)),
        }
        let Some(repository) = &self.repository else { return Ok(None) };
        repository.for_host(&facts.arch, facts.os()).map(Some)
    }

    /// Plans one host.
    pub(super) fn plan(&self, desired: &DesiredHost, facts: &Facts) -> Result<HostPlan, CannotPlan> {
        if !self.adopt {
            plan::ours(desired, facts, &self.inventory.name)?;
        }
        if let Goal::Reset { purge } = self.goal {
            let host = self.cluster.host(desired.host.as_str()).filter(|_| purge);
            let data = host.map(|host| self.cluster.data_folders(host)).unwrap_or_default();
            return Ok(plan::reset(&desired.host, facts, &data));
        }
        Ok(plan::plan(desired, facts, self.packages(&desired.host, facts)?)?)
    }

    /// The order of the plans across hosts.
    pub(super) fn graph(&self, plans: &[HostPlan]) -> Graph {
        match self.goal {
            Goal::Reset { .. } => plan::teardown(&self.desired, plans),
            _ => plan::graph(&self.desired, plans, self.inventory.rollout),
        }
    }

    /// What the receipt of a host says once its plan is executed; none where nothing is to be kept.
    pub(super) fn receipt(&self, desired: &DesiredHost, facts: &Facts) -> Option<Receipt> {
        if matches!(self.goal, Goal::Reset { .. }) {
            return None;
        }
        let packages = self.packages(&desired.host, facts).ok().flatten();
        Some(plan::receipt(desired, facts, packages, &self.inventory.name))
    }

    /// What is kept of this run on a host that it changed, for going back to it.
    pub(super) fn record(&self, desired: &DesiredHost, facts: &Facts, receipt: &Receipt) -> Record {
        let packages = self.packages(&desired.host, facts).ok().flatten();
        Record::new(&self.run, desired, receipt, packages)
    }

    /// What the receipt of a host says while its plan is executed: what an earlier run left stays named until it
    /// is known to be gone.
    pub(super) fn intent(&self, desired: &DesiredHost, facts: &Facts) -> Receipt {
        match (&facts.receipt, self.receipt(desired, facts)) {
            (Some(before), Some(receipt)) => before.clone().with(&receipt),
            (Some(before), None) => before.clone(),
            (None, Some(receipt)) => receipt,
            (None, None) => Receipt::new(&self.inventory.name, desired.host.clone()),
        }
    }

    /// Plans all hosts that answered; for the others, a report of why not.
    pub(super) fn plan_all(&self, fleet: &Fleet<'_>) -> Result<Planned, Failure> {
        let Planned { mut plans, mut reports, mut refused } = Planned::default();
        for member in &fleet.members {
            match &member.state {
                Ok(known) => match self.plan(member.desired, &known.facts) {
                    Ok(plan) => plans.push(plan),
                    // The operator's inputs are at fault, not the host.
                    Err(CannotPlan::Plan(error @ PlanError::NoPackage { .. })) => {
                        return Err(Failure::usage(error));
                    }
                    Err(CannotPlan::Repository(error)) => return Err(Failure::usage(error)),
                    Err(CannotPlan::Plan(error)) => {
                        reports.push(report(member.desired, Outcome::Failed, 0, &error));
                        refused.push((member.name().clone(), error));
                    }
                },
                Err(error @ HostError::Locked { .. }) => {
                    let text = format!("{}: {error}", member.name());
                    return Err(Failure::new(super::Exit::Locked, text));
                }
                Err(error) => reports.push(report(member.desired, outcome_of(error), 0, error)),
            }
        }
        Ok(Planned { plans, reports, refused })
    }
}

/// What came of planning all hosts.
#[derive(Debug, Default)]
pub(super) struct Planned {
    /// The plans of the hosts that could be planned.
    pub(super) plans: Vec<HostPlan>,
    /// Why others cannot be used.
    pub(super) reports: Vec<HostReport>,
    /// Why hosts that answered cannot be planned, which the checks report.
    pub(super) refused: Vec<(HostName, PlanError)>,
}

impl Planned {
    /// Refuses to go on where a host is another cluster's or was installed as another one, for runs without checks.
    pub(super) fn nobody_elses(&self) -> Result<(), Failure> {
        let foreign = |(_, error): &&(HostName, PlanError)| matches!(error, PlanError::NotOurs { .. });
        let texts: Vec<String> =
            self.refused.iter().filter(foreign).map(|(host, error)| format!("{host}: {error}")).collect();
        if texts.is_empty() {
            return Ok(());
        }
        Err(Failure::new(super::Exit::Refused, format!("{}\nNothing was changed.", texts.join("\n"))))
    }
}

/// Why a host cannot be planned.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) enum CannotPlan {
    Plan(#[from] PlanError),
    Repository(#[from] RepositoryError),
}

/// The outcome that a failed operation is reported as.
pub(super) fn outcome_of(error: &HostError) -> Outcome {
    match error {
        HostError::Interrupted => Outcome::Skipped,
        error if error.is_unreachable() => Outcome::Unreachable,
        _ => Outcome::Failed,
    }
}

/// A report about a host that something is wrong with.
pub(super) fn report(
    desired: &DesiredHost,
    outcome: Outcome,
    changes: usize,
    error: &dyn std::error::Error,
) -> HostReport {
    let mut text = with_causes(error);
    if outcome == Outcome::Unreachable {
        text.push_str("\nMore: docs/troubleshooting.md#a-host-cannot-be-reached");
    }
    HostReport { name: desired.host.clone(), outcome, changes, error: Some(text) }
}

/// Opens the repository, unless every package comes from the hosts' own; refuses what no package set of it holds.
fn open_repository(inventory: &Inventory, desired: &[DesiredHost]) -> Result<Option<Repository>, Failure> {
    let mut wanted = desired
        .iter()
        .flat_map(|host| &host.packages)
        .filter(|package| !package.provided && !package.optional)
        .peekable();
    if wanted.peek().is_none() {
        return Ok(None);
    }
    let repo = &inventory.packages.repo;
    let repository = Repository::open(repo, &inventory.release.value).map_err(Failure::usage)?;
    match wanted.find(|package| repository.sets().iter().all(|set| set.find(&package.name).is_none())) {
        None => Ok(Some(repository)),
        Some(package) => Err(Failure::usage(PlanError::NoPackage {
            package: package.name.clone(),
            role: package.roles[0].clone(),
            repository: repo.to_string(),
        })),
    }
}
