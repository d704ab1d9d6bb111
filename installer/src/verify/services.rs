//! What agents, Docker, Calico, Marathon and Mesos-DNS prove of themselves.

use std::collections::BTreeSet;

use serde_json::Value;

use super::judge::{answer, json};
use super::{Answers, Check, Topic, dns, hosts};
use crate::cluster::{Cluster, ClusterHost};
use crate::facts::Answer;

/// The isolator and the hook of net-modules, as an agent's flags name them.
const ISOLATOR: &str = "com_mesosphere_mesos_NetworkIsolator";
const HOOK: &str = "com_mesosphere_mesos_NetworkHook";

/// Judges what the services of each host say.
pub(super) fn checks(cluster: &Cluster, answers: &Answers) -> Vec<Check> {
    let mut checks = Vec::new();
    for host in hosts(cluster, answers, "etcd") {
        checks.push(etcd_member(host, answer(answers, &host.name, Topic::EtcdHealth)));
    }
    for host in hosts(cluster, answers, "mesos-agent") {
        checks.push(containerizers(cluster, host, answer(answers, &host.name, Topic::AgentState)));
        if host.has("net-modules") {
            let libraries = answer(answers, &host.name, Topic::AgentLibraries);
            checks.push(module(host, answer(answers, &host.name, Topic::AgentState), libraries));
        }
    }
    for host in hosts(cluster, answers, "docker") {
        checks.push(cluster_store(host, answer(answers, &host.name, Topic::DockerInfo)));
    }
    for host in hosts(cluster, answers, "calico-node") {
        checks.push(bgp(cluster, host, answer(answers, &host.name, Topic::BgpStatus)));
    }
    checks.extend(marathon(cluster, answers));
    for host in hosts(cluster, answers, "mesos-dns") {
        checks.push(names(cluster, answers, host, answer(answers, &host.name, Topic::DnsLeader)));
    }
    checks
}

fn etcd_member(host: &ClusterHost, answer: Option<&Answer>) -> Check {
    let health = answer.and_then(json);
    let healthy = health.as_ref().is_some_and(|health| match &health["health"] {
        Value::String(text) => text == "true",
        other => other == &Value::Bool(true),
    });
    let seen =
        health.map_or_else(|| "no answer to /health".to_owned(), |health| format!("/health: {health}"));
    Check::of("etcd-member", host, healthy, seen)
}

/// The agent's `--containerizers` are those of the cluster.
fn containerizers(cluster: &Cluster, host: &ClusterHost, answer: Option<&Answer>) -> Check {
    let name = "mesos-agent-containerizers";
    let Some(state) = answer.and_then(json) else {
        return Check::of(name, host, false, "no answer to /state".to_owned());
    };
    let flag = state["flags"]["containerizers"].as_str().unwrap_or("mesos");
    let has: BTreeSet<&str> = flag.split(',').map(str::trim).collect();
    let lacks: Vec<String> = cluster
        .containerizers
        .iter()
        .map(ToString::to_string)
        .filter(|wanted| !has.contains(wanted.as_str()))
        .collect();
    let seen = match lacks.is_empty() {
        true => format!("--containerizers={flag}"),
        false => format!("--containerizers={flag}, without {}", lacks.join(" and ")),
    };
    Check::of(name, host, lacks.is_empty(), seen)
}

/// The module is really active: in the agent's flags, and its library in the agent's memory. Where it is not, tasks
/// run on their host's network and nobody is told.
fn module(host: &ClusterHost, state: Option<&Answer>, libraries: Option<&Answer>) -> Check {
    let check = |ok, seen: String| Check::of("network-module-active", host, ok, seen);
    let Some(state) = state.and_then(json) else { return check(false, "no answer to /state".to_owned()) };
    let flag = |name: &str| state["flags"][name].as_str().unwrap_or_default().to_owned();
    for (name, wanted) in [("isolation", ISOLATOR), ("hooks", HOOK)] {
        if !flag(name).split(',').any(|word| word.trim() == wanted) {
            return check(false, format!("the agent runs with --{name}={}, without {wanted}", flag(name)));
        }
    }
    // Stand-ins tell what became of each module; the real agent does not.
    let inactive = state["modules"].as_array().into_iter().flatten().find(|module| module["active"] == false);
    if let Some(module) = inactive {
        let reason = module["reason"].as_str().unwrap_or("it does not say why");
        return check(false, format!("the agent does not use {}: {reason}", module["name"]));
    }
    let library = host.vars.get("net_modules_library").and_then(Value::as_str).unwrap_or_default();
    let file = library.rsplit('/').next().unwrap_or_default().trim_end_matches(".so");
    let loaded = libraries.and_then(Answer::text).unwrap_or_default();
    match loaded.lines().find(|line| !file.is_empty() && line.contains(file)) {
        Some(line) => check(true, format!("isolation and hooks have it, and the agent has loaded {line}")),
        None => check(false, format!("{library} is not among the libraries that mesos-slave has loaded")),
    }
}

fn cluster_store(host: &ClusterHost, answer: Option<&Answer>) -> Check {
    let check = |ok, seen: String| Check::of("docker-cluster-store", host, ok, seen);
    let Some(info) = answer.and_then(Answer::text) else {
        return check(false, "`docker info` prints nothing".to_owned());
    };
    let store = info.lines().find_map(|line| line.trim().strip_prefix("Cluster Store:")).map(str::trim);
    match store {
        Some(store) => check(store.starts_with("etcd://"), format!("`docker info`: Cluster Store: {store}")),
        None => check(false, "`docker info` names no cluster store".to_owned()),
    }
}

/// Every other host with calico-node is a peer whose session is established.
fn bgp(cluster: &Cluster, host: &ClusterHost, answer: Option<&Answer>) -> Check {
    let check = |ok, seen: String| Check::of("bgp-established", host, ok, seen);
    let Some(status) = answer.and_then(Answer::text) else {
        return check(false, "`calicoctl status` prints nothing".to_owned());
    };
    let others: Vec<&ClusterHost> =
        cluster.with_role("calico-node").filter(|other| other.name != host.name).collect();
    let row = |other: &ClusterHost| {
        let address = other.address.to_string();
        status.lines().find(|line| line.split('|').any(|cell| cell.trim() == address)).map(str::trim)
    };
    let down: Vec<String> = others
        .iter()
        .filter_map(|other| match row(other) {
            Some(row) if row.contains("Established") => None,
            Some(row) => Some(format!("{}: {row}", other.name)),
            None => Some(format!("{}: not among the peers", other.name)),
        })
        .collect();
    if others.is_empty() {
        return Check::skipped("bgp-established", Some(host), "no other host runs calico-node".to_owned());
    }
    match down.is_empty() {
        true => check(true, format!("`calicoctl status`: {} peers, all Established", others.len())),
        false => check(false, format!("`calicoctl status`: {}", down.join("; "))),
    }
}

/// All instances name the same leader.
fn marathon(cluster: &Cluster, answers: &Answers) -> Option<Check> {
    let mut seen = Vec::new();
    let mut leaders = BTreeSet::new();
    for host in hosts(cluster, answers, "marathon") {
        let leader = answer(answers, &host.name, Topic::MarathonLeader)
            .and_then(json)
            .and_then(|leader| Some(leader["leader"].as_str()?.to_owned()));
        seen.push(format!("{}: {}", host.name, leader.as_deref().unwrap_or("names no leader")));
        leaders.insert(leader);
    }
    let ok = leaders.len() == 1 && !leaders.contains(&None);
    (!seen.is_empty()).then(|| Check::new("marathon-leader", None, ok, seen.join(", ")))
}

/// The name of the leading master is that of a master, and of the one that leads where it is known.
fn names(cluster: &Cluster, answers: &Answers, host: &ClusterHost, reply: Option<&Answer>) -> Check {
    let name = super::leader_name(host);
    let check = |ok, seen: String| Check::of("dns-leader", host, ok, format!("{name}: {seen}"));
    let Some(Answer::Bytes(bytes)) = reply else { return check(false, "no answer over UDP".to_owned()) };
    let found = match dns::addresses(bytes) {
        Ok(found) => found,
        Err(why) => return check(false, why),
    };
    let leads = |host: &&ClusterHost| {
        let metrics = answer(answers, &host.name, Topic::MasterMetrics).and_then(json);
        metrics.is_some_and(|metrics| metrics["master/elected"].as_f64() == Some(1.0))
    };
    let masters: Vec<&ClusterHost> = cluster.with_role("mesos-master").collect();
    let leader = masters.iter().copied().find(|host| leads(host));
    let named = masters.iter().find(|master| found.iter().any(|address| master.address == *address));
    match (named, leader) {
        (Some(named), Some(leader)) if named.name != leader.name => {
            check(false, format!("{}, which is {}, but {} leads", named.address, named.name, leader.name))
        }
        (Some(named), _) => check(true, format!("{}, which is {}", named.address, named.name)),
        (None, _) => check(false, format!("{found:?}, which is no master")),
    }
}
