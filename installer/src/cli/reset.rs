//! `reset`: takes away what the tool installed, and nothing else.

use super::apply::{Way, bring};
use super::hosts::{Goal, HostArgs, Prepared};
use super::{Common, Exit, Failure};

/// Arguments of `reset`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    hosts: HostArgs,
    /// Do not ask before changing hosts.
    #[arg(short, long)]
    yes: bool,
    /// Delete the services' data as well: the folders that the roles name.
    #[arg(long)]
    purge_data: bool,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let mut prepared = Prepared::load_to_look(common, &args.hosts)?;
    prepared.goal = Goal::Reset { purge: args.purge_data };
    bring(common, &prepared, &Way { command: "reset", yes: args.yes, saved: None, skip: None })
}
