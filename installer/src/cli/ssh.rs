//! From the inventory's `[ssh]` and the command line's options to a connector.

use std::collections::BTreeMap;

use camino::Utf8Path;
use secrecy::SecretString;

use super::hosts::HostArgs;
use super::{Failure, ask_secret};
use crate::cluster::Cluster;
use crate::inventory::{self, Ssh};
use crate::transport::ssh::{Become, Limits, SshConnector, SshOptions, Target};

/// The environment variable with the password for sudo.
const BECOME_PASSWORD: &str = "CALICO_MESOS_INSTALL_BECOME_PASSWORD";
/// The environment variable with the password for logging in.
const LOGIN_PASSWORD: &str = "CALICO_MESOS_INSTALL_SSH_PASSWORD";

/// A connector for all hosts of the cluster; contacts nobody.
pub(super) fn connector(cluster: &Cluster, ssh: &Ssh, args: &HostArgs) -> Result<SshConnector, Failure> {
    let target = |ssh: &Ssh, address: String| Target {
        address,
        port: ssh.port,
        user: ssh.user.clone(),
        identity_file: ssh.identity_file.as_ref().map(|file| file.value.clone()),
    };
    let targets: BTreeMap<_, _> = cluster
        .hosts
        .iter()
        .map(|host| (host.name.clone(), target(&host.ssh, host.address.to_string())))
        .collect();
    let options = SshOptions {
        known_hosts: ssh.known_hosts.iter().map(|file| file.value.clone()).collect(),
        accept_new_host_keys: args.accept_new_host_keys,
        password: login_password(args)?,
        elevation: match ssh.become_method {
            Some(inventory::Become::None) => Become::None,
            _ => Become::Sudo { password: become_password(ssh, args)? },
        },
        limits: Limits {
            connect: ssh.connect_timeout,
            command: ssh.command_timeout,
            silence: ssh.silence_timeout,
        },
        ..SshOptions::of_this_user(targets)
    };
    SshConnector::new(options).map_err(Failure::usage)
}

fn login_password(args: &HostArgs) -> Result<Option<SecretString>, Failure> {
    match args.ask_password {
        true => ask_secret("SSH password: ").map(Some),
        false => Ok(from_environment(LOGIN_PASSWORD)),
    }
}

/// Asked, else from the environment, else from the inventory's file.
fn become_password(ssh: &Ssh, args: &HostArgs) -> Result<Option<SecretString>, Failure> {
    if args.ask_become_password {
        return ask_secret("sudo password: ").map(Some);
    }
    match (from_environment(BECOME_PASSWORD), &ssh.become_password_file) {
        (Some(password), _) => Ok(Some(password)),
        (None, Some(file)) => first_line(&file.value).map(Some),
        (None, None) => Ok(None),
    }
}

fn from_environment(name: &str) -> Option<SecretString> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(SecretString::from)
}

fn first_line(file: &Utf8Path) -> Result<SecretString, Failure> {
    let text = fs_err::read_to_string(file).map_err(Failure::usage)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(SecretString::from(line)),
        _ => Err(Failure::usage(format!(
            "{file} holds no password: its first line is empty\nPut the password for sudo there, readable by you alone."
        ))),
    }
}
