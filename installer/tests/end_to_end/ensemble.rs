//! Three masters: ensembles form together, and are restarted one member after the other.

use serde_json::Value;

use crate::cluster::MASTER_UNITS;
use crate::harness::Lab;

const MASTERS: [&str; 3] = ["master-1", "master-2", "master-3"];

#[test]
fn three_masters_form_quorums_and_are_restarted_one_at_a_time() {
    let mut lab = Lab::up("ensemble", 211, 3, 4);
    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [7, 0, 0, 0, 0], "{run}");
    for master in MASTERS {
        lab.assert_runs(master, &MASTER_UNITS, &["zookeeper", "etcd", "mesos"]);
    }
    assert_eq!(lab.registered_agents(3), ["agent-1", "agent-2", "agent-3", "agent-4"]);
    assert_quorums(&lab);
    lab.run("verify", &[]).exit(0);

    let agents = ["agent-1", "agent-4"].map(|agent| lab.started(agent, "mesos-slave"));
    let watch = lab.watch_zookeeper("agent-1", MASTERS.len());
    lab.set("vars", "zookeeper_snapshots_kept", 4);
    let run = lab.apply().exit(0);
    let answers = lab.watched("agent-1", &watch);
    assert_eq!(run.totals(), [3, 4, 0, 0, 0], "{run}");
    // Whoever comes first: a restart begins only when the one before it is healthy again.
    let restarts = run.events.iter().filter_map(|event| {
        let host = event["host"].as_str()?;
        match event["type"].as_str()? {
            "step-started" if event["action"] == "restart" => Some((host, "begins")),
            "step-finished" if is_wait(event) => Some((host, "is healthy")),
            _ => None,
        }
    });
    let restarts: Vec<(&str, &str)> = restarts.collect();
    assert_eq!(restarts.len(), 6, "{restarts:?}");
    for turn in restarts.chunks(2) {
        assert_eq!((turn[0].0, turn[0].1, turn[1].1), (turn[1].0, "begins", "is healthy"), "{restarts:?}");
    }
    // The three are asked one after another: of two that change places meanwhile, both may be missed, but not twice.
    let down: Vec<bool> = answers.lines().map(|line| line.matches("imok").count() < 2).collect();
    assert!(down.len() > 3, "the ensemble was watched: {answers}");
    assert!(
        !down.windows(2).any(|two| two[0] && two[1]),
        "two of three servers answered at any time: {answers}"
    );

    for master in MASTERS {
        lab.on(master, "grep -qx autopurge.snapRetainCount=4 /etc/zookeeper/zoo.cfg");
    }
    assert_quorums(&lab);
    assert_eq!(["agent-1", "agent-4"].map(|agent| lab.started(agent, "mesos-slave")), agents);
    lab.run("verify", &[]).exit(0);
}

fn is_wait(event: &Value) -> bool {
    event["step"].as_str().is_some_and(|step| step.starts_with("wait for zookeeper.service"))
}

fn assert_quorums(lab: &Lab) {
    let mut states = MASTERS.map(|master| lab.zookeeper_state(master));
    states.sort();
    assert_eq!(states, ["follower", "follower", "leader"]);
    for master in MASTERS {
        assert!(lab.http(master, 2379, "/health").contains(r#""health":"true""#), "etcd on {master}");
        let members: Value = serde_json::from_str(&lab.http(master, 2379, "/v2/members")).unwrap();
        assert_eq!(members["members"].as_array().unwrap().len(), 3, "{members}");
    }
}

impl Lab {
    /// Has a host ask all ZooKeeper servers over and over, until [`Lab::watched`].
    fn watch_zookeeper(&self, host: &str, servers: usize) -> String {
        let addresses: Vec<String> = (0..servers).map(|i| self.address(101 + i as u8)).collect();
        let unit = "watch-zookeeper";
        let script = format!(
            "while :; do for a in {}; do (exec 3<>/dev/tcp/$a/2181 && echo ruok >&3 && timeout 2 head -c 4 <&3); \
             done 2>/dev/null | xargs echo >> /root/watched; done",
            addresses.join(" ")
        );
        let quoted = script.replace('\'', r"'\''").replace('$', "$$");
        self.on(host, &format!("systemd-run -q --unit={unit} bash -c '{quoted}'"));
        unit.to_owned()
    }

    /// What the servers answered, one round a line.
    fn watched(&self, host: &str, unit: &str) -> String {
        self.on(host, &format!("systemctl stop {unit}; sed 's/imok/imok /g' /root/watched | sed '$d'"))
    }
}
