//! Tables: hosts with their outcomes, hosts with their services.

use comfy_table::{ContentArrangement, Table, presets};
use owo_colors::OwoColorize as _;
use serde::Serialize;

use crate::apps::api::AppState;
use crate::diagnostic::elapsed;
use crate::event::{HostReport, Outcome};
use crate::journal::Run;
use crate::model::{HostName, UnitName};
use crate::verify::tasks::Edge;
use crate::verify::{Check, Level};

/// One service on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Service {
    /// The unit.
    pub name: UnitName,
    /// systemd's word for its state.
    pub state: String,
    /// The installed version of the package that it comes from.
    pub version: Option<String>,
    /// Whether it is active and all its health checks pass.
    pub healthy: bool,
    /// What is wrong, where it is not healthy.
    pub problem: Option<String>,
}

/// A table of hosts with how a run ended for them, then the errors in full.
pub fn show_hosts(reports: &[HostReport]) -> String {
    let mut table = table(["host", "outcome", "changes"]);
    for report in reports {
        let outcome = match report.outcome {
            Outcome::Changed => "changed".yellow().to_string(),
            Outcome::Unchanged => "unchanged".green().to_string(),
            Outcome::Failed => "failed".red().to_string(),
            Outcome::Unreachable => "unreachable".red().to_string(),
            Outcome::Skipped => "skipped".magenta().to_string(),
        };
        table.add_row([report.name.to_string(), outcome, report.changes.to_string()]);
    }
    let mut text = format!("{table}\n");
    for report in reports {
        if let Some(error) = &report.error {
            text.push_str(&format!("\n{}: {error}\n", report.name));
        }
    }
    text
}

/// A run that hosts can go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct EarlierRun {
    /// Its name: when it began.
    pub name: String,
    /// The hosts that it changed.
    pub hosts: Vec<HostName>,
    /// The packages that these hosts had after it, each as name and version.
    pub packages: Vec<String>,
    /// Whether it is the last one.
    pub current: bool,
}

/// A table of runs that hosts can go back to, oldest first.
pub fn show_earlier_runs(runs: &[EarlierRun]) -> String {
    let mut table = table(["run", "hosts", "packages"]);
    for run in runs {
        let name = if run.current { format!("{} (now)", run.name) } else { run.name.clone() };
        let hosts: Vec<&str> = run.hosts.iter().map(HostName::as_str).collect();
        table.add_row([name, hosts.join(", "), run.packages.join(", ")]);
    }
    format!("{table}\n")
}

/// What `status` shows of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostStatus {
    /// Its services.
    pub services: Vec<Service>,
    /// How many changes a plan would make, or why that cannot be said.
    pub drift: Result<usize, String>,
}

/// A table of hosts with their services, then what is wrong with those that are not healthy.
pub fn show_services(hosts: &[(HostName, Result<HostStatus, String>)]) -> String {
    let mut table = table(["host", "service", "version", "state", "health", "drift"]);
    let mut problems = String::new();
    for (host, status) in hosts {
        let HostStatus { services, drift: changes } = match status {
            Ok(status) => status,
            Err(error) => {
                let unknown = "unreachable".red().to_string();
                table.add_row([host.to_string(), "-".to_owned(), "-".to_owned(), unknown]);
                problems.push_str(&format!("\n{host}: {error}\n"));
                continue;
            }
        };
        for service in services {
            if let Some(problem) = &service.problem {
                problems.push_str(&format!("\n{host}: {}: {problem}\n", service.name));
            }
            table.add_row([
                host.to_string(),
                service.name.as_str().trim_end_matches(".service").to_owned(),
                service.version.clone().unwrap_or_else(|| "-".to_owned()),
                service.state.clone(),
                if service.healthy { "healthy".green().to_string() } else { "unhealthy".red().to_string() },
                drift(changes),
            ]);
        }
        if let Err(error) = changes {
            problems.push_str(&format!("\n{host}: its drift cannot be told: {error}\n"));
        }
    }
    format!("{table}\n{problems}")
}

/// Past runs, a line each.
pub fn show_runs(runs: &[Run]) -> String {
    let mut table = table(["run", "command", "cluster", "hosts", "changes", "took", "outcome"]);
    for run in runs {
        let outcome = match run.verdict() {
            "done" => "done".green().to_string(),
            verdict => verdict.red().to_string(),
        };
        let changes =
            run.summary.as_ref().map_or_else(|| "-".to_owned(), |summary| summary.changes.to_string());
        let hosts = run.hosts.len().to_string();
        let begun = &run.begun;
        table.add_row([
            begun.id.clone(),
            begun.command.clone(),
            begun.cluster.clone(),
            hosts,
            changes,
            elapsed(run.duration),
            outcome,
        ]);
    }
    format!("{table}\n")
}

/// A table of applications with what their tasks do.
pub fn show_apps(apps: &[AppState]) -> String {
    let mut table = table(["app", "tasks", "running", "state"]);
    for app in apps {
        let state = match app.is_done() {
            true => "running".green().to_string(),
            false => "waiting".yellow().to_string(),
        };
        table.add_row([app.id.clone(), app.instances.to_string(), app.running.to_string(), state]);
    }
    format!("{table}\n")
}

/// The checks of `verify`, a line each, those that do not hold last.
pub fn show_checks(checks: &[Check]) -> String {
    let mut text = String::new();
    // What holds between tasks is in the table below; what was not looked at has one line for all of them.
    let single = |check: &&Check| !check.ok || (check.edge.is_none() && !is_same_skip(checks, check));
    let (held, broken): (Vec<&Check>, Vec<&Check>) = checks.iter().filter(single).partition(|check| check.ok);
    for check in held.into_iter().chain(broken) {
        let mark = match check.level {
            Level::Passed => "✓".green().to_string(),
            Level::Failed => "✗".red().to_string(),
            Level::Skipped => "- skipped".yellow().to_string(),
        };
        let host = check.host.as_ref().map(|host| format!(" {host}")).unwrap_or_default();
        text.push_str(&format!("{mark} {}{host}: {}\n", check.name, check.seen.replace('\n', "\n    ")));
        if !check.ok {
            text.push_str(&format!("    More: docs/troubleshooting.md#{}\n", check.name));
        }
    }
    text.push_str(&skipped_together(checks));
    text.push_str(&matrix(checks));
    text
}

/// Whether another check of that name was skipped for the same reason.
fn is_same_skip(checks: &[Check], check: &Check) -> bool {
    let same = |other: &&Check| {
        other.level == Level::Skipped
            && other.name == check.name
            && other.seen == check.seen
            && other.host == check.host
    };
    check.level == Level::Skipped && checks.iter().filter(same).count() > 1
}

/// A line for each reason for which several checks of one name were skipped, or one between tasks.
fn skipped_together(checks: &[Check]) -> String {
    let mut counts: Vec<(&str, &str, usize)> = Vec::new();
    let wanted = |check: &&Check| {
        check.level == Level::Skipped && (check.edge.is_some() || is_same_skip(checks, check))
    };
    for check in checks.iter().filter(wanted) {
        match counts.iter_mut().find(|(name, seen, _)| *name == check.name && *seen == check.seen) {
            Some((_, _, count)) => *count += 1,
            None => counts.push((check.name, &check.seen, 1)),
        }
    }
    let mark = "- skipped".yellow().to_string();
    counts.iter().map(|(name, seen, count)| format!("{mark} {name} ({count}): {seen}\n")).collect()
}

/// Who reaches whom, of the tasks that were asked: a row for each that connects, a column for each that is connected to.
fn matrix(checks: &[Check]) -> String {
    let edges: Vec<(&Check, &Edge)> =
        checks.iter().filter_map(|check| Some((check, check.edge.as_ref()?))).collect();
    let mut names: Vec<&str> = Vec::new();
    for name in edges.iter().flat_map(|(_, edge)| [edge.from.as_str(), edge.to.as_str()]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if !edges.iter().any(|(check, _)| check.level != Level::Skipped) {
        return String::new();
    }
    let cell = |from: &str, to: &str| {
        let Some((check, edge)) = edges.iter().find(|(_, edge)| edge.from == from && edge.to == to) else {
            return String::new();
        };
        let word = match edge.reaches {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        match check.level {
            Level::Passed => word.green().to_string(),
            Level::Failed => format!("{word} ✗").red().to_string(),
            Level::Skipped => "-".yellow().to_string(),
        }
    };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(std::iter::once("reaches").chain(names.iter().copied()));
    for from in &names {
        table.add_row(std::iter::once((*from).to_owned()).chain(names.iter().map(|to| cell(from, to))));
    }
    format!("{table}\n")
}

fn drift(changes: &Result<usize, String>) -> String {
    match changes {
        Err(_) => "unknown".yellow().to_string(),
        Ok(0) => "none".green().to_string(),
        Ok(1) => "1 change".yellow().to_string(),
        Ok(changes) => format!("{changes} changes").yellow().to_string(),
    }
}

/// A table of texts.
pub fn show_table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut table = table(header);
    table.add_rows(rows);
    table.to_string()
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}
