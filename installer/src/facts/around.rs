//! What else there is on a host: who listens where, its networks, its kernel modules, what Mesos would take for flags.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::model::PackageName;

/// What else there is on a host: what the checks before a run judge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Around {
    /// Who listens on which port.
    pub listeners: Vec<Listener>,
    /// The files that Mesos would take for flags, by their paths.
    pub flag_files: Vec<String>,
    /// The networks that the host's interfaces are in.
    pub networks: Vec<Network>,
    /// Kernel modules that Calico needs.
    pub modules: BTreeMap<String, ModuleState>,
    /// The Mesos that an installed package requires, where it requires one in particular.
    pub mesos_for: BTreeMap<PackageName, String>,
    /// Docker's version, as the program itself says.
    pub docker: Option<String>,
    /// The `--quorum` that a running mesos-master was started with.
    pub quorum: Option<u64>,
    /// Whether SELinux enforces; none where there is no SELinux.
    pub selinux: Option<bool>,
    /// NetworkManager's `unmanaged-devices`, a line each.
    pub unmanaged: Vec<String>,
}

/// A port that somebody listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Whether it is UDP; else TCP.
    pub udp: bool,
    /// The address, as the host writes it.
    pub address: String,
    /// The port.
    pub port: u16,
    /// Who listens, where the host can tell.
    pub process: Option<Process>,
}

/// A process of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The last part of its control group's path: a unit of systemd, or a container.
    pub unit: Option<String>,
}

/// A network that an interface of the host is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The interface.
    pub interface: String,
    /// The interface's address with the network's prefix length.
    pub address: IpNet,
}

/// Whether a kernel module can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleState {
    /// It is loaded, or part of the kernel.
    Loaded,
    /// It is there to be loaded.
    Available,
    /// The kernel's modules are there, and it is not among them.
    Missing,
    /// The host does not say which modules there are.
    Unknown,
}

/// Reads the records of `around.sh` among others.
#[derive(Debug, Default)]
pub(super) struct Reader {
    around: Around,
    /// The kernel's tables: sockets by inode, for hosts without `ss`.
    sockets: Vec<(u64, Listener)>,
    holders: BTreeMap<u64, (u32, String)>,
    units: BTreeMap<u32, String>,
}

impl Reader {
    /// Reads one record; one that is not understood says nothing, since these facts are for warnings and refusals only
    /// and their absence must stop nobody.
    pub(super) fn record(&mut self, kind: &str, rest: &str) {
        let mut fields = rest.split('\t');
        let mut field = || fields.next().unwrap_or_default();
        match kind {
            "listener" => self.around.listeners.extend(of_ss(rest)),
            "socket" => {
                let (table, local, inode) = (field(), field(), field());
                if let (Some((address, port)), Ok(inode)) = (of_kernel(local), inode.parse()) {
                    let udp = table.starts_with("udp");
                    self.sockets.push((inode, Listener { udp, address, port, process: None }));
                }
            }
            "holder" => {
                let (inode, id, name) = (field(), field(), field());
                if let (Ok(inode), Ok(id)) = (inode.parse(), id.parse()) {
                    self.holders.insert(inode, (id, name.to_owned()));
                }
            }
            "unit-of" => {
                let (id, path) = (field(), field());
                let unit =
                    path.rsplit('/').find(|part| part.ends_with(".service") || part.ends_with(".scope"));
                if let (Ok(id), Some(unit)) = (id.parse(), unit.or_else(|| path.rsplit('/').next())) {
                    // Of two hierarchies the one that knows the unit counts.
                    let known: &mut String = self.units.entry(id).or_default();
                    if known.is_empty() {
                        unit.clone_into(known);
                    }
                }
            }
            "flag-file" => self.around.flag_files.push(rest.to_owned()),
            "network" => {
                let (interface, address) = (field().to_owned(), field());
                if let Ok(address) = address.parse() {
                    self.around.networks.push(Network { interface, address });
                }
            }
            "module" => {
                let (name, state) = (field().to_owned(), field());
                let state = match state {
                    "loaded" => ModuleState::Loaded,
                    "available" => ModuleState::Available,
                    "missing" => ModuleState::Missing,
                    _ => ModuleState::Unknown,
                };
                self.around.modules.insert(name, state);
            }
            "requires" => {
                let (package, flags, version) = (field(), field(), field());
                if let (Ok(package), "=") = (package.parse(), flags.trim()) {
                    self.around.mesos_for.insert(package, version.trim().to_owned());
                }
            }
            "docker" => self.around.docker = docker_version(rest),
            "running-quorum" => self.around.quorum = rest.parse().ok(),
            "selinux" => self.around.selinux = Some(rest == "1"),
            "unmanaged" => self.around.unmanaged.push(rest.to_owned()),
            _ => {}
        }
    }

    /// What was read.
    pub(super) fn end(self) -> Around {
        let Self { mut around, sockets, holders, units } = self;
        for (inode, mut listener) in sockets {
            let holder = holders.get(&inode);
            listener.process = holder.map(|(id, name)| Process { id: *id, name: name.clone(), unit: None });
            around.listeners.push(listener);
        }
        for process in around.listeners.iter_mut().filter_map(|listener| listener.process.as_mut()) {
            process.unit = units.get(&process.id).filter(|unit| !unit.is_empty()).cloned();
        }
        around
    }
}

/// A line of `ss -lntup`: `tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))`.
fn of_ss(line: &str) -> Option<Listener> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let udp = match *words.first()? {
        "tcp" => false,
        "udp" => true,
        _ => return None,
    };
    let (address, port) = words.get(4)?.rsplit_once(':')?;
    let users = words.get(6..).map(|rest| rest.join(" ")).unwrap_or_default();
    let process = || {
        let (name, rest) = users.strip_prefix("users:((\"")?.split_once("\",pid=")?;
        let id = rest.split(',').next()?.parse().ok()?;
        Some(Process { id, name: name.to_owned(), unit: None })
    };
    Some(Listener { udp, address: address.to_owned(), port: port.parse().ok()?, process: process() })
}

/// An address of `/proc/net/tcp`, `0100007F:13BA`: hexadecimal digits, which are upper-case today and need not be.
fn of_kernel(local: &str) -> Option<(String, u16)> {
    let (address, port) = local.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let address = match u32::from_str_radix(address, 16) {
        // The kernel prints the address as a number of the machine's own byte order: little-endian on all of ours.
        Ok(number) => std::net::Ipv4Addr::from(number.to_le_bytes()).to_string(),
        Err(_) => "*".to_owned(),
    };
    Some((address, port))
}

/// `20.10.24+dfsg1` of `Docker version 20.10.24+dfsg1, build 297e128`.
fn docker_version(said: &str) -> Option<String> {
    let text = said.split_once("version ")?.1;
    let version = text.split([',', ' ']).next()?.trim();
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Around {
        let mut reader = Reader::default();
        for line in text.lines() {
            let (kind, rest) = line.split_once('\t').unwrap();
            reader.record(kind, rest);
        }
        reader.end()
    }

    #[test]
    fn ss_names_processes_and_systemd_their_units() {
        let around = read(
            "listener\tNetid State Recv-Q Send-Q Local Address:Port Peer Address:Port\n\
             listener\ttcp   LISTEN 0      128          0.0.0.0:5050      0.0.0.0:*    users:((\"nc\",pid=42,fd=3))\n\
             listener\tudp   UNCONN 0      0      [::1]:53      [::]:*    users:((\"named\",pid=7,fd=3),(\"x\",pid=8,fd=1))\n\
             listener\ttcp   LISTEN 0      5      *:2049      *:*\n\
             unit-of\t42\t/system.slice/squatter.service\nunit-of\t42\t/\nunit-of\t7\t/user.slice/session-3.scope\n",
        );
        let seen: Vec<String> = around
            .listeners
            .iter()
            .map(|l| {
                let process = l.process.as_ref();
                let process =
                    process.map(|p| format!("{} {} {:?}", p.name, p.id, p.unit)).unwrap_or_default();
                format!("{} {} {}: {process}", l.udp, l.address, l.port)
            })
            .collect();
        insta::assert_snapshot!(seen.join("\n"), @r#"
        false 0.0.0.0 5050: nc 42 Some("squatter.service")
        true [::1] 53: named 7 Some("session-3.scope")
        false * 2049: 
        "#);
    }

    #[test]
    fn the_kernels_tables_are_read_in_either_case() {
        for port in ["13BA", "13ba", "13Ba"] {
            let around = read(&format!(
                "socket\ttcp\t0100007F:{port}\t991\nholder\t991\t42\tnc\nsocket\tudp6\t000000000000000000000000000000FF:0035\t5\n"
            ));
            let first = &around.listeners[0];
            assert_eq!((first.port, first.address.as_str(), first.udp), (5050, "127.0.0.1", false));
            assert_eq!(first.process.as_ref().map(|p| (p.id, p.name.as_str())), Some((42, "nc")));
            assert_eq!((around.listeners[1].port, around.listeners[1].udp), (53, true));
        }
    }

    #[test]
    fn versions_modules_and_networks_are_read() {
        let around = read(
            "docker\tDocker version 20.10.24+dfsg1, build 297e128\nmodule\txt_set\tmissing\n\
             requires\tnet-modules\t =\t0.28.1\nrequires\tmarathon\t >=\t0.22\nrunning-quorum\t2\nselinux\t1\n\
             network\teth0\t10.0.0.5/24\nflag-file\t/etc/mesos-slave/isolation~\n",
        );
        assert_eq!(around.docker.as_deref(), Some("20.10.24+dfsg1"));
        assert_eq!(around.modules["xt_set"], ModuleState::Missing);
        assert_eq!(around.mesos_for.len(), 1);
        assert_eq!(around.mesos_for["net-modules"], "0.28.1");
        assert_eq!((around.quorum, around.selinux), (Some(2), Some(true)));
        assert_eq!(around.networks[0].address.to_string(), "10.0.0.5/24");
        assert_eq!(around.flag_files, ["/etc/mesos-slave/isolation~"]);
    }
}
