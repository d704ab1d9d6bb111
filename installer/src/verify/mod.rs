//! Proof that the cluster works as one: what services say of each other, beyond the health of each by itself.
//!
//! Pure: [`questions`] says what to ask which host, [`checks`] judges the answers. Sources of the endpoints: the
//! ZooKeeper administrator's guide (`srvr`), etcd's v2 API documentation (`/v2/stats/self`), and the endpoint
//! pages of Mesos 0.28 (`/state`, `/metrics/snapshot`).

mod balancer;
mod dns;
mod judge;
mod junit;
mod services;
pub mod tasks;
mod versions;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cluster::{Cluster, ClusterHost};
use crate::desired::{HealthCheck, Probe};
use crate::facts::{Answer, Inquiry};
use crate::model::{HostName, PackageName};

pub use judge::checks;
pub use junit::junit;

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
    /// An etcd member's health.
    EtcdHealth,
    /// A Mesos agent's state.
    AgentState,
    /// The libraries that a Mesos agent has loaded.
    AgentLibraries,
    /// Who leads, as Marathon says.
    MarathonLeader,
    /// The name of the leading master, as Mesos-DNS says.
    DnsLeader,
    /// What `docker info` prints.
    DockerInfo,
    /// What `calicoctl status` prints.
    BgpStatus,
    /// What a Marathon is, its version included.
    MarathonInfo,
    /// The apps of Marathon with their tasks.
    MarathonApps,
    /// The configuration that marathon-lb has HAProxy run with.
    BalancerConfig,
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
    /// Whether it holds; also where there was nothing to be proved, which [`Check::level`] tells apart.
    pub ok: bool,
    /// Whether it holds, does not, or could not be looked at.
    pub level: Level,
    /// What was looked at and seen.
    pub seen: String,
    /// The task that it is about, of those that were launched to prove something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The two tasks that it is about, and whether one may reach the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<tasks::Edge>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// There was nothing to be looked at; why is what was seen.
    Skipped,
}

impl Check {
    /// A check about a host, or about the cluster.
    pub fn new(name: &'static str, host: Option<HostName>, ok: bool, seen: String) -> Self {
        let level = if ok { Level::Passed } else { Level::Failed };
        Self { name, host, ok, level, seen, task: None, edge: None }
    }

    fn of_task(self, name: &str) -> Self {
        Self { task: Some(name.to_owned()), ..self }
    }

    fn of_edge(self, edge: tasks::Edge) -> Self {
        Self { edge: Some(edge), ..self }
    }

    /// What tells it from others of its name on its host: its task, or its two tasks.
    pub fn case(&self) -> Option<String> {
        let pair = |edge: &tasks::Edge| format!("{} → {}", edge.from, edge.to);
        self.edge.as_ref().map(pair).or_else(|| self.task.clone())
    }

    fn of(name: &'static str, host: &ClusterHost, ok: bool, seen: String) -> Self {
        Self::new(name, Some(host.name.clone()), ok, seen)
    }

    fn skipped(name: &'static str, host: Option<&ClusterHost>, why: String) -> Self {
        let host = host.map(|host| host.name.clone());
        Self { level: Level::Skipped, ..Self::new(name, host, true, why) }
    }
}

/// The names of all checks: what is asked of each host, then of the cluster. docs/troubleshooting.md has an entry
/// for each.
pub const NAMES: &[&str] = &[
    "reachable",
    "services-healthy",
    "no-drift",
    "zookeeper-leader",
    "etcd-leader",
    "etcd-member",
    "mesos-leader",
    "mesos-agent-registered",
    "mesos-agent-containerizers",
    "running-version",
    "network-module-active",
    "docker-cluster-store",
    "bgp-established",
    "marathon-leader",
    "dns-leader",
    "marathon-lb-apps",
    "task-runs",
    "task-reach",
    "task-addresses",
    "dns-task",
    "tasks-removed",
];

/// The versions of the installed packages, by host.
pub type Installed = BTreeMap<HostName, BTreeMap<PackageName, String>>;

/// What to ask a host.
pub fn questions(cluster: &Cluster, host: &ClusterHost) -> Vec<Question> {
    let http = |path: &str| Probe::Http { path: path.to_owned(), contains: None };
    let srvr = Probe::Line { send: "srvr".to_owned(), contains: String::new() };
    let all = [
        (Topic::ZooKeeperMode, "zookeeper", "zookeeper_client_port", srvr),
        (Topic::EtcdState, "etcd", "etcd_client_port", http("/v2/stats/self")),
        (Topic::MasterMetrics, "mesos-master", "mesos_master_port", http("/metrics/snapshot")),
        (Topic::MasterState, "mesos-master", "mesos_master_port", http("/state")),
        (Topic::EtcdHealth, "etcd", "etcd_client_port", http("/health")),
        (Topic::AgentState, "mesos-agent", "mesos_agent_port", http("/state")),
        (Topic::MarathonLeader, "marathon", "marathon_port", http("/v2/leader")),
        (Topic::MarathonInfo, "marathon", "marathon_port", http("/v2/info")),
        (Topic::MarathonApps, "marathon", "marathon_port", http("/v2/apps?embed=apps.tasks")),
        (Topic::BalancerConfig, "marathon-lb", "marathon_lb_stats_port", http("/_haproxy_getconfig")),
    ];
    // All apps with all their tasks can be much, and only their balancer is judged by them.
    let balanced = cluster.with_role("marathon-lb").next().is_some();
    all.into_iter()
        .filter(|(topic, role, _, _)| host.has(role) && (balanced || *topic != Topic::MarathonApps))
        .filter_map(|(topic, _, port, probe)| {
            let port = u16::try_from(host.vars.get(port)?.as_u64()?).ok()?;
            Some(Question { topic, check: HealthCheck { address: host.address, port, probe } })
        })
        .collect()
}

/// What to ask a host besides: what is no answer to a health check.
pub fn inquiries(host: &ClusterHost) -> Vec<(Topic, Inquiry)> {
    let port = |name: &str| u16::try_from(host.vars.get(name)?.as_u64()?).ok();
    let mut all = Vec::new();
    if let Some(port) = port("mesos_dns_port").filter(|_| host.has("mesos-dns")) {
        let bytes = dns::query(&leader_name(host));
        all.push((Topic::DnsLeader, Inquiry::Datagram { address: host.address, port, bytes }));
    }
    if let Ok(unit) = "mesos-slave.service".parse()
        && host.has("net-modules")
        && host.has("mesos-agent")
    {
        all.push((Topic::AgentLibraries, Inquiry::Libraries(unit)));
    }
    for (role, topic, inquiry) in [
        ("docker", Topic::DockerInfo, Inquiry::DockerInfo),
        ("calico-node", Topic::BgpStatus, Inquiry::BgpStatus),
    ] {
        if host.has(role) {
            all.push((topic, inquiry));
        }
    }
    all
}

/// The name of the leading master.
fn leader_name(host: &ClusterHost) -> String {
    let domain = host.vars.get("mesos_dns_domain").and_then(serde_json::Value::as_str);
    format!("leader.{}", domain.unwrap_or("mesos"))
}

/// The hosts of a role that a command is about.
fn hosts<'a>(
    cluster: &'a Cluster,
    answers: &'a Answers,
    role: &'a str,
) -> impl Iterator<Item = &'a ClusterHost> {
    cluster.with_role(role).filter(|host| answers.contains_key(&host.name))
}
