//! Tasks on booted hosts: launched by `apps launch`, known to Marathon, Mesos and Mesos-DNS, alive while the agent is
//! restarted, and ended by `apps remove`; and who of them reaches whom, as `verify --tasks` and the stars show it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::Lab;

/// The process of the sample `host`.
const PROCESS: &str = "pgrep -xf 'sleep 360000'";

#[test]
fn tasks_run_on_agents_until_they_are_removed() {
    let mut lab = Lab::up("tasks", 244, 1, 2);
    lab.set("vars", "mesos_dns_refresh", "1s");
    // With calico-node comes the pool that addresses are taken from.
    for agent in ["agent-1", "agent-2"] {
        lab.set_roles(agent, &["agent", "calico-node", "docker"]);
    }
    lab.apply().exit(0);

    let launched = apps(&lab, "launch", &["host", "group"]);
    assert!(launched.iter().all(|app| app["outcome"] == "running"), "{launched:?}");
    let tasks = tasks(&lab);
    assert_eq!(tasks.len(), 4, "{tasks:?}");
    let host = task(&tasks, "/samples/host");
    let agent = host["host"].as_str().unwrap();
    let address = lab.on(agent, "hostname -I | cut -d ' ' -f 1");
    assert_eq!(host["ipAddresses"][0]["ipAddress"], address.as_str());
    let own = task(&tasks, "/samples/group-first")["ipAddresses"][0]["ipAddress"].as_str().unwrap();
    assert!(own.starts_with("192.168."), "it has an address of the pool: {own}");
    for (name, address) in [("host", address.as_str()), ("group-first", own)] {
        let script = format!(
            "for _ in $(seq 30); do curl -sS http://{}:8123/v1/hosts/{name}-samples.marathon.mesos | grep -qF '\"{address}\"' \
             && exit 0; sleep 1; done; exit 1",
            lab.address(101)
        );
        lab.on("master-1", &script);
    }
    a_task_has_a_network_of_its_own(&lab, task(&tasks, "/samples/group-first"));

    let before = lab.on(agent, PROCESS);
    for restart in ["systemctl restart mesos-slave", "systemctl kill -s KILL mesos-slave --kill-whom=main"] {
        lab.on(agent, restart);
        lab.on(agent, "systemctl restart mesos-slave");
        lab.on(
            agent,
            "for _ in $(seq 30); do curl -sS http://$(hostname -I | cut -d ' ' -f 1):5051/metrics/snapshot | \
             grep -q 'registered\":1' && exit 0; sleep 1; done; exit 1",
        );
        assert_eq!(lab.on(agent, PROCESS), before, "after {restart}");
    }
    assert_eq!(tasks_by_id(&lab), tasks.iter().map(|task| task["id"].to_string()).collect::<Vec<_>>());
    lab.run("verify", &[]).exit(0);
    lab.run("plan", &["--detailed-exitcode"]).exit(0);

    apps(&lab, "remove", &["host", "group"]);
    lab.on(agent, &format!("for _ in $(seq 30); do {PROCESS} || exit 0; sleep 1; done; exit 1"));
    assert!(tasks_by_id(&lab).is_empty());
    for agent in ["agent-1", "agent-2"] {
        lab.on(agent, "for _ in $(seq 30); do pgrep -x mesos-executor || exit 0; sleep 1; done; exit 1");
    }
}

/// Runs `apps VERB`, and returns what it says of each application.
fn apps(lab: &Lab, verb: &str, names: &[&str]) -> Vec<Value> {
    let run = lab.apps(verb, names).exit(0);
    run.events.iter().filter(|event| event["type"] == "app").cloned().collect()
}

fn tasks(lab: &Lab) -> Vec<Value> {
    let answer: Value = serde_json::from_str(&lab.http("master-1", 8080, "/v2/tasks")).unwrap();
    answer["tasks"].as_array().unwrap().clone()
}

fn tasks_by_id(lab: &Lab) -> Vec<String> {
    tasks(lab).iter().map(|task| task["id"].to_string()).collect()
}

fn task<'a>(tasks: &'a [Value], app: &str) -> &'a Value {
    tasks.iter().find(|task| task["appId"] == app).unwrap_or_else(|| panic!("no task of {app}: {tasks:?}"))
}

/// It is in another network namespace than the agent.
fn a_task_has_a_network_of_its_own(lab: &Lab, task: &Value) {
    let id = task["id"].as_str().unwrap();
    let script = format!(
        "test \"$(readlink /proc/$(pgrep -f 'mesos-executor.*{id}')/ns/net)\" != \"$(readlink /proc/1/ns/net)\""
    );
    lab.on(task["host"].as_str().unwrap(), &script);
}

#[test]
fn who_of_the_tasks_reaches_whom() {
    let mut lab = Lab::up("reach", 245, 1, 2);
    lab.set("cluster", "containerizers", vec!["mesos".to_owned(), "docker".to_owned()]);
    lab.set("vars", "mesos_dns_refresh", "1s");
    // Tasks ask Mesos-DNS, which is outside of the pool.
    lab.set("vars", "ip_pool_nat_outgoing", true);
    lab.apply().exit(0);
    for agent in ["agent-1", "agent-2"] {
        lab.on(agent, &format!("echo 'nameserver {}' >/etc/resolv.conf", lab.address(101)));
    }

    let proof = lab.run("verify", &["--tasks"]).exit(0);
    let edges: Vec<&Value> = proof.events.iter().filter(|event| event["name"] == "task-reach").collect();
    assert_eq!(edges.len(), 8 * 7, "{proof}");
    for check in edges {
        assert_eq!(check["level"], "passed", "{check}");
        assert_eq!(check["edge"]["reaches"], check["edge"]["must_reach"], "{check}");
    }
    let known = proof.events.iter().filter(|event| event["name"] == "dns-task" && event["level"] == "passed");
    assert_eq!(known.count(), 3, "by itself, and by the resolver of each agent: {proof}");
    assert!(tasks(&lab).is_empty());

    the_stars(&lab);
    a_node_that_does_not_run_is_found_out(&lab);
}

/// Each probe and whom it reaches, as it says itself.
fn stars(lab: &Lab) -> BTreeMap<String, Vec<String>> {
    let status = |task: &Value| {
        let app = task["appId"].as_str().unwrap().to_owned();
        let port = if app.ends_with("collector") { 9001 } else { 9000 };
        let address = task["ipAddresses"][0]["ipAddress"].as_str().unwrap();
        let said = lab.on(
            task["host"].as_str().unwrap(),
            &format!("curl -sS -m 20 --retry 5 --retry-connrefused http://{address}:{port}/status"),
        );
        let said: Value = serde_json::from_str(&said).unwrap();
        let reached = said["reaches"].as_object().unwrap().iter().filter(|(_, reached)| **reached == true);
        let names = reached.map(|(name, _)| name.split('-').next().unwrap().to_owned()).collect();
        (app.trim_start_matches("/stars/").to_owned(), names)
    };
    tasks(lab).iter().map(status).collect()
}

#[track_caller]
fn assert_stars(lab: &Lab, wanted: &[(&str, &[&str])]) {
    let text = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let wanted: BTreeMap<String, Vec<String>> =
        wanted.iter().map(|(name, others)| ((*name).to_owned(), text(others))).collect();
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let seen = stars(lab);
        if seen == wanted {
            return;
        }
        assert!(Instant::now() < until, "{seen:#?}\nbut must be\n{wanted:#?}");
    }
}

/// As docs/stars.md tells it.
fn the_stars(lab: &Lab) {
    apps(lab, "launch", &["stars-mesos"]);
    assert_stars(
        lab,
        &[
            ("a", &["b", "collector"]),
            ("b", &["a", "collector"]),
            ("c", &["collector", "d"]),
            ("collector", &["a", "b", "c", "d"]),
            ("d", &["c", "collector"]),
        ],
    );
    let rendered = lab.apps("render", &["stars-mesos", "--policy"]).exit(0);
    lab.on("agent-1", rendered.events[0]["commands"].as_str().unwrap());
    assert_stars(
        lab,
        &[
            ("a", &["b", "c", "collector", "d"]),
            ("b", &["a", "c", "collector", "d"]),
            ("c", &["collector", "d"]),
            ("collector", &["a", "b", "c", "d"]),
            ("d", &["c", "collector"]),
        ],
    );
    apps(lab, "remove", &["stars-mesos"]);
}

/// Without calico-node an agent makes no routes to what is new elsewhere, and lets nobody into what is new on it.
fn a_node_that_does_not_run_is_found_out(lab: &Lab) {
    lab.on("agent-2", "systemctl stop calico");
    let proof = lab.run("verify", &["--tasks"]).exit(1);
    let failed = |from: &str, to: &str| {
        let mut checks = proof.events.iter().filter(|event| event["name"] == "task-reach");
        checks.any(|check| check["edge"]["from"] == from && check["edge"]["to"] == to && check["ok"] == false)
    };
    assert!(failed("one-a", "one-b") && !failed("one-a", "one-c") && !failed("one-a", "two-b"), "{proof}");
    assert!(tasks(lab).is_empty(), "they are taken away whatever came of it");
}
