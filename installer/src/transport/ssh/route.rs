//! From the inventory's and `ssh_config`'s settings to the way that leads to a host.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::config::{HostSettings, Proxy, SshConfig, expand_home};
use super::options::{SshOptions, Target, local_user};
use crate::model::HostName;
use crate::transport::TransportError;

/// Tried when nothing else is said, newest kind first.
const DEFAULT_KEYS: [&str; 3] = [".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa"];

/// Read, never written, unless the operator names files.
const GLOBAL_KNOWN_HOSTS: &str = "/etc/ssh/ssh_known_hosts";

/// A host to log in to, with all that is needed for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint {
    /// What messages call it.
    pub(super) label: String,
    pub(super) address: String,
    pub(super) port: u16,
    pub(super) user: String,
    /// The key that the inventory names.
    pub(super) explicit_key: Option<Utf8PathBuf>,
    /// The keys that `ssh_config` names.
    pub(super) configured_keys: Vec<Utf8PathBuf>,
    /// Tried last.
    pub(super) default_keys: Vec<Utf8PathBuf>,
    /// No key but those above may be offered, the agent's others included.
    pub(super) identities_only: bool,
    pub(super) known_hosts: Vec<Utf8PathBuf>,
    /// Under which name and port known hosts list it.
    pub(super) key_name: (String, u16),
}

impl Endpoint {
    /// Name, address and port for messages.
    pub(super) fn place(&self) -> String {
        if self.label == self.address {
            format!("{} (port {})", self.label, self.port)
        } else {
            format!("{} ({} port {})", self.label, self.address, self.port)
        }
    }
}

/// The hosts to be passed, outermost first, and the one to be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) jumps: Vec<Endpoint>,
    pub(super) target: Endpoint,
}

/// The way to `host`.
///
/// # Errors
/// A host that is not a target, an unsupported `ProxyCommand`, a jump host that leads back to itself.
pub(super) fn route(
    options: &SshOptions,
    config: &SshConfig,
    host: &HostName,
) -> Result<Route, TransportError> {
    let target = options.targets.get(host).ok_or_else(|| {
        TransportError::unreachable(format!("{host} has no address\nadd it to the inventory's hosts"))
    })?;
    let settings = config.lookup(&[host.as_str(), &target.address], &target.address);
    let end = endpoint(options, host.to_string(), target, &settings)?;
    let mut seen = BTreeSet::new();
    let names = [host.as_str(), &target.address];
    let jumps = jumps(options, config, &settings, (&names, end.port), &mut seen)?;
    Ok(Route { jumps, target: end })
}

/// The endpoints of a `ProxyJump`; `names` and `port` are those of the host that it belongs to.
fn jumps(
    options: &SshOptions,
    config: &SshConfig,
    settings: &HostSettings,
    (names, port): (&[&str], u16),
    seen: &mut BTreeSet<String>,
) -> Result<Vec<Endpoint>, TransportError> {
    let host = names.first().copied().unwrap_or_default();
    let hops = match &settings.proxy {
        None => return Ok(Vec::new()),
        Some(Proxy::Jump(hops)) => hops,
        Some(Proxy::Command) => {
            return Err(TransportError::unreachable(format!(
                "the SSH configuration has a ProxyCommand for {host}, which this program does not run\n\
                 use `ProxyJump JUMPHOST` for it instead, or `ProxyCommand none`"
            )));
        }
    };
    let mut endpoints = Vec::new();
    for (index, hop) in hops.iter().enumerate() {
        let hop = Hop::parse(hop).ok_or_else(|| {
            TransportError::unreachable(format!(
                "`{hop}` in the ProxyJump of {host} is not a jump host\nwrite [USER@]HOST[:PORT]"
            ))
        })?;
        let name = hop.target.address.clone();
        let settings = config.lookup(&[&name], &name);
        let hop_port = hop.target.port.or(settings.port).unwrap_or(22);
        // `Host *` with a ProxyJump holds for the jump host too: OpenSSH lets it be reached directly.
        if names.contains(&name.as_str()) && hop_port == port {
            continue;
        }
        // Only the first one's own way matters: the others are reached through the one before.
        if index == 0 {
            if !seen.insert(name.clone()) {
                return Err(TransportError::unreachable(format!(
                    "the jump host {name} is to be reached through itself\ncorrect its ProxyJump in the SSH configuration"
                )));
            }
            endpoints.extend(jumps(options, config, &settings, (&[&name], hop_port), seen)?);
        }
        endpoints.push(endpoint(options, format!("jump host {name}"), &hop.target, &settings)?);
    }
    Ok(endpoints)
}

/// A jump host as `ProxyJump` writes it.
struct Hop {
    target: Target,
}

impl Hop {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("ssh://").unwrap_or(text).trim_end_matches('/');
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user.to_owned()), rest),
            None => (None, text),
        };
        let (address, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, "")) => (address, None),
            Some((address, port)) => (address, Some(port.strip_prefix(':')?)),
            None => match rest.split_once(':') {
                // An IPv6 address without brackets.
                Some((_, port)) if port.contains(':') => (rest, None),
                Some((address, port)) => (address, Some(port)),
                None => (rest, None),
            },
        };
        let port = match port {
            Some(port) => Some(port.parse().ok().filter(|port| *port > 0)?),
            None => None,
        };
        let empty = address.is_empty() || user.as_deref() == Some("");
        (!empty)
            .then(|| Self { target: Target { address: address.to_owned(), port, user, identity_file: None } })
    }
}

fn endpoint(
    options: &SshOptions,
    label: String,
    target: &Target,
    settings: &HostSettings,
) -> Result<Endpoint, TransportError> {
    let home = options.home.as_deref();
    let local = local_user();
    let user =
        target.user.clone().or_else(|| settings.user.clone()).or_else(|| local.clone()).ok_or_else(|| {
            TransportError::unreachable(format!(
                "it is not known which user to log in as on {label}\nset `user`"
            ))
        })?;
    let port = target.port.or(settings.port).unwrap_or(22);
    let mut tokens = Tokens {
        given: &target.address,
        address: target.address.clone(),
        port,
        user: &user,
        local: local.as_deref().unwrap_or_default(),
        home,
    };
    if let Some(name) = &settings.host_name {
        tokens.address = tokens.expand(name);
    }
    let paths = |paths: &[String]| -> Vec<Utf8PathBuf> {
        paths
            .iter()
            .filter(|path| !path.eq_ignore_ascii_case("none"))
            .map(|path| expand_home(&tokens.expand(path), home))
            .collect()
    };
    let known_hosts = match (&options.known_hosts[..], &settings.known_hosts) {
        ([], Some(files)) => with_global(paths(files)),
        ([], None) => with_global(home.map(|home| home.join(".ssh/known_hosts")).into_iter().collect()),
        (files, _) => files.iter().map(|file| expand_home(file.as_str(), home)).collect(),
    };
    let configured_keys = paths(&settings.identity_files);
    Ok(Endpoint {
        explicit_key: target.identity_file.as_ref().map(|file| expand_home(file.as_str(), home)),
        // As in OpenSSH, keys that are named stand in for the usual ones.
        default_keys: match (&configured_keys[..], home) {
            ([], Some(home)) => DEFAULT_KEYS.map(|key| home.join(key)).to_vec(),
            _ => Vec::new(),
        },
        configured_keys,
        identities_only: settings.identities_only.unwrap_or(false),
        known_hosts,
        key_name: match &settings.host_key_alias {
            Some(alias) => (alias.clone(), 22),
            None => (tokens.address.clone(), port),
        },
        address: tokens.address,
        port,
        user,
        label,
    })
}

fn with_global(mut files: Vec<Utf8PathBuf>) -> Vec<Utf8PathBuf> {
    files.push(GLOBAL_KNOWN_HOSTS.into());
    files
}

/// What the `%` tokens of `ssh_config` stand for.
struct Tokens<'a> {
    given: &'a str,
    address: String,
    port: u16,
    user: &'a str,
    local: &'a str,
    home: Option<&'a Utf8Path>,
}

impl Tokens<'_> {
    fn expand(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len());
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                expanded.push(letter);
                continue;
            }
            match letters.next() {
                Some('h') => expanded.push_str(&self.address),
                Some('n') => expanded.push_str(self.given),
                Some('p') => expanded.push_str(&self.port.to_string()),
                Some('r') => expanded.push_str(self.user),
                Some('u') => expanded.push_str(self.local),
                Some('d') => expanded.push_str(self.home.map(Utf8Path::as_str).unwrap_or_default()),
                Some('%') => expanded.push('%'),
                other => {
                    expanded.push('%');
                    expanded.extend(other);
                }
            }
        }
        expanded
    }
}

#[cfg(test)]
mod tests;
