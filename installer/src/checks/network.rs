//! What else on a host has to do with its network.

use ipnet::IpNet;

use super::{Input, Problem, Subject};
use crate::desired::SystemSetting;
use crate::facts::Network;

pub(super) fn ip_pool(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for subject in input.hosts.iter().filter(|subject| subject.has_calico()) {
        let pool = subject.host.vars.get("ip_pool").and_then(serde_json::Value::as_str);
        let Some(pool) = pool.and_then(|pool| pool.parse::<IpNet>().ok()) else { continue };
        let is_calicos = |network: &&Network| {
            ["lo", "cali", "tunl"].iter().any(|prefix| network.interface.starts_with(prefix))
        };
        let networks = subject.facts.around.networks.iter().filter(|network| !is_calicos(network));
        let overlap = |network: &&Network| {
            let net = network.address.trunc();
            pool.contains(&net) || net.contains(&pool)
        };
        if let Some(network) = networks.clone().find(overlap) {
            let seen = format!(
                "its interface {} is in {}, which overlaps with the containers' {pool}",
                network.interface,
                network.address.trunc()
            );
            problems.push(
                subject.fail(
                    seen,
                    "Choose an `ip_pool` in `[vars]` that no network of the hosts overlaps with.",
                ),
            );
        } else if let Some(other) = input.cluster.hosts.iter().find(|host| pool.contains(&host.address)) {
            let seen =
                format!("the address {} of {} is among the containers' {pool}", other.address, other.name);
            problems
                .push(subject.fail(seen, "Choose an `ip_pool` in `[vars]` that no host's address is in."));
        }
    }
    problems
}

pub(super) fn task_routes(input: &Input<'_>) -> Vec<Problem> {
    let without =
        |subject: &&Subject<'_>| subject.host.has("calico-mesos") && !subject.host.has("calico-node");
    let problem = |subject: &Subject<'_>| {
        subject.warn(
            "it has calico-mesos and no calico-node: its tasks get addresses, and nothing makes routes and filters of them",
            "Give agents the roles `calico-node` and `docker` as well, or run calico-node there by other means.",
        )
    };
    input.hosts.iter().filter(without).map(problem).collect()
}

fn runs(subject: &Subject<'_>, unit: &str) -> bool {
    subject.facts.units.get(unit).is_some_and(|unit| unit.is_running())
}

/// Where NetworkManager is told to leave Calico's interfaces alone.
const SPARED: &str = "/etc/NetworkManager/conf.d/calico.conf";

pub(super) fn network_manager(input: &Input<'_>) -> Vec<Problem> {
    let touches = |subject: &&Subject<'_>| {
        let unmanaged = subject.facts.around.unmanaged.join(" ");
        let spared = unmanaged.contains("cali") && unmanaged.contains("tunl");
        let will_be = subject.desired.files.keys().any(|path| path.as_str() == SPARED);
        subject.has_calico() && runs(subject, "NetworkManager.service") && !spared && !will_be
    };
    let problem = |subject: &Subject<'_>| {
        subject.warn(
            "NetworkManager runs and may take away the routes and addresses of Calico's interfaces",
            format!(
                "Write `[keyfile]` and `unmanaged-devices=interface-name:cali*;interface-name:tunl*` to {SPARED} and run \
                 `systemctl reload NetworkManager`."
            ),
        )
    };
    input.hosts.iter().filter(touches).map(problem).collect()
}

pub(super) fn selinux(input: &Input<'_>) -> Vec<Problem> {
    let concerned = |subject: &&Subject<'_>| {
        subject.facts.around.selinux == Some(true) && (subject.has_calico() || subject.host.has("docker"))
    };
    let problem = |subject: &Subject<'_>| {
        let unknown = subject.desired.system.iter().filter_map(|setting| match setting {
            SystemSetting::Label { path, kind } if subject.facts.system.unknown_types.contains(kind) => {
                Some(format!("{path} cannot be {kind}"))
            }
            _ => None,
        });
        let unknown: Vec<String> = unknown.collect();
        if unknown.is_empty() {
            return subject.warn(
                "SELinux enforces, and keeps containers from folders of the host that are not labelled for them",
                "If containers are denied something (`ausearch -m avc`), label the folder with `chcon -Rt svirt_sandbox_file_t`.",
            );
        }
        subject.warn(
            format!("SELinux enforces by a policy that has no such type: {}", unknown.join(", ")),
            "Install a policy for containers (`container-selinux`), or have SELinux permissive: `selinux_permissive = true` in \
             `[vars]`.",
        )
    };
    input.hosts.iter().filter(concerned).map(problem).collect()
}

pub(super) fn firewalld(input: &Input<'_>) -> Vec<Problem> {
    let deaf = |subject: &&Subject<'_>| {
        runs(subject, "firewalld.service") && subject.facts.system.firewall.is_none()
    };
    let mut problems = Vec::new();
    for subject in input.hosts.iter().filter(deaf) {
        let passes = |setting: &&SystemSetting| {
            matches!(setting, SystemSetting::Port { .. } | SystemSetting::Protocol { .. })
        };
        let let_through: Vec<_> =
            subject.desired.system.iter().filter(passes).map(ToString::to_string).collect();
        if !let_through.is_empty() {
            let remedy = format!(
                "See why `firewall-cmd --state` fails, or let them through by hand: {}.",
                let_through.join(", ")
            );
            problems.push(
                subject.warn("firewalld runs, and `firewall-cmd` cannot be used to open its ports", remedy),
            );
        }
    }
    problems
}
