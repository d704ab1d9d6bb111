//! The pages of commands and of exit statuses.

use std::fmt::Write as _;

use calico_mesos_install::checks::{ALL, Level};
use calico_mesos_install::cli::{Cli, Exit};
use calico_mesos_install::verify::NAMES;
use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::{cell, head};

pub(crate) fn page() -> String {
    let mut tool = Cli::command();
    tool.build();
    let mut page = head(
        "Commands",
        "What `--help` and the man pages say, on one page. `calico-mesos-install man --out DIR` writes the man pages,\n\
         `calico-mesos-install completions SHELL` the completions.",
    );
    let visible = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for command in tool.get_subcommands().filter(visible) {
        one(command, &mut page, 2);
    }
    page.push_str("\n## Options of every command\n");
    let global: Vec<&Arg> = tool.get_arguments().filter(|arg| arg.is_global_set()).collect();
    options(&global, &mut page);
    page
}

fn one(command: &Command, page: &mut String, level: usize) {
    let name = command.get_bin_name().unwrap().strip_prefix("calico-mesos-install ").unwrap();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let about = text(command.get_long_about().or_else(|| command.get_about()));
    write!(page, "\n{} `{name}`\n\n{about}\n\n    {usage}\n", "#".repeat(level)).unwrap();
    let own: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_global_set() && !hidden(arg)).collect();
    options(&own, page);
    if let Some(more) = command.get_after_long_help() {
        let mut code = false;
        page.push('\n');
        for line in more.to_string().trim().lines() {
            let line = line.trim_end();
            // Examples are indented by two; a block of code wants four and an empty line above.
            if let Some(example) = line.strip_prefix("  ") {
                let gap = if code { "" } else { "\n" };
                writeln!(page, "{gap}    {example}").unwrap();
                code = true;
            } else {
                // What is behind an example has an empty line of its own.
                let gap = if code && !line.is_empty() { "\n" } else { "" };
                writeln!(page, "{gap}{line}").unwrap();
                code = false;
            }
        }
    }
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        one(inner, page, level + 1);
    }
}

fn hidden(arg: &Arg) -> bool {
    arg.is_hide_set() || ["help", "version"].contains(&arg.get_id().as_str())
}

fn options(args: &[&Arg], page: &mut String) {
    if args.is_empty() {
        return;
    }
    page.push_str("\n| argument | meaning | default |\n|---|---|---|\n");
    for arg in args {
        let help = text(arg.get_long_help().or_else(|| arg.get_help()));
        let words: Vec<String> =
            arg.get_possible_values().iter().map(|word| format!("`{}`", word.get_name())).collect();
        let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
        let words =
            if words.is_empty() || !takes { String::new() } else { format!(" One of {}.", words.join(", ")) };
        let env = arg.get_env().map(|env| format!(" Environment: `{}`.", env.to_string_lossy()));
        let default: Vec<String> =
            arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
        let default = if takes { default.join(", ") } else { String::new() };
        let dot = if help.ends_with(['.', ']']) { "" } else { "." };
        let meaning = cell(&format!("{help}{dot}{words}{}", env.unwrap_or_default()));
        writeln!(page, "| `{}` | {meaning} | {default} |", cell(&name(arg))).unwrap();
    }
}

fn name(arg: &Arg) -> String {
    let value = arg
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(|name| name.to_string())
        .collect::<Vec<_>>()
        .join(" ");
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    match (arg.get_short(), arg.get_long()) {
        (None, None) => value,
        (short, long) => {
            let short = short.map(|short| format!("-{short}"));
            let names = short.into_iter().chain(long.map(|long| format!("--{long}")));
            let names = names.collect::<Vec<_>>().join(", ");
            if takes { format!("{names} {value}") } else { names }
        }
    }
}

fn text(text: Option<&StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

pub(crate) fn checks() -> String {
    let mut page = head(
        "Checks",
        "What `plan`, `apply` and `validate --hosts` look at before anything changes, on all hosts at once. A check that\n\
         fails refuses the run with exit status 4; one that warns is shown. `--skip-check NAME` leaves one out.\n\n\
         | check | makes sure that | level | what to do |\n|---|---|---|---|",
    );
    for check in ALL {
        let level = match check.level {
            Level::Warn => "warns",
            Level::Fail => "refuses",
        };
        writeln!(page, "| `{}` | {} | {level} | {} |", check.name, cell(check.about), cell(check.remedy))
            .unwrap();
    }
    page.push_str("\n## What `verify` proves\n\nEach of these is a `check` of its own with `--json`: ");
    let names: Vec<String> = NAMES.iter().map(|name| format!("`{name}`")).collect();
    writeln!(page, "{}. [Troubleshooting](../troubleshooting.md) has an entry for each.", names.join(", "))
        .unwrap();
    page
}

pub(crate) fn exit_statuses() -> String {
    let mut page = head("Exit statuses", "The same for every command.\n\n| status | meaning |\n|---|---|");
    for exit in Exit::ALL {
        writeln!(page, "| {} | {} |", exit as u8, cell(exit.meaning())).unwrap();
    }
    page
}
