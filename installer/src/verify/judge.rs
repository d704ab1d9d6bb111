//! What the answers prove.

use serde_json::Value;

use super::{Answers, Check, Installed, Topic, hosts};
use crate::cluster::Cluster;
use crate::facts::Answer;
use crate::model::HostName;

/// Judges the answers; checks for roles that the inventory does not have are left out.
pub fn checks(cluster: &Cluster, answers: &Answers, installed: &Installed) -> Vec<Check> {
    let mut checks = Vec::new();
    checks.extend(one_leader(
        cluster,
        answers,
        "zookeeper-leader",
        "zookeeper",
        Topic::ZooKeeperMode,
        |answer| {
            let text = answer.text()?;
            let mode = text.lines().find_map(|line| line.strip_prefix("Mode: "))?.trim().to_owned();
            Some((mode == "leader" || mode == "standalone", mode))
        },
    ));
    checks.extend(one_leader(cluster, answers, "etcd-leader", "etcd", Topic::EtcdState, |answer| {
        let state = json(answer)?.get("state")?.as_str()?.to_owned();
        Some((state == "StateLeader", state))
    }));
    checks.extend(one_leader(
        cluster,
        answers,
        "mesos-leader",
        "mesos-master",
        Topic::MasterMetrics,
        |answer| {
            let metrics = json(answer)?;
            let number = |key: &str| metrics.get(key).and_then(Value::as_f64);
            let elected = number("master/elected")? == 1.0;
            // The first is there from 1.0 on (docs/monitoring.md of Mesos); before, the size is there once the registry
            // was read (src/master/registrar.cpp at 0.28.2).
            let recovered = match number("registrar/log/recovered") {
                Some(recovered) => recovered == 1.0,
                None => number("registrar/registry_size_bytes").is_some(),
            };
            let seen = match (elected, recovered) {
                (false, _) => "not elected",
                (true, true) => "elected, registrar recovered",
                (true, false) => "elected, registrar not recovered",
            };
            Some((elected && recovered, seen.to_owned()))
        },
    ));
    checks.extend(agents(cluster, answers));
    checks.extend(super::services::checks(cluster, answers));
    checks.extend(super::versions::checks(cluster, answers, installed));
    checks.extend(super::balancer::checks(cluster, answers));
    checks
}

/// Exactly one host of the role leads, and every host answers.
fn one_leader(
    cluster: &Cluster,
    answers: &Answers,
    name: &'static str,
    role: &str,
    topic: Topic,
    read: impl Fn(&Answer) -> Option<(bool, String)>,
) -> Option<Check> {
    let mut seen = Vec::new();
    let mut leaders = 0;
    let mut silent = 0;
    for host in hosts(cluster, answers, role) {
        match answer(answers, &host.name, topic).and_then(&read) {
            Some((leads, state)) => {
                leaders += usize::from(leads);
                seen.push(format!("{}: {state}", host.name));
            }
            None => {
                silent += 1;
                seen.push(format!("{}: no answer", host.name));
            }
        }
    }
    let ok = leaders == 1 && silent == 0;
    (!seen.is_empty()).then(|| Check::new(name, None, ok, seen.join(", ")))
}

/// Every agent of the inventory is registered with the leading master, active and with its attributes.
fn agents(cluster: &Cluster, answers: &Answers) -> Vec<Check> {
    let leader = hosts(cluster, answers, "mesos-master")
        .filter_map(|host| Some((&host.name, json(answer(answers, &host.name, Topic::MasterState)?)?)))
        .find(|(_, state)| state.get("elected_time").is_some_and(|time| !time.is_null()));
    let registered = leader.as_ref().map(|(name, state)| {
        (*name, state.get("slaves").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default())
    });
    // With `--limit` there may be no master that could be asked.
    if hosts(cluster, answers, "mesos-master").next().is_none() {
        return Vec::new();
    }
    hosts(cluster, answers, "mesos-agent")
        .map(|host| {
            let (ok, seen) = match registered {
                None => (false, "no leading master answered".to_owned()),
                Some((leader, slaves)) => {
                    let agent = slaves.iter().find(|slave| {
                        slave.get("hostname").and_then(Value::as_str) == Some(host.name.as_str())
                    });
                    match agent {
                        None => (false, format!("{leader} does not list it")),
                        Some(agent) => of_agent(agent, &host.attributes, leader),
                    }
                }
            };
            Check::of("mesos-agent-registered", host, ok, seen)
        })
        .collect()
}

fn of_agent(
    agent: &Value,
    attributes: &std::collections::BTreeMap<String, String>,
    leader: &HostName,
) -> (bool, String) {
    if agent.get("active").and_then(Value::as_bool) != Some(true) {
        return (false, format!("{leader} lists it as inactive"));
    }
    for (key, wanted) in attributes {
        // Mesos turns what looks like a number into one.
        let has = agent.get("attributes").and_then(|attributes| attributes.get(key));
        let same = has.is_some_and(|has| match has {
            Value::String(text) => text == wanted,
            Value::Number(number) => wanted.parse::<f64>().ok() == number.as_f64(),
            _ => false,
        });
        if !same {
            let has = has.map_or_else(|| "nothing".to_owned(), Value::to_string);
            return (false, format!("{leader} knows its attribute {key} as {has}, not as {wanted}"));
        }
    }
    (true, format!("active at {leader}"))
}

pub(super) fn answer<'a>(answers: &'a Answers, host: &HostName, topic: Topic) -> Option<&'a Answer> {
    answers.get(host)?.iter().find(|(about, _)| *about == topic).map(|(_, answer)| answer)
}

pub(super) fn json(answer: &Answer) -> Option<Value> {
    serde_json::from_str(&answer.body().ok()?).ok()
}
