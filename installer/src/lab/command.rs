//! `lab down`, `status`, `ssh`, `reboot`, `cut` and `mend`.

use std::net::Ipv4Addr;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::files::Layout;
use super::lock::Lock;
use super::machine::{self, Systemd};
use super::names::LabId;
use super::record::{Host, Record, Role};
use super::tools::{self, Work};
use super::wait::{self, Seen};
use super::{Error, control_group, network, process};

/// How long hosts may take to shut down before they are killed.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);

/// Keeps other runs away from the lab until the lock is dropped; the lab's folder must exist.
///
/// # Errors
///
/// [`Error::Locked`], or the file cannot be made.
pub(super) fn lock(layout: &Layout) -> Result<Lock, Error> {
    // A run that was killed while it started a program holds the lock until that program has started. By then, the
    // program can be found.
    let taken = wait::until("", "", Duration::from_millis(20), Duration::from_secs(1), || {
        let lock = Lock::open(&layout.lock())?;
        Ok(if lock.try_take()? { Seen::Done(lock) } else { Seen::NotYet(String::new()) })
    });
    match taken {
        Err(Error::TimedOut { .. }) => Err(Error::Locked { dir: layout.dir().to_owned() }),
        other => other,
    }
}

/// A lab that is there.
struct Lab {
    layout: Layout,
    record: Record,
}

fn open(dir: &Utf8Path) -> Result<Lab, Error> {
    let layout = Layout::of(dir)?;
    match Record::load(&layout.record())? {
        Some(record) => Ok(Lab { layout, record }),
        None => Err(Error::NoLab { dir: dir.to_owned() }),
    }
}

/// What `lab down` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    /// The hosts that there were.
    pub hosts: Vec<String>,
    /// Where an inventory that somebody had edited is now.
    pub kept_inventory: Option<Utf8PathBuf>,
}

/// Takes the lab away: processes, namespaces, bridge, control groups, files. What is not there is no error, so it
/// also cleans up after a run that was killed.
///
/// # Errors
///
/// Something cannot be taken away, or another run is working on the lab.
pub fn down(dir: &Utf8Path) -> Result<Down, Error> {
    tools::check(Work::Boot)?;
    let layout = Layout::of(dir)?;
    let held = if layout.dir().is_dir() { Some(lock(&layout)?) } else { None };
    // A folder that was moved keeps the names that it was made with; one that is gone has those of its path.
    let record = Record::load(&layout.record())?;
    let id = record.as_ref().map_or_else(|| LabId::of(layout.dir()), |record| record.id.clone());

    process::stop(|| process::of_lab(&id), machine::has_booted, SHUTDOWN_LIMIT)?;
    // This also waits for what the killed ones leave behind.
    control_group::remove(&id)?;
    network::tear_down(&id)?;

    let mut kept_inventory = None;
    let mut hosts = Vec::new();
    if let Some(record) = record {
        kept_inventory = layout.remove(&record)?;
        hosts = record.hosts.iter().map(|host| host.name.to_string()).collect();
    }
    if held.is_some() {
        fs_err::remove_file(layout.lock()).map_err(Error::io("removing the lab's lock"))?;
        // It stays if something else is in it.
        let _ = fs_err::remove_dir(layout.dir());
    }
    Ok(Down { hosts, kept_inventory })
}

/// How a host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostStatus {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// What it is for.
    pub role: Role,
    /// What its systemd says; `None` if the host is not running.
    pub systemd: Option<Systemd>,
    /// Whether its network is connected: not cut.
    pub connected: bool,
}

/// How the lab's hosts are.
///
/// # Errors
///
/// There is no lab, or it cannot be looked at.
pub fn status(dir: &Utf8Path) -> Result<Vec<HostStatus>, Error> {
    tools::check(Work::Boot)?;
    let Lab { record, .. } = open(dir)?;
    let look = |host: &Host| {
        Ok(HostStatus {
            name: host.name.to_string(),
            address: host.address,
            role: host.role,
            systemd: machine::systemd(&record, host)?,
            connected: network::is_connected(&record, host)?,
        })
    };
    record.hosts.iter().map(look).collect()
}

/// Reboots a host and waits until it is back; what is on its disk stays.
///
/// # Errors
///
/// There is no such host, it is not running, or it does not come back.
pub fn reboot(dir: &Utf8Path, name: &str) -> Result<Systemd, Error> {
    tools::check(Work::Boot)?;
    let Lab { layout, record } = open(dir)?;
    let host = record.host(name, dir)?;
    let _lock = lock(&layout)?;
    machine::reboot(&layout, &record, host)
}

/// Severs a host's network; says whether it was connected.
///
/// # Errors
///
/// There is no such host, or it cannot be cut.
pub fn cut(dir: &Utf8Path, name: &str) -> Result<bool, Error> {
    set_connected(dir, name, false)
}

/// Restores a host's network; says whether it was cut.
///
/// # Errors
///
/// There is no such host, or it cannot be mended.
pub fn mend(dir: &Utf8Path, name: &str) -> Result<bool, Error> {
    set_connected(dir, name, true)
}

fn set_connected(dir: &Utf8Path, name: &str, connected: bool) -> Result<bool, Error> {
    tools::check(Work::Boot)?;
    let Lab { layout, record } = open(dir)?;
    let host = record.host(name, dir)?;
    let _lock = lock(&layout)?;
    let changed = network::set_connected(&record, host, connected)?;
    // The kernel takes a moment to notice.
    if connected && machine::is_running(&record, host)? {
        machine::wait_until_reachable(host)?;
    }
    Ok(changed)
}

/// What OpenSSH needs to log in to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The host's address.
    pub address: Ipv4Addr,
    /// The private key.
    pub key: Utf8PathBuf,
    /// The hosts' public keys.
    pub known_hosts: Utf8PathBuf,
}

/// How to log in to a host.
///
/// # Errors
///
/// There is no such host, or no `ssh`.
pub fn login(dir: &Utf8Path, name: &str) -> Result<Login, Error> {
    tools::check(Work::LogIn)?;
    let Lab { layout, record } = open(dir)?;
    let address = record.host(name, dir)?.address;
    Ok(Login { address, key: layout.key(), known_hosts: layout.known_hosts() })
}
