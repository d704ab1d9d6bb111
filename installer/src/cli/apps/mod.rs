//! `apps`: sample applications, rendered, launched, listed and removed.

mod launch;
pub(super) mod marathon;
mod render;
mod show;

pub(super) use render::{DefinitionLine, PolicyLine, SampleLine};
pub(super) use show::{AppLine, OutcomeLine};

use camino::Utf8PathBuf;
use clap::Subcommand;

use super::hosts::HostArgs;
use super::{Common, Exit, Failure, examples};
use crate::apps::{Catalogue, MarathonVersion, Rendered, Samples};
use crate::build::Release;
use crate::cluster::Cluster;
use crate::data::Data;
use crate::diagnostic::parse_duration;

/// Arguments of `apps`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the Marathon definitions of sample applications, without contacting a host.
    #[command(after_long_help = examples::APPS_RENDER)]
    Render(RenderArgs),
    /// Launch sample applications, or definitions of your own, and wait until their tasks run.
    #[command(after_long_help = examples::APPS_LAUNCH)]
    Launch(LaunchArgs),
    /// Show the applications that Marathon has, with what their tasks do.
    #[command(after_long_help = examples::APPS_LIST)]
    List(ListArgs),
    /// Remove applications with their tasks.
    #[command(after_long_help = examples::APPS_REMOVE)]
    Remove(RemoveArgs),
}

/// Arguments of `apps render`.
#[derive(Debug, clap::Args)]
struct RenderArgs {
    /// The inventory.
    inventory: Utf8PathBuf,
    /// Samples, with or without their containerizer: `stars`, `stars-docker`. All that the cluster can run unless given.
    #[arg(value_name = "SAMPLE")]
    samples: Vec<String>,
    /// Write `SAMPLE.json` for each below this folder, and `SAMPLE.policy` where it has one, instead of printing.
    #[arg(long, value_name = "DIR")]
    out: Option<Utf8PathBuf>,
    /// Print the commands that let the parts of a sample talk, in place of its definitions.
    #[arg(long, conflicts_with = "out")]
    policy: bool,
    /// Print the names of the samples with what they show, in place of their definitions.
    #[arg(long, conflicts_with_all = ["out", "policy"])]
    names: bool,
    /// For this version of Marathon; that of the inventory's release unless given.
    #[arg(long, value_name = "VERSION")]
    marathon: Option<MarathonVersion>,
}

/// Arguments of `apps launch`.
#[derive(Debug, clap::Args)]
struct LaunchArgs {
    #[command(flatten)]
    hosts: HostArgs,
    /// Samples, as with `apps render`.
    #[arg(value_name = "SAMPLE", required_unless_present = "file")]
    samples: Vec<String>,
    /// A file with a definition of your own, or a list of them; can be given several times.
    #[arg(long, value_name = "FILE")]
    file: Vec<Utf8PathBuf>,
    /// Do not wait until the tasks run.
    #[arg(long)]
    no_wait: bool,
    /// How long to wait, for example 90s or 10m.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = patience)]
    timeout: std::time::Duration,
}

/// Arguments of `apps list`.
#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    hosts: HostArgs,
}

/// Arguments of `apps remove`.
#[derive(Debug, clap::Args)]
struct RemoveArgs {
    #[command(flatten)]
    hosts: HostArgs,
    /// Samples, or ids of applications, which begin with `/`; at least one.
    #[arg(value_name = "APP")]
    apps: Vec<String>,
}

/// Reads a duration that the operator writes.
pub(super) fn patience(text: &str) -> Result<std::time::Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Render(args) => render::run(common, args),
        Verb::Launch(args) => launch::launch(common, args),
        Verb::List(args) => launch::list(common, args),
        Verb::Remove(args) => launch::remove(common, args),
    }
}

/// Renders the samples that the names mean; those that this Marathon cannot run are left out where no names were
/// given, and refused where one was.
fn rendered(
    catalogue: &Catalogue,
    cluster: &Cluster,
    names: &[String],
    version: MarathonVersion,
) -> Result<Vec<Rendered>, Failure> {
    let samples = Samples::new(catalogue, cluster, version);
    let picked = catalogue.pick(names, &cluster.containerizers).map_err(Failure::usage)?;
    let mut rendered = Vec::new();
    for sample in picked {
        match samples.obstacle(sample) {
            Some(obstacle) if !names.is_empty() => return Err(Failure::usage(obstacle)),
            Some(_) => {}
            None => rendered.push(samples.render(sample).map_err(Failure::usage)?),
        }
    }
    Ok(rendered)
}

/// The Marathon of a release.
fn version_of_release(data: &Data, release: &str) -> Result<MarathonVersion, Failure> {
    let release = Release::load(data, release).map_err(Failure::usage)?;
    let Some(recipe) = release.packages.iter().find(|(name, _)| name.as_str() == "marathon") else {
        return Err(Failure::usage(format!(
            "the release {} has no Marathon\nsay for which one: --marathon VERSION",
            release.name
        )));
    };
    recipe.1.version.parse().map_err(Failure::usage)
}
