//! What hosts see around them: one another's names and ports, and what their own repositories have. Who is asked what
//! follows from the roles' needs and from the plans.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Input, Problem, Subject};
use crate::cluster::ClusterHost;
use crate::desired::SystemSetting;
use crate::facts::{Offered, Reached, Survey, SurveyQuery};
use crate::model::{HostName, PackageName};
use crate::plan::{Action, PackageChange, Step};
use crate::roles::{PortRef, Protocol, Role, Where, applies};

/// What the hosts that were asked answered, with what they were asked.
pub type Answers = BTreeMap<HostName, (SurveyQuery, Survey)>;

/// How many peers of its own role a host is asked about: in a large mesh every host is still asked about by so many.
const PEERS: usize = 32;

/// Who calls whom without needing it: a master opens connections to the agents that register with it.
const CALLS: [(&str, &str); 1] = [("mesos-master", "mesos-agent")];

/// What a host is asked about what is around it.
pub fn questions(input: &Input<'_>, host: &ClusterHost) -> SurveyQuery {
    let others = input.cluster.hosts.iter().filter(|other| other.name != host.name);
    let near = ring(input, host);
    let mut ports: BTreeSet<(IpAddr, u16)> = BTreeSet::new();
    for role in host.roles.iter().filter_map(|name| input.cluster.roles.get(name.as_str())) {
        for needed in needed(input, role) {
            let is_peer = needed.name == role.name;
            let serving = others.clone().filter(|other| other.has(needed.name.as_str()));
            let serving = serving.filter(|other| !is_peer || near.contains(&other.name));
            ports.extend(
                serving.flat_map(|other| tcp_ports(other, needed, is_peer).map(|port| (other.address, port))),
            );
        }
    }
    let names = others.filter(|other| near.contains(&other.name)).map(|other| other.name.clone()).collect();
    let subject = input.hosts.iter().find(|subject| subject.host.name == host.name);
    let packages = subject.map(from_its_own).unwrap_or_default();
    SurveyQuery { names, ports: ports.into_iter().collect(), packages }
}

/// The packages that the plan has the host take from its own repositories.
fn from_its_own(subject: &Subject<'_>) -> Vec<PackageName> {
    let steps = subject.plan.iter().flat_map(|plan| &plan.steps);
    let changes = steps.filter_map(|step| match &step.action {
        Action::Packages { changes } => Some(changes),
        _ => None,
    });
    let provided = changes.flatten().filter_map(|change| match change {
        PackageChange::InstallProvided { name } => Some(name.clone()),
        _ => None,
    });
    provided.collect()
}

/// The roles that a role talks to: those that it needs in the cluster, and its own on other hosts.
fn needed<'a>(input: &'a Input<'_>, role: &'a Role) -> Vec<&'a Role> {
    let roles = &input.cluster.roles;
    let of_cluster = role.needs.iter().filter(|need| {
        need.on == Where::Cluster && applies(need.containerizer, &input.cluster.containerizers)
    });
    let needed = of_cluster.filter_map(|need| roles.get(need.role.value.as_str()));
    // An agent listens for its master: one agent needs no other.
    let talks_to_peers = role.units.iter().any(|unit| unit.quorum) || role.name.as_str() == "calico-node";
    let calls = CALLS.iter().filter(|(caller, _)| *caller == role.name.as_str());
    needed
        .chain(calls.filter_map(|(_, called)| roles.get(called)))
        .chain(talks_to_peers.then_some(role))
        .collect()
}

/// The ports of a role: all of them to its peers, to others those that answer its health checks, which are the ones for
/// clients.
fn tcp_ports<'a>(host: &'a ClusterHost, role: &'a Role, to_peer: bool) -> impl Iterator<Item = u16> + 'a {
    let for_clients = |port: &PortRef| {
        let mut asked = role.units.iter().flat_map(|unit| &unit.health).peekable();
        asked.peek().is_none() || asked.any(|health| health.port.value == *port)
    };
    let tcp = role.ports.iter().filter(|port| port.protocol == Protocol::Tcp);
    let tcp = tcp.filter(move |port| to_peer || for_clients(&port.port.value));
    // Of a range nobody knows which of its ports will be in use.
    tcp.filter_map(|port| host.ports(&port.port)?.only())
}

/// The hosts that come after a host in the inventory, as if it were a ring.
fn ring<'a>(input: &'a Input<'_>, host: &ClusterHost) -> BTreeSet<&'a HostName> {
    let hosts = &input.cluster.hosts;
    let at = hosts.iter().position(|other| other.name == host.name).unwrap_or(0);
    hosts
        .iter()
        .cycle()
        .skip(at + 1)
        .take(PEERS.min(hosts.len().saturating_sub(1)))
        .map(|other| &other.name)
        .collect()
}

pub(super) fn names(input: &Input<'_>, answers: &Answers) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (subject, (_, survey)) in asked(input, answers) {
        let mut unknown = Vec::new();
        for (name, addresses) in &survey.names {
            let Some(host) = input.cluster.host(name.as_str()) else { continue };
            match addresses {
                Some(addresses) if addresses.is_empty() => unknown.push(name.as_str()),
                Some(addresses) if !addresses.contains(&host.address) => {
                    let seen: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                    let seen = format!(
                        "there `{name}` is {}, and the inventory says {}",
                        seen.join(", "),
                        host.address
                    );
                    let remedy = "Correct its /etc/hosts or the DNS, or the address in the inventory.";
                    problems.push(subject.fail(seen, remedy));
                }
                _ => {}
            }
        }
        // Where the plan writes the names, they are known before anything needs them.
        let writes_names = |step: &Step| matches!(&step.action, Action::WriteFile { path, .. } | Action::WriteBlock { path, .. } if path.as_str() == "/etc/hosts");
        let brought = subject.plan.is_ok_and(|plan| plan.steps.iter().any(writes_names));
        if !unknown.is_empty() && !brought {
            let seen = format!("it does not know the address of {}", unknown.join(", "));
            problems.push(subject.warn(seen, "Put the hosts' names into DNS or into /etc/hosts on it."));
        }
        if survey.names.values().any(Option::is_none) {
            problems.push(subject.warn(
                "it cannot be asked about names: there is no `getent`",
                "Look with `ping NAME` there.",
            ));
        }
    }
    problems
}

pub(super) fn reachability(input: &Input<'_>, answers: &Answers) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (subject, (query, survey)) in asked(input, answers) {
        let mut unknown = BTreeSet::new();
        let mut closed: BTreeMap<(&HostName, &str), Vec<u16>> = BTreeMap::new();
        for ((address, port), reached) in query.ports.iter().zip(&survey.ports) {
            match reached {
                Reached::Answered => {}
                Reached::Unknown(why) => drop(unknown.insert(why.as_str())),
                Reached::Not(why) => {
                    // A host that did not answer us either is reported as what it is, and blocks nobody.
                    let Some(target) = input.hosts.iter().find(|other| other.host.address == *address) else {
                        continue;
                    };
                    if !will_open(target, *port) {
                        closed.entry((&target.host.name, why)).or_default().push(*port);
                    }
                }
            }
        }
        for ((target, why), ports) in closed {
            let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
            let seen = format!("from there {target} cannot be reached on {}: {why}", ports.join(", "));
            let remedy = format!(
                "Open the ports between {} and {target} in firewalls and security groups.",
                subject.host.name
            );
            problems.push(subject.fail(seen, remedy));
        }
        if !unknown.is_empty() {
            let why: Vec<&str> = unknown.into_iter().collect();
            let seen = format!("whether it reaches the others could not be asked: {}", why.join("; "));
            problems.push(subject.warn(seen, "Install bash there, or make sure by hand."));
        }
    }
    problems
}

pub(super) fn provided(input: &Input<'_>, answers: &Answers) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (subject, (_, survey)) in asked(input, answers) {
        for (name, offered) in &survey.packages {
            let remedy = format!(
                "Install {name} there, give the host a repository that has it, or take it out of `[packages] provided`."
            );
            match offered {
                Offered::Yes => {}
                Offered::No => {
                    let seen = format!(
                        "`[packages] provided` names {name}: it is not installed, and no repository of the host has it"
                    );
                    problems.push(subject.fail(seen, remedy));
                }
                Offered::Unknown(why) => {
                    let seen = format!("whether its repositories have {name} could not be asked: {why}");
                    problems.push(subject.warn(seen, remedy));
                }
            }
        }
    }
    problems
}

/// Whether the plan has firewalld let a port through, so that what is closed now says nothing.
fn will_open(target: &Subject<'_>, port: u16) -> bool {
    let opens = |step: &Step| {
        matches!(&step.action, Action::SetSystem { setting: SystemSetting::Port { ports, protocol } }
            if protocol == "tcp" && ports.has(port))
    };
    target.plan.is_ok_and(|plan| plan.steps.iter().any(opens))
}

/// The hosts that were asked, with what came of it.
fn asked<'a>(
    input: &'a Input<'_>,
    answers: &'a Answers,
) -> impl Iterator<Item = (&'a Subject<'a>, &'a (SurveyQuery, Survey))> {
    input.hosts.iter().filter_map(|subject| Some((subject, answers.get(&subject.host.name)?)))
}
