//! `rollback`: returns hosts to the packages and files of an earlier run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use schemars::JsonSchema;
use serde::Serialize;

use super::apply::{Way, bring};
use super::hosts::{Goal, HostArgs, Prepared};
use super::{Common, Exit, Failure, finish};
use crate::diagnostic::with_causes;
use crate::event::{Outcome, Summary, Totals};
use crate::history::{Record, as_of};
use crate::host::HostError;
use crate::model::HostName;
use crate::report::{EarlierRun, Format, json_line, show_earlier_runs, show_summary};

/// Arguments of `rollback`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    hosts: HostArgs,
    /// Show the runs that can be gone back to, and change nothing.
    #[arg(long)]
    list: bool,
    /// Go back to what the hosts were like after this run; the one before the last unless given.
    #[arg(long, value_name = "RUN", conflicts_with = "list")]
    to: Option<String>,
    /// Do not ask before changing hosts.
    #[arg(short, long)]
    yes: bool,
}

/// What is known of the hosts' past.
type Histories = Vec<(HostName, Result<Vec<Record>, HostError>)>;

/// A run that hosts can go back to.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename = "earlier-run")]
pub(super) struct Line<'a> {
    #[serde(flatten)]
    run: &'a EarlierRun,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let mut prepared = Prepared::load_to_look(common, &args.hosts)?;
    let histories = histories(common, &prepared)?;
    let runs = runs(&histories);
    if args.list {
        return Ok(list(common, &prepared, &histories, &runs, begun));
    }
    let target = target(&runs, args.to.as_deref())?;
    // A host that could not be asked keeps what the inventory says of it, and is reported as what it is.
    let mut packages = BTreeMap::new();
    let mut desired = Vec::new();
    for (host, history) in &histories {
        match history.as_ref().map(|records| as_of(records, &target)) {
            Ok(Some(record)) => {
                packages.insert(host.clone(), record.package_set(prepared.repository.as_ref()));
                desired.push(record.desired.clone());
            }
            Ok(None) => {
                anstream::eprintln!("{host}: it was not there yet in run {target}, and is left as it is")
            }
            Err(_) => desired.extend(prepared.desired.iter().find(|desired| desired.host == *host).cloned()),
        }
    }
    prepared.desired = desired;
    prepared.goal = Goal::Rollback { packages };
    bring(common, &prepared, &Way { command: "rollback", yes: args.yes, saved: None, skip: None })
}

/// Asks all hosts for the records of their runs.
fn histories(common: &Common, prepared: &Prepared) -> Result<Histories, Failure> {
    let reporter = common.reporter()?;
    let mut fleet = prepared.look(&reporter)?;
    let asked = fleet.on_all(prepared.forks, |member| {
        let history = match &mut member.state {
            Ok(known) => known.host.history(),
            Err(error) => Err(std::mem::replace(error, HostError::Interrupted)),
        };
        (member.desired.host.clone(), history)
    });
    asked.map_err(Failure::usage)
}

/// All runs, oldest first, each with what it changed.
fn runs(histories: &Histories) -> Vec<EarlierRun> {
    let mut runs: BTreeMap<&str, (Vec<&HostName>, BTreeSet<String>)> = BTreeMap::new();
    for (host, records) in histories {
        for record in records.iter().flatten() {
            let (hosts, packages) = runs.entry(&record.run).or_default();
            hosts.push(host);
            packages.extend(
                record.packages.iter().map(|built| format!("{} {}", built.nevra.name, built.nevra.evr())),
            );
        }
    }
    let last = runs.keys().next_back().copied().unwrap_or_default().to_owned();
    let run = |(name, (hosts, packages)): (&str, (Vec<&HostName>, BTreeSet<String>))| EarlierRun {
        name: name.to_owned(),
        hosts: hosts.into_iter().cloned().collect(),
        packages: packages.into_iter().collect(),
        current: name == last,
    };
    runs.into_iter().map(run).collect()
}

/// The run that is gone back to.
fn target(runs: &[EarlierRun], to: Option<&str>) -> Result<String, Failure> {
    match (to, runs) {
        (Some(to), _) if runs.iter().any(|run| run.name == to) => Ok(to.to_owned()),
        (Some(to), _) => Err(Failure::usage(format!(
            "no host remembers a run `{to}`\nSee with `rollback --list` which runs there are."
        ))),
        (None, [.., before, _]) => Ok(before.name.clone()),
        (None, _) => Err(Failure::new(
            Exit::Refused,
            "there is no run before the last one to go back to, and nothing was changed\n\
             The hosts keep what the last ten runs made of them; see it with `rollback --list`.",
        )),
    }
}

fn list(
    common: &Common,
    prepared: &Prepared,
    histories: &Histories,
    runs: &[EarlierRun],
    begun: Instant,
) -> Exit {
    let format = Format::detect(common.json);
    match format {
        Format::Json => runs.iter().for_each(|run| json_line(&Line { run })),
        _ => {
            anstream::print!("{}", show_earlier_runs(runs));
            for (host, history) in histories {
                if let Err(error) = history {
                    anstream::println!("{host}: {}", with_causes(error));
                }
            }
        }
    }
    let totals = Totals::count(histories.iter().map(|(_, history)| match history {
        Ok(_) => Outcome::Unchanged,
        Err(error) => super::hosts::outcome_of(error),
    }));
    show_summary(format, &Summary::new("rollback", totals, 0, begun));
    finish::exit(prepared, totals.all_well())
}
