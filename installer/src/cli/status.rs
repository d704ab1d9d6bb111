//! `status`: hosts × services, as they are now.

use std::time::Instant;

use schemars::JsonSchema;
use serde::Serialize;

use super::hosts::{HostArgs, Prepared};
use super::{Common, Exit, Failure, finish};
use crate::diagnostic::with_causes;
use crate::event::{Outcome, Summary, Totals};
use crate::facts::problems;
use crate::fleet::Member;
use crate::model::HostName;
use crate::report::{Format, HostStatus, Service, json_line, show_services, show_summary};

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    hosts: HostArgs,
}

/// What `status` says of a host.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename = "host")]
pub(super) struct Line<'a> {
    /// The host.
    #[schemars(with = "String")]
    name: &'a HostName,
    /// Its services, in the order in which they start.
    services: &'a [Service],
    /// How many changes `apply` would make; none where that cannot be told.
    drift: Option<usize>,
    /// Why the host, or its drift, is not known.
    error: Option<&'a str>,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let prepared = Prepared::load_to_look(common, &args.hosts)?;
    let reporter = common.reporter()?;
    let fleet = prepared.look(&reporter)?;
    let hosts: Vec<(HostName, Result<HostStatus, String>)> =
        fleet.members.iter().map(|member| (member.name().clone(), of_host(&prepared, member))).collect();
    let format = reporter.format();
    reporter.finish();
    match format {
        Format::Json => hosts.iter().for_each(|(name, status)| {
            json_line(&match status {
                Ok(HostStatus { services, drift }) => {
                    let error = drift.as_ref().err().map(String::as_str);
                    Line { name, services, drift: drift.as_ref().ok().copied(), error }
                }
                Err(error) => Line { name, services: &[], drift: None, error: Some(error) },
            });
        }),
        _ => anstream::print!("{}", show_services(&hosts)),
    }
    let totals = totals(&hosts);
    let drift = |status: &Result<HostStatus, String>| status.as_ref().ok()?.drift.as_ref().ok().copied();
    let changes = hosts.iter().filter_map(|(_, status)| drift(status)).sum();
    show_summary(format, &Summary::new("status", totals, changes, begun));
    Ok(finish::exit(&prepared, totals.all_well()))
}

/// The services of one host, and how many changes it is away from the inventory.
fn of_host(prepared: &Prepared, member: &Member<'_>) -> Result<HostStatus, String> {
    let known = member.state.as_ref().map_err(|error| with_causes(error))?;
    let facts = &known.facts;
    let services = problems(&member.desired.units, facts).into_iter().map(|(unit, problem)| {
        let now = facts.units.get(&unit.name).filter(|now| now.load != "not-found");
        let package = unit.packages.first().and_then(|name| facts.packages.get(name));
        Service {
            name: unit.name.clone(),
            state: now.map_or_else(|| "not installed".to_owned(), |now| now.active.clone()),
            version: package.map(|package| package.nevra.evr()),
            healthy: problem.is_none(),
            problem,
        }
    });
    let services = services.collect();
    let drift =
        prepared.plan(member.desired, facts).map(|plan| plan.changes()).map_err(|error| with_causes(&error));
    Ok(HostStatus { services, drift })
}

/// Hosts by what was found: `changed` counts those that have drifted.
fn totals(hosts: &[(HostName, Result<HostStatus, String>)]) -> Totals {
    Totals::count(hosts.iter().map(|(_, status)| match status {
        Err(_) => Outcome::Unreachable,
        Ok(status) if status.services.iter().any(|service| !service.healthy) => Outcome::Failed,
        Ok(HostStatus { drift: Ok(1..), .. }) => Outcome::Changed,
        Ok(_) => Outcome::Unchanged,
    }))
}
