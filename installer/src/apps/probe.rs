//! Probes: tasks that tell whom they reach, by which the network between agents is proved.

use std::collections::BTreeSet;

use serde_json::json;

use super::AppDefinition;
use crate::model::HostName;

/// The port of every probe.
const PORT: u16 = 9000;

/// One probe: a task in net-groups, on an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Its name: the last part of its app's id.
    pub name: String,
    /// The agent that it runs on.
    pub agent: HostName,
    /// Its net-groups.
    pub groups: BTreeSet<&'static str>,
}

/// A command for a task that runs the probe's program, for `sh -c`.
pub fn probe_command(program: &str) -> String {
    let code: Vec<&str> = program.lines().filter(|line| !line.starts_with('#')).collect();
    format!("exec $(command -v python3 || command -v python) -c '\n{}\n'", code.join("\n").replace('\'', ""))
}

/// The probes that prove the network between two agents: in one group, in another, in both, and in `public`.
pub fn probes(first: &HostName, second: &HostName) -> Vec<Probe> {
    let probe = |name: &str, agent: &HostName, groups: &[&'static str]| Probe {
        name: name.to_owned(),
        agent: agent.clone(),
        groups: groups.iter().copied().collect(),
    };
    vec![
        probe("one-here", first, &["one"]),
        probe("one-beside", first, &["one"]),
        probe("one-there", second, &["one"]),
        probe("two-here", first, &["two"]),
        probe("two-there", second, &["two"]),
        probe("both-there", second, &["one", "two"]),
        probe("public-there", second, &["public"]),
    ]
}

impl Probe {
    /// Whether `self` may reach `other`: they share a group, or the other is in `public`.
    ///
    /// Source: the profiles that calico-mesos makes: a group's lets in those with its tag, `public` lets everyone in
    /// and opens nobody else.
    pub fn may_reach(&self, other: &Self) -> bool {
        other.groups.contains("public") || self.groups.intersection(&other.groups).next().is_some()
    }

    /// The app that runs it, below the id `group`; `command` runs the program.
    ///
    /// # Errors
    /// Never: it is made of what Marathon accepts.
    pub fn app(&self, group: &str, command: &str) -> Result<AppDefinition, super::BadDefinition> {
        AppDefinition::try_from(json!({
            "id": format!("{group}/{}", self.name),
            "cmd": command,
            "cpus": 0.05,
            "mem": 32,
            "env": {"STAR_NAME": self.name, "STAR_PORT": PORT.to_string()},
            "constraints": [["hostname", "CLUSTER", self.agent.as_str()]],
            "ipAddress": {
                "groups": self.groups,
                "discovery": {"ports": [{"number": PORT, "name": "probe", "protocol": "tcp"}]},
            },
        }))
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        PORT
    }
}
