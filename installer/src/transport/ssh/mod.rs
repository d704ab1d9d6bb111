//! Sessions over SSH, by libssh2.
//!
//! A route (jump hosts and target) is made of the inventory's and `ssh_config`'s settings; each hop is
//! dialled, its host key verified, and logged in to; the target's user becomes root. Everything waits in
//! poll(2) with a limit, nothing blocks.

mod base64;
mod bounded;
mod config;
mod dial;
mod exchange;
mod host_key;
mod jump;
mod key_file;
mod known_hosts;
mod link;
mod login;
mod options;
mod pattern;
mod route;
mod session;
mod sudo;

use std::time::Instant;

use secrecy::ExposeSecret;

pub use options::{Become, Limits, SshOptions, Target};

use self::config::SshConfig;
use self::dial::Dialer;
use self::exchange::{Broken, Patience};
use self::jump::JumpHosts;
use self::link::Link;
use self::login::Credentials;
use self::options::{after, local_user};
use self::route::Endpoint;
use self::session::SshSession;
use self::sudo::{Denied, Elevation};
use super::{Connector, Session, TransportError};
use crate::model::HostName;

/// Connects to hosts over SSH. Connections to jump hosts are shared by all sessions of one connector.
pub struct SshConnector {
    options: SshOptions,
    config: SshConfig,
    dialer: Dialer,
    jump_hosts: JumpHosts,
}

impl SshConnector {
    /// A connector for the hosts in `options`; reads the `ssh_config`, contacts nobody.
    ///
    /// # Errors
    /// The `ssh_config` cannot be read or understood.
    pub fn new(options: SshOptions) -> Result<Self, TransportError> {
        let config = match &options.config {
            Some(file) if file.exists() => SshConfig::load(file, options.home.as_deref())?,
            _ => SshConfig::default(),
        };
        let dialer = Dialer {
            credentials: Credentials { agent: options.agent.clone(), password: options.password.clone() },
            accept_new_host_keys: options.accept_new_host_keys,
            limit: options.limits.connect,
        };
        let jump_hosts = JumpHosts::new(options.connections_per_jump_host);
        Ok(Self { options, config, dialer, jump_hosts })
    }

    /// How the endpoint's user becomes root, tried out.
    fn elevation(
        &self,
        link: &Link,
        endpoint: &Endpoint,
        until: Instant,
    ) -> Result<Elevation, TransportError> {
        let Become::Sudo { password } = &self.options.elevation else { return Ok(Elevation::None) };
        if endpoint.user == "root" {
            return Ok(Elevation::None);
        }
        let denied =
            |denied: &Denied| TransportError::unreachable(denied.text(&endpoint.user, &endpoint.place()));
        let first = self.probe(link, endpoint, &Elevation::Free, until)?;
        match (first, password) {
            (Ok(()), _) => Ok(Elevation::Free),
            (Err(Denied::PasswordNeeded), Some(password)) => {
                let elevation = Elevation::Password(password.clone());
                match self.probe(link, endpoint, &elevation, until)? {
                    Ok(()) => Ok(elevation),
                    Err(reason) => Err(denied(&reason)),
                }
            }
            (Err(reason), _) => Err(denied(&reason)),
        }
    }

    fn probe(
        &self,
        link: &Link,
        endpoint: &Endpoint,
        elevation: &Elevation,
        until: Instant,
    ) -> Result<Result<(), Denied>, TransportError> {
        let with_password = matches!(elevation, Elevation::Password(_));
        let line = if with_password { sudo::password_probe_line(elevation) } else { sudo::free_probe_line() };
        let preamble = elevation.preamble();
        let left = until.saturating_duration_since(Instant::now());
        let patience = Patience { limit: left, silence: left };
        let mut stdout = Vec::new();
        let finished =
            exchange::run(link, &line, &mut preamble.expose_secret().as_bytes(), &mut stdout, patience)
                .map_err(|broken| match broken {
                    Broken::Limit | Broken::Silence => self.dialer.too_slow(endpoint, "sudo did not answer"),
                    Broken::Lost(error) => no_commands(endpoint).caused_by(error),
                    Broken::Refused(error) => no_commands(endpoint).caused_by(error),
                    Broken::Input(error) | Broken::Output(error) => no_commands(endpoint).caused_by(error),
                })?;
        Ok(sudo::judge(finished.status, &stdout, &finished.stderr, with_password))
    }
}

impl Connector for SshConnector {
    fn connect(&self, host: &HostName) -> Result<Box<dyn Session>, TransportError> {
        let until = after(self.options.limits.connect);
        let route = route::route(&self.options, &self.config, host)?;
        let link = self.dialer.dial(&self.jump_hosts, &route.jumps, &route.target, until)?;
        let elevation = self.elevation(&link, &route.target, until)?;
        Ok(Box::new(SshSession::new(link, route.target, elevation, self.options.limits)))
    }
}

/// A user who may log in but cannot run anything.
fn no_commands(endpoint: &Endpoint) -> TransportError {
    TransportError::unreachable(format!(
        "{} lets user `{}` in but runs no commands for it\n\
         look for a ForceCommand or a shell that refuses logins, and what sshd says",
        endpoint.place(),
        endpoint.user
    ))
}
