//! The inventory's schema.

#![expect(dead_code, reason = "the types say what the keys are; only their schemas are used")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Value as Json, json};

use super::vars;
use crate::inventory::Containerizer;
use crate::roles::{Catalogue, Role, Scope};

/// An inventory of calico-mesos-install: which hosts there are, how they are reached, and what runs on them.
#[derive(JsonSchema)]
#[schemars(title = "inventory", deny_unknown_fields)]
struct InventoryFile {
    /// Which cluster this is.
    cluster: ClusterTable,
    /// Where the packages come from.
    packages: Option<PackagesTable>,
    /// How hosts are reached. What is left out is taken from `~/.ssh/config`, else from SSH's own defaults.
    ssh: Option<SshTable>,
    /// What a run may do at once, and how many failures it bears.
    rollout: Option<RolloutTable>,
    /// Whether services speak TLS, and with which certificates.
    tls: Option<TlsTable>,
    /// Values for the roles' variables, on all hosts.
    vars: Option<BTreeMap<String, Json>>,
    /// The hosts. A name and an address with a range, such as `{1..3}`, are many hosts.
    #[schemars(length(min = 1))]
    hosts: Vec<HostTable>,
}

/// Which cluster this is.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ClusterTable {
    /// The cluster's name: letters, digits, blanks and `._-`, beginning with a letter or digit. Hosts remember it,
    /// and refuse another cluster's run.
    #[schemars(extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9 ._-]*$", "examples" = ["demo"]))]
    name: String,
    /// Which versions: a file in `specs/releases/`.
    #[schemars(extend("examples" = ["0.28"]))]
    release: String,
    /// What runs the containers of the agents: one or both.
    #[schemars(length(min = 1), extend("uniqueItems" = true, "examples" = [["mesos"]]))]
    containerizers: Vec<Containerizer>,
}

/// Where the packages come from.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PackagesTable {
    /// The folder that `build` wrote; relative to the inventory.
    #[schemars(extend("default" = "dist"))]
    repo: Option<String>,
    /// Packages that the hosts' own repositories have, in whatever version.
    #[schemars(extend("default" = []))]
    provided: Option<Vec<String>>,
}

/// How hosts are reached.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SshTable {
    /// The user that logs in.
    user: Option<String>,
    /// The port of the SSH server.
    #[schemars(range(min = 1, max = 65535))]
    port: Option<u16>,
    /// The private key; without one the agent is asked, and `~/.ssh/config`.
    #[schemars(extend("examples" = ["~/.ssh/id_ed25519"]))]
    identity_file: Option<String>,
    /// The file of known host keys. Unknown and changed keys are refused.
    #[schemars(extend("examples" = ["~/.ssh/known_hosts"]))]
    known_hosts: Option<String>,
    /// How the user becomes root: `sudo` unless the user is root, or `none`.
    #[schemars(rename = "become", extend("enum" = ["sudo", "none"]))]
    become_method: Option<String>,
    /// A file whose first line is the password that sudo asks for, readable by you only.
    #[schemars(extend("examples" = ["~/.sudo-password"]))]
    become_password_file: Option<String>,
    /// The longest that connecting and logging in may take.
    #[schemars(extend("default" = "10s"))]
    connect_timeout: Option<DurationText>,
    /// The longest that one remote command may take, package transactions included.
    #[schemars(extend("default" = "15m"))]
    command_timeout: Option<DurationText>,
    /// The longest that a connection may be silent while something is expected from it.
    #[schemars(extend("default" = "5m"))]
    silence_timeout: Option<DurationText>,
}

/// A duration: whole numbers with units, for example `10s`, `5m` or `1h 30m`.
#[derive(JsonSchema)]
#[schemars(extend("pattern" = vars::DURATION))]
struct DurationText(String);

/// What a run may do at once, and how many failures it bears.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RolloutTable {
    /// How many hosts are worked on at once.
    #[schemars(range(min = 1, max = 1024), extend("default" = 32))]
    forks: Option<u32>,
    /// How many agents may be out of service at once: a number, or a share of all agents such as `20%`.
    #[schemars(extend("default" = "20%"))]
    agents_at_once: Option<AgentsAtOnce>,
    /// How many agents may fail before no other is begun.
    #[schemars(extend("default" = 0))]
    max_failures: Option<u32>,
}

/// Whether services speak TLS, and with which certificates.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct TlsTable {
    /// `off`; `generate`: certificates of an authority of the cluster's own; `files`: certificates that you have.
    #[schemars(extend("enum" = ["off", "generate", "files"]))]
    mode: String,
    /// With `generate`: the folder of the authority and of all certificates, relative to the inventory. Its `ca.key`
    /// signs everything: keep it as you keep passwords.
    #[schemars(extend("default" = "tls"))]
    dir: Option<String>,
    /// With `generate`: how long a host's certificate is valid.
    #[schemars(extend("default" = "365d"))]
    validity: Option<DurationText>,
    /// With `generate`: how long before its end a certificate is renewed; a third of `validity` where that is less.
    #[schemars(extend("default" = "30d"))]
    renew_before: Option<DurationText>,
    /// With `files`: the certificate of the authority that issued the others.
    #[schemars(extend("examples" = ["pki/ca.pem"]))]
    ca: Option<String>,
    /// With `files`: a host's certificate; `{host}` stands for the host's name.
    #[schemars(extend("examples" = ["pki/{host}.pem"]))]
    cert: Option<String>,
    /// With `files`: the key of that certificate, without a password.
    #[schemars(extend("examples" = ["pki/{host}.key"]))]
    key: Option<String>,
}

/// A number of agents, or a share of all.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum AgentsAtOnce {
    /// So many.
    Count(#[schemars(range(min = 1))] u32),
    /// A share of all agents, rounded up.
    Share(#[schemars(extend("pattern" = r"^([1-9]|[1-9]\d|100) *%$"))] String),
}

/// A host, or many where name and address have a range of the same length.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct HostTable {
    /// Its name, which is also the host name that Mesos and Calico use.
    #[schemars(extend("examples" = ["master-1", "agent-{1..3}"]))]
    name: String,
    /// The IPv4 address at which the other hosts reach it.
    #[schemars(extend("examples" = ["172.24.197.101", "172.24.197.{102..104}"], "pattern" = r"^[0-9]+(\.([0-9]+|\{[0-9]+\.\.[0-9]+\})){3}$"))]
    address: String,
    /// What runs on it.
    #[schemars(length(min = 1), extend("uniqueItems" = true, "examples" = [["agent"]]))]
    roles: Vec<String>,
    /// Mesos attributes, by which frameworks can choose agents.
    #[schemars(extend("examples" = [{"rack": "a"}]))]
    attributes: Option<BTreeMap<String, Attribute>>,
    /// Values for variables, on this host only.
    vars: Option<BTreeMap<String, Json>>,
    /// How this host is reached, where it differs from the others.
    ssh: Option<HostSshTable>,
}

/// An attribute's value.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Attribute {
    /// A text without `;` and line breaks.
    Text(#[schemars(extend("pattern" = r"^[^;\x00-\x1f]+$"))] String),
    /// A number.
    Number(f64),
}

/// How one host is reached, where it differs from the others.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct HostSshTable {
    /// The user that logs in.
    user: Option<String>,
    /// The port of the SSH server.
    #[schemars(range(min = 1, max = 65535))]
    port: Option<u16>,
    /// The private key.
    identity_file: Option<String>,
}

/// The inventory's schema, with the words that `roles` and `releases` bring.
pub fn inventory(roles: &Catalogue, releases: &[&str]) -> Json {
    let mut schema = super::of::<InventoryFile>();
    let cluster = &mut schema["properties"]["cluster"]["properties"];
    if !releases.is_empty() {
        cluster["release"]["enum"] = json!(releases);
    }
    vars::fill(&mut schema["properties"]["vars"], roles, |_| true);
    let host = &mut schema["properties"]["hosts"]["items"]["properties"];
    vars::fill(&mut host["vars"], roles, |variable| variable.scope == Scope::Host);
    let words =
        roles.iter().map(|role| json!({"const": role.name.as_str(), "description": role.description}));
    host["roles"]["items"]["oneOf"] = words.collect();
    let packages: std::collections::BTreeSet<&str> =
        roles.iter().flat_map(Role::all_packages).map(|package| package.as_str()).collect();
    schema["properties"]["packages"]["properties"]["provided"]["items"]["enum"] = json!(packages);
    schema
}
