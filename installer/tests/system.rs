//! What is set on hosts' own systems: names, kernel, firewall, labels, and what is left alone where these are missing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use calico_mesos_install::data::Data;
use calico_mesos_install::desired::DesiredHost;
use calico_mesos_install::event::Events;
use calico_mesos_install::execute::{Task, execute};
use calico_mesos_install::facts::{Facts, FactsQuery, Firewall, SeLinux, Sysctl, System, UnitFacts};
use calico_mesos_install::host::{Cancel, Host as _, Materials, MemoryHost};
use calico_mesos_install::inventory::Rollout;
use calico_mesos_install::plan::{Action, HostPlan, graph, plan, receipt};
use proptest::prelude::*;

fn desired(vars: &str) -> DesiredHost {
    let text = format!(
        "[cluster]\nname = \"demo\"\nrelease = \"lab\"\ncontainerizers = [\"mesos\", \"docker\"]\n\
         [packages]\nprovided = []\n[vars]\n{vars}\n\
         [[hosts]]\nname = \"m.example.com\"\naddress = \"10.0.0.1\"\nroles = [\"master\"]\n\
         [[hosts]]\nname = \"a\"\naddress = \"10.0.0.2\"\nroles = [\"agent\"]\n"
    );
    let rendered = common::rendered(&text, &Data::built_in());
    let hosts = rendered.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut agent = hosts.into_iter().find(|host| host.host.as_str() == "a").unwrap();
    // Which packages there are is another matter.
    agent.packages.clear();
    // Nor are services: a host in memory answers every question with the same words.
    agent.units.iter_mut().for_each(|unit| unit.health.clear());
    agent
}

fn facts(host: &mut MemoryHost, desired: &DesiredHost) -> Facts {
    host.facts(&FactsQuery::about(desired)).unwrap()
}

/// Plans, executes the plan, and keeps the receipt, as `apply` does.
fn apply(host: &mut MemoryHost, desired: &DesiredHost) -> HostPlan {
    let before = facts(host, desired);
    let planned = plan(desired, &before, None).unwrap();
    let mut intent = receipt(desired, &before, None, "demo");
    if let Some(earlier) = before.receipt {
        intent = earlier.with(&intent);
    }
    let order = graph(std::slice::from_ref(desired), std::slice::from_ref(&planned), Rollout::default());
    let restarts = planned.restarts().cloned().collect();
    let tasks = [Task {
        host: Mutex::new(host),
        plan: &planned,
        materials: Materials { desired, packages: None, intent, restarts },
    }];
    let (events, _messages) = Events::channel();
    execute(&order, &tasks, 1, &Cancel::default(), &events).unwrap();
    drop(tasks);
    if host.steps_left.is_none() {
        let after = facts(host, desired);
        host.keep(&receipt(desired, &after, None, "demo")).unwrap();
    }
    planned
}

fn of_system(plan: &HostPlan) -> Vec<String> {
    let is = |action: &Action| {
        matches!(
            action,
            Action::SetSystem { .. }
                | Action::UnsetSystem { .. }
                | Action::Reload { .. }
                | Action::WriteBlock { .. }
                | Action::RemoveBlock { .. }
        )
    };
    let steps = plan.steps.iter().filter(|step| is(&step.action));
    steps.map(|step| format!("{} ({})", step.action, step.reason)).collect()
}

/// A host that has everything that settings are for.
fn full() -> MemoryHost {
    let mut host = MemoryHost::default();
    let sysctl = Sysctl { value: "0".to_owned(), writable: true };
    host.system = System {
        container: false,
        modules: BTreeSet::from(["ip6_tables".to_owned()]),
        sysctls: [("net.ipv4.ip_forward".to_owned(), sysctl)].into(),
        labels: [("/calico".parse().unwrap(), "default_t".to_owned())].into(),
        unknown_types: BTreeSet::new(),
        selinux: Some(SeLinux { enforcing: true, enforcing_at_boot: true }),
        firewall: Some(Firewall {
            now: ["5000-5100/tcp".to_owned()].into(),
            permanent: ["5000-5100/tcp".to_owned()].into(),
        }),
    };
    let unit = UnitFacts {
        load: "loaded".to_owned(),
        active: "active".to_owned(),
        sub: "running".to_owned(),
        enabled: "enabled".to_owned(),
        needs_reload: false,
    };
    host.units.insert("NetworkManager.service".parse().unwrap(), unit);
    host
}

#[test]
fn everything_is_set_with_its_reason_and_then_nothing_is_left() {
    let (mut host, desired) = (full(), desired("ip_pool_ipip = true"));
    insta::assert_snapshot!(of_system(&apply(&mut host, &desired)).join("\n"), @"
    write the tool's block in /etc/hosts (wanted by host)
    reload NetworkManager.service (/etc/NetworkManager/conf.d/calico.conf changes)
    set module xt_set (it is not loaded)
    set module nf_conntrack (it is not loaded)
    set module ipip (it is not loaded)
    set sysctl net.ipv4.ip_forward = 1 (it is 0)
    set sysctl net.netfilter.nf_conntrack_max = 1000000 (the kernel does not have it yet)
    set port 179/tcp (firewalld runs and does not let it through)
    set label svirt_sandbox_file_t of /etc/calico (it is new, and SELinux goes by it)
    set protocol 4 (firewalld runs and does not let it through)
    set label bin_t of /calico (it is default_t, and SELinux goes by it)
    ");
    assert_eq!(apply(&mut host, &desired).steps, []);
    let block = host.blocks.values().next().unwrap();
    assert_eq!(&**block, "10.0.0.1 m.example.com m\n10.0.0.2 a\n");
}

#[test]
fn where_there_is_nothing_to_set_nothing_is_set() {
    let (mut host, desired) =
        (MemoryHost::default(), desired("ip_pool_ipip = true\nselinux_permissive = true"));
    host.system.container = true;
    assert_eq!(
        of_system(&apply(&mut host, &desired)),
        ["write the tool's block in /etc/hosts (wanted by host)"]
    );
    assert!(
        !host
            .files
            .keys()
            .any(|path| path.as_str().contains("NetworkManager") || path.as_str().contains("modules-load"))
    );
    assert_eq!(apply(&mut host, &desired).steps, []);
}

#[test]
fn a_port_that_was_open_before_us_stays_open_and_ours_is_closed() {
    let mut host = full();
    apply(&mut host, &desired("mesos_agent_port = 6051"));
    let moved = apply(&mut host, &desired("mesos_agent_port = 5051"));
    assert_eq!(of_system(&moved), ["take back port 6051/tcp (no role of this host wants it any longer)"]);
    apply(&mut host, &desired("mesos_agent_port = 7051"));
    let wall = host.system.firewall.as_ref().unwrap();
    for open in [&wall.now, &wall.permanent] {
        assert!(
            open.contains("5000-5100/tcp") && open.contains("7051/tcp") && !open.contains("6051/tcp"),
            "{open:?}"
        );
    }
}

#[test]
fn permissive_only_where_the_operator_says_so() {
    let mut host = full();
    apply(&mut host, &desired(""));
    assert!(host.system.selinux.unwrap().enforcing);
    let plan = apply(&mut host, &desired("selinux_permissive = true"));
    assert_eq!(
        of_system(&plan),
        ["set selinux permissive (it is enforcing, and the inventory says `selinux_permissive = true`)"]
    );
}

#[test]
fn names_are_left_to_dns_where_the_operator_has_one() {
    let mut host = full();
    apply(&mut host, &desired(""));
    let plan = apply(&mut host, &desired("name_resolution = \"dns\""));
    assert_eq!(
        of_system(&plan),
        ["remove the tool's block from /etc/hosts (no role of this host wants it any longer)"]
    );
    assert!(host.blocks.is_empty());
}

#[test]
fn no_unit_restarts_for_what_no_unit_reads() {
    let mut host = full();
    apply(&mut host, &desired(""));
    for vars in ["calico_conntrack_max = 2000", "name_resolution = \"dns\"", "selinux_permissive = true"] {
        let plan = apply(&mut host, &desired(vars));
        assert!(plan.changes() > 0, "{vars}");
        let restarted: Vec<_> = plan.restarts().collect();
        assert!(restarted.is_empty(), "{vars}: {restarted:?}");
    }
}

#[test]
fn a_reload_that_a_killed_run_missed_is_made_up_for() {
    let (mut host, desired) = (full(), desired(""));
    let steps = plan(&desired, &facts(&mut host, &desired), None).unwrap().steps;
    let reload = steps.iter().position(|step| matches!(step.action, Action::Reload { .. })).unwrap();
    host.steps_left = Some(reload);
    apply(&mut host, &desired);
    host.steps_left = None;
    let again = of_system(&apply(&mut host, &desired));
    assert!(again[0].starts_with("reload NetworkManager.service (a run that ended early"), "{again:?}");
}

/// Runs the script that sets a system, on this machine, with `semanage` and `restorecon` that only say how they were called.
fn set_on_this_machine(records: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    for name in ["semanage", "restorecon"] {
        let tool = folder.path().join(name);
        let script = format!("#!/bin/sh\nprintf '{name}'; printf ' %s' \"$@\"; echo\n");
        fs_err::write(&tool, script).unwrap();
        std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh")
        .args(["-c", include_str!("../src/host/system.sh"), "sh", "10.0.0.1"])
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(records.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn paths_are_not_patterns_to_the_policy() {
    let said = set_on_this_machine("label\tbin_t\t/no/such.folder\\[+]\nunlabel\tbin_t\t/no\n");
    assert_eq!(
        said,
        "semanage fcontext -a -t bin_t /no/such\\.folder\\\\\\[\\+\\](/.*)?\nlabel\nsemanage fcontext -d /no(/.*)?\nunlabel\n"
    );
}

#[test]
fn a_type_that_the_policy_does_not_have_is_left_out() {
    let desired = desired("");
    let mut host = full();
    host.system.labels.clear();
    host.system.unknown_types = ["svirt_sandbox_file_t".to_owned()].into();
    let labels: Vec<String> =
        of_system(&apply(&mut host, &desired)).into_iter().filter(|step| step.contains("label")).collect();
    assert!(labels.len() == 1 && labels[0].contains("bin_t of /calico"), "{labels:?}");
    assert_eq!(apply(&mut host, &desired).steps, vec![]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever a host's system was like, and wherever earlier runs were cut off: after a run nothing is left to do.
    #[test]
    fn setting_a_system_leaves_nothing_to_set(
        spoilt in prop::collection::vec((0..8_usize, any::<bool>()), 0..6),
        cuts in prop::collection::vec(0..40_usize, 0..3),
        later in any::<bool>(),
    ) {
        let mut host = full();
        let all = [desired("ip_pool_ipip = true"), desired("mesos_agent_port = 6051")];
        for (what, kept) in spoilt {
            match what {
                0 => host.system.container = kept,
                1 if kept => host.system.firewall = None,
                2 if kept => host.system.selinux = None,
                3 => host.system.modules.clear(),
                4 => host.system.sysctls.clear(),
                5 => host.system.labels.clear(),
                6 => host.receipt = None,
                _ => host.units.clear(),
            }
        }
        for cut in cuts {
            host.steps_left = Some(cut);
            apply(&mut host, &all[cut % 2]);
        }
        host.steps_left = None;
        let desired = &all[usize::from(later)];
        apply(&mut host, desired);
        prop_assert_eq!(apply(&mut host, desired).steps, vec![]);
        for setting in &desired.system {
            prop_assert_ne!(
                std::mem::discriminant(&host.system.effect(setting)),
                std::mem::discriminant(&calico_mesos_install::facts::Effect::Missing(String::new()))
            );
        }
        let closed = "port 6051/tcp".parse().unwrap();
        let is_open = host.system.effect(&closed) == calico_mesos_install::facts::Effect::InEffect;
        prop_assert!(!is_open || later, "the first inventory never has this port");
    }
}
