//! What a host's own system must be like besides packages, files and units: its kernel, its firewall, its labels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::{HostPath, PortRange};

/// One setting of a host's system. Its text is what people and receipts see: `port 5050/tcp`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum SystemSetting {
    /// A kernel module is loaded.
    Module {
        /// Its name.
        name: String,
    },
    /// A kernel parameter has a value.
    Sysctl {
        /// Its name, with dots.
        key: String,
        /// Its value.
        value: String,
    },
    /// firewalld lets a port, or a range of ports, through, now and after a restart.
    Port {
        /// The port or ports.
        ports: PortRange,
        /// `tcp` or `udp`.
        protocol: String,
    },
    /// firewalld lets a protocol beside TCP and UDP through, now and after a restart.
    Protocol {
        /// Its number, as in /etc/protocols.
        number: u8,
    },
    /// A path and all below it have a type for SELinux.
    Label {
        /// The path.
        path: HostPath,
        /// The type, for example `bin_t`.
        kind: String,
    },
    /// SELinux writes down what it would refuse, and refuses nothing.
    Permissive,
}

impl SystemSetting {
    /// Whether it is taken back once nobody wants it any longer: what lets others in, or changes who may do what.
    pub fn is_taken_back(&self) -> bool {
        matches!(self, Self::Port { .. } | Self::Protocol { .. } | Self::Label { .. })
    }
}

impl fmt::Display for SystemSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module { name } => write!(f, "module {name}"),
            Self::Sysctl { key, value } => write!(f, "sysctl {key} = {value}"),
            Self::Port { ports, protocol } => write!(f, "port {ports}/{protocol}"),
            Self::Protocol { number } => write!(f, "protocol {number}"),
            Self::Label { path, kind } => write!(f, "label {kind} of {path}"),
            Self::Permissive => f.write_str("selinux permissive"),
        }
    }
}

/// The text is not a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a setting of a system: write for example `port 5050/tcp`")]
pub struct SystemSettingError(String);

impl FromStr for SystemSetting {
    type Err = SystemSettingError;

    fn from_str(text: &str) -> Result<Self, SystemSettingError> {
        let parse = || {
            let (kind, rest) = text.split_once(' ')?;
            Some(match kind {
                "module" => Self::Module { name: rest.to_owned() },
                "sysctl" => {
                    let (key, value) = rest.split_once(" = ")?;
                    Self::Sysctl { key: key.to_owned(), value: value.to_owned() }
                }
                "port" => {
                    let (ports, protocol) = rest.split_once('/')?;
                    Self::Port { ports: ports.parse().ok()?, protocol: protocol.to_owned() }
                }
                "protocol" => Self::Protocol { number: rest.parse().ok()? },
                "label" => {
                    let (kind, path) = rest.split_once(" of ")?;
                    Self::Label { path: path.parse().ok()?, kind: kind.to_owned() }
                }
                "selinux" if rest == "permissive" => Self::Permissive,
                _ => return None,
            })
        };
        parse().ok_or_else(|| SystemSettingError(text.to_owned()))
    }
}

impl TryFrom<String> for SystemSetting {
    type Error = SystemSettingError;

    fn try_from(text: String) -> Result<Self, SystemSettingError> {
        text.parse()
    }
}

impl From<SystemSetting> for String {
    fn from(setting: SystemSetting) -> String {
        setting.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back() {
        for text in [
            "module xt_set",
            "sysctl net.ipv4.tcp_rmem = 4096 87380 6291456",
            "port 5050/tcp",
            "port 20001-29999/tcp",
            "protocol 4",
            "label bin_t of /calico of old",
            "selinux permissive",
        ] {
            assert_eq!(text.parse::<SystemSetting>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "module",
            "port 5050",
            "port x/tcp",
            "port 9-8/tcp",
            "protocol 400",
            "label bin_t of calico",
            "selinux off",
        ] {
            assert!(bad.parse::<SystemSetting>().is_err(), "{bad}");
        }
    }
}
