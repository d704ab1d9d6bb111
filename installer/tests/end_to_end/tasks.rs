//! Tasks on booted hosts: launched by `apps launch`, known to Marathon, Mesos and Mesos-DNS, alive while the agent is
//! restarted, and ended by `apps remove`.

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
        lab.on(agent, "! pgrep -x mesos-executor");
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
