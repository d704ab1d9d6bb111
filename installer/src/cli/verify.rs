//! `verify`: proves that the cluster works.

mod tasks;

use std::time::{Duration, Instant};

use super::hosts::{HostArgs, Prepared};
use super::{Common, Exit, Failure, finish};
use crate::diagnostic::with_causes;
use crate::event::{Outcome, Summary, Totals};
use crate::facts::{FactsQuery, problems};
use crate::fleet::{Fleet, Member};
use crate::host::HostError;
use crate::model::HostName;
use crate::report::{Format, json_line, show_checks, show_summary};
use crate::verify::{self, Answers, Check, Installed};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    hosts: HostArgs,
    /// Write the checks to this file as well, in the form of JUnit, which CI systems read.
    #[arg(long, value_name = "FILE")]
    junit: Option<camino::Utf8PathBuf>,
    /// Launch tasks as well, in net-groups on two agents: who of them may reach whom, and whether Mesos-DNS knows their
    /// names. They are removed again in any case.
    #[arg(long)]
    tasks: bool,
    /// How long these tasks may take to run, for example 90s or 10m.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = super::apps::patience, requires = "tasks")]
    timeout: Duration,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let prepared = Prepared::load_to_look(common, &args.hosts)?;
    let reporter = prepared.reporter(common, "verify")?;
    // Two runs would remove one another's tasks, and an `apply` would be taken for a cluster that does not work.
    let holder = args.tasks.then(super::who);
    let mut fleet = prepared.look_under(&reporter, holder.as_deref())?;
    let locked = |member: &Member<'_>| match &member.state {
        Err(error @ HostError::Locked { .. }) => Some(format!("{}: {error}", member.name())),
        _ => None,
    };
    if let Some(held) = fleet.members.iter().find_map(locked) {
        return Err(Failure::new(Exit::Locked, held));
    }
    let mut checks: Vec<Check> = fleet.members.iter().flat_map(|member| of_host(&prepared, member)).collect();
    checks.extend(verify::checks(&prepared.cluster, &ask(&prepared, &mut fleet)?, &installed(&fleet)));
    if args.tasks {
        checks.extend(tasks::run(common, &prepared, &mut fleet, args.timeout)?);
    }
    if let Some(file) = &args.junit {
        fs_err::write(file, verify::junit(&checks, begun.elapsed())).map_err(Failure::usage)?;
    }
    let summary = Summary::new("verify", totals(&fleet, &checks), 0, begun);
    checks.iter().for_each(|check| reporter.record(check));
    reporter.record(&summary);
    let format = reporter.format();
    reporter.finish();
    match format {
        Format::Json => checks.iter().for_each(json_line),
        _ => anstream::print!("{}", show_checks(&checks)),
    }
    show_summary(format, &summary);
    Ok(finish::exit(&prepared, checks.iter().all(|check| check.ok)))
}

/// What the host's own facts prove: it answers, its services are healthy, it is as the inventory says.
fn of_host(prepared: &Prepared, member: &Member<'_>) -> Vec<Check> {
    let check = |name, ok, seen| Check::new(name, Some(member.name().clone()), ok, seen);
    let known = match &member.state {
        Ok(known) => known,
        Err(error) => return vec![check("reachable", false, with_causes(error))],
    };
    let units = problems(&member.desired.units, &known.facts);
    let sick: Vec<String> = units
        .iter()
        .filter_map(|(unit, problem)| Some(format!("{}: {}", unit.name, problem.as_ref()?)))
        .collect();
    let healthy = sick.is_empty();
    let names: Vec<&str> = units.iter().map(|(unit, _)| unit.name.as_str()).collect();
    let seen = if healthy { names.join(", ") } else { sick.join("; ") };
    let drift = match prepared.plan(member.desired, &known.facts) {
        Ok(plan) if plan.steps.is_empty() => {
            (true, "packages, files and units are as the inventory says".to_owned())
        }
        Ok(plan) => {
            let steps: Vec<String> = plan.steps.iter().map(|step| step.action.to_string()).collect();
            (false, format!("`apply` would: {}", steps.join(", ")))
        }
        Err(error) => (false, with_causes(&error)),
    };
    vec![check("services-healthy", healthy, seen), check("no-drift", drift.0, drift.1)]
}

/// The versions of the packages that the hosts have.
fn installed(fleet: &Fleet<'_>) -> Installed {
    let of = |member: &Member<'_>| {
        let packages = &member.facts()?.packages;
        let versions = packages.iter().map(|(name, package)| (name.clone(), package.nevra.version.clone()));
        Some((member.name().clone(), versions.collect()))
    };
    fleet.members.iter().filter_map(of).collect()
}

/// Asks the services about each other, on all hosts at once.
fn ask(prepared: &Prepared, fleet: &mut Fleet<'_>) -> Result<Answers, Failure> {
    let asked = fleet.on_all(prepared.forks, |member| {
        let host = prepared.cluster.host(member.desired.host.as_str())?;
        let known = member.state.as_mut().ok()?;
        let questions = verify::questions(&prepared.cluster, host);
        let probes =
            questions.iter().map(|question| member.desired.secured(question.check.clone())).collect();
        let answers = match questions.is_empty() {
            true => Vec::new(),
            false => known.host.facts(&FactsQuery { probes, ..FactsQuery::default() }).ok()?.answers,
        };
        let mut about: Vec<_> = questions.iter().map(|question| question.topic).zip(answers).collect();
        let (topics, inquiries): (Vec<_>, Vec<_>) = verify::inquiries(host).into_iter().unzip();
        // A host that cannot be asked has answered nothing, which the checks tell.
        about.extend(topics.into_iter().zip(known.host.ask(&inquiries, Duration::ZERO).unwrap_or_default()));
        Some((member.desired.host.clone(), about))
    });
    Ok(asked.map_err(Failure::usage)?.into_iter().flatten().collect())
}

fn totals(fleet: &Fleet<'_>, checks: &[Check]) -> Totals {
    let wrong = |name: &HostName| checks.iter().any(|check| !check.ok && check.host.as_ref() == Some(name));
    Totals::count(fleet.members.iter().map(|member| match &member.state {
        Err(error) => super::hosts::outcome_of(error),
        Ok(_) if wrong(member.name()) => Outcome::Failed,
        Ok(_) => Outcome::Unchanged,
    }))
}
