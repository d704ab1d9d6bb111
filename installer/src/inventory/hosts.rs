//! `[[hosts]]`: ranges written out, names and addresses that are there once only.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use super::{Host, Pattern, Ssh, Surroundings, Vars, parse};
use crate::diagnostic::{Kind, Mistake, Place, Reading, Spanned, TableReader, Value, quantity};
use crate::model::{HostName, RoleName};

/// Reads all `[[hosts]]`.
pub(super) fn read(root: &TableReader<'_>, ssh: &Ssh, around: &Surroundings) -> Vec<Host> {
    let tables = root.tables("hosts");
    let reading = root.reading();
    if tables.is_empty() && root.value("hosts").is_none() {
        reading.push_missing(
            Mistake::new(root.place(), "there are no hosts")
                .help("add a `[[hosts]]` with name, address and roles for each host"),
        );
    }
    let mut taken = Taken::default();
    tables.into_iter().flat_map(|table| entry(table, ssh, around, &mut taken)).collect()
}

/// Reads one `[[hosts]]`, which stands for several hosts where its name and address are ranges.
fn entry(table: TableReader<'_>, ssh: &Ssh, around: &Surroundings, taken: &mut Taken) -> Vec<Host> {
    let reading = table.reading();
    let name = table.need::<String>("name", "\"agent-1\"");
    let address = table.need::<String>("address", "\"172.24.197.102\"");
    let roles = table.need::<Vec<Spanned<RoleName>>>("roles", "[\"agent\"]");
    let attributes = table.table("attributes").map(|table| attributes(&table)).unwrap_or_default();
    let vars = table.table("vars").map(|table| parse::vars(&table)).unwrap_or_default();
    let ssh = ssh.for_host(table.table("ssh"), around);
    let place = table.place().clone();
    table.finish();

    if let Some(roles) = &roles {
        check_roles(roles, reading);
    }
    let names = name.as_ref().and_then(|name| expand(name, reading, host_name));
    let addresses = address.as_ref().and_then(|address| expand(address, reading, host_address));
    let mut hosts: Vec<(HostName, IpAddr)> = Vec::new();
    if let (Some(name), Some(names), Some(address), Some(addresses)) = (name, names, address, addresses) {
        if names.len() == addresses.len() {
            for (host, ip) in names.iter().zip(&addresses) {
                taken.check(host, &name.place, *ip, &address.place, reading);
            }
            hosts = names.into_iter().zip(addresses).collect();
        } else {
            reading.push(unequal(&name, names.len(), &address, addresses.len()));
        }
    }
    if hosts.is_empty() {
        // Its roles and variables are looked at nevertheless, under a name that nobody sees.
        hosts.extend("unnamed".parse().ok().map(|name| (name, IpAddr::V4(Ipv4Addr::UNSPECIFIED))));
    }
    let roles = roles.map(|roles| roles.value).unwrap_or_default();
    let host = |(name, address): (HostName, IpAddr)| Host {
        name,
        address,
        roles: roles.clone(),
        attributes: attributes.clone(),
        vars: Vars::clone(&vars),
        ssh: ssh.clone(),
        place: place.clone(),
    };
    hosts.into_iter().map(host).collect()
}

fn check_roles(roles: &Spanned<Vec<Spanned<RoleName>>>, reading: &Reading) {
    if roles.is_empty() && !reading.is_incomplete() {
        let help = "name at least one role, for example `roles = [\"agent\"]`";
        reading.push(Mistake::new(&roles.place, "the host has no role").help(help));
    }
    for (index, role) in roles.iter().enumerate() {
        if roles[..index].contains(role) {
            reading.push(
                Mistake::new(&role.place, format!("`{}` is there twice", role.value)).help("remove one"),
            );
        }
    }
}

/// The values that a text with a range stands for. One mistake is enough for all of them.
fn expand<T>(
    text: &Spanned<String>,
    reading: &Reading,
    parse: fn(&str) -> Result<T, (String, String)>,
) -> Option<Vec<T>> {
    let pattern = match Pattern::parse(text) {
        Ok(pattern) => pattern,
        Err(error) => {
            let place = text.place.part_of_string(text, error.span);
            reading.push(Mistake::new(&place, error.message).help(error.help));
            return None;
        }
    };
    let values: Result<Vec<T>, _> = pattern.expand().iter().map(|text| parse(text)).collect();
    values.map_err(|(message, help)| reading.push(Mistake::new(&text.place, message).help(help))).ok()
}

fn host_name(text: &str) -> Result<HostName, (String, String)> {
    text.parse().map_err(|error: crate::model::NameError| {
        (format!("`{text}` is not a host name"), error.allowed().to_owned())
    })
}

/// An address is an IPv4 address. Names are refused because addresses go into ZooKeeper's and etcd's lists
/// and into `--ip`, and what a name stands for may differ between hosts; IPv6, because Mesos before 1.0
/// does not listen on it.
fn host_address(text: &str) -> Result<IpAddr, (String, String)> {
    let not = |what: &str, help: &str| Err((format!("`{text}` {what}"), help.to_owned()));
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) if is_host(address) => Ok(IpAddr::V4(address)),
        Ok(IpAddr::V4(_)) => not(
            "is not the address of a host in a network",
            "write the address at which the other hosts reach this one",
        ),
        Ok(IpAddr::V6(_)) => {
            not("is an IPv6 address", "write an IPv4 address: Mesos 0.28 listens on nothing else")
        }
        Err(_) if text.contains('/') => not(
            "is a network, not the address of a host",
            "write the address alone, without `/` and the mask",
        ),
        Err(_) if text.parse::<std::net::SocketAddrV4>().is_ok() => {
            not("has a port", "write the address alone, and the port as `port` under `[ssh]`")
        }
        Err(_) => {
            not("is not an IPv4 address", "write four numbers from 0 to 255, for example \"172.24.197.101\"")
        }
    }
}

fn is_host(address: Ipv4Addr) -> bool {
    !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast()
}

fn unequal(name: &Spanned<String>, names: usize, address: &Spanned<String>, addresses: usize) -> Mistake {
    let fitting = Pattern::parse(address).ok().and_then(|pattern| pattern.with_len(names));
    let help = match fitting {
        Some(text) => format!("write `address = \"{text}\"`, or change the name"),
        None => format!("give the address a range of {names} too"),
    };
    Mistake::new(
        &address.place,
        format!("{} for {}", plural(addresses, "address", "addresses"), quantity(names, "name")),
    )
    .also(&name.place, "the name is here")
    .help(help)
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Reads `attributes`; numbers are taken as they are written.
fn attributes(table: &TableReader<'_>) -> BTreeMap<String, String> {
    let reading = table.reading();
    let mut attributes = BTreeMap::new();
    for entry in table.entries() {
        let key = &entry.key;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !key.starts_with(|c: char| c.is_ascii_alphanumeric()) || !key.chars().all(allowed) {
            reading.push(
                Mistake::new(&key.place, format!("`{}` cannot be an attribute's name", key.value))
                    .help("use letters, digits and `-_.`, beginning with a letter or digit"),
            );
        } else if let Some(text) = attribute(&entry.value, reading) {
            attributes.insert(key.value.clone(), text);
        }
    }
    attributes
}

fn attribute(value: &Value, reading: &Reading) -> Option<String> {
    let text = match &value.kind {
        Kind::String(text) => text.clone(),
        Kind::Integer(Some(number)) => number.to_string(),
        Kind::Float(number) if number.is_finite() => number.to_string(),
        _ => {
            let message = format!("expected a string or a number, found {}", value.describe());
            reading.push(Mistake::new(&value.place, message).help("put the value between double quotes"));
            return None;
        }
    };
    if text.trim().is_empty() || text.contains(|c: char| c == ';' || c.is_control()) {
        let help = "write a text without `;` and line breaks, which is not empty";
        reading.push(Mistake::new(&value.place, "Mesos cannot take this as an attribute's value").help(help));
        return None;
    }
    Some(text)
}

/// Names and addresses that are taken, and where.
#[derive(Default)]
struct Taken {
    names: HashMap<String, Place>,
    addresses: HashMap<IpAddr, Place>,
}

impl Taken {
    fn check(&mut self, name: &HostName, name_at: &Place, ip: IpAddr, ip_at: &Place, reading: &Reading) {
        // Host names are not told apart by case.
        if let Some(first) = self.names.get(&name.as_str().to_lowercase()) {
            reading.push(
                Mistake::new(name_at, format!("there are two hosts `{name}`"))
                    .also(first, "the first is here")
                    .help("give every host a name of its own"),
            );
        } else {
            self.names.insert(name.as_str().to_lowercase(), name_at.clone());
        }
        if let Some(first) = self.addresses.get(&ip) {
            reading.push(
                Mistake::new(ip_at, format!("there are two hosts with the address {ip}"))
                    .also(first, "the first is here")
                    .help("give every host an address of its own"),
            );
        } else {
            self.addresses.insert(ip, ip_at.clone());
        }
    }
}
