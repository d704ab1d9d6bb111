//! What is rendered for each kind of host and each choice of containerizers, and that it is always the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod common;

use std::fmt::Write as _;
use std::sync::Arc;

use calico_mesos_install::cluster::{Certificate, Credentials};
use calico_mesos_install::data::Data;
use calico_mesos_install::desired::{DesiredHost, Probe};
use calico_mesos_install::model::HostPath;
use calico_mesos_install::render::{self, Templates};
use proptest::prelude::*;
use similar::TextDiff;

fn inventory(containerizers: &str, more: &str) -> String {
    format!(
        r#"
[cluster]
name = "demo"
release = "lab"
containerizers = {containerizers}

[packages]
provided = ["docker"]

[[hosts]]
name = "master-{{1..2}}"
address = "10.0.0.{{1..2}}"
roles = ["master"]

[[hosts]]
name = "both"
address = "10.0.0.3"
roles = ["agent", "master"]

[[hosts]]
name = "agent-1"
address = "10.0.0.4"
roles = ["agent"]
attributes = {{ rack = "a", weight = 3 }}

[vars]
{more}
"#
    )
}

fn hosts(containerizers: &str, more: &str) -> Vec<DesiredHost> {
    common::rendered(&inventory(containerizers, more), &Data::built_in())
        .unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn host<'a>(hosts: &'a [DesiredHost], name: &str) -> &'a DesiredHost {
    hosts.iter().find(|host| host.host.as_str() == name).unwrap()
}

#[test]
fn a_host_with_marathon_lb() {
    let balancer = "[[hosts]]\nname = \"lb-1\"\naddress = \"10.0.0.5\"\nroles = [\"marathon-lb\"]\n";
    let text = inventory(
        "[\"mesos\"]",
        "marathon_lb_groups = [\"external\", \"internal\"]\nmarathon_lb_options = [\"--haproxy-map\"]",
    );
    let hosts = common::rendered(&text.replace("[vars]", &format!("{balancer}\n[vars]")), &Data::built_in());
    let hosts = hosts.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let system: Vec<String> = host(&hosts, "lb-1").system.iter().map(ToString::to_string).collect();
    assert_eq!(
        system,
        [
            "port 9090/tcp",
            "port 80/tcp",
            "port 443/tcp",
            "port 20001-29999/tcp",
            "label svirt_sandbox_file_t of /etc/calico"
        ]
    );
    insta::assert_snapshot!(shown(host(&hosts, "lb-1")));
}

fn shown(host: &DesiredHost) -> String {
    let mut text = String::new();
    let names = |names: Vec<String>| names.join(" ");
    writeln!(text, "host {}", host.host).unwrap();
    writeln!(text, "roles {}", names(host.roles.iter().map(ToString::to_string).collect())).unwrap();
    for package in &host.packages {
        let provided = if package.provided { " (provided)" } else { "" };
        let roles = names(package.roles.iter().map(ToString::to_string).collect());
        writeln!(text, "package {}{provided} for {roles}", package.name).unwrap();
    }
    for unit in &host.units {
        writeln!(
            text,
            "unit {} of {}, quorum {}, patience {:?}",
            unit.name, unit.role, unit.quorum, unit.patience
        )
        .unwrap();
        writeln!(text, "  packages {}", names(unit.packages.iter().map(ToString::to_string).collect()))
            .unwrap();
        writeln!(text, "  needs {}", names(unit.needs.iter().map(ToString::to_string).collect())).unwrap();
        for path in &unit.reads {
            writeln!(text, "  reads {path}").unwrap();
        }
        for health in &unit.health {
            writeln!(text, "  health {}:{} {:?}", health.address, health.port, health.probe).unwrap();
        }
    }
    for (path, file) in &host.files {
        let roles = names(file.roles.iter().map(ToString::to_string).collect());
        writeln!(text, "file {path} {}:{} {} for {roles}", file.owner, file.group, file.mode).unwrap();
        for line in file.content.lines() {
            writeln!(text, "  | {line}").unwrap();
        }
    }
    text
}

#[test]
fn a_master() {
    insta::assert_snapshot!(shown(host(&hosts(r#"["mesos"]"#, ""), "master-2")));
}

#[test]
fn an_agent_with_the_mesos_containerizer() {
    insta::assert_snapshot!(shown(host(&hosts(r#"["mesos"]"#, ""), "agent-1")));
}

#[test]
fn an_agent_with_the_docker_containerizer() {
    insta::assert_snapshot!(shown(host(&hosts(r#"["docker"]"#, ""), "agent-1")));
}

#[test]
fn an_agent_with_both_containerizers_and_docker_images() {
    let more = "mesos_agent_docker_images = true\nmesos_agent_resources = { cpus = 4, mem = 2048 }\nmesos_agent_flags = { gc_delay = \"2days\" }\ndocker_options = [\"--storage-driver=vfs\"]";
    insta::assert_snapshot!(shown(host(&hosts(r#"["docker", "mesos"]"#, more), "agent-1")));
}

#[test]
fn a_host_that_is_master_and_agent() {
    insta::assert_snapshot!(shown(host(&hosts(r#"["mesos", "docker"]"#, ""), "both")));
}

#[test]
fn one_changed_variable_changes_the_files_that_name_it_and_no_others() {
    let (before, after) =
        (hosts(r#"["mesos"]"#, ""), hosts(r#"["mesos"]"#, "mesos_log_dir = \"/var/log/m\""));
    for (before, after) in before.iter().zip(&after) {
        let changed: Vec<&str> = after
            .files
            .iter()
            .filter(|(path, file)| before.files.get(*path) != Some(*file))
            .map(|(path, _)| path.as_str())
            .collect();
        assert_eq!(changed, ["/etc/default/mesos"], "{}", after.host);
    }
}

#[test]
fn a_new_agent_changes_no_other_host() {
    let before = inventory(r#"["mesos", "docker"]"#, "");
    let after = before.replace("[[hosts]]\nname = \"both\"", "[[hosts]]\nname = \"agent-0\"\naddress = \"10.0.0.9\"\nroles = [\"agent\"]\n\n[[hosts]]\nname = \"both\"");
    let (before, after) =
        (common::rendered(&before, &Data::built_in()), common::rendered(&after, &Data::built_in()));
    let (mut before, mut after) = (before.unwrap(), after.unwrap());
    after.retain(|host| host.host.as_str() != "agent-0");
    // Which host sets what is everybody's is the order of the inventory's affair, and changes nothing on any.
    for unit in before.iter_mut().chain(&mut after).flat_map(|host| &mut host.units) {
        unit.settings.clear();
    }
    // Its name is told to all others, by lines that no service reads when it starts.
    for (before, after) in before.iter().zip(&mut after) {
        let blocks: Vec<&str> = after.blocks.keys().map(HostPath::as_str).collect();
        assert_eq!(blocks, ["/etc/hosts"]);
        assert_ne!(before.blocks, after.blocks);
        assert!(after.units.iter().all(|unit| unit.reads.iter().all(|path| path.as_str() != "/etc/hosts")));
        after.blocks.clone_from(&before.blocks);
    }
    assert_eq!(before, after);
    let with_dns = |text: &str| {
        common::rendered(&format!("{text}name_resolution = \"dns\"\n"), &Data::built_in()).unwrap()
    };
    let before = with_dns(&inventory(r#"["mesos"]"#, ""));
    assert!(before.iter().all(|host| host.blocks.is_empty()), "and not even that where there is DNS");
}

/// Rendered with credentials that are texts only: what they are is no affair of rendering.
fn secured(masters: usize, more: &str) -> Vec<DesiredHost> {
    let text = inventory(r#"["mesos", "docker"]"#, more)
        .replace("[packages]", "[tls]\nmode = \"generate\"\n[packages]");
    let text = if masters == 1 {
        text.replace("{1..2}", "1").replace("\"agent\", \"master\"", "\"agent\"")
    } else {
        text
    };
    let (mut cluster, mistakes) = common::resolve(&text, &Data::built_in());
    assert!(mistakes.is_empty(), "{mistakes}");
    let certificate =
        |what: &str| Certificate { pem: format!("{what}\n"), note: format!("{what}, valid for ever") };
    for host in &mut cluster.hosts {
        host.credentials = Some(Credentials {
            ca: certificate("THE AUTHORITY"),
            certificate: certificate(&format!("CERTIFICATE of {}", host.name)),
            key: Arc::new(format!("KEY of {}\n", host.name).into()),
        });
    }
    let templates = Templates::load(&Data::built_in(), &cluster.roles).unwrap();
    render::render(&cluster, &templates).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[test]
fn a_host_that_is_master_and_agent_with_tls() {
    let (with, without) = (secured(3, ""), hosts(r#"["mesos", "docker"]"#, ""));
    let (with, without) = (shown(host(&with, "both")), shown(host(&without, "both")));
    insta::assert_snapshot!(
        TextDiff::from_lines(&without, &with).unified_diff().context_radius(0).to_string()
    );
}

#[test]
fn keys_are_in_secrets_only_and_people_are_told_of_certificates() {
    for host in secured(3, "") {
        let mut readers = Vec::new();
        for (path, file) in &host.files {
            assert_eq!(file.secret, file.content.contains("KEY of"), "{path}");
            assert_eq!(file.note.is_some(), path.as_str().ends_with(".pem"), "{path}");
            if file.secret {
                assert_eq!(file.mode.to_string(), "0600", "{path}");
                readers.push(path.as_str());
            }
        }
        let agent = host.roles.iter().any(|role| role.as_str() == "agent");
        assert_eq!(readers.contains(&"/etc/calico/tls/key.pem"), agent);
    }
}

#[test]
fn what_has_no_peers_has_no_keys_for_them_and_mesos_can_be_left_out() {
    let hosts = secured(1, "mesos_tls = false");
    for host in &hosts {
        for path in host.files.keys() {
            assert!(!path.as_str().starts_with("/etc/mesos/tls"), "{path}");
            assert!(!path.as_str().starts_with("/etc/zookeeper/tls"), "{path}");
        }
        for health in host.units.iter().flat_map(|unit| &unit.health) {
            let secure = matches!(health.probe, Probe::Https { .. });
            assert_eq!(secure, health.port == 2379, "{health:?}");
        }
    }
    let files = &host(&hosts, "master-1").files;
    let environment =
        &files.iter().find(|(path, _)| path.as_str() == "/etc/default/mesos").unwrap().1.content;
    assert!(!environment.contains("SSL_"), "{environment}");
}

#[test]
fn services_of_their_own_hosts() {
    let text = r#"
[cluster]
name = "demo"
release = "lab"
containerizers = ["mesos"]

[[hosts]]
name = "zk"
address = "10.0.0.1"
roles = ["zookeeper"]

[[hosts]]
name = "etcd-{1..3}"
address = "10.0.0.{11..13}"
roles = ["etcd"]

[[hosts]]
name = "m-{1..3}"
address = "10.0.0.{21..23}"
roles = ["mesos-master"]

[[hosts]]
name = "a-{1..3}"
address = "10.0.0.{31..33}"
roles = ["agent"]
"#;
    let hosts = common::rendered(text, &Data::built_in()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let content = |name: &str, path: &str| {
        host(&hosts, name)
            .files
            .iter()
            .find(|(known, _)| known.as_str() == path)
            .unwrap()
            .1
            .content
            .to_string()
    };
    assert_eq!(content("m-2", "/etc/mesos/zk"), "zk://10.0.0.1:2181/mesos\n");
    assert_eq!(content("m-2", "/etc/mesos-master/quorum"), "2\n");
    assert_eq!(content("zk", "/var/lib/zookeeper/myid"), "1\n");
    assert!(!content("zk", "/etc/zookeeper/zoo.cfg").contains("server."), "one server is not an ensemble");
    assert!(content("etcd-2", "/etc/etcd/etcd.conf").contains(
        "ETCD_INITIAL_CLUSTER=etcd-1=http://10.0.0.11:2380,etcd-2=http://10.0.0.12:2380,etcd-3=http://10.0.0.13:2380\n"
    ));
    let authority = content("a-1", "/etc/default/mesos-slave");
    assert!(authority.contains("ETCD_AUTHORITY=10.0.0.1") && !authority.contains("10.0.0.1:"), "{authority}");
}

#[test]
fn rendering_twice_gives_the_same() {
    let more = "mesos_agent_flags = { a = 1, b = 2, c = 3, d = 4, e = 5, f = 6 }";
    assert_eq!(hosts(r#"["mesos", "docker"]"#, more), hosts(r#"["mesos", "docker"]"#, more));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever is written for a variable, JSON stays JSON and says exactly that.
    #[test]
    fn json_is_json(name in r#"[ -~äß]{1,20}"#) {
        let path = format!("/opt/{}", name.replace('/', "_"));
        prop_assume!(![".", ".."].contains(&&path[5..]));
        let quoted = toml::Value::from(path.clone());
        let hosts = hosts(r#"["mesos"]"#, &format!("net_modules_library = {quoted}\ncalico_mesos_command = {quoted}"));
        let mut seen = 0;
        for (known, file) in hosts.iter().flat_map(|host| &host.files) {
            if known.as_str().ends_with(".json") {
                let json: serde_json::Value = serde_json::from_str(&file.content).unwrap();
                if !known.as_str().ends_with("/modules.json") {
                    continue;
                }
                prop_assert_eq!(json["libraries"][0]["file"].as_str(), Some(path.as_str()));
                seen += 1;
            }
        }
        prop_assert_eq!(seen, 2);
    }
}
