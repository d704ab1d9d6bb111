//! Which tasks there are, where, and who of them may reach whom.

use serde_json::{Value, json};

use super::{Edge, GROUP, PORT};
use crate::model::HostName;

/// The net-group that lets everyone in.
const PUBLIC: &str = "public";

/// A task that is launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub name: &'static str,
    /// Its net-groups.
    pub groups: &'static [&'static str],
    /// The agent that it must run on; none where the cluster has too few.
    pub agent: Option<HostName>,
}

/// Name, agent by number, groups. Of every kind of pair there is one: on one agent and on two, in one group, in
/// different ones, in several, in `public`, in none.
const TASKS: [(&str, usize, &[&str]); 8] = [
    ("one-a", 0, &["verify-one"]),
    ("one-b", 1, &["verify-one"]),
    ("one-c", 0, &["verify-one"]),
    ("two-a", 0, &["verify-two"]),
    ("two-b", 1, &["verify-two"]),
    ("both", 1, &["verify-one", "verify-two"]),
    ("public", 0, &[PUBLIC]),
    ("alone", 1, &[]),
];

/// The tasks, on the first two of the agents.
pub fn plan(agents: &[&HostName]) -> Vec<Task> {
    let place = |at: usize| agents.get(at).map(|agent| (*agent).clone());
    TASKS.into_iter().map(|(name, at, groups)| Task { name, groups, agent: place(at) }).collect()
}

impl Task {
    /// Its application's id in Marathon.
    pub(super) fn id(&self) -> String {
        format!("{GROUP}/{}", self.name)
    }

    /// Its application; nothing where it has no agent.
    pub(super) fn app(&self, probe: &str) -> Option<Value> {
        let agent = self.agent.as_ref()?;
        Some(json!({
            "id": self.id(),
            "cmd": probe,
            "env": { "STAR_NAME": self.name, "STAR_PORT": PORT.to_string() },
            "cpus": 0.1,
            "mem": 32,
            "instances": 1,
            "constraints": [["hostname", "CLUSTER", agent]],
            "ipAddress": {
                "groups": self.groups,
                "discovery": { "ports": [{ "number": PORT, "name": "probe", "protocol": "tcp" }] },
            },
        }))
    }

    /// Whether it must reach the other, and why.
    pub(super) fn must_reach(&self, other: &Self) -> (bool, String) {
        let shared = self.groups.iter().find(|group| other.groups.contains(group));
        match shared {
            _ if self.groups.is_empty() => {
                (false, "it is in no group, and gets out to its own host only".to_owned())
            }
            _ if other.groups.contains(&PUBLIC) => (true, format!("`{PUBLIC}` lets everyone in")),
            Some(group) => (true, format!("both are in the group {group}")),
            None => (false, "they share no group".to_owned()),
        }
    }

    /// Where the other is, seen from it.
    pub(super) fn to_place(&self, other: &Self) -> &'static str {
        if self.agent == other.agent { "on the same agent" } else { "on another agent" }
    }

    /// What must hold between it and the other.
    pub(super) fn edge(&self, other: &Self) -> Edge {
        let (must_reach, _) = self.must_reach(other);
        Edge { from: self.name.to_owned(), to: other.name.to_owned(), must_reach, reaches: None }
    }
}

/// All pairs of tasks, each in both directions.
pub(super) fn pairs(tasks: &[Task]) -> impl Iterator<Item = (&Task, &Task)> {
    tasks
        .iter()
        .flat_map(move |from| tasks.iter().map(move |to| (from, to)))
        .filter(|(from, to)| from.name != to.name)
}
