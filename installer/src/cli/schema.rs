//! `schema`: JSON schemas for editors and for other tools.

use super::{Common, Exit, Failure, events};
use crate::roles::Catalogue;
use crate::schema;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  calico-mesos-install schema > inventory.schema.json
  calico-mesos-install schema role > role.schema.json

Editors that know TOML complete and check an inventory whose first line is

  #:schema ./inventory.schema.json

The schema knows the variables of all roles, those below `--data` included.")]
pub struct Args {
    /// What is described.
    #[arg(value_enum, default_value_t = Subject::Inventory)]
    subject: Subject,
}

/// What a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Subject {
    /// The inventory.
    Inventory,
    /// A file in `roles/`.
    Role,
    /// A line that `--json` prints.
    Events,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let data = common.data()?;
    let roles = Catalogue::load(&data).map_err(Failure::usage)?;
    let releases: Vec<&str> = data.stems("specs/releases", ".toml").collect();
    let schema = match args.subject {
        Subject::Inventory => schema::inventory(&roles, &releases),
        Subject::Role => schema::role(),
        Subject::Events => events::schema_of_a_line(),
    };
    anstream::println!("{}", serde_json::to_string_pretty(&schema).map_err(Failure::usage)?);
    Ok(Exit::Done)
}
