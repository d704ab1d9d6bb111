//! Users that become root through sudo, with and without a password.

use crate::harness::{Lab, Run};

const VARIABLE: &str = "CALICO_MESOS_INSTALL_BECOME_PASSWORD";

#[test]
fn users_become_root_through_sudo_and_passwords_stay_secret() {
    let mut lab = Lab::up("sudo", 216, 1, 1);
    let file = lab.dir().join("operator.password");
    let secret = fs_err::read_to_string(&file).unwrap().trim().to_owned();

    lab.set("ssh", "user", "operator");
    let none = lab.apply().exit(1);
    assert_refused(&lab, &none, "sudo wants a password");
    let wrong = run_with(&lab, "not-the-password").exit(1);
    assert_refused(&lab, &wrong, "does not accept the password");

    // The password in the environment: installs everything.
    let log = lab.path("run.log");
    let mut command = lab.command("apply", &["--yes", "-vv", "--log-file", log.as_str()]);
    command.env(VARIABLE, &secret);
    let watch = lab.watch_processes("agent-1");
    let run = Run::of(command).exit(0);
    assert_eq!(run.totals(), [2, 0, 0, 0, 0], "{run}");
    let processes = lab.watched_processes("agent-1", &watch);
    assert!(processes.contains("sudo"), "the host's processes were watched");
    let log = fs_err::read_to_string(&log).unwrap();
    assert!(log.contains("step-finished"), "{log}");
    let said = run.events.iter().map(ToString::to_string).collect::<String>() + &run.stderr;
    for (what, text) in [("log", &log), ("output", &said), ("process list", &processes)] {
        assert!(!text.contains(&secret), "the password is in the {what}");
    }
    let left = format!(
        "grep -rlF -- '{secret}' /var/lib/calico-mesos-install /etc /tmp /var/tmp /home 2>/dev/null || true"
    );
    assert_eq!(lab.on("agent-1", &left), "");

    // The password in a file, and a user whose sudo wants none: nothing is left to do.
    lab.set("ssh", "become_password_file", file.as_str());
    assert_eq!(lab.apply().exit(0).totals(), [0, 2, 0, 0, 0]);
    let table = lab.inventory["ssh"].as_table_mut().unwrap();
    table.remove("become_password_file");
    lab.set("ssh", "user", "deploy");
    lab.on("agent-1", "echo by-hand > /etc/mesos-slave/isolation");
    assert_eq!(lab.apply().exit(0).totals(), [1, 1, 0, 0, 0]);
    lab.run("verify", &[]).exit(0);
}

fn run_with(lab: &Lab, password: &str) -> Run {
    let mut command = lab.command("apply", &["--yes"]);
    command.env(VARIABLE, password);
    Run::of(command)
}

#[track_caller]
fn assert_refused(lab: &Lab, run: &Run, why: &str) {
    for host in ["master-1", "agent-1"] {
        let error = run.error(host);
        assert!(error.contains(why) && error.contains("operator") && error.lines().count() > 1, "{error}");
        lab.on(
            host,
            "! ls -d /var/lib/calico-mesos-install /var/cache/calico-mesos-install /etc/mesos 2>/dev/null",
        );
    }
}

impl Lab {
    /// Has a host note the command lines of its processes over and over, until [`Lab::watched_processes`].
    fn watch_processes(&self, host: &str) -> String {
        let script =
            "while :; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ; done >> /root/processes 2>/dev/null";
        self.on(host, &format!("systemd-run -q --unit=watch-processes bash -c '{script}'"));
        "watch-processes".to_owned()
    }

    fn watched_processes(&self, host: &str, unit: &str) -> String {
        self.on(host, &format!("systemctl stop {unit}; tr '\\0' '\\n' < /root/processes | sort -u"))
    }
}
