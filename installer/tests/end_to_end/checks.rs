//! The checks before anything changes: everything broken at once, one run that says so, and hosts that are as before.

use std::process::Command;

use camino::Utf8Path;

use crate::harness::{Lab, Run};

const HOSTS: [&str; 3] = ["master-1", "agent-1", "agent-2"];

#[test]
fn everything_that_is_broken_is_said_at_once_and_no_host_is_changed() {
    let lab = Lab::up("checks", 231, 1, 2);
    let run = lab.run("validate", &["--hosts"]).exit(0);
    assert!(run.events.iter().any(|event| event["type"] == "check" && event["ok"] == true), "{run}");
    assert_eq!(run.totals(), [0, 3, 0, 0, 0], "{run}");

    lab.on("master-1", "systemd-run -q --unit=squatter python3 -m http.server 5050");
    lab.on("agent-1", "hostname agent-2");
    let clock = r#"printf '#!/bin/sh\nexec /usr/bin/date -d "+2 hours" "$@"\n' >/usr/local/bin/date"#;
    lab.on("agent-1", &format!("{clock} && chmod 0755 /usr/local/bin/date"));
    lab.on("agent-2", "mkdir -p /etc/mesos-slave && echo x >'/etc/mesos-slave/isolation~'");
    lab.on("agent-2", "mount -t tmpfs -o size=256k none /var/log");
    lab.on("agent-2", &format!("ip route add unreachable {}", lab.address(101)));
    lab.on("agent-2", &format!("echo '{} master-1' >>/etc/hosts", lab.address(199)));
    lab.install_module_for("agent-1", "0.28.1");

    let before = HOSTS.map(|host| lab.digest(host));
    assert_all_found(&lab.apply().exit(4));
    assert_all_found(&lab.run("plan", &[]).exit(4));
    assert_all_found(&lab.run("validate", &["--hosts"]).exit(4));
    let unknown = lab.run("apply", &["--yes", "--skip-check", "stray-flag"]).exit(2);
    assert!(unknown.stderr.contains("did you mean `stray-flags`?"), "{unknown}");
    let skipped = lab.run("plan", &["--skip-check", "ports", "--skip-check", "clock"]).exit(4);
    for name in ["ports", "clock"] {
        assert!(skipped.events.iter().all(|event| event["name"] != name), "{name} was skipped");
    }
    assert_eq!(HOSTS.map(|host| lab.digest(host)), before, "no host was changed");
}

#[track_caller]
fn assert_all_found(run: &Run) {
    assert_eq!(run.started(), Vec::<String>::new());
    run.assert_check("ports", "master-1", &["5050", "python3", "systemctl disable --now squatter.service"]);
    run.assert_check("hostname", "agent-1", &["agent-2", "hostnamectl set-hostname agent-1"]);
    run.assert_check("hostname", "agent-2", &["agent-1"]);
    run.assert_check("clock", "agent-1", &["ahead", "ntpd"]);
    run.assert_check("stray-flags", "agent-2", &["/etc/mesos-slave/isolation~", "Delete"]);
    run.assert_check("disk-space", "agent-2", &["/var/log", "Free some space"]);
    run.assert_check("names", "agent-2", &["master-1", ".199", "/etc/hosts"]);
    run.assert_check("reachability", "agent-2", &["master-1", "5050", "2181", "firewalls"]);
    run.assert_check("module-version", "agent-1", &["0.28.1", "rpm -e net-modules"]);
}

impl Lab {
    /// Everything of a host that an installation would change, as a digest.
    fn digest(&self, host: &str) -> String {
        self.on(
            host,
            "{ find /etc /calico /usr /var/cache/calico-mesos-install /var/lib/zookeeper -xdev -type f -print0 2>/dev/null | \
             sort -z | xargs -0 sha256sum; rpm -qa | sort; systemctl list-unit-files --no-legend; \
             ls -A /var/lib/calico-mesos-install 2>/dev/null | grep -vx -e lock -e holder; } | sha256sum",
        )
    }

    /// Installs a package `net-modules` that was built for some Mesos, past its requirements, as somebody might have.
    fn install_module_for(&self, host: &str, mesos: &str) {
        let top = self.path("rpmbuild");
        fs_err::create_dir_all(&top).unwrap();
        let spec = top.join("net-modules.spec");
        let text = format!(
            "Name: net-modules\nVersion: 0.2.0\nRelease: 9\nSummary: For another Mesos\nLicense: Apache-2.0\nBuildArch: noarch\n\
             Requires: mesos = {mesos}\n%description\nA test.\n%files\n"
        );
        fs_err::write(&spec, text).unwrap();
        let mut build = Command::new("rpmbuild");
        build.args(["-bb", "--define", &format!("_topdir {top}"), spec.as_str()]);
        let output = build.output().unwrap();
        assert!(output.status.success(), "{}", crate::harness::text(&output.stderr));
        let rpm = top.join("RPMS/noarch/net-modules-0.2.0-9.noarch.rpm");
        let text = base64(&rpm);
        self.on(
            host,
            &format!("echo {text} | base64 -d >/root/module.rpm && rpm -i --nodeps /root/module.rpm"),
        );
    }
}

fn base64(file: &Utf8Path) -> String {
    let output = Command::new("base64").args(["-w0", file.as_str()]).output().unwrap();
    crate::harness::text(&output.stdout)
}
