//! What the checks before a run conclude from facts: one break a case, on hosts that are otherwise in order.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use calico_mesos_install::checks::{self, ALL, Answers, Input, Subject};
use calico_mesos_install::cluster::Cluster;
use calico_mesos_install::data::Data;
use calico_mesos_install::desired::DesiredHost;
use calico_mesos_install::diagnostic::Source;
use calico_mesos_install::facts::{
    Facts, FactsQuery, FileFacts, Firewall, InstalledPackage, Listener, ModuleState, Network, Offered,
    Process, Reached, Survey, SurveyQuery, UnitFacts,
};
use calico_mesos_install::host::{Host as _, MemoryHost};
use calico_mesos_install::inventory::{Parsed, Surroundings};
use calico_mesos_install::model::Digest;
use calico_mesos_install::plan::{self, HostPlan, PlanError};
use calico_mesos_install::render::{self, Templates};
use calico_mesos_install::repository::PackageSet;
use calico_mesos_install::tls;
use jiff::SignedDuration;
use serde_json::json;

const INVENTORY: &str = r#"
    cluster = { name = "t", release = "lab", containerizers = ["mesos", "docker"] }
    packages = { repo = "dist" }
    hosts = [
        { name = "m1", address = "10.0.0.1", roles = ["master"] },
        { name = "a{1..2}", address = "10.0.0.{11..12}", roles = ["agent"] },
    ]
"#;

/// A cluster of hosts in order, whose facts a test spoils.
struct Bench {
    cluster: Cluster,
    desired: Vec<DesiredHost>,
    facts: BTreeMap<String, Facts>,
    set: PackageSet,
    answers: Answers,
    skip: BTreeSet<&'static str>,
}

impl Bench {
    fn new() -> Self {
        Self::with(INVENTORY)
    }

    fn with(inventory: &str) -> Self {
        let (cluster, mistakes) = common::resolve(inventory, &Data::built_in());
        assert!(mistakes.is_empty(), "{mistakes}");
        Self::of(cluster)
    }

    /// With certificates of the authority in a folder, which is made.
    fn secured(folder: &str) -> Self {
        let text = format!("{INVENTORY}\ntls = {{ mode = \"generate\", dir = \"{folder}\" }}\n");
        let around = Surroundings { folder: "/operator".into(), home: None };
        let inventory = Parsed::new(&Source::new("inventory.toml", &text), &around).inventory;
        let (mut cluster, mistakes) = common::resolve(&text, &Data::built_in());
        assert!(mistakes.is_empty(), "{mistakes}");
        tls::load(&inventory, &mut cluster, tls::Access::Issue, jiff::Timestamp::now()).unwrap();
        Self::of(cluster)
    }

    fn of(cluster: Cluster) -> Self {
        let templates = Templates::load(&Data::built_in(), &cluster.roles).unwrap();
        let desired = render::render(&cluster, &templates).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let facts = desired.iter().zip(1..).map(|(desired, number)| {
            let mut facts = MemoryHost::default().facts(&FactsQuery::about(desired)).unwrap();
            facts.hostname = desired.host.to_string();
            facts.machine_id = format!("{number:032}");
            facts.offset = Some(SignedDuration::ZERO);
            // Nothing runs yet, so nothing answers.
            facts
                .answers
                .iter_mut()
                .for_each(|answer| *answer = calico_mesos_install::facts::Answer::Nothing);
            (desired.host.to_string(), facts)
        });
        let facts = facts.collect();
        Self { set: set(&desired), cluster, desired, facts, answers: Answers::new(), skip: BTreeSet::new() }
    }

    fn facts(&mut self, host: &str) -> &mut Facts {
        self.facts.get_mut(host).unwrap()
    }

    fn plans(&self) -> Vec<Result<HostPlan, PlanError>> {
        let plan = |desired: &DesiredHost| {
            let facts = &self.facts[desired.host.as_str()];
            plan::ours(desired, facts, "t")?;
            plan::plan(desired, facts, Some(&self.set))
        };
        self.desired.iter().map(plan).collect()
    }

    fn input<'a>(&'a self, plans: &'a [Result<HostPlan, PlanError>]) -> Input<'a> {
        let hosts = self.desired.iter().zip(plans).map(|(desired, plan)| Subject {
            host: self.cluster.host(desired.host.as_str()).unwrap(),
            desired,
            facts: &self.facts[desired.host.as_str()],
            plan: plan.as_ref(),
            packages: Some(&self.set),
        });
        Input { cluster: &self.cluster, hosts: hosts.collect() }
    }

    /// What a host is asked about what is around it.
    fn questions(&self, host: &str) -> SurveyQuery {
        checks::questions(&self.input(&self.plans()), self.cluster.host(host).unwrap())
    }

    /// Everything that is found, a line each.
    fn findings(&self) -> String {
        let plans = self.plans();
        let input = self.input(&plans);
        let findings = checks::run(&input, &self.answers, &self.skip);
        let lines = findings.iter().filter(|finding| !finding.ok).map(|finding| {
            let level = format!("{:?}", finding.level.unwrap()).to_lowercase();
            let host = finding.host.as_ref().unwrap();
            format!(
                "{level} {} {host}: {} | {}\n",
                finding.name,
                finding.seen,
                finding.remedy.as_ref().unwrap()
            )
        });
        lines.collect()
    }
}

/// Packages for everything that the hosts want, built together.
fn set(desired: &[DesiredHost]) -> PackageSet {
    let names: BTreeSet<&str> =
        desired.iter().flat_map(|host| &host.packages).map(|package| package.name.as_str()).collect();
    let version = |name: &str| if name == "docker" { "20.10" } else { "0.28.2" };
    let packages: Vec<_> = names
        .iter()
        .map(|name| {
            let programs = match *name {
                "net-modules" => vec!["/usr/lib64/mesos/libmesos_network_isolator.so"],
                "calico-mesos" => vec!["/calico/calico_mesos", "/usr/bin/calicoctl"],
                _ => vec![],
            };
            json!({
                "nevra": format!("{name}-{}-1.x86_64", version(name)), "file": format!("{name}.rpm"), "size": 10 << 20,
                "sha256": Digest::of(name), "header_sha1": *name, "programs": programs,
            })
        })
        .collect();
    let build = |key: &str, needs: serde_json::Value| json!({"version": "0.28.2", "stand_in": true, "key": Digest::of(key), "needs": needs, "rpms": []});
    let manifest = json!({
        "release": "lab", "distro": "any", "arch": "x86_64", "packages": packages,
        "builds": {
            "mesos": build("mesos", json!({})),
            "net-modules": build("net-modules", json!({"mesos": Digest::of("mesos")})),
        },
    });
    PackageSet { manifest: serde_json::from_value(manifest).unwrap(), folder: "/nowhere".into() }
}

fn installed(nevra: &str) -> InstalledPackage {
    InstalledPackage { nevra: nevra.parse().unwrap(), header_sha1: "other".to_owned() }
}

fn listener(port: u16, unit: Option<&str>) -> Listener {
    let process = Process { id: 42, name: "nc".to_owned(), unit: unit.map(str::to_owned) };
    Listener { udp: false, address: "0.0.0.0".to_owned(), port, process: Some(process) }
}

fn some_file() -> FileFacts {
    FileFacts {
        digest: Some(Digest::of("")),
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: "0644".parse().unwrap(),
        kind: "regular file".to_owned(),
        content: None,
    }
}

fn running() -> UnitFacts {
    UnitFacts {
        load: "loaded".to_owned(),
        active: "active".to_owned(),
        sub: "running".to_owned(),
        enabled: "enabled".to_owned(),
        needs_reload: false,
    }
}

#[test]
fn hosts_in_order_give_no_cause() {
    assert_eq!(Bench::new().findings(), "");
}

#[test]
fn the_table_is_fit_for_a_page() {
    let mut names = BTreeSet::new();
    for check in ALL {
        assert!(names.insert(check.name), "{} is there twice", check.name);
        assert!(check.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", check.name);
        assert!(
            !check.about.is_empty() && !check.remedy.is_empty() && !check.about.ends_with('.'),
            "{}",
            check.name
        );
    }
}

#[test]
fn everything_that_breaks_is_found_at_once_and_skipped_by_name() {
    let mut bench = Bench::new();
    bench.facts("a1").hostname = "m1".to_owned();
    let id = bench.facts("m1").machine_id.clone();
    bench.facts("a2").machine_id = id;
    bench.facts("a1").offset = Some(SignedDuration::from_hours(-2));
    bench.facts("m1").around.listeners.push(listener(5050, Some("squatter.service")));
    bench.facts("m1").free.insert("/var".to_owned(), 1 << 20);
    bench.facts("a1").around.flag_files.push("/etc/mesos-slave/isolation~".to_owned());
    bench.facts("a1").around.flag_files.push("/etc/mesos-slave/gc_delay".to_owned());
    bench.facts("a2").around.mesos_for.insert("net-modules".parse().unwrap(), "0.28.1".to_owned());
    bench.facts("a2").memory = 100 << 20;
    insta::assert_snapshot!(bench.findings());
    bench.skip = BTreeSet::from(["clock", "stray-flags", "ports", "hostname", "machine-id", "memory"]);
    insta::assert_snapshot!(bench.findings());
}

#[test]
fn hosts_that_cannot_be_planned_are_told_apart() {
    let mut bench = Bench::new();
    bench.facts("m1").init = "init".to_owned();
    bench.facts("a1").manager = None;
    let folder = FileFacts {
        digest: None,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: "0755".parse().unwrap(),
        kind: "directory".to_owned(),
        content: None,
    };
    bench.facts("a2").files.insert("/etc/mesos/zk".parse().unwrap(), folder);
    insta::assert_snapshot!(bench.findings());
    let mut bench = Bench::new();
    bench.facts("a1").receipt =
        Some(calico_mesos_install::receipt::Receipt::new("other", "a1".parse().unwrap()));
    insta::assert_snapshot!(bench.findings());
}

#[test]
fn a_port_is_only_taken_where_it_is_not_ours() {
    let mut bench = Bench::new();
    // The master itself, not healthy yet.
    bench.facts("m1").around.listeners = vec![listener(5050, Some("mesos-master.service"))];
    // A port of a service that this host does not have.
    bench.facts("a1").around.listeners = vec![listener(5050, Some("other.service"))];
    // Not named, because it began to listen just now: the unit, if that starts.
    let unnamed = Listener { process: None, ..listener(2181, None) };
    bench.facts("m1").around.listeners.push(unnamed);
    let is_said = |bench: &mut Bench| bench.findings().contains("holds port 2181/tcp");
    assert!(is_said(&mut bench));
    let starting = UnitFacts { active: "activating".to_owned(), ..running() };
    bench.facts("m1").units.insert("zookeeper.service".parse().unwrap(), starting);
    assert!(!is_said(&mut bench));
    bench.facts("m1").around.listeners.pop();
    bench.facts("m1").units.clear();
    // UDP does not stand in the way of TCP.
    let mut udp = listener(5051, None);
    udp.udp = true;
    bench.facts("a2").around.listeners = vec![udp];
    assert_eq!(bench.findings(), "");
    bench.facts("a2").around.listeners = vec![listener(5051, Some("session-1.scope"))];
    insta::assert_snapshot!(bench.findings());
}

#[test]
fn docker_and_what_is_provided_must_be_neither_too_old_nor_too_new() {
    for (version, found) in
        [("1.8.3", true), ("1.9.1", false), ("20.10.24", false), ("23.0.1", true), ("25.0", true)]
    {
        let mut bench =
            Bench::with(&INVENTORY.replace("repo = \"dist\"", "repo = \"dist\", provided = [\"docker\"]"));
        bench.facts("a1").around.docker = Some(version.to_owned());
        assert_eq!(bench.findings().contains("cluster-store a1"), found, "{version}: {}", bench.findings());
        bench.facts("a1").around.docker = Some("20.10.24+dfsg1".to_owned());
        assert!(
            bench.findings().contains("fail versions a1: its Docker is 20.10.24+dfsg1"),
            "{}",
            bench.findings()
        );
    }
    let mut bench =
        Bench::with(&INVENTORY.replace("repo = \"dist\"", "repo = \"dist\", provided = [\"mesos\"]"));
    bench.facts("m1").packages.insert("mesos".parse().unwrap(), installed("mesos-0.24.1-1.x86_64"));
    bench.facts("a1").packages.insert("mesos".parse().unwrap(), installed("mesos-1.11.0-1.x86_64"));
    insta::assert_snapshot!(bench.findings());
}

#[test]
fn what_others_installed_is_not_taken_back() {
    let mut bench = Bench::new();
    bench.facts("a1").packages.insert("mesos".parse().unwrap(), installed("mesos-1.11.0-1.x86_64"));
    insta::assert_snapshot!(bench.findings());
    // What an earlier run installed may go back.
    let mut receipt = calico_mesos_install::receipt::Receipt::new("t", "a1".parse().unwrap());
    receipt.packages.insert("mesos".parse().unwrap(), "mesos-1.11.0-1.x86_64".parse().unwrap());
    bench.facts("a1").receipt = Some(receipt);
    assert_eq!(bench.findings(), "");
}

#[test]
fn modules_must_fit_and_be_there() {
    // Assembled from two builds.
    let mut bench = Bench::new();
    bench.set.manifest.builds.get_mut("mesos").unwrap().key = Digest::of("another");
    assert!(bench.findings().contains("module-version a1"), "{}", bench.findings());

    let inventory = INVENTORY
        .replace("hosts = [", "vars = { calico_mesos_command = \"/opt/calico_mesos\" }\n    hosts = [");
    let mut bench = Bench::with(&inventory);
    insta::assert_snapshot!(bench.findings());
    // Where packages do not say what they have it cannot be known.
    bench.set.manifest.packages.iter_mut().for_each(|package| package.programs.clear());
    assert!(bench.findings().starts_with("warn module-files a1"), "{}", bench.findings());
}

#[test]
fn a_quorum_that_runs_must_fit_the_inventory() {
    let three =
        INVENTORY.replace("\"m1\", address = \"10.0.0.1\"", "\"m{1..3}\", address = \"10.0.0.{1..3}\"");
    for (inventory, runs, expected) in [
        (INVENTORY, 1, ""),
        (INVENTORY, 2, "fail quorum m1"),
        (three.as_str(), 1, "warn quorum m1"),
        (three.as_str(), 2, ""),
        (three.as_str(), 3, "fail quorum m1"),
    ] {
        let mut bench = Bench::with(inventory);
        bench.facts("m1").around.quorum = Some(runs);
        let findings = bench.findings();
        assert_eq!(findings.is_empty(), expected.is_empty(), "{runs}: {findings}");
        assert!(findings.starts_with(expected), "{runs}: {findings}");
    }
}

#[test]
fn the_network_of_the_host_is_looked_at() {
    let mut bench = Bench::new();
    let network = |interface: &str, address: &str| Network {
        interface: interface.to_owned(),
        address: address.parse().unwrap(),
    };
    // Calico's own interfaces have addresses of the pool.
    bench.facts("a1").around.networks =
        vec![network("tunl0", "192.168.3.1/32"), network("eth0", "10.0.0.11/24")];
    bench.facts("a2").around.networks = vec![network("eth1", "192.168.7.2/24")];
    bench.facts("a1").units.insert("NetworkManager.service".parse().unwrap(), running());
    bench.facts("a2").units.insert("NetworkManager.service".parse().unwrap(), running());
    // Elsewhere the run itself writes what NetworkManager needs to be told.
    bench.facts("m1").units.insert("NetworkManager.service".parse().unwrap(), running());
    let a1 = bench.desired.iter_mut().find(|desired| desired.host.as_str() == "a1").unwrap();
    a1.files.retain(|path, _| !path.as_str().starts_with("/etc/NetworkManager/"));
    bench.facts("a2").around.unmanaged =
        vec!["unmanaged-devices=interface-name:cali*;interface-name:tunl*".to_owned()];
    bench.facts("a2").around.modules = BTreeMap::from([
        ("xt_set".to_owned(), ModuleState::Missing),
        ("ipip".to_owned(), ModuleState::Missing),
        ("ip_set".to_owned(), ModuleState::Unknown),
    ]);
    bench.facts("a1").around.selinux = Some(true);
    bench.facts("a1").system.unknown_types = ["svirt_sandbox_file_t".to_owned()].into();
    bench.facts("a2").around.selinux = Some(true);
    bench.facts("m1").units.insert("firewalld.service".parse().unwrap(), running());
    bench.facts("a2").units.insert("firewalld.service".parse().unwrap(), running());
    bench.facts("a2").system.firewall = Some(Firewall::default());
    insta::assert_snapshot!(bench.findings());
}

#[test]
fn a_running_quorum_is_not_switched_to_tls_or_from_it_member_by_member() {
    let inventory = INVENTORY.replace(
        r#"{ name = "m1", address = "10.0.0.1", roles = ["master"] },"#,
        r#"{ name = "m{1..3}", address = "10.0.0.{1..3}", roles = ["master"] },"#,
    );
    let with_tls = |bench: &mut Bench, unit: &str| {
        bench.facts("m1").files.insert("/etc/etcd/tls/ca.pem".parse().unwrap(), some_file());
        bench.facts("m1").units.insert(unit.parse().unwrap(), running());
    };
    let mut bench = Bench::with(&inventory);
    with_tls(&mut bench, "etcd.service");
    insta::assert_snapshot!(bench.findings(), @"fail peer-tls m1: etcd.service runs with TLS between its members and is to run without it; both kinds at once cannot form a quorum | Stop it on all of its hosts first (`systemctl stop etcd.service`), as docs/security.md says; a run starts them as a whole.");
    let mut stopped = Bench::with(&inventory);
    with_tls(&mut stopped, "other.service");
    assert_eq!(stopped.findings(), "", "a quorum that is stopped starts as a whole");
    let mut single = Bench::new();
    with_tls(&mut single, "etcd.service");
    assert_eq!(single.findings(), "", "one member has no peers");
}

#[test]
fn a_new_authority_is_not_put_beside_the_one_that_services_trust() {
    let folder = tempfile::tempdir().unwrap();
    let authority = |name: &str| Bench::secured(folder.path().join(name).to_str().unwrap());
    let ca = |bench: &Bench| bench.cluster.hosts[0].credentials.as_ref().unwrap().ca.clone();
    let etcd = "/etc/etcd/tls/ca.pem";
    let (old, mut new) = (ca(&authority("old")), authority("new"));
    let there = FileFacts { content: Some(old.pem.clone().into_bytes()), ..some_file() };
    new.facts("m1").files.insert(etcd.parse().unwrap(), there.clone());
    let found = new.findings().replace(&ca(&new).note, "THE NEW ONE");
    assert!(found.starts_with(&format!(
        "fail tls-authority m1: {etcd} holds another authority than the run would bring: THE NEW ONE | Put the authority's folder"
    )), "{found}");
    new.skip.insert("tls-authority");
    assert_eq!(new.findings(), "");
    let mut same = authority("old");
    same.facts("m1").files.insert(etcd.parse().unwrap(), there);
    assert_eq!(same.findings(), "");
}

#[test]
fn what_the_hosts_repositories_are_to_bring_must_be_there() {
    let inventory = INVENTORY.replace(r#"repo = "dist""#, r#"repo = "dist", provided = ["docker"]"#);
    let mut bench = Bench::with(&inventory);
    for (name, offered) in [
        ("a1", Offered::No),
        ("a2", Offered::Unknown("Error: Failed to download metadata for repo 'site'".to_owned())),
    ] {
        let query = bench.questions(name);
        assert_eq!(query.packages.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["docker"]);
        let survey = Survey {
            names: BTreeMap::new(),
            ports: query.ports.iter().map(|_| Reached::Answered).collect(),
            packages: query.packages.iter().map(|name| (name.clone(), offered.clone())).collect(),
        };
        bench.answers.insert(name.parse().unwrap(), (query, survey));
    }
    assert!(bench.questions("m1").packages.is_empty(), "a master needs no Docker");
    let remedy = "Install docker there, give the host a repository that has it, or take it out of `[packages] provided`.";
    let expected = format!(
        "fail provided a1: `[packages] provided` names docker: it is not installed, and no repository of the host has it | {remedy}\n\
         warn provided a2: whether its repositories have docker could not be asked: Error: Failed to download metadata for repo 'site' | {remedy}\n"
    );
    assert_eq!(bench.findings(), expected);
}

#[test]
fn an_agent_whose_tasks_would_have_no_routes_is_told_of() {
    let with_mesos_alone = INVENTORY.replace(r#"["mesos", "docker"]"#, r#"["mesos"]"#);
    let found = Bench::with(&with_mesos_alone).findings();
    let told = found.lines().filter_map(|line| line.split_once(": it has calico-mesos and no calico-node"));
    let told: Vec<&str> = told.map(|(which, _)| which).collect();
    assert_eq!(told, ["warn task-routes a1", "warn task-routes a2"], "{found}");
    let by_hand = with_mesos_alone.replace(r#"["agent"]"#, r#"["agent", "calico-node", "docker"]"#);
    assert_eq!(Bench::with(&by_hand).findings(), "");
}

#[test]
fn hosts_ask_those_that_they_need_and_a_refusal_is_an_answer() {
    let mut bench = Bench::new();
    let of = |name: &str| bench.questions(name);
    let ports: Vec<String> =
        of("a1").ports.iter().map(|(address, port)| format!("{address}:{port}")).collect();
    insta::assert_snapshot!(ports.join(" "));
    let of_master: Vec<String> =
        of("m1").ports.iter().map(|(address, port)| format!("{address}:{port}")).collect();
    assert_eq!(
        of_master,
        ["10.0.0.11:5051", "10.0.0.12:5051"],
        "a single master calls its agents and needs nobody"
    );
    let query = of("a1");
    let mut survey = Survey {
        names: BTreeMap::from([
            ("m1".parse().unwrap(), Some(vec![[127, 0, 1, 1].into()])),
            ("a2".parse().unwrap(), Some(Vec::new())),
        ]),
        ports: query.ports.iter().map(|_| Reached::Answered).collect(),
        packages: BTreeMap::new(),
    };
    survey.ports[0] = Reached::Not("no route to host".to_owned());
    survey.ports[1] = Reached::Unknown("neither bash nor nc is there".to_owned());
    bench.answers.insert("a1".parse().unwrap(), (query, survey));
    insta::assert_snapshot!(bench.findings());
    // What the run opens itself is no reason to refuse it.
    bench.facts("m1").system.firewall = Some(Firewall::default());
    assert!(!bench.findings().contains("no route"), "{}", bench.findings());
    bench.facts("m1").system.firewall = None;
    assert!(bench.findings().contains("fail reachability a1"), "{}", bench.findings());
    // Nobody knows whether a host that did not answer us is to blame.
    bench.desired.retain(|host| host.host.as_str() != "m1");
    assert!(!bench.findings().contains("no route"), "{}", bench.findings());
}

#[test]
fn the_document_has_a_line_for_every_check() {
    let document = include_str!("../../docs/reference/checks.md");
    for check in ALL {
        let line = format!("| `{}` | {} | ", check.name, check.about);
        assert!(document.contains(&line), "docs/reference/checks.md lacks {line}");
    }
}
