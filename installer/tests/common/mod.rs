//! What several tests begin with: an inventory's text, followed to its end.

#![allow(
    dead_code,
    clippy::panic,
    reason = "not every test uses all of it; a test may stop at the first surprise"
)]

use std::sync::Arc;

use calico_mesos_install::cluster::{Cluster, Resolved, check_release};
use calico_mesos_install::data::Data;
use calico_mesos_install::desired::DesiredHost;
use calico_mesos_install::diagnostic::{Mistakes, Source};
use calico_mesos_install::inventory::{Parsed, Surroundings};
use calico_mesos_install::render::{self, Templates};
use calico_mesos_install::roles::Catalogue;

/// The cluster that an inventory means, and all mistakes found on the way.
pub(crate) fn resolve(text: &str, data: &Data) -> (Cluster, Mistakes) {
    let around = Surroundings { folder: "/operator".into(), home: Some("/home/operator".into()) };
    let Parsed { inventory, mut mistakes } = Parsed::new(&Source::new("inventory.toml", text), &around);
    mistakes.extend(check_release(&inventory, data));
    let roles = Arc::new(Catalogue::load(data).unwrap_or_else(|mistakes| panic!("{mistakes}")));
    let Resolved { cluster, mistakes: found } = Resolved::new(&inventory, roles);
    mistakes.extend(found);
    (cluster, mistakes.sorted())
}

/// What every host of an inventory must be like.
pub(crate) fn rendered(text: &str, data: &Data) -> Result<Vec<DesiredHost>, Mistakes> {
    let (cluster, mistakes) = resolve(text, data);
    let templates = Templates::load(data, &cluster.roles)?;
    mistakes.or(())?;
    render::render(&cluster, &templates)
}
