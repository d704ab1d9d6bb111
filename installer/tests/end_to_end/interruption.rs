//! Runs that are killed, interrupted, or met by another.

use serde_json::Value;

use crate::harness::Lab;

/// The moments of a first run at which something is half done.
type Moment = (&'static str, fn(&Value) -> bool);

fn moments() -> [Moment; 6] {
    [
        ("an upload is under way", |event| {
            event["type"] == "step-progress" && event["sent"] != event["total"]
        }),
        ("packages are being installed", |event| began(event, "packages")),
        ("files are being written", |event| began(event, "write-file")),
        ("files are written", |event| {
            event["type"] == "step-finished" && event["step"] == "create /etc/mesos-slave/isolation"
        }),
        ("a unit is being started", |event| began(event, "start")),
        ("a unit becomes healthy", |event| began(event, "await-healthy")),
    ]
}

fn began(event: &Value, action: &str) -> bool {
    event["type"] == "step-started" && event["action"] == action
}

#[test]
fn a_killed_run_is_finished_by_the_next() {
    let mut lab = Lab::up("killed", 213, 1, 1);
    for (what, moment) in moments() {
        let mut run = lab.begin();
        assert!(run.until(moment), "the run never came to: {what}: {}", run.end());
        run.kill();
    }
    let run = lab.apply().exit(0);
    assert_eq!(run.totals()[2..], [0, 0, 0], "{run}");
    lab.run("verify", &[]).exit(0);
    assert_eq!(lab.on("agent-1", "find / -xdev -name '.calico-mesos-install.*' -o -xdev -name '*.part'"), "");

    // A file is in place and the unit that reads it has not been restarted yet.
    lab.set("vars", "mesos_agent_flags", toml::toml! { gc_delay = "2days" });
    let mut run = lab.begin();
    assert!(run.until(|event| event["step"] == "create /etc/mesos-slave/gc_delay"), "{}", run.end());
    run.kill();
    lab.apply().exit(0);
    let flags = "tr '\\0' '\\n' < /proc/$(systemctl show --value -p MainPID mesos-slave)/cmdline";
    assert!(lab.on("agent-1", flags).contains("--gc_delay=2days"));
    lab.run("verify", &[]).exit(0);
}

#[test]
fn ctrl_c_ends_the_running_steps_and_tells_what_is_left() {
    let lab = Lab::up("interrupted", 214, 1, 1);
    let mut run = lab.begin();
    assert!(run.until(|event| began(event, "packages")));
    run.interrupt();
    let run = run.end().exit(130);
    let totals = run.totals();
    assert_eq!(totals[0..2], [0, 0], "{run}");
    // A host that was changed half-way is not what it should be; one that was not begun is skipped.
    assert_eq!(totals[2] + totals[4], 2, "{run}");
    assert!(run.error("master-1").contains("nterrupted"), "{run}");
    let began = |kind: &str| run.events.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(began("step-started"), began("step-finished"), "what began was finished");
    lab.on("agent-1", "! systemctl is-active mesos-slave");

    lab.apply().exit(0);
    lab.run("verify", &[]).exit(0);
}

#[test]
fn of_two_runs_at_once_one_is_refused_and_told_by_whom() {
    let lab = Lab::up("locked", 215, 1, 1);
    let mut first = lab.begin();
    let mut reached = 0;
    assert!(first.until(|event| {
        reached += usize::from(event["type"] == "facts");
        reached == 2
    }));
    let second = lab.apply().exit(5);
    assert!(second.stderr.contains(&format!("process {}", first.id())), "{second}");
    assert_eq!(second.started(), Vec::<String>::new());
    // Looking needs no lock.
    assert_ne!(lab.run("status", &[]).status, 5);
    let first = first.end().exit(0);
    assert_eq!(first.totals(), [2, 0, 0, 0, 0], "{first}");
    lab.apply().exit(0);
}
