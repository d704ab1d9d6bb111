//! `plan`: what `apply` would change, and why.

use std::time::Instant;

use camino::Utf8PathBuf;

use super::hosts::{HostArgs, Prepared};
use super::{Common, Exit, Failure, finish, saved};
use crate::event::{Event, HostReport, Outcome};
use crate::plan::HostPlan;
use crate::report::{Format, show_plan};

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    hosts: HostArgs,
    /// Save the plan, for `apply --plan`.
    #[arg(long, value_name = "FILE")]
    out: Option<Utf8PathBuf>,
    /// Exit with status 3 where changes are pending.
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let prepared = Prepared::load(common, &args.hosts)?;
    let reporter = prepared.reporter(common, "plan")?;
    let fleet = prepared.look(&reporter)?;
    let (plans, mut reports) = prepared.plan_all(&fleet)?;
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
