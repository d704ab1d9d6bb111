//! `plan`: what `apply` would change, and why.

use std::time::Instant;

use camino::Utf8PathBuf;

use super::checks::{self, CheckArgs};
use super::hosts::{HostArgs, Planned, Prepared};
use super::mixed::MixedArgs;
use super::{Common, Exit, Failure, finish, saved};
use crate::event::{Event, HostReport, Outcome};
use crate::plan::HostPlan;
use crate::report::{Format, show_plan};

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    hosts: HostArgs,
    #[command(flatten)]
    checks: CheckArgs,
    /// Save the plan, for `apply --plan`.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    out: Option<Utf8PathBuf>,
    /// Exit with status 3 where changes are pending.
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    mixed: MixedArgs,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let skip = args.checks.skipped()?;
    let mut prepared = Prepared::load(common, &args.hosts)?;
    prepared.adopt |= skip.contains("ownership");
    args.mixed.check(&prepared)?;
    let reporter = prepared.reporter(common, "plan")?;
    let mut fleet = prepared.look(&reporter)?;
    let planned = prepared.plan_all(&fleet)?;
    let reach = prepared.reach(&reporter, None);
    checks::before_changes(&prepared, &mut fleet, &planned, &skip, &reporter, &reach)?;
    drop(reach);
    let Planned { plans, mut reports, .. } = planned;
    for plan in &plans {
        reporter.send(Event::Plan { plan: plan.clone() });
        reports.push(pending(plan));
    }
    if let Some(file) = &args.out {
        saved::write(file, &prepared.inventory, &plans, &reports)?;
    }
    let changes: usize = plans.iter().map(HostPlan::changes).sum();
    if reporter.format() != Format::Json {
        reporter.flush();
        anstream::print!("{}", show_plan(&plans));
    }
    let exit = finish::finish("plan", reporter, &prepared, reports, begun);
    Ok(match exit {
        Exit::Done if changes > 0 && args.detailed_exitcode => Exit::ChangesPending,
        exit => exit,
    })
}

/// The report of a host that was only planned.
fn pending(plan: &HostPlan) -> HostReport {
    let outcome = if plan.changes() > 0 { Outcome::Changed } else { Outcome::Unchanged };
    HostReport { name: plan.host.clone(), outcome, changes: plan.changes(), error: None }
}
