//! `completions`: for bash, zsh, fish and others.

use std::io::{ErrorKind, Write as _};

use clap::CommandFactory as _;

use super::{Cli, Exit, Failure};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    let script = repaired(&String::from_utf8_lossy(&script));
    match std::io::stdout().write_all(script.as_bytes()) {
        // Whoever reads may have seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::usage(error)),
        _ => Ok(Exit::Done),
    }
}

/// clap_complete writes the hyphens of the program's own name in two ways in its script for bash, once as if they
/// were subcommands, so that nothing below the first level would ever be completed.
fn repaired(script: &str) -> String {
    script.replace("calico__subcmd__mesos__subcmd__install", "calico__mesos__install")
}
