//! `init`, `validate` and `render` as a user calls them: exit statuses, both outputs, files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod common;

use std::path::Path;
use std::process::{Command, Output};

use calico_mesos_install::data::Data;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_calico-mesos-install"))
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .env_remove("CALICO_MESOS_INSTALL_DATA")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn what_init_prints_validates_whatever_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for masters in ["1", "3", "5", "201"] {
        for agents in ["0", "1", "2", "400"] {
            for containerizers in ["mesos", "docker", "mesos,docker", "docker,mesos"] {
                let given = ["--masters", masters, "--agents", agents, "--containerizers", containerizers];
                let made = run(folder.path(), &[&["init"][..], &given].concat());
                assert_eq!(made.status.code(), Some(0));
                let (cluster, mistakes) = common::resolve(&stdout(&made), &Data::built_in());
                assert!(mistakes.is_empty(), "{given:?}: {mistakes}");
                let hosts: usize = masters.parse::<usize>().unwrap() + agents.parse::<usize>().unwrap();
                assert_eq!(cluster.hosts.len(), hosts);
                assert_eq!(cluster.containerizers.len(), containerizers.split(',').count());
            }
        }
    }
    let alone = run(folder.path(), &["init", "--containerizers", "mesos"]);
    assert!(
        stdout(&alone).contains("roles = [\"agent\", \"calico-node\", \"docker\"]"),
        "{}",
        stdout(&alone)
    );
    let even = run(folder.path(), &["init", "--masters", "2"]);
    assert_eq!((even.status.code(), stdout(&even).as_str()), (Some(2), ""));
}

#[test]
fn the_bare_program_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("calico-mesos-install");
    fs_err::copy(env!("CARGO_BIN_EXE_calico-mesos-install"), &program).unwrap();
    let run = |arguments: &[&str]| {
        let output =
            Command::new(&program).args(arguments).current_dir(folder.path()).env_clear().output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    fs_err::write(folder.path().join("inventory.toml"), run(&["init"])).unwrap();
    assert!(run(&["validate", "inventory.toml"]).contains("no mistakes"));
    run(&["render", "inventory.toml", "--out", "out"]);
    assert!(folder.path().join("out/master-1/etc/zookeeper/zoo.cfg").is_file());
}

#[test]
fn an_installed_program_takes_the_files_beside_it() {
    let prefix = tempfile::tempdir().unwrap();
    let program = prefix.path().join("bin/calico-mesos-install");
    let releases = prefix.path().join("share/calico-mesos-install/specs/releases");
    fs_err::create_dir_all(program.parent().unwrap()).unwrap();
    fs_err::create_dir_all(&releases).unwrap();
    fs_err::copy(env!("CARGO_BIN_EXE_calico-mesos-install"), &program).unwrap();
    fs_err::write(releases.join("packaged.toml"), "").unwrap();
    let output = Command::new(&program).arg("schema").env_clear().output().unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let known = &schema["properties"]["cluster"]["properties"]["release"]["enum"];
    assert!(known.as_array().unwrap().contains(&"packaged".into()), "{known}");
}

#[test]
fn colours_are_for_terminals_and_for_those_who_insist() {
    let folder = tempfile::tempdir().unwrap();
    let coloured = |arguments: &[&str], no_color: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calico-mesos-install"));
        command.args(arguments).current_dir(folder.path()).env_remove("NO_COLOR");
        let output = no_color.into_iter().fold(&mut command, |command, value| command.env("NO_COLOR", value));
        stderr(&output.output().unwrap()).contains('\u{1b}')
    };
    assert!(!coloured(&["validate", "nothing.toml"], None), "standard error is a pipe");
    assert!(coloured(&["validate", "nothing.toml", "--color", "always"], None));
    assert!(!coloured(&["validate", "nothing.toml", "--color", "never"], None));
    assert!(!coloured(&["validate", "nothing.toml"], Some("1")));
}

#[test]
fn mistakes_are_plain_lines_and_end_with_status_2() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[cluster]\nname = \"demo\"\nrelease = \"0.28\"\ncontainerizers = [\"mesos\"]\n[ssh]\nidentity_file = \"~/key\"\n[[hosts]]\nname = \"m\"\naddress = \"10.0.0.1\"\nroles = [\"mastre\"]\n";
    fs_err::write(folder.path().join("inventory.toml"), text).unwrap();
    let output = run(folder.path(), &["validate", "inventory.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "");
    let told = stderr(&output).replace(folder.path().to_str().unwrap(), "HOME");
    insta::assert_snapshot!(told, @r"
        inventory.toml:6:17: there is no identity file HOME/key
          help: make a key with `ssh-keygen -t ed25519 -f HOME/key`, or name another
        inventory.toml:10:10: unknown role `mastre`
          help: did you mean `master`?
        error: 2 mistakes; nothing was contacted
        ");

    let output = run(folder.path(), &["validate", "inventory.toml", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let lines: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        (&lines[1]["type"], &lines[1]["line"], &lines[1]["column"]),
        (&"mistake".into(), &10.into(), &10.into())
    );
    assert_eq!((&lines[2]["type"], &lines[2]["mistakes"]), (&"summary".into(), &2.into()));

    let missing = run(folder.path(), &["validate", "nothere.toml", "--json"]);
    assert_eq!(missing.status.code(), Some(2));
    let types = stdout(&missing)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["type"].clone())
        .collect::<Vec<_>>();
    assert_eq!(types, ["error", "summary"]);
}

#[test]
fn an_inventory_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["validate", "nothing.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("calico-mesos-install init > nothing.toml"), "{}", stderr(&output));
}

#[test]
fn two_renders_are_the_same_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let made = run(folder.path(), &["init", "--masters", "3"]);
    fs_err::write(folder.path().join("inventory.toml"), stdout(&made)).unwrap();
    for out in ["a", "b", "b"] {
        let output = run(folder.path(), &["render", "inventory.toml", "--out", out]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let (a, b) = (tree(&folder.path().join("a")), tree(&folder.path().join("b")));
    assert_eq!(a, b);
    let isolation = a.iter().find(|(path, _)| path == "agent-2/etc/mesos-slave/isolation").unwrap();
    assert_eq!(isolation.1, "cgroups/cpu,cgroups/mem,com_mesosphere_mesos_NetworkIsolator\n");

    fs_err::create_dir(folder.path().join("mine")).unwrap();
    fs_err::write(folder.path().join("mine/x"), "").unwrap();
    let refused = run(folder.path(), &["render", "inventory.toml", "--out", "mine"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(folder.path().join("mine/x").is_file());
}

fn tree(folder: &Path) -> Vec<(String, String)> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            (path, fs_err::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

/// A run against a host that cannot be reached, its journal, and what `report` makes of it.
#[test]
fn a_run_is_recorded_and_can_be_looked_at_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[cluster]\nname = \"demo\"\nrelease = \"lab\"\ncontainerizers = [\"mesos\"]\n[ssh]\nuser = \"root\"\n\
                [[hosts]]\nname = \"m\"\naddress = \"127.0.0.1\"\nroles = [\"zookeeper\"]\nssh = { port = 1 }\n\
                [packages]\nprovided = [\"zookeeper\"]\n";
    fs_err::write(folder.path().join("inventory.toml"), text).unwrap();
    let tool = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_calico-mesos-install"))
            .args(arguments)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env_remove("XDG_STATE_HOME")
            .output()
            .unwrap()
    };
    assert!(stderr(&tool(&["report"])).contains("no run was recorded"));
    assert_eq!(tool(&["apply", "inventory.toml", "--yes"]).status.code(), Some(1));
    assert_eq!(
        tool(&["plan", "inventory.toml", "--limit", "m", "--log-file", "run.jsonl"]).status.code(),
        Some(1)
    );
    let runs = stdout(&tool(&["report"]));
    assert_eq!(
        runs.lines().filter(|line| line.contains("demo") && line.contains("failed")).count(),
        2,
        "{runs}"
    );
    let last = stdout(&tool(&["report", "last"]));
    assert!(last.contains("plan") && last.contains("\nm: "), "{last}");
    for source in ["last", "run.jsonl"] {
        let made = tool(&["report", source, "--html", "run.html"]);
        assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
        let page = fs_err::read_to_string(folder.path().join("run.html")).unwrap();
        assert!(page.contains("1 unreachable") && page.contains("127.0.0.1"), "{page}");
    }
}
