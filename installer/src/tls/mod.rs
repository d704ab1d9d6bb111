//! Certificates: those of an authority of the cluster's own, issued and renewed here, or the operator's, checked.
//!
//! The edge between resolving and rendering: it reads and writes files on the operator's machine and gives every host
//! of the cluster its [`Credentials`](crate::cluster::Credentials); nothing after it knows where they come from. The
//! authority's key never leaves the folder that it lies in.

mod authority;
mod certificate;
mod error;
mod given;
mod issued;

pub use certificate::is_other_authority;
pub use error::TlsError;

use jiff::Timestamp;

use crate::cluster::{Cluster, ClusterHost};
use crate::diagnostic::Mistakes;
use crate::inventory::{Inventory, Tls};

/// Whether certificates that are missing or due may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only what is there is taken. A host without a certificate stays without.
    Read,
    /// What is missing, due or no longer right is issued anew.
    Issue,
}

/// Gives every host of the cluster what it proves itself with.
///
/// # Errors
/// Files that cannot be read or written, and what is wrong with the operator's: all of it at once.
pub fn load(
    inventory: &Inventory,
    cluster: &mut Cluster,
    access: Access,
    now: Timestamp,
) -> Result<Mistakes, TlsError> {
    match &inventory.tls {
        Tls::Off => Ok(Mistakes::new()),
        Tls::Generate(settings) => issued::load(settings, cluster, access, now).map(|()| Mistakes::new()),
        Tls::Files(files) => Ok(given::load(files, cluster, now)),
    }
}

/// The names by which others call a host: its certificate must be for each of them.
fn names(host: &ClusterHost) -> Vec<String> {
    let name = host.name.as_str();
    let short = name.split('.').next().filter(|short| *short != name);
    [name].into_iter().chain(short).map(ToOwned::to_owned).collect()
}

/// What services of a host call one another by on the host itself.
const LOCAL_NAME: &str = "localhost";
/// The address of that.
const LOCAL_ADDRESS: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

#[cfg(test)]
mod tests;
