//! What a host's own system is like now, and whether a setting of it is in effect.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::desired::SystemSetting;
use crate::model::{HostPath, PortRange};

/// What a host's own system is like now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// Whether the host is a container: then the kernel is not its own.
    pub container: bool,
    /// Those of the kernel modules asked for that are loaded, or part of the kernel.
    pub modules: BTreeSet<String>,
    /// Those of the kernel parameters asked for that there are.
    pub sysctls: BTreeMap<String, Sysctl>,
    /// The SELinux types of those of the paths asked for that there are.
    pub labels: BTreeMap<HostPath, String>,
    /// Those of the SELinux types asked for that the policy does not have.
    pub unknown_types: BTreeSet<String>,
    /// SELinux, where it is not switched off.
    pub selinux: Option<SeLinux>,
    /// What firewalld lets through, where it runs.
    pub firewall: Option<Firewall>,
}

/// A kernel parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sysctl {
    /// Its value, blanks between several.
    pub value: String,
    /// Whether root can change it: not in a container whose kernel keeps it for all.
    pub writable: bool,
}

/// SELinux's mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeLinux {
    /// Whether it refuses what its policy does not allow.
    pub enforcing: bool,
    /// Whether it will after the next start.
    pub enforcing_at_boot: bool,
}

/// What firewalld lets through in the zone of the host's address: ports, ranges of ports and protocols, as it writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firewall {
    /// Now.
    pub now: BTreeSet<String>,
    /// After a restart.
    pub permanent: BTreeSet<String>,
}

/// Whether a setting is in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It is.
    InEffect,
    /// It is not, for this reason.
    Missing(String),
    /// It means nothing on this host: there is no firewalld, no SELinux or no such type, no kernel of its own.
    NotHere,
}

impl System {
    /// Reads one record of `system.sh`; one that is not understood says nothing.
    pub(super) fn record(&mut self, kind: &str, a: &str, b: &str, c: &str) {
        let words = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
        let firewall = || Firewall::default();
        match kind {
            "container" => self.container = true,
            "loaded" => drop(self.modules.insert(a.to_owned())),
            "sysctl" => {
                let sysctl = Sysctl { value: c.trim().to_owned(), writable: b == "yes" };
                self.sysctls.insert(a.to_owned(), sysctl);
            }
            // user:role:type:level
            "label" => {
                let kind = b.split(':').nth(2).unwrap_or_default().to_owned();
                self.labels.extend(a.parse().ok().map(|path| (path, kind)));
            }
            "unknown-type" => drop(self.unknown_types.insert(a.to_owned())),
            "enforcing" => {
                self.selinux = Some(SeLinux { enforcing: a == "1", enforcing_at_boot: b == "enforcing" });
            }
            "firewall" => drop(self.firewall.get_or_insert_with(firewall)),
            "now" => self.firewall.get_or_insert_with(firewall).now.extend(words(a)),
            "permanent" => self.firewall.get_or_insert_with(firewall).permanent.extend(words(a)),
            _ => {}
        }
    }

    /// Whether a setting is in effect.
    pub fn effect(&self, setting: &SystemSetting) -> Effect {
        let missing = |reason: String| Effect::Missing(reason);
        match setting {
            SystemSetting::Module { name } if self.modules.contains(name) => Effect::InEffect,
            SystemSetting::Module { .. } if self.container => Effect::NotHere,
            SystemSetting::Module { .. } => missing("it is not loaded".to_owned()),
            SystemSetting::Sysctl { key, value } => match self.sysctls.get(key) {
                Some(now) if now.value == *value => Effect::InEffect,
                Some(now) if !self.container || now.writable => missing(format!("it is {}", now.value)),
                None if !self.container => missing("the kernel does not have it yet".to_owned()),
                _ => Effect::NotHere,
            },
            SystemSetting::Port { ports, protocol } => self.passes(|open| covers(open, *ports, protocol)),
            SystemSetting::Protocol { number } => self.passes(|open| is_protocol(open, *number)),
            SystemSetting::Label { kind, .. } if self.unknown_types.contains(kind) => Effect::NotHere,
            SystemSetting::Label { path, kind } => match (self.selinux, self.labels.get(path)) {
                (None, _) => Effect::NotHere,
                (Some(_), Some(now)) if now == kind => Effect::InEffect,
                (Some(_), Some(now)) => missing(format!("it is {now}, and SELinux goes by it")),
                (Some(_), None) => missing("it is new, and SELinux goes by it".to_owned()),
            },
            SystemSetting::Permissive => match self.selinux {
                None => Effect::NotHere,
                Some(SeLinux { enforcing: false, enforcing_at_boot: false }) => Effect::InEffect,
                Some(SeLinux { enforcing: true, .. }) => {
                    missing("it is enforcing, and the inventory says `selinux_permissive = true`".to_owned())
                }
                Some(_) => missing("it would be enforcing after the next start".to_owned()),
            },
        }
    }

    /// Has a setting in effect, as a host would; for hosts in memory.
    pub(crate) fn set(&mut self, setting: &SystemSetting) {
        match setting {
            SystemSetting::Module { name } => drop(self.modules.insert(name.clone())),
            SystemSetting::Sysctl { key, value } => {
                self.sysctls.insert(key.clone(), Sysctl { value: value.clone(), writable: true });
            }
            SystemSetting::Label { path, kind } => drop(self.labels.insert(path.clone(), kind.clone())),
            SystemSetting::Permissive => {
                self.selinux = self.selinux.map(|_| SeLinux { enforcing: false, enforcing_at_boot: false });
            }
            SystemSetting::Port { .. } | SystemSetting::Protocol { .. } => {
                for open in self.firewall.iter_mut().flat_map(|wall| [&mut wall.now, &mut wall.permanent]) {
                    open.insert(in_firewall(setting));
                }
            }
        }
    }

    /// Takes a setting back, as a host would; for hosts in memory.
    pub(crate) fn unset(&mut self, setting: &SystemSetting) {
        if let SystemSetting::Label { path, .. } = setting {
            self.labels.insert(path.clone(), "default_t".to_owned());
        }
        for open in self.firewall.iter_mut().flat_map(|wall| [&mut wall.now, &mut wall.permanent]) {
            open.remove(&in_firewall(setting));
        }
    }

    fn passes(&self, covered: impl Fn(&str) -> bool) -> Effect {
        let Some(firewall) = &self.firewall else { return Effect::NotHere };
        let any = |open: &BTreeSet<String>| open.iter().any(|open| covered(open));
        match (any(&firewall.now), any(&firewall.permanent)) {
            (true, true) => Effect::InEffect,
            (false, false) => Effect::Missing("firewalld runs and does not let it through".to_owned()),
            (true, false) => Effect::Missing("firewalld would not let it through after a restart".to_owned()),
            (false, true) => Effect::Missing("firewalld lets it through only after a restart".to_owned()),
        }
    }
}

/// A port or a protocol as firewalld writes it.
fn in_firewall(setting: &SystemSetting) -> String {
    let text = setting.to_string();
    text.split_once(' ').map_or_else(String::new, |(_, what)| what.to_owned())
}

/// Whether `5000-6000/tcp` or `5050/tcp` has all the ports in it.
fn covers(open: &str, ports: PortRange, protocol: &str) -> bool {
    let Some((range, of)) = open.split_once('/') else { return false };
    of == protocol && range.parse::<PortRange>().is_ok_and(|open| open.covers(ports))
}

/// firewalld takes and prints names of /etc/protocols as well.
fn is_protocol(open: &str, number: u8) -> bool {
    open == number.to_string() || (number == 4 && ["ipencap", "ipip", "ipv4"].contains(&open))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(text: &str) -> SystemSetting {
        text.parse().unwrap()
    }

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn nothing_means_anything_without_what_it_is_for() {
        let system = System { container: true, ..System::default() };
        for text in [
            "module xt_set",
            "sysctl a.b = 1",
            "port 1/tcp",
            "protocol 4",
            "label bin_t of /x",
            "selinux permissive",
        ] {
            assert_eq!(system.effect(&setting(text)), Effect::NotHere, "{text}");
        }
    }

    #[test]
    fn a_port_is_open_where_now_and_later_agree() {
        let firewall = Firewall {
            now: set(&["5000-6000/tcp", "53/udp", "7000-7020/tcp"]),
            permanent: set(&["5050/tcp", "4", "7010-7020/tcp"]),
        };
        let system = System { firewall: Some(firewall), ..System::default() };
        assert_eq!(system.effect(&setting("port 5050/tcp")), Effect::InEffect);
        assert_eq!(system.effect(&setting("port 7010-7020/tcp")), Effect::InEffect);
        for (text, why) in [
            ("port 5051/tcp", "firewalld would not let it through after a restart"),
            ("port 5050/udp", "firewalld runs and does not let it through"),
            ("port 6001/tcp", "firewalld runs and does not let it through"),
            ("port 7000-7020/tcp", "firewalld would not let it through after a restart"),
            ("port 7015-7021/tcp", "firewalld runs and does not let it through"),
            ("protocol 4", "firewalld lets it through only after a restart"),
        ] {
            assert_eq!(system.effect(&setting(text)), Effect::Missing(why.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_container_has_only_the_parameters_that_it_can_change() {
        let sysctl = |writable| Sysctl { value: "0".to_owned(), writable };
        let sysctls = BTreeMap::from([("a.a".to_owned(), sysctl(true)), ("b.b".to_owned(), sysctl(false))]);
        let mut system = System { sysctls, container: true, ..System::default() };
        assert_eq!(system.effect(&setting("sysctl a.a = 1")), Effect::Missing("it is 0".to_owned()));
        assert_eq!(system.effect(&setting("sysctl b.b = 1")), Effect::NotHere);
        assert_eq!(system.effect(&setting("sysctl b.b = 0")), Effect::InEffect);
        system.container = false;
        assert_eq!(system.effect(&setting("sysctl b.b = 1")), Effect::Missing("it is 0".to_owned()));
        assert!(matches!(system.effect(&setting("sysctl c.c = 1")), Effect::Missing(_)));
    }

    #[test]
    fn permissive_is_for_now_and_for_later() {
        let with = |enforcing, enforcing_at_boot| System {
            selinux: Some(SeLinux { enforcing, enforcing_at_boot }),
            ..System::default()
        };
        assert!(matches!(with(true, true).effect(&SystemSetting::Permissive), Effect::Missing(_)));
        assert!(matches!(with(false, true).effect(&SystemSetting::Permissive), Effect::Missing(_)));
        assert_eq!(with(false, false).effect(&SystemSetting::Permissive), Effect::InEffect);
    }
}
