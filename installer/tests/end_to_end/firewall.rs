//! firewalld and NetworkManager, the real ones: what roles need is let through at once and for good, and closed when they
//! are gone; Calico's interfaces are left alone.

use std::process::{Command, Stdio};

use crate::harness::{Lab, text};

const TOOL: &str = env!("CARGO_BIN_EXE_calico-mesos-install");

/// firewalld and NetworkManager of Debian with what they run on, as far as lab hosts do not have it.
const PACKAGES: [&str; 21] = [
    "firewalld",
    "gir1.2-glib-2.0",
    "gir1.2-nm-1.0",
    "ipset",
    "libbluetooth3",
    "libgirepository-1.0-1",
    "libipset13",
    "libjansson4",
    "libmm-glib0",
    "libndp0",
    "libnewt0.52",
    "libnftables1",
    "libnm0",
    "libslang2",
    "libteamdctl0",
    "network-manager",
    "nftables",
    "python3-cap-ng",
    "python3-firewall",
    "python3-gi",
    "python3-nftables",
];

#[test]
fn firewalld_and_network_manager_are_told_what_roles_need() {
    let lab = Lab::up("firewall", 239, 1, 1);
    let hosts = ["master-1", "agent-1"];
    fetch(&lab);
    hosts.iter().for_each(|host| install(&lab, host));
    // What NetworkManager does to an interface that nobody told it about.
    add_interface(&lab, "cali0");
    wait_until(&lab, "cali0", "[3-9]?\\ *");

    // Without its ports nothing would become healthy: hosts reach one another through their firewalls.
    assert_eq!(lab.apply().exit(0).outcome("agent-1"), "changed");
    let of_agent = ["5051/tcp"];
    let of_master = [
        "53/tcp", "53/udp", "2181/tcp", "2379/tcp", "2380/tcp", "2888/tcp", "3888/tcp", "5050/tcp",
        "8080/tcp", "8123/tcp",
    ];
    assert_eq!(open(&lab, "agent-1"), of_agent);
    assert_eq!(open(&lab, "master-1"), of_master);
    assert_eq!(lab.run("plan", &["--detailed-exitcode"]).exit(0).totals(), [0, 2, 0, 0, 0]);

    // It was told while it runs. When it has come to the interface that was made later, it has left out the one before.
    add_interface(&lab, "cali1");
    add_interface(&lab, "other0");
    wait_until(&lab, "other0", "[3-9]?\\ *");
    wait_until(&lab, "cali1", "10\\ *");

    // What is closed by hand is opened again; what was opened by hand stays.
    lab.on(
        "agent-1",
        "firewall-cmd -q --remove-port 5051/tcp && firewall-cmd -q --permanent --add-port 9/tcp",
    );
    assert_eq!(lab.apply().exit(0).totals(), [1, 1, 0, 0, 0]);
    lab.on("agent-1", "firewall-cmd -q --reload");
    assert_eq!(open(&lab, "agent-1"), ["9/tcp", "5051/tcp"]);

    lab.run("reset", &["--yes"]).exit(0);
    assert_eq!(open(&lab, "agent-1"), ["9/tcp"]);
    assert!(open(&lab, "master-1").is_empty());
}

fn fetch(lab: &Lab) {
    fs_err::create_dir_all(lab.path("debs")).unwrap();
    let mut apt = Command::new("apt-get");
    apt.args(["-q", "-o", "APT::Sandbox::User=root", "download"])
        .args(PACKAGES)
        .current_dir(lab.path("debs"));
    let output = apt.output().unwrap();
    assert!(output.status.success(), "run `apt-get update`: {}", text(&output.stderr));
}

/// What they need of polkit, which programs of desktops need, is left out.
fn install(lab: &Lab, host: &str) {
    let mut tar = Command::new("tar")
        .args(["-C", lab.path("debs").as_str(), "-c", "."])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let script = "mkdir /tmp/debs && tar -x -C /tmp/debs && dpkg -i --force-depends /tmp/debs/*.deb && rm -r /tmp/debs && \
                  systemctl start firewalld NetworkManager && firewall-cmd --state";
    let mut ssh = Command::new(TOOL);
    ssh.args(["lab", "ssh", "--dir", lab.dir().as_str(), host, "--", script])
        .stdin(tar.stdout.take().unwrap());
    let output = ssh.output().unwrap();
    tar.wait().unwrap();
    assert!(output.status.success(), "{host}: {}{}", text(&output.stdout), text(&output.stderr));
}

/// Makes an interface on the agent, with a pair by which it is connected.
fn add_interface(lab: &Lab, name: &str) {
    lab.on(
        "agent-1",
        &format!(
            "ip link add {name} type veth peer name {name}x && ip link set {name} up && ip link set {name}x up"
        ),
    );
}

/// Waits until NetworkManager on the agent sees an interface in a state that the pattern fits: 10 is left alone, from 30
/// on it is its own.
fn wait_until(lab: &Lab, interface: &str, pattern: &str) {
    let state = format!("nmcli -t -g GENERAL.STATE device show {interface} 2>/dev/null");
    let script = format!(
        "for i in $(seq 100); do case $({state}) in {pattern}) exit 0;; esac; sleep 0.1; done; {state}; exit 1"
    );
    lab.on("agent-1", &script);
}

/// The ports that the host's firewall lets through, which must be the same now and after a restart.
fn open(lab: &Lab, host: &str) -> Vec<String> {
    let ports = |options: &str| {
        let listed = lab.on(host, &format!("firewall-cmd {options} --list-ports"));
        let mut ports: Vec<String> = listed.split_whitespace().map(str::to_owned).collect();
        ports.sort_by_key(|port| (port.split('/').next().and_then(|n| n.parse::<u16>().ok()), port.clone()));
        ports
    };
    let now = ports("");
    assert_eq!(ports("--permanent"), now, "{host}");
    now
}
