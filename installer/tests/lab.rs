//! The lab itself, on this machine: real namespaces, real systemd, real sshd.
//!
//! The tests need root and the packages that `lab up` asks for; without them they fail with its message, which
//! has the command that installs what is missing. The base image is made by the first test that needs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests; a surprise ends the test")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

const TOOL: &str = env!("CARGO_BIN_EXE_calico-mesos-install");

/// Changes with every boot; all hosts and this machine have one kernel, so the kernel's own boot id does not.
const BOOT: &str = "systemctl show --property=UserspaceTimestampMonotonic --value";

/// A lab in a folder and with a subnet of its own; taken away at the end of the test, however that ends.
struct Lab {
    root: tempfile::TempDir,
    subnet: String,
}

impl Lab {
    /// `number` tells the labs of one test apart. Tests that run at the same time have ranges of their own, by the
    /// slot that nextest gives each; within one, the process tells them apart.
    fn new(number: u32) -> Self {
        let slot = std::env::var("NEXTEST_TEST_GROUP_SLOT").ok().and_then(|slot| slot.parse().ok());
        let place = std::process::id() * 2 + number;
        let range = 26 + slot.unwrap_or(0_u32) % 2 * 2;
        let subnet = format!("172.{}.{}.0/24", range + place / 250 % 2, place % 250);
        Self { root: tempfile::Builder::new().prefix("lab-test-").tempdir().unwrap(), subnet }
    }

    fn dir(&self) -> Utf8PathBuf {
        Utf8Path::from_path(self.root.path()).unwrap().join("lab")
    }

    fn address(&self, place: u8) -> String {
        self.subnet.replace(".0/24", &format!(".{place}"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(TOOL);
        let (verb, rest) = arguments.split_first().unwrap();
        command.args(["lab", verb, "--dir", self.dir().as_str()]).args(rest).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and returns its standard output.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "lab {arguments:?}: {}\n{}", output.status, stderr(&output));
        stdout(&output)
    }

    /// Returns what it said on standard error.
    fn up(&self, masters: &str, agents: &str) -> String {
        let output = self.run(&["up", "--subnet", &self.subnet, "--masters", masters, "--agents", agents]);
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    }

    /// Runs a shell script on a host.
    fn on(&self, host: &str, script: &str) -> String {
        self.ok(&["ssh", host, "--", script]).trim().to_owned()
    }

    fn state(&self, host: &str) -> String {
        let text = self.ok(&["status", "--json"]);
        let mut lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.find(|line| line["name"] == host).unwrap()["state"].as_str().unwrap().to_owned()
    }

    /// The prefix of everything that the lab leaves on this machine.
    fn id(&self) -> String {
        let record = fs_err::read_to_string(self.dir().join("lab.json")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        record["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let output = self.run(&["down"]);
        if !output.status.success() && !std::thread::panicking() {
            panic!("lab down: {}", stderr(&output));
        }
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What is on this machine with the text in its name, its folder or its command line.
fn traces(text: &str) -> Vec<String> {
    let mut traces = Vec::new();
    for [program, argument] in [["ip", "link"], ["ip", "netns"], ["cat", "/proc/self/mountinfo"]] {
        let output = Command::new(program).arg(argument).output().unwrap();
        traces.extend(stdout(&output).lines().filter(|line| line.contains(text)).map(str::to_owned));
    }
    let groups = walkdir::WalkDir::new("/sys/fs/cgroup").into_iter().flatten();
    let groups = groups.filter(|entry| entry.file_name().to_string_lossy().contains(text));
    traces.extend(groups.map(|entry| entry.path().display().to_string()));
    for process in fs_err::read_dir("/proc").unwrap().flatten() {
        let line = fs_err::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let folder = fs_err::read_link(process.path().join("cwd")).unwrap_or_default();
        if line.contains(text) || folder.to_string_lossy().contains(text) {
            traces.push(format!("process {}: {line}", process.file_name().to_string_lossy()));
        }
    }
    traces
}

/// Waits for a condition; panics after 20 s.
#[allow(clippy::disallowed_methods, reason = "between two looks at a condition")]
fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Ends a process with SIGKILL.
fn kill(mut child: Child) {
    // It may have ended by itself.
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn hosts_are_real_and_each_is_its_own() {
    let lab = Lab::new(0);
    lab.up("1", "1");
    let facts = "cat /etc/hostname /etc/machine-id; hostname; ip -4 -o address show eth0 | tr -s ' ' | cut -d ' ' -f 4; \
                 systemctl is-system-running; cat /etc/ssh/ssh_host_ed25519_key.pub";
    let (master, agent) = (lab.on("master-1", facts), lab.on("agent-1", facts));
    for (host, place, answer) in [("master-1", 101, &master), ("agent-1", 102, &agent)] {
        let lines: Vec<&str> = answer.lines().collect();
        assert_eq!((lines[0], lines[2], lines[4]), (host, host, "running"));
        assert_eq!(lines[3], format!("{}/24", lab.address(place)));
    }
    for line in [1, 5] {
        assert_ne!(master.lines().nth(line), agent.lines().nth(line), "a machine id or host key twice");
    }
    let peer = lab.address(102);
    let greeting = lab.on("master-1", &format!("timeout 5 bash -c 'head -c 4 < /dev/tcp/{peer}/22'"));
    assert_eq!(greeting, "SSH-", "hosts reach each other");

    let inventory = fs_err::read_to_string(lab.dir().join("inventory.toml")).unwrap();
    let inventory: toml::Table = inventory.parse().unwrap();
    assert_eq!(inventory["hosts"].as_array().unwrap().len(), 2);
    assert_eq!(inventory["cluster"]["release"].as_str(), Some("lab"));
}

#[test]
fn a_unit_on_one_host_has_nothing_to_do_with_the_same_unit_on_another() {
    let lab = Lab::new(0);
    lab.up("0", "2");
    for host in ["agent-1", "agent-2"] {
        lab.on(host, "systemd-run --quiet --unit=same sleep 1000");
    }
    // The control groups of the unit, each below its host's.
    let hosts = || {
        let groups = walkdir::WalkDir::new("/sys/fs/cgroup").into_iter().flatten();
        let groups = groups.filter(|entry| entry.file_name() == "same.service");
        let paths =
            groups.map(|entry| entry.path().display().to_string()).filter(|path| path.contains(&lab.id()));
        let hosts =
            paths.filter_map(|path| ["agent-1", "agent-2"].into_iter().find(|host| path.contains(host)));
        hosts.collect::<BTreeSet<_>>()
    };
    assert_eq!(hosts(), BTreeSet::from(["agent-1", "agent-2"]));
    lab.on("agent-1", "systemctl stop same");
    assert_eq!(hosts(), BTreeSet::from(["agent-2"]));
    assert_eq!(lab.on("agent-2", "systemctl is-active same; pgrep -c -x sleep"), "active\n1");
}

#[test]
fn a_host_ends_with_what_runs_it() {
    let lab = Lab::new(0);
    lab.up("0", "1");
    let nspawn = traces(&format!("--machine={}-agent-1", lab.id()));
    let nspawn = nspawn.iter().find(|line| line.contains(": systemd-nspawn ")).unwrap();
    let pid = nspawn.strip_prefix("process ").and_then(|line| line.split(':').next()).unwrap();
    assert!(Command::new("kill").args(["-KILL", pid]).status().unwrap().success());
    let process = |entry: &walkdir::DirEntry| entry.file_name() == "cgroup.procs";
    wait_until("the host's last process to end", || {
        let lists = traces(&lab.id())
            .into_iter()
            .filter(|line| line.starts_with("/sys/fs/cgroup"))
            .flat_map(|top| walkdir::WalkDir::new(top).into_iter().flatten().filter(process));
        lists.into_iter().all(|list| fs_err::read_to_string(list.path()).unwrap_or_default().is_empty())
    });
    assert_eq!(lab.state("agent-1"), "stopped");
    lab.ok(&["up"]);
    assert_eq!(lab.state("agent-1"), "running");
}

#[test]
fn real_requirements_resolve_with_dnf() {
    let lab = Lab::new(0);
    lab.up("0", "1");
    lab.on(
        "agent-1",
        r#"exec 2>&1; set -e; cd /tmp
        package() {
            printf '%s\n' "Name: $1" 'Version: 1' 'Release: 1' 'License: Apache-2.0' 'Summary: Test' \
                "Requires: $2" '%global debug_package %{nil}' '%description' 'A test.' '%install' \
                'mkdir -p %{buildroot}/opt' "cp /bin/true %{buildroot}/opt/$1" \
                "printf '#!/bin/sh\n' > %{buildroot}/opt/$1.sh; chmod +x %{buildroot}/opt/$1.sh" \
                '%files' "/opt/$1" "/opt/$1.sh" > "$1.spec"
            rpmbuild -bb --quiet --define '_topdir /tmp/rpm' "$1.spec"
        }
        package good 'java-headless >= 1:1.8, systemd, /usr/bin/python3, libzookeeper_mt.so.2()(64bit)'
        package bad 'no-such-thing'
        dnf install -y rpm/RPMS/*/good-1-1.*.rpm
        rpm -q --requires good | grep GLIBC
        rpm -q --requires good | grep /bin/sh
        /opt/good
        rpm -V good
        if dnf install -y rpm/RPMS/*/bad-1-1.*.rpm; then echo 'installed what cannot be'; exit 1; fi
        dnf remove -y good
        if rpm -q good || [ -e /opt/good ]; then exit 1; fi"#,
    );
}

#[test]
fn users_with_and_without_a_password_for_sudo() {
    let lab = Lab::new(0);
    lab.up("0", "1");
    let secret = lab.dir().join("operator.password");
    assert_eq!(fs_err::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(lab.ok(&["ssh", "-u", "deploy", "agent-1", "--", "sudo -n id -u"]).trim(), "0");
    assert!(!lab.run(&["ssh", "-u", "operator", "agent-1", "--", "sudo -n id -u"]).status.success());
    let output = lab
        .command(&["ssh", "-u", "operator", "agent-1", "--", "sudo -S id -u"])
        .stdin(fs_err::File::open(&secret).unwrap().into_file())
        .output()
        .unwrap();
    assert_eq!(stdout(&output).trim(), "0", "{}", stderr(&output));
}

#[test]
fn up_again_adds_and_boots_what_is_missing_and_leaves_the_rest_alone() {
    let lab = Lab::new(0);
    lab.up("1", "1");
    let before = lab.on("master-1", BOOT);
    let inventory = fs_err::read_to_string(lab.dir().join("inventory.toml")).unwrap();

    let summary = lab.ok(&["up", "--json"]);
    let summary: serde_json::Value = serde_json::from_str(summary.lines().last().unwrap()).unwrap();
    assert_eq!((&summary["type"], &summary["command"]), (&"summary".into(), &"lab up".into()));
    assert_eq!((&summary["hosts"]["changed"], &summary["hosts"]["unchanged"]), (&0.into(), &2.into()));
    let said = stderr(&lab.run(&["up"]));
    assert!(said.starts_with("0 booted, 2 were running"), "{said}");
    assert_eq!(fs_err::read_to_string(lab.dir().join("inventory.toml")).unwrap(), inventory);

    lab.on("agent-1", "systemd-run --quiet systemctl poweroff");
    wait_until("agent-1 to stop", || lab.state("agent-1") == "stopped");
    let said = lab.up("1", "2");
    assert!(said.contains("2 booted, 1 were running"), "{said}");
    assert_eq!(lab.on("master-1", BOOT), before);
    assert_eq!(lab.on("agent-2", "hostname"), "agent-2");
    assert!(fs_err::read_to_string(lab.dir().join("inventory.toml")).unwrap().starts_with(&inventory));
}

#[test]
fn state_survives_a_reboot_from_outside_and_from_inside() {
    let lab = Lab::new(0);
    lab.up("0", "1");
    let first = lab.on("agent-1", &format!("echo kept > /var/lib/state; {BOOT}"));
    lab.ok(&["reboot", "agent-1"]);
    let second = lab.on("agent-1", BOOT);
    assert_ne!(first, second);
    // The connection may end before the command does.
    lab.run(&["ssh", "agent-1", "--", "systemctl reboot"]);
    wait_until("agent-1 to be back", || {
        let output = lab.run(&["ssh", "agent-1", "--", BOOT]);
        output.status.success() && stdout(&output).trim() != second
    });
    assert_eq!(lab.on("agent-1", "cat /var/lib/state"), "kept");
}

#[test]
fn a_cut_host_cannot_be_reached_until_it_is_mended() {
    let lab = Lab::new(0);
    lab.up("1", "1");
    let address: SocketAddr = format!("{}:22", lab.address(102)).parse().unwrap();
    let reachable = || TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok();
    assert!(reachable());
    for _ in 0..2 {
        lab.ok(&["cut", "agent-1"]);
        assert!(!reachable());
        assert_eq!(lab.state("agent-1"), "cut");
        assert_eq!(lab.state("master-1"), "running");
    }
    // Neither of these may mend it by the way.
    lab.ok(&["up"]);
    lab.ok(&["reboot", "agent-1"]);
    assert!(!reachable());
    for _ in 0..2 {
        lab.ok(&["mend", "agent-1"]);
        assert!(reachable());
        assert_eq!(lab.state("agent-1"), "running");
    }
    // Without a name every host is meant.
    lab.ok(&["cut", "agent-1"]);
    lab.ok(&["mend"]);
    assert!(reachable());
}

#[test]
fn down_leaves_nothing() {
    let lab = Lab::new(0);
    lab.up("1", "2");
    let id = lab.id();
    assert!(traces(&id).len() > 9, "the traces are looked for in the wrong places: {:#?}", traces(&id));
    lab.ok(&["down"]);
    assert_eq!(traces(&id), Vec::<String>::new());
    assert_eq!(traces(lab.dir().as_str()), Vec::<String>::new());
    assert!(!lab.dir().exists());
    // Where nothing is, nothing is to be done.
    lab.ok(&["down"]);
}

#[test]
fn down_finds_a_lab_whose_folder_is_gone() {
    let lab = Lab::new(0);
    lab.up("0", "1");
    let id = lab.id();
    fs_err::remove_dir_all(lab.dir()).unwrap();
    lab.ok(&["down"]);
    assert_eq!(traces(&id), Vec::<String>::new());
}

#[test]
fn a_killed_up_is_cleaned_up_or_finished() {
    let lab = Lab::new(0);
    // At each moment another part of the work is half done.
    let folders = |lab: &Lab| lab.dir().join("hosts").exists();
    let cables = |lab: &Lab| {
        lab.dir().join("inventory.toml").exists() && !traces(&format!("{}-102", lab.id())).is_empty()
    };
    let hosts = |lab: &Lab| lab.dir().join("hosts/agent-1/console.log").exists();
    let moments: [fn(&Lab) -> bool; 3] = [folders, cables, hosts];
    let log = lab.dir().with_file_name("up.log");
    let start_and_kill = |moment: fn(&Lab) -> bool| {
        let mut up = lab.command(&["up", "--subnet", &lab.subnet, "--masters", "1", "--agents", "3"]);
        let mut up = up.stderr(fs_err::File::create(&log).unwrap().into_file()).spawn().unwrap();
        wait_until("the moment to kill", || {
            let has_ended = up.try_wait().unwrap().is_some();
            let has_come = moment(&lab);
            assert!(has_come || !has_ended, "up ended: {}", fs_err::read_to_string(&log).unwrap());
            has_come
        });
        kill(up);
    };
    for moment in moments {
        start_and_kill(moment);
        let id = lab.id();
        lab.ok(&["down"]);
        assert_eq!(traces(&id), Vec::<String>::new());
        assert!(!lab.dir().exists());
    }
    for moment in moments {
        start_and_kill(moment);
    }
    lab.ok(&["up"]);
    assert_eq!(lab.on("agent-3", "hostname"), "agent-3");
    let inventory = fs_err::read_to_string(lab.dir().join("inventory.toml")).unwrap();
    assert_eq!(inventory.matches("[[hosts]]").count(), 4);
}

#[test]
fn two_labs_live_side_by_side() {
    let (one, other) = (Lab::new(0), Lab::new(1));
    one.up("0", "1");
    let refused = other.run(&["up", "--subnet", &one.subnet]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("overlaps"), "{}", stderr(&refused));
    assert!(!other.dir().exists(), "a refusal changes nothing");

    other.up("0", "1");
    one.on("agent-1", "touch /root/one");
    other.on("agent-1", "test ! -e /root/one");
    other.ok(&["down"]);
    assert_eq!(one.on("agent-1", "ls /root"), "one");
}

#[test]
fn ssh_passes_output_and_the_exit_status() {
    let lab = Lab::new(0);
    lab.up("0", "1");
    let output = lab.run(&["ssh", "agent-1", "--", "echo out; echo err >&2; exit 7"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(7), "out\n"));
    assert_eq!(stderr(&output), "err\n");
}

#[test]
fn a_wrong_name_gets_a_suggestion() {
    let lab = Lab::new(0);
    let output = lab.run(&["cut", "agent-1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no lab"), "{}", stderr(&output));
    lab.up("0", "1");
    for verb in ["ssh", "reboot", "cut", "mend"] {
        let output = lab.run(&[verb, "agent1"]);
        assert_eq!(output.status.code(), Some(2), "lab {verb}");
        assert!(stderr(&output).contains("did you mean `agent-1`?"), "{}", stderr(&output));
    }
}

#[test]
fn a_second_run_is_told_to_wait() {
    let lab = Lab::new(0);
    fs_err::create_dir(lab.dir()).unwrap();
    let lock = fs_err::File::create(lab.dir().join("lock")).unwrap();
    rustix::fs::flock(lock.file(), rustix::fs::FlockOperation::LockExclusive).unwrap();
    let output = lab.run(&["up", "--subnet", &lab.subnet]);
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    assert!(!lab.dir().join("lab.json").exists());
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let lab = Lab::new(0);
    let empty = tempfile::tempdir().unwrap();
    let output =
        lab.command(&["up", "--image-cache", "/nowhere"]).env("PATH", empty.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    for name in ["systemd-nspawn", "debootstrap", "ip", "ssh-keygen", "dnf install -y"] {
        assert!(said.contains(name), "{name} is not in: {said}");
    }
}

#[test]
fn an_image_that_cannot_be_made_says_why_and_a_killed_run_leaves_no_process() {
    let lab = Lab::new(0);
    let cache = lab.dir().with_file_name("cache");
    // A mirror that takes connections and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mirror = format!("http://{}/debian", listener.local_addr().unwrap());
    let arguments = ["up", "--subnet", &lab.subnet, "--image-cache", cache.as_str(), "--mirror", &mirror];
    let mut up = lab.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(up.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("making the base image"), "{line}");
    let held = listener.accept().unwrap();
    assert!(!traces(cache.as_str()).is_empty());
    kill(up);
    wait_until("the build to end", || traces(cache.as_str()).is_empty());

    // The next run starts over; now the mirror refuses connections.
    drop((listener, held));
    let output = lab.run(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("making the base image failed") && said.contains("--mirror"), "{said}");
}
