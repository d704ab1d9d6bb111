//! Finding and ending the lab's processes, and no others.
//!
//! A process is the lab's if its command line says so. It is looked at again through a handle before it is
//! signalled, since a process's number may be given to another one at any time.

use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::wait::{self, Seen};
use super::{Error, names::LabId};

/// Programs that prepare and run a lab's hosts, see `machine`; anything else with the same argument is somebody
/// who is looking for them.
const PROGRAMS: &[&str] = &["setsid", "unshare", "chroot", "sh", "setpriv", "systemd-nspawn"];

/// A process of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    /// The host's machine name.
    pub(super) machine: String,
    /// Whether it is systemd-nspawn itself and not what started it.
    pub(super) is_nspawn: bool,
}

/// Every process that runs a host of the lab.
///
/// # Errors
///
/// `/proc` cannot be read.
pub(super) fn of_lab(id: &LabId) -> Result<Vec<Process>, Error> {
    let prefix = id.prefix();
    let found = numbers()?.filter_map(look).filter(|process| process.machine.starts_with(&prefix));
    Ok(found.collect())
}

/// Every process that runs the machine.
///
/// # Errors
///
/// `/proc` cannot be read.
pub(super) fn of_machine(machine: &str) -> Result<Vec<Process>, Error> {
    Ok(numbers()?.filter_map(look).filter(|process| process.machine == machine).collect())
}

/// The machine's first process, its systemd, if there is one: the child of systemd-nspawn that became `init`.
///
/// # Errors
///
/// `/proc` cannot be read.
pub(super) fn leader(machine: &str) -> Result<Option<i32>, Error> {
    let nspawns: Vec<i32> =
        of_machine(machine)?.into_iter().filter(|process| process.is_nspawn).map(|p| p.pid).collect();
    if nspawns.is_empty() {
        return Ok(None);
    }
    Ok(numbers()?.find(|pid| {
        parent(*pid).is_some_and(|parent| nspawns.contains(&parent))
            && arguments(*pid)
                .first()
                .is_some_and(|program| program.ends_with("/systemd") || program.ends_with("/init"))
    }))
}

/// Asks the machines that listen to shut down, and kills the processes that are left after `limit`.
///
/// # Errors
///
/// A process cannot be signalled, or outlives even that.
pub(super) fn stop(
    find: impl Fn() -> Result<Vec<Process>, Error>,
    listens: impl Fn(&str) -> Result<bool, Error>,
    limit: Duration,
) -> Result<(), Error> {
    let interval = Duration::from_millis(50);
    let mut asked = Vec::new();
    for process in find()?.into_iter().filter(|process| process.is_nspawn) {
        if listens(&process.machine)? {
            signal(&process, Signal::TERM)?;
            asked.push(process);
        }
    }
    let gone = || {
        let left: Vec<Process> = find()?.into_iter().filter(|process| asked.contains(process)).collect();
        Ok(if left.is_empty() { Seen::Done(()) } else { Seen::NotYet(list(&left)) })
    };
    match wait::until("hosts to shut down", "", interval, limit, gone) {
        Ok(()) | Err(Error::TimedOut { .. }) => {}
        Err(error) => return Err(error),
    }
    wait::until(
        "processes that were killed to be gone",
        "look at them with ps, then run the command again",
        interval,
        Duration::from_secs(20),
        || {
            let left = find()?;
            for process in &left {
                signal(process, Signal::KILL)?;
            }
            Ok(if left.is_empty() { Seen::Done(()) } else { Seen::NotYet(list(&left)) })
        },
    )
}

fn list(processes: &[Process]) -> String {
    let texts: Vec<String> =
        processes.iter().map(|process| format!("{} (process {})", process.machine, process.pid)).collect();
    texts.join(", ")
}

/// Signals the process if it still is what it was; that it is gone is no error.
fn signal(process: &Process, signal: Signal) -> Result<(), Error> {
    let doing = || format!("signalling process {} of {}", process.pid, process.machine);
    let Some(pid) = Pid::from_raw(process.pid) else { return Ok(()) };
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        Err(error) => return Err(Error::io(doing())(error.into())),
    };
    if look(process.pid).as_ref() != Some(process) {
        return Ok(());
    }
    match pidfd_send_signal(&handle, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(Error::io(doing())(error.into())),
    }
}

fn look(pid: i32) -> Option<Process> {
    classify(pid, &arguments(pid))
}

/// What a command line says about its process.
fn classify(pid: i32, arguments: &[String]) -> Option<Process> {
    let program = arguments.first()?.rsplit('/').next()?;
    let machine = arguments.iter().find_map(|argument| argument.strip_prefix("--machine="))?;
    PROGRAMS.contains(&program).then(|| Process {
        pid,
        machine: machine.to_owned(),
        is_nspawn: program == "systemd-nspawn",
    })
}

/// A process's command line; empty if it is gone, or a zombie.
fn arguments(pid: i32) -> Vec<String> {
    let bytes = fs_err::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// A process's parent: the fourth field of its `stat`, after a name in brackets that may contain anything.
fn parent(pid: i32) -> Option<i32> {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn numbers() -> Result<impl Iterator<Item = i32>, Error> {
    let entries = fs_err::read_dir("/proc").map_err(Error::io("listing processes"))?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn only_what_runs_a_host_is_the_labs() {
        let nspawn =
            classify(7, &words("systemd-nspawn --directory=root --machine=cml123456-agent-1 --boot"));
        assert_eq!(
            nspawn,
            Some(Process { pid: 7, machine: "cml123456-agent-1".to_owned(), is_nspawn: true })
        );
        assert!(!classify(7, &words("/bin/sh -c x --machine=cml123456-agent-1")).unwrap().is_nspawn);
        assert_eq!(classify(7, &words("pgrep -f --machine=cml123456-agent-1")), None);
        assert_eq!(classify(7, &words("systemd-nspawn --boot")), None);
        assert_eq!(classify(7, &[]), None);
    }

    #[test]
    fn a_process_that_became_another_is_left_alone() {
        let me = Process {
            pid: i32::try_from(std::process::id()).unwrap(),
            machine: "cml123456-agent-1".to_owned(),
            is_nspawn: true,
        };
        signal(&me, Signal::KILL).unwrap();
    }

    #[test]
    fn parents_are_known() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert_eq!(parent(me), i32::try_from(std::os::unix::process::parent_id()).ok());
        assert!(numbers().unwrap().any(|pid| pid == me));
    }
}
