//! Whether a task's name is known: to Mesos-DNS, and to the hosts that are configured to use it.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use super::plan::Task;
use super::run::Running;
use super::{Access, GROUP, Setup};
use crate::cluster::ClusterHost;
use crate::facts::{Answer, Inquiry};
use crate::verify::{Check, dns};

/// Beside the time after which Mesos-DNS reads the master's state again.
const GRACE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(5);

/// Whether there is a Mesos-DNS.
pub(super) fn has_dns(setup: &Setup<'_>) -> bool {
    setup.cluster.with_role("mesos-dns").next().is_some()
}

/// Asks for the first task that runs: Mesos-DNS itself on its hosts, the resolver on those that are configured to ask it.
pub(super) fn checks(
    setup: &Setup<'_>,
    access: &mut dyn Access,
    tasks: &[Task],
    running: &Running<'_>,
) -> Vec<Check> {
    let servers: Vec<&ClusterHost> = setup.cluster.with_role("mesos-dns").collect();
    let Some(server) = servers.first() else { return Vec::new() };
    let task = tasks.iter().find_map(|task| Some((task, *running.get(task.name)?.as_ref().ok()?)));
    let Some((task, address)) = task else {
        return vec![Check::new(
            "dns-task",
            None,
            false,
            "no task runs whose name could be asked".to_owned(),
        )];
    };
    let name = name_of(task, setup);
    let refresh = server.vars.get("mesos_dns_refresh").and_then(Value::as_u64).unwrap_or(60);
    let until = access.elapsed() + Duration::from_secs(refresh) + GRACE;
    let hosts = setup.hosts.iter().filter_map(|name| setup.cluster.host(name.as_str()));
    let mut checks = Vec::new();
    for host in hosts {
        for inquiry in asked(access, host, &servers, &name) {
            checks.push(known(access, host, &inquiry, (&name, address), until));
        }
    }
    checks
}

/// An application `/a/b` is `b-a`, with the name of the framework and the domain behind it.
fn name_of(task: &Task, setup: &Setup<'_>) -> String {
    let hosts = &setup.cluster.hosts;
    let text = |name: &str, or| hosts.iter().find_map(|host| host.vars.get(name)?.as_str()).unwrap_or(or);
    let framework = text("marathon_framework_name", "marathon");
    let domain = text("mesos_dns_domain", "mesos");
    format!("{}-{}.{framework}.{domain}", task.name, GROUP.trim_start_matches('/'))
}

/// What to ask on a host.
fn asked(access: &mut dyn Access, host: &ClusterHost, servers: &[&ClusterHost], name: &str) -> Vec<Inquiry> {
    let mut all = Vec::new();
    let port =
        host.vars.get("mesos_dns_port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    if let Some(port) = port.filter(|_| host.has("mesos-dns")) {
        all.push(Inquiry::Datagram { address: host.address, port, bytes: dns::query(name) });
    }
    let answers = access.ask(&host.name, &[Inquiry::Resolvers], Duration::ZERO);
    let resolvers = answers.first().and_then(Answer::text).unwrap_or_default();
    let ours =
        |line: &str| line.trim().parse::<IpAddr>().is_ok_and(|at| servers.iter().any(|it| it.address == at));
    if resolvers.lines().any(ours) {
        all.push(Inquiry::Resolve(name.to_owned()));
    }
    all
}

/// Asks until the answer is right, or Mesos-DNS had the time to know.
fn known(
    access: &mut dyn Access,
    host: &ClusterHost,
    inquiry: &Inquiry,
    (name, address): (&str, IpAddr),
    until: Duration,
) -> Check {
    let by = if matches!(inquiry, Inquiry::Resolve(_)) { "the host's resolver" } else { "Mesos-DNS" };
    let mut pause = Duration::ZERO;
    loop {
        let answers = access.ask(&host.name, std::slice::from_ref(inquiry), pause);
        let found = addresses(inquiry, answers.first());
        let seen = match &found {
            Ok(found) if found.contains(&address) => {
                return Check::of("dns-task", host, true, format!("{name}: {address}, says {by}"));
            }
            Ok(found) => format!("{found:?}, and the task has {address}"),
            Err(why) => why.clone(),
        };
        if access.elapsed() >= until || access.is_cancelled() {
            return Check::of("dns-task", host, false, format!("{name}: {by}: {seen}"));
        }
        pause = PAUSE;
    }
}

fn addresses(inquiry: &Inquiry, answer: Option<&Answer>) -> Result<Vec<IpAddr>, String> {
    match (inquiry, answer) {
        (Inquiry::Resolve(_), Some(answer)) => {
            let text = answer.text().unwrap_or_default();
            let found: Vec<IpAddr> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
            if found.is_empty() { Err("it knows no such name".to_owned()) } else { Ok(found) }
        }
        (_, Some(Answer::Bytes(bytes))) => Ok(dns::addresses(bytes)?.into_iter().map(IpAddr::from).collect()),
        _ => Err("no answer over UDP".to_owned()),
    }
}
