//! A role from outside, by `--roles`: its files, its service and its port, from the first apply to the reset.

use crate::harness::Lab;

const ROLE: &str = r#"
    description = "A small service of our own"
    needs = [{ role = "mesos-master", on = "cluster" }]
    files = [{ template = "echoes/echoes.service", path = "/etc/systemd/system/echoes.service" }]
    ports = [{ port = "echoes_port", description = "whoever asks" }]
    vars.echoes_port = { type = "port", default = 8099, description = "Where it listens" }

    [[units]]
    name = "echoes.service"
    health = [{ kind = "http", port = "echoes_port", path = "/" }]
"#;

const UNIT: &str = "[Service]
ExecStart=/usr/bin/python3 -m http.server {{ vars.echoes_port }} --bind {{ host.address }} --directory /usr/share

[Install]
WantedBy=multi-user.target
";

#[test]
fn a_role_from_outside_works_like_a_built_in_one() {
    let mut lab = Lab::up("own-role", 240, 1, 1);
    let folder = lab.path("site");
    fs_err::create_dir_all(folder.join("templates/echoes")).unwrap();
    fs_err::write(folder.join("echoes.toml"), ROLE).unwrap();
    fs_err::write(folder.join("templates/echoes/echoes.service"), UNIT).unwrap();
    lab.set_roles("agent-1", &["agent", "echoes"]);
    let with = |more: &[&'static str]| [&["--roles", folder.as_str()], more].concat();
    lab.run("plan", &[]).exit(2);
    let run = lab.run("apply", &with(&["--yes"])).exit(0);
    // What it needs is healthy before it starts.
    let started = run.started();
    let place = |step: &str| {
        started.iter().position(|started| started == step).unwrap_or_else(|| panic!("{started:#?}"))
    };
    let needed = place("master-1 await-healthy mesos-master.service");
    assert!(needed < place("agent-1 start echoes.service"), "{started:#?}");
    assert_eq!(lab.run("plan", &with(&["--detailed-exitcode"])).exit(0).totals(), [0, 2, 0, 0, 0]);

    lab.set("vars", "echoes_port", 8098);
    assert_eq!(lab.run("apply", &with(&["--yes"])).exit(0).totals(), [1, 1, 0, 0, 0]);
    lab.on("agent-1", &format!("curl -fsS http://{}:8098/ >/dev/null", lab.address(102)));
    lab.run("verify", &with(&[])).exit(0);
    lab.run("reset", &with(&["--yes"])).exit(0);
    assert_ne!(lab.try_on("agent-1", "systemctl is-active echoes.service").0, 0);
}
