//! The lab's network: a bridge, and for each host a network namespace with a cable into the bridge.

use std::net::Ipv4Addr;

use camino::{Utf8Path, Utf8PathBuf};
use ipnet::Ipv4Net;
use serde::Deserialize;

use super::Error;
use super::names::LabId;
use super::program::{Program, ProgramError};
use super::record::{Host, Record};

/// Where `ip` keeps the names of network namespaces.
const NAMESPACES: &str = "/run/netns";

/// Where the kernel shows this machine's network devices: unlike the list that `ip` gets in pieces, never a mixture
/// of before and after somebody else's change.
const DEVICES: &str = "/sys/class/net";

/// The flag of a device that is switched on.
const IFF_UP: u32 = 1;

/// What `ip -j route` says about a route; other keys are not asked for.
#[derive(Debug, Deserialize)]
struct Route {
    dst: String,
    #[serde(default)]
    dev: Option<String>,
}

/// Refuses a subnet that this machine already reaches some other way than through the lab's own bridge.
///
/// # Errors
///
/// [`Error::Overlap`], or `ip` failed.
pub(super) fn check_subnet(id: &LabId, subnet: Ipv4Net) -> Result<(), Error> {
    let routes = routes()?;
    match overlap(&routes, id.bridge(), subnet) {
        None => Ok(()),
        Some((other, device)) => {
            Err(Error::Overlap { subnet, other, device, example: free(&routes, subnet.prefix_len()) })
        }
    }
}

/// How often the routes are asked for again when they change meanwhile.
const ATTEMPTS: usize = 10;

/// This machine's routes.
fn routes() -> Result<Vec<Route>, Error> {
    let mut text = String::new();
    for _ in 0..ATTEMPTS {
        let output = Program::new("ip").args(["-j", "-4", "route", "show", "table", "all"]).output()?;
        text = String::from_utf8_lossy(&output.stdout).into_owned();
        // `ip` complains when the answer is a mixture of before and after a change.
        if output.status.success() && output.stderr.is_empty() {
            break;
        }
    }
    parse(&text)
}

/// The first route that overlaps the subnet and does not belong to the device `own`.
fn overlap(routes: &[Route], own: &str, subnet: Ipv4Net) -> Option<(Ipv4Net, String)> {
    routes
        .iter()
        .filter(|route| route.dev.as_deref() != Some(own))
        .filter_map(|route| Some((destination(&route.dst)?, route.dev.clone().unwrap_or_default())))
        .find(|(other, _)| other.contains(&subnet.network()) || subnet.contains(&other.network()))
}

/// A route's destination; `None` for the default route, which overlaps everything and says nothing.
fn destination(text: &str) -> Option<Ipv4Net> {
    text.parse().ok().or_else(|| text.parse::<Ipv4Addr>().ok().map(Ipv4Net::from))
}

/// A private subnet of 256 addresses, or more if so many were asked for, that nothing here uses.
fn free(routes: &[Route], prefix: u8) -> Ipv4Net {
    let candidates = Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12);
    let mut subnets: Vec<Ipv4Net> = candidates.subnets(prefix.clamp(12, 24)).into_iter().flatten().collect();
    // From the end: low private networks are what others take first.
    subnets.reverse();
    subnets
        .into_iter()
        .find(|subnet| overlap(routes, "", *subnet).is_none())
        .unwrap_or_else(|| Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 24))
}

/// Makes the bridge and gives it the subnet's first address; does nothing if it is there.
///
/// # Errors
///
/// `ip` failed.
pub(super) fn raise_bridge(record: &Record) -> Result<(), Error> {
    let bridge = record.id.bridge();
    if !device(bridge).exists() {
        // An address of its own, lest it take another one with every cable.
        ip(["link", "add", bridge, "address", &record.id.bridge_mac(), "type", "bridge"])?;
    }
    let address = format!("{}/{}", record.gateway(), record.subnet.prefix_len());
    ip(["address", "replace", &address, "dev", bridge])?;
    ip(["link", "set", bridge, "up"])?;
    Ok(())
}

/// Makes the host's network namespace and its cable; finishes what an interrupted run began, changes nothing else.
///
/// # Errors
///
/// `ip` failed.
pub(super) fn plug(record: &Record, host: &Host) -> Result<(), Error> {
    let namespace = record.id.machine(host.name.as_str());
    let cable = record.id.cable(record.subnet, host.address);
    if !namespace_path(&namespace).exists() {
        ip(["netns", "add", &namespace])?;
    }
    ip(["-n", &namespace, "link", "set", "lo", "up"])?;
    if device(&cable).exists() {
        // Configured, perhaps cut: both are to stay.
        if configured(&namespace)? {
            return Ok(());
        }
        ip(["link", "delete", &cable])?;
    }
    ip(["link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &namespace])?;
    ip(["link", "set", &cable, "master", record.id.bridge(), "up"])?;
    let address = format!("{}/{}", host.address, record.subnet.prefix_len());
    ip(["-n", &namespace, "address", "add", &address, "broadcast", "+", "dev", "eth0"])?;
    // Last, because this is what `configured` looks at.
    ip(["-n", &namespace, "link", "set", "eth0", "up"])?;
    Ok(())
}

/// Whether the namespace's end of the cable is set up.
fn configured(namespace: &str) -> Result<bool, Error> {
    // With its flags in angle brackets: `2: eth0@if7: <BROADCAST,MULTICAST,UP,LOWER_UP> …`.
    let text = ip(["-n", namespace, "-oneline", "link", "show"])?;
    Ok(text.lines().any(|line| line.contains(": eth0@") && (line.contains(",UP,") || line.contains(",UP>"))))
}

/// Takes the cable between host and bridge out, or puts it back; says whether that changed anything.
///
/// # Errors
///
/// `ip` failed.
pub(super) fn set_connected(record: &Record, host: &Host, connected: bool) -> Result<bool, Error> {
    if is_connected(record, host)? == connected {
        return Ok(false);
    }
    let cable = record.id.cable(record.subnet, host.address);
    ip(["link", "set", &cable, if connected { "up" } else { "down" }])?;
    Ok(true)
}

/// Whether the host's cable is plugged in at this machine's end.
///
/// # Errors
///
/// `ip` failed.
pub(super) fn is_connected(record: &Record, host: &Host) -> Result<bool, Error> {
    let cable = record.id.cable(record.subnet, host.address);
    match fs_err::read_to_string(device(&cable).join("flags")) {
        Ok(text) => {
            let flags = u32::from_str_radix(text.trim().trim_start_matches("0x"), 16);
            Ok(flags.is_ok_and(|flags| flags & IFF_UP != 0))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("looking at a host's cable")(error)),
    }
}

/// Removes the lab's cables, namespaces and bridge, whatever there is of them.
///
/// # Errors
///
/// `ip` failed for another reason than that something is gone already.
pub(super) fn tear_down(id: &LabId) -> Result<(), Error> {
    let own = |name: &str| name.starts_with(&id.prefix()) || name == id.bridge();
    for name in names(DEVICES)?.into_iter().filter(|name| own(name)) {
        let deleted = ip(["link", "delete", &name]);
        // It may have gone with its other end.
        if device(&name).exists() {
            deleted?;
        }
    }
    for namespace in namespaces(id)? {
        ip(["netns", "delete", &namespace])?;
    }
    Ok(())
}

/// The lab's network namespaces, by name.
fn namespaces(id: &LabId) -> Result<Vec<String>, Error> {
    Ok(names(NAMESPACES)?.into_iter().filter(|name| name.starts_with(&id.prefix())).collect())
}

/// The names in a folder, which need not exist.
fn names(folder: &str) -> Result<Vec<String>, Error> {
    match fs_err::read_dir(folder) {
        Ok(entries) => {
            Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io(format!("listing {folder}"))(error)),
    }
}

/// A device's folder; there if the device is.
fn device(name: &str) -> Utf8PathBuf {
    Utf8Path::new(DEVICES).join(name)
}

/// The file that stands for a network namespace.
pub(super) fn namespace_path(namespace: &str) -> Utf8PathBuf {
    Utf8Path::new(NAMESPACES).join(namespace)
}

fn ip<const N: usize>(arguments: [&str; N]) -> Result<String, ProgramError> {
    Program::new("ip").args(arguments).run()
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<Vec<T>, Error> {
    // Older versions of `ip` print nothing instead of an empty list.
    let text = if text.trim().is_empty() { "[]" } else { text };
    serde_json::from_str(text)
        .map_err(|error| Error::io("understanding what `ip -j` said")(std::io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = r#"[
        {"dst":"default","gateway":"192.0.2.1","dev":"eth0","flags":[]},
        {"dst":"192.0.2.0/24","dev":"eth0","protocol":"kernel","flags":[]},
        {"dst":"172.24.197.0/24","dev":"cmlabc123","flags":["linkdown"]},
        {"type":"local","dst":"10.9.8.7","dev":"lo","table":"local","flags":[]},
        {"type":"blackhole","dst":"172.31.255.0/24","flags":[]}]"#;

    fn found(own: &str, subnet: &str) -> Option<String> {
        let routes: Vec<Route> = parse(ROUTES).unwrap();
        overlap(&routes, own, subnet.parse().unwrap()).map(|(net, device)| format!("{net} {device}"))
    }

    #[test]
    fn overlaps_are_found_in_both_directions() {
        assert_eq!(found("x", "172.24.0.0/16").as_deref(), Some("172.24.197.0/24 cmlabc123"));
        assert_eq!(found("x", "172.24.197.128/25").as_deref(), Some("172.24.197.0/24 cmlabc123"));
        assert_eq!(found("x", "10.9.8.0/24").as_deref(), Some("10.9.8.7/32 lo"));
        assert_eq!(found("cmlabc123", "172.24.197.0/24"), None, "the lab's own bridge is no obstacle");
        assert_eq!(found("x", "172.24.198.0/24"), None, "the default route is none either");
    }

    #[test]
    fn the_example_is_free() {
        let routes: Vec<Route> = parse(ROUTES).unwrap();
        assert_eq!(free(&routes, 24).to_string(), "172.31.254.0/24");
    }
}
