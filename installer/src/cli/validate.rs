//! `validate`: everything that can be known without contacting a host.

use std::time::Instant;

use anstream::println;
use camino::Utf8PathBuf;
use serde_json::json;

use super::{Common, Exit, Failure, load, mistakes};
use crate::diagnostic::quantity;
use crate::event::{Summary, Totals};

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The inventory.
    #[arg(default_value = "inventory.toml")]
    inventory: Utf8PathBuf,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let started = Instant::now();
    let checked = load::check(common, &args.inventory)?;
    if common.json {
        let found = checked.as_ref().err();
        if let Some(found) = found {
            mistakes::print_json(found);
        }
        let count = found.map_or(0, crate::diagnostic::Mistakes::len);
        println!("{}", summary("validate", started, &[("mistakes", count)]));
        return Ok(if found.is_some() { Exit::Usage } else { Exit::Done });
    }
    let loaded = checked.map_err(Failure::usage)?;
    let files: usize = loaded.hosts.iter().map(|host| host.files.len()).sum();
    let (hosts, files) = (quantity(loaded.cluster.hosts.len(), "host"), quantity(files, "file"));
    println!("{}: no mistakes; release {}, {hosts}, {files}", args.inventory, loaded.inventory.release.value);
    Ok(Exit::Done)
}

/// The last line of a command that contacts no host, with counts of its own.
pub(super) fn summary(command: &'static str, started: Instant, more: &[(&str, usize)]) -> serde_json::Value {
    let mut summary = json!(Summary::new(command, Totals::default(), 0, started));
    for (key, count) in more {
        summary[*key] = json!(count);
    }
    summary
}
