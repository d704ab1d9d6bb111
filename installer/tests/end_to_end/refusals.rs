//! Bad input and bad luck: what is refused before a host is changed, and what concerns one host alone.

use std::os::unix::fs::FileExt as _;

use camino::Utf8PathBuf;

use crate::harness::{Lab, Run};

/// Fails if the tool has put anything on the host but its own empty folders.
#[track_caller]
fn assert_unchanged(lab: &Lab, host: &str) {
    lab.on(host, "! rpm -q mesos && ! ls -d /etc/mesos* 2>/dev/null");
    assert_eq!(lab.on(host, "ls -A /var/cache/calico-mesos-install 2>/dev/null || true"), "");
}

#[test]
fn what_is_wrong_with_keys_and_packages_is_found_before_any_host_is_changed() {
    let mut lab = Lab::up("refusals", 217, 1, 1);
    let hosts = ["master-1", "agent-1"];

    // Nobody knows the hosts' keys.
    let known = lab.dir().join("known_hosts");
    let unknown = lab.path("known_hosts");
    fs_err::write(&unknown, "").unwrap();
    lab.set("ssh", "known_hosts", unknown.as_str());
    let run = lab.apply().exit(1);
    assert_eq!(run.totals(), [0, 0, 0, 2, 0], "{run}");
    assert!(run.error("agent-1").contains("ssh-keyscan"), "{}", run.error("agent-1"));
    hosts.iter().for_each(|host| assert_unchanged(&lab, host));

    // Another key than the one that is known.
    let address = lab.address(102);
    let swapped: String = fs_err::read_to_string(&known)
        .unwrap()
        .lines()
        .filter(|line| !line.contains(&address))
        .map(|line| format!("{line}\n{}\n", line.replace(&lab.address(101), &address)))
        .collect();
    fs_err::write(&unknown, swapped).unwrap();
    let run = lab.run("apply", &["--yes", "--accept-new-host-keys", "--limit", "agent-1"]).exit(1);
    assert_eq!(run.outcome("agent-1"), "unreachable");
    assert!(run.error("agent-1").contains("ssh-keygen -R"), "{}", run.error("agent-1"));
    lab.set("ssh", "known_hosts", known.as_str());

    // One byte of one package differs.
    let copy = copy_of_packages(&lab);
    lab.set("packages", "repo", lab.path("dist").as_str());
    let rpm = package(&copy, "net-modules-0");
    let file = fs_err::OpenOptions::new().write(true).open(&rpm).unwrap();
    file.file().write_all_at(b"?", 1000).unwrap();
    let run = lab.apply().exit(4);
    assert!(run.stderr.contains("net-modules") && run.stderr.contains("SHA-256"), "{run}");
    hosts.iter().for_each(|host| assert_unchanged(&lab, host));

    // A package is not there at all, and then not even in the list.
    fs_err::remove_file(&rpm).unwrap();
    let run = lab.apply();
    assert!([2, 4].contains(&run.status) && run.stderr.contains("net-modules"), "{run}");
    let manifest = copy.join("build.json");
    let mut build: serde_json::Value =
        serde_json::from_str(&fs_err::read_to_string(&manifest).unwrap()).unwrap();
    let is_other = |built: &serde_json::Value| built["nevra"].to_string().contains("net-modules");
    build["packages"].as_array_mut().unwrap().retain(|built| !is_other(built));
    fs_err::write(&manifest, build.to_string()).unwrap();
    let run = lab.apply().exit(2);
    assert!(run.stderr.contains("calico-mesos-install build"), "{run}");
    hosts.iter().for_each(|host| assert_unchanged(&lab, host));

    lab.set("packages", "repo", lab.path("nowhere").as_str());
    let run = lab.apply().exit(2);
    assert!(run.stderr.contains("calico-mesos-install build --release lab"), "{run}");
}

/// Copies the packages to the test's own folder, and returns the folder with the `build.json`.
fn copy_of_packages(lab: &Lab) -> Utf8PathBuf {
    let from = crate::harness::packages();
    let status =
        std::process::Command::new("cp").args(["-r", from.as_str(), lab.path("dist").as_str()]).status();
    assert!(status.unwrap().success());
    let entries = walkdir::WalkDir::new(lab.path("dist")).into_iter().flatten();
    let manifest = entries.map(walkdir::DirEntry::into_path).find(|path| path.ends_with("build.json"));
    Utf8PathBuf::from_path_buf(manifest.unwrap()).unwrap().parent().unwrap().to_owned()
}

fn package(folder: &Utf8PathBuf, prefix: &str) -> Utf8PathBuf {
    let entries = folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
    entries.into_iter().find(|path| path.file_name().unwrap().starts_with(prefix)).unwrap()
}

#[test]
fn what_is_wrong_with_one_host_concerns_that_host_alone() {
    let lab = Lab::up("troubles", 218, 1, 4);
    // A full disk, no package manager, a port that is taken; agent-4 has no trouble.
    lab.on(
        "agent-1",
        "mkdir -p /var/cache/calico-mesos-install && \
         mount -t tmpfs -o size=256k none /var/cache/calico-mesos-install",
    );
    lab.on("agent-2", "mv /usr/bin/dnf /usr/bin/dnf.away");
    lab.on("agent-3", "systemd-run -q --unit=squatter python3 -m http.server 5051");

    let refused = lab.apply().exit(4);
    assert_eq!(refused.started(), Vec::<String>::new(), "found before anything is sent");
    refused.assert_check("disk-space", "agent-1", &["/var/cache/calico-mesos-install", "Free some space"]);
    refused.assert_check("package-manager", "agent-2", &["dnf", "Install dnf"]);
    refused.assert_check("ports", "agent-3", &["5051", "python3", "squatter.service"]);

    // Without those two, and without a look at the ports, the third fails by itself and the others are finished.
    let others = ["--limit", "!agent-1,!agent-2", "--skip-check", "ports"];
    let run = lab.apply_impatiently("mesos-agent", &others).exit(1);
    assert_eq!(run.totals(), [2, 0, 1, 0, 0], "{run}");
    for healthy in ["master-1", "agent-4"] {
        assert_eq!(run.outcome(healthy), "changed");
    }
    assert_error(&run, "agent-3", &["mesos-slave.service", "journal", "5051"]);
    assert_eq!(lab.registered_agents(1), ["agent-4"]);

    lab.on("agent-1", "umount /var/cache/calico-mesos-install");
    lab.on("agent-2", "mv /usr/bin/dnf.away /usr/bin/dnf");
    lab.on("agent-3", "systemctl stop squatter");
    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [3, 2, 0, 0, 0], "{run}");
    assert_eq!(lab.registered_agents(1), ["agent-1", "agent-2", "agent-3", "agent-4"]);
    lab.run("verify", &[]).exit(0);
}

#[test]
fn hosts_that_depend_on_one_that_fails_are_skipped_and_told_why() {
    let lab = Lab::up("dependents", 219, 1, 2);
    lab.on("master-1", "systemd-run -q --unit=squatter python3 -m http.server 5050");
    let run = lab.apply_impatiently("mesos-master", &["--skip-check", "ports"]).exit(1);
    assert_eq!(run.totals(), [0, 0, 1, 0, 2], "{run}");
    assert_error(&run, "master-1", &["mesos-master.service", "journal", "5050"]);
    for agent in ["agent-1", "agent-2"] {
        assert_error(&run, agent, &["mesos-master"]);
        lab.on(agent, "! systemctl is-active mesos-slave");
    }
    lab.on("master-1", "systemctl stop squatter");
    lab.apply().exit(0);
    lab.run("verify", &[]).exit(0);
}

impl Lab {
    /// Runs `apply --yes` with a role of the operator's own, which gives up on its unit after 20 s.
    fn apply_impatiently(&self, role: &str, arguments: &[&str]) -> Run {
        let roles = self.path("data/roles");
        fs_err::create_dir_all(&roles).unwrap();
        let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/../roles");
        let patient = fs_err::read_to_string(format!("{built_in}/{role}.toml")).unwrap();
        let impatient = patient.replace("patience = \"90s\"", "patience = \"20s\"");
        assert_ne!(impatient, patient);
        fs_err::write(roles.join(format!("{role}.toml")), impatient).unwrap();
        self.run("apply", &[&["--yes", "--data", self.path("data").as_str()], arguments].concat())
    }
}

#[track_caller]
fn assert_error(run: &Run, host: &str, parts: &[&str]) {
    let error = run.error(host);
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in what is said about {host}: {error}");
    }
}
