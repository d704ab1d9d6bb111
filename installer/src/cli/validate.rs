//! `validate`.

use super::{Common, Exit, Failure};

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) fn run(_common: &Common, _args: &Args) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
