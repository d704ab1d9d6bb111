//! One dead host out of three.

use crate::harness::Lab;

#[test]
fn a_dead_host_keeps_none_of_the_others_from_being_finished() {
    let mut lab = Lab::up("unreachable", 212, 1, 2);
    lab.set("ssh", "connect_timeout", "2s");
    lab.lab(&["cut", "agent-2"]);
    let run = lab.apply().exit(1);
    assert_eq!(run.totals(), [2, 0, 0, 1, 0], "{run}");
    assert_eq!(run.outcome("agent-2"), "unreachable");
    let (error, address) = (run.error("agent-2"), lab.address(103));
    assert!(error.contains(&address) && error.lines().count() > 1, "what is wrong and what to do: {error}");
    assert_eq!(lab.registered_agents(1), ["agent-1"]);

    let status = lab.run("status", &[]).exit(1);
    assert_eq!(status.totals(), [0, 2, 0, 1, 0], "{status}");
    lab.run("verify", &[]).exit(1);
    lab.run("verify", &["--limit", "!agent-2"]).exit(0);

    lab.lab(&["mend", "agent-2"]);
    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [1, 2, 0, 0, 0], "{run}");
    assert_eq!(lab.registered_agents(1), ["agent-1", "agent-2"]);
}
