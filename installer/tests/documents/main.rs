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
use clap::{CommandFactory as _, Parser as _};

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
fn every_command_has_examples_and_every_example_is_right() {
    fn check(command: &clap::Command, path: &str) {
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let path = format!("{path} {}", inner.get_name());
            let help = inner.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<&str> =
                help.lines().filter_map(|line| line.strip_prefix("  calico-mesos-install ")).collect();
            assert!(
                help.starts_with("Examples:\n") && !examples.is_empty(),
                "`{path}` has no examples in its help"
            );
            for example in examples {
                let words = shlex::split(example.split(" > ").next().unwrap()).unwrap();
                let parsed = Cli::try_parse_from(std::iter::once("tool".to_owned()).chain(words));
                assert!(parsed.is_ok(), "{example}: {}", parsed.err().unwrap());
            }
            assert!(help.lines().all(|line| line.chars().count() <= 120), "`{path}`: a line is too long");
            check(inner, &path);
        }
    }
    check(&Cli::command(), "calico-mesos-install");
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
    fn pages(folder: &Path, command: &clap::Command, name: &str) {
        for inner in command.get_subcommands() {
            let name = format!("{name}-{}", inner.get_name());
            let page = fs_err::read_to_string(folder.join(format!("{name}.1"))).unwrap();
            assert!(page.contains("Examples:"), "{name}");
            pages(folder, inner, &name);
        }
    }
    pages(folder.path(), &Cli::command(), "calico-mesos-install");
}
