//! Whether hosts can be told apart, and agree on the time.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{Input, Problem, Subject};

/// How far a clock may be off. Mesos bears more; certificates, logs and people do not.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

pub(super) fn hostname(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = shared(
        input,
        |subject| &subject.facts.hostname,
        |subject, name, others| {
            let own = subject.host.name.as_str();
            let remedy = match name == own {
                true => format!("Give {others} a name of its own."),
                false => format!("Run `hostnamectl set-hostname {own}` on it."),
            };
            subject.fail(format!("its host name is `{name}`, like that of {others}"), remedy)
        },
    );
    for subject in &input.hosts {
        let (is, name) = (&subject.facts.hostname, &subject.host.name);
        let is_shared = problems.iter().any(|problem| problem.host == *name);
        if !is_shared && is != name.as_str() {
            let calico = if subject.has_calico() { ", and Calico will use that" } else { "" };
            let seen =
                format!("its host name is `{is}`{calico}, while the inventory and Mesos call it `{name}`");
            let remedy =
                format!("Run `hostnamectl set-hostname {name}` on it, or name it `{is}` in the inventory.");
            problems.push(subject.warn(seen, remedy));
        }
    }
    problems
}

pub(super) fn machine_id(input: &Input<'_>) -> Vec<Problem> {
    shared(
        input,
        |subject| &subject.facts.machine_id,
        |subject, id, others| {
            subject.fail(
            format!("its machine id {id} is that of {others} as well"),
            "Run `rm /etc/machine-id && systemd-machine-id-setup` on all but one of them and reboot those.",
        )
        },
    )
}

/// The hosts that have a value in common with others.
fn shared(
    input: &Input<'_>,
    value: impl for<'s> Fn(&'s Subject<'_>) -> &'s String,
    problem: impl Fn(&Subject<'_>, &str, &str) -> Problem,
) -> Vec<Problem> {
    let mut by_value: BTreeMap<&str, Vec<&Subject<'_>>> = BTreeMap::new();
    for subject in input.hosts.iter().filter(|subject| !value(subject).is_empty()) {
        by_value.entry(value(subject)).or_default().push(subject);
    }
    let mut problems = Vec::new();
    for (value, subjects) in by_value.iter().filter(|(_, subjects)| subjects.len() > 1) {
        for subject in subjects {
            let others = subjects.iter().map(|other| other.host.name.as_str());
            let others: Vec<&str> = others.filter(|name| *name != subject.host.name.as_str()).collect();
            problems.push(problem(subject, value, &others.join(", ")));
        }
    }
    problems
}

pub(super) fn clock(input: &Input<'_>) -> Vec<Problem> {
    let mut offsets: Vec<SignedDuration> =
        input.hosts.iter().filter_map(|subject| subject.facts.offset).collect();
    let Some(median) = median(&mut offsets) else { return Vec::new() };
    let off = |subject: &Subject<'_>| {
        let skew = subject.facts.offset? - median;
        let which = if skew.is_negative() { "behind" } else { "ahead of" };
        let seen = || format!("its clock is {} {which} the clocks of the others", in_words(skew.abs()));
        let remedy = "Set its clock, and keep it right with chronyd or ntpd.";
        (skew.abs() > SKEW).then(|| subject.fail(seen(), remedy))
    };
    input.hosts.iter().filter_map(off).collect()
}

/// The middle one. Of two, the one that is nearer to the installer's own clock.
fn median(offsets: &mut [SignedDuration]) -> Option<SignedDuration> {
    offsets.sort();
    let middle = offsets.len() / 2;
    let upper = offsets.get(middle).copied()?;
    if offsets.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = offsets.get(middle.checked_sub(1)?).copied()?;
    Some(if lower.abs() <= upper.abs() { lower } else { upper })
}

fn in_words(skew: SignedDuration) -> String {
    let seconds = skew.as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_not_moved_by_one_that_is_far_off() {
        let of = |seconds: &[i64]| {
            let mut offsets: Vec<SignedDuration> =
                seconds.iter().map(|s| SignedDuration::from_secs(*s)).collect();
            median(&mut offsets).map(|median| median.as_secs())
        };
        assert_eq!(of(&[0, 3600, 1]), Some(1));
        assert_eq!(of(&[3600, 0]), Some(0), "of two the one nearer to us");
        assert_eq!(of(&[-3600, 2]), Some(2));
        assert_eq!(of(&[7]), Some(7));
        assert_eq!(of(&[]), None);
    }
}
