//! The life of a small cluster: installed, left alone, damaged, repaired, changed.

use crate::cluster::MASTER_UNITS;
use crate::harness::Lab;

const AGENT: &str = "mesos-slave.service";
const ISOLATION: &str = "/etc/mesos-slave/isolation";
const RECEIPT: &str = "/var/lib/calico-mesos-install/receipt.json";

#[test]
fn a_cluster_is_installed_left_alone_repaired_and_changed() {
    let mut lab = Lab::up("life", 210, 1, 2);
    // A master ends when it was without ZooKeeper for so long, as it must; on a busy machine a restart takes a while.
    lab.set("vars", "mesos_master_flags", toml::toml! { zk_session_timeout = "40secs" });
    first_apply(&lab);
    second_apply(&lab);
    a_file_changed_by_hand(&lab);
    a_package_a_unit_and_a_receipt_lost(&lab);
    a_changed_variable(&mut lab);
    a_flag_of_agents(&mut lab);
    a_saved_plan(&mut lab);
    a_link_and_lost_packages(&lab);
    another_clusters_hosts(&mut lab);
    lab.run("verify", &[]).exit(0);
}

fn first_apply(lab: &Lab) {
    let refused = lab.run("apply", &[]).exit(2);
    assert!(refused.stderr.contains("--yes"), "{refused}");
    lab.run("verify", &[]).exit(1);

    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [3, 0, 0, 0, 0], "{run}");

    lab.assert_runs("master-1", &MASTER_UNITS, &["zookeeper", "etcd", "mesos", "marathon", "mesos-dns"]);
    for agent in ["agent-1", "agent-2"] {
        lab.assert_runs(agent, &["mesos-slave"], &["mesos", "net-modules", "calico-mesos"]);
        assert_eq!(lab.on(agent, "systemctl is-enabled mesos-slave"), "enabled");
    }
    assert_eq!(lab.registered_agents(1), ["agent-1", "agent-2"]);
    assert_eq!(lab.zookeeper_state("master-1"), "standalone");
    assert!(lab.http("master-1", 2379, "/health").contains(r#""health":"true""#));
    assert_eq!(lab.on("agent-1", &format!("stat -c '%U:%G %a' {RECEIPT}")), "root:root 600");
}

fn second_apply(lab: &Lab) {
    let before = lab.started("agent-1", AGENT);
    let run = lab.apply().exit(0);
    assert_eq!((run.totals(), run.started()), ([0, 3, 0, 0, 0], Vec::new()), "{run}");
    assert_eq!(lab.started("agent-1", AGENT), before);
    lab.run("plan", &["--detailed-exitcode"]).exit(0);
    lab.run("verify", &[]).exit(0);

    let status = lab.run("status", &[]).exit(0);
    for (host, count) in [("master-1", 5), ("agent-1", 1), ("agent-2", 1)] {
        let services = status.host(host)["services"].as_array().unwrap();
        assert_eq!(services.len(), count, "{status}");
        for service in services {
            assert_eq!(
                (&service["healthy"], &service["state"]),
                (&true.into(), &"active".into()),
                "{status}"
            );
            assert!(service["version"].is_string(), "{status}");
        }
    }
}

fn a_file_changed_by_hand(lab: &Lab) {
    let others = (lab.started("agent-2", AGENT), lab.started("master-1", "mesos-master"));
    let good = lab.on("agent-1", &format!("cat {ISOLATION}; echo by-hand > {ISOLATION}"));

    let plan = lab.run("plan", &["--detailed-exitcode"]).exit(3);
    let write = format!("write-file {ISOLATION}");
    assert_eq!(
        plan.planned("agent-1"),
        [write.as_str(), "restart mesos-slave.service", "await-healthy mesos-slave.service"]
    );
    for host in ["agent-2", "master-1"] {
        assert_eq!(plan.planned(host), Vec::<String>::new(), "{host}");
    }
    let plans = plan.events.iter().find(|event| event["type"] == "plan" && event["host"] == "agent-1");
    let write = &plans.unwrap()["steps"][0];
    let diff = write["diff"].as_str().unwrap();
    assert!(diff.contains("\n-by-hand\n") && diff.contains(&format!("\n+{good}\n")), "{diff}");
    assert!(write["reason"].as_str().unwrap().contains("by hand"), "{write}");
    assert_eq!(lab.on("agent-1", &format!("cat {ISOLATION}")), "by-hand", "a plan changes nothing");

    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [1, 2, 0, 0, 0], "{run}");
    assert_eq!(lab.on("agent-1", &format!("cat {ISOLATION}")), good);
    let kept = lab.on("agent-1", &format!("cat /var/lib/calico-mesos-install/backup/*{ISOLATION}"));
    assert_eq!(kept, "by-hand");
    // Every file of the folder would be a flag.
    assert_eq!(lab.on("agent-1", "ls -A /etc/mesos-slave | grep -v '^[a-z_]*$' || true"), "");
    assert_eq!((lab.started("agent-2", AGENT), lab.started("master-1", "mesos-master")), others);
    lab.run("plan", &["--detailed-exitcode"]).exit(0);
}

fn a_package_a_unit_and_a_receipt_lost(lab: &Lab) {
    lab.on("agent-1", "rpm -e --nodeps net-modules && ! rpm -q net-modules");
    lab.on("agent-2", "systemctl disable --now mesos-slave");
    lab.on("master-1", &format!("rm {RECEIPT}"));
    lab.run("verify", &[]).exit(1);
    let status = lab.run("status", &[]).exit(1);
    assert_eq!(status.host("agent-2")["services"][0]["healthy"], false, "{status}");

    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [2, 1, 0, 0, 0], "{run}");
    assert_eq!(
        run.planned("agent-1"),
        ["packages", "reload-systemd", "restart mesos-slave.service", "await-healthy mesos-slave.service"],
        "what was uploaded once is not sent again"
    );
    assert_eq!(
        run.planned("agent-2"),
        ["enable mesos-slave.service", "start mesos-slave.service", "await-healthy mesos-slave.service"]
    );
    assert_eq!(run.outcome("master-1"), "unchanged");
    lab.assert_runs("agent-1", &["mesos-slave"], &["net-modules"]);
    lab.on("agent-2", "systemctl is-enabled mesos-slave && systemctl is-active mesos-slave");
    lab.on("master-1", &format!("grep -q /etc/zookeeper/zoo.cfg {RECEIPT}"));
    assert_eq!(lab.registered_agents(1), ["agent-1", "agent-2"]);
}

fn a_changed_variable(lab: &mut Lab) {
    let watched =
        [("master-1", "mesos-master"), ("master-1", "etcd"), ("agent-1", AGENT), ("agent-2", AGENT)];
    let before = watched.map(|(host, unit)| lab.started(host, unit));
    let zookeeper = lab.started("master-1", "zookeeper");
    lab.set("vars", "zookeeper_max_client_connections", 61);

    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [1, 2, 0, 0, 0], "{run}");
    assert_eq!(
        run.started(),
        [
            "master-1 write-file /etc/zookeeper/zoo.cfg",
            "master-1 restart zookeeper.service",
            "master-1 await-healthy zookeeper.service"
        ]
    );
    lab.on("master-1", "grep -qx maxClientCnxns=61 /etc/zookeeper/zoo.cfg");
    assert_ne!(lab.started("master-1", "zookeeper"), zookeeper);
    assert_eq!(watched.map(|(host, unit)| lab.started(host, unit)), before);
}

fn a_flag_of_agents(lab: &mut Lab) {
    let master = lab.started("master-1", "mesos-master");
    for (flags, step) in [
        (toml::toml! { gc_delay = "2days" }, "write-file /etc/mesos-slave/gc_delay"),
        (toml::Table::new(), "remove-file /etc/mesos-slave/gc_delay"),
    ] {
        let wanted = !flags.is_empty();
        lab.set("vars", "mesos_agent_flags", flags);
        let run = lab.apply().exit(0);
        assert_eq!(run.totals(), [2, 1, 0, 0, 0], "{run}");
        for agent in ["agent-1", "agent-2"] {
            let steps = [step, "restart mesos-slave.service", "await-healthy mesos-slave.service"];
            assert_eq!(run.planned(agent), steps);
            let flags = lab
                .on(agent, "tr '\\0' '\\n' < /proc/$(systemctl show --value -p MainPID mesos-slave)/cmdline");
            assert_eq!(flags.contains("--gc_delay=2days"), wanted, "{flags}");
        }
        // 20% of two agents is one: the second follows only when the first is back.
        let began = run.position("step-started", "agent-2", "restart");
        let other = run.position("step-started", "agent-1", "restart");
        let (first, later) = if other < began { ("agent-1", began) } else { ("agent-2", other) };
        assert!(run.position("step-finished", first, "wait for mesos-slave.service") < later, "{run}");
    }
    assert_eq!(lab.started("master-1", "mesos-master"), master);
    lab.run("verify", &[]).exit(0);
}

fn a_saved_plan(lab: &mut Lab) {
    lab.set("vars", "mesos_open_files", 9000);
    let plan = lab.path("plan.json");
    lab.run("plan", &["--out", plan.as_str()]).exit(0);

    lab.on("agent-2", &format!("echo by-hand > {ISOLATION}"));
    let before = ["agent-1", "agent-2"].map(|agent| lab.started(agent, AGENT));
    let refused = lab.run("apply", &["--yes", "--plan", plan.as_str()]).exit(4);
    assert!(refused.stderr.contains("agent-2") && !refused.stderr.contains("agent-1"), "{refused}");
    assert_eq!(refused.started(), Vec::<String>::new());
    assert_eq!(["agent-1", "agent-2"].map(|agent| lab.started(agent, AGENT)), before);
    lab.on("master-1", "! grep 9000 /etc/default/mesos");

    lab.run("plan", &["--out", plan.as_str()]).exit(0);
    let run = lab.run("apply", &["--yes", "--plan", plan.as_str()]).exit(0);
    assert_eq!(run.totals(), [3, 0, 0, 0, 0], "{run}");
    lab.on("master-1", "grep 9000 /etc/default/mesos");
    let spent = lab.run("apply", &["--yes", "--plan", plan.as_str()]).exit(4);
    assert_eq!(spent.started(), Vec::<String>::new(), "a plan that was executed no longer fits");
}

/// A link is replaced and what it leads to is left alone; packages come back together.
fn a_link_and_lost_packages(lab: &Lab) {
    lab.on("agent-1", "install -m 0600 /etc/mesos/zk /root/real && ln -sf /root/real /etc/mesos/zk");
    lab.on("agent-1", "rpm -e --nodeps net-modules && rpm -e --justdb --nodeps calico-mesos");
    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [1, 2, 0, 0, 0], "{run}");
    assert_eq!(lab.on("agent-1", "stat -c '%F %a' /root/real"), "regular file 600");
    assert_eq!(lab.on("agent-1", "stat -c '%F %a' /etc/mesos/zk"), "regular file 644");
    lab.on("agent-1", "rpm -q net-modules calico-mesos");
    assert_eq!(lab.apply().exit(0).totals(), [0, 3, 0, 0, 0]);
}

fn another_clusters_hosts(lab: &mut Lab) {
    lab.set("cluster", "name", "another");
    let before = lab.started("master-1", "mesos-master");
    let refused = lab.apply().exit(4);
    assert!(refused.stderr.contains("--adopt"), "{refused}");
    assert_eq!(refused.started(), Vec::<String>::new());
    assert_eq!(lab.started("master-1", "mesos-master"), before);
    lab.run("apply", &["--yes", "--adopt"]).exit(0);
    assert_eq!(lab.apply().exit(0).totals(), [0, 3, 0, 0, 0]);
}
