//! `explain`: the installation of one host as steps to be done by hand.

use anstream::{eprintln, print};
use camino::Utf8PathBuf;

use super::{Common, Exit, Failure, load};
use crate::desired::DesiredHost;
use crate::diagnostic::suggestion;
use crate::explain::Explanation;
use crate::facts::Facts;
use crate::plan::{self, HostPlan};
use crate::repository::{PackageSet, Repository};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  calico-mesos-install explain inventory.toml --host master-1
  calico-mesos-install explain inventory.toml --host agent-1 > agent-1.md

The page has every package, file, command and wait of `apply` for a bare host, in the same order. Secrets are not in it.")]
pub struct Args {
    /// The inventory.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    inventory: Utf8PathBuf,
    /// The host.
    #[arg(long, value_name = "NAME")]
    host: String,
    /// The distribution profile that the packages were built for, where the repository has several.
    #[arg(long, value_name = "PROFILE")]
    distro: Option<String>,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let mut loaded = load::load(common, &args.inventory)?;
    let names = || loaded.hosts.iter().map(|host| host.host.as_str());
    let Some(host) = loaded.hosts.iter().find(|host| host.host.as_str() == args.host) else {
        let help = suggestion(&args.host, "hosts", names());
        return Err(Failure::usage(format!("no host is called `{}`\n{help}", args.host)));
    };
    let host = host.host.clone();
    let repository = Repository::open(&loaded.inventory.packages.repo, &loaded.inventory.release.value);
    let packages = match &repository {
        Ok(repository) => Some(pick(repository.sets(), args.distro.as_deref())?),
        Err(error) => {
            eprintln!("{error}\nThe page names packages without their versions.");
            None
        }
    };
    without_versions(&mut loaded.hosts, packages);
    let bare = Facts::of_bare_host();
    let plans: Result<Vec<HostPlan>, _> =
        loaded.hosts.iter().map(|desired| plan::plan(desired, &bare, packages)).collect();
    let plans = plans.map_err(Failure::usage)?;
    let graph = plan::graph(&loaded.hosts, &plans, loaded.inventory.rollout);
    let explanation = Explanation {
        cluster: &loaded.inventory.name,
        desired: &loaded.hosts,
        plans: &plans,
        graph: &graph,
        packages,
    };
    print!("{}", explanation.of(&host));
    Ok(Exit::Done)
}

/// The packages for one distribution.
fn pick<'a>(sets: &'a [PackageSet], distro: Option<&str>) -> Result<&'a PackageSet, Failure> {
    let names = || sets.iter().map(|set| set.manifest.distro.as_str());
    let picked = match distro {
        None => sets.first(),
        Some(name) => sets.iter().find(|set| set.manifest.distro == name),
    };
    picked.ok_or_else(|| {
        let wanted = distro.unwrap_or("any distribution");
        let help = suggestion(wanted, "profiles", names());
        Failure::usage(format!("the repository has no packages for {wanted}\n{help}"))
    })
}

/// Has packages that were not built installed by their names, as those that the hosts' own repositories provide.
fn without_versions(hosts: &mut [DesiredHost], packages: Option<&PackageSet>) {
    for package in hosts.iter_mut().flat_map(|host| &mut host.packages) {
        package.provided |= packages.is_none_or(|set| set.find(&package.name).is_none());
    }
}
