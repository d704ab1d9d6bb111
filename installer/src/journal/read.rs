//! From the lines of a journal to a run.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{CheckRun, HostRun, Run, StepRun};
use crate::event::{Event, RunBegun};
use crate::plan::{Action, HostPlan};

/// The file is not the journal of a run.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no run in this file: it has no line with the type `run-started`\n\
     Name a run that was recorded, or a file that `--log-file` or a redirected `--json` wrote."
)]
pub struct JournalError;

#[derive(Deserialize)]
struct Line {
    /// Output of `--json` has no times.
    #[serde(default)]
    time: Option<Timestamp>,
    #[serde(flatten)]
    event: Json,
}

impl Run {
    /// Reads a journal; of a file with several runs the last one. Lines that are not understood, because a later
    /// version or another program wrote them, or because the disk was full, are left out.
    ///
    /// # Errors
    /// No run begins in it.
    pub fn read(text: &str) -> Result<Self, JournalError> {
        let mut run: Option<Self> = None;
        for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            let time = line.time.or(run.as_ref().map(|run| run.at)).unwrap_or_default();
            if line.event["type"] == "run-started" {
                if let Ok(Event::Run(begun)) = serde_json::from_value(line.event) {
                    run = Some(Self::begin(begun, time));
                }
            } else if let Some(run) = &mut run {
                let after = Duration::try_from(time.duration_since(run.at)).unwrap_or_default();
                run.duration = run.duration.max(after);
                run.take(line.event, after);
            }
        }
        run.ok_or(JournalError)
    }

    fn begin(begun: RunBegun, at: Timestamp) -> Self {
        let host = |host: &crate::event::RunHost| HostRun {
            name: host.name.to_string(),
            address: host.address,
            roles: host.roles.iter().map(ToString::to_string).collect(),
            os: None,
            steps: Vec::new(),
            outcome: None,
            changes: 0,
            error: None,
        };
        let hosts = begun.hosts.iter().map(host).collect();
        Self { begun, at, duration: Duration::ZERO, hosts, checks: Vec::new(), summary: None, error: None }
    }

    fn take(&mut self, line: Json, after: Duration) {
        match line["type"].as_str() {
            Some("summary") => {
                self.summary = serde_json::from_value(line).ok();
                let took = self.summary.as_ref().map(|summary| Duration::from_millis(summary.duration_ms));
                self.duration = self.duration.max(took.unwrap_or_default());
            }
            Some("check") => self.checks.extend(serde_json::from_value::<CheckRun>(line).ok()),
            Some("error") => self.error = line["message"].as_str().map(ToOwned::to_owned),
            _ => {
                if let Ok(event) = serde_json::from_value(line) {
                    self.event(event, after);
                }
            }
        }
    }

    fn event(&mut self, event: Event, after: Duration) {
        match event {
            Event::Facts { host, os } => {
                self.host(host.as_str()).into_iter().for_each(|host| host.os = Some(os.clone()));
            }
            Event::Plan { plan } => {
                let HostPlan { host, steps, .. } = plan;
                if let Some(host) = self.host(host.as_str()) {
                    host.changes = steps.iter().filter(|step| step.action.changes_host()).count();
                    host.steps = steps.into_iter().map(step).collect();
                }
            }
            Event::StepStarted { host, index, step: started } => {
                let Some(host) = self.host(host.as_str()) else { return };
                // A step that no plan announced is shown all the same.
                while host.steps.len() < index + 1 && index < 10_000 {
                    host.steps.push(step(started.clone()));
                }
                host.steps.get_mut(index).into_iter().for_each(|step| step.begun = Some(after));
            }
            Event::StepFinished { host, index, duration, error, .. } => {
                let step = self.host(host.as_str()).and_then(|host| host.steps.get_mut(index));
                if let Some(step) = step {
                    step.begun = step.begun.or(Some(after.saturating_sub(duration)));
                    step.duration = Some(duration);
                    step.error = error;
                }
            }
            Event::Host(report) => {
                if let Some(host) = self.host(report.name.as_str()) {
                    host.outcome = Some(report.outcome);
                    host.changes = report.changes;
                    host.error = report.error;
                }
            }
            _ => {}
        }
    }

    fn host(&mut self, name: &str) -> Option<&mut HostRun> {
        self.hosts.iter_mut().find(|host| host.name == name)
    }
}

fn step(step: crate::plan::Step) -> StepRun {
    let text = step.action.to_string();
    let diff = match step.action {
        Action::WriteFile { diff, .. } => diff,
        _ => None,
    };
    StepRun { text, reason: step.reason, diff, begun: None, duration: None, error: None }
}
