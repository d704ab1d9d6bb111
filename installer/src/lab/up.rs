//! `lab up`: make what is missing, boot what is not running, leave the rest alone.

use std::net::Ipv4Addr;
use std::time::Instant;

use camino::Utf8PathBuf;
use ipnet::Ipv4Net;
use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use super::command::lock;
use super::files::Layout;
use super::names::LabId;
use super::record::{Host, Record};
use super::tools::{self, Work};
use super::{Error, Event, Progress, image, limits, machine, network};

/// The subnet of a lab unless another is asked for.
pub const DEFAULT_SUBNET: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 24, 197, 0), 24);

/// How many masters and agents a new lab has unless somebody says otherwise.
const DEFAULT_SIZE: (usize, usize) = (1, 2);

/// How many hosts are booted at once: more would only take memory from each other.
const AT_ONCE: usize = 16;

/// What `lab up` is to do. What is `None` is as in the lab that is there, or else the default.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// The lab's folder.
    pub dir: Utf8PathBuf,
    /// How many masters there are to be at least.
    pub masters: Option<usize>,
    /// How many agents there are to be at least.
    pub agents: Option<usize>,
    /// The hosts' network.
    pub subnet: Option<Ipv4Net>,
    /// Where base images are cached.
    pub cache: Utf8PathBuf,
    /// The Debian mirror that the base image comes from.
    pub mirror: Option<String>,
    /// The folder of packages that the inventory names.
    pub packages: Utf8PathBuf,
}

/// What `lab up` did.
#[derive(Debug, Clone)]
pub struct Brought {
    /// The inventory.
    pub inventory: Utf8PathBuf,
    /// The hosts that were booted.
    pub booted: Vec<String>,
    /// The hosts that were running.
    pub running: Vec<String>,
}

/// Makes the lab, or what is missing of it, and boots every host that is not running.
///
/// # Errors
///
/// Before anything was changed: something is missing, the subnet is in use, the folder is not a lab's, another
/// run is working on it. Later: the image cannot be made, or hosts do not boot; the others are up then.
pub fn up(options: &UpOptions, progress: &dyn Progress) -> Result<Brought, Error> {
    tools::check(if image::is_made(&options.cache) { Work::Boot } else { Work::BuildAndBoot })?;
    let layout = Layout::of(&options.dir)?;
    let packages =
        camino::absolute_utf8(&options.packages).map_err(Error::io("resolving the packages' folder"))?;
    // Once to refuse what cannot be before anything is made, once when no other run can interfere.
    let (planned, _) = recorded(&layout, options)?;
    limits::check(count_stopped(&planned)?)?;
    fs_err::create_dir_all(layout.dir()).map_err(Error::io("making the lab's folder"))?;
    let _lock = lock(&layout)?;
    let (mut record, new) = recorded(&layout, options)?;
    // First of all, so that `lab down` knows the folder for a lab's.
    record.save(&layout.record())?;

    let image = image::ensure(&options.cache, options.mirror.as_deref(), progress)?;
    prepare(&layout, &image, &mut record)?;
    layout.write_known_hosts(&record)?;
    layout.write_inventory(&mut record, &new, &packages)?;
    record.save(&layout.record())?;

    network::raise_bridge(&record)?;
    for host in &record.hosts {
        network::plug(&record, host)?;
    }
    let hosts = in_parallel(&record.hosts.iter().collect::<Vec<_>>(), |host| {
        let start = Instant::now();
        let (name, address) = (host.name.to_string(), host.address);
        let (systemd, was_running) = machine::boot(&layout, &record, host)?;
        progress.event(Event::Up {
            name: name.clone(),
            address,
            was_running,
            took: start.elapsed(),
            systemd,
        });
        Ok((name, was_running))
    })?;
    let names = |running| {
        hosts.iter().filter(move |(_, was)| *was == running).map(|(name, _)| name.clone()).collect()
    };
    Ok(Brought { inventory: layout.inventory(), booted: names(false), running: names(true) })
}

fn count_stopped(record: &Record) -> Result<usize, Error> {
    let mut stopped = 0;
    for host in &record.hosts {
        stopped += usize::from(!machine::is_running(record, host)?);
    }
    Ok(stopped)
}

/// The lab's record with the hosts that were asked for, and those of them that are not in the inventory yet.
fn recorded(layout: &Layout, options: &UpOptions) -> Result<(Record, Vec<Host>), Error> {
    let known = Record::load(&layout.record())?;
    if known.is_none() {
        layout.check_unused()?;
    }
    let default = known.as_ref().map_or(DEFAULT_SIZE, |_| (0, 0));
    let mut record = match (known, options.subnet) {
        (Some(record), Some(asked)) if record.subnet != asked.trunc() => {
            return Err(Error::OtherSubnet { dir: layout.dir().to_owned(), is: record.subnet, asked });
        }
        (Some(record), _) => record,
        (None, asked) => Record::new(LabId::of(layout.dir()), asked.unwrap_or(DEFAULT_SUBNET)),
    };
    network::check_subnet(&record.id, record.subnet)?;
    record.grow(options.masters.unwrap_or(default.0), options.agents.unwrap_or(default.1))?;
    // The inventory is written after the hosts got their keys.
    let new = record.hosts.iter().filter(|host| host.host_key.is_none()).cloned().collect();
    Ok((record, new))
}

/// Gives every host that has none its identity.
fn prepare(layout: &Layout, image: &camino::Utf8Path, record: &mut Record) -> Result<(), Error> {
    let (key, password) = (layout.ensure_key()?, layout.ensure_password()?);
    let unprepared: Vec<&Host> = record.hosts.iter().filter(|host| host.host_key.is_none()).collect();
    let keys = in_parallel(&unprepared, |host| {
        let machine = record.id.machine(host.name.as_str());
        Ok((host.name.clone(), machine::prepare(layout, &machine, image, host, &key, &password)?))
    })?;
    for (name, key) in keys {
        for host in record.hosts.iter_mut().filter(|host| host.name == name) {
            host.host_key = Some(key.clone());
        }
    }
    Ok(())
}

/// Does something to hosts, several at once; one that fails does not keep the others from being finished.
fn in_parallel<T: Send>(
    hosts: &[&Host],
    work: impl Fn(&Host) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(AT_ONCE.min(hosts.len()).max(1))
        .build()
        .map_err(|error| Error::io("starting threads")(std::io::Error::other(error)))?;
    let results: Vec<Result<T, Error>> =
        pool.install(|| hosts.par_iter().with_max_len(1).map(|host| work(host)).collect());
    let mut done = Vec::new();
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(value) => done.push(value),
            Err(error) => errors.push(error),
        }
    }
    match errors.len() {
        0 => Ok(done),
        1 => Err(errors.remove(0)),
        _ => Err(Error::Hosts(errors)),
    }
}
