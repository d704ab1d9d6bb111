//! The property that the whole tool stands on: executing a plan leaves an empty plan, whatever the host was like.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use calico_mesos_install::desired::{
    DesiredHost, DesiredPackage, HealthCheck, Identity, ManagedFile, ManagedUnit, Probe, Setting,
};
use calico_mesos_install::event::Events;
use calico_mesos_install::execute::{Executed, Task, execute};
use calico_mesos_install::facts::FactsQuery;
use calico_mesos_install::history::{Record, as_of};
use calico_mesos_install::host::{Cancel, Host, Materials, MemoryFile, MemoryHost};
use calico_mesos_install::inventory::Rollout;
use calico_mesos_install::model::{Digest, HostPath, UnitName};
use calico_mesos_install::plan::{Action, Graph, HostPlan, graph, once_done, plan, receipt, reset, teardown};
use calico_mesos_install::receipt::Receipt;
use calico_mesos_install::repository::PackageSet;
use proptest::prelude::*;

const PACKAGES: [&str; 3] = ["zookeeper", "mesos", "net-modules"];

/// A package set whose n-th package has the given version and build.
fn packages(versions: &[(u8, u8)]) -> PackageSet {
    let packages: Vec<serde_json::Value> = PACKAGES
        .iter()
        .zip(versions)
        .map(|(name, (version, build))| {
            serde_json::json!({
                "nevra": format!("{name}-{version}-1.x86_64"),
                "file": format!("{name}.rpm"),
                "size": 1000,
                "sha256": Digest::of(format!("{name} {version} {build}")),
                "header_sha1": format!("{version} {build}"),
            })
        })
        .collect();
    let manifest =
        serde_json::json!({"release": "lab", "distro": "any", "arch": "x86_64", "packages": packages});
    PackageSet { manifest: serde_json::from_value(manifest).unwrap(), folder: "/nowhere".into() }
}

/// A host that wants these files (by index, with a content) and packages, with one unit for each package.
fn desired(name: &str, files: &BTreeMap<u8, u8>, wanted: &[bool]) -> DesiredHost {
    let role = |index: usize| PACKAGES[index].parse().unwrap();
    let managed = |content: &u8| ManagedFile {
        content: format!("content {content}\n").into(),
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: "0644".parse().unwrap(),
        roles: vec![role(0)],
        secret: false,
        note: None,
        only_with: None,
    };
    let package = |index: &usize| DesiredPackage {
        name: PACKAGES[*index].parse().unwrap(),
        roles: vec![role(*index)],
        provided: false,
        optional: false,
    };
    let managed_unit = |index: &usize| ManagedUnit {
        name: unit(*index),
        role: role(*index),
        packages: vec![PACKAGES[*index].parse().unwrap()],
        reads: files.keys().filter(|file| usize::from(**file) % 3 == *index).map(path).collect(),
        needs: if *index > 0 { vec![role(index - 1)] } else { Vec::new() },
        quorum: *index == 0,
        // One host sets for all what the first file says.
        settings: files
            .get(&0)
            .filter(|_| *index == 1 && name == "a")
            .map(|content| Setting {
                name: "pool".parse().unwrap(),
                wanted: format!("pool {content}"),
                read: "".into(),
                write: "".into(),
            })
            .into_iter()
            .collect(),
        health: vec![HealthCheck { address: [127, 0, 0, 1].into(), port: 1, probe: Probe::Tcp }],
        patience: Duration::from_secs(1),
        identity: (*index == 2).then(|| Identity {
            files: vec![path(&2).to_string()],
            kept_in: "/var/lib/kept".parse().unwrap(),
        }),
    };
    let indices: Vec<usize> = (0..PACKAGES.len()).filter(|index| wanted[*index]).collect();
    DesiredHost {
        host: name.parse().unwrap(),
        roles: indices.iter().map(|index| role(*index)).collect(),
        packages: indices.iter().map(package).collect(),
        files: files.iter().map(|(index, content)| (path(index), managed(content))).collect(),
        units: indices.iter().map(managed_unit).collect(),
        address: [127, 0, 0, 1].into(),
        blocks: BTreeMap::new(),
        system: Vec::new(),
    }
}

fn path(index: &u8) -> HostPath {
    format!("/etc/file-{index}").parse().unwrap()
}

fn unit(index: usize) -> UnitName {
    format!("{}.service", PACKAGES[index]).parse().unwrap()
}

/// Plans and executes on all hosts; gives what was planned and how it ended.
fn apply(
    hosts: &mut [MemoryHost],
    desired: &[DesiredHost],
    set: &PackageSet,
) -> (Vec<HostPlan>, Vec<Executed>) {
    let mut plans = Vec::new();
    let mut receipts = Vec::new();
    for (host, desired) in hosts.iter_mut().zip(desired) {
        let facts = host.facts(&FactsQuery::about(desired)).unwrap();
        plans.push(plan(desired, &facts, Some(set)).unwrap());
        let receipt = receipt(desired, &facts, Some(set), "demo");
        receipts.push(match facts.receipt {
            Some(before) => before.with(&receipt),
            None => receipt,
        });
    }
    let graph = graph(desired, &plans, Rollout::default());
    let executed = perform(&graph, hosts, desired, set, &plans, &receipts);
    // What `apply` does at its end: a host that was finished gets its final receipt.
    for ((host, desired), executed) in hosts.iter_mut().zip(desired).zip(&executed) {
        if executed.failed.is_none() && executed.skipped.is_none() {
            let facts = host.facts(&FactsQuery::about(desired)).unwrap();
            let left = plan(desired, &once_done(desired, &facts), Some(set)).unwrap();
            assert_eq!(left.steps, [], "the run itself must see that it is done");
            let receipt = receipt(desired, &facts, Some(set), "demo");
            let run = format!("run-{}", host.records.len());
            host.keep(&receipt).unwrap();
            host.remember(&Record::new(&run, desired, &receipt, Some(set))).unwrap();
        }
    }
    (plans, executed)
}

/// Executes plans on all hosts.
fn perform(
    graph: &Graph,
    hosts: &mut [MemoryHost],
    desired: &[DesiredHost],
    set: &PackageSet,
    plans: &[HostPlan],
    receipts: &[Receipt],
) -> Vec<Executed> {
    let tasks: Vec<Task<'_>> = hosts
        .iter_mut()
        .zip(plans)
        .zip(desired.iter().zip(receipts))
        .map(|((host, plan), (desired, receipt))| Task {
            host: Mutex::new(host),
            plan,
            materials: Materials {
                desired,
                packages: Some(set),
                intent: receipt.clone(),
                restarts: plan.restarts().cloned().collect(),
            },
        })
        .collect();
    let (events, _messages) = Events::channel();
    execute(graph, &tasks, 4, &Cancel::default(), &events).unwrap()
}

/// Takes away what earlier runs installed; gives what was planned.
fn reset_all(hosts: &mut [MemoryHost], desired: &[DesiredHost], data: &[HostPath]) -> Vec<HostPlan> {
    let mut plans = Vec::new();
    let mut receipts = Vec::new();
    for (host, desired) in hosts.iter_mut().zip(desired) {
        let facts = host.facts(&FactsQuery::about(desired)).unwrap();
        plans.push(reset(&desired.host, &facts, data));
        receipts.push(facts.receipt.unwrap_or_else(|| Receipt::new("demo", desired.host.clone())));
    }
    let graph = teardown(desired, &plans);
    let executed = perform(&graph, hosts, desired, &packages(&[]), &plans, &receipts);
    assert!(executed.iter().all(|executed| executed.failed.is_none() && executed.skipped.is_none()));
    plans
}

/// What may have happened to a host since the last run.
#[derive(Debug, Clone)]
enum Mishap {
    Edit(u8, u8),
    Delete(u8),
    ChangeMode(u8),
    StopUnit(usize),
    DisableUnit(usize),
    RemovePackage(usize),
    LoseReceipt,
    LoseCache,
    NeedReload(usize),
    Unset,
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        (0..6_u8, any::<u8>()).prop_map(|(file, content)| Mishap::Edit(file, content)),
        (0..6_u8).prop_map(Mishap::Delete),
        (0..6_u8).prop_map(Mishap::ChangeMode),
        (0..3_usize).prop_map(Mishap::StopUnit),
        (0..3_usize).prop_map(Mishap::DisableUnit),
        (0..3_usize).prop_map(Mishap::RemovePackage),
        Just(Mishap::LoseReceipt),
        Just(Mishap::LoseCache),
        (0..3_usize).prop_map(Mishap::NeedReload),
        Just(Mishap::Unset),
    ]
}

fn befall(host: &mut MemoryHost, mishap: &Mishap) {
    match mishap {
        Mishap::Edit(file, content) => {
            let edited = MemoryFile {
                content: format!("by hand {content}").into(),
                owner: "root".to_owned(),
                group: "root".to_owned(),
                mode: "0644".parse().unwrap(),
            };
            host.files.insert(path(file), edited);
        }
        Mishap::Delete(file) => drop(host.files.remove(&path(file))),
        Mishap::ChangeMode(file) => {
            host.files.get_mut(&path(file)).into_iter().for_each(|file| file.mode = "0600".parse().unwrap());
        }
        Mishap::StopUnit(index) => {
            host.units.get_mut(&unit(*index)).into_iter().for_each(|unit| unit.active = "failed".to_owned());
        }
        Mishap::DisableUnit(index) => {
            host.units
                .get_mut(&unit(*index))
                .into_iter()
                .for_each(|unit| unit.enabled = "disabled".to_owned());
        }
        Mishap::RemovePackage(index) => drop(host.packages.remove(PACKAGES[*index])),
        Mishap::Unset => drop(host.settings.insert("pool".parse().unwrap(), "by hand".to_owned())),
        Mishap::LoseReceipt => host.receipt = None,
        Mishap::LoseCache => host.cache.clear(),
        Mishap::NeedReload(index) => {
            host.units.get_mut(&unit(*index)).into_iter().for_each(|unit| unit.needs_reload = true);
        }
    }
}

/// Files with their contents, which packages are wanted, and their versions and builds.
type Inputs = (BTreeMap<u8, u8>, Vec<bool>, Vec<(u8, u8)>);

fn inputs() -> impl Strategy<Value = Inputs> {
    (
        prop::collection::btree_map(0..6_u8, 0..3_u8, 0..6),
        prop::collection::vec(any::<bool>(), 3),
        prop::collection::vec((1..4_u8, 0..2_u8), 3),
    )
}

proptest! {
    /// Whatever happened to the hosts, and wherever earlier runs were cut off: after a run that comes to its end the
    /// next plan is empty, every unit runs with what is there now, and nothing is left of what is no longer wanted.
    #[test]
    fn executing_a_plan_leaves_an_empty_plan(
        rounds in prop::collection::vec(
            (inputs(), prop::collection::vec((0..3_usize, mishap()), 0..4), prop::collection::vec(0..12_usize, 0..3)),
            1..4,
        ),
    ) {
        let mut hosts = vec![MemoryHost::default(), MemoryHost::default(), MemoryHost::default()];
        let mut knows_its_past = true;
        for ((files, wanted, versions), mishaps, cuts) in rounds {
            // Without the receipt, what is no longer wanted is foreign, and what is foreign is left alone.
            knows_its_past &= !mishaps.iter().any(|(_, mishap)| matches!(mishap, Mishap::LoseReceipt));
            for (host, mishap) in &mishaps {
                befall(&mut hosts[*host], mishap);
            }
            let set = packages(&versions);
            let desired: Vec<DesiredHost> =
                ["a", "b", "c"].iter().map(|name| desired(name, &files, &wanted)).collect();
            for cut in cuts {
                hosts.iter_mut().for_each(|host| host.steps_left = Some(cut));
                apply(&mut hosts, &desired, &set);
                hosts.iter_mut().for_each(|host| host.steps_left = None);
            }
            let (_, executed) = apply(&mut hosts, &desired, &set);
            for executed in executed {
                prop_assert!(executed.failed.is_none() && executed.skipped.is_none(), "{executed:?}");
            }
            let (plans, _) = apply(&mut hosts, &desired, &set);
            for (plan, (host, desired)) in plans.iter().zip(hosts.iter().zip(&desired)) {
                prop_assert_eq!(&plan.steps, &vec![]);
                if !knows_its_past {
                    continue;
                }
                for setting in desired.units.iter().flat_map(|unit| &unit.settings) {
                    prop_assert_eq!(&host.settings[&setting.name], &setting.wanted);
                }
                for unit in &desired.units {
                    prop_assert_eq!(&host.started_with[&unit.name], &host.inputs(unit), "{}", unit.name);
                }
                let running = host.units.values().filter(|unit| unit.active == "active").count();
                prop_assert_eq!(running, desired.units.len());
            }
        }
    }
}

#[test]
fn a_service_that_would_refuse_to_be_another_begins_anew() {
    let (mut hosts, set) = settled();
    let (plans, _) = apply(&mut hosts, &three(&[(2, 7)]), &set);
    for (plan, host) in plans.iter().zip(&hosts) {
        assert!(
            plan.steps[0].reason.contains("/etc/file-2") && plan.steps[0].reason.contains("is lost"),
            "{plan:?}"
        );
        assert_eq!(
            host.done[..3],
            ["remove /var/lib/kept", "replace /etc/file-2", "restart net-modules.service"]
        );
    }
    let (plans, _) = apply(&mut hosts, &three(&[(2, 7), (1, 3)]), &set);
    assert!(plans.iter().all(|plan| plan.steps.iter().all(|step| !step.action.to_string().contains("kept"))));
}

#[test]
fn one_host_sets_what_all_find_and_the_others_wait_for_it() {
    let set = packages(&[(1, 0), (1, 0), (1, 0)]);
    let mut hosts = fresh();
    apply(&mut hosts, &three(&[]), &set);
    let order = |host: &MemoryHost, what: &str| host.done.iter().position(|done| done == what);
    let at = order(&hosts[0], "set pool to `pool 0`").unwrap();
    assert!(at < order(&hosts[0], "start mesos.service").unwrap(), "{:?}", hosts[0].done);
    assert!(hosts[1..].iter().all(|host| host.settings.is_empty()));

    befall(&mut hosts[0], &Mishap::Unset);
    hosts.iter_mut().for_each(|host| host.done.clear());
    let (plans, _) = apply(&mut hosts, &three(&[]), &set);
    assert_eq!(plans[0].steps[0].reason, "it is `by hand`");
    assert_eq!(hosts[0].done, ["set pool to `pool 0`"]);

    // What an earlier run set is handed on to whoever takes it back.
    let (plans, _) = apply(&mut hosts, &three(&[(0, 5)]), &set);
    let step = plans[0].steps.iter().map(|step| serde_json::to_value(step).unwrap());
    let set: Vec<serde_json::Value> = step.filter(|step| step["action"] == "set").collect();
    assert_eq!((&set[0]["before"], &set[0]["to"]), (&"pool 0".into(), &"pool 5".into()));

    // A host that failed to set it keeps nobody else from starting.
    let set = packages(&[(1, 0), (1, 0), (1, 0)]);
    let desired = three(&[]);
    let mut hosts = fresh();
    let plans: Vec<HostPlan> = hosts
        .iter_mut()
        .zip(&desired)
        .map(|(host, desired)| {
            plan(desired, &host.facts(&FactsQuery::about(desired)).unwrap(), Some(&set)).unwrap()
        })
        .collect();
    let graph = graph(&desired, &plans, Rollout::default());
    let of =
        |node: &calico_mesos_install::plan::Node| plans[node.plan].steps[node.steps[0]].action.to_string();
    let setting = graph.nodes.iter().position(|node| of(node).starts_with("set pool")).unwrap();
    let starts: Vec<_> = graph.nodes.iter().filter(|node| of(node) == "enable mesos.service").collect();
    assert_eq!(starts.len(), 3);
    assert!(starts.iter().all(|node| node.needs.contains(&calico_mesos_install::plan::Need::Over(setting))));
}

fn three(changed: &[(u8, u8)]) -> Vec<DesiredHost> {
    let mut files = BTreeMap::from([(0, 0), (1, 0), (2, 0)]);
    files.extend(changed.iter().copied());
    ["a", "b", "c"].iter().map(|name| desired(name, &files, &[true, true, true])).collect()
}

fn fresh() -> Vec<MemoryHost> {
    vec![MemoryHost::default(), MemoryHost::default(), MemoryHost::default()]
}

/// Three hosts on which a first run has come to its end.
fn settled() -> (Vec<MemoryHost>, PackageSet) {
    let mut hosts = fresh();
    let set = packages(&[(1, 0), (1, 0), (1, 0)]);
    let (_, executed) = apply(&mut hosts, &three(&[]), &set);
    assert!(executed.iter().all(|executed| executed.changes > 0));
    for host in &mut hosts {
        host.done.clear();
    }
    (hosts, set)
}

#[test]
fn a_changed_file_restarts_only_what_reads_it() {
    let (mut hosts, set) = settled();
    apply(&mut hosts, &three(&[(1, 7)]), &set);
    for host in hosts {
        assert_eq!(
            host.done,
            ["replace /etc/file-1", "restart mesos.service", "wait for mesos.service to be healthy"]
        );
    }
}

#[test]
fn a_restart_that_a_killed_run_missed_is_made_up_for() {
    let (mut hosts, set) = settled();
    // Cut off between the file and the restart: the file is what is desired, its reader runs with the old one.
    hosts[0].steps_left = Some(1);
    apply(&mut hosts, &three(&[(1, 7)]), &set);
    assert_eq!(hosts[0].done, ["replace /etc/file-1"]);
    hosts[0].steps_left = None;
    let (plans, _) = apply(&mut hosts, &three(&[(1, 7)]), &set);
    assert_eq!(plans[0].steps[0].reason, "a run that ended early did not come to it");
    // The failed restart kept those from being restarted that had not come to it before.
    for (plan, host) in plans.iter().zip(&hosts) {
        let reasons = plan.steps.iter().map(|step| step.reason.as_str()).take(1);
        assert!(reasons.into_iter().all(|reason| reason == "a run that ended early did not come to it"));
        assert_eq!(host.done[..2], ["replace /etc/file-1", "restart mesos.service"]);
    }
}

#[test]
fn a_file_that_is_no_longer_wanted_is_taken_away_and_nothing_else_is() {
    let (mut hosts, set) = settled();
    let foreign: HostPath = "/etc/foreign".parse().unwrap();
    let file = hosts[0].files[&path(&0)].clone();
    hosts[0].files.insert(foreign.clone(), file);
    let fewer = BTreeMap::from([(0, 0), (2, 0)]);
    let desired: Vec<DesiredHost> =
        ["a", "b", "c"].iter().map(|name| desired(name, &fewer, &[true, true, true])).collect();
    apply(&mut hosts, &desired, &set);
    assert!(hosts[0].files.contains_key(&foreign));
    assert!(hosts.iter().all(|host| !host.files.contains_key(&path(&1))));
}

#[test]
fn a_file_that_is_no_longer_wanted_and_was_deleted_by_hand_still_restarts_its_reader() {
    let (mut hosts, set) = settled();
    hosts.iter_mut().for_each(|host| befall(host, &Mishap::Delete(1)));
    let fewer = BTreeMap::from([(0, 0), (2, 0)]);
    let desired: Vec<DesiredHost> =
        ["a", "b", "c"].iter().map(|name| desired(name, &fewer, &[true, true, true])).collect();
    apply(&mut hosts, &desired, &set);
    for host in &mut hosts {
        assert_eq!(host.done, ["restart mesos.service", "wait for mesos.service to be healthy"]);
    }
    let (plans, _) = apply(&mut hosts, &desired, &set);
    assert!(plans.iter().all(|plan| plan.steps.is_empty()), "{plans:?}");
}

#[test]
fn what_an_operator_changed_is_kept_as_a_backup_and_what_the_tool_wrote_is_not() {
    let (mut hosts, set) = settled();
    befall(&mut hosts[0], &Mishap::Edit(1, 1));
    let (plans, _) = apply(&mut hosts, &three(&[(1, 7)]), &set);
    let backups: Vec<bool> = plans
        .iter()
        .map(|plan| serde_json::to_value(&plan.steps[0]).unwrap()["backup"].as_bool().unwrap())
        .collect();
    assert_eq!(backups, [true, false, false]);
    assert_eq!(plans[0].steps[0].reason, "it was changed by hand since the last run");
}

#[test]
fn a_sick_service_keeps_what_needs_it_from_starting_and_nothing_else() {
    let set = packages(&[(1, 0), (1, 0), (1, 0)]);
    let mut hosts = fresh();
    for host in &mut hosts[..2] {
        host.sick.push(unit(0));
    }
    let (_, executed) = apply(&mut hosts, &three(&[]), &set);
    assert!(executed[0].failed.is_some() && executed[1].failed.is_some());
    // Only one of three is healthy: no majority, so the third host's mesos does not start.
    insta::assert_snapshot!(
        executed[2].skipped.as_deref().unwrap(),
        @"it needs zookeeper, which is not healthy on a majority of its 3 hosts"
    );
    assert!(!hosts[2].done.contains(&"start mesos.service".to_owned()));

    // With one sick host of three there is a majority.
    let mut hosts = fresh();
    hosts[0].sick.push(unit(0));
    let (_, executed) = apply(&mut hosts, &three(&[]), &set);
    assert!(executed[0].failed.is_some());
    assert!(executed[1].skipped.is_none() && executed[2].skipped.is_none());
    assert!(hosts[2].done.contains(&"start net-modules.service".to_owned()));
}

#[test]
fn members_of_a_quorum_restart_one_after_another_and_stop_at_the_first_failure() {
    let (mut hosts, set) = settled();
    // Which of them comes first is not decided: whoever does fails.
    hosts.iter_mut().for_each(|host| host.sick.push(unit(0)));
    let (_, executed) = apply(&mut hosts, &three(&[(0, 9)]), &set);
    assert_eq!(executed.iter().filter(|executed| executed.failed.is_some()).count(), 1);
    assert_eq!(executed.iter().filter(|executed| executed.skipped.is_some()).count(), 2);
    let restarted = |host: &&MemoryHost| host.done.contains(&"restart zookeeper.service".to_owned());
    assert_eq!(hosts.iter().filter(restarted).count(), 1);
}

#[test]
fn a_quorum_that_cannot_spare_a_member_is_left_running() {
    let (mut hosts, set) = settled();
    // The third host cannot be reached: it has no plan.
    let desired = three(&[(0, 9)]);
    let (_, executed) = apply(&mut hosts[..2], &desired, &set);
    for executed in &executed {
        let why = executed.skipped.as_deref().unwrap();
        assert!(why.starts_with("1 of the 3 zookeeper hosts cannot be used"), "{why}");
    }
    assert!(hosts.iter().all(|host| !host.done.contains(&"restart zookeeper.service".to_owned())));
}

#[test]
fn a_quorum_that_is_lost_restarts_all_members_at_once() {
    let (mut hosts, set) = settled();
    hosts.iter_mut().for_each(|host| host.deaf = true);
    let desired = three(&[(0, 9)]);
    let facts: Vec<_> = hosts
        .iter_mut()
        .zip(&desired)
        .map(|(host, desired)| host.facts(&FactsQuery::about(desired)).unwrap())
        .collect();
    let plans: Vec<HostPlan> = desired
        .iter()
        .zip(&facts)
        .map(|(desired, facts)| plan(desired, facts, Some(&set)).unwrap())
        .collect();
    let graph = graph(&desired, &plans, Rollout::default());
    let restarts: Vec<_> = graph
        .nodes
        .iter()
        .filter(|node| {
            let of = |step: &usize| plans[node.plan].steps[*step].action.to_string();
            node.steps.iter().any(|step| of(step) == "restart zookeeper.service")
        })
        .collect();
    assert_eq!(restarts.len(), 3);
    assert!(restarts.iter().all(|node| node.window.is_none()), "{restarts:#?}");
}

#[test]
fn a_reset_takes_away_what_runs_installed_and_nothing_else() {
    let (mut hosts, set) = settled();
    let desired = three(&[]);
    let foreign: HostPath = "/etc/foreign".parse().unwrap();
    let data: HostPath = "/var/lib/zookeeper/log".parse().unwrap();
    let file = hosts[0].files[&path(&0)].clone();
    hosts[0].files.insert(foreign.clone(), file.clone());
    hosts[0].files.insert(data.clone(), file);
    let other = hosts[0].packages[PACKAGES[0]].clone();
    hosts[0].packages.insert("foreign".parse().unwrap(), other);
    befall(&mut hosts[1], &Mishap::Edit(1, 1));

    let plans = reset_all(&mut hosts, &desired, &[]);
    let removes: Vec<(String, bool)> = plans[1]
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::RemoveFile { path, backup } => Some((path.to_string(), *backup)),
            _ => None,
        })
        .collect();
    let edited = removes.iter().map(|(_, backup)| *backup).collect::<Vec<bool>>();
    assert_eq!(edited, [false, true, false], "what was changed by hand is kept as a backup");
    assert_eq!(
        hosts[2].done,
        [
            "stop and disable net-modules.service",
            "stop and disable mesos.service",
            "stop and disable zookeeper.service",
            "remove /etc/file-0",
            "remove /etc/file-1",
            "remove /etc/file-2",
            "remove mesos-1-1.x86_64, remove net-modules-1-1.x86_64, remove zookeeper-1-1.x86_64",
            "reload systemd",
            "forget the receipt, the runs and the uploads",
        ]
    );
    assert_eq!(hosts[0].files.keys().collect::<Vec<_>>(), [&foreign, &data]);
    assert_eq!(hosts[0].packages.keys().map(AsRef::as_ref).collect::<Vec<&str>>(), ["foreign"]);
    for host in &hosts {
        assert!(host.receipt.is_none() && host.units.values().all(|unit| unit.active == "inactive"));
    }
    // A second time there is nothing to do, and an installation is a first one again.
    let again = reset_all(&mut hosts, &desired, &[]);
    assert!(again.iter().all(|plan| plan.steps.is_empty()), "{again:?}");
    let (plans, _) = apply(&mut hosts, &desired, &set);
    assert!(plans[2].steps.iter().any(|step| step.action.to_string() == "create /etc/file-0"));

    reset_all(&mut hosts, &desired, &["/var/lib/zookeeper".parse().unwrap()]);
    assert!(!hosts[0].files.contains_key(&data) && hosts[0].files.contains_key(&foreign));
}

#[test]
fn a_reset_ends_on_all_hosts_what_needs_a_service_before_the_service() {
    let (mut hosts, _) = settled();
    let desired = three(&[]);
    let plans: Vec<HostPlan> = hosts
        .iter_mut()
        .zip(&desired)
        .map(|(host, desired)| {
            let facts = host.facts(&FactsQuery::about(desired)).unwrap();
            reset(&desired.host, &facts, &[])
        })
        .collect();
    let graph = teardown(&desired, &plans);
    let stops = |unit: &str| {
        let of =
            |node: usize| plans[graph.nodes[node].plan].steps[graph.nodes[node].steps[0]].action.to_string();
        (0..graph.nodes.len())
            .filter(|node| of(*node) == format!("stop and disable {unit}"))
            .collect::<Vec<_>>()
    };
    for zookeeper in stops("zookeeper.service") {
        let needs = format!("{:?}", graph.nodes[zookeeper].needs);
        for mesos in stops("mesos.service") {
            assert!(needs.contains(&format!("Over({mesos})")), "{needs}");
        }
    }
}

#[test]
fn a_reset_that_was_cut_off_is_finished_by_the_next() {
    let desired = three(&[]);
    for cut in 0..9 {
        let (mut hosts, _) = settled();
        let facts = hosts[0].facts(&FactsQuery::about(&desired[0])).unwrap();
        let plan = reset(&desired[0].host, &facts, &[]);
        let plans = [plan];
        hosts[0].steps_left = Some(cut);
        let receipts = [facts.receipt.unwrap()];
        perform(&teardown(&desired, &plans), &mut hosts[..1], &desired, &packages(&[]), &plans, &receipts);
        hosts[0].steps_left = None;
        reset_all(&mut hosts[..1], &desired, &[]);
        assert!(
            hosts[0].files.is_empty() && hosts[0].packages.is_empty() && hosts[0].receipt.is_none(),
            "{cut}"
        );
    }
}

#[test]
fn a_record_brings_back_the_files_packages_and_units_of_its_run() {
    let (mut hosts, _) = settled();
    let before: Vec<_> = hosts.iter().map(|host| (host.files.clone(), host.packages.clone())).collect();
    let newer = packages(&[(1, 0), (2, 0), (1, 1)]);
    let files = BTreeMap::from([(1, 7), (5, 1)]);
    let changed: Vec<DesiredHost> =
        ["a", "b", "c"].iter().map(|name| desired(name, &files, &[true, true, false])).collect();
    apply(&mut hosts, &changed, &newer);
    assert_ne!(hosts[0].files, before[0].0);

    // Through the text that is kept on the host.
    let records: Vec<Record> = hosts
        .iter()
        .map(|host| {
            let record = as_of(&host.records, "run-0").unwrap();
            let read = Record::from_text(record.to_text().as_bytes()).unwrap();
            assert_eq!(read, *record);
            read
        })
        .collect();
    let earlier: Vec<DesiredHost> = records.iter().map(|record| record.desired.clone()).collect();
    let set = records[0].package_set(None);
    hosts.iter_mut().for_each(|host| host.done.clear());
    let (plans, executed) = apply(&mut hosts, &earlier, &set);
    assert!(executed.iter().all(|executed| executed.failed.is_none() && executed.skipped.is_none()));
    let uploads =
        |plan: &HostPlan| plan.steps.iter().any(|step| matches!(step.action, Action::Upload { .. }));
    assert!(!plans.iter().any(uploads), "the packages are on the host still: {plans:?}");
    for (host, (files, packages)) in hosts.iter().zip(before) {
        assert_eq!((&host.files, &host.packages), (&files, &packages));
        assert!(host.units.values().all(|unit| unit.active == "active"));
        assert!(
            host.done.contains(&"downgrade mesos 2-1 → 1-1".to_owned()) || host.done[0].contains("mesos")
        );
    }
    let (plans, _) = apply(&mut hosts, &earlier, &set);
    assert!(plans.iter().all(|plan| plan.steps.is_empty()), "{plans:?}");
}

#[test]
fn the_record_of_a_run_is_the_last_one_that_is_not_later() {
    let (mut hosts, set) = settled();
    apply(&mut hosts, &three(&[(1, 7)]), &set);
    let records = &hosts[0].records;
    let run = |name| as_of(records, name).map(|record| record.run.as_str());
    assert_eq!(
        (run("run-0"), run("run-1"), run("run-9"), run("run")),
        (Some("run-0"), Some("run-1"), Some("run-1"), None)
    );
}

#[test]
fn a_reset_leaves_what_was_there_as_wanted_before_the_tool_came() {
    let (settled_hosts, set) = settled();
    let desired = three(&[]);
    let mut hosts = fresh();
    let zookeeper = "zookeeper".parse().unwrap();
    hosts[0].files.insert(path(&0), settled_hosts[0].files[&path(&0)].clone());
    hosts[0].packages.insert(zookeeper, settled_hosts[0].packages["zookeeper"].clone());
    apply(&mut hosts, &desired, &set);
    // A second run does not forget it.
    apply(&mut hosts, &three(&[(1, 7)]), &set);
    reset_all(&mut hosts, &desired, &[]);
    assert_eq!(hosts[0].files.keys().collect::<Vec<_>>(), [&path(&0)]);
    assert_eq!(hosts[0].packages.keys().map(AsRef::as_ref).collect::<Vec<&str>>(), ["zookeeper"]);
    assert!(hosts[1].files.is_empty() && hosts[1].packages.is_empty());

    // What the tool has written since is its own.
    apply(&mut hosts, &desired, &set);
    apply(&mut hosts, &three(&[(0, 7)]), &set);
    reset_all(&mut hosts, &desired, &[]);
    assert!(hosts[0].files.is_empty());
}
