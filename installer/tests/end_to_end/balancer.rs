//! marathon-lb on a host of its own, what `verify` says of it, and why proofs by tasks are skipped there.

use serde_json::Value;

use crate::harness::{Lab, Run};

const UNROUTED: &str = "not every agent that would run them has the role calico-node, and nothing else is known to route between tasks; give agents the roles calico-node and docker";
const CONFIG: &str = "curl -sSf http://172.24.234.103:9090/_haproxy_getconfig";

#[test]
fn marathon_lb_on_a_host_of_its_own() {
    let mut lab = Lab::up("balancer", 234, 1, 2);
    let hosts = lab.inventory["hosts"].as_array_mut().unwrap();
    let balancer = toml::toml! { name = "agent-2" address = "172.24.234.103" roles = ["marathon-lb"] };
    hosts.retain(|host| host["roles"][0].as_str() != Some("agent"));
    hosts.push(toml::toml! { name = "agent-1" address = "172.24.234.102" roles = ["agent"] }.into());
    hosts.push(balancer.into());
    lab.set("vars", "marathon_lb_groups", vec!["external".to_owned(), "internal".to_owned()]);
    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [3, 0, 0, 0, 0], "{run}");

    // The role brings Docker along, and the image comes with a package.
    lab.assert_runs("agent-2", &["docker", "marathon-lb"], &["docker", "marathon-lb-image"]);
    assert_eq!(
        lab.on("agent-2", "docker ps --format '{{.Names}} {{.Image}}'"),
        "marathon-lb mesosphere/marathon-lb:v1.3.1"
    );
    assert!(lab.on("agent-2", "docker logs marathon-lb 2>&1").contains("stand-in"));
    assert!(
        lab.on("agent-1", "curl -sSf http://172.24.234.103:9090/_haproxy_health_check").contains("200 OK")
    );
    let memory = lab.on("agent-2", "docker inspect -f '{{.HostConfig.Memory}}' marathon-lb");
    assert_eq!(memory, (512 * 1024 * 1024).to_string());

    it_reads_the_applications_of_marathon(&lab);
    let verify = lab.run("verify", &[]).exit(0);
    let found = checks(&verify, "marathon-lb-apps");
    assert_eq!(
        found[0]["level"], "skipped",
        "the application has no port that it could be found by: {found:?}"
    );
    assert!(found[0]["seen"].as_str().unwrap().contains("external, internal"), "{found:?}");
    for (host, service) in
        [("master-1", "mesos-master"), ("agent-1", "mesos-agent"), ("master-1", "marathon")]
    {
        let versions = checks(&verify, "running-version");
        let seen =
            |check: &&Value| check["host"] == host && check["seen"].as_str().unwrap().starts_with(service);
        assert_eq!(versions.iter().copied().find(seen).unwrap()["level"], "passed", "{versions:?}");
    }
    proofs_by_tasks_are_skipped(&lab);

    // Without Marathon the balancer goes on with what it has.
    lab.on("master-1", "systemctl stop marathon");
    assert!(lab.on("agent-2", CONFIG).contains("172.24.234.101:8080"));
    lab.on("master-1", "systemctl start marathon");
    lab.run("plan", &["--detailed-exitcode"]).exit(0);
}

fn it_reads_the_applications_of_marathon(lab: &Lab) {
    let app = r#"{"cmd": "sleep 600", "labels": {"HAPROXY_GROUP": "external"}}"#;
    assert!(lab.on("agent-2", CONFIG).contains("Applications of 172.24.234.101:8080: 0"));
    let put = "curl -sSf -X PUT -H 'Content-Type: application/json'";
    lab.on("master-1", &format!("{put} -d '{app}' http://172.24.234.101:8080/v2/apps/web"));
    lab.on(
        "agent-2",
        &format!("for _ in $(seq 20); do {CONFIG} | grep -q ': 1$' && exit 0; sleep 1; done; exit 1"),
    );
}

fn proofs_by_tasks_are_skipped(lab: &Lab) {
    let file = lab.path("verify.xml");
    let run = lab.run("verify", &["--tasks", "--junit", file.as_str()]).exit(0);
    for (name, count) in [("task-runs", 8), ("task-reach", 56), ("dns-task", 1)] {
        let found = checks(&run, name);
        assert_eq!(found.len(), count, "{name}");
        for check in found {
            assert_eq!((&check["level"], &check["seen"]), (&"skipped".into(), &UNROUTED.into()));
        }
    }
    // Nobody else works on the hosts meanwhile.
    let script = "exec 9>>/var/lib/calico-mesos-install/lock; flock 9; echo someone >/var/lib/calico-mesos-install/holder; sleep 30";
    lab.on("agent-1", &format!("nohup sh -c '{script}' >/dev/null 2>&1 & sleep 1"));
    lab.run("verify", &["--tasks"]).exit(5);
    lab.run("verify", &[]).exit(0);
    let junit = fs_err::read_to_string(file).unwrap();
    assert!(junit.contains(r#"name="task-reach one-a → two-b"><skipped"#), "{junit}");
    assert!(!lab.http("master-1", 8080, "/v2/apps").contains("verify-tasks"), "nothing was launched");
}

fn checks<'a>(run: &'a Run, name: &str) -> Vec<&'a Value> {
    run.events.iter().filter(|event| event["type"] == "check" && event["name"] == name).collect()
}
