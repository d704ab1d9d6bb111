//! Whether the ports of the host's services are free, or held by these services already.

use super::{Input, Problem, Subject};
use crate::desired::ManagedUnit;
use crate::facts::{Listener, problems};
use crate::model::PortRange;
use crate::roles::Protocol;

pub(super) fn ports(input: &Input<'_>) -> Vec<Problem> {
    input.hosts.iter().flat_map(|subject| of_host(input, subject)).collect()
}

fn of_host(input: &Input<'_>, subject: &Subject<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    let healthy = |unit: &ManagedUnit| {
        problems(&subject.desired.units, subject.facts)
            .iter()
            .any(|(other, problem)| other.name == unit.name && problem.is_none())
    };
    for role in subject.host.roles.iter().filter_map(|name| input.cluster.roles.get(name.as_str())) {
        // A role without units of its own listens nowhere.
        let Some(unit) = subject.desired.units.iter().find(|unit| unit.role == role.name) else { continue };
        if healthy(unit) {
            continue;
        }
        for port in &role.ports {
            let Some(ports) = subject.host.ports(&port.port) else { continue };
            let udp = port.protocol == Protocol::Udp;
            let holders = subject.facts.around.listeners.iter();
            let foreign = |listener: &&Listener| {
                listener.udp == udp && ports.has(listener.port) && !is_ours(subject, unit, listener)
            };
            if let Some(listener) = holders.clone().find(foreign) {
                found.push(held(subject, unit, ports, listener));
            }
        }
    }
    found
}

/// Whether it is the unit itself that listens: as a process of its own, or as a container that an earlier run started.
fn is_ours(subject: &Subject<'_>, unit: &ManagedUnit, listener: &Listener) -> bool {
    let Some(process) = &listener.process else {
        // Who began to listen while the host was asked may not be named yet. Where the unit runs, it is that.
        let unit = subject.facts.units.get(unit.name.as_str());
        return unit.is_some_and(|unit| unit.is_running() || unit.active == "activating");
    };
    let Some(of) = process.unit.as_deref() else { return false };
    let by_receipt = subject.facts.receipt.as_ref().is_some_and(|receipt| receipt.units.contains(&unit.name));
    let is_container = !of.ends_with(".service") && !of.starts_with("session-") && !of.starts_with("init");
    of == unit.name.as_str() || (is_container && by_receipt)
}

fn held(subject: &Subject<'_>, unit: &ManagedUnit, ports: PortRange, listener: &Listener) -> Problem {
    let protocol = if listener.udp { "udp" } else { "tcp" };
    let (holder, remedy) = match &listener.process {
        Some(process) => {
            let of = process.unit.as_deref().filter(|unit| unit.ends_with(".service"));
            let stop = match of {
                Some(of) => format!("`systemctl disable --now {of}`"),
                None => format!("`kill {}`", process.id),
            };
            let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
            (format!("the process `{}` ({}{of})", process.name, process.id), format!("Stop it with {stop}"))
        }
        None => (
            "something that the host does not name".to_owned(),
            "See with `ss -lntup` what it is, stop it".to_owned(),
        ),
    };
    let of = if ports.only().is_some() { String::new() } else { format!(" with {ports}") };
    subject.fail(
        format!(
            "{holder} holds port {}/{protocol} at {}, which {} needs{of}",
            listener.port, listener.address, unit.name
        ),
        format!("{remedy}, or give `{}` another port in `[vars]`.", unit.role),
    )
}
