//! What masters and agents that run already were started with, and what they would be started with.

use super::{Input, Problem, Subject, at};

const QUORUM_FILE: &str = "/etc/mesos-master/quorum";

/// The folders whose every file is a flag.
const FLAG_FOLDERS: [&str; 2] = ["/etc/mesos-master/", "/etc/mesos-slave/"];

pub(super) fn quorum(input: &Input<'_>) -> Vec<Problem> {
    let masters = input.cluster.mesos.masters.len();
    let wanted = input.cluster.mesos.quorum as u64;
    let mut problems = Vec::new();
    for subject in input.hosts.iter().filter(|subject| subject.host.has("mesos-master")) {
        let written =
            at(&subject.desired.files, QUORUM_FILE).and_then(|file| file.content.trim().parse().ok());
        if let Some(written) = written.filter(|written: &u64| *written != wanted) {
            let seen =
                format!("its quorum would be {written}, and a majority of {masters} masters is {wanted}");
            problems.push(subject.fail(seen, format!("Correct the template of {QUORUM_FILE}.")));
        }
        let Some(now) = running(subject).filter(|now| *now != wanted) else { continue };
        let seen = format!(
            "a master with a quorum of {now} is there, and a majority of the inventory's {masters} masters is {wanted}"
        );
        problems.push(if now > wanted {
            let remedy = "Is every master in the inventory? If there are to be fewer, stop those that go first, one after \
                          the other, and add `--skip-check quorum`.";
            subject.fail(seen, remedy)
        } else if now + 1 == wanted {
            let remedy = "Start with the masters that are there already: new ones must not outnumber them before they have \
                          caught up with the replicated log.";
            subject.warn(seen, remedy)
        } else {
            subject.fail(seen, "Add two masters at a time, and let each pair catch up before the next.")
        });
    }
    problems
}

/// The quorum of the master that runs on the host, or of the one that would be started there today.
fn running(subject: &Subject<'_>) -> Option<u64> {
    let of_file = || {
        let file = at(&subject.facts.files, QUORUM_FILE)?;
        let content = std::str::from_utf8(file.content.as_deref()?).ok()?;
        content.trim().parse().ok()
    };
    let is_running = subject.facts.units.get("mesos-master.service").is_some_and(|unit| unit.is_running());
    subject.facts.around.quorum.or_else(|| is_running.then(of_file)?)
}

pub(super) fn stray_flags(input: &Input<'_>) -> Vec<Problem> {
    input.hosts.iter().flat_map(strays).collect()
}

fn strays<'a>(subject: &'a Subject<'_>) -> impl Iterator<Item = Problem> + 'a {
    let receipt = subject.facts.receipt.as_ref();
    let is_known = move |path: &str| {
        at(&subject.desired.files, path).is_some()
            || receipt.is_some_and(|receipt| at(&receipt.files, path).is_some())
    };
    // Where nothing of ours goes into a folder, nothing of ours reads it.
    let is_read = |folder: &&str| subject.desired.files.keys().any(|path| path.as_str().starts_with(*folder));
    let files = &subject.facts.around.flag_files;
    FLAG_FOLDERS.into_iter().filter(is_read).flat_map(move |folder| {
        files.iter().filter(move |path| path.starts_with(folder) && !is_known(path)).map(move |path| {
            let daemon = if folder.contains("master") { "mesos-master" } else { "mesos-slave" };
            let name = path.rsplit('/').next().unwrap_or_default();
            let is_flag = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-?".contains(c));
            let var = if folder.contains("master") { "mesos_master_flags" } else { "mesos_agent_flags" };
            let (seen, remedy) = if is_flag {
                (
                    format!("{path} is not the inventory's, and gives {daemon} the flag `--{name}`"),
                    format!("Give the flag in `[vars] {var}`, or delete the file. To leave it as it is, add `--skip-check stray-flags`."),
                )
            } else {
                (
                    format!("{path} would be a flag `--{name}`, which {daemon} does not know and refuses to start with"),
                    "Delete the file, or move it out of the folder.".to_owned(),
                )
            };
            subject.fail(seen, remedy)
        })
    })
}
