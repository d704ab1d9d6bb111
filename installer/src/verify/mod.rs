//! Proof that the cluster works as one: what services say of each other, beyond the health of each by itself.
//!
//! Pure: [`questions`] says what to ask which host, [`checks`] judges the answers. Sources of the endpoints: the
//! ZooKeeper administrator's guide (`srvr`), etcd's v2 API documentation (`/v2/stats/self`), and the endpoint
//! pages of Mesos 0.28 (`/state`, `/metrics/snapshot`).

mod judge;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cluster::{Cluster, ClusterHost};
use crate::desired::{HealthCheck, Probe};
use crate::facts::Answer;
use crate::model::HostName;

pub use judge::checks;

/// What one question to one service is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// A ZooKeeper server's mode.
    ZooKeeperMode,
    /// An etcd member's state.
    EtcdState,
    /// A Mesos master's metrics.
    MasterMetrics,
    /// A Mesos master's state.
    MasterState,
}

/// One question to one service of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What it is about.
    pub topic: Topic,
    /// How it is asked.
    pub check: HealthCheck,
}

/// The answers, by host.
pub type Answers = BTreeMap<HostName, Vec<(Topic, Answer)>>;

/// One thing that was proved or refuted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(tag = "type", rename = "check")]
pub struct Check {
    /// Its name, which scripts may rely on.
    pub name: &'static str,
    /// The host that it is about; none where it is about the cluster.
    pub host: Option<HostName>,
    /// Whether it holds.
    pub ok: bool,
    /// What was looked at and seen.
    pub seen: String,
}

/// The names of all checks: what is asked of each host, then of the cluster. docs/troubleshooting.md has an entry
/// for each.
pub const NAMES: &[&str] = &[
    "reachable",
    "services-healthy",
    "no-drift",
    "zookeeper-leader",
    "etcd-leader",
    "mesos-leader",
    "mesos-agent-registered",
];

/// What to ask a host.
pub fn questions(host: &ClusterHost) -> Vec<Question> {
    let http = |path: &str| Probe::Http { path: path.to_owned(), contains: None };
    let srvr = Probe::Line { send: "srvr".to_owned(), contains: String::new() };
    let all = [
        (Topic::ZooKeeperMode, "zookeeper", "zookeeper_client_port", srvr),
        (Topic::EtcdState, "etcd", "etcd_client_port", http("/v2/stats/self")),
        (Topic::MasterMetrics, "mesos-master", "mesos_master_port", http("/metrics/snapshot")),
        (Topic::MasterState, "mesos-master", "mesos_master_port", http("/state")),
    ];
    all.into_iter()
        .filter(|(_, role, _, _)| host.has(role))
        .filter_map(|(topic, _, port, probe)| {
            let port = u16::try_from(host.vars.get(port)?.as_u64()?).ok()?;
            Some(Question { topic, check: HealthCheck { address: host.address, port, probe } })
        })
        .collect()
}

/// The hosts of a role that a command is about.
fn hosts<'a>(
    cluster: &'a Cluster,
    answers: &'a Answers,
    role: &'a str,
) -> impl Iterator<Item = &'a ClusterHost> {
    cluster.with_role(role).filter(|host| answers.contains_key(&host.name))
}
