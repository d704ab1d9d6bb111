//! What an operator's `ssh_config` says of a host: the settings that this transport understands.
//!
//! OpenSSH's rules: the first value found wins, also within one block; `IdentityFile` lines add up;
//! `Include` counts where it stands. `Match` blocks with `all`, `host`, `originalhost` or `localuser`
//! are understood; one with any other criterion (`exec`, `user`, …) never applies.

mod parse;

use camino::{Utf8Path, Utf8PathBuf};

use super::pattern;
use crate::transport::TransportError;

/// A parsed `ssh_config` with everything that it includes.
#[derive(Debug, Default)]
pub(super) struct SshConfig {
    lines: Vec<Line>,
}

/// One setting and the condition under which it applies.
#[derive(Debug)]
struct Line {
    scope: Vec<Criterion>,
    setting: Setting,
}

/// Part of a condition; all parts of a line's scope must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Criterion {
    /// One of the names matches the patterns.
    Names {
        patterns: Vec<String>,
        negated: bool,
    },
    Never,
}

/// The settings that are understood.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Setting {
    HostName(String),
    HostKeyAlias(String),
    User(String),
    Port(u16),
    IdentityFile(String),
    IdentitiesOnly(bool),
    /// The hops, outermost first; none stands for `none`.
    ProxyJump(Vec<String>),
    /// Set to anything but `none`.
    ProxyCommand,
    /// `none` is an empty list.
    UserKnownHostsFile(Vec<String>),
}

/// What applies to one host. Paths and names may still hold `%` tokens.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HostSettings {
    pub(super) host_name: Option<String>,
    pub(super) host_key_alias: Option<String>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) identity_files: Vec<String>,
    pub(super) identities_only: Option<bool>,
    pub(super) proxy: Option<Proxy>,
    pub(super) known_hosts: Option<Vec<String>>,
}

/// How a host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proxy {
    Jump(Vec<String>),
    /// Not supported: said so when the host is connected to, not for hosts that do not need it.
    Command,
}

impl SshConfig {
    /// Reads `file` and all that it includes.
    ///
    /// # Errors
    /// A file that cannot be read or a line that cannot be understood, with its place.
    pub(super) fn load(file: &Utf8Path, home: Option<&Utf8Path>) -> Result<Self, TransportError> {
        let mut lines = Vec::new();
        parse::file(file, home, &[], 0, &mut lines)?;
        Ok(Self { lines })
    }

    /// What applies to a host known by `names`; a pattern that matches one of them matches the host.
    ///
    /// `HostName` is taken only from blocks that match `address`, as `ssh ADDRESS` would: an alias that
    /// happens to be called like a host of the inventory must not lead to another machine.
    pub(super) fn lookup(&self, names: &[&str], address: &str) -> HostSettings {
        let mut found = HostSettings::default();
        for line in &self.lines {
            let names = if matches!(line.setting, Setting::HostName(_)) { &[address][..] } else { names };
            if line.scope.iter().all(|criterion| criterion.holds(names)) {
                found.take(&line.setting);
            }
        }
        found
    }
}

impl Criterion {
    fn holds(&self, names: &[&str]) -> bool {
        match self {
            Criterion::Names { patterns, negated } => {
                pattern::list_matches(patterns.iter().map(String::as_str), names) != *negated
            }
            Criterion::Never => false,
        }
    }
}

impl HostSettings {
    /// Takes over a setting unless an earlier one decided already.
    fn take(&mut self, setting: &Setting) {
        fn first<T: Clone>(place: &mut Option<T>, value: &T) {
            if place.is_none() {
                *place = Some(value.clone());
            }
        }
        match setting {
            Setting::HostName(name) => first(&mut self.host_name, name),
            Setting::HostKeyAlias(name) => first(&mut self.host_key_alias, name),
            Setting::User(name) => first(&mut self.user, name),
            Setting::Port(port) => first(&mut self.port, port),
            Setting::IdentityFile(file) => self.identity_files.push(file.clone()),
            Setting::IdentitiesOnly(only) => first(&mut self.identities_only, only),
            Setting::ProxyJump(hops) => first(&mut self.proxy, &Proxy::Jump(hops.clone())),
            Setting::ProxyCommand => first(&mut self.proxy, &Proxy::Command),
            Setting::UserKnownHostsFile(files) => first(&mut self.known_hosts, files),
        }
    }
}

/// `path` with a leading `~/` replaced by the home folder.
pub(super) fn expand_home(path: &str, home: Option<&Utf8Path>) -> Utf8PathBuf {
    match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_owned(),
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => Utf8PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests;
