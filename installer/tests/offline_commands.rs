//! `init`, `validate` and `render` as a user calls them: exit statuses, both outputs, files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::path::Path;
use std::process::{Command, Output};

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
fn what_init_prints_validates() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&["init"][..], &["init", "--masters", "3", "--agents", "200", "--containerizers", "docker"]]
    {
        let made = run(folder.path(), arguments);
        assert_eq!(made.status.code(), Some(0));
        fs_err::write(folder.path().join("inventory.toml"), stdout(&made)).unwrap();
        let validated = run(folder.path(), &["validate"]);
        assert_eq!(validated.status.code(), Some(0), "{}", stderr(&validated));
    }
    let even = run(folder.path(), &["init", "--masters", "2"]);
    assert_eq!((even.status.code(), stdout(&even).as_str()), (Some(2), ""));
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
