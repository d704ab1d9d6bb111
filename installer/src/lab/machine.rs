//! A host: prepared once, then booted by systemd-nspawn in a root folder that survives reboots.

use std::io::{BufRead as _, BufReader, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::files::{self, Layout};
use super::program::{Program, ProgramError, tail};
use super::record::{Host, Record};
use super::wait::{self, Seen};
use super::{Error, control_group, network, process};

const PREPARE: &str = include_str!("scripts/prepare-host.sh");
const BOOT: &str = concat!(include_str!("scripts/mount-root.sh"), include_str!("scripts/boot-host.sh"));
const ENTER: &str = concat!(include_str!("scripts/mount-root.sh"), include_str!("scripts/enter-host.sh"));

/// System calls that would reach beyond the host. What they need cannot be withheld: a privileged container must be
/// given all there is.
const FORBIDDEN_CALLS: &str =
    "adjtimex clock_adjtime clock_settime settimeofday init_module finit_module delete_module kexec_load";

/// How long a host may take to boot. It takes seconds; many at once on a slow machine take longer.
const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// How often a booting host is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// What systemd says about a running host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Systemd {
    /// `running`, `degraded`, `starting`, …: what `systemctl is-system-running` says.
    pub state: String,
    /// The units that failed.
    pub failed_units: Vec<String>,
}

impl Systemd {
    /// Whether booting is over, well or not so well.
    fn is_settled(&self) -> bool {
        ["running", "degraded"].contains(&self.state.as_str())
    }
}

/// Makes the folders of a host, the image's link among them, and gives the host its identity; returns its public
/// key. Doing it again changes nothing.
///
/// # Errors
///
/// A program failed, or a folder cannot be made.
pub(super) fn prepare(
    layout: &Layout,
    machine: &str,
    image: &Utf8Path,
    host: &Host,
    key: &str,
    password: &str,
) -> Result<String, Error> {
    // Another one may be left from a run that was killed.
    process::stop(|| process::of_machine(machine), |_| Ok(false), Duration::ZERO)?;
    let folder = layout.host(&host.name);
    // As the image's: what is in it is for the host's users only.
    files::private_folder(&folder)?;
    for part in ["upper", "work", "root"] {
        fs_err::create_dir_all(folder.join(part)).map_err(Error::io("making a host's folders"))?;
    }
    // It is the host's `/`, whose users must be able to enter it, whatever this process's umask.
    fs_err::set_permissions(folder.join("upper"), std::fs::Permissions::from_mode(0o755))
        .map_err(Error::io("making a host's folders"))?;
    let link = folder.join("image");
    if link.symlink_metadata().is_err() {
        fs_err::os::unix::fs::symlink(image, &link).map_err(Error::io("linking the base image"))?;
    }
    let address = host.address.to_string();
    // Nothing of it outlives this process. Should it be killed all the same before it has seen to that, the last
    // argument tells `lab down` whose it is.
    let text = Program::new("setpriv")
        .args(["--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child=KILL"])
        .args(["--mount", "--propagation", "slave", "sh", "-c", ENTER, "sh", folder.as_str(), PREPARE])
        .args([host.name.as_str(), &address, &host.machine_id, key, &format!("--machine={machine}")])
        .stdin(password)
        .run()?;
    Ok(text.trim().to_owned())
}

/// Whether the host is booted, or being booted.
///
/// # Errors
///
/// `/proc` cannot be read.
pub(super) fn is_running(record: &Record, host: &Host) -> Result<bool, Error> {
    Ok(!process::of_machine(&record.id.machine(host.name.as_str()))?.is_empty())
}

/// Boots the host unless it is running, and waits until it answers; says whether it was running.
///
/// # Errors
///
/// It ends while it is booting, or is not up in time.
pub(super) fn boot(layout: &Layout, record: &Record, host: &Host) -> Result<(Systemd, bool), Error> {
    if is_running(record, host)? {
        match wait_until_up(layout, record, host, None, None) {
            // It was on its way down.
            Err(Error::Ended { .. }) => {}
            other => return other.map(|systemd| (systemd, true)),
        }
    }
    let mut child = start(layout, record, host)?;
    let systemd = wait_until_up(layout, record, host, None, Some(&mut child))?;
    Ok((systemd, false))
}

/// Starts systemd-nspawn in a session of its own, so that it outlives this process and its terminal.
fn start(layout: &Layout, record: &Record, host: &Host) -> Result<Child, Error> {
    let folder = layout.host(&host.name);
    if !folder.join("image").exists() {
        let image = folder.join("image").read_link_utf8().unwrap_or_default();
        return Err(Error::ImageGone { name: host.name.to_string(), image, dir: layout.dir().to_owned() });
    }
    let machine = record.id.machine(host.name.as_str());
    let console =
        fs_err::File::create(layout.console(&host.name)).map_err(Error::io("making a console log"))?;
    let errors = console.try_clone().map_err(Error::io("making a console log"))?;
    let groups: Vec<Utf8PathBuf> = control_group::make(&record.id, host.name.as_str())?;
    Command::new("setsid")
        // In a process namespace, because systemd-nspawn that is killed leaves the host running.
        .args(["unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "slave"])
        .args(["sh", "-c", BOOT, "sh", folder.as_str()])
        .args(groups)
        .args(["--", "--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe"])
        .args(["--resolv-conf=off", "--timezone=off", "--link-journal=no"])
        // A host may configure its own network, run privileged containers and load filters into the kernel, as a real
        // one may. The machine's clock and the kernel's modules are not its own.
        .args(["--capability=all", "--system-call-filter=add_key keyctl bpf"])
        .arg(format!("--system-call-filter=~{FORBIDDEN_CALLS}"))
        .arg(format!("--machine={machine}"))
        .arg(format!("--network-namespace-path={}", network::namespace_path(&machine)))
        // The network is the host's own, and so are the kernel's settings of it: it may forward packets.
        .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
        .stdin(Stdio::null())
        .stdout(console.into_file())
        .stderr(errors.into_file())
        .spawn()
        .map_err(|source| ProgramError::Start { command: "setsid".to_owned(), source }.into())
}

/// Reboots the host and waits until it answers again.
///
/// # Errors
///
/// It does not run, or is not back in time.
pub(super) fn reboot(layout: &Layout, record: &Record, host: &Host) -> Result<Systemd, Error> {
    let machine = record.id.machine(host.name.as_str());
    let not_running = || Error::NotRunning { name: host.name.to_string(), dir: layout.dir().to_owned() };
    let leader = process::leader(&machine)?.ok_or_else(not_running)?;
    // The connection to systemd may end before its answer: what tells is whether the host comes back.
    inside(leader).args(["systemctl", "reboot"]).output()?;
    wait_until_up(layout, record, host, Some(leader), None)
}

/// Waits until systemd has booted and, unless the cable is cut, sshd answers.
///
/// `old` is the first process from before a reboot; `child` is looked at for an early end.
fn wait_until_up(
    layout: &Layout,
    record: &Record,
    host: &Host,
    old: Option<i32>,
    mut child: Option<&mut Child>,
) -> Result<Systemd, Error> {
    let log = layout.console(&host.name);
    let machine = record.id.machine(host.name.as_str());
    let connected = network::is_connected(record, host)?;
    let what = format!("{} to boot", host.name);
    let remedy =
        format!("look at {log}, then `lab reboot {name}`, or `lab down` and `lab up`", name = host.name);
    wait::until(&what, &remedy, INTERVAL, BOOT_LIMIT, || {
        let ended = match child.as_deref_mut() {
            Some(child) => child.try_wait().map_err(Error::io("looking at systemd-nspawn"))?.is_some(),
            None => process::of_machine(&machine)?.is_empty(),
        };
        if ended {
            let text = fs_err::read(&log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let tail = tail(&text.unwrap_or_default(), 10);
            return Err(Error::Ended { name: host.name.to_string(), log: log.clone(), tail });
        }
        let Some(leader) = process::leader(&machine)?.filter(|leader| Some(*leader) != old) else {
            return Ok(Seen::NotYet("its systemd has not started".to_owned()));
        };
        let systemd = ask(leader)?;
        if !systemd.is_settled() {
            return Ok(Seen::NotYet(format!("systemd is `{}`", systemd.state)));
        }
        if connected && !sshd_answers(host) {
            return Ok(Seen::NotYet("sshd does not answer".to_owned()));
        }
        Ok(Seen::Done(systemd))
    })
}

/// What systemd says on the host; `None` if the host is not running.
///
/// # Errors
///
/// `nsenter` cannot be run.
pub(super) fn systemd(record: &Record, host: &Host) -> Result<Option<Systemd>, Error> {
    process::leader(&record.id.machine(host.name.as_str()))?.map(ask).transpose()
}

/// Whether the machine has booted, so that it can be asked to shut down; before, it would not hear.
///
/// # Errors
///
/// `nsenter` cannot be run.
pub(super) fn has_booted(machine: &str) -> Result<bool, Error> {
    match process::leader(machine)? {
        Some(leader) => Ok(ask(leader)?.is_settled()),
        None => Ok(false),
    }
}

fn ask(leader: i32) -> Result<Systemd, Error> {
    let script = "systemctl is-system-running; systemctl list-units --failed --plain --no-legend";
    let output = inside(leader).args(["sh", "-c", script]).output()?;
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

fn parse(text: &str) -> Systemd {
    let mut lines = text.lines();
    let state = lines.next().map(str::trim).filter(|state| !state.is_empty()).unwrap_or("starting");
    let failed_units = lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    Systemd { state: state.to_owned(), failed_units }
}

/// A program that will run inside the host; works without its network.
fn inside(leader: i32) -> Program {
    Program::new("nsenter")
        .args(["--target", &leader.to_string()])
        .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--"])
}

/// Waits until packets reach the host again, whether or not its sshd runs.
///
/// # Errors
///
/// None does for 15 s.
pub(super) fn wait_until_reachable(host: &Host) -> Result<(), Error> {
    let what = format!("packets to reach {}", host.name);
    let remedy =
        "its cable is in; see with `lab status` whether it runs, and whether it drops packets to port 22";
    wait::until(&what, remedy, INTERVAL, Duration::from_secs(15), || {
        match TcpStream::connect_timeout(&SocketAddr::from((host.address, 22)), Duration::from_secs(1)) {
            Ok(_) => Ok(Seen::Done(())),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(Seen::Done(())),
            Err(error) => Ok(Seen::NotYet(error.to_string())),
        }
    })
}

/// Whether the host's sshd introduces itself.
fn sshd_answers(host: &Host) -> bool {
    let limit = Duration::from_secs(2);
    let Ok(stream) = TcpStream::connect_timeout(&SocketAddr::from((host.address, 22)), limit) else {
        return false;
    };
    if stream.set_read_timeout(Some(limit)).is_err() {
        return false;
    }
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("SSH-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_units_are_named() {
        assert_eq!(
            parse("degraded\na.service loaded failed failed A b\nb.mount loaded failed failed B\n"),
            Systemd {
                state: "degraded".to_owned(),
                failed_units: vec!["a.service".into(), "b.mount".into()]
            }
        );
    }

    #[test]
    fn no_answer_means_starting() {
        assert_eq!(parse(""), Systemd { state: "starting".to_owned(), failed_units: vec![] });
        assert!(!parse("").is_settled());
        assert!(parse("running\n").is_settled());
    }
}
