//! `validate`: everything that can be known without contacting a host; with `--hosts`, what the checks find on them.

use std::time::Instant;

use anstream::println;
use serde_json::json;

use super::checks::{self, Ask, CheckArgs};
use super::hosts::{HostArgs, Planned, Prepared, outcome_of};
use super::{Common, Exit, Failure, finish, load, mistakes};
use crate::checks::{Finding, Level};
use crate::diagnostic::quantity;
use crate::event::{Event, Outcome, Summary, Totals};
use crate::fleet::{Fleet, Member};
use crate::report::{Format, json_line, show_findings, show_summary};

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    hosts: HostArgs,
    /// Run the checks on the hosts as well, as `apply` does before it changes anything. The options about hosts are
    /// for this.
    #[arg(long = "hosts")]
    on_hosts: bool,
    #[command(flatten)]
    checks: CheckArgs,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let started = Instant::now();
    let checked = load::check(common, &args.hosts.inventory).inspect_err(|failure| {
        if common.json {
            failure.json_lines();
            println!("{}", summary("validate", started, &[("mistakes", 0)]));
        }
    })?;
    if common.json {
        let found = checked.as_ref().err();
        if let Some(found) = found {
            mistakes::print_json(found);
        }
        let count = found.map_or(0, crate::diagnostic::Mistakes::len);
        if count > 0 || !args.on_hosts {
            println!("{}", summary("validate", started, &[("mistakes", count)]));
            return Ok(if count > 0 { Exit::Usage } else { Exit::Done });
        }
    }
    let loaded = checked.map_err(Failure::usage)?;
    if args.on_hosts {
        return super::whole(common, "validate", |common| ask_hosts(common, args));
    }
    let files: usize = loaded.hosts.iter().map(|host| host.files.len()).sum();
    let (hosts, files) = (quantity(loaded.cluster.hosts.len(), "host"), quantity(files, "file"));
    let path = &args.hosts.inventory;
    println!("{path}: no mistakes; release {}, {hosts}, {files}", loaded.inventory.release.value);
    Ok(Exit::Done)
}

/// Runs all checks on all hosts.
fn ask_hosts(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let skip = args.checks.skipped()?;
    let mut prepared = Prepared::load(common, &args.hosts)?;
    prepared.adopt |= skip.contains("ownership");
    let reporter = common.reporter()?;
    let mut fleet = prepared.look(&reporter)?;
    let planned = prepared.plan_all(&fleet)?;
    let reach = prepared.reach(&reporter, None);
    let findings = checks::run(&prepared, &mut fleet, &planned, &skip, Ask::All, &reach)?;
    drop(reach);
    for finding in &findings {
        reporter.send(Event::Check { finding: finding.clone() });
    }
    let format = reporter.format();
    reporter.finish();
    let Planned { reports, .. } = planned;
    let gone = reports.iter().filter(|report| is_gone(&fleet, report.name.as_ref()));
    match format {
        Format::Json => gone.for_each(|report| json_line(&Event::Host(report.clone()))),
        _ => {
            anstream::print!("{}", show_findings(&findings));
            gone.for_each(|report| {
                println!("{}: {}", report.name, report.error.as_deref().unwrap_or_default())
            });
        }
    }
    let totals = Totals::count(fleet.members.iter().map(|member| outcome(member, &findings)));
    show_summary(format, &Summary::new("validate", totals, 0, begun));
    let refused = findings.iter().any(|finding| finding.level == Some(Level::Fail));
    Ok(match finish::exit(&prepared, totals.all_well()) {
        Exit::Interrupted => Exit::Interrupted,
        _ if refused => Exit::Refused,
        exit => exit,
    })
}

fn is_gone(fleet: &Fleet<'_>, name: &str) -> bool {
    fleet.members.iter().any(|member| member.name().as_str() == name && member.state.is_err())
}

fn outcome(member: &Member<'_>, findings: &[Finding]) -> Outcome {
    let failed = |finding: &Finding| {
        finding.level == Some(Level::Fail) && finding.host.as_ref() == Some(member.name())
    };
    match &member.state {
        Err(error) => outcome_of(error),
        Ok(_) if findings.iter().any(failed) => Outcome::Failed,
        Ok(_) => Outcome::Unchanged,
    }
}

/// The last line of a command that contacts no host, with counts of its own.
pub(super) fn summary(command: &'static str, started: Instant, more: &[(&str, usize)]) -> serde_json::Value {
    let mut summary = json!(Summary::new(command, Totals::default(), 0, started));
    for (key, count) in more {
        summary[*key] = json!(count);
    }
    summary
}
