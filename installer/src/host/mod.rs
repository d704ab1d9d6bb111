//! Operations on one host: ask for facts, do a step, wait for health. All through a session, or in memory.
//!
//! This module knows nothing of other hosts, of order, or of how anything is shown.

mod error;
mod memory;
mod remote;
mod wait;

pub use error::HostError;
pub use memory::{MemoryFile, MemoryHost};
pub use remote::RemoteHost;
pub use wait::await_healthy;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::desired::DesiredHost;
use crate::facts::{Answer, Facts, FactsQuery, Inquiry, Survey, SurveyQuery};
use crate::history::Record;
use crate::model::UnitName;
use crate::plan::Action;
use crate::receipt::Receipt;
use crate::repository::PackageSet;

/// What steps are done with: the contents that a plan names only by digest.
#[derive(Debug, Clone)]
pub struct Materials<'a> {
    /// The files' contents and the units' health checks.
    pub desired: &'a DesiredHost,
    /// The packages; none where the inventory takes none from the repository.
    pub packages: Option<&'a PackageSet>,
    /// What the receipt says while the plan is executed: all that may be on the host if the run ends half-way.
    pub intent: Receipt,
    /// Running units that the plan restarts, which are marked on the host before anything that they read changes.
    pub restarts: Vec<UnitName>,
}

/// One host, locked for this run where it is going to be changed.
pub trait Host: Send {
    /// Takes the host's lock until the session ends.
    ///
    /// # Errors
    /// [`HostError::Locked`] where another run holds it.
    fn lock(&mut self, holder: &str) -> Result<(), HostError>;

    /// Asks for facts, in one round trip.
    ///
    /// # Errors
    /// The transport's, or an answer that cannot be read.
    fn facts(&mut self, query: &FactsQuery) -> Result<Facts, HostError>;

    /// Asks what the host sees around it, in one round trip.
    ///
    /// # Errors
    /// The transport's, or an answer that cannot be read.
    fn survey(&mut self, query: &SurveyQuery) -> Result<Survey, HostError>;

    /// Asks what facts do not say, in one round trip, after the host has waited for `pause`.
    ///
    /// # Errors
    /// The transport's, or an answer that cannot be read.
    fn ask(&mut self, inquiries: &[Inquiry], pause: Duration) -> Result<Vec<Answer>, HostError>;

    /// Does one step, or several file steps in one round trip.
    ///
    /// # Errors
    /// Which step failed, and what the host answered.
    fn perform(
        &mut self,
        actions: &[&Action],
        materials: &Materials<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), StepFailed>;

    /// Keeps the receipt on the host.
    ///
    /// # Errors
    /// What the host answered.
    fn keep(&mut self, receipt: &Receipt) -> Result<(), HostError>;

    /// Keeps on the host what this run made of it, and forgets the oldest runs.
    ///
    /// # Errors
    /// What the host answered.
    fn remember(&mut self, record: &Record) -> Result<(), HostError>;

    /// What runs made of the host that can be gone back to, oldest first. A record that cannot be read is left out.
    ///
    /// # Errors
    /// What the host answered.
    fn history(&mut self) -> Result<Vec<Record>, HostError>;

    /// The last lines of a unit's journal, if they can be had.
    fn journal(&mut self, unit: &UnitName) -> Option<String>;
}

/// A step that failed, the ones before it being done.
#[derive(Debug)]
pub struct StepFailed {
    /// How many of the steps given were done.
    pub done: usize,
    /// Why the next one was not.
    pub error: HostError,
}

impl<E: Into<HostError>> From<E> for StepFailed {
    fn from(error: E) -> Self {
        Self { done: 0, error: error.into() }
    }
}

/// Set when the operator interrupts the run: no new step begins, running steps end.
#[derive(Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the run to end.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the run was asked to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The flag itself, for a signal handler to set.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
