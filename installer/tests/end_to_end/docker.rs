//! The Docker containerizer with Calico's stand-ins, and the way from it to both containerizers.

use serde_json::Value;

use crate::harness::Lab;

const AGENTS: [&str; 2] = ["agent-1", "agent-2"];
const DOCKER_UNITS: [&str; 4] = ["docker", "calico", "calico-libnetwork", "mesos-slave"];
const ETCD: &str = "http://127.0.0.1:2379/v2/keys/calico/v1";

#[test]
fn docker_alone_then_both_containerizers() {
    let mut lab = Lab::up("docker", 224, 1, 2);
    lab.set("vars", "mesos_master_flags", toml::toml! { zk_session_timeout = "40secs" });
    lab.set("cluster", "containerizers", vec!["docker".to_owned()]);
    lab.set("vars", "calico_profiles", vec!["public".to_owned()]);
    docker_alone(&lab);
    let ids = identities(&lab);
    both(&mut lab);
    assert_eq!(identities(&lab), ids, "agents keep their identity");
    a_pool_changed_by_hand_and_in_the_inventory(&mut lab);
    assert_eq!(identities(&lab), ids, "a pool is nothing to an agent");
    another_attribute(&mut lab, &ids);
    lab.run("verify", &[]).exit(0);
}

/// The ids of the active agents, by name.
fn identities(lab: &Lab) -> Vec<(String, String)> {
    let state: Value = serde_json::from_str(&lab.http("master-1", 5050, "/state")).unwrap();
    let text = |agent: &Value, key: &str| agent[key].as_str().unwrap().to_owned();
    let active = state["slaves"].as_array().unwrap().iter().filter(|agent| agent["active"] == true);
    let mut ids: Vec<_> = active.map(|agent| (text(agent, "hostname"), text(agent, "id"))).collect();
    ids.sort();
    ids
}

/// What etcd holds about the pool.
fn pool(lab: &Lab) -> Value {
    let answer = lab.on("master-1", &format!("curl -sS {ETCD}/ipam/v4/pool/192.168.0.0-16"));
    let answer: Value = serde_json::from_str(&answer).unwrap();
    serde_json::from_str(answer["node"]["value"].as_str().unwrap_or("null")).unwrap()
}

fn docker_alone(lab: &Lab) {
    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [3, 0, 0, 0, 0], "{run}");
    // One host sets what is everybody's.
    assert!(run.planned("agent-1").iter().any(|step| step == "set calico.service"), "{run}");
    assert!(!run.planned("agent-2").iter().any(|step| step.starts_with("set ")), "{run}");
    for agent in AGENTS {
        lab.assert_runs(agent, &DOCKER_UNITS, &["docker", "mesos", "calicoctl", "calico-node-image"]);
        lab.on(agent, "! rpm -q net-modules");
        assert_eq!(lab.on(agent, "cat /etc/mesos-slave/containerizers"), "mesos,docker");
        let info = lab.on(agent, "docker info 2>/dev/null");
        assert!(info.contains("Cluster Store: etcd://172.24.224.101:2379"), "{info}");
        let names = lab.on(agent, "docker ps --format '{{.Names}}' | sort | xargs");
        assert_eq!(names, "calico-libnetwork calico-node");
        assert!(lab.on(agent, "docker logs calico-node").contains("stand-in"));
    }
    assert_eq!(pool(lab), serde_json::json!({"cidr": "192.168.0.0/16"}));
    lab.on(
        "agent-2",
        &format!("curl -sSf {}/policy/profile/public/rules", ETCD.replace("127.0.0.1", "172.24.224.101")),
    );
    // A network that is made on one host is there on all.
    lab.on("agent-1", "docker network create --driver calico --ipam-driver calico databases");
    assert!(lab.on("agent-2", "docker network ls").contains("databases"));
    lab.run("verify", &[]).exit(0);
    lab.run("plan", &["--detailed-exitcode"]).exit(0);
}

fn both(lab: &mut Lab) {
    let master = lab.started("master-1", "mesos-master");
    let docker = AGENTS.map(|agent| lab.started(agent, "docker"));
    lab.set("cluster", "containerizers", vec!["mesos".to_owned(), "docker".to_owned()]);
    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [2, 1, 0, 0, 0], "only agents change: {run}");
    let began = AGENTS.map(|agent| run.position("step-started", agent, "restart"));
    let (first, later) = if began[0] < began[1] { ("agent-1", began[1]) } else { ("agent-2", began[0]) };
    assert!(run.position("step-finished", first, "wait for mesos-slave.service") < later, "{run}");
    assert_eq!(lab.started("master-1", "mesos-master"), master);
    assert_eq!(AGENTS.map(|agent| lab.started(agent, "docker")), docker, "Docker goes on");
    for agent in AGENTS {
        lab.assert_runs(agent, &DOCKER_UNITS, &["docker", "mesos", "net-modules", "calico-mesos"]);
        lab.on(agent, "grep -q NetworkIsolator /etc/mesos-slave/isolation");
    }
    lab.run("verify", &[]).exit(0);
    lab.run("plan", &["--detailed-exitcode"]).exit(0);
}

fn a_pool_changed_by_hand_and_in_the_inventory(lab: &mut Lab) {
    lab.on(
        "agent-2",
        "export $(grep ^ETCD_ /etc/sysconfig/calico); calicoctl pool add 192.168.0.0/16 --nat-outgoing",
    );
    let plan = lab.run("plan", &["--detailed-exitcode"]).exit(3);
    assert_eq!(plan.planned("agent-1"), ["set calico.service"]);
    assert!(plan.planned("agent-2").is_empty() && plan.planned("master-1").is_empty(), "{plan}");
    let shown = plan.events.iter().find(|event| event["type"] == "plan" && event["host"] == "agent-1");
    let step = &shown.unwrap()["steps"][0];
    assert_eq!(step["reason"], "it is `192.168.0.0/16 nat-outgoing`");

    // Nodes take up what a pool wants of them when they start, so they start anew, after it is set.
    lab.set("vars", "ip_pool_ipip", true);
    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [2, 1, 0, 0, 0], "{run}");
    let set = run.position("step-finished", "agent-1", "set ip-pool");
    for agent in AGENTS {
        assert!(set < run.position("step-started", agent, "restart"), "{run}");
    }
    assert_eq!(pool(lab), serde_json::json!({"cidr": "192.168.0.0/16", "ipip": "tunl0"}));
    lab.run("plan", &["--detailed-exitcode"]).exit(0);
}

fn another_attribute(lab: &mut Lab, before: &[(String, String)]) {
    let name = lab.inventory["cluster"]["name"].clone();
    let hosts = lab.inventory["hosts"].as_array_mut().unwrap();
    for host in hosts.iter_mut().filter(|host| host["roles"][0].as_str() == Some("agent")) {
        host.as_table_mut().unwrap().insert("attributes".to_owned(), toml::toml! { rack = "a" }.into());
    }
    lab.set("cluster", "name", name);
    let run = lab.apply().exit(0);
    for agent in AGENTS {
        assert_eq!(run.planned(agent)[0], "remove-file /var/lib/mesos/meta/slaves/latest");
    }
    let after = identities(lab);
    assert!(
        after.iter().zip(before).all(|(after, before)| after.0 == before.0 && after.1 != before.1),
        "{after:?}"
    );
}
