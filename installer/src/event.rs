//! What happened, as data. Workers send events; one consumer shows them.

use std::net::IpAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::checks::Finding;
use crate::model::{HostName, RoleName};
use crate::plan::{HostPlan, Step};

/// Where events are sent; every worker has one.
#[derive(Debug, Clone)]
pub struct Events(Sender<Message>);

/// What the consumer of events receives.
#[derive(Debug)]
pub enum Message {
    /// Something happened.
    Event(Box<Event>),
    /// A line for the journal and the log file, of something that is shown otherwise.
    Record(Json),
    /// Everything up to here must be shown before the answer is sent.
    Flush(Sender<()>),
}

impl Events {
    /// A sender of events and what receives them.
    pub fn channel() -> (Self, Receiver<Message>) {
        let (sender, receiver) = channel();
        (Self(sender), receiver)
    }

    /// Sends an event. Where nobody listens any longer the run is over, and nothing is lost.
    pub fn send(&self, event: Event) {
        let _ = self.0.send(Message::Event(Box::new(event)));
    }

    /// Puts a line into the journal and the log file, of something that is shown otherwise: a check, the summary.
    pub fn record(&self, line: &impl Serialize) {
        // What is made of strings, numbers and maps with string keys is nothing that JSON could refuse.
        let _ = self.0.send(Message::Record(serde_json::to_value(line).unwrap_or_default()));
    }

    /// Waits until everything that was sent before is shown.
    pub fn flush(&self) {
        let (shown, wait) = channel();
        if self.0.send(Message::Flush(shown)).is_ok() {
            // An error means that the consumer is gone: nothing is left to be shown.
            let _ = wait.recv();
        }
    }
}

/// One thing that happened in a run. In JSON each has a `type`; keys are added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// A run begins.
    #[serde(rename = "run-started")]
    Run(RunBegun),
    /// The run moved on to another phase, on so many hosts.
    Phase {
        /// The phase.
        phase: Phase,
        /// How many hosts it concerns.
        hosts: usize,
    },
    /// A host was reached and its facts are there.
    Facts {
        /// The host.
        host: HostName,
        /// The distribution as it names itself.
        os: String,
    },
    /// A check found something before anything was changed.
    Check {
        /// What it found.
        #[serde(flatten)]
        finding: Finding,
    },
    /// What a host needs.
    Plan {
        /// The plan.
        #[serde(flatten)]
        plan: HostPlan,
    },
    /// A step begins.
    StepStarted {
        /// The host.
        host: HostName,
        /// The step's index in the host's plan.
        index: usize,
        /// The step.
        #[serde(flatten)]
        step: Step,
    },
    /// Bytes of an upload have been sent.
    StepProgress {
        /// The host.
        host: HostName,
        /// The step's index in the host's plan.
        index: usize,
        /// Bytes sent so far.
        sent: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A step is over.
    StepFinished {
        /// The host.
        host: HostName,
        /// The step's index in the host's plan.
        index: usize,
        /// The step in words.
        step: String,
        /// How long it took.
        #[serde(rename = "duration_ms", with = "milliseconds")]
        #[schemars(with = "u64")]
        duration: Duration,
        /// Why it failed; none where it was done.
        error: Option<String>,
    },
    /// A host is finished.
    Host(HostReport),
}

/// A run that begins: what `report` begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunBegun {
    /// The run's name, which `report` takes.
    pub id: String,
    /// The command.
    pub command: String,
    /// The version of the tool.
    pub version: String,
    /// Who runs it, where and since when.
    pub by: String,
    /// The inventory's path, as it was given.
    pub inventory: String,
    /// The cluster's name.
    pub cluster: String,
    /// The release.
    pub release: String,
    /// The hosts that it is about, in the order of the inventory.
    pub hosts: Vec<RunHost>,
}

/// A host of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunHost {
    /// Its name.
    pub name: HostName,
    /// Its address.
    pub address: IpAddr,
    /// Its roles, included ones too.
    pub roles: Vec<RoleName>,
}

/// The phases of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Connecting and gathering facts.
    Facts,
    /// Asking hosts what they see around them.
    Survey,
    /// Executing the plan.
    Execute,
    /// Gathering facts again, to see that nothing is left to do.
    Confirm,
}

/// How a run ended for one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostReport {
    /// The host.
    pub name: HostName,
    /// How it ended.
    pub outcome: Outcome,
    /// Steps done, or pending in a plan.
    pub changes: usize,
    /// What went wrong, with the remedy.
    pub error: Option<String>,
}

/// How a run ended for a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was changed, or a plan would change it.
    Changed,
    /// It was as it should be.
    Unchanged,
    /// A step failed, or it is not what it should be afterwards.
    Failed,
    /// It could not be reached.
    Unreachable,
    /// Its work could not begin, because something that it needs failed.
    Skipped,
}

/// The totals of a run: the last line with `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", rename = "summary")]
pub struct Summary {
    /// The command.
    pub command: &'static str,
    /// Hosts by outcome.
    pub hosts: Totals,
    /// Steps done, or pending in a plan.
    pub changes: usize,
    /// How long the command took.
    pub duration_ms: u64,
}

impl Summary {
    /// The summary of a command that began at `begun` and ends now.
    pub fn new(command: &'static str, hosts: Totals, changes: usize, begun: Instant) -> Self {
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self { command, hosts, changes, duration_ms }
    }
}

/// Hosts by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Changed.
    pub changed: usize,
    /// As they should be.
    pub unchanged: usize,
    /// Failed.
    pub failed: usize,
    /// Not reached.
    pub unreachable: usize,
    /// Left alone.
    pub skipped: usize,
}

impl Totals {
    /// Counts outcomes.
    pub fn count(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut totals = Self::default();
        for outcome in outcomes {
            *match outcome {
                Outcome::Changed => &mut totals.changed,
                Outcome::Unchanged => &mut totals.unchanged,
                Outcome::Failed => &mut totals.failed,
                Outcome::Unreachable => &mut totals.unreachable,
                Outcome::Skipped => &mut totals.skipped,
            } += 1;
        }
        totals
    }

    /// Whether every host is as it should be.
    pub fn all_well(&self) -> bool {
        self.failed + self.unreachable + self.skipped == 0
    }
}

/// Durations as whole milliseconds.
mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
