//! `[ssh]` and `[rollout]`.

use std::time::Duration;

use camino::Utf8PathBuf;

use super::Surroundings;
use crate::diagnostic::{Kind, Mistake, Place, Reading, Spanned, TableReader, Value};

/// How hosts are reached. What is `None` is left to `~/.ssh/config` and to SSH's own defaults.
#[derive(Debug, Clone)]
pub struct Ssh {
    /// The user that logs in.
    pub user: Option<String>,
    /// The port of the SSH server.
    pub port: Option<u16>,
    /// The private key; without one the agent is asked, and `~/.ssh/config`.
    pub identity_file: Option<Spanned<Utf8PathBuf>>,
    /// The file of known host keys.
    pub known_hosts: Option<Spanned<Utf8PathBuf>>,
    /// How the user becomes root; see [`Ssh::becomes`] for the default.
    pub become_method: Option<Become>,
    /// A file whose first line is the password that sudo asks for.
    pub become_password_file: Option<Spanned<Utf8PathBuf>>,
    /// The longest that connecting and logging in may take.
    pub connect_timeout: Duration,
    /// The longest that one remote command may take, package transactions included.
    pub command_timeout: Duration,
    /// The longest that a connection may be silent while something is expected from it.
    pub silence_timeout: Duration,
}

/// How the user that logs in becomes root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Become {
    /// It is root already.
    None,
    /// Through `sudo`.
    Sudo,
}

/// What a run may do at once, and how many failures it bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollout {
    /// How many hosts are worked on at once.
    pub forks: u32,
    /// How many agents may be out of service at once.
    pub agents_at_once: AgentsAtOnce,
    /// How many agents may fail before no other is begun.
    pub max_failures: u32,
}

/// How many agents may be out of service at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentsAtOnce {
    /// So many.
    Count(u32),
    /// This share of all agents, 1 to 100.
    Percent(u32),
}

impl AgentsAtOnce {
    /// The number of agents, of `all`: rounded up, and never none, so that a run gets on.
    pub fn of(self, all: usize) -> usize {
        let number = match self {
            Self::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Self::Percent(share) => all.saturating_mul(share as usize).div_ceil(100),
        };
        number.clamp(1, all.max(1))
    }
}

impl Default for Rollout {
    fn default() -> Self {
        Self { forks: 32, agents_at_once: AgentsAtOnce::Percent(20), max_failures: 0 }
    }
}

impl Default for Ssh {
    fn default() -> Self {
        Self {
            user: None,
            port: None,
            identity_file: None,
            known_hosts: None,
            become_method: None,
            become_password_file: None,
            connect_timeout: Duration::from_secs(10),
            command_timeout: Duration::from_secs(15 * 60),
            silence_timeout: Duration::from_secs(5 * 60),
        }
    }
}

impl Ssh {
    /// How `user` becomes root: as the inventory says, else through sudo unless it is root.
    pub fn becomes(&self, user: &str) -> Become {
        self.become_method.unwrap_or(if user == "root" { Become::None } else { Become::Sudo })
    }

    /// Reads `[ssh]`.
    pub(super) fn read(table: TableReader<'_>, around: &Surroundings) -> Self {
        let mut ssh = Self::default().with_login(&table, around);
        ssh.known_hosts = path(&table, "known_hosts", around);
        ssh.become_method = table
            .choice("become", &[("sudo", Become::Sudo), ("none", Become::None)])
            .map(|method| method.value);
        ssh.become_password_file = path(&table, "become_password_file", around);
        ssh.connect_timeout = timeout(&table, "connect_timeout", ssh.connect_timeout);
        ssh.command_timeout = timeout(&table, "command_timeout", ssh.command_timeout);
        ssh.silence_timeout = timeout(&table, "silence_timeout", ssh.silence_timeout);
        table.finish();
        ssh
    }

    /// These settings with a host's own over them.
    pub(super) fn for_host(&self, table: Option<TableReader<'_>>, around: &Surroundings) -> Self {
        let Some(table) = table else { return self.clone() };
        let ssh = self.clone().with_login(&table, around);
        table.finish();
        ssh
    }

    fn with_login(mut self, table: &TableReader<'_>, around: &Surroundings) -> Self {
        if let Some(user) = table.get::<String>("user") {
            if user.is_empty() || user.contains(|c: char| c.is_whitespace() || c.is_control()) {
                table.reading().push(
                    Mistake::new(&user.place, format!("`{}` is not a user's name", user.value))
                        .help("write the name of the user that logs in, or leave `user` out"),
                );
            }
            self.user = Some(user.value);
        }
        if let Some(port) = table.get::<i64>("port") {
            self.port = u16::try_from(port.value).ok().filter(|port| *port > 0);
            if self.port.is_none() {
                table.reading().push(
                    Mistake::new(&port.place, format!("{} is not a port", port.value))
                        .help("use a number from 1 to 65535"),
                );
            }
        }
        self.identity_file = path(table, "identity_file", around).or(self.identity_file);
        self
    }
}

fn timeout(table: &TableReader<'_>, key: &'static str, default: Duration) -> Duration {
    let Some(found) = table.get::<Duration>(key) else { return default };
    if found.is_zero() {
        let help = format!("write how long to wait, for example `{key} = \"10s\"`");
        table.reading().push(Mistake::new(&found.place, format!("`{key}` is nothing")).help(help));
    }
    found.value
}

/// A path of this machine.
pub(super) fn path(
    table: &TableReader<'_>,
    key: &'static str,
    around: &Surroundings,
) -> Option<Spanned<Utf8PathBuf>> {
    let text = table.get::<String>(key)?;
    let mistake = |message: &str, help: &str| {
        table.reading().push(Mistake::new(&text.place, message).help(help));
    };
    if text.is_empty() {
        mistake("the path is empty", "write a path, or leave the key out");
    } else if text.starts_with('~') && around.home.is_none() {
        mistake("`~` stands for nothing: HOME is not set", "write the whole path, or set HOME");
    } else if text.starts_with('~') && *text.value != *"~" && !text.starts_with("~/") {
        mistake("`~` can only stand for your own home", "write `~/…`, or the whole path");
    }
    Some(Spanned::new(around.resolve(&text), text.place))
}

impl Rollout {
    /// The most hosts that are worked on at once.
    pub const MAX_FORKS: u32 = 1024;

    /// Reads `[rollout]`.
    pub(super) fn read(table: TableReader<'_>) -> Self {
        let default = Self::default();
        let forks = table.get::<u32>("forks").map_or(default.forks, |forks| {
            within(table.reading(), &forks.place, forks.value, 1, Self::MAX_FORKS);
            forks.value
        });
        let agents_at_once = table
            .value("agents_at_once")
            .and_then(|value| AgentsAtOnce::read(value, table.reading()))
            .unwrap_or(default.agents_at_once);
        let max_failures = table.get_or("max_failures", default.max_failures);
        table.finish();
        Self { forks, agents_at_once, max_failures }
    }
}

impl AgentsAtOnce {
    fn read(value: &Value, reading: &Reading) -> Option<Self> {
        let (number, most) = match &value.kind {
            Kind::Integer(Some(number)) => (u32::try_from(*number).ok(), u32::MAX),
            Kind::String(text) => (text.strip_suffix('%').and_then(|share| share.trim().parse().ok()), 100),
            _ => (None, 0),
        };
        match number {
            Some(number) if most == 100 => {
                within(reading, &value.place, number, 1, most);
                Some(Self::Percent(number))
            }
            Some(number) => {
                within(reading, &value.place, number, 1, most);
                Some(Self::Count(number))
            }
            None => {
                reading.push(
                    Mistake::new(&value.place, "this is not a number of agents")
                        .help("write a number, or a share of all agents between quotes: \"20%\""),
                );
                None
            }
        }
    }
}

fn within(reading: &Reading, place: &Place, number: u32, least: u32, most: u32) {
    if !(least..=most).contains(&number) {
        let help = if most == u32::MAX {
            format!("use a number of at least {least}")
        } else {
            format!("use a number from {least} to {most}")
        };
        reading.push(Mistake::new(place, format!("{number} is out of range")).help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_up_and_never_nothing() {
        assert_eq!(AgentsAtOnce::Percent(20).of(7), 2);
        assert_eq!(AgentsAtOnce::Percent(20).of(1), 1);
        assert_eq!(AgentsAtOnce::Percent(100).of(7), 7);
        assert_eq!(AgentsAtOnce::Count(3).of(2), 2);
        assert_eq!(AgentsAtOnce::Count(3).of(0), 1);
    }

    #[test]
    fn only_root_needs_no_sudo() {
        let ssh = Ssh::default();
        assert_eq!(ssh.becomes("root"), Become::None);
        assert_eq!(ssh.becomes("vagrant"), Become::Sudo);
        let ssh = Ssh { become_method: Some(Become::None), ..Ssh::default() };
        assert_eq!(ssh.becomes("vagrant"), Become::None);
    }
}
