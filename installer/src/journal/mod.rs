//! A past run: read from its journal, and shown as one page that needs nothing but a browser.
//!
//! Pure. Where journals are kept, and who writes them, is not known here; their lines are [`crate::event`]s.

mod page;
mod read;

pub use page::page;
pub use read::JournalError;

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;

use crate::event::{Outcome, RunBegun, Totals};

/// A past run.
#[derive(Debug, Clone)]
pub struct Run {
    /// What it began with.
    pub begun: RunBegun,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, as far as its journal goes.
    pub duration: Duration,
    /// The hosts, in the order of the inventory.
    pub hosts: Vec<HostRun>,
    /// What was proved or refuted, for commands that check.
    pub checks: Vec<CheckRun>,
    /// How it ended; none where it did not come to its end.
    pub summary: Option<SummaryRun>,
    /// Why the whole of it was refused or broken off, where it was.
    pub error: Option<String>,
}

/// One host in a run.
#[derive(Debug, Clone)]
pub struct HostRun {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// Its roles, included ones too.
    pub roles: Vec<String>,
    /// The distribution, where it answered.
    pub os: Option<String>,
    /// The steps of its plan.
    pub steps: Vec<StepRun>,
    /// How the run ended for it; none where that is not known.
    pub outcome: Option<Outcome>,
    /// Steps done, or pending.
    pub changes: usize,
    /// What went wrong, with the remedy.
    pub error: Option<String>,
}

/// One step of a host's plan.
#[derive(Debug, Clone)]
pub struct StepRun {
    /// The step in words.
    pub text: String,
    /// Why it was needed.
    pub reason: String,
    /// What it changes in a file, as a unified diff.
    pub diff: Option<String>,
    /// When it began, from the beginning of the run; none where it did not.
    pub begun: Option<Duration>,
    /// How long it took; none where it did not end.
    pub duration: Option<Duration>,
    /// Why it failed.
    pub error: Option<String>,
}

/// One thing that was proved or refuted.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct CheckRun {
    /// Its name.
    pub name: String,
    /// The host that it is about; none where it is about the cluster.
    pub host: Option<String>,
    /// Whether it holds.
    pub ok: bool,
    /// What was looked at and seen.
    #[serde(default)]
    pub seen: String,
    /// `warn` where it is only a warning.
    #[serde(default)]
    pub level: Option<String>,
    /// What to do.
    #[serde(default)]
    pub remedy: Option<String>,
}

impl CheckRun {
    /// Whether it does not hold, and that is more than a warning.
    pub fn refuted(&self) -> bool {
        !self.ok && self.level.as_deref() != Some("warn")
    }
}

/// How a run ended.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct SummaryRun {
    /// Hosts by outcome.
    pub hosts: Totals,
    /// Steps done, or pending.
    pub changes: usize,
    /// How long it took.
    pub duration_ms: u64,
}

impl Run {
    /// In one word: `done`, `failed`, or `broken off` where the journal has no end.
    pub fn verdict(&self) -> &'static str {
        let refuted = self.checks.iter().any(CheckRun::refuted);
        match &self.summary {
            _ if self.error.is_some() => "refused",
            None => "broken off",
            Some(summary) if summary.hosts.all_well() && !refuted => "done",
            Some(_) => "failed",
        }
    }

    /// The hosts that something went wrong with.
    pub fn failed(&self) -> impl Iterator<Item = &HostRun> {
        let bad = [Outcome::Failed, Outcome::Unreachable, Outcome::Skipped];
        self.hosts.iter().filter(move |host| host.outcome.is_some_and(|outcome| bad.contains(&outcome)))
    }
}
