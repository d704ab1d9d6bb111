//! The property that the whole tool stands on: executing a plan leaves an empty plan, whatever the host was like.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use calico_mesos_install::desired::{
    DesiredHost, DesiredPackage, HealthCheck, ManagedFile, ManagedUnit, Probe,
};
use calico_mesos_install::event::Events;
use calico_mesos_install::execute::{Executed, Task, execute};
use calico_mesos_install::facts::FactsQuery;
use calico_mesos_install::host::{Cancel, Host, Materials, MemoryFile, MemoryHost};
use calico_mesos_install::inventory::Rollout;
use calico_mesos_install::model::{Digest, HostPath, UnitName};
use calico_mesos_install::plan::{HostPlan, graph, plan, receipt};
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
    };
    let package = |index: &usize| DesiredPackage {
        name: PACKAGES[*index].parse().unwrap(),
        roles: vec![role(*index)],
        provided: false,
    };
    let managed_unit = |index: &usize| ManagedUnit {
        name: unit(*index),
        role: role(*index),
        packages: vec![PACKAGES[*index].parse().unwrap()],
        reads: files.keys().filter(|file| usize::from(**file) % 3 == *index).map(path).collect(),
        needs: if *index > 0 { vec![role(index - 1)] } else { Vec::new() },
        quorum: *index == 0,
        health: vec![HealthCheck { address: [127, 0, 0, 1].into(), port: 1, probe: Probe::Tcp }],
        patience: Duration::from_secs(1),
    };
    let indices: Vec<usize> = (0..PACKAGES.len()).filter(|index| wanted[*index]).collect();
    DesiredHost {
        host: name.parse().unwrap(),
        roles: indices.iter().map(|index| role(*index)).collect(),
        packages: indices.iter().map(package).collect(),
        files: files.iter().map(|(index, content)| (path(index), managed(content))).collect(),
        units: indices.iter().map(managed_unit).collect(),
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
    let tasks: Vec<Task<'_>> = hosts
        .iter_mut()
        .zip(&plans)
        .zip(desired.iter().zip(&receipts))
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
    let executed = execute(&graph, &tasks, 4, &Cancel::default(), &events).unwrap();
    drop(tasks);
    // What `apply` does at its end: a host that was finished gets its final receipt.
    for ((host, desired), executed) in hosts.iter_mut().zip(desired).zip(&executed) {
        if executed.failed.is_none() && executed.skipped.is_none() {
            let facts = host.facts(&FactsQuery::about(desired)).unwrap();
            host.keep(&receipt(desired, &facts, Some(set), "demo")).unwrap();
        }
    }
    (plans, executed)
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
                for unit in &desired.units {
                    prop_assert_eq!(&host.started_with[&unit.name], &host.inputs(unit), "{}", unit.name);
                }
                let running = host.units.values().filter(|unit| unit.active == "active").count();
                prop_assert_eq!(running, desired.units.len());
            }
        }
    }
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
    // The failed restart kept the others from being restarted as well.
    for (plan, host) in plans.iter().zip(&hosts) {
        assert_eq!(plan.steps[0].reason, "a run that ended early did not come to it");
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
    hosts[0].sick.push(unit(0));
    let (_, executed) = apply(&mut hosts, &three(&[(0, 9)]), &set);
    assert!(executed[0].failed.is_some());
    assert!(executed[1].skipped.is_some() && executed[2].skipped.is_some());
    assert!(!hosts[1].done.contains(&"restart zookeeper.service".to_owned()));
    assert!(!hosts[2].done.contains(&"restart zookeeper.service".to_owned()));
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
