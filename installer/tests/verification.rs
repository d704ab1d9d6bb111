//! What `verify` concludes from what services say of each other.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use calico_mesos_install::cluster::Cluster;
use calico_mesos_install::data::Data;
use calico_mesos_install::facts::Answer;
use calico_mesos_install::verify::{self, Answers, Topic, checks, questions};
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

/// What a healthy cluster answers, with m2 leading everywhere.
fn healthy() -> Answers {
    let agent = json!({"hostname": "a1", "active": true, "attributes": {"rack": "a"}});
    let master = |leads: bool| {
        let (mode, state) = if leads { ("leader", "StateLeader") } else { ("follower", "StateFollower") };
        let elected = if leads { 1.0 } else { 0.0 };
        let time = if leads { json!(1.5) } else { Value::Null };
        vec![
            (
                Topic::ZooKeeperMode,
                Answer::Bytes(format!("Zookeeper version: 3\nMode: {mode}\n").into_bytes()),
            ),
            (Topic::EtcdState, http(&json!({"state": state}))),
            (
                Topic::MasterMetrics,
                http(&json!({"master/elected": elected, "registrar/log/recovered": elected})),
            ),
            (
                Topic::MasterState,
                http(&json!({"elected_time": time, "slaves": if leads { vec![&agent] } else { vec![] }})),
            ),
        ]
    };
    let host = |name: &str| name.parse().unwrap();
    Answers::from([
        (host("m1"), master(false)),
        (host("m2"), master(true)),
        (host("m3"), master(false)),
        (host("a1"), Vec::new()),
    ])
}

/// The checks that do not hold, as `name: what was seen`.
fn broken(answers: &Answers) -> Vec<String> {
    let checks = checks(&cluster(), answers);
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
    let names: Vec<&str> = checks(&cluster(), &healthy()).iter().map(|check| check.name).collect();
    assert_eq!(names, ["zookeeper-leader", "etcd-leader", "mesos-leader", "mesos-agent-registered"]);
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
    let answer = http(&json!({"master/elected": 1.0, "registrar/log/recovered": 0.0}));
    let found = broken(&with("m2", Topic::MasterMetrics, answer));
    assert_eq!(
        found,
        ["mesos-leader: m1: not elected, m2: elected, registrar not recovered, m3: not elected"]
    );
}

#[test]
fn an_agent_must_be_registered_active_and_with_its_attributes() {
    let state =
        |agents: Value| with("m2", Topic::MasterState, http(&json!({"elected_time": 1.5, "slaves": agents})));
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
    assert_eq!(checks(&cluster(), &answers), vec![]);
}

#[test]
fn each_host_is_asked_about_its_roles_on_their_ports() {
    let cluster = cluster();
    let ports = |name: &str| -> Vec<u16> {
        questions(cluster.host(name).unwrap()).iter().map(|question| question.check.port).collect()
    };
    assert_eq!(ports("m1"), [2181, 2379, 5050, 5050]);
    assert_eq!(ports("a1"), Vec::<u16>::new());
}
