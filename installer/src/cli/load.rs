//! From the path of an inventory to what every host must be like: the way that most commands begin.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Common, Failure};
use crate::cluster::{Cluster, Resolved, check_release};
use crate::data::Data;
use crate::desired::DesiredHost;
use crate::diagnostic::Mistakes;
use crate::inventory::{self, Inventory};
use crate::render::{self, Templates};
use crate::roles::Catalogue;
use crate::tls::{self, Access};

/// An inventory and all that follows from it, without a mistake.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The inventory.
    pub(super) inventory: Inventory,
    /// The resolved cluster.
    pub(super) cluster: Cluster,
    /// What every host must be like, in the order of the inventory.
    pub(super) hosts: Vec<DesiredHost>,
}

/// Reads the inventory at `path` and resolves and renders it. Certificates are taken as far as they are there.
///
/// # Errors
/// With status 2: a file that cannot be read, or all mistakes at once.
pub(super) fn load(common: &Common, path: &Utf8Path) -> Result<Loaded, Failure> {
    check(common, path)?.map_err(Failure::usage)
}

/// Like [`load`], and issues what certificates are missing or due: for commands that make plans.
///
/// # Errors
/// With status 2: a file that cannot be read or written, or all mistakes at once.
pub(super) fn load_and_issue(common: &Common, path: &Utf8Path) -> Result<Loaded, Failure> {
    with(common, path, Access::Issue)?.map_err(Failure::usage)
}

/// Like [`load`], with the mistakes apart from other failures.
///
/// # Errors
/// With status 2: a file that cannot be read.
pub(super) fn check(common: &Common, path: &Utf8Path) -> Result<Result<Loaded, Mistakes>, Failure> {
    with(common, path, Access::Read)
}

fn with(common: &Common, path: &Utf8Path, access: Access) -> Result<Result<Loaded, Mistakes>, Failure> {
    let data = common.data()?;
    let home = std::env::var("HOME").ok().filter(|home| !home.is_empty()).map(Utf8PathBuf::from);
    let parsed = inventory::load(path, home.as_deref()).map_err(Failure::usage)?;
    let (inventory, mut cluster, templates) = match resolve(parsed, &data) {
        Ok(resolved) => resolved,
        Err(mistakes) => return Ok(Err(mistakes)),
    };
    let mistakes =
        tls::load(&inventory, &mut cluster, access, jiff::Timestamp::now()).map_err(Failure::usage)?;
    let rendered = mistakes.or(()).and_then(|()| render::render(&cluster, &templates));
    Ok(rendered.map(|hosts| Loaded { inventory, cluster, hosts }))
}

fn resolve(parsed: inventory::Parsed, data: &Data) -> Result<(Inventory, Cluster, Templates), Mistakes> {
    let inventory::Parsed { inventory, mut mistakes } = parsed;
    mistakes.extend(check_release(&inventory, data));
    let roles = match Catalogue::load(data) {
        Ok(roles) => Arc::new(roles),
        Err(found) => {
            mistakes.extend(found);
            return Err(mistakes.sorted());
        }
    };
    let templates = Templates::load(data, &roles).map_err(|found| mistakes.extend(found));
    let Resolved { cluster, mistakes: found } = Resolved::new(&inventory, roles);
    mistakes.extend(found);
    match templates {
        Ok(templates) if mistakes.is_empty() => Ok((inventory, cluster, templates)),
        _ => Err(mistakes.sorted()),
    }
}
