//! `init`: a commented inventory to begin with.

use std::fmt::Write as _;

use anstream::print;
use clap::ValueEnum;

use super::{Common, Exit, Failure};
use crate::inventory::Containerizer;

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  calico-mesos-install init > inventory.toml
  calico-mesos-install init --masters 3 --agents 10 --containerizers docker > inventory.toml

It asks nothing, and what it prints has no mistake. Write your hosts' names and addresses over the examples.")]
pub struct Args {
    /// How many masters: an odd number.
    #[arg(long, default_value_t = 1, value_name = "N")]
    masters: u32,
    /// How many agents.
    #[arg(long, default_value_t = 2, value_name = "N")]
    agents: u32,
    /// The containerizers of the agents.
    #[arg(long, value_delimiter = ',', default_value = "mesos,docker", value_name = "NAMES")]
    containerizers: Vec<Containerizer>,
    /// Where editors find the inventory's schema; `calico-mesos-install schema` prints it.
    #[arg(long, value_name = "PATH", default_value = "./inventory.schema.json")]
    schema: String,
}

impl ValueEnum for Containerizer {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Mesos, Self::Docker]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.as_str()))
    }
}

/// The most hosts of one kind.
const LARGEST: u32 = 10_000;

pub(super) fn run(_common: &Common, args: &Args) -> Result<Exit, Failure> {
    if args.masters.is_multiple_of(2) || args.masters > LARGEST {
        return Err(Failure::usage(format!(
            "{} masters: an even number bears no more failures than one less\nuse an odd number, for example 1, 3 or 5",
            args.masters
        )));
    }
    if args.agents > LARGEST {
        let message = format!("{} agents are too many for one inventory\nuse at most {LARGEST}", args.agents);
        return Err(Failure::usage(message));
    }
    if args.schema.contains(char::is_control) {
        return Err(Failure::usage("the path of the schema must be on one line"));
    }
    print!("{}", inventory(args));
    Ok(Exit::Done)
}

fn inventory(args: &Args) -> String {
    let mut containerizers: Vec<String> =
        args.containerizers.iter().map(|name| format!("\"{name}\"")).collect();
    containerizers.sort_by(|a, b| b.cmp(a));
    containerizers.dedup();
    let mut text = HEAD.replace("CONTAINERIZERS", &containerizers.join(", ")).replace("SCHEMA", &args.schema);
    let mut next = FIRST_ADDRESS;
    let of_masters = Kind { name: "master", count: args.masters, roles: r#"["master"]"#, more: "" };
    let of_agents = Kind {
        name: "agent",
        count: args.agents,
        // `agent` includes calico-node with the Docker containerizer only, which has Docker anyway.
        roles: if args.containerizers.contains(&Containerizer::Docker) {
            r#"["agent"]"#
        } else {
            r#"["agent", "calico-node", "docker"]  # calico-node, which routes between tasks, runs in Docker"#
        },
        more: "# attributes = { rack = \"a\" }  # what frameworks can choose agents by\n",
    };
    for kind in [of_masters, of_agents] {
        hosts(&mut text, &kind, &mut next);
    }
    text
}

/// 172.24.197.101, as in the demonstrations of old.
const FIRST_ADDRESS: u32 = u32::from_be_bytes([172, 24, 197, 101]);

/// Hosts that are alike.
struct Kind {
    /// What their names begin with.
    name: &'static str,
    count: u32,
    /// Their roles, as TOML.
    roles: &'static str,
    /// Further lines.
    more: &'static str,
}

/// Writes `[[hosts]]` for hosts of a kind, one for each network of 254 that they need.
fn hosts(text: &mut String, kind: &Kind, next: &mut u32) {
    let Kind { name, count, roles, more } = *kind;
    let mut first = 1;
    while first <= count {
        let [a, b, c, start] = next.to_be_bytes();
        let last = count.min(first + 254 - u32::from(start));
        let end = u32::from(start) + last - first;
        let range =
            |from: u32, to: u32| if from == to { from.to_string() } else { format!("{{{from}..{to}}}") };
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            "\n[[hosts]]\nname = \"{name}-{}\"\naddress = \"{a}.{b}.{c}.{}\"\nroles = {roles}\n{more}",
            range(first, last),
            range(u32::from(start), end),
        );
        first = last + 1;
        *next += end - u32::from(start) + 1;
        if *next % 256 == 255 {
            *next += 2;
        }
    }
}

const HEAD: &str = r#"#:schema SCHEMA
# An inventory of calico-mesos-install: which hosts there are, and what runs on them.
# `calico-mesos-install validate` checks it, `plan` shows what would be done, `apply` does it. The first line is for
# editors, which complete and check with the schema that `calico-mesos-install schema` prints.

[cluster]
name = "demo"
release = "0.28"  # which versions: a file in specs/releases/
containerizers = [CONTAINERIZERS]  # "mesos", "docker", or both

[packages]
repo = "dist"  # what `calico-mesos-install build` made; relative to this file
# provided = ["docker"]  # packages that the hosts' own repositories have

[ssh]
user = "root"  # any other user becomes root through sudo
# port = 22
# identity_file = "~/.ssh/id_ed25519"  # else the agent is asked, and ~/.ssh/config
# known_hosts = "~/.ssh/known_hosts"
# become = "sudo"  # "none" for a user that needs no sudo
# become_password_file = "~/.sudo-password"  # where sudo asks for one; else it is asked for once
# connect_timeout = "10s"
# command_timeout = "15m"
# silence_timeout = "5m"

[rollout]
forks = 32  # hosts that are worked on at once
agents_at_once = "20%"  # agents that may be out of service at once, a share or a number
max_failures = 0  # agents that may fail before no other is begun

[tls]
mode = "off"  # "generate": an authority of the cluster's own; "files": certificates that you have
# dir = "tls"  # generate: where its keys and certificates are; keep it as you keep passwords
# validity = "365d"
# renew_before = "30d"
# ca = "ca.pem"  # files: {host} stands for the host's name
# cert = "{host}.pem"
# key = "{host}.key"

# Variables of the roles: roles/*.toml lists them all, with their defaults.
[vars]
# mesos_agent_docker_images = true
# ip_pool = "192.168.0.0/16"

# Names and addresses may have a range: {1..3} is 1, 2 and 3. A host can also have `vars`, and an `ssh` with
# port, user and identity_file of its own. ZooKeeper numbers its hosts in this order: add new ones behind.
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;
    use crate::inventory::{Inventory, Surroundings};

    fn made(masters: u32, agents: u32) -> Vec<String> {
        let containerizers = vec![Containerizer::Docker];
        let args = Args { masters, agents, containerizers, schema: "x.json".to_owned() };
        let source = Source::new("inventory.toml", inventory(&args));
        let inventory = Inventory::parse(&source, &Surroundings::default()).unwrap();
        inventory.hosts.iter().map(|host| format!("{} {}", host.name, host.address)).collect()
    }

    #[test]
    fn as_many_hosts_as_were_asked_for() {
        assert_eq!(made(1, 0), ["master-1 172.24.197.101"]);
        let many = made(3, 500);
        assert_eq!(many.len(), 503);
        assert_eq!(many[153], "agent-151 172.24.197.254");
        assert_eq!(many[154], "agent-152 172.24.198.1");
        assert_eq!(many[502], "agent-500 172.24.199.95");
    }

    #[test]
    fn the_example_is_what_init_prints() {
        let args = Args {
            masters: 1,
            agents: 2,
            containerizers: vec![Containerizer::Mesos, Containerizer::Docker],
            schema: "docs/reference/inventory.schema.json".to_owned(),
        };
        let example = include_str!("../../../inventory.example.toml");
        assert_eq!(
            example,
            inventory(&args),
            "write the output of `calico-mesos-install init --schema docs/reference/inventory.schema.json` to the example"
        );
    }
}
