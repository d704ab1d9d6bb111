//! What is looked at before anything changes: cluster × desired × facts of all hosts × plans → findings. Pure.
//!
//! Every check has a name that stays, a line that says what it is about, and reports all hosts at once. [`ALL`] is the
//! table of them; the reference page is made of it.

mod between;
mod host;
mod identity;
mod mesos;
mod network;
mod ports;
mod software;
mod tls;

pub use between::{Answers, questions};

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, ClusterHost};
use crate::desired::DesiredHost;
use crate::facts::Facts;
use crate::model::{HostName, HostPath};
use crate::plan::{HostPlan, PlanError};
use crate::repository::PackageSet;

/// One check.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name, which `--skip-check` takes.
    pub name: &'static str,
    /// What it makes sure of, in a line.
    pub about: &'static str,
    /// What an operator does about it, in a line or two.
    pub remedy: &'static str,
    /// The highest level that it reports.
    pub level: Level,
    judge: Judge,
}

#[derive(Debug, Clone, Copy)]
enum Judge {
    /// From the facts, which are there anyway.
    Facts(fn(&Input<'_>) -> Vec<Problem>),
    /// From what hosts see around them, which takes another round trip.
    Survey(fn(&Input<'_>, &Answers) -> Vec<Problem>),
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It is shown, and the run goes on.
    Warn,
    /// The run is refused before anything is changed.
    Fail,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The check's name.
    pub name: String,
    /// The host that it concerns; none where it concerns all of them, or none was found wanting.
    #[schemars(with = "Option<String>")]
    pub host: Option<HostName>,
    /// Whether all is well.
    pub ok: bool,
    /// What was seen.
    pub seen: String,
    /// How bad it is; none where all is well.
    pub level: Option<Level>,
    /// What to do.
    pub remedy: Option<String>,
}

/// What there is to be judged.
pub struct Input<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The hosts that answered.
    pub hosts: Vec<Subject<'a>>,
}

/// One host that answered.
pub struct Subject<'a> {
    /// Its place in the cluster.
    pub host: &'a ClusterHost,
    /// What it must be like.
    pub desired: &'a DesiredHost,
    /// What it is like.
    pub facts: &'a Facts,
    /// What would be changed, or why it cannot be planned.
    pub plan: Result<&'a HostPlan, &'a PlanError>,
    /// The packages that it gets.
    pub packages: Option<&'a PackageSet>,
}

/// What is wrong with one host.
struct Problem {
    host: HostName,
    level: Level,
    seen: String,
    remedy: String,
}

/// Every check there is, in the order in which they are reported.
pub const ALL: &[Check] = &[
    Check {
        name: "ownership",
        about: "no other cluster's run, and no run for another host, has installed the host",
        remedy: "correct the address in the inventory, or take the host over with `--adopt`",
        level: Level::Fail,
        judge: Judge::Facts(host::ownership),
    },
    Check {
        name: "systemd",
        about: "the host is run by systemd, and no unit that is wanted is masked",
        remedy: "take another host, or unmask the unit",
        level: Level::Fail,
        judge: Judge::Facts(host::systemd),
    },
    Check {
        name: "package-manager",
        about: "rpm is there with dnf or yum, and can read its database",
        remedy: "install dnf and rpm, or run `rpm --rebuilddb`",
        level: Level::Fail,
        judge: Judge::Facts(host::package_manager),
    },
    Check {
        name: "paths",
        about: "where a file must go there is a file or nothing",
        remedy: "move away what is there",
        level: Level::Fail,
        judge: Judge::Facts(host::paths),
    },
    Check {
        name: "disk-space",
        about: "uploads, what they unpack to, data and logs have room on the file systems that they go to",
        remedy: "free some space, or make the file system larger",
        level: Level::Fail,
        judge: Judge::Facts(host::disk_space),
    },
    Check {
        name: "memory",
        about: "the host has memory enough for its services, and an agent offers no more than there is",
        remedy: "take a larger host, or offer less",
        level: Level::Fail,
        judge: Judge::Facts(host::memory),
    },
    Check {
        name: "kernel",
        about: "the kernel is not too old for Calico (2.6.24) and Docker (3.10)",
        remedy: "update the kernel and reboot",
        level: Level::Fail,
        judge: Judge::Facts(host::kernel),
    },
    Check {
        name: "kernel-modules",
        about: "the kernel modules that Calico uses are loaded, or there to be loaded",
        remedy: "install the kernel's modules",
        level: Level::Fail,
        judge: Judge::Facts(host::kernel_modules),
    },
    Check {
        name: "hostname",
        about: "host names are unique, and Calico, which uses the kernel's, sees the name that the inventory has",
        remedy: "set the name with `hostnamectl set-hostname NAME`",
        level: Level::Fail,
        judge: Judge::Facts(identity::hostname),
    },
    Check {
        name: "machine-id",
        about: "no two hosts have one machine id, as copies of an image do",
        remedy: "give all but one a new one with `systemd-machine-id-setup`, and reboot",
        level: Level::Fail,
        judge: Judge::Facts(identity::machine_id),
    },
    Check {
        name: "clock",
        about: "no host's clock is more than 30 s away from the others'",
        remedy: "set the clock, and keep it right with NTP",
        level: Level::Fail,
        judge: Judge::Facts(identity::clock),
    },
    Check {
        name: "ports",
        about: "nothing else holds a port that a service of the host listens on",
        remedy: "stop what holds the port, or give the service another one",
        level: Level::Fail,
        judge: Judge::Facts(ports::ports),
    },
    Check {
        name: "versions",
        about: "Mesos, Marathon and Docker, where they stay as they are, are not too old for one another",
        remedy: "update the package, or have it installed from the repository",
        level: Level::Fail,
        judge: Judge::Facts(software::versions),
    },
    Check {
        name: "downgrade",
        about: "nothing that others installed would be replaced by an earlier version",
        remedy: "take a release that is not older, or keep what is there with `[packages] provided`",
        level: Level::Fail,
        judge: Judge::Facts(software::downgrade),
    },
    Check {
        name: "provided",
        about: "the hosts' own repositories have the packages that `[packages] provided` leaves to them",
        remedy: "install the package, add a repository that has it, or take it out of `[packages] provided`",
        level: Level::Fail,
        judge: Judge::Survey(between::provided),
    },
    Check {
        name: "cluster-store",
        about: "Docker still knows a cluster store (from 1.9 on, and no longer in 23.0), which Calico's networks need",
        remedy: "install a Docker from 1.9 to 20.10",
        level: Level::Fail,
        judge: Judge::Facts(software::cluster_store),
    },
    Check {
        name: "module-version",
        about: "net-modules was built for exactly the Mesos that is or comes to be on the host",
        remedy: "build net-modules for that Mesos, or remove the package that was built for another",
        level: Level::Fail,
        judge: Judge::Facts(software::module_version),
    },
    Check {
        name: "module-files",
        about: "every library and command that modules.json names is in a package or a file of the host: \
                where one is missing, tasks silently use the host's network",
        remedy: "correct the path in `[vars]`, or install the package that has the file",
        level: Level::Fail,
        judge: Judge::Facts(software::module_files),
    },
    Check {
        name: "quorum",
        about: "the masters' `--quorum` is a majority of the inventory's masters, also where masters run already",
        remedy: "list every master in the inventory; add or take away masters in single steps",
        level: Level::Fail,
        judge: Judge::Facts(mesos::quorum),
    },
    Check {
        name: "peer-tls",
        about: "members of a running quorum all speak TLS to one another, or none of them does, also after the run",
        remedy: "stop all members, then run again",
        level: Level::Fail,
        judge: Judge::Facts(tls::peers),
    },
    Check {
        name: "tls-authority",
        about: "services go on trusting the authority that they trust: a new one beside it would cut hosts off from \
                one another",
        remedy: "put the authority's folder back, or add the old authority's certificate to the new one",
        level: Level::Fail,
        judge: Judge::Facts(tls::authority),
    },
    Check {
        name: "stray-flags",
        about: "no file that the inventory does not know lies in a folder whose every file Mesos takes for a flag",
        remedy: "delete the file, or give the flag in the inventory",
        level: Level::Fail,
        judge: Judge::Facts(mesos::stray_flags),
    },
    Check {
        name: "ip-pool",
        about: "the containers' addresses overlap with no network that a host is in",
        remedy: "choose another `ip_pool`",
        level: Level::Fail,
        judge: Judge::Facts(network::ip_pool),
    },
    Check {
        name: "task-routes",
        about: "agents with the Mesos containerizer have calico-node, without which tasks get addresses and no routes",
        remedy: "give the agents the roles `calico-node` and `docker`",
        level: Level::Warn,
        judge: Judge::Facts(network::task_routes),
    },
    Check {
        name: "network-manager",
        about: "NetworkManager, where it runs, leaves Calico's interfaces alone",
        remedy: "name them in `unmanaged-devices`",
        level: Level::Warn,
        judge: Judge::Facts(network::network_manager),
    },
    Check {
        name: "selinux",
        about: "whether SELinux enforces on hosts whose containers it concerns",
        remedy: "see that the labels of the folders which containers use fit",
        level: Level::Warn,
        judge: Judge::Facts(network::selinux),
    },
    Check {
        name: "firewalld",
        about: "firewalld, where it runs, can be told which ports and protocols to let through",
        remedy: "mend `firewall-cmd`, or open them by hand",
        level: Level::Warn,
        judge: Judge::Facts(network::firewalld),
    },
    Check {
        name: "names",
        about: "on every host the name of every other resolves, and to its address",
        remedy: "put the names into DNS or `/etc/hosts`",
        level: Level::Fail,
        judge: Judge::Survey(between::names),
    },
    Check {
        name: "reachability",
        about: "every host reaches the ports of the roles that its own need; a refused connection counts as reached",
        remedy: "open the ports in firewalls and security groups between the hosts",
        level: Level::Fail,
        judge: Judge::Survey(between::reachability),
    },
];

/// The names of all checks.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|check| check.name)
}

/// Whether a check that is not in `skip` wants to know what hosts see around them.
pub fn survey(skip: &BTreeSet<&str>) -> bool {
    ALL.iter().any(|check| matches!(check.judge, Judge::Survey(_)) && !skip.contains(check.name))
}

/// The outcome of every check that is not in `skip`, in the order of [`ALL`]: for each what it found, or one line that
/// all is well. Checks of what hosts see around them say something of the hosts in `answers` only.
pub fn run(input: &Input<'_>, answers: &Answers, skip: &BTreeSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in ALL.iter().filter(|check| !skip.contains(check.name)) {
        let (problems, looked_at) = match check.judge {
            Judge::Facts(judge) => (judge(input), input.hosts.len()),
            Judge::Survey(judge) => (judge(input, answers), answers.len()),
        };
        if problems.is_empty() {
            let hosts = if looked_at == 1 { "1 host" } else { &format!("{looked_at} hosts") };
            let seen = format!("nothing to find fault with on {hosts}");
            findings.push(Finding {
                name: check.name.to_owned(),
                host: None,
                ok: true,
                seen,
                level: None,
                remedy: None,
            });
        }
        findings.extend(problems.into_iter().map(|problem| Finding {
            name: check.name.to_owned(),
            host: Some(problem.host),
            ok: false,
            seen: problem.seen,
            level: Some(problem.level),
            remedy: Some(problem.remedy),
        }));
    }
    findings
}

/// What a map has at a path that is known as text only.
fn at<'m, V>(map: &'m BTreeMap<HostPath, V>, path: &str) -> Option<&'m V> {
    map.get(&path.parse::<HostPath>().ok()?)
}

impl Subject<'_> {
    fn problem(&self, level: Level, seen: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem { host: self.host.name.clone(), level, seen: seen.into(), remedy: remedy.into() }
    }

    fn fail(&self, seen: impl Into<String>, remedy: impl Into<String>) -> Problem {
        self.problem(Level::Fail, seen, remedy)
    }

    fn warn(&self, seen: impl Into<String>, remedy: impl Into<String>) -> Problem {
        self.problem(Level::Warn, seen, remedy)
    }

    /// Whether Calico is at work on the host.
    fn has_calico(&self) -> bool {
        self.host.has("calico-node") || self.host.has("calico-mesos")
    }
}
