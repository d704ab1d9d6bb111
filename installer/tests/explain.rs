//! `explain` is the plan: bash, following the page, writes the files that are desired and does what the plan does, in
//! its order.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use calico_mesos_install::data::Data;
use calico_mesos_install::desired::DesiredHost;
use calico_mesos_install::explain::Explanation;
use calico_mesos_install::facts::Facts;
use calico_mesos_install::inventory::Rollout;
use calico_mesos_install::model::Digest;
use calico_mesos_install::plan::{Action, Graph, HostPlan, graph, plan};
use calico_mesos_install::repository::PackageSet;

const INVENTORY: &str = r#"
[cluster]
name = "demo"
release = "lab"
containerizers = ["mesos", "docker"]

[[hosts]]
name = "master-{1..3}"
address = "10.0.0.{1..3}"
roles = ["master"]

[[hosts]]
name = "agent-1"
address = "10.0.0.4"
roles = ["agent"]
attributes = { rack = "it's \"a\"" }
"#;

/// A repository with every package that one of the hosts wants.
fn packages(desired: &[DesiredHost]) -> PackageSet {
    let package = |name: &str| {
        serde_json::json!({
            "nevra": format!("{name}-1-1.x86_64"),
            "file": format!("{name}.rpm"),
            "size": 1000,
            "sha256": Digest::of(name),
            "header_sha1": "0",
        })
    };
    let names: BTreeSet<&str> =
        desired.iter().flat_map(|host| &host.packages).map(|package| package.name.as_str()).collect();
    let packages: Vec<_> = names.into_iter().map(package).collect();
    let manifest =
        serde_json::json!({"release": "lab", "distro": "any", "arch": "x86_64", "packages": packages});
    PackageSet { manifest: serde_json::from_value(manifest).unwrap(), folder: "/srv/re po".into() }
}

fn planned(desired: &[DesiredHost], set: &PackageSet) -> (Vec<HostPlan>, Graph) {
    let bare = Facts::of_bare_host();
    let plans: Vec<HostPlan> = desired.iter().map(|host| plan(host, &bare, Some(set)).unwrap()).collect();
    let graph = graph(desired, &plans, Rollout::default());
    (plans, graph)
}

fn page(desired: &[DesiredHost], host: usize) -> String {
    let set = packages(desired);
    let (plans, graph) = planned(desired, &set);
    let explanation =
        Explanation { cluster: "demo", desired, plans: &plans, graph: &graph, packages: Some(&set) };
    explanation.of(&desired[host].host)
}

/// Programs that only say what they were called for; `install` writes below `$ROOT`.
const PROGRAMS: &str = r#"
say() { echo "$*" >&9; }
dnf() { shift 2; say "packages $*"; }
rpm() { :; }
sleep() { exit 9; }
ssh() { :; }
scp() { say "upload $1"; }
sha256sum() { cat >/dev/null; }
modprobe() { say "set module $1"; }
sysctl() { say "set sysctl ${2%%=*} = ${2#*=}"; }
curl() { echo '{"health":"true"} "slave/registered":1'; }
systemctl() { case $1 in is-active) wait=$3 ;; daemon-reload) say "reload" ;; *) say "$1 $2" ;; esac; }
install() { [ "$1" = -D ] && mkdir -p "$ROOT$(dirname "$9")" && cat >"$ROOT$9" && say "write $9 $3 $5 $7"; }
"#;

/// What bash did, line by line, when it followed the page.
fn follow(page: &str, root: &std::path::Path) -> Vec<String> {
    let mut script = PROGRAMS.to_owned();
    for block in page.split("```sh\n").skip(1) {
        let block = block.split("\n```").next().unwrap();
        // Whether a service answers is not for this test; that it is waited for, and when, is.
        if block.starts_with("sh -s -- <<'SETTING'") {
            script.push_str("say set\n");
            continue;
        }
        match block.strip_prefix("until systemctl is-active --quiet ") {
            Some(unit) => script.push_str(&format!("say wait {}\n", unit.split([' ', '\n']).next().unwrap())),
            None => script.push_str(&format!("{block}\n")),
        }
    }
    let mut bash = Command::new("bash")
        .args(["-eu", "-c", "exec 9>&1 >&2; source /dev/stdin"])
        .env("ROOT", root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = bash.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
}

fn wanted(action: &Action) -> String {
    let cached = |digest: &Digest| format!("/var/cache/calico-mesos-install/{digest}.rpm");
    match action {
        Action::Upload { package, .. } => format!("upload /srv/re po/{}.rpm", package.name),
        Action::Packages { changes } => {
            let files: Vec<String> =
                changes.iter().map(|change| cached(&Digest::of(change.name().as_str()))).collect();
            format!("packages {}", files.join(" "))
        }
        Action::WriteFile { path, owner, group, mode, .. } => format!("write {path} {owner} {group} {mode}"),
        Action::WriteBlock { path, .. } => format!("write {path} root root 0644"),
        Action::SetSystem { setting } => format!("set {setting}"),
        Action::ReloadSystemd => "reload".to_owned(),
        Action::Set { .. } => "set".to_owned(),
        Action::Enable { unit } => format!("enable {unit}"),
        Action::Start { unit } => format!("start {unit}"),
        Action::AwaitHealthy { unit } => format!("wait {unit}"),
        other => panic!("not on a bare host: {other}"),
    }
}

#[test]
fn who_follows_the_page_does_what_the_plan_does() {
    let desired = common::rendered(INVENTORY, &Data::built_in()).unwrap();
    let (plans, graph) = planned(&desired, &packages(&desired));
    for (index, host) in desired.iter().enumerate() {
        let root = tempfile::tempdir().unwrap();
        let did = follow(&page(&desired, index), root.path());
        let nodes = graph.nodes.iter().filter(|node| node.plan == index);
        let steps: Vec<usize> = nodes.flat_map(|node| node.steps.iter().copied()).collect();
        assert_eq!(steps.len(), plans[index].steps.len(), "the graph has every step once");
        let plan: Vec<String> = steps.iter().map(|step| wanted(&plans[index].steps[*step].action)).collect();
        assert_eq!(did, plan, "{}", host.host);
        for (path, block) in &host.blocks {
            let written = fs_err::read_to_string(root.path().join(path.relative())).unwrap();
            let before = fs_err::read_to_string(path.as_str()).unwrap();
            let ours = format!("# BEGIN calico-mesos-install\n{}# END calico-mesos-install\n", block.content);
            assert_eq!(written, ours + &before, "{path}");
        }
        for (path, file) in host.files.iter().filter(|(_, file)| file.only_with.is_none()) {
            let written = fs_err::read_to_string(root.path().join(path.relative())).unwrap();
            assert_eq!(written, *file.content, "{path}");
        }
    }
}

#[test]
fn a_secret_is_not_on_the_page() {
    let mut desired = common::rendered(INVENTORY, &Data::built_in()).unwrap();
    let path = "/etc/zookeeper/zoo.cfg".parse().unwrap();
    let file = desired[0].files.get_mut(&path).unwrap();
    file.secret = true;
    file.content = "hunter2\n".into();
    let page = page(&desired, 0);
    assert!(!page.contains("hunter2"));
    assert!(page.contains("chmod 0644 /etc/zookeeper/zoo.cfg"), "{page}");
}

#[test]
fn others_are_waited_for_where_the_graph_does() {
    let desired = common::rendered(INVENTORY, &Data::built_in()).unwrap();
    let page = page(&desired, 0);
    // Without their numbers: what else a master has is not what this is about.
    let headings: Vec<&str> = page
        .lines()
        .filter_map(|line| Some(line.strip_prefix("## ")?.split_once(". ")?.1))
        .filter(|heading| heading.contains("ait"))
        .collect();
    let ours = headings.iter().position(|heading| heading.contains("mesos-master")).unwrap();
    insta::assert_snapshot!(headings[..=ours].join("\n"), @"
    Wait for the others of the ensemble
    Wait until `zookeeper.service` is healthy
    Wait for the others of the ensemble
    Wait until `etcd.service` is healthy
    Wait for `zookeeper`
    Wait for the others of the ensemble
    Wait until `mesos-master.service` is healthy
    ");
    assert!(page.contains("healthy on 2 of 3 hosts: master-1, master-2, master-3"));
}
