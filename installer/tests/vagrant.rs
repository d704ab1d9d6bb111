//! `vagrant up` with the provider lxc, for real: the box, the machines, the cluster, and nothing left at the end.
//!
//! Needs root and the packages of `scripts/debian-packages.txt`; the subnet is this test's own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::process::{Command, Output};

use camino::{Utf8Path, Utf8PathBuf};

const TOOL: &str = env!("CARGO_BIN_EXE_calico-mesos-install");
const SUBNET: &str = "172.24.237";

/// Where the test runs Vagrant: the checkout's own folder, with boxes, machines and packages elsewhere.
struct Vagrant {
    folder: Utf8PathBuf,
    home: Utf8PathBuf,
}

impl Vagrant {
    fn new() -> Self {
        let home = Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("vagrant");
        let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../vagrant");
        let vagrant = Self { folder, home };
        // What a killed test left behind.
        vagrant.end();
        fs_err::create_dir_all(vagrant.machines()).unwrap();
        vagrant
    }

    /// Where Vagrant keeps what it knows of the machines.
    fn machines(&self) -> Utf8PathBuf {
        self.home.join("machines")
    }

    fn inventory(&self) -> Utf8PathBuf {
        self.machines().join("inventory.toml")
    }

    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .env("VAGRANT_HOME", self.home.join("home"))
            .env("VAGRANT_DOTFILE_PATH", self.machines())
            .env("VAGRANT_CHECKPOINT_DISABLE", "1")
            .env("CLUSTER_TOOL", TOOL)
            .stdin(std::process::Stdio::null());
        command
    }

    /// Runs `vagrant …` with settings in the environment.
    fn run(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
        let started = self.program("vagrant").args(arguments).envs(settings.iter().copied()).output();
        started.unwrap_or_else(|error| panic!("vagrant: {error}\nRun scripts/setup, which installs it"))
    }

    /// Runs `vagrant …`, which must succeed, and returns what it printed.
    #[track_caller]
    fn ok(&self, arguments: &[&str], settings: &[(&str, &str)]) -> String {
        let output = self.run(arguments, settings);
        let said = text(&output);
        assert!(output.status.success(), "vagrant {arguments:?}: {}\n{said}", output.status);
        said
    }

    /// Removes machines and files, whatever there is.
    fn end(&self) {
        if self.home.exists() {
            let _ = self.run(&["destroy", "--force"], &[]);
            let _ = fs_err::remove_dir_all(&self.home);
        }
    }
}

impl Drop for Vagrant {
    fn drop(&mut self) {
        self.end();
    }
}

/// The packages of release `lab`, which the end-to-end tests share: built by the first test that wants them.
fn packages() -> Utf8PathBuf {
    let shared = Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("end-to-end");
    fs_err::create_dir_all(&shared).unwrap();
    let lock = fs_err::File::create(shared.join("dist.lock")).unwrap();
    rustix::fs::flock(lock.file(), rustix::fs::FlockOperation::LockExclusive).unwrap();
    let dist = shared.join("dist");
    let output =
        Command::new(TOOL).args(["build", "--release", "lab", "--out", dist.as_str()]).output().unwrap();
    assert!(output.status.success(), "build: {}", text(&output));
    dist
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What the machines leave on this one: containers by name, bridges and addresses.
fn traces() -> Vec<String> {
    let listed = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let containers = listed("lxc-ls", &["-1"]).into_iter().filter(|name| name.starts_with("vagrant_"));
    let bridges = listed("ip", &["-brief", "address"]).into_iter().filter(|line| line.contains(SUBNET));
    containers.chain(bridges).collect()
}

#[test]
fn vagrant_up_ends_with_a_verified_cluster_and_destroy_leaves_nothing() {
    let before = traces();
    let vagrant = Vagrant::new();
    let made = vagrant.program("./lxc-box").output().unwrap();
    assert!(made.status.success(), "lxc-box: {}", text(&made));

    let dist = packages();
    let settings = [("CLUSTER_SUBNET", SUBNET), ("CLUSTER_AGENTS", "1"), ("CLUSTER_PACKAGES", dist.as_str())];
    let said = vagrant.ok(&["up", "--provider=lxc"], &settings);
    assert!(said.contains("apply: 2 changed"), "{said}");
    assert!(said.contains("the cluster works"), "{said}");

    let verify = Command::new(TOOL).args(["verify", vagrant.inventory().as_str()]).output().unwrap();
    assert!(verify.status.success(), "{}", text(&verify));
    // Machines find each other by name, and themselves not on the loopback interface.
    for (host, of) in [("agent-1", "master-1"), ("master-1", "master-1"), ("master-1", "agent-1")] {
        let said = vagrant.ok(&["ssh", host, "-c", &format!("getent hosts {of}")], &[]);
        assert!(said.contains(SUBNET), "{host} takes {of} for {said}");
    }

    // `vagrant provision` is `apply`: what somebody broke is mended, with what the environment said at first.
    vagrant.ok(&["ssh", "agent-1", "-c", "sudo systemctl stop mesos-slave"], &[]);
    let said = vagrant.ok(&["provision"], &[]);
    assert!(said.contains("apply: 1 changed, 1 unchanged"), "{said}");

    // From inside the first machine, with the tool's own package: from the beginning, then there is nothing left to do.
    let reset = Command::new(TOOL).args(["reset", "--yes", vagrant.inventory().as_str()]).output().unwrap();
    assert!(reset.status.success(), "{}", text(&reset));
    let inside = [("CLUSTER_PROVISION_FROM", "guest"), ("CLUSTER_TOOL", "")];
    let said = vagrant.ok(&["provision"], &inside);
    assert!(said.contains("apply: 2 changed") && said.contains("the cluster works"), "{said}");
    let said = vagrant.ok(&["provision"], &inside);
    assert!(said.contains("apply: 2 unchanged") && !said.contains("uploading"), "{said}");
    let status = "cd cluster && calico-mesos-install status inventory.toml";
    let said = vagrant.ok(&["ssh", "master-1", "-c", status], &[]);
    assert!(said.contains("mesos-slave") && said.contains("status: 2 unchanged"), "{said}");

    vagrant.ok(&["destroy", "--force"], &[]);
    assert_eq!(traces(), before);
    assert!(!vagrant.inventory().exists());
}

/// Prints what the Vagrantfile says to each `NAME=VALUE`; one process, since starting Vagrant takes seconds.
const MISTAKES: &str = r##"
require "vagrant"
ARGV.map { |setting| setting.split("=", 2) }.each do |name, value|
  ENV[name] = value
  Vagrant::Environment.new(cwd: ".", ui_class: Vagrant::UI::Silent).vagrantfile
  puts "#{name}=#{value} is taken"
rescue Vagrant::Errors::VagrantError => error
  puts error.message
ensure
  ENV.delete(name)
end
"##;

/// A program in the folder of the Vagrantfile that knows of no machines and makes none.
fn apart(program: &str, folder: &tempfile::TempDir) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../vagrant"))
        .env("VAGRANT_HOME", folder.path().join("home"))
        .env("VAGRANT_DOTFILE_PATH", folder.path())
        .env("VAGRANT_CHECKPOINT_DISABLE", "1");
    command
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let cases = [
        ("CLUSTER_MASTERS=2", "CLUSTER_MASTERS is 2: give an odd number"),
        ("CLUSTER_AGENTS=two", "CLUSTER_AGENTS is \"two\": give a whole number"),
        ("CLUSTER_AGENT=3", "there is no setting CLUSTER_AGENT: did you mean CLUSTER_AGENTS?"),
        ("CLUSTER_TOKEN=1", "CLUSTER_TOKEN=1 is taken"),
        ("CLUSTER_AGENT_MEMORY=2", "CLUSTER_AGENT_MEMORY is 2: give MB"),
        ("CLUSTER_CPUS=0", "CLUSTER_CPUS is 0: give 1 or more"),
        ("CLUSTER_SUBNET=172.24.300", "CLUSTER_SUBNET is \"172.24.300\": give the first three numbers"),
        ("CLUSTER_CONTAINERIZERS=doker", "CLUSTER_CONTAINERIZERS is \"doker\": give mesos, docker"),
        ("CLUSTER_PROVISION_FROM=gest", "CLUSTER_PROVISION_FROM is \"gest\": give host or guest"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut ruby = apart("ruby", &folder);
    let output = ruby.args(["-e", MISTAKES, "--"]).args(cases.map(|(setting, _)| setting)).output().unwrap();
    let said = text(&output);
    for (setting, remedy) in cases {
        assert!(said.contains(remedy), "{setting}: no {remedy:?} in\n{said}");
    }
}

#[test]
fn settings_that_name_what_is_not_there_are_refused_before_anything_is_made() {
    for (name, value, remedy) in [
        ("CLUSTER_LXC_RELEASE", "0.82", "CLUSTER_LXC_RELEASE is \"0.82\": give one of 0.26, 0.27, 0.28, lab"),
        ("CLUSTER_PACKAGES", "/nowhere", "no packages of release lab are there"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut up = apart("vagrant", &folder);
        let output = up.args(["up", "--provider=lxc"]).env(name, value).output().unwrap();
        let said = text(&output);
        assert!(!output.status.success() && said.contains(remedy), "no {remedy:?} in\n{said}");
        assert!(!said.contains("Importing") && !said.contains("settings.rb:"), "{said}");
    }
}

/// What the Vagrantfile asks of VirtualBox, read by Vagrant itself; there is no hypervisor to try it with.
const VIRTUALBOX: &str = r##"
require "vagrant"
env = Vagrant::Environment.new(cwd: ".", ui_class: Vagrant::UI::Silent)
config = env.vagrantfile.machine_config(:"agent-1", :virtualbox, env.boxes, nil, false)[:config]
puts config.vm.box
puts config.vm.networks.map { |kind, network| "#{kind} #{network[:ip]}" }
puts config.vm.get_provider_config(:virtualbox).customizations.inspect
"##;

#[test]
fn virtualbox_gets_the_box_the_address_and_the_sizes_of_the_settings() {
    let machines = tempfile::tempdir().unwrap();
    let output = Command::new("ruby")
        .args(["-e", VIRTUALBOX])
        .current_dir(Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../vagrant"))
        .env("VAGRANT_HOME", machines.path().join("home"))
        .env("VAGRANT_DOTFILE_PATH", machines.path())
        .env("CLUSTER_BOX", "centos/7")
        .env("CLUSTER_AGENT_MEMORY", "4096")
        .output()
        .unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    for wanted in
        ["centos/7\n", "private_network 172.24.197.102\n", r#""--cpus", 2"#, r#""--memory", "4096""#]
    {
        assert!(said.contains(wanted), "no {wanted:?} in\n{said}");
    }
}
