//! A host that ran Mesos already, a change that is taken back, and an installation that is taken away.

use std::process::Command;

use serde_json::Value;

use crate::harness::{Lab, packages, text};

const BY_HAND: &str = "/etc/mesos-slave/isolation";
const FLAG: &str = "/etc/mesos-slave/gc_delay";
const HOSTS: [&str; 2] = ["master-1", "agent-1"];

#[test]
fn what_is_there_is_adopted_changes_are_taken_back_and_all_of_it_goes_again() {
    let mut lab = Lab::up("taking-back", 232, 1, 1);
    lab.install("agent-1", "mesos-0");
    let packages = HOSTS.map(|host| lab.on(host, "rpm -qa | sort"));
    a_host_with_mesos(&lab);
    there_and_back(&mut lab);
    all_of_it_goes(&lab, &packages);
}

fn a_host_with_mesos(lab: &Lab) {
    lab.on("agent-1", &format!("echo by-hand >{BY_HAND}; echo mine >/etc/mesos/note"));
    let plan = lab.run("plan", &["--detailed-exitcode"]).exit(3);
    let plans = plan.events.iter().find(|event| event["type"] == "plan" && event["host"] == "agent-1");
    let steps = plans.unwrap()["steps"].as_array().unwrap();
    let write = steps.iter().find(|step| step["path"] == BY_HAND).unwrap();
    assert_eq!(write["reason"], "something else put it there");
    assert!(write["diff"].as_str().unwrap().contains("\n-by-hand\n"), "{write}");
    let packages = steps.iter().find(|step| step["action"] == "packages").unwrap()["changes"].to_string();
    assert!(!packages.contains("mesos-0.28"), "what is the release's already stays as it is: {packages}");

    lab.apply().exit(0);
    lab.on("agent-1", &format!("grep -qx by-hand /var/lib/calico-mesos-install/backup/*{BY_HAND}"));
}

fn there_and_back(lab: &mut Lab) {
    lab.run("rollback", &["--yes"]).exit(4);
    lab.set("vars", "mesos_agent_flags", toml::toml! { gc_delay = "2days" });
    lab.apply().exit(0);
    lab.on("agent-1", &format!("grep -qx 2days {FLAG}"));

    let list = lab.run("rollback", &["--list"]).exit(0);
    let runs: Vec<&Value> = list.events.iter().filter(|event| event["type"] == "earlier-run").collect();
    assert_eq!(runs.len(), 2, "{list}");
    assert_eq!((&runs[0]["hosts"].as_array().unwrap().len(), &runs[1]["hosts"][0]), (&2, &"agent-1".into()));
    assert!(runs[0]["packages"].to_string().contains("mesos 0.28"), "{list}");

    let master = lab.started("master-1", "mesos-master");
    let run = lab.run("rollback", &["--yes"]).exit(0);
    assert_eq!(run.totals(), [1, 1, 0, 0, 0], "{run}");
    lab.on("agent-1", &format!("! test -e {FLAG}"));
    assert_eq!(lab.started("master-1", "mesos-master"), master);
    lab.run("verify", &[]).exit(1);
    // Forward again, to the run by its name.
    let name = runs[1]["name"].as_str().unwrap();
    lab.run("rollback", &["--yes", "--to", name]).exit(0);
    lab.run("plan", &["--detailed-exitcode"]).exit(0);
    lab.run("verify", &[]).exit(0);
}

fn all_of_it_goes(lab: &Lab, before: &[String; 2]) {
    let refused = lab.run("reset", &[]).exit(2);
    assert!(refused.stderr.contains("--yes"), "{refused}");
    let run = lab.run("reset", &["--yes"]).exit(0);
    assert_eq!(run.totals(), [2, 0, 0, 0, 0], "{run}");
    let stopped =
        |host: &str, unit: &str| run.position("step-finished", host, &format!("stop and disable {unit}"));
    assert!(stopped("agent-1", "mesos-slave.service") < stopped("master-1", "mesos-master.service"), "{run}");
    assert!(stopped("master-1", "mesos-master.service") < stopped("master-1", "zookeeper.service"), "{run}");
    assert_eq!(&HOSTS.map(|host| lab.on(host, "rpm -qa | sort")), before);
    lab.on("master-1", "! systemctl list-unit-files --no-legend | grep -E 'mesos|zookeeper|etcd'");
    lab.on("master-1", "! ls /usr/sbin/mesos-* /etc/mesos-master/[a-z]* 2>/dev/null | grep .");
    // The Mesos that was there before stays, as does the operator's file; it runs no longer.
    lab.on(
        "agent-1",
        "! systemctl is-active mesos-slave && ! ls /calico/* /etc/mesos-slave/isolation 2>/dev/null",
    );
    for host in HOSTS {
        assert_eq!(lab.on(host, "ls -A /var/cache | grep calico-mesos-install || true"), "");
    }
    lab.on("agent-1", "grep -qx mine /etc/mesos/note && ls /var/lib/mesos");
    lab.on("master-1", "test -d /var/lib/zookeeper");
    assert_eq!(lab.run("reset", &["--yes"]).exit(0).totals(), [0, 2, 0, 0, 0]);

    let again = lab.apply().exit(0);
    assert_eq!(again.totals(), [2, 0, 0, 0, 0], "{again}");
    lab.run("verify", &[]).exit(0);
    lab.run("reset", &["--yes", "--purge-data"]).exit(0);
    lab.on("agent-1", "! test -e /var/lib/mesos");
    lab.on("master-1", "! test -e /var/lib/zookeeper && ! test -e /var/lib/etcd/default.etcd");
}

impl Lab {
    /// Installs a package of the release by hand.
    fn install(&self, host: &str, prefix: &str) {
        let mut rpms =
            walkdir::WalkDir::new(packages()).into_iter().flatten().map(walkdir::DirEntry::into_path);
        let is_it = |path: &std::path::PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(prefix) && name.ends_with(".x86_64.rpm")
        };
        let rpm = rpms.find(is_it).unwrap();
        let address = self.address(if host == "master-1" { 101 } else { 102 });
        let mut copy = Command::new("scp");
        copy.args(["-q", "-F", "/dev/null", "-i", self.dir().join("id_ed25519").as_str()]);
        copy.args(["-o", &format!("UserKnownHostsFile={}", self.dir().join("known_hosts"))]);
        let output = copy.arg(rpm).arg(format!("root@{address}:/root/by-hand.rpm")).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        self.on(host, "dnf -y install /root/by-hand.rpm");
    }
}
