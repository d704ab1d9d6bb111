//! Proof by tasks: who may reach whom, and whether names are those of the tasks.
//!
//! Tasks are launched in net-groups on two agents, each is asked whom it reaches, Mesos-DNS is asked for one of them,
//! and all of them are removed again, whatever came of it. `plan` says which tasks and what must hold, `run` does
//! it through an [`Access`], so that neither knows how Marathon and the hosts are reached.
//!
//! Source of who may reach whom: `calico_mesos.py` of calico-mesos 0.1.5. A group's profile lets in what has the
//! group's tag and lets everything out; that of `public` lets everything in and out; that of the host, which every task
//! has, lets in and out only what is of its own host.

mod names;
mod plan;
mod run;

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::apps::api::{ApiError, Call};
use crate::cluster::Cluster;
use crate::facts::{Answer, Inquiry};
use crate::model::HostName;

pub use plan::{Task, plan};
pub use run::run;

/// The group of applications that the tasks are of, in Marathon.
pub const GROUP: &str = "/verify-tasks";

/// The port that the probe of every task listens on: each has an address of its own.
const PORT: u16 = 9000;

/// How Marathon and the hosts are reached.
pub trait Access {
    /// Asks Marathon, after a pause.
    ///
    /// # Errors
    /// What it refused, or why it could not be asked.
    fn marathon(&mut self, call: &Call, pause: Duration) -> Result<Value, AccessError>;

    /// Asks on a host, after a pause; a host that cannot be asked answers nothing.
    fn ask(&mut self, host: &HostName, inquiries: &[Inquiry], pause: Duration) -> Vec<Answer>;

    /// How long the run has taken so far.
    fn elapsed(&self) -> Duration;

    /// Whether the operator has asked for an end.
    fn is_cancelled(&self) -> bool;
}

/// Why Marathon did not do something.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Marathon itself.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The way to it; the text says what went wrong.
    #[error("{0}")]
    Host(String),
}

impl AccessError {
    /// Whether Marathon says that there is no such thing.
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Api(error) if error.is_unknown())
    }
}

/// What a run is about.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The hosts that can be asked, in the order of the inventory.
    pub hosts: Vec<&'a HostName>,
    /// A command that runs the probe.
    pub probe: String,
    /// How long the tasks may take to run.
    pub patience: Duration,
}

/// Whether one task reaches another, and whether it must.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Edge {
    /// The task that connects.
    pub from: String,
    /// The task that is connected to.
    pub to: String,
    /// Whether it must reach it; where not, it must be kept out.
    pub must_reach: bool,
    /// Whether it does; null where that was not seen.
    pub reaches: Option<bool>,
}
