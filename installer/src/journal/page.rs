//! The page: what `page.html` shows of a run. Every text goes through Tera's escaping.

use std::time::Duration;

use serde::Serialize;
use tera::{Context, Tera};

use super::{CheckRun, HostRun, Run, StepRun};
use crate::diagnostic::elapsed;
use crate::event::Outcome;

const TEMPLATE: &str = include_str!("page.html");
const NAME: &str = "page.html";

#[derive(Serialize)]
struct Page<'a> {
    run: &'a str,
    command: &'a str,
    cluster: &'a str,
    release: &'a str,
    inventory: &'a str,
    by: &'a str,
    version: &'a str,
    begun: String,
    duration: String,
    verdict: &'static str,
    error: Option<&'a str>,
    totals: Vec<Total>,
    failed: Vec<Host<'a>>,
    groups: Vec<Group<'a>>,
    hosts: Vec<Host<'a>>,
    ticks: Vec<String>,
    refuted: Vec<Check<'a>>,
    warned: Vec<Check<'a>>,
    held: Vec<Check<'a>>,
}

#[derive(Serialize)]
struct Total {
    count: usize,
    word: &'static str,
}

/// Hosts with the same roles.
#[derive(Serialize)]
struct Group<'a> {
    name: String,
    roles: String,
    hosts: Vec<Host<'a>>,
}

#[derive(Clone, Serialize)]
struct Host<'a> {
    name: &'a str,
    address: String,
    os: Option<&'a str>,
    outcome: &'static str,
    changes: usize,
    error: Option<&'a str>,
    steps: Vec<Step<'a>>,
    duration: String,
}

#[derive(Clone, Serialize)]
struct Step<'a> {
    text: &'a str,
    reason: &'a str,
    error: Option<&'a str>,
    /// `done`, `failed`, `open` (begun and not ended) or `waiting` (not begun).
    state: &'static str,
    duration: String,
    /// Where its bar begins and how long it is, in hundredths of the run.
    left: f64,
    width: f64,
    diff: Vec<Line<'a>>,
}

#[derive(Clone, Serialize)]
struct Line<'a> {
    kind: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct Check<'a> {
    name: &'a str,
    host: Option<&'a str>,
    seen: &'a str,
    remedy: Option<&'a str>,
}

impl<'a> Check<'a> {
    fn new(check: &'a CheckRun) -> Self {
        let CheckRun { name, host, seen, remedy, .. } = check;
        Self { name, host: host.as_deref(), seen, remedy: remedy.as_deref() }
    }
}

/// One page with everything about a run: no script, no font, nothing from the network.
///
/// # Errors
/// Only a mistake in the tool's own template.
pub fn page(run: &Run) -> Result<String, tera::Error> {
    let mut tera = Tera::new();
    tera.autoescape_on(vec![".html"]);
    tera.add_raw_template(NAME, TEMPLATE)?;
    tera.render(NAME, &Context::from_serialize(&Page::new(run))?)
}

impl<'a> Page<'a> {
    fn new(run: &'a Run) -> Self {
        let hosts: Vec<Host<'a>> = run.hosts.iter().map(|host| Host::new(host, run)).collect();
        let totals = run.summary.as_ref().map(|summary| summary.hosts).unwrap_or_default();
        let totals = [
            (totals.failed, "failed"),
            (totals.unreachable, "unreachable"),
            (totals.skipped, "skipped"),
            (totals.changed, "changed"),
            (totals.unchanged, "unchanged"),
        ];
        let checks = |which: fn(&CheckRun) -> bool| {
            run.checks.iter().filter(move |check| which(check)).map(Check::new).collect()
        };
        let begun = &run.begun;
        let failed: Vec<&str> = run.failed().map(|host| host.name.as_str()).collect();
        let ticks = 5_u32;
        Self {
            run: &begun.id,
            command: &begun.command,
            cluster: &begun.cluster,
            release: &begun.release,
            inventory: &begun.inventory,
            by: &begun.by,
            version: &begun.version,
            begun: run.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            duration: elapsed(run.duration),
            verdict: run.verdict(),
            error: run.error.as_deref(),
            totals: totals
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, word)| Total { count, word })
                .collect(),
            failed: hosts.iter().filter(|host| failed.contains(&host.name)).cloned().collect(),
            groups: groups(run, &hosts),
            ticks: (0..=ticks).map(|tick| elapsed(run.duration * tick / ticks)).collect(),
            hosts,
            refuted: checks(CheckRun::refuted),
            warned: checks(|check| !check.ok && !check.refuted()),
            held: checks(|check| check.ok),
        }
    }
}

/// Hosts with the same roles stand together, in the order of the inventory.
fn groups<'a>(run: &'a Run, hosts: &[Host<'a>]) -> Vec<Group<'a>> {
    let mut groups: Vec<(&[String], Group<'a>)> = Vec::new();
    for (host, shown) in run.hosts.iter().zip(hosts) {
        match groups.iter_mut().find(|(roles, _)| *roles == host.roles) {
            Some((_, group)) => group.hosts.push(shown.clone()),
            None => {
                // `master` and `agent` stand for all that comes with them.
                let (whole, parts): (Vec<&str>, Vec<&str>) = host
                    .roles
                    .iter()
                    .map(String::as_str)
                    .partition(|role| ["master", "agent"].contains(role));
                let name = if whole.is_empty() { "hosts".to_owned() } else { whole.join(" and ") };
                let group = Group { name, roles: parts.join(" · "), hosts: vec![shown.clone()] };
                groups.push((&host.roles, group));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

impl<'a> Host<'a> {
    fn new(host: &'a HostRun, run: &Run) -> Self {
        let outcome = match host.outcome {
            Some(Outcome::Changed) => "changed",
            Some(Outcome::Unchanged) => "unchanged",
            Some(Outcome::Failed) => "failed",
            Some(Outcome::Unreachable) => "unreachable",
            Some(Outcome::Skipped) => "skipped",
            None if run
                .checks
                .iter()
                .any(|check| check.refuted() && check.host.as_ref() == Some(&host.name)) =>
            {
                "failed"
            }
            None if !run.checks.is_empty() => "unchanged",
            None => "unknown",
        };
        let end = |step: &StepRun| Some(step.begun? + step.duration?);
        let first = host.steps.iter().filter_map(|step| step.begun).min();
        let last = host.steps.iter().filter_map(end).max();
        let took = first.zip(last).map(|(first, last)| elapsed(last.saturating_sub(first)));
        Self {
            name: &host.name,
            address: host.address.to_string(),
            os: host.os.as_deref(),
            outcome,
            changes: host.changes,
            error: host.error.as_deref(),
            steps: host.steps.iter().map(|step| Step::new(step, run.duration)).collect(),
            duration: took.unwrap_or_default(),
        }
    }
}

impl<'a> Step<'a> {
    fn new(step: &'a StepRun, whole: Duration) -> Self {
        let share = |part: Duration| match whole.as_secs_f64() {
            whole if whole > 0.0 => {
                (part.as_secs_f64() / whole * 10_000.0).round().clamp(0.0, 10_000.0) / 100.0
            }
            _ => 0.0,
        };
        let left = share(step.begun.unwrap_or_default());
        let width = match (step.begun, step.duration) {
            (Some(_), Some(duration)) => share(duration),
            (Some(_), None) => 100.0 - left,
            (None, _) => 0.0,
        };
        Self {
            text: &step.text,
            reason: &step.reason,
            error: step.error.as_deref(),
            state: match (&step.error, step.begun, step.duration) {
                (Some(_), _, _) => "failed",
                (None, _, Some(_)) => "done",
                (None, Some(_), None) => "open",
                (None, None, None) => "waiting",
            },
            duration: step.duration.map(elapsed).unwrap_or_default(),
            left,
            width: width.min(100.0 - left),
            diff: step.diff.as_deref().map(lines).unwrap_or_default(),
        }
    }
}

fn lines(diff: &str) -> Vec<Line<'_>> {
    let kind = |line: &str| match line.as_bytes().first() {
        _ if line.starts_with("+++") || line.starts_with("---") => "name",
        Some(b'+') => "add",
        Some(b'-') => "del",
        Some(b'@') => "at",
        _ => "same",
    };
    diff.lines().map(|text| Line { kind: kind(text), text }).collect()
}
