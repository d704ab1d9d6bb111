//! What the documents show is what the tool does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod commands;
mod links;
#[path = "../common/page.rs"]
mod page;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use calico_mesos_install::cli::Cli;
use clap::CommandFactory as _;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn readme() -> String {
    fs_err::read_to_string(root().join("README.md")).unwrap()
}

#[test]
fn the_commands_of_the_readme_are_those_of_the_tool() {
    let has: BTreeSet<String> =
        Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let readme = readme();
    let table = readme.split("## Commands").nth(1).unwrap().split("\n\n").nth(1).unwrap();
    let shown: BTreeSet<String> = table
        .lines()
        .skip(2)
        .flat_map(|row| row.split('|').nth(1).unwrap().split(", "))
        .map(|command| command.trim().trim_matches('`').split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(shown, has);
}

#[test]
fn the_commands_behave_as_recorded() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}

#[test]
fn completions_and_man_pages_are_made_for_every_command() {
    let tool = || Command::new(env!("CARGO_BIN_EXE_calico-mesos-install"));
    for shell in ["bash", "zsh", "fish"] {
        let output = tool().args(["completions", shell]).output().unwrap();
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("apply"));
    }
    // Every command that bash finds on the line must be one that it has completions for.
    let bash = String::from_utf8(tool().args(["completions", "bash"]).output().unwrap().stdout).unwrap();
    for command in
        bash.split("cmd=\"").skip(1).filter_map(|rest| rest.split('"').next()).filter(|c| !c.is_empty())
    {
        assert!(bash.contains(&format!("\n        {command})\n")), "no completions for {command}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(tool().args(["man", "--out"]).arg(folder.path()).status().unwrap().success());
    for command in Cli::command().get_subcommands() {
        let page = folder.path().join(format!("calico-mesos-install-{}.1", command.get_name()));
        assert!(page.exists(), "{}", page.display());
    }
}
