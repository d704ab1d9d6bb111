//! Whether services run in the version that is installed.

use serde_json::Value;

use super::judge::{answer, json};
use super::{Answers, Check, Installed, Topic, hosts};
use crate::cluster::Cluster;

/// What says its version over HTTP: its role, its package, what to ask.
const SERVICES: [(&str, &str, Topic); 3] = [
    ("mesos-master", "mesos", Topic::MasterState),
    ("mesos-agent", "mesos", Topic::AgentState),
    ("marathon", "marathon", Topic::MarathonInfo),
];

/// Every service says the version of its package: one that was not restarted after an upgrade says the old one.
pub(super) fn checks(cluster: &Cluster, answers: &Answers, installed: &Installed) -> Vec<Check> {
    let mut checks = Vec::new();
    for (role, package, topic) in SERVICES {
        for host in hosts(cluster, answers, role) {
            let said = answer(answers, &host.name, topic).and_then(json);
            let said = said.as_ref().and_then(|json| json.get("version")).and_then(Value::as_str);
            let has = installed.get(&host.name).and_then(|packages| packages.get(package));
            let (ok, seen) = match (said, has) {
                (Some(said), Some(has)) if said == has => (true, format!("{said}, as the package {package}")),
                (Some(said), Some(has)) => {
                    (false, format!("it runs as {said}, and the package {package} is {has}"))
                }
                (Some(said), None) => {
                    (false, format!("it runs as {said}, and no package {package} is installed"))
                }
                (None, _) => (false, "it does not say which version it is".to_owned()),
            };
            checks.push(Check::of("running-version", host, ok, format!("{role}: {seen}")));
        }
    }
    checks
}
