//! Whether those that speak TLS go on understanding one another.

use super::{Input, Problem, Subject, at};
use crate::model::HostPath;
use crate::tls;

/// Units whose members speak to one another with TLS or without, and the file that is there where they speak with.
const PEERS: [(&str, &str, &str); 2] = [
    ("etcd", "etcd.service", "/etc/etcd/tls/ca.pem"),
    ("zookeeper", "zookeeper.service", "/etc/zookeeper/tls/ca.pem"),
];

/// A run restarts members one after another, and those with TLS cannot talk to those without.
pub(super) fn peers(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (role, unit, file) in PEERS {
        if input.cluster.hosts.iter().filter(|host| host.has(role)).count() < 2 {
            continue;
        }
        for subject in input.hosts.iter().filter(|subject| subject.host.has(role)) {
            let (wanted, there) = (at(&subject.desired.files, file), at(&subject.facts.files, file));
            let is_running = subject.facts.units.get(unit).is_some_and(|unit| unit.is_running());
            if !is_running || wanted.is_some() == there.is_some() {
                continue;
            }
            let (is, to_be) = if there.is_some() { ("with", "without") } else { ("without", "with") };
            problems.push(subject.fail(
                format!(
                    "{unit} runs {is} TLS between its members and is to run {to_be} it; both kinds at once cannot form a quorum"
                ),
                format!(
                    "Stop it on all of its hosts first (`systemctl stop {unit}`), as docs/security.md says; a run starts them \
                     as a whole."
                ),
            ));
        }
    }
    problems
}

/// A service that trusts another authority than its neighbour hears nothing from it. Such an authority comes about where
/// the folder of the old one is not on the machine that the tool runs on.
pub(super) fn authority(input: &Input<'_>) -> Vec<Problem> {
    let problem = |subject: &Subject<'_>| {
        let ca = &subject.host.credentials.as_ref()?.ca;
        let is_other =
            |(path, there): (_, &[u8])| tls::is_other_authority(there, ca.pem.as_bytes()).then_some(path);
        let path = trusted(subject, &ca.pem).find_map(is_other)?;
        Some(subject.fail(
            format!("{path} holds another authority than the run would bring: {}", ca.note),
            "Put the authority's folder, which `[tls]` names, back to where it was when the hosts were installed. Where the \
             authority is to change, list both certificates in `ca` for a while (mode \"files\"), or switch TLS off and on \
             again as docs/security.md says; `--skip-check tls-authority` cuts services off from one another until all have it.",
        ))
    };
    input.hosts.iter().filter_map(problem).collect()
}

/// The files of a host that hold an authority's certificate, where they are not as they are to be, with their bytes.
fn trusted<'a>(subject: &'a Subject<'_>, ca: &'a str) -> impl Iterator<Item = (&'a HostPath, &'a [u8])> {
    let files = subject.desired.files.iter().filter(move |(_, file)| file.content.trim() == ca.trim());
    files.filter_map(|(path, _)| Some((path, subject.facts.files.get(path)?.content.as_deref()?)))
}
