//! `apply`: brings every host to what the inventory says. This file is the table of contents of a run.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Instant;

use camino::Utf8PathBuf;

use super::checks::{self, CheckArgs};
use super::hosts::{Goal, HostArgs, Planned, Prepared, outcome_of, report};
use super::mixed::MixedArgs;
use super::saved::{self, SavedPlan};
use super::{Common, Exit, Failure, finish, who};
use crate::desired::DesiredHost;
use crate::event::{Event, Events, HostReport, Outcome, Phase};
use crate::execute::{Executed, Task, execute};
use crate::fleet::{Fleet, Known, Reach};
use crate::host::{HostError, Materials};
use crate::model::HostName;
use crate::plan::{self, HostPlan};
use crate::report::{Format, Reporter, show_plan};

/// Arguments of `apply`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    hosts: HostArgs,
    #[command(flatten)]
    checks: CheckArgs,
    /// Do not ask before changing hosts.
    #[arg(short, long)]
    yes: bool,
    /// Execute this plan, made by `plan --out`, and refuse if a host has changed since.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    plan: Option<Utf8PathBuf>,
    #[command(flatten)]
    mixed: MixedArgs,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let skip = args.checks.skipped()?;
    let mut prepared = Prepared::load(common, &args.hosts)?;
    prepared.adopt |= skip.contains("ownership");
    args.mixed.check(&prepared)?;
    let saved = args.plan.as_deref().map(saved::read).transpose()?;
    bring(common, &prepared, &Way { command: "apply", yes: args.yes, saved, skip: Some(skip) })
}

/// How a run goes about what it brings hosts to.
pub(super) struct Way<'a> {
    /// The command.
    pub(super) command: &'static str,
    /// Whether nobody is asked.
    pub(super) yes: bool,
    /// The plan that was agreed to.
    pub(super) saved: Option<SavedPlan>,
    /// The checks that are left out; none where none is run.
    pub(super) skip: Option<BTreeSet<&'a str>>,
}

/// Brings the hosts to their goal: the way that `apply`, `reset` and `rollback` have in common.
pub(super) fn bring(common: &Common, prepared: &Prepared, way: &Way<'_>) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let reporter = prepared.reporter(common, way.command)?;
    let holder = who();
    let reach = prepared.reach(&reporter, Some(&holder));

    let cancel = &prepared.interrupts.cancel;
    let mut fleet = Fleet::gather(&prepared.desired, &reach).map_err(Failure::usage)?;
    let planned = prepared.plan_all(&fleet)?;
    match &way.skip {
        Some(skip) if !cancel.is_cancelled() => {
            checks::before_changes(prepared, &mut fleet, &planned, skip, &reporter, &reach)?;
        }
        _ => planned.nobody_elses()?,
    }
    let Planned { plans, mut reports, .. } = planned;
    if let Some(saved) = &way.saved {
        saved::same(saved, &prepared.inventory, &plans)?;
    }
    verify_packages(prepared, &fleet, &plans)?;
    if !cancel.is_cancelled() {
        agree(prepared, &reporter, way, &plans)?;
        let executed = change(prepared, &mut fleet, &plans, &reach.events)?;
        reports.extend(confirm(prepared, &mut fleet, executed, &reach)?);
    } else {
        reports.extend(plans.iter().map(left_alone));
    }
    drop(reach);
    Ok(finish::finish(way.command, reporter, prepared, reports, begun))
}

/// Makes sure that what is sent is what was built, before any host is changed.
fn verify_packages(prepared: &Prepared, fleet: &Fleet<'_>, plans: &[HostPlan]) -> Result<(), Failure> {
    let with_sets = plans.iter().filter_map(|plan| {
        let facts = fleet.members.iter().find(|member| *member.name() == plan.host)?.facts()?;
        Some((plan, prepared.packages(&plan.host, facts).ok()??))
    });
    // An earlier run's packages are on the host; only those that are gone from there are sent again.
    let only_sent = matches!(prepared.goal, Goal::Rollback { .. });
    plan::verify_packages(with_sets, only_sent).map_err(|error| Failure::new(Exit::Refused, error))
}

/// Shows the plan and asks, where there is someone to be asked.
fn agree(prepared: &Prepared, reporter: &Reporter, way: &Way<'_>, plans: &[HostPlan]) -> Result<(), Failure> {
    for plan in plans {
        reporter.send(Event::Plan { plan: plan.clone() });
    }
    let changes: usize = plans.iter().map(HostPlan::changes).sum();
    if changes == 0 || way.yes {
        return Ok(());
    }
    if reporter.format() == Format::Json || !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is no terminal to ask on, and hosts would be changed\n\
             Look at the plan with `calico-mesos-install plan`, then add `--yes`.",
        ));
    }
    reporter.flush();
    anstream::print!("{}", show_plan(plans));
    let hosts = plans.iter().filter(|plan| plan.changes() > 0).count();
    let question = format!("{changes} changes on {hosts} hosts. Do it?");
    match prepared.interrupts.free(|| super::ask(&question))? {
        true => Ok(()),
        false => Err(Failure::new(Exit::Refused, "nothing was changed: the answer was not `y`")),
    }
}

/// Executes the plans, in order across hosts.
fn change<'p>(
    prepared: &Prepared,
    fleet: &mut Fleet<'_>,
    plans: &'p [HostPlan],
    events: &Events,
) -> Result<Vec<(&'p HostPlan, Executed)>, Failure> {
    let graph = prepared.graph(plans);
    // A plan is there for every member that answered and could be planned, in the order of the members: the graph,
    // the tasks and what comes of them are all by the position of the plan.
    let mut tasks = Vec::new();
    for member in &mut fleet.members {
        let Some(plan) = plans.iter().find(|plan| plan.host == member.desired.host) else { continue };
        let Ok(known) = &mut member.state else { continue };
        let materials = Materials {
            desired: member.desired,
            packages: prepared.packages(&member.desired.host, &known.facts).ok().flatten(),
            intent: prepared.intent(member.desired, &known.facts),
            restarts: plan.restarts().cloned().collect(),
        };
        tasks.push(Task { host: Mutex::new(known.host.as_mut()), plan, materials });
    }
    let busy = plans.iter().filter(|plan| !plan.steps.is_empty()).count();
    if busy > 0 {
        events.send(Event::Phase { phase: Phase::Execute, hosts: busy });
    }
    let executed = execute(&graph, &tasks, prepared.forks, &prepared.interrupts.cancel, events)
        .map_err(Failure::usage)?;
    Ok(plans.iter().zip(executed).collect())
}

/// Gathers facts again from every host that was changed: a new plan must be empty.
fn confirm<'p>(
    prepared: &Prepared,
    fleet: &mut Fleet<'p>,
    executed: Vec<(&HostPlan, Executed)>,
    reach: &Reach<'p>,
) -> Result<Vec<HostReport>, Failure> {
    let finished = |host: &HostName| {
        executed.iter().any(|(plan, executed)| {
            plan.host == *host
                && !plan.steps.is_empty()
                && executed.failed.is_none()
                && executed.skipped.is_none()
        })
    };
    fleet.gather_again(finished, reach).map_err(Failure::usage)?;
    let mut reports = Vec::new();
    for (plan, executed) in executed {
        let Some(member) = fleet.members.iter_mut().find(|member| member.desired.host == plan.host) else {
            continue;
        };
        reports.push(outcome(prepared, member, executed));
    }
    Ok(reports)
}

fn outcome(prepared: &Prepared, member: &mut crate::fleet::Member<'_>, executed: Executed) -> HostReport {
    let Executed { changes, failed, skipped } = executed;
    let desired = member.desired;
    let name = desired.host.clone();
    if let Some((step, error)) = failed {
        // `skipped` is for hosts that were not begun; one that was interrupted half-way is not what it should be.
        let outcome = if changes > 0 { Outcome::Failed } else { outcome_of(&error) };
        let mut report = report(desired, outcome, changes, &error);
        report.error = report.error.map(|error| format!("{step}: {error}"));
        return report;
    }
    if let Some(why) = skipped {
        return HostReport { name, outcome: Outcome::Skipped, changes, error: Some(why) };
    }
    let known = match &mut member.state {
        Ok(known) => known,
        Err(error) => return report(desired, outcome_of(error), changes, error),
    };
    match prepared.plan(desired, &plan::once_done(desired, &known.facts)) {
        Err(error) => return report(desired, Outcome::Failed, changes, &error),
        Ok(left) if !left.steps.is_empty() => {
            let left: Vec<String> =
                left.steps.iter().map(|step| format!("\n    {} ({})", step.action, step.reason)).collect();
            let error = format!(
                "every step was done, and the host still differs from the inventory:{}\n\
                 Something on the host works against it. Look at it with `calico-mesos-install plan`.",
                left.concat()
            );
            return HostReport { name, outcome: Outcome::Failed, changes, error: Some(error) };
        }
        Ok(_) => {}
    }
    if let Err(error) = keep(prepared, desired, known, changes) {
        return report(desired, Outcome::Failed, changes, &error);
    }
    let outcome = if changes > 0 { Outcome::Changed } else { Outcome::Unchanged };
    HostReport { name, outcome, changes, error: None }
}

/// Keeps on the host what it is like now: the receipt, and where it was changed what it takes to go back to it.
fn keep(
    prepared: &Prepared,
    desired: &DesiredHost,
    known: &mut Known<'_>,
    changes: usize,
) -> Result<(), HostError> {
    let Some(receipt) = prepared.receipt(desired, &known.facts) else { return Ok(()) };
    let is_new = known.facts.receipt.as_ref() != Some(&receipt);
    if is_new {
        known.host.keep(&receipt)?;
    }
    if is_new || changes > 0 {
        known.host.remember(&prepared.record(desired, &known.facts, &receipt))?;
    }
    Ok(())
}

/// The report of a host whose plan was not executed.
fn left_alone(plan: &HostPlan) -> HostReport {
    let (outcome, error) = match plan.changes() {
        0 => (Outcome::Unchanged, None),
        _ => (Outcome::Skipped, Some("interrupted before anything was changed".to_owned())),
    };
    HostReport { name: plan.host.clone(), outcome, changes: 0, error }
}
