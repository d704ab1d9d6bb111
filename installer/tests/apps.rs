//! The sample applications: what is rendered for each containerizer and Marathon, and that the probe does its work.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod common;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Output};

use calico_mesos_install::apps::{AppDefinition, Catalogue, MarathonVersion, Samples, probe_command};
use calico_mesos_install::cluster::Cluster;
use calico_mesos_install::data::Data;

const TOOL: &str = env!("CARGO_BIN_EXE_calico-mesos-install");

fn inventory(containerizers: &str) -> String {
    format!(
        r#"
cluster = {{ name = "My Cluster", release = "lab", containerizers = {containerizers} }}
packages = {{ repo = "dist", provided = ["docker"] }}
hosts = [
    {{ name = "master-1", address = "10.0.0.1", roles = ["master"] }},
    {{ name = "agent-{{1..2}}", address = "10.0.0.{{2..3}}", roles = ["agent"] }},
]
"#
    )
}

fn cluster(containerizers: &str) -> Cluster {
    let (cluster, mistakes) = common::resolve(&inventory(containerizers), &Data::built_in());
    assert!(mistakes.is_empty(), "{mistakes}");
    cluster
}

/// Every sample that the cluster can run, and why it cannot run the others.
fn shown(containerizers: &str, version: MarathonVersion) -> String {
    let catalogue = Catalogue::load(&Data::built_in()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let cluster = cluster(containerizers);
    let samples = Samples::new(&catalogue, &cluster, version);
    let probe = samples_probe();
    let mut text = String::new();
    for sample in catalogue.pick(&[], &cluster.containerizers).unwrap() {
        writeln!(text, "== {}: {}", sample.name, sample.description).unwrap();
        if let Some(obstacle) = samples.obstacle(sample) {
            writeln!(text, "{obstacle}").unwrap();
            continue;
        }
        let rendered = samples.render(sample).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        for app in &rendered.apps {
            writeln!(text, "{}", app.to_line().replace(&probe, "\"PROBE\"")).unwrap();
        }
        text.push_str(rendered.policy.as_deref().unwrap_or_default());
    }
    text
}

fn program() -> String {
    Data::built_in().text("templates/apps/probe.py").unwrap().text().to_owned()
}

/// The probe's command as it stands in a definition.
fn samples_probe() -> String {
    serde_json::to_string(&probe_command(&program())).unwrap()
}

#[test]
fn samples_for_the_mesos_containerizer() {
    insta::assert_snapshot!("mesos-1.1", shown(r#"["mesos"]"#, MarathonVersion::new(1, 1)));
    insta::assert_snapshot!("mesos-1.4", shown(r#"["mesos"]"#, MarathonVersion::new(1, 4)));
    insta::assert_snapshot!("mesos-1.5", shown(r#"["mesos"]"#, MarathonVersion::new(1, 5)));
}

#[test]
fn samples_for_the_docker_containerizer() {
    insta::assert_snapshot!("docker-1.1", shown(r#"["docker"]"#, MarathonVersion::new(1, 1)));
    insta::assert_snapshot!("docker-1.2", shown(r#"["docker"]"#, MarathonVersion::new(1, 2)));
    insta::assert_snapshot!("docker-1.5", shown(r#"["docker"]"#, MarathonVersion::new(1, 5)));
}

/// Whatever a sample's policy opens is a port on which something of it listens: probes on 9000, the UI on 9001.
#[test]
fn the_stars_open_the_ports_on_which_they_listen() {
    let text = shown(r#"["docker"]"#, MarathonVersion::new(1, 1));
    let rules: Vec<&str> =
        text.lines().filter(|line| line.starts_with("calicoctl profile") && !line.contains("web")).collect();
    assert_eq!(rules.len(), 6);
    for rule in rules {
        let ui = rule.contains("profile management-ui ");
        assert!(rule.ends_with(if ui { "ports 9001" } else { "ports 9000" }), "{rule}");
    }
}

struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The probe's command, run by the shell as an executor runs it, tells whom it reaches and whom not.
#[test]
fn a_probe_tells_whom_it_reaches() {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (open, closed, own) = (free(), free(), free());
    let port = |listener: &std::net::TcpListener| listener.local_addr().unwrap().port();
    let (reached, lost, own_port) = (port(&open), port(&closed), port(&own));
    drop((closed, own));
    let mut command = Command::new("sh");
    command
        .args(["-c", &probe_command(&program())])
        .env("STAR_NAME", "a")
        .env("STAR_PORT", own_port.to_string());
    let _probe = Ends(command.spawn().unwrap());
    let ask = || {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", own_port)).ok()?;
        let peers = format!("127.0.0.1:{reached},127.0.0.1:{lost}");
        write!(stream, "GET /reach?{peers} HTTP/1.0\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        serde_json::from_str::<serde_json::Value>(text.split_once("\r\n\r\n")?.1).ok()
    };
    let started = std::time::Instant::now();
    let answer = loop {
        if let Some(answer) = ask() {
            break answer;
        }
        assert!(started.elapsed().as_secs() < 20, "the probe does not answer");
        std::thread::yield_now();
    };
    assert_eq!(answer["name"], "a");
    assert_eq!(answer["reaches"][format!("127.0.0.1:{reached}")], true);
    assert_eq!(answer["reaches"][format!("127.0.0.1:{lost}")], false);
}

fn tool(folder: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(TOOL).current_dir(folder).args(arguments).output().unwrap()
}

#[test]
fn definitions_are_written_and_refused_without_a_host() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs_err::write(folder.join("i.toml"), inventory(r#"["mesos", "docker"]"#)).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let done = tool(folder, &["apps", "render", "i.toml", "--out", "apps"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let stars = fs_err::read_to_string(folder.join("apps/stars-docker.json")).unwrap();
    let apps: Vec<serde_json::Value> = serde_json::from_str(&stars).unwrap();
    assert!(apps.into_iter().all(|app| AppDefinition::try_from(app).is_ok()));
    assert!(folder.join("apps/stars-mesos.policy").exists() && !folder.join("apps/host.policy").exists());
    let printed = tool(folder, &["apps", "render", "i.toml", "host", "--json"]);
    let lines: Vec<serde_json::Value> =
        text(&printed.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["app"]["id"], &lines[1]["type"]), (&"/samples/host".into(), &"summary".into()));

    let refused = |arguments: &[&str], what: &str| {
        let output = tool(folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(what), "{arguments:?}: {}", text(&output.stderr));
    };
    refused(&["apps", "render", "i.toml", "strs-docker"], "did you mean `stars-docker`?");
    refused(&["apps", "render", "i.toml", "image"], "images without Docker came with Marathon 1.3");
    refused(&["apps", "render", "i.toml", "--marathon", "new"], "is not a version of Marathon");
    // Definitions of one's own are read before any host is contacted.
    fs_err::write(folder.join("bad.json"), "{\"id\": \"x\" \"cmd\": 1}").unwrap();
    refused(&["apps", "launch", "i.toml", "--file", "bad.json"], "bad.json is not JSON");
    fs_err::write(folder.join("bad.json"), "[{\"id\": \"X\", \"comand\": \"y\"}]").unwrap();
    refused(&["apps", "launch", "i.toml", "--file", "bad.json"], "Marathon knows no such key");
    refused(&["apps", "launch", "i.toml"], "SAMPLE");
}
