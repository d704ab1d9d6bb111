//! `man`: man pages, one a command, made of the same texts as `--help`.

use camino::Utf8PathBuf;
use clap::CommandFactory as _;

use super::{Cli, Exit, Failure};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder that gets the pages; made where it is missing.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    out: Utf8PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    fs_err::create_dir_all(&args.out).map_err(Failure::usage)?;
    clap_mangen::generate_to(Cli::command(), &args.out).map_err(|error| {
        Failure::usage(format!(
            "the man pages cannot be written to {}: {error}\nMake the folder writable.",
            args.out
        ))
    })?;
    Ok(Exit::Done)
}
