//! The end of a run: reports in the order of the inventory, the totals, the exit status.

use std::time::Instant;

use super::Exit;
use super::hosts::Prepared;
use crate::event::{Event, HostReport, Summary, Totals};
use crate::model::HostName;
use crate::report::{Format, Reporter, show_hosts, show_summary};

/// Shows how a run ended and turns it into an exit status.
pub(super) fn finish(
    command: &'static str,
    reporter: Reporter,
    prepared: &Prepared,
    mut reports: Vec<HostReport>,
    begun: Instant,
) -> Exit {
    let position = |name: &HostName| prepared.desired.iter().position(|host| host.host == *name);
    reports.sort_by_key(|report| position(&report.name));
    for report in &reports {
        reporter.send(Event::Host(report.clone()));
    }
    let totals = Totals::count(reports.iter().map(|report| report.outcome));
    let changes = reports.iter().map(|report| report.changes).sum();
    let summary = Summary::new(command, totals, changes, begun);
    reporter.record(&summary);
    let format = reporter.format();
    reporter.finish();
    if format != Format::Json {
        anstream::print!("{}", show_hosts(&reports));
    }
    show_summary(format, &summary);
    exit(prepared, totals.all_well())
}

/// The exit status of a run: interrupted, all well, or not.
pub(super) fn exit(prepared: &Prepared, all_well: bool) -> Exit {
    if prepared.interrupts.cancel.is_cancelled() {
        Exit::Interrupted
    } else if all_well {
        Exit::Done
    } else {
        Exit::HostFailed
    }
}
