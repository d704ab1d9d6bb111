//! What an operator decides about SSH.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use secrecy::SecretString;

use crate::model::HostName;

/// How hosts are reached and logged in to. What is set here wins over `ssh_config`.
#[derive(Debug, Clone)]
pub struct SshOptions {
    /// The hosts that may be connected to.
    pub targets: BTreeMap<HostName, Target>,
    /// Files of known hosts; new keys go into the first. Empty: what `ssh_config` names, else
    /// `~/.ssh/known_hosts`, and the machine's `/etc/ssh/ssh_known_hosts`.
    pub known_hosts: Vec<Utf8PathBuf>,
    /// Records the key of a host that is seen for the first time. A changed key is refused all the same.
    pub accept_new_host_keys: bool,
    /// The `ssh_config`; a file that does not exist says nothing.
    pub config: Option<Utf8PathBuf>,
    /// What `~` stands for.
    pub home: Option<Utf8PathBuf>,
    /// The socket of the agent.
    pub agent: Option<Utf8PathBuf>,
    /// The password to log in with where no key is accepted.
    pub password: Option<SecretString>,
    /// How commands become root's.
    pub elevation: Become,
    /// Time limits.
    pub limits: Limits,
    /// The most connections that are open to one jump host; hosts beyond that share them.
    pub connections_per_jump_host: usize,
}

/// One host. What is not given comes from `ssh_config`, else from OpenSSH's defaults.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// An IP address, or a name that this machine (or the last jump host) can resolve.
    pub address: String,
    /// TCP port, 22 by default.
    pub port: Option<u16>,
    /// The user to log in as; by default the local user.
    pub user: Option<String>,
    /// The private key that is tried first.
    pub identity_file: Option<Utf8PathBuf>,
}

/// How commands become root's. For the user `root` there is nothing to do.
#[derive(Debug, Clone, Default)]
pub enum Become {
    /// Commands run as the user who logged in.
    #[default]
    None,
    /// Through `sudo`.
    Sudo {
        /// The user's password, where sudo asks for one.
        password: Option<SecretString>,
    },
}

/// Time limits; exceeding one is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first packet to a session that can run commands, jump hosts and retries included.
    pub connect: Duration,
    /// For a command that has no limit of its own. Uploads and downloads are limited by `silence` only.
    pub command: Duration,
    /// Without a byte in either direction.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            command: Duration::from_secs(30 * 60),
            silence: Duration::from_secs(5 * 60),
        }
    }
}

impl SshOptions {
    /// Options for `targets` as this user's `ssh` would have them: `~/.ssh/config`, the agent of
    /// `SSH_AUTH_SOCK`.
    pub fn of_this_user(targets: BTreeMap<HostName, Target>) -> Self {
        let home = std::env::home_dir().and_then(|home| Utf8PathBuf::from_path_buf(home).ok());
        Self {
            targets,
            known_hosts: Vec::new(),
            accept_new_host_keys: false,
            config: home.as_ref().map(|home| home.join(".ssh/config")),
            home,
            agent: std::env::var("SSH_AUTH_SOCK").ok().filter(|path| !path.is_empty()).map(Utf8PathBuf::from),
            password: None,
            elevation: Become::None,
            limits: Limits::default(),
            connections_per_jump_host: 8,
        }
    }
}

/// The name of the user who runs this program, from the user database and else the environment.
pub(super) fn local_user() -> Option<String> {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = fs_err::read_to_string("/etc/passwd").unwrap_or_default();
    users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&uid.as_str()))
        .and_then(|fields| fields.first().map(|name| (*name).to_owned()))
        .or_else(|| std::env::var("USER").ok())
        .or_else(|| std::env::var("LOGNAME").ok())
        .filter(|name| !name.is_empty())
}

/// A duration for people: `90 s`, `30 min`, `250 ms`.
pub(super) fn human(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        _ if millis >= 120_000 && millis.is_multiple_of(60_000) => format!("{} min", millis / 60_000),
        _ if millis >= 1000 && millis.is_multiple_of(1000) => format!("{} s", millis / 1000),
        _ if millis >= 10_000 => format!("{} s", millis / 1000),
        _ => format!("{millis} ms"),
    }
}

/// The moment `duration` from now; far away if that cannot be told.
pub(super) fn after(duration: Duration) -> std::time::Instant {
    let now = std::time::Instant::now();
    now.checked_add(duration).unwrap_or_else(|| now + Duration::from_secs(10 * 365 * 86_400))
}
