//! The checks before anything changes, as `apply`, `plan` and `validate --hosts` run them.

use std::collections::BTreeSet;

use super::hosts::{Planned, Prepared};
use super::{Exit, Failure};
use crate::checks::{self, Answers, Finding, Input, Level, Subject};
use crate::diagnostic::suggestion;
use crate::event::{Event, Phase};
use crate::fleet::{Fleet, Reach};
use crate::plan::HostPlan;
use crate::report::{Format, Reporter, show_findings};

/// Options of the commands that run checks.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Leave out a check; may be given several times. What it would have refused may then go wrong half-way.
    #[arg(long = "skip-check", value_name = "NAME")]
    skip: Vec<String>,
}

impl CheckArgs {
    /// The checks that are left out.
    ///
    /// # Errors
    /// A name that no check goes by.
    pub(super) fn skipped(&self) -> Result<BTreeSet<&str>, Failure> {
        match self.skip.iter().find(|name| checks::names().all(|known| known != name.as_str())) {
            None => Ok(self.skip.iter().map(String::as_str).collect()),
            Some(unknown) => {
                let help = suggestion(unknown, "checks", checks::names());
                Err(Failure::usage(format!("there is no check `{unknown}`\n{help}")))
            }
        }
    }
}

/// Which hosts are asked what they see around them, which takes a round trip more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Those that would be changed: what runs and stays as it is shows by itself that it reaches the others.
    Changing,
    /// All.
    All,
}

/// Runs all checks but those in `skip`.
pub(super) fn run(
    prepared: &Prepared,
    fleet: &mut Fleet<'_>,
    planned: &Planned,
    skip: &BTreeSet<&str>,
    ask: Ask,
    reach: &Reach<'_>,
) -> Result<Vec<Finding>, Failure> {
    let answers =
        if checks::survey(skip) { survey(prepared, fleet, planned, ask, reach)? } else { Answers::new() };
    Ok(checks::run(&input(prepared, fleet, planned), &answers, skip))
}

/// Runs the checks and refuses to go on where one fails. Warnings are shown.
pub(super) fn before_changes(
    prepared: &Prepared,
    fleet: &mut Fleet<'_>,
    planned: &Planned,
    skip: &BTreeSet<&str>,
    reporter: &Reporter,
    reach: &Reach<'_>,
) -> Result<(), Failure> {
    let mut findings = run(prepared, fleet, planned, skip, Ask::Changing, reach)?;
    findings.retain(|finding| !finding.ok);
    for finding in &findings {
        reporter.send(Event::Check { finding: finding.clone() });
    }
    let (failed, warned): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.level == Some(Level::Fail));
    reporter.flush();
    if !warned.is_empty() && reporter.format() != Format::Json {
        anstream::eprint!("{}", show_findings(&warned));
    }
    if failed.is_empty() { Ok(()) } else { Err(refusal(&failed)) }
}

/// The failure of a run that checks refused.
pub(super) fn refusal(failed: &[Finding]) -> Failure {
    let mut hosts: Vec<&str> = failed.iter().filter_map(|f| Some(f.host.as_ref()?.as_str())).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let one_by_one = hosts.iter().map(|host| format!("!{host}")).collect::<Vec<_>>().join(",");
    Failure::new(
        Exit::Refused,
        format!(
            "checks failed, and nothing was changed:\n{}\
             Mend that and run again. To go on without these hosts add `--limit '{one_by_one}'`; to go on without a check \
             add `--skip-check NAME`.",
            show_findings(failed)
        ),
    )
}

/// Asks hosts what they see around them, all at once.
fn survey(
    prepared: &Prepared,
    fleet: &mut Fleet<'_>,
    planned: &Planned,
    ask: Ask,
    reach: &Reach<'_>,
) -> Result<Answers, Failure> {
    let queries: Vec<_> = {
        let input = input(prepared, fleet, planned);
        let is_asked = |subject: &&Subject<'_>| {
            ask == Ask::All || subject.plan.is_ok_and(|plan: &HostPlan| plan.changes() > 0)
        };
        let subjects = input.hosts.iter().filter(is_asked);
        let queries =
            subjects.map(|subject| (subject.host.name.clone(), checks::questions(&input, subject.host)));
        queries.filter(|(_, query)| !query.is_empty()).collect()
    };
    if queries.is_empty() {
        return Ok(Answers::new());
    }
    reach.events.send(Event::Phase { phase: Phase::Survey, hosts: queries.len() });
    let answers = fleet.on_all(prepared.forks, |member| {
        let (name, query) = queries.iter().find(|(name, _)| name == member.name())?;
        let known = member.state.as_mut().ok()?;
        match known.host.survey(query) {
            Ok(survey) => Some((name.clone(), (query.clone(), survey))),
            // A connection that is lost meanwhile is what the run itself will report.
            Err(_) => None,
        }
    });
    Ok(answers.map_err(Failure::usage)?.into_iter().flatten().collect())
}

/// What is known of the hosts that answered.
fn input<'a>(prepared: &'a Prepared, fleet: &'a Fleet<'_>, planned: &'a Planned) -> Input<'a> {
    let subject = |member: &'a crate::fleet::Member<'_>| {
        let facts = member.facts()?;
        let plan = match planned.plans.iter().find(|plan| plan.host == *member.name()) {
            Some(plan) => Ok(plan),
            None => Err(&planned.refused.iter().find(|(host, _)| host == member.name())?.1),
        };
        Some(Subject {
            host: prepared.cluster.host(member.name().as_str())?,
            desired: member.desired,
            facts,
            plan,
            packages: prepared.packages(member.name(), facts).ok().flatten(),
        })
    };
    Input { cluster: &prepared.cluster, hosts: fleet.members.iter().filter_map(subject).collect() }
}
