//! Whether those that form a quorum go on understanding one another.

use super::{Input, Problem, at};

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
