//! What `verify` concludes from what services say of each other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;
#[path = "verification/tasks.rs"]
mod tasks;

use calico_mesos_install::cluster::Cluster;
use calico_mesos_install::data::Data;
use calico_mesos_install::facts::Answer;
use calico_mesos_install::verify::{self, Answers, Installed, Topic, checks, inquiries, questions};
use serde_json::{Value, json};

fn cluster() -> Cluster {
    let text = r#"
        cluster = { name = "t", release = "lab", containerizers = ["mesos"] }
        packages = { repo = "dist" }
        hosts = [
            { name = "m{1..3}", address = "10.0.0.{1..3}", roles = ["master"] },
            { name = "a1", address = "10.0.0.11", roles = ["agent"], attributes = { rack = "a" } },
        ]
    "#;
    let (cluster, mistakes) = common::resolve(text, &Data::built_in());
    assert!(mistakes.is_empty(), "{mistakes}");
    cluster
}

fn http(body: &Value) -> Answer {
    Answer::Bytes(format!("HTTP/1.1 200 OK\r\n\r\n{body}").into_bytes())
}

const LIBRARY: &str = "/usr/lib64/mesos/libmesos_network_isolator-0.1.so";

fn agent_state() -> Value {
    json!({"version": "0.28.2", "flags": {
        "containerizers": "mesos",
        "isolation": "cgroups/cpu,com_mesosphere_mesos_NetworkIsolator",
        "hooks": "com_mesosphere_mesos_NetworkHook",
    }})
}

/// An answer with one address, to a query with the number that verify gives its own.
fn dns(address: [u8; 4]) -> Answer {
    let mut bytes = b"ms\x85\x80\0\x01\0\x01\0\0\0\0\x06leader\x05mesos\0\0\x01\0\x01".to_vec();
    bytes.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04");
    bytes.extend(address);
    Answer::Bytes(bytes)
}

/// What a healthy cluster answers, with m2 leading everywhere.
fn healthy() -> Answers {
    let agent = json!({"hostname": "a1", "active": true, "attributes": {"rack": "a"}});
    let master = |leads: bool| {
        let (mode, state) = if leads { ("leader", "StateLeader") } else { ("follower", "StateFollower") };
        let elected = if leads { 1.0 } else { 0.0 };
        let time = if leads { json!(1.5) } else { Value::Null };
        vec![
            (Topic::EtcdHealth, http(&json!({"health": "true"}))),
            (Topic::MarathonLeader, http(&json!({"leader": "m2:8080"}))),
            (Topic::MarathonInfo, http(&json!({"version": "1.1.2"}))),
            (Topic::DnsLeader, dns([10, 0, 0, 2])),
            (
                Topic::ZooKeeperMode,
                Answer::Bytes(format!("Zookeeper version: 3\nMode: {mode}\n").into_bytes()),
            ),
            (Topic::EtcdState, http(&json!({"state": state}))),
            (
                Topic::MasterMetrics,
                http(&if leads {
                    json!({"master/elected": elected, "registrar/registry_size_bytes": 451.0})
                } else {
                    json!({"master/elected": elected})
                }),
            ),
            (
                Topic::MasterState,
                http(
                    &json!({"version": "0.28.2", "elected_time": time, "slaves": if leads { vec![&agent] } else { vec![] }}),
                ),
            ),
        ]
    };
    let host = |name: &str| name.parse().unwrap();
    let agent = vec![
        (Topic::AgentState, http(&agent_state())),
        (Topic::AgentLibraries, Answer::Bytes(format!("/lib/libc.so.6\n{LIBRARY}\n").into_bytes())),
    ];
    Answers::from([
        (host("m1"), master(false)),
        (host("m2"), master(true)),
        (host("m3"), master(false)),
        (host("a1"), agent),
    ])
}

/// What every host has installed.
fn installed() -> Installed {
    let packages = [("mesos", "0.28.2"), ("marathon", "1.1.2")];
    let packages = packages.map(|(name, version)| (name.parse().unwrap(), version.to_owned()));
    let hosts = cluster().hosts.into_iter().map(|host| host.name);
    hosts.map(|host| (host, packages.clone().into())).collect()
}

/// The checks that do not hold, as `name: what was seen`.
fn broken(answers: &Answers) -> Vec<String> {
    let checks = checks(&cluster(), answers, &installed());
    checks.iter().filter(|check| !check.ok).map(|check| format!("{}: {}", check.name, check.seen)).collect()
}

/// The answers with one of m1's or m2's replaced.
fn with(host: &str, topic: Topic, answer: Answer) -> Answers {
    let mut answers = healthy();
    let of_host = answers.get_mut(host).unwrap();
    of_host.iter_mut().filter(|(about, _)| *about == topic).for_each(|(_, old)| *old = answer.clone());
    answers
}

#[test]
fn a_healthy_cluster_passes_every_check() {
    assert_eq!(broken(&healthy()), Vec::<String>::new());
    let names: Vec<&str> =
        checks(&cluster(), &healthy(), &installed()).iter().map(|check| check.name).collect();
    let expected = [
        "zookeeper-leader",
        "etcd-leader",
        "mesos-leader",
        "mesos-agent-registered",
        "etcd-member",
        "etcd-member",
        "etcd-member",
        "mesos-agent-containerizers",
        "network-module-active",
        "marathon-leader",
        "dns-leader",
        "dns-leader",
        "dns-leader",
        "running-version",
        "running-version",
        "running-version",
        "running-version",
        "running-version",
        "running-version",
        "running-version",
    ];
    assert_eq!(names, expected);
    assert!(names.iter().all(|name| verify::NAMES.contains(name)));
}

#[test]
fn two_leaders_or_none_or_a_silent_member_are_found() {
    let two = with("m1", Topic::ZooKeeperMode, Answer::Bytes(b"Mode: leader\n".to_vec()));
    assert_eq!(broken(&two), ["zookeeper-leader: m1: leader, m2: leader, m3: follower"]);
    let none = with("m2", Topic::EtcdState, http(&json!({"state": "StateCandidate"})));
    assert_eq!(broken(&none), ["etcd-leader: m1: StateFollower, m2: StateCandidate, m3: StateFollower"]);
    let silent = with("m1", Topic::ZooKeeperMode, Answer::Nothing);
    assert_eq!(broken(&silent), ["zookeeper-leader: m1: no answer, m2: leader, m3: follower"]);
}

#[test]
fn a_leader_whose_registrar_has_not_recovered_is_none() {
    for metrics in [
        json!({"master/elected": 1.0}),
        json!({"master/elected": 1.0, "registrar/registry_size_bytes": 9.0, "registrar/log/recovered": 0.0}),
    ] {
        let found = broken(&with("m2", Topic::MasterMetrics, http(&metrics)));
        assert_eq!(
            found,
            ["mesos-leader: m1: not elected, m2: elected, registrar not recovered, m3: not elected"]
        );
    }
}

#[test]
fn an_agent_must_be_registered_active_and_with_its_attributes() {
    let state = |agents: Value| {
        with(
            "m2",
            Topic::MasterState,
            http(&json!({"version": "0.28.2", "elected_time": 1.5, "slaves": agents})),
        )
    };
    assert_eq!(broken(&state(json!([]))), ["mesos-agent-registered: m2 does not list it"]);
    let agent = json!([{"hostname": "a1", "active": false}]);
    assert_eq!(broken(&state(agent)), ["mesos-agent-registered: m2 lists it as inactive"]);
    let agent = json!([{"hostname": "a1", "active": true, "attributes": {"rack": "b"}}]);
    assert_eq!(
        broken(&state(agent)),
        [r#"mesos-agent-registered: m2 knows its attribute rack as "b", not as a"#]
    );
}

#[test]
fn without_a_master_among_the_hosts_asked_nothing_is_said_of_agents() {
    let mut answers = healthy();
    answers.retain(|host, _| host.as_str() == "a1");
    let named = checks(&cluster(), &answers, &installed()).into_iter().map(|check| check.name);
    assert_eq!(
        named.collect::<Vec<_>>(),
        ["mesos-agent-containerizers", "network-module-active", "running-version"]
    );
}

#[test]
fn each_host_is_asked_about_its_roles_on_their_ports() {
    let cluster = cluster();
    let ports = |name: &str| -> Vec<u16> {
        questions(&cluster, cluster.host(name).unwrap()).iter().map(|question| question.check.port).collect()
    };
    assert_eq!(ports("m1"), [2181, 2379, 5050, 5050, 2379, 8080, 8080]);
    assert_eq!(ports("a1"), [5051]);
    let asked = |name: &str| inquiries(cluster.host(name).unwrap()).into_iter().map(|(topic, _)| topic);
    assert_eq!(asked("m1").collect::<Vec<_>>(), [Topic::DnsLeader]);
    assert_eq!(asked("a1").collect::<Vec<_>>(), [Topic::AgentLibraries]);
}

#[test]
fn a_module_that_is_not_really_active_is_found() {
    let state = |flag: &str, value: &str| {
        let mut state = agent_state();
        state["flags"][flag] = value.into();
        broken(&with("a1", Topic::AgentState, http(&state)))
    };
    assert_eq!(
        state("isolation", "cgroups/cpu"),
        [
            "network-module-active: the agent runs with --isolation=cgroups/cpu, without com_mesosphere_mesos_NetworkIsolator"
        ]
    );
    assert_eq!(
        state("hooks", ""),
        ["network-module-active: the agent runs with --hooks=, without com_mesosphere_mesos_NetworkHook"]
    );
    assert_eq!(
        state("containerizers", "docker"),
        ["mesos-agent-containerizers: --containerizers=docker, without mesos"]
    );
    let none = with("a1", Topic::AgentLibraries, Answer::Bytes(b"/lib/libc.so.6\n".to_vec()));
    assert!(broken(&none)[0].ends_with("is not among the libraries that mesos-slave has loaded"));
    let mut inactive = agent_state();
    inactive["modules"] = json!([{"name": "x", "active": false, "reason": "its command is missing"}]);
    let found = broken(&with("a1", Topic::AgentState, http(&inactive)));
    assert_eq!(found, [r#"network-module-active: the agent does not use "x": its command is missing"#]);
}

#[test]
fn names_and_leaders_must_be_those_of_the_cluster() {
    let other = broken(&with("m1", Topic::DnsLeader, dns([10, 0, 0, 3])));
    assert_eq!(other, ["dns-leader: leader.mesos: 10.0.0.3, which is m3, but m2 leads"]);
    let stranger = broken(&with("m1", Topic::DnsLeader, dns([10, 0, 0, 9])));
    assert_eq!(stranger, ["dns-leader: leader.mesos: [10.0.0.9], which is no master"]);
    let silent = broken(&with("m1", Topic::DnsLeader, Answer::Nothing));
    assert_eq!(silent, ["dns-leader: leader.mesos: no answer over UDP"]);
    let two = broken(&with("m1", Topic::MarathonLeader, http(&json!({"leader": "m1:8080"}))));
    assert_eq!(two, ["marathon-leader: m1: m1:8080, m2: m2:8080, m3: m2:8080"]);
    let sick = broken(&with("m3", Topic::EtcdHealth, http(&json!({"health": "false"}))));
    assert_eq!(sick, [r#"etcd-member: /health: {"health":"false"}"#]);
}

#[test]
fn docker_and_calico_are_judged_by_what_their_programs_print() {
    let text = r#"
        cluster = { name = "t", release = "lab", containerizers = ["docker"] }
        packages = { repo = "dist", provided = ["docker"] }
        hosts = [
            { name = "m1", address = "10.0.0.1", roles = ["master"] },
            { name = "a{1..2}", address = "10.0.0.{11..12}", roles = ["agent"] },
        ]
    "#;
    let (cluster, mistakes) = common::resolve(text, &Data::built_in());
    assert!(mistakes.is_empty(), "{mistakes}");
    let peer = |state: &str| format!("| 10.0.0.12 | node-to-node mesh | {state} | 23:30:04 | {state} |\n");
    let judged = |store: &str, status: &str| -> Vec<String> {
        let bytes = |text: &str| Answer::Bytes(text.as_bytes().to_vec());
        let answers = vec![(Topic::DockerInfo, bytes(store)), (Topic::BgpStatus, bytes(status))];
        let judged = checks(&cluster, &Answers::from([("a1".parse().unwrap(), answers)]), &Installed::new());
        judged
            .into_iter()
            .filter(|check| {
                !check.ok && !["mesos-agent-containerizers", "running-version"].contains(&check.name)
            })
            .map(|check| check.seen)
            .collect()
    };
    let (store, up) = ("Containers: 0\nCluster Store: etcd://10.0.0.1:2379\n", peer("Established"));
    assert_eq!(judged(store, &up), Vec::<String>::new());
    assert_eq!(judged("Containers: 0\n", &up), ["`docker info` names no cluster store"]);
    assert!(judged(store, &peer("Idle"))[0].contains("a2: | 10.0.0.12"));
    assert_eq!(judged(store, "Couldn't connect to etcd\n"), ["`calicoctl status`: a2: not among the peers"]);
}

#[test]
fn a_service_that_runs_in_another_version_than_its_package_is_found() {
    let state = |version: &str| http(&json!({"version": version, "flags": agent_state()["flags"]}));
    let old = broken(&with("a1", Topic::AgentState, state("0.28.1")));
    assert_eq!(old, ["running-version: mesos-agent: it runs as 0.28.1, and the package mesos is 0.28.2"]);
    let info = http(&json!({"version": "1.1.1"}));
    let old = broken(&with("m3", Topic::MarathonInfo, info));
    assert_eq!(old, ["running-version: marathon: it runs as 1.1.1, and the package marathon is 1.1.2"]);
    let silent = broken(&with("m3", Topic::MarathonInfo, Answer::Nothing));
    assert_eq!(silent, ["running-version: marathon: it does not say which version it is"]);
}

#[test]
fn marathon_lb_must_have_the_applications_of_its_groups() {
    let text = r#"
        cluster = { name = "t", release = "lab", containerizers = ["mesos"] }
        packages = { repo = "dist", provided = ["docker"] }
        hosts = [
            { name = "m1", address = "10.0.0.1", roles = ["master"] },
            { name = "lb", address = "10.0.0.2", roles = ["marathon-lb"] },
        ]
    "#;
    let (cluster, mistakes) = common::resolve(text, &Data::built_in());
    assert!(mistakes.is_empty(), "{mistakes}");
    let asked = |name: &str| -> Vec<Topic> {
        questions(&cluster, cluster.host(name).unwrap()).iter().map(|question| question.topic).collect()
    };
    assert!(asked("m1").contains(&Topic::MarathonApps) && asked("lb").contains(&Topic::BalancerConfig));
    let judged = |apps: Value, config: Answer| {
        let answers = Answers::from([
            ("m1".parse().unwrap(), vec![(Topic::MarathonApps, http(&json!({"apps": apps})))]),
            ("lb".parse().unwrap(), vec![(Topic::BalancerConfig, config)]),
        ]);
        let checks = checks(&cluster, &answers, &Installed::new());
        let check = checks.into_iter().find(|check| check.name == "marathon-lb-apps").unwrap();
        assert_eq!(check.host.unwrap().as_str(), "lb");
        (check.level, check.seen)
    };
    let config = |text: &str| Answer::Bytes(format!("HTTP/1.0 200 OK\r\n\r\n{text}").into_bytes());
    let web = json!({"id": "/shop/web", "labels": {"HAPROXY_GROUP": "external"}, "ports": [20005],
        "tasks": [{"host": "a1", "ports": [31000]}]});
    let own = json!({"id": "/own", "labels": {"HAPROXY_0_GROUP": "internal,external"},
        "ipAddress": {"discovery": {"ports": [{"number": 80}]}}, "tasks": [{"ipAddresses": [{"ipAddress": "192.168.0.1"}]}]});
    // In another group, without a task, without a port, with a task that has no address yet.
    let others = [
        json!({"id": "/other", "labels": {"HAPROXY_GROUP": "internal"}, "ports": [1], "tasks": [{}]}),
        json!({"id": "/idle", "labels": {"HAPROXY_GROUP": "external"}, "ports": [1], "tasks": []}),
        json!({"id": "/portless", "labels": {"HAPROXY_GROUP": "external"}, "ports": [], "tasks": [{}]}),
        json!({"id": "/staging", "labels": {"HAPROXY_GROUP": "external"}, "ports": [1], "ipAddress": {}, "tasks": [{}]}),
    ];
    let all = |first: &[&Value]| Value::from_iter(first.iter().copied().cloned().chain(others.clone()));
    let both = "frontend x\nbackend shop_web_20005\n  server a\n\nbackend own_20123\n";
    let (level, seen) = judged(all(&[&web, &own]), config(both));
    assert_eq!(
        (level, seen.as_str()),
        (verify::Level::Passed, "HAProxy has a backend for each of 2 applications")
    );
    let (level, seen) = judged(all(&[&web, &own]), config("backend shop_web_v2_20005\nbackend own_20123\n"));
    assert_eq!((level, seen.as_str()), (verify::Level::Failed, "HAProxy has no backend for /shop/web"));
    assert_eq!(judged(all(&[]), config("")).0, verify::Level::Skipped);
    assert_eq!(judged(all(&[&web]), Answer::Nothing).0, verify::Level::Failed);
}
