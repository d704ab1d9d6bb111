//! The command line: arguments, one file a command, exit statuses. The only place that prints.

mod build;
mod exit;
mod init;
mod lab;
mod load;
mod mistakes;
mod render;
mod validate;

pub use exit::{Exit, Failure};

use std::process::ExitCode;

use camino::Utf8PathBuf;
use clap::{Parser, Subcommand};

/// Builds, installs and proves Apache Mesos clusters with Calico networking.
#[derive(Debug, Parser)]
#[command(name = "calico-mesos-install", version, arg_required_else_help = true)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Print newline-delimited JSON events on standard output, the last one a summary.
    #[arg(long, global = true)]
    pub json: bool,
    /// A folder with `roles/`, `templates/` and `specs/` whose files take the place of the built-in ones.
    #[arg(long, global = true, value_name = "DIR", env = "CALICO_MESOS_INSTALL_DATA")]
    pub data: Option<Utf8PathBuf>,
}

/// The commands, each in a file of its own.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a commented inventory.
    Init(init::Args),
    /// Check an inventory offline, all mistakes at once.
    Validate(validate::Args),
    /// Write every file of every host below a folder.
    Render(render::Args),
    /// Build the packages of a release.
    Build(build::Args),
    /// Local hosts for trying and testing.
    Lab(lab::Args),
}

/// Runs the tool on this process's arguments and returns its exit status.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.show(),
    }
}

fn run(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Init(args) => init::run(&cli.common, args),
        Command::Validate(args) => validate::run(&cli.common, args),
        Command::Render(args) => render::run(&cli.common, args),
        Command::Build(args) => build::run(&cli.common, args),
        Command::Lab(args) => lab::run(&cli.common, args),
    }
}
