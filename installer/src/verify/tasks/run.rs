//! Launching the tasks, asking them, and removing them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use super::plan::{Task, pairs, plan};
use super::{Access, AccessError, GROUP, PORT, Setup, names};
use crate::apps::MarathonVersion;
use crate::apps::api::{AppState, Call, Info};
use crate::facts::{HttpRequest, Inquiry};
use crate::inventory::Containerizer;
use crate::model::HostName;
use crate::verify::Check;

/// How long a host waits before it asks Marathon again.
const PAUSE: Duration = Duration::from_secs(2);
/// Policy takes a moment to be in effect: what is not as it must be is asked so often, with a pause before each.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
/// How long Marathon may take to end the tasks.
const REMOVAL: Duration = Duration::from_secs(90);

/// What is known of a task: its address, or why it has none.
pub(super) type Running<'a> = BTreeMap<&'a str, Result<IpAddr, String>>;

/// Whether a task reaches another, by their names; where that was seen.
type Seen<'a> = BTreeMap<(&'a str, &'a str), bool>;

/// Launches the tasks, checks what must hold of them, and removes them whatever came of it.
pub fn run(setup: &Setup<'_>, access: &mut dyn Access) -> Vec<Check> {
    let agents: Vec<&HostName> =
        setup.hosts.iter().copied().filter(|name| has(setup, name, "mesos-agent")).collect();
    let tasks = plan(&agents);
    match obstacle(setup, access, &tasks) {
        Ok(None) => {}
        Ok(Some(why)) => return skipped(setup, &tasks, &why),
        Err(error) => return vec![Check::new("task-runs", None, false, error.to_string())],
    }
    // What an earlier run was kept from removing would be in the way.
    let mut checks = match clear(access) {
        Err(error) => vec![Check::new("task-runs", None, false, error)],
        Ok(()) => launch(setup, access, &tasks),
    };
    checks.push(match clear(access) {
        Ok(()) => Check::new("tasks-removed", None, true, format!("Marathon has no {GROUP} any longer")),
        Err(error) => Check::new("tasks-removed", None, false, error),
    });
    checks
}

fn has(setup: &Setup<'_>, name: &HostName, role: &str) -> bool {
    setup.cluster.host(name.as_str()).is_some_and(|host| host.has(role))
}

/// Why no task can be launched here, or none that would prove anything.
fn obstacle(
    setup: &Setup<'_>,
    access: &mut dyn Access,
    tasks: &[Task],
) -> Result<Option<String>, AccessError> {
    let info = Info::read(&access.marathon(&Call::info(), Duration::ZERO)?);
    if !setup.cluster.containerizers.contains(&Containerizer::Mesos) {
        return Ok(Some(
            "the tasks are in net-groups, which only the containerizer mesos has; `apps launch … stars` shows policy \
             between Docker's networks"
                .to_owned(),
        ));
    }
    let too_new = info.kind.is_some_and(|version| version >= MarathonVersion::new(1, 5));
    let mut agents = tasks.iter().filter_map(|task| task.agent.as_ref()).peekable();
    Ok(match (agents.peek().is_some(), too_new, agents.all(|name| has(setup, name, "calico-node"))) {
        (false, ..) => Some("no agent is among the hosts that were asked".to_owned()),
        (_, true, _) => Some(format!("Marathon {} no longer has net-groups", info.version)),
        (.., false) => Some(
            "not every agent that would run them has the role calico-node, and nothing else is known to route between tasks; give agents the roles calico-node and docker"
                .to_owned(),
        ),
        _ => None,
    })
}

/// Every check, without anything having been launched.
fn skipped(setup: &Setup<'_>, tasks: &[Task], why: &str) -> Vec<Check> {
    let mut checks: Vec<Check> =
        tasks.iter().map(|task| skip("task-runs", why.to_owned()).of_task(task.name)).collect();
    for (from, to) in pairs(tasks) {
        checks.push(skip("task-reach", why.to_owned()).of_edge(from.edge(to)));
    }
    checks.extend(one_address_only());
    if names::has_dns(setup) {
        checks.push(skip("dns-task", why.to_owned()));
    }
    checks
}

/// What this way of running tasks cannot have.
fn one_address_only() -> [Check; 2] {
    [("several addresses", "one address for each task"), ("static address", "an address that is free")].map(
        |(what, gets)| {
            let why =
                format!("{what}: an application's `ipAddress` can name none; Marathon asks Mesos for {gets}");
            skip("task-addresses", why).of_task(what)
        },
    )
}

fn launch(setup: &Setup<'_>, access: &mut dyn Access, tasks: &[Task]) -> Vec<Check> {
    let apps: Vec<Value> = tasks.iter().filter_map(|task| task.app(&setup.probe)).collect();
    if let Err(error) = access.marathon(&Call::put_group(GROUP, &apps), Duration::ZERO) {
        return vec![Check::new("task-runs", None, false, error.to_string())];
    }
    let running = wait(setup, access, tasks);
    let seen = ask(access, tasks, &running);
    let mut checks: Vec<Check> = tasks.iter().map(|task| runs(setup, task, &running)).collect();
    checks.extend(pairs(tasks).map(|(from, to)| reach(from, to, &running, &seen)));
    checks.extend(one_address_only());
    checks.extend(names::checks(setup, access, tasks, &running));
    checks
}

/// Waits until all tasks run and have addresses.
fn wait<'a>(setup: &Setup<'_>, access: &mut dyn Access, tasks: &'a [Task]) -> Running<'a> {
    let until = access.elapsed() + setup.patience;
    let mut pause = Duration::ZERO;
    loop {
        let launched = tasks.iter().filter(|task| task.agent.is_some());
        let running: Running<'a> = launched
            .map(|task| {
                let state = access.marathon(&Call::app(&task.id()), std::mem::take(&mut pause));
                let state = state.map_err(|error| error.to_string());
                (task.name, state.and_then(|json| address(&AppState::read(&json["app"]))))
            })
            .collect();
        let done = running.values().all(Result::is_ok);
        if done || access.is_cancelled() || access.elapsed() >= until {
            return running;
        }
        pause = PAUSE;
    }
}

/// The address of the app's task, once it runs.
fn address(app: &AppState) -> Result<IpAddr, String> {
    if !app.is_done() {
        return Err(app.sentence());
    }
    let addresses = app.tasks.iter().flat_map(|task| &task.addresses);
    addresses
        .copied()
        .find(IpAddr::is_ipv4)
        .ok_or_else(|| "it runs, and Marathon knows no address of it".to_owned())
}

/// Asks every task for every other, and again for a while where the answer is not as it must be.
fn ask<'a>(access: &mut dyn Access, tasks: &'a [Task], running: &Running<'_>) -> Seen<'a> {
    let mut seen = Seen::new();
    for round in 0..ROUNDS {
        let open: Vec<(&Task, &Task)> = pairs(tasks)
            .filter(|(from, to)| {
                let both = [from, to].iter().all(|task| matches!(running.get(task.name), Some(Ok(_))));
                both && seen.get(&(from.name, to.name)) != Some(&from.must_reach(to).0)
            })
            .collect();
        if open.is_empty() || access.is_cancelled() {
            break;
        }
        let mut pause = if round == 0 { Duration::ZERO } else { ROUND };
        let mut agents: Vec<&HostName> = open.iter().filter_map(|(from, _)| from.agent.as_ref()).collect();
        agents.sort();
        agents.dedup();
        for agent in agents {
            let of_agent = open.iter().copied().filter(|(from, _)| from.agent.as_ref() == Some(agent));
            seen.extend(ask_agent(access, agent, of_agent, running, std::mem::take(&mut pause)));
        }
    }
    seen
}

/// Asks the tasks of one agent for others. A task lets its own host in, and no other: each is asked from where it runs.
fn ask_agent<'a>(
    access: &mut dyn Access,
    agent: &HostName,
    pairs: impl Iterator<Item = (&'a Task, &'a Task)>,
    running: &Running<'_>,
    pause: Duration,
) -> Seen<'a> {
    let target = |task: &Task| running.get(task.name)?.clone().ok();
    let mut asked: BTreeMap<(&'a str, IpAddr), Vec<(&'a str, String)>> = BTreeMap::new();
    for (from, to) in pairs {
        if let (Some(address), Some(other)) = (target(from), target(to)) {
            asked.entry((from.name, address)).or_default().push((to.name, format!("{other}:{PORT}")));
        }
    }
    let inquiries: Vec<Inquiry> = asked
        .iter()
        .map(|((_, address), others)| {
            let others: Vec<&str> = others.iter().map(|(_, place)| place.as_str()).collect();
            let path = format!("/reach?{}", others.join(","));
            Inquiry::Http(HttpRequest {
                address: *address,
                port: PORT,
                method: "GET",
                path,
                body: String::new(),
            })
        })
        .collect();
    let mut seen = Seen::new();
    for (((from, _), others), answer) in asked.iter().zip(access.ask(agent, &inquiries, pause)) {
        let answer = answer.body().ok().and_then(|body| serde_json::from_str::<Value>(&body).ok());
        let Some(answer) = answer else { continue };
        let reached =
            others.iter().filter_map(|(to, place)| Some((*to, answer["reaches"][place].as_bool()?)));
        seen.extend(reached.map(|(to, reached)| ((*from, to), reached)));
    }
    seen
}

fn runs(setup: &Setup<'_>, task: &Task, running: &Running<'_>) -> Check {
    let check = |ok, seen| Check::new("task-runs", task.agent.clone(), ok, seen).of_task(task.name);
    let Some(agent) = &task.agent else {
        return skip("task-runs", needs_two(task)).of_task(task.name);
    };
    match running.get(task.name) {
        Some(Ok(address)) if setup.cluster.hosts.iter().any(|host| host.address == *address) => {
            check(false, format!("{}: it runs on its host's address {address}", task.name))
        }
        Some(Ok(address)) => {
            check(true, format!("{}: it runs on {agent} with the address {address}", task.name))
        }
        Some(Err(why)) => check(false, format!("{}: {why}", task.name)),
        None => check(false, format!("{}: it was not looked for", task.name)),
    }
}

fn needs_two(task: &Task) -> String {
    format!("{}: it would run on a second agent, and one was asked", task.name)
}

fn reach(from: &Task, to: &Task, running: &Running<'_>, seen: &Seen<'_>) -> Check {
    let (must, why) = from.must_reach(to);
    let reaches = seen.get(&(from.name, to.name)).copied();
    let mut edge = from.edge(to);
    edge.reaches = reaches;
    let pair = format!("{} → {} {}", from.name, to.name, from.to_place(to));
    if let Some(missing) = [from, to].into_iter().find(|task| task.agent.is_none()) {
        return skip("task-reach", needs_two(missing)).of_edge(edge);
    }
    let absent = [from, to].into_iter().find(|task| !matches!(running.get(task.name), Some(Ok(_))));
    let (ok, text) = match (reaches, must) {
        (Some(true), true) => (true, "reached, as it must be".to_owned()),
        (Some(false), false) => (true, "kept out, as it must be".to_owned()),
        (Some(true), false) => (false, "reached, and must be kept out".to_owned()),
        (Some(false), true) => (false, "not reached, and must be".to_owned()),
        (None, _) => match absent {
            Some(task) => (false, format!("not asked: {} does not run", task.name)),
            None => (false, format!("{} does not answer its own host", from.name)),
        },
    };
    Check::new("task-reach", from.agent.clone(), ok, format!("{pair}: {text}: {why}")).of_edge(edge)
}

/// Removes all applications of the group, and waits until Marathon no longer has it.
fn clear(access: &mut dyn Access) -> Result<(), String> {
    let left = |why: String| {
        format!(
            "{why}\nRemove {GROUP} and all in it: `curl -X DELETE 'http://MARATHON:8080/v2/groups{GROUP}?force=true'`"
        )
    };
    match access.marathon(&Call::remove_group(GROUP), Duration::ZERO) {
        Ok(_) => {}
        Err(error) if error.is_unknown() => return Ok(()),
        Err(error) => return Err(left(error.to_string())),
    }
    let until = access.elapsed() + REMOVAL;
    loop {
        match access.marathon(&Call::group(GROUP), PAUSE) {
            Err(error) if error.is_unknown() => return Ok(()),
            Err(error) => return Err(left(error.to_string())),
            Ok(_) if access.elapsed() >= until => {
                return Err(left(format!("Marathon still has it after {} s", REMOVAL.as_secs())));
            }
            Ok(_) => {}
        }
    }
}

fn skip(name: &'static str, why: String) -> Check {
    Check::skipped(name, None, why)
}
